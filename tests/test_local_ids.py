"""Local identifiers and the lines of rows, against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import local_ids
from linkage.columns import RawColumn
from linkage.local_ids import LineNumbers, LocalIds
from linkage.row_store import Shelf

QUIET = settings(deadline=None, max_examples=60)


def problems(blocks: list[list[str]], room: int = 0) -> list[tuple[str, str, list[int]]]:
    """(code, rule, lines) of what is wrong, rows standing from line 10 on."""
    ids = LocalIds("id", Shelf(room))
    for block in blocks:
        ids.add(RawColumn.of(block))
    return [(code, rule, lines.tolist()) for code, _, rule, lines in ids.problems(lambda rows: rows + 10)]


@QUIET
@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "", " ", "\u3000", "é"]), max_size=8), max_size=4))
def test_empty_and_doubled_identifiers_are_found(blocks):
    """Every empty one, and every one that stood above, with the line of the first; whatever the pieces."""
    whole = [one for block in blocks for one in block]
    empty = [10 + row for row, one in enumerate(whole) if not one.strip()]
    expected = [("E_IDENTIFIANT_VIDE", "l'identifiant local est vide", empty)] if empty else []
    for first, one in enumerate(whole):
        again = [10 + row for row in range(first + 1, len(whole)) if whole[row] == one]
        if one.strip() and one not in whole[:first] and again:
            rule = f"le même identifiant figure déjà à la ligne {10 + first}"
            expected.append(("E_IDENTIFIANT_DOUBLE", rule, again))
    assert expected == problems(blocks)


def test_large_files_are_looked_through_a_share_at_a_time(monkeypatch):
    """The same doubles, however many shares there are, in memory or spilled."""
    names = [f"{number % 4990}" for number in range(5000)]
    whole = problems([names], 1 << 30)
    assert 10 == len(whole)
    monkeypatch.setattr(local_ids, "_AT_ONCE", 100)
    assert whole == problems([names[:2000], names[2000:]])


def test_numbers_that_meet_refuse_nobody(monkeypatch):
    """Were all fingerprints equal, only equal identifiers would be doubles."""
    monkeypatch.setattr(local_ids, "fingerprints", lambda cells, _: np.zeros(len(cells[1]) - 1, dtype=np.uint64))
    assert [] == problems([["a", "b"], ["c", "d"]])
    assert [12, 14] == [line for _, _, lines in problems([["a", "b"], ["a", "c", "c"]]) for line in lines]


def test_very_many_doubles_are_told_together():
    """Each with its line, none with the line of the first."""
    names = [str(number) for number in range(1500)]
    assert [("E_IDENTIFIANT_DOUBLE", "le même identifiant figure déjà plus haut", list(range(1510, 3010)))] == problems(
        [names + names]
    )


@QUIET
@given(
    st.lists(st.lists(st.integers(1, 4), max_size=6), min_size=1, max_size=4), st.sets(st.integers(0, 120), max_size=9)
)
def test_lines_of_rows_and_rows_of_lines(steps, asked):
    """With gaps between lines, whatever the pieces."""
    numbers, whole, line = LineNumbers(), list[int](), 1
    for block in steps:
        piece = []
        for step in block:
            line += step
            piece.append(line)
        numbers.add(np.array(piece, dtype=np.int64))
        whole += piece
    assert len(whole) == len(numbers)
    if whole:
        assert whole == numbers.at(np.arange(len(whole))).tolist()
        found = numbers.rows(np.array(sorted(asked), dtype=np.int64)).tolist()
        assert [whole.index(line) for line in sorted(asked) if line in whole] == found


def test_one_line_after_the_other_is_one_run():
    """A file of millions of plain rows takes a few bytes."""
    numbers = LineNumbers()
    for start in range(2, 100, 7):
        numbers.add(np.arange(start, start + 7))
    assert 1 == sum(map(len, numbers._rows))


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows):
    """None, or one."""
    assert [] == problems([["a"] * rows])
