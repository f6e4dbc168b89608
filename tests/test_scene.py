"""Scenes: what the third party holds of a block, and the truth beside it."""

from dataclasses import replace

import numpy as np
import pytest

from linkage.attacks.outcome import Guesses
from linkage.attacks.scene import Side, drawn, one_table, scenes
from linkage.planner import plan_passes
from linkage.profiles import profile_named
from linkage.records import records_from_table
from linkage.sheet import load_sheet
from linkage.tables import RawTable
from tests.attacked import SHEET, everybody, sides

SIZE = 3000


@pytest.fixture(scope="module")
def blocks():
    """The three largest blocks of each pass; a quarter of the people are strangers to the attacker."""
    victim, attacker = sides(SIZE, overlap=2250)
    plan = plan_passes(SHEET, "standard", (SIZE, SIZE))
    return plan, list(scenes(victim, attacker, SHEET, plan, most=3))


def test_every_pass_shows_its_largest_blocks(blocks):
    """Three of each pass, the largest first."""
    plan, found = blocks
    assert [scene.view.plan.name for scene in found] == [one.name for one in plan.passes for _ in range(3)]
    for place in range(0, len(found), 3):
        sizes = [len(scene) for scene in found[place : place + 3]]
        assert sizes == sorted(sizes, reverse=True)


