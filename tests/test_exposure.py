"""Exposure: the formula against drawn filters, the spectrum against drawn people, the least degree."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from linkage import exposure as module
from linkage.exposure import agreement, common_insertions, exposure, least_degree
from linkage.profiles import PROFILES
from linkage.statistics import BILLION, Statistics
from tests.invented import P1

STANDARD = PROFILES["standard"]
STATISTICS = Statistics(P1)
NAMES = ("nom_naissance.two", "prenoms.two", "nom_usage.value")
DATE = ("date_naissance.day_month",)


@pytest.mark.parametrize("common", [0, 300, 900, 1400])
def test_agreement_is_that_of_drawn_filters(common):
    """Two filters of 1,462 random positions of which some are the same: 1 - 2 times their share of unlike bits."""
    rng = np.random.default_rng(common)
    length, insertions = STANDARD.length, STANDARD.insertions
    found = []
    for _ in range(60):
        shared = rng.integers(0, length, common)
        bits = np.zeros((2, length), dtype=bool)
        for row in bits:
            row[shared] = True
            row[rng.integers(0, length, insertions - common)] = True
        found.append(1 - 2 * (bits[0] != bits[1]).mean())
    assert agreement(length, insertions)[common] / 2**30 == pytest.approx(np.mean(found), abs=0.012)


def test_agreement_grows_to_one():
    """More in common, more alike; all in common, equal."""
    table = agreement(2048, 1462)
    assert table == sorted(table)
    assert table[-1] == 2**30


def test_the_spectrum_is_a_distribution():
    """All pairs, whatever the components left out; nobody has more in common than everything."""
    for left_out in ((), NAMES, DATE, ("date_naissance.decade", "date_naissance.unit", "sexe.value")):
        spectrum = common_insertions(P1.attributes, STATISTICS, STANDARD, left_out)
        assert 0.99 * BILLION < spectrum.sum() <= BILLION
        assert len(spectrum) <= STANDARD.insertions + 1
        assert (spectrum >= 0).all()


def test_exposure_is_root_length_times_the_spread():
    """The same number in floating point, from the spectrum and the table."""
    spectrum = common_insertions(P1.attributes, STATISTICS, STANDARD, NAMES)
    table = np.array(agreement(STANDARD.length, len(spectrum) - 1)) / 2**30
    weight = spectrum / spectrum.sum()
    for degree in (4, 5, 7):
        mean, square = weight @ table**degree, weight @ table ** (2 * degree)
        kappa = np.sqrt(STANDARD.length * (square - mean**2))
        assert exposure(P1.attributes, STATISTICS, STANDARD, NAMES, degree) == pytest.approx(1000 * kappa, abs=1.1)


def test_names_expose_more_than_dates_and_degrees_less():
    """Blocks of names hold people who are more alike; each XOR more halves the exposure, about."""
    names, dates = (exposure(P1.attributes, STATISTICS, STANDARD, left_out, 4) for left_out in (NAMES, DATE))
    assert names > 2 * dates
    assert exposure(P1.attributes, STATISTICS, STANDARD, NAMES, 5) < 0.7 * names


def test_the_least_degree_keeps_the_aim():
    """One less would expose more; a pass that exposes little keeps its least degree, one that stays exposed gets 4 more."""
    spectrum = common_insertions(P1.attributes, STATISTICS, STANDARD, NAMES)
    degree = least_degree(STANDARD, spectrum, 5)
    assert exposure(P1.attributes, STATISTICS, STANDARD, NAMES, degree) <= STANDARD.exposure
    assert exposure(P1.attributes, STATISTICS, STANDARD, NAMES, degree - 1) > STANDARD.exposure
    assert least_degree(STANDARD, common_insertions(P1.attributes, STATISTICS, STANDARD, DATE), 6) == 6
    assert least_degree(replace(STANDARD, exposure=1), spectrum, 5) == 5 + 4


def test_a_published_case():
    """Names, birth date and sex alone, blocks of day and month, 2048 bits, t = 4: the prototype measured .11."""
    kept = [one for one in P1.attributes if one.name in ("nom_naissance", "prenoms", "sexe", "date_naissance")]
    weights = {"nom_naissance": 27, "prenoms": 24, "sexe": 3, "date_naissance": 46}
    attributes = [replace(one, bits=weights[one.name], most=1 if one.kind == "given_names" else 0) for one in kept]
    assert 70 <= exposure(attributes, STATISTICS, STANDARD, DATE, 4) <= 160


@pytest.mark.parametrize(
    "left_out", [(), ("decade",), ("unit",), ("decade", "unit"), ("year",), ("day_month",), ("month", "unit")]
)
@pytest.mark.parametrize("whole", [0, 30])
def test_two_years_have_in_common_what_a_plain_loop_counts(left_out, whole):
    """Each pair of years, digit by digit, with exact integers: what the block tells is equal and counts for nothing."""
    years = tuple(STATISTICS.named("date_naissance.year").items())
    hidden = {"decade": {0, 1, 2}, "unit": {3}, "year": {0, 1, 2, 3}}
    given = set[int]().union(*(hidden.get(part, set()) for part in left_out))
    expected: dict[int, int] = {}
    for (left, one), (right, other) in product(years, repeat=2):
        if all(left[place] == right[place] for place in given):
            common = 17 * sum(left[place] == right[place] for place in {2, 3} - given) + whole * (left == right)
            expected[common] = expected.get(common, 0) + one * other
    assert expected == module._of_years(years, 17, whole, frozenset(left_out))
