"""Bits proposed from a file's own frequencies: rarer values and fuller columns deserve more, none too much."""

from __future__ import annotations

import hashlib
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import PassKey
from linkage.encode import encode
from linkage.profiles import PROFILES
from linkage.records import MISSING, Column
from linkage.sheet import Sheet
from linkage.weights import AGREEMENT, LARGEST_SHARE, collision_rate, evidence, propose_bits
from tests.invented import P1, people, records_of


def column(codes: list[int]) -> Column:
    """A column of these codes; its values do not matter."""
    return Column(values=[f"V{code}" for code in range(max([*codes, 0]) + 1)], codes=np.array(codes, dtype=np.int32))


@given(st.lists(st.integers(-1, 4), max_size=30))
def test_collisions_are_counted_among_pairs_of_different_records(codes):
    """Of all ordered pairs of two records with a value, the share with the same one."""
    known = [code for code in codes if code != MISSING]
    pairs = [(i, j) for i in range(len(known)) for j in range(len(known)) if i != j]
    expected = sum(known[i] == known[j] for i, j in pairs) / len(pairs) if pairs else 0.0
    assert collision_rate(column(codes)) == pytest.approx(expected)


def test_evidence_is_that_of_fellegi_and_sunter():
    """Agreement over disagreement, in bits; none where strangers agree as often, bounded where the file cannot tell."""
    agree = AGREEMENT["sex"]
    assert evidence("sex", 0.5) == pytest.approx(log2(agree / 0.5) - log2((1 - agree) / 0.5))
    assert evidence("sex", agree) == evidence("country", 1.0) == 0.0
    assert evidence("name", 0.0) == evidence("name", 1e-12) == 24.0


def test_a_proposal_for_invented_people():
    """Names and dates share most, nobody gets more than the cap, what is rarely filled gets less."""
    found = {one.name: one for one in propose_bits(records_of(P1, people(400)), P1)}
    assert abs(sum(one.proposed for one in found.values()) - 100) <= len(found)
    assert max(one.proposed for one in found.values()) <= round(100 * LARGEST_SHARE)
    assert found["sexe"].proposed < found["prenoms"].proposed
    assert found["nom_usage"].proposed < found["nom_naissance"].proposed
    assert 0.2 < found["nom_usage"].fill < 0.4
    assert found["sexe"].effective_values == pytest.approx(2, rel=0.05)


def test_an_empty_attribute_gets_nothing():
    """No record has a country: no bit is proposed for it, and the others share everything."""
    crowd = [{**one, "cog_pays_naissance": ""} for one in people(200)]
    found = {one.name: one for one in propose_bits(records_of(P1, crowd), P1)}
    assert (found["cog_pays_naissance"].proposed, found["cog_pays_naissance"].fill) == (0, 0.0)
    assert abs(sum(one.proposed for one in found.values()) - 100) <= len(found)


def test_few_attributes_share_more_than_the_cap():
    """Three attributes cannot each stay under three tenths."""
    crowd = [{key: one[key] for key in ("nom_naissance", "prenoms", "date_naissance")} for one in people(200)]
    proposed = [one.proposed for one in propose_bits(records_of(P1, crowd), P1)]
    assert abs(sum(proposed) - 100) <= 3
    assert max(proposed) <= 37


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4])
def test_what_a_wrong_and_a_missing_value_cost(share):
    """Decision 0010: bits that differ, with the encoder; a gap costs six tenths of a wrong value, or nothing in both files."""
    weights = {"a": round(1000 * share), "b": round(1000 * (1 - share))}
    entries = {name: {"kind": "category", "bits": bits} for name, bits in weights.items()}
    sheet = Sheet.from_table({"version": "linkage/v1", "attributes": entries})
    crowd = [{"a": a, "b": str(number)} for number in range(200) for a in (f"{number}x", f"{number}y", "")]
    key, profile = PassKey(hashlib.sha256(b"cost").digest()), PROFILES["standard"]
    filters = encode(records_of(sheet, crowd), sheet.attributes, profile, (), key).reshape(200, 3, -1)
    right, wrong, missing = (filters[:, place] for place in range(3))
    costs = [np.bitwise_count(right ^ other).sum() / (200 * profile.length) for other in (wrong, missing)]
    expected = [1 - 2**-share, 2 ** -(1 - share) * (1 - 2**-share)]
    assert costs == pytest.approx(expected, abs=0.003)
