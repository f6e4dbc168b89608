"""Rows made for a purpose: halves told apart, variants that do not resemble each other, a value climbed bit by bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crypto.keys import RunKey, fresh_share
from linkage.attacks.crafted import LIMITS, Service, climbed, faded, halving, mixed, supposed, supposing
from linkage.attacks.likeness import agreement
from linkage.planner import plan_passes
from linkage.records import Column
from linkage.wire import EncodedPass
from tests.attacked import SHEET, sides

BITS = 4096
RNG = np.random.default_rng(3)


def alike(count, common=0.6):
    """Rows that agree so much with each other."""
    base = RNG.integers(0, 2**64, BITS // 64, dtype=np.uint64)
    flips = RNG.random((count, BITS)) < (1 - np.sqrt(common)) / 2
    return base ^ np.packbits(flips, axis=1, bitorder="little").view(np.uint64)


def some(records, rows):
    """The records of some rows."""
    columns = {name: Column(values=one.values, codes=one.codes[rows]) for name, one in records.columns.items()}
    return replace(records, ids=[records.ids[row] for row in rows], columns=columns)


def test_a_row_is_nearer_to_the_half_that_it_is_for():
    """To every hypothesis of it than to any of the other half; its contrary the other way round; both agree as they should."""
    filters, wanted = alike(32), np.arange(32) % 2 == 1
    rows = halving(filters, wanted, LIMITS, RNG)
    for row, mine in zip(rows, (wanted, ~wanted), strict=True):
        near = agreement(row, filters)[0]
        assert near[mine].min() > near[~mine].max()
        assert abs(float(near.mean()) - LIMITS[0]) < 0.08
    assert agreement(*rows)[0, 0] < 0.3


def test_faded_rows_agree_with_what_they_were_and_not_with_each_other():
    """c with their own, c² with each other where those are equal; six deviations of noise."""
    filters = np.repeat(alike(1), 6, axis=0)
    found = faded(filters, 0.4, RNG)
    assert np.abs(np.diag(agreement(found, filters)) - 0.4).max() < 6 / np.sqrt(BITS)
    apart = agreement(found)[~np.eye(6, dtype=bool)]
    assert np.abs(apart - 0.16).max() < 6 / np.sqrt(BITS)


def test_made_rows_are_mixed_with_others():
    """Sorted by tag and id; each row is found again, the made ones first."""
    tags, filters = RNG.integers(0, 3, (20, 16), dtype=np.uint8), alike(20)
    ids = RNG.integers(0, 256, (15, 16), dtype=np.uint8)
    sent, order = mixed(tags[:5], filters[:5], EncodedPass(ids=ids, tags=tags[5:], filters=filters[5:]))
    names = [tag.tobytes() + name.tobytes() for tag, name in zip(sent.tags, sent.ids, strict=True)]
    assert sorted(names) == names
    assert (sent.filters == filters[order]).all()
    assert (sent.tags == tags[order]).all()


def test_people_are_supposed_with_each_value():
    """One after the other, everything else as it was."""
    records = sides(200)[0].records
    values = records.columns["prenoms"].values[:3]
    found = supposing(records, [5, 9], "prenoms", values)
    assert [*values, *values] == [found.columns["prenoms"].values[code] for code in found.columns["prenoms"].codes]
    surnames = records.columns["nom_naissance"].codes
    assert [surnames[5]] * 3 + [surnames[9]] * 3 == found.columns["nom_naissance"].codes.tolist()


def test_a_pass_that_divides_by_the_value_has_no_hypotheses():
    """First names divide the pass of names: its hypotheses are in several blocks."""
    records = sides(200)[0].records
    plan = plan_passes(SHEET, "standard", (20_000, 20_000))
    column = records.columns["prenoms"]
    values = [next(one for one in column.values if one.startswith(letter)) for letter in "AM"]
    with RunKey(fresh_share()) as key:
        found = list(supposed(supposing(records, range(8), "prenoms", values), 2, SHEET, plan, key))
    assert any("prenoms.initial" in one.blocks for one in plan.passes)
    assert {name for name, _, _ in found} == {one.name for one in plan.passes if "prenoms.initial" not in one.blocks}
    assert all(len(one.filters) == 2 for _, _, one in found)


@pytest.fixture(scope="module")
def climb():
    """Eight people of whom the recipient lacks the first names, eight of which are possible."""
    records = sides(300)[0].records
    column = records.columns["prenoms"]
    seen: dict[int, int] = {}
    for row, code in enumerate(column.codes.tolist()):
        if code >= 0:
            seen.setdefault(code, row)
    rows = list(seen.values())[:8]
    uploads = []
    service = Service(
        sheet=SHEET,
        plan=plan_passes(SHEET, "standard", (300, 300)),
        others=some(records, np.setdiff1d(np.arange(300), rows)),
        source=records,
        watched=lambda plan, sent, links: uploads.append((plan.name, len(sent), len(links.left_rows))),
    )
    questions = supposing(records, rows, "prenoms", [column.values[code] for code in list(seen)[:8]])
    return climbed((questions, 8), service, np.random.default_rng(5)), uploads


def test_a_value_is_climbed_bit_by_bit(climb):
    """Three bits a person, at most a pass each: nearly everybody's value is told, and rightly."""
    found, _ = climb
    told = found.guess >= 0
    assert told.sum() >= 6
    assert (found.guess == np.arange(8))[told].mean() > 0.7
    assert 3 * told.sum() <= found.answered <= found.asked
    assert found.runs <= 8


def test_the_third_party_sees_whole_uploads(climb):
    """The others' rows and two a person asked for."""
    _, uploads = climb
    assert uploads
    assert all(linked <= rows <= 300 + 16 for _, rows, linked in uploads)
