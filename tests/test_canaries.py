"""Canaries: plausible, nobody, each in one pass, and nothing of them anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from benchmarks.probing import columns_of
from crypto.keys import RunKey, fresh_share
from linkage.holder import encode_passes
from linkage.planner import plan_passes
from linkage.records import MISSING, Records
from linkage.sheet import load_sheet
from linkage.stream import Piece, stream_passes
from service.administration.canaries import Assigned, assign, draw, only_assigned
from service.administration.extra_people import extended, records_of
from tests.test_extra_people import told

SHEET = load_sheet("P1")
PLAN = plan_passes(SHEET, "standard", (300, 300))
KEY = RunKey(fresh_share())


@cache
def records() -> Records:
    """Three hundred people of the synthetic world."""
    from benchmarks.probing import _records

    return _records(columns_of(300, 11, "certifie"), SHEET)


def test_canaries_are_made_of_parts_of_several_people():
    """Every value is somebody's; surname, first names and date together are nobody's, and no canary is another's."""
    people, canaries = told(records()), told(draw(records(), SHEET, 60))
    assert 60 == len(canaries)
    for name in {name for one in canaries for name in one}:
        assert {one[name] for one in canaries if name in one} <= {one[name] for one in people if name in one}
    key = [
        one.name for one in SHEET.attributes if one.kind in ("name", "given_names", "date") and not one.second_form_of
    ]
    known = {tuple(one.get(name) for name in key) for one in people}
    assert not known & {tuple(one.get(name) for name in key) for one in canaries}
    assert 60 == len({tuple(sorted(one.items())) for one in canaries})


def test_no_two_draws_are_alike():
    """They come from the system's generator of secrets, not from anything that another could repeat."""
    assert told(draw(records(), SHEET, 20)) != told(draw(records(), SHEET, 20))


def test_what_names_one_person_is_left_out():
    """A number that differs from row to row would be somebody's."""
    from dataclasses import replace

    number = replace(SHEET.attributes[0], name="dossier", kind="code", second_form_of="")
    sheet = replace(SHEET, attributes=(*SHEET.attributes, number))
    numbers = records_of([{"dossier": str(row)} for row in range(len(records()))], ["dossier"])
    both = Records(ids=records().ids, columns={**records().columns, **numbers.columns})
    drawn = draw(both, sheet, 10)
    assert {MISSING} == set(drawn.columns["dossier"].codes.tolist())


def test_a_file_too_uniform_gives_fewer_canaries():
    """Rather none than one that is somebody."""
    same = records_of([told(records())[0]] * 50, [one.name for one in SHEET.attributes])
    assert 0 == len(draw(same, SHEET, 5))


def test_each_canary_stands_in_one_pass():
    """Whatever passes it could enter; every pass sends the file's own rows and its own canaries, and counts them."""
    canaries = draw(records(), SHEET, 24)
    assigned = assign(canaries, SHEET, PLAN, KEY)
    own = {one.plan.name: len(one.encoded) for one in encode_passes(records(), SHEET, PLAN, KEY)}
    first, seen = len(records()), []
    for stream in stream_passes(extended(records(), canaries), SHEET, PLAN, KEY):
        name = stream.plan.name
        ids: list[bytes] = []
        kept = list(only_assigned(iter(stream.pieces), first, assigned, name, ids))
        rows = np.concatenate([one.records for one in kept])
        mine = sorted((rows[rows >= first] - first).tolist())
        assert [number for number, own in enumerate(assigned.pass_of) if own == name] == mine
        assert own[name] + len(mine) == len(rows) == stream.count - assigned.dropped[name]
        sent = np.concatenate([one.rows for one in kept])
        assert {sent[place, :16].tobytes() for place in np.flatnonzero(rows >= first)} == set(ids)
        assert len(ids) == len(mine)
        seen += mine
    assert list(range(24)) == sorted(seen)
    assert 1 < len({*assigned.pass_of})


def test_nobody_is_assigned_without_a_place():
    """No canary, no pass; one of whom nothing is known stands nowhere."""
    nothing = assign(records_of([], [one.name for one in SHEET.attributes]), SHEET, PLAN, KEY)
    assert Assigned(pass_of=(), dropped=dict.fromkeys((one.name for one in PLAN.passes), 0)) == nothing
    unknown = assign(records_of([{}], [one.name for one in SHEET.attributes]), SHEET, PLAN, KEY)
    assert ("",) == unknown.pass_of


@pytest.mark.parametrize("size", [1, 3, 100])
def test_pieces_without_canaries_are_passed_on_untouched(size):
    """The same arrays, not copies."""
    pieces = [
        Piece(rows=np.zeros((size, 48), dtype=np.uint8), records=np.arange(size, dtype=np.int64)) for _ in range(2)
    ]
    ids: list[bytes] = []
    got: Iterator[Piece] = only_assigned(iter(pieces), 1000, Assigned(pass_of=(), dropped={}), "jour", ids)
    assert [True, True] == [one is other for one, other in zip(got, pieces, strict=True)]
    assert [] == ids
