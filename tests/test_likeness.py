"""What an attacker expects of filters, against plain Python and against the encoder."""

import numpy as np
import pytest

from crypto.keys import PassKey, fresh_share
from linkage.attacks.likeness import agreement, expected_agreement, inserted, powers
from linkage.encode import encode
from linkage.features import insertions_by_group, parts_of, token_class, tokens
from linkage.profiles import profile_named
from linkage.records import MISSING
from tests.attacked import SHEET, sides

LEFT_OUT = ("date_naissance.year", "nom_naissance.initial")
ROWS = np.arange(40)


def counts_of(records, row):
    """Positions that each token of a record sets, one by one."""
    shares = insertions_by_group(SHEET.attributes, 1000, LEFT_OUT)
    found: dict[str, int] = {}
    budget = 0
    for one in SHEET.attributes:
        column = records.columns[one.name]
        code = int(column.codes[row])
        if code == MISSING:
            continue
        for group, names in tokens(one, column.values[code], parts_of(one, LEFT_OUT)).items():
            share = shares[one.name].get(group, 0)
            budget += share
            for place, name in enumerate(names):
                count = share // len(names) + (1 if place < share % len(names) else 0)
                key = f"{token_class(one)}\t{name}"
                if count:
                    found[key] = max(found.get(key, 0), count)
    return found, budget


@pytest.fixture(scope="module")
def people():
    """Forty records and what they insert."""
    records = sides(300)[0].records
    return records, inserted(records, ROWS, SHEET.attributes, 1000, LEFT_OUT)


def test_insertions_are_the_encoders_arithmetic(people):
    """Tokens, positions and budgets of each record, left-out parts left out."""
    records, sets = people
    for row in range(0, 40, 7):
        expected, budget = counts_of(records, row)
        start, stop = sets.counts.indptr[row : row + 2]
        found = {
            sets.names[t]: int(c)
            for t, c in zip(sets.counts.indices[start:stop], sets.counts.data[start:stop], strict=True)
        }
        assert found == expected
        assert sets.budget[row] == budget


def test_expected_agreement_is_the_formula(people):
    """δ = q^Ka + q^Kb − 2 q^(Ka+Kb−C), C the sum of the smaller counts of common tokens."""
    records, sets = people
    found = expected_agreement(sets, sets, 1024)
    q = 1 - 1 / 1024
    for i, j in ((0, 1), (3, 17), (5, 5), (39, 2)):
        ours, theirs = counts_of(records, i)[0], counts_of(records, j)[0]
        common = sum(min(count, theirs.get(name, 0)) for name, count in ours.items())
        a, b = sum(ours.values()), sum(theirs.values())
        delta = q**a + q**b - 2 * q ** (a + b - common)
        assert found[i, j] == pytest.approx(1 - 2 * delta, abs=1e-5)


def test_some_records_against_others(people):
    """A part of the records gives the part of the table."""
    _, sets = people
    whole = expected_agreement(sets, sets, 1024)
    some = np.array([3, 1, 20])
    assert expected_agreement(sets, sets.some(some), 1024) == pytest.approx(whole[:, some], abs=1e-6)


def test_filters_agree_as_expected(people):
    """Over fresh keys, measured agreements have the expected ones as their mean."""
    records, _ = people
    profile = profile_named("standard")
    sets = inserted(records, ROWS, SHEET.attributes, profile.insertions, LEFT_OUT)
    measured = [
        agreement(encode(records, SHEET.attributes, profile, LEFT_OUT, PassKey(fresh_share()))[:40]) for _ in range(6)
    ]
    apart = np.triu_indices(40, 1)
    difference = (np.mean(measured, axis=0) - expected_agreement(sets, sets, profile.length))[apart]
    assert float(np.abs(difference).max()) < 0.1
    assert abs(float(difference.mean())) < 0.01


def test_diffusion_raises_to_the_degree():
    """(1 − 2δ)^t; plain filters as they are."""
    some = np.array([[0.5, -0.2]], dtype=np.float32)
    assert powers(some, 4) == pytest.approx(some**4)
    assert powers(some, 3) == pytest.approx(some**3)
    assert powers(some, 0).tolist() == some.tolist()


def test_agreement_counts_bits():
    """1 − 2H/L, bit by bit."""
    filters = np.random.default_rng(1).integers(0, 1 << 63, (5, 4)).astype(np.uint64)
    found = agreement(filters, filters[1:3])
    for i in range(5):
        for j in range(2):
            apart = sum((int(a) ^ int(b)).bit_count() for a, b in zip(filters[i], filters[j + 1], strict=True))
            assert found[i, j] == pytest.approx(1 - 2 * apart / 256, abs=1e-6)