def test_rows_are_encoded_by_the_plan(blocks):
    """Length and degree are those of the pass, what divides is left out of the attacker's tokens too."""
    plan, found = blocks
    for scene in found:
        assert scene.view.filters.shape == (len(scene), plan.passes[0].length // 64)
        assert scene.view.degree == scene.view.plan.degree >= 3
    parts = {scene.view.plan.name: scene.view for scene in found}
    assert "date_naissance.year" in parts["annee"].plan.blocks
    assert not any(name.startswith("attribute/date_naissance\tyear=") for name in parts["annee"].sets.names)
    assert any(name.startswith("attribute/date_naissance\tyear=") for name in parts["noms"].sets.names)


def test_candidates_are_the_attackers_records_of_the_same_block(blocks):
    """Where the attacker has an identical record of a person, it is in the block; he has none of strangers."""
    _, found = blocks
    attacker = sides(SIZE, overlap=2250)[1]
    for scene in found:
        shared = np.isin(scene.people, attacker.people)
        assert ((scene.truth >= 0) == shared).all()
        theirs = attacker.people[scene.view.candidates[scene.truth[shared]]]
        assert theirs.tolist() == scene.people[shared].tolist()


def test_true_pairs_have_identical_expectations(blocks):
    """Nearest of all rows to a row is itself; what the attacker expects has the same mean over true pairs."""
    _, found = blocks
    scene = max(found, key=len)
    rows = np.flatnonzero(scene.truth >= 0)
    apart = np.triu_indices(len(rows), 1)
    measured = scene.view.measured[np.ix_(rows, rows)][apart]
    expected = scene.view.expected[np.ix_(scene.truth[rows], scene.truth[rows])][apart]
    noise = 1 / np.sqrt(scene.view.length * len(measured))
    assert abs(float((measured - expected).mean())) < 12 * noise + 1e-3
    assert np.diag(scene.view.expected).tolist() == [1.0] * len(scene.view.candidates)


def test_known_pairs_are_true_and_free_rows_are_the_others():
    """A tenth of those on both sides; what was computed before is kept."""
    scene = everybody("standard", 300, 200)
    told = scene.knowing(0.1, np.random.default_rng(0))
    assert len(told.view.known) in (20, 21)
    assert told.truth[told.view.known[:, 0]].tolist() == told.view.known[:, 1].tolist()
    assert len(told.view.free_rows) == 300 - len(told.view.known)
    assert len(told.view.free_candidates) == 300 - len(told.view.known)
    assert told.view.measured is told.knowing(5, np.random.default_rng(1)).view.measured
    assert told.view.expected is told.knowing(5, np.random.default_rng(1)).view.expected
    assert len(scene.view.known) == 0


def test_people_are_drawn_over_the_whole_file():
    """A share of those of both files, and a number of them."""
    victim, attacker = sides(300, 200)
    rng = np.random.default_rng(0)
    people = drawn(victim, attacker, 0.1, rng)
    assert len(people) == 20
    assert np.isin(people, victim.people).all()
    assert np.isin(people, attacker.people).all()
    assert len(drawn(victim, attacker, 7, rng)) == 7
    scene = everybody("standard", 300, 200)
    assert sorted(scene.people[scene.knowing_people(people).view.known[:, 0]].tolist()) == sorted(people.tolist())


def test_one_table_has_no_blocks():
    """Everybody in one scene, at the profile's degree, in plain filters too."""
    for name in ("reference", "standard"):
        scene = everybody(name, 300, 200)
        assert len(scene) == 300
        assert scene.view.degree == profile_named(name).degree
        assert one_table(SHEET, name, 300).passes[0].blocks == ()


def test_strangers_are_not_tried():
    """A reference file of other people: no row has a partner, nobody is tried, a guess is wrong."""
    victim = sides(300, 200)[0]
    others = sides(300, 200)[1]
    strangers = replace(others, people=others.people + 1_000_000)
    scene = next(scenes(victim, strangers, SHEET, one_table(SHEET, "standard", 300)))
    assert (scene.truth == -1).all()
    outcome = scene.score(
        Guesses(rows=np.array([0]), candidates=np.array([0]), confidence=np.array([1.0], dtype=np.float64))
    )
    assert (outcome.tried, outcome.right, outcome.correct.tolist()) == (0, 0, [False])


def test_agreements_with_some_are_those_of_the_table():
    """Computed alone or taken from the whole table."""
    alone = (
        everybody("standard", 300, 200).knowing(0, np.random.default_rng(0)).view.knowing(np.array([[1, 2], [5, 9]]))
    )
    rows = np.array([5, 1])
    first = alone.measured_with(rows), alone.expected_with(rows)
    assert first[0] == pytest.approx(alone.measured[:, rows], abs=1e-6)
    others = np.setdiff1d(np.arange(len(alone.candidates)), rows)
    assert first[1][others] == pytest.approx(alone.expected[np.ix_(others, rows)], abs=1e-6)
    assert alone.measured_with(rows).tolist() == alone.measured[:, rows].tolist()
    assert alone.expected_with(rows).tolist() == alone.expected[:, rows].tolist()


def test_blocks_may_be_drawn():
    """With a generator, blocks are random ones of the sizes wanted."""
    victim, attacker = sides(SIZE, overlap=2250)
    plan = plan_passes(SHEET, "standard", (SIZE, SIZE))
    found = list(scenes(victim, attacker, SHEET, plan, sizes=(2, SIZE), most=2, rng=np.random.default_rng(5)))
    assert [scene.view.plan.name for scene in found] == [one.name for one in plan.passes for _ in range(2)]
    largest = max(len(scene) for scene in found)
    small = list(scenes(victim, attacker, SHEET, plan, sizes=(2, largest - 1), most=1, rng=np.random.default_rng(5)))
    assert all(2 <= len(scene) < largest for scene in small)


def test_exact_passes_show_no_block():
    """Their rows are a keyed token and nothing else."""
    sheet = load_sheet("P5")
    identifiers, attributes = sheet.for_side("")
    numbers = [f"{732829320 + k:09d}" for k in range(50)]
    column = attributes[0].columns[0]
    table = RawTable.of("", {identifiers[0]: [str(k) for k in range(50)], column: numbers})
    side = Side(records=records_from_table(table, identifiers, attributes), people=np.arange(50))
    assert list(scenes(side, side, sheet, plan_passes(sheet, "standard", (2000, 2000)))) == []
