"""Imagined pairs: their probabilities, who meets in a block, who is alike enough to be linked."""

from __future__ import annotations

import numpy as np
import pytest

from linkage.assumptions import MISTAKES, UNIT, Mistake, imagine_pairs, linked
from linkage.attribute import COMPONENTS
from linkage.exposure import agreement
from linkage.features import insertions_by_group
from linkage.plan import distance_of_dice
from linkage.profiles import PROFILES
from tests.invented import FEBRL4, P1

PAIRS = imagine_pairs(P1)
STANDARD = PROFILES["standard"]


def test_each_kind_has_mistakes_of_its_own_components():
    """Rates leave most pairs right; what a mistake destroys are components of that kind; losses are per mille."""
    assert set(MISTAKES) == set(COMPONENTS)
    for kind, mistakes in MISTAKES.items():
        assert sum(one.rate for one in mistakes) <= 20_000
        for one in mistakes:
            assert set(one.parts) <= set(COMPONENTS[kind])
            assert 0 <= one.loss <= 1000


@pytest.mark.parametrize("sheet", [P1, FEBRL4])
def test_probabilities_make_a_whole(sheet):
    """All combinations together are everybody, up to rounding down."""
    pairs = imagine_pairs(sheet)
    assert 0.999 * UNIT < pairs.weight.sum() <= UNIT
    assert pairs.share(np.ones(len(pairs.weight), dtype=bool)) == UNIT


def test_fewer_meet_where_more_components_must_be_equal():
    """Each component more loses pairs; the share of one is what its mistakes leave."""
    year = PAIRS.meeting(["date_naissance.year"])
    both = PAIRS.meeting(["date_naissance.year", "nom_naissance.initial"])
    assert (both <= year).all()
    assert PAIRS.share(both) < PAIRS.share(year)
    wrong = sum(one.rate for one in MISTAKES["date"] if "year" in one.parts)
    assert PAIRS.share(year) / UNIT == pytest.approx(1 - wrong / 100_000, abs=1e-5)
    assert PAIRS.share(PAIRS.meeting(["nom_naissance.two"])) < PAIRS.share(PAIRS.meeting(["nom_naissance.initial"]))


def test_swapped_names_meet_in_passes_without_names_only():
    """No letter is where it was, but nothing is lost."""
    assert not PAIRS.meeting(["prenoms.initial"])[PAIRS.swapped].any()
    assert PAIRS.meeting(["sexe.value"])[PAIRS.swapped].any()


def test_a_usage_name_is_healed_by_its_own_pass():
    """Pairs where it stands for the birth name meet in a pass that takes it, others no longer do."""
    name = ["nom_naissance.initial"]
    usual, in_form = PAIRS.meeting(name), PAIRS.meeting(name, form=True)
    assert PAIRS.share(in_form & ~usual) > UNIT // 50
    assert PAIRS.share(usual & ~in_form) > UNIT // 50
    assert Mistake(rate=1, parts=("initial",), loss=5).seen(form=True) == (("initial",), 5)


def test_pairs_without_mistakes_have_everything_in_common():
    """And each mistake takes its share of the attribute's bits."""
    common = PAIRS.alike(P1.attributes, STANDARD, ())
    right = np.all([which == 0 for _, which in PAIRS.mistakes.values()], axis=0)
    assert (common[right] == common.max()).all()
    others_right = np.all([which == 0 for name, (_, which) in PAIRS.mistakes.items() if name != "sexe"], axis=0)
    lost = sum(insertions_by_group(P1.attributes, STANDARD.insertions, ())["sexe"].values())
    assert set((common.max() - common[others_right]).tolist()) == {0, lost}


def test_links_are_pairs_within_the_distance():
    """The border is where the expected distance passes the threshold."""
    table = agreement(STANDARD.length, 1000)
    distance = distance_of_dice(800, STANDARD.length, 4)
    found = linked(np.arange(1001), STANDARD, 1000, 4, distance)
    expected = [(1 - (value / 2**30) ** 4) * STANDARD.length / 2 for value in table]
    assert found.tolist() == sorted(found.tolist())
    assert all(
        abs(one - distance) < 1.5 or (one <= distance) == bool(is_linked)
        for one, is_linked in zip(expected, found, strict=True)
    )
