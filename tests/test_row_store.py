"""Codes and texts of rows: the same from memory and from the disk, whatever their number and whichever rows are left out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import row_store
from linkage.lexicon import laid_out
from linkage.row_store import CodeStore, Gaps, Shelf, TextStore

QUIET = settings(deadline=None, max_examples=40)
ROOMS = pytest.mark.parametrize("room", [0, 1 << 30], ids=["spilled", "in memory"])


def gaps(left_out: list[int], rows: int) -> Gaps:
    """The rows left out among so many."""
    return Gaps(np.array(left_out, dtype=np.int64), rows)


@ROOMS
@given(data=st.data())
@QUIET
def test_parts_of_codes_are_those_of_the_whole(room, data):
    """Any part, with rows left out, of codes that came in any pieces: small ones, large ones, none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_store, "AT_ONCE", 16)
        blocks = data.draw(st.lists(st.lists(st.sampled_from([-1, 0, 1, 127, 128, 40_000]), max_size=40), max_size=5))
        whole = [code for block in blocks for code in block]
        left_out = sorted(data.draw(st.sets(st.integers(0, max(len(whole) - 1, 0)), max_size=6))) if whole else []
        kept = [code for row, code in enumerate(whole) if row not in left_out]
        shelf = Shelf(room)
        store = CodeStore(shelf)
        for block in blocks:
            store.add(np.array(block, dtype=np.int32))
        store.finish(gaps(left_out, len(whole)))
        assert len(kept) == len(store)
        assert shelf.spilled == (bool(whole) and room == 0)
        start, stop = data.draw(st.integers(0, 100)), data.draw(st.integers(0, 100))
        part = store.part(start, stop)
        assert (kept[start:stop], np.dtype(np.int32)) == (part.tolist(), part.dtype)
        assert kept == store.whole().tolist()


@ROOMS
@given(data=st.data())
@QUIET
def test_texts_are_a_sequence_of_strings(room, data):
    """Indexing, slicing and walking, with rows left out."""
    blocks = data.draw(
        st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=9), max_size=4)
    )
    whole = [one for block in blocks for one in block]
    left_out = sorted(data.draw(st.sets(st.integers(0, max(len(whole) - 1, 0)), max_size=5))) if whole else []
    kept = [one for row, one in enumerate(whole) if row not in left_out]
    store = TextStore(Shelf(room))
    for block in blocks:
        store.add(laid_out(block))
    store.finish(gaps(left_out, len(whole)))
    assert (True, kept, len(kept)) == (store == kept, list(store), len(store))
    start, stop = data.draw(st.integers(-9, 40)), data.draw(st.integers(-9, 40))
    assert (kept[start:stop], kept[start:stop:3]) == (store[start:stop], store[start:stop:3])
    if kept:
        assert kept[-1] == store[-1]
    with pytest.raises(IndexError):
        store[len(kept)]


def test_a_shelf_spills_all_or_nothing():
    """As soon as it holds more than its room; arrays keep their numbers."""
    shelf, arrays = Shelf(100), [np.arange(size) for size in (3, 4, 50, 2)]
    numbers = [shelf.put(array) for array in arrays[:2]]
    before = shelf.spilled
    numbers += [shelf.put(array) for array in arrays[2:]]
    assert (False, True) == (before, shelf.spilled)
    assert [0, 1, 2, 3] == numbers
    assert all((array == shelf.get(number)).all() for array, number in zip(arrays, numbers, strict=True))
    shelf.drop(1)
    assert (arrays[1] == shelf.get(1)).all()
    shelf.close()


def test_what_is_dropped_leaves_memory():
    """Its number stays taken."""
    shelf = Shelf(1 << 20)
    shelf.put(np.arange(9))
    shelf.drop(0)
    assert (1, 0) == (shelf.put(np.arange(3)), len(shelf.get(0)))


def test_threads_share_a_store():
    """Parts read at once by several threads are those of the whole."""
    codes = np.random.default_rng(5).integers(-1, 1 << 20, 3 * row_store.AT_ONCE + 7, dtype=np.int32)
    store = CodeStore(Shelf(0))
    store.add(codes)
    store.finish(gaps([], len(codes)))
    starts = range(0, len(codes), 100_000)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda start: store.part(start, start + 100_000), starts))
    assert (codes == np.concatenate(parts)).all()
