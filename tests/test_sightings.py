"""What a rehearsal sees beyond a run: the pairs inside a file, and the links of every higher threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from linkage.linker import link_pass
from linkage.plan import estimated_dice
from linkage.sightings import (
    DRAWS,
    dice_floors,
    explored_plan,
    link_passes,
    links_of,
    neighbours_of,
    plain_plan,
    sightings,
)
from tests.mixtures import LENGTH, mixture, passes_of, plan_of, seen_in

BLOCKS = 3


def blocked(seed: int = 1):
    """Two files in three blocks, diffused or so it is said, with relatives."""
    one = mixture(30, 20, 0.1, seed, kin=0.5)
    rng = np.random.default_rng(seed)
    left, right = (rng.integers(0, BLOCKS, len(side)) for side in (one.left, one.right))
    plan = plan_of("hamming", 200, BLOCKS)
    return one, (left, right), plan, (passes_of(one.left, plan, left), passes_of(one.right, plan, right))


def test_neighbours_are_those_of_a_slow_search():
    """All pairs of one block of a file at or under the largest distance, both ways round, with sizes of that block."""
    one, (left, right), plan, encoded = blocked()
    found = neighbours_of(plan, encoded[0], encoded[1], len(one.left))
    slow = {}
    for i in range(len(one.left)):
        for j in range(len(one.left)):
            distance = int((one.left[i] ^ one.left[j]).sum())
            if i != j and left[i] == left[j] and distance <= 200:
                slow[i, j] = (
                    estimated_dice(distance, LENGTH, 4),
                    int((left == left[i]).sum()),
                    int((right == left[i]).sum()),
                )
    columns = zip(found.dice[:, 0].tolist(), found.own_rows.tolist(), found.other_rows.tolist(), strict=True)
    pairs = zip(found.record.tolist(), found.other.tolist(), strict=True)
    assert slow == dict(zip(pairs, columns, strict=True))
    assert len(slow) >= 6
    assert found.scale == 1.0


def test_stand_ins_come_from_the_same_block_of_the_other_file():
    """Every record drawn to stand for a neighbour could have met the record looked at."""
    one, (left, right), plan, encoded = blocked()
    found = neighbours_of(plan, encoded[0], encoded[1], len(one.left))
    assert found.stand_ins.shape == (len(found.record), DRAWS)
    assert (right[found.stand_ins] == left[found.record][:, None]).all()


def test_links_of_a_higher_threshold_are_links_of_the_lower_one():
    """One exploration gives the links that the production path gives at the plan's own threshold, pair by pair."""
    one, _, plan, encoded = blocked()
    lowest = replace(plan, passes=tuple(replace(of, information=235) for of in plan.passes))
    links, dice = links_of(lowest, encoded, link_passes(lowest, encoded), len(one.right))
    kept = (dice >= dice_floors(plan, [200])).any(axis=1)
    run = link_pass(encoded[0][0].encoded, encoded[1][0].encoded, plan.passes[0])
    expected = zip(
        encoded[0][0].records[run.left_rows].tolist(), encoded[1][0].records[run.right_rows].tolist(), strict=True
    )
    assert sorted(expected) == sorted(map(tuple, links[kept].tolist()))
    assert len(links) > kept.sum()


def test_a_pair_of_several_passes_is_one_link_with_its_score_in_each():
    """The union names a pair once; a pass that does not link it says 0."""
    one, _, plan, encoded = blocked()
    twice = replace(plan, passes=(plan.passes[0], replace(plan.passes[0], name="encore", information=100)))
    doubled = ([*encoded[0], *encoded[0]], [*encoded[1], *encoded[1]])
    links, dice = links_of(twice, doubled, link_passes(twice, doubled), len(one.right))
    assert len({tuple(pair) for pair in links.tolist()}) == len(links)
    floor = dice_floors(twice, [200, 100])[1]
    assert (dice[:, 1] == np.where(dice[:, 0] >= floor, dice[:, 0], 0)).all()


def test_a_rehearsal_looks_lower_than_the_plan():
    """Diffused: further than the plan's distance. Plain: where strangers crowd, under the pairs of one person."""
    _, _, plan, encoded = blocked()
    assert (
        explored_plan(replace(plan, passes=(replace(plan.passes[0], information=150),)), encoded).passes[0].information
        > 150
    )
    one = mixture(100, 100, 0.05)
    lowest, _, seen = seen_in(one)
    assert 500 <= lowest.passes[0].information < 700
    assert 1 <= len(seen.neighbours[0].record) / len(one.left) <= 10


def test_plain_filters_are_for_this_machine_only():
    """The same passes without diffusion, all pairs added when they are few."""
    plan = replace(plan_of("hamming", 200, BLOCKS), profile="standard")
    plain = plain_plan(plan, (1000, 1000))
    assert ("reference", [0, 0], [("x.value",), ()]) == (
        plain.profile,
        [one.degree for one in plain.passes],
        [one.blocks for one in plain.passes],
    )
    assert len(plain_plan(plan, (10**6, 10**6)).passes) == 1


def test_several_looks_count_for_their_share():
    """Neighbours seen twice weigh half each."""
    one, _, plan, encoded = blocked()
    linked, sizes = link_passes(plan, encoded), (len(one.left), len(one.right))
    once, twice = (sightings(plan, [encoded] * count, linked, sizes).neighbours[0] for count in (1, 2))
    assert 2 * len(once.record) == len(twice.record)
    assert once.scale == 2 * twice.scale


@pytest.mark.parametrize(("rows", "other"), [(0, 0), (0, 5), (1, 0), (1, 1), (2, 3)])
def test_tiny_files_are_seen_without_error(rows, other):
    """No row, or one: nothing to see, and nothing breaks."""
    one = mixture(0, 5, 0.1)
    plan = plan_of()
    encoded = passes_of(one.left[:rows], plan), passes_of(one.right[:other], plan)
    lowest = explored_plan(plan, encoded)
    seen = sightings(lowest, [encoded], link_passes(lowest, encoded), (rows, other))
    assert len(seen.links) <= min(rows, other)
