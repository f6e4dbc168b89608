"""The check of a pass counts what goes by and tells at the end what only the whole shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from linkage.errors import LinkageError
from linkage.pass_check import PassCheck
from tests.small_passes import PLAN, encoded


def test_counts_are_those_of_all_rows():
    """Rows, bits, and the largest block even when it is cut in two."""
    one = encoded(3, 90, 3)
    with PassCheck(PLAN, fill=True, memory=0) as check:
        for start in range(0, 90, 7):
            values, bounds = check.take(
                replace(one, ids=one.ids[start : start + 7], tags=one.tags[start : start + 7],
                        filters=one.filters[start : start + 7])
            )  # fmt: skip
            assert len(values) + 1 == len(bounds)
        check.finish()
    sizes = np.unique(one.tags[:, 0], return_counts=True)[1]
    bits = int(np.bitwise_count(one.filters).sum(dtype=np.int64))
    assert (90, bits, sizes.max()) == (check.rows, check.bits, check.largest)


def test_without_fill_no_bit_is_counted():
    """Linking does not judge fill again."""
    one = replace(encoded(3, 30, 3), filters=np.zeros((30, 2), dtype=np.uint64))
    with PassCheck(PLAN, fill=False, memory=1 << 20) as check:
        check.take(one)
        check.finish()
    assert 0 == check.bits


def test_the_first_fault_of_the_whole_is_told():
    """Ids before sizes before fill, however the rows were cut."""
    one = encoded(3, 30, 1)
    bad = replace(one, ids=np.repeat(one.ids[:1], 30, axis=0), filters=np.zeros((30, 2), dtype=np.uint64))
    for piece, cap, code in ((bad, 3, "E_IDENTIFIANT_LIGNE"), (replace(bad, ids=one.ids), 3, "E_BLOC_TROP_GRAND"),
                             (replace(bad, ids=one.ids), 0, "E_REMPLISSAGE")):  # fmt: skip
        with PassCheck(replace(PLAN, cap=cap), fill=True, memory=1 << 20) as check:
            check.take(piece)
            with pytest.raises(LinkageError, match=code):
                check.finish()


def test_rows_that_fall_back_are_refused_across_pieces():
    """The last row of a piece is remembered."""
    one = encoded(3, 30, 1)
    parts = [replace(one, ids=one.ids[rows], tags=one.tags[rows], filters=one.filters[rows])
             for rows in (slice(10, 20), slice(0, 10))]  # fmt: skip
    with PassCheck(PLAN, fill=False, memory=1 << 20) as check:
        check.take(parts[0])
        with pytest.raises(LinkageError, match="E_ORDRE_LIGNES"):
            check.take(parts[1])
