"""Rows of one upload that resemble each other: all of them, no other, however the rows come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.probing import KINDS, columns_of, measured, passes_seen
from linkage.errors import LinkageError
from linkage.planner import plan_passes
from linkage.sheet import load_sheet
from linkage.wire import EncodedPass
from service.guard_terms import ORDINARY
from service.third_party.guards import probes
from service.third_party.probing import NearDuplicates, Watch
from tests.simulator import LENGTH, pass_plan

PLAN = pass_plan("jour")


def upload(seed: int, sizes: list[int], copies: int) -> EncodedPass:
    """Blocks of random rows, of which some are within the strict distance of another one of the pass."""
    rng = np.random.default_rng(seed)
    tags = np.repeat(np.arange(len(sizes)), sizes)
    rows = len(tags)
    filters = rng.integers(0, 2**64, (rows, LENGTH // 64), dtype=np.uint64)
    for _ in range(copies if rows else 0):
        one = int(rng.integers(rows))
        block = np.flatnonzero(tags == tags[one])
        other = int(rng.choice(block))
        filters[one] = filters[other]
        filters[one, 0] ^= np.uint64((1 << int(rng.integers(0, 21))) - 1)
    ids = np.sort(rng.integers(0, 256, (rows, 16), dtype=np.uint8), axis=0)
    wide = np.zeros((rows, 16), dtype=np.uint8)
    wide[:, 0], wide[:, 1] = tags // 256, tags % 256
    return EncodedPass(ids=ids, tags=wide, filters=filters)


def watched(rows: EncodedPass, piece: int) -> NearDuplicates:
    """What is seen of rows that come so many at a time."""
    watch = Watch(PLAN, lambda: None, threads=1)
    parts = (
        EncodedPass(ids=rows.ids[a : a + piece], tags=rows.tags[a : a + piece], filters=rows.filters[a : a + piece])
        for a in range(0, len(rows), piece)
    )
    assert len(rows) == sum(len(one) for one in watch.through(parts))
    return watch.seen()


def by_hand(rows: EncodedPass) -> NearDuplicates:
    """The definition, pair by pair."""
    others = [0] * len(rows)
    for one in range(len(rows)):
        for other in range(len(rows)):
            apart = int(np.bitwise_count(rows.filters[one] ^ rows.filters[other]).sum())
            if one != other and (rows.tags[one] == rows.tags[other]).all() and apart <= PLAN.strict:
                others[one] += 1
    return NearDuplicates(rows=len(rows), near=sum(count > 0 for count in others), most=max(others, default=0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 12), max_size=6), st.integers(0, 12), st.integers(1, 40))
def test_a_watch_counts_what_the_definition_says(seed, sizes, copies, piece):
    """Whatever the blocks, the copies and the pieces."""
    rows = upload(seed, sizes, copies)
    assert by_hand(rows) == watched(rows, piece)


def test_large_uploads_are_compared_some_blocks_at_a_time(monkeypatch):
    """Blocks that lie across pieces are still whole; the result is that of one go."""
    rows = upload(1, [30] * 20, 40)
    expected = watched(rows, 1000)
    monkeypatch.setattr("service.third_party.probing._AT_ONCE", 2000)
    assert [expected] * 3 == [watched(rows, piece) for piece in (7, 45, 600)]
    assert expected.near


def test_an_upload_without_rows_shows_nothing():
    """A pass that nobody enters."""
    assert NearDuplicates(rows=0, near=0, most=0) == watched(upload(1, [], 0), 10)


def test_rows_out_of_order_are_refused():
    """As they are by whoever else reads them."""
    rows = upload(2, [5, 5], 0)
    turned = EncodedPass(ids=rows.ids, tags=rows.tags[::-1].copy(), filters=rows.filters)
    with pytest.raises(LinkageError) as caught:
        watched(turned, 10)
    assert "E_ORDRE_LIGNES" == caught.value.code


class Enough(Exception):
    """The work is given up."""


def test_the_work_stops_when_it_is_told_to():
    """What `alive` raises comes out."""

    def alive() -> None:
        raise Enough

    watch = Watch(PLAN, alive)
    with pytest.raises(Enough):
        list(watch.through(iter([upload(3, [50] * 40, 10)])))


@pytest.mark.parametrize("name", ["une personne, 12 orthographes", "2 % de cibles, 5 orthographes"])
def test_a_probing_file_is_told_from_a_file_about_people(name):
    """The benchmark's own worlds, small: a normal file with people twice in it passes, the same with variants does not."""
    sheet = load_sheet("P1")
    plan = plan_passes(sheet, "standard", (600, 3000))
    kind, thousandth, variants = KINDS[name]
    probed = (kind, max(1, 600 * thousandth // 1000), variants)
    normal, probing = (
        passes_seen(columns_of(600, 3, "certifie", **how), sheet, plan) for how in ({"twice": 0.01}, {"probed": probed})
    )
    assert [False, True] == [any(probes(one, ORDINARY.near_permille) for one in seen) for seen in (normal, probing)]


@pytest.mark.soak
@pytest.mark.parametrize("name", ["P1", "P2"])
def test_goal_of_the_detector(name):
    """G15: 95 % of the probing files of each kind are held, and 1 % of the normal ones at most."""
    sheet = load_sheet(name)
    for line in measured(sheet, "standard", 1000, range(20)):
        share = line.flagged / line.files
        assert share <= 0.01 if line.name.startswith("normal") else share >= 0.95, line


def test_the_benchmark_is_told_how_to_run():
    """Its page begins with the command."""
    page = (Path(__file__).parents[1] / "benchmarks" / "probing.py").read_text("utf-8")
    assert "python -m benchmarks.probing" in page.split('"""')[1]


def test_rows_of_one_token_resemble_each_other():
    """In an exact pass: a value that stands twice is two rows alike."""
    (plan,) = plan_passes(load_sheet("P5"), "standard", (1_000, 1_000)).passes
    tags = np.zeros((7, 16), dtype=np.uint8)
    tags[:, 0] = [0, 1, 1, 2, 2, 2, 3]
    ids = np.arange(7 * 16, dtype=np.uint8).reshape(7, 16)
    rows = EncodedPass(ids=ids, tags=tags, filters=np.empty((7, 0), dtype=np.uint64))
    watch = Watch(plan, lambda: None, threads=1)
    gone_by = sum(len(one) for one in watch.through(iter([rows])))
    assert 7 == gone_by
    assert NearDuplicates(rows=7, near=5, most=2) == watch.seen()
