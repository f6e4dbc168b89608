"""Passes as streams of rows: blocks in the order of their tags, a few thousand records at a time, on all processors.

Of a pass only the block of each record and the order of records by block are as long as the file; features are held once a
distinct value. Rows are made for runs of whole blocks, as many at a time as there are threads and a few more, so that the
memory beyond the records is bounded whatever their number. With several threads, the next pass is prepared meanwhile.

A record is set aside in a pass when what it inserts there (`linkage.encode`) is less than `LEAST_INSERTED` per thousand of the
profile's insertions: about a fifth of its bits would be set, too few to be compared. That depends on which attributes it
has, not on the bits that a key draws, so every pass is counted, and its blocks measured, before any of its rows is made.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.keys import PassKey, RunKey, derive
from linkage.attribute import with_bits
from linkage.blocks import check_largest_block
from linkage.compiled import brief
from linkage.diffuse import diffuse_blocks, stream_bytes
from linkage.encode import PassEncoder
from linkage.errors import LinkageError
from linkage.feature_table import FeatureTable
from linkage.passes import divide, in_form
from linkage.plan import PassPlan, Plan
from linkage.profiles import Profile, profile_named
from linkage.records import MISSING, Records
from linkage.sheet import Sheet
from linkage.statistics import Statistics
from linkage.wire import ID_BYTES, TAG_BYTES, row_bytes

__all__ = ["LEAST_INSERTED", "MEMORY", "PassStream", "Piece", "stream_passes"]

LEAST_INSERTED = 320  # per thousand of the profile's insertions

MEMORY = 512 << 20  # bytes

_CUT_SHARE = 4  # of the memory, one part in so many for values that stay cut
_KEPT_SHARE = 8  # of the memory, one part in so many for the filters of frequent values of each depth of a pass
_RUN_BYTES = 4 << 20  # of the rows of a run, and of what their tables are drawn from
_RECORDS_AT_ONCE = 1 << 18
_HEAD = (ID_BYTES + TAG_BYTES) // 8  # words of a row before its filter


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some rows of a pass, whole blocks.

    Attributes:
        rows: (k, row_bytes) uint8 C-order, as `linkage.wire` lays rows out.
        records: (k,) int64, the record that each row stands for; stays with the holder.
    """

    rows: NDArray[np.uint8]
    records: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class PassStream:
    """One pass, to be read once and before the next.

    Attributes:
        plan: of the pass.
        count: rows that will come.
        left_aside: records that fall out of this pass (no block value, or too few known attributes).
        pieces: the rows, sorted by (tag, id) from the first piece to the last.
    """

    plan: PassPlan
    count: int
    left_aside: int
    pieces: Iterator[Piece]


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A pass before its rows: `order` has the records by block, those of block b from starts[b] to starts[b + 1]."""

    plan: PassPlan
    encoder: PassEncoder
    order: NDArray[np.int32]
    starts: NDArray[np.int64]
    tags: NDArray[np.uint8]
    secrets: list[bytes]
    depth: NDArray[np.int64]


def stream_passes(
    records: Records,
    sheet: Sheet,
    plan: Plan,
    run_key: RunKey,
    *,
    memory: int = MEMORY,
    threads: int | None = None,
) -> Generator[PassStream]:
    """Encodes all passes of a plan, one at a time.

    Args:
        records: normalised.
        sheet: what the parties share.
        plan: of the comparison.
        run_key: of the comparison.
        memory: bytes that the encoder should not exceed beyond the records. With little of it, values are cut again in each
            pass.
        threads: that make rows; the processor's number when absent. Only the random ids depend on anything but the other
            arguments.

    Raises:
        LinkageError: `E_STATISTIQUES` when the plan was computed from other public statistics; `E_PLAN` when a pass protects
            less than its profile promises; `E_BLOC_TROP_GRAND` before any row of the pass.
    """
    statistics, profile = Statistics(sheet), profile_named(plan.profile)
    _check(plan, profile, statistics)
    tables: dict[str, FeatureTable] = {}

    def prepare(one: PassPlan) -> _Prepared:
        if one.form not in tables:
            seen = in_form(records, sheet, one.form) if one.form else records
            like = next(iter(tables.values()), None)
            tables[one.form] = FeatureTable(seen, room=memory // _CUT_SHARE, like=like)
        return _prepare(tables[one.form], sheet, one, profile, statistics, run_key, memory // _KEPT_SHARE)

    workers = max(1, threads or _processors())
    pool = ThreadPoolExecutor(workers, thread_name_prefix="encode")
    try:
        coming = [pool.submit(prepare, one) for one in plan.passes[:1]]
        for place in range(len(plan.passes)):
            prepared = coming.pop().result()
            following = plan.passes[place + 1 : place + 2]
            if workers > 1:  # while rows are made
                coming += [pool.submit(prepare, one) for one in following]
            count = len(prepared.order)
            yield PassStream(
                plan=prepared.plan, count=count, left_aside=len(records) - count, pieces=_pieces(prepared, pool)
            )
            del prepared
            if workers == 1:
                coming += [pool.submit(prepare, one) for one in following]
    finally:
        pool.shutdown(cancel_futures=True)


def _check(plan: Plan, profile: Profile, statistics: Statistics) -> None:
    if plan.statistics_digest != statistics.digest:
        rule = "le plan vient d'autres statistiques publiques : proposez une nouvelle convention"
        raise LinkageError("E_STATISTIQUES", rule)
    promised = (profile.length, profile.measure)
    if any((one.length, one.measure) != promised or one.degree < profile.degree for one in plan.passes):
        raise LinkageError(
            "E_PLAN", f"une passe ne suit pas le profil {profile.name} : proposez une nouvelle convention"
        )


def _prepare(
    table: FeatureTable,
    sheet: Sheet,
    plan: PassPlan,
    profile: Profile,
    statistics: Statistics,
    run_key: RunKey,
    room: int,
) -> _Prepared:
    key = PassKey(derive(run_key, Label.PASS, plan.name.encode()))
    division = divide(table.records, sheet, plan, statistics, key, table=table)
    depths = range(int(division.depth.max(initial=0)) + 1)
    attributes = with_bits(sheet.attributes, plan.bits)
    encoder = PassEncoder(table, attributes, profile, [plan.left_out(depth) for depth in depths], key)
    _set_aside(division.block, division.depth, encoder, profile)
    sizes = np.bincount(division.block[division.block != MISSING], minlength=len(division.tags))
    check_largest_block(int(sizes.max(initial=0)), plan.cap)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    order = _by_block(division.block, starts)
    of_depth = np.repeat(division.depth, sizes)
    for depth in depths:
        encoder.keep(order[of_depth == depth], room, depth)
    return _Prepared(
        plan=plan,
        encoder=encoder,
        order=order,
        starts=starts,
        tags=division.tags,
        secrets=division.secrets,
        depth=division.depth,
    )


def _set_aside(block: NDArray[np.int32], depth: NDArray[np.int64], encoder: PassEncoder, profile: Profile) -> None:
    """Takes out of their blocks the records of which too little is known."""
    for start in range(0, len(block), _RECORDS_AT_ONCE):
        some = block[start : start + _RECORDS_AT_ONCE]
        depths = np.append(depth, MISSING)[some]  # the last entry answers for block MISSING = -1
        for one in np.unique(depths[depths != MISSING]).tolist():
            rows = np.flatnonzero(depths == one)
            known = encoder.insertions(rows + start, one)
            some[rows[1000 * known.astype(np.int64) < LEAST_INSERTED * profile.insertions]] = MISSING


def _pieces(prepared: _Prepared, pool: ThreadPoolExecutor) -> Iterator[Piece]:
    """The rows of runs of whole blocks, in order, some runs ahead of what is read."""
    coming: deque[Future[Piece]] = deque()
    for first, last in _runs(prepared):
        coming.append(pool.submit(_rows_of, prepared, first, last))
        if len(coming) > 2 * pool._max_workers:  # noqa: SLF001
            yield coming.popleft().result()
    while coming:
        yield coming.popleft().result()


def _runs(prepared: _Prepared) -> Iterator[tuple[int, int]]:
    """Runs of blocks [first, last) of about as many rows each."""
    plan, starts = prepared.plan, prepared.starts
    most, tables = _RUN_BYTES // row_bytes(plan.length), _RUN_BYTES // stream_bytes(plan.length, plan.degree)
    first, blocks = 0, len(starts) - 1
    while first < blocks:
        last = int(np.searchsorted(starts, starts[first] + most, side="right")) - 1
        last = min(max(min(last, first + tables), first + 1), blocks)
        if starts[last] > starts[first]:
            yield first, last
        first = last


def _rows_of(prepared: _Prepared, first: int, last: int) -> Piece:
    """The rows of some blocks."""
    plan = prepared.plan
    bounds = prepared.starts[first : last + 1] - prepared.starts[first]
    records = prepared.order[prepared.starts[first] : prepared.starts[last]].astype(np.int64)
    plain = np.zeros((len(records), plan.length // 64), dtype=np.uint64)
    sizes, depths = np.diff(bounds), prepared.depth[first:last]
    for depth in np.unique(depths).tolist():
        places = np.flatnonzero(np.repeat(depths == depth, sizes))
        prepared.encoder.add(records[places], places, plain, depth)
    rows = np.empty((len(records), _HEAD + plan.length // 64), dtype=np.uint64)
    ids = np.frombuffer(os.urandom(ID_BYTES * len(records)), dtype=np.uint64).reshape(-1, 2)
    places = _name(ids, prepared.tags[first:last].view(np.uint64), bounds, rows)
    if plan.degree:
        diffuse_blocks(plain, bounds, prepared.secrets[first:last], plan.degree, places, rows[:, _HEAD:])
    else:
        rows[places, _HEAD:] = plain
    named = np.empty_like(records)
    named[places] = records
    return Piece(rows=rows.view(np.uint8), records=named)


def _by_block(block: NDArray[np.int32], starts: NDArray[np.int64]) -> NDArray[np.int32]:
    order = np.empty(starts[-1], dtype=np.int32)
    _count_out(block, starts.copy(), order)
    return order


@brief
def _count_out(
    block: NDArray[np.int32], following: NDArray[np.int64], order: NDArray[np.int32]
) -> None:  # pragma: no cover - compiled
    for record in range(len(block)):
        if block[record] >= 0:
            order[following[block[record]]] = record
            following[block[record]] += 1


@brief
def _swapped(word: np.uint64) -> np.uint64:  # pragma: no cover - compiled
    """A word of eight bytes as the number that compares as its bytes do."""
    number = np.uint64(0)
    for _ in range(8):
        number = (number << np.uint64(8)) | (word & np.uint64(0xFF))
        word >>= np.uint64(8)
    return number


@brief
def _name(
    ids: NDArray[np.uint64], tags: NDArray[np.uint64], bounds: NDArray[np.int64], rows: NDArray[np.uint64]
) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """Writes ids and tags at the head of rows sorted by id in each block; returns the row of each record.

    Args:
        ids: (k, 2), one a record.
        tags: (b, 2), one a block.
        bounds: (b + 1,), records of each block.
        rows: (k, at least 4).
    """
    places = np.empty(len(ids), dtype=np.int64)
    for block in range(len(bounds) - 1):
        start, stop = bounds[block], bounds[block + 1]
        keys = np.empty(stop - start, dtype=np.uint64)
        for k in range(stop - start):
            keys[k] = _swapped(ids[start + k, 0])
        order = np.argsort(keys)
        for k in range(1, stop - start):  # equal first halves, which hardly ever happen
            other = k
            while other and keys[order[other - 1]] == keys[order[other]]:
                one, two = ids[start + order[other - 1], 1], ids[start + order[other], 1]
                if _swapped(one) > _swapped(two):
                    order[other - 1], order[other] = order[other], order[other - 1]
                other -= 1
        for k in range(stop - start):
            places[start + order[k]] = start + k
            rows[start + k, 0] = ids[start + order[k], 0]
            rows[start + k, 1] = ids[start + order[k], 1]
            rows[start + k, 2] = tags[block, 0]
            rows[start + k, 3] = tags[block, 1]
    return places


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
