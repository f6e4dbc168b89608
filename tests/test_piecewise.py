"""A pass compared in pieces gives the bytes of a pass compared at once, wherever the work is taken up."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.linker import MEMORY, link_pieces
from linkage.plan import PassPlan
from linkage.wire import EncodedPass
from service.third_party.pieces import LinksPiece
from service.third_party.piecewise import Cursor, Work, assembled, bound_of, pieces_for
from tests.simulator import LENGTH, pass_plan

PLAN = pass_plan("jour", cap=0)
MANY = pass_plan("jour", cap=0, solving="many-to-one")


def rows(seed: int, size: int, blocks: int, near: EncodedPass | None = None) -> EncodedPass:
    """Rows of `blocks` tags, some of them close to rows of the other side."""
    rng = np.random.default_rng(seed)
    tags = np.random.default_rng(99).integers(0, 256, (blocks, 16), dtype=np.uint8)[rng.integers(0, blocks, size)]
    filters = rng.integers(0, 2**64, (size, LENGTH // 64), dtype=np.uint64)
    ids = rng.integers(0, 256, (size, 16), dtype=np.uint8)
    if near is not None and len(near):
        for row in range(0, size, 2):
            other = int(rng.integers(0, len(near)))
            filters[row], tags[row] = near.filters[other], near.tags[other]
            filters[row, 0] ^= np.uint64((1 << int(rng.integers(1, 30))) - 1)
    order = sorted(range(size), key=lambda row: (tags[row].tobytes(), ids[row].tobytes()))
    return EncodedPass(ids=ids[order], tags=tags[order], filters=np.ascontiguousarray(filters[order]))


@dataclass
class Held:
    """An upload in memory, and which chunks of it were opened."""

    encoded: EncodedPass
    chunk: int = 7
    opened: list[int] = field(default_factory=list)

    @property
    def chunks(self) -> int:
        return -(-len(self.encoded) // self.chunk)

    def rows(self, first: int) -> Generator[EncodedPass]:
        for number in range(first, self.chunks):
            self.opened.append(number)
            start, stop = number * self.chunk, (number + 1) * self.chunk
            one = self.encoded
            yield EncodedPass(ids=one.ids[start:stop], tags=one.tags[start:stop], filters=one.filters[start:stop])


def work() -> Work:
    return Work(executor=None, memory=MEMORY, alive=lambda: None)


def in_pieces(left: EncodedPass, right: EncodedPass, plan: PassPlan, of: int, killed: set[int]) -> list[LinksPiece]:
    """All pieces; the process is killed before some of them, and another goes on from what is stored."""
    found: list[LinksPiece] = []
    cursor = Cursor((Held(left), Held(right)), plan, of=of, number=0, rows=(0, 0))
    for number in range(of):
        if number in killed:
            before = (found[-1].head["left"], found[-1].head["right"]) if found else (0, 0)
            cursor = Cursor((Held(left), Held(right)), plan, of=of, number=number, rows=before)
        found.append(cursor.next(work()))
    return found


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16), sizes=st.tuples(st.integers(0, 90), st.integers(0, 90)), blocks=st.integers(1, 25),
    of=st.integers(1, 9), killed=st.sets(st.integers(0, 8)), many=st.booleans(),
)  # fmt: skip
def test_pieces_give_the_bytes_of_the_whole(seed, sizes, blocks, of, killed, many):
    """Whatever the rows, the number of pieces, and the places where the work was interrupted."""
    plan = MANY if many else PLAN
    left = rows(seed, sizes[0], blocks)
    right = rows(seed + 1, sizes[1], blocks, near=left)
    whole = link_pieces([left], [right], plan)
    found = assembled(in_pieces(left, right, plan, of, killed), plan)
    for name in ("left_rows", "right_rows", "left_ids", "score", "strict"):
        assert getattr(whole, name).tobytes() == getattr(found, name).tobytes()
    assert (whole.compared, whole.candidates) == (found.compared, found.candidates)
    assert (whole.shared, whole.crowd) == (found.shared, found.crowd)
    assert (whole.skew.blocks, whole.skew.pairs, whole.skew.largest_pairs) == (
        found.skew.blocks,
        found.skew.pairs,
        found.skew.largest_pairs,
    )


def test_a_process_that_begins_in_the_middle_opens_few_chunks():
    """It halves its way to the first row it needs: no chunk before that but those."""
    left = rows(1, 7 * 256, 2000)
    held = Held(left)
    found = in_pieces(left, left, PLAN, 8, set())
    cursor = Cursor((held, Held(left)), PLAN, of=8, number=6, rows=(found[5].head["left"], found[5].head["right"]))
    assert found[6].links.tobytes() == cursor.next(work()).links.tobytes()
    needed = found[5].head["left"] // 7
    assert len([number for number in held.opened if number < needed - 1]) <= 8


def test_pieces_share_the_rows_about_evenly():
    """Tags are keyed hashes: ranges of one width hold about as many rows."""
    left = rows(3, 4000, 2000)
    heads = [piece.head["left"] for piece in in_pieces(left, left, PLAN, 4, set())]
    sizes = np.diff([0, *heads])
    assert heads[-1] == len(left)
    assert sizes.min() > 800
    assert sizes.max() < 1200


@pytest.mark.parametrize(("count", "pieces"), [(0, 1), (1, 1), (100, 1), (101, 2), (1000, 10)])
def test_how_many_pieces(count, pieces):
    """As many as it takes, one at least."""
    assert pieces == pieces_for(count, 100)


def test_ranges_cover_all_tags():
    """The last has no end; the others end where the next begins."""
    bounds = [bound_of(number, 3) for number in range(3)]
    assert bounds[2] is None
    assert [16, 16] == [len(one) for one in bounds if one is not None]
    assert sorted(one for one in bounds if one) == [one for one in bounds if one]
    assert None is bound_of(0, 1)
