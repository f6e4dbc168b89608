"""Passes as streams of rows: blocks in the order of their tags, some thousand records at a time, on all processors.

Of a pass only the block of each record is as long as the file, and only until records are laid aside by runs of whole blocks
(`linkage.runs`), sealed on the disk where there are too many of them; features are held once a distinct value. Rows are made
run by run, as many at a time as there are threads and a few more, so that the memory beyond the records is bounded whatever
their number. With several threads, the next pass is prepared meanwhile. A run is made in a few calls of compiled code, which
leave the interpreter to the other threads: it is read, named, encoded and diffused whole.

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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.keys import PassKey, RunKey, derive
from linkage.attribute import with_bits
from linkage.blocks import check_largest_block
from linkage.compiled import compiled
from linkage.diffuse import complement_blocks, diffuse_blocks
from linkage.diffusion_tables import stream_bytes
from linkage.encode import PassEncoder
from linkage.errors import LinkageError
from linkage.exact_rows import ExactRows, exact_rows
from linkage.feature_table import FeatureTable
from linkage.memory import MEMORY, give_back, left_for_data, share_heap
from linkage.passes import Division, divide, in_form
from linkage.plan import PassPlan, Plan
from linkage.profiles import Profile, profile_named
from linkage.records import Records
from linkage.runs import Runs, codes_of, count_blocks, set_aside
from linkage.sheet import Sheet
from linkage.spill import Spill
from linkage.statistics import Statistics
from linkage.wire import ID_BYTES, TAG_BYTES, row_bytes

__all__ = ["LEAST_INSERTED", "PassStream", "Piece", "stream_passes"]

LEAST_INSERTED = 320  # per thousand of the profile's insertions


# Of the memory left for data, one part in so many. Two passes are there at once: one whose rows are made, and the next.
_CUT_SHARE = 8  # for values that stay cut
_KEPT_SHARE = 20  # for the filters of frequent values of a pass
_LAID_SHARE = 16  # for the records of a pass that are laid aside
_RUN_BYTES = 4 << 20  # of the rows of a run, and of what their tables are drawn from
_TRIMMED = 8  # runs from one time that free memory is given back to the next
_SAMPLE = 1 << 17  # records, about
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
    """A pass before its rows."""

    plan: PassPlan
    encoder: PassEncoder
    runs: Runs
    count: int
    tags: NDArray[np.uint8]
    secrets: list[bytes]
    complements: list[bytes]
    depth: NDArray[np.int64]
    samples: list[NDArray[np.int32]]  # of each depth, codes of some records,
    step: int  # one of so many

    def keep(self, room: int) -> None:
        """Makes the filters of frequent values; not before the rows of the pass are made, so that one pass at a time has any."""
        for depth, sample in enumerate(self.samples):
            self.encoder.keep(sample, self.step, depth, room // len(self.samples))
        self.samples.clear()

    def pieces(self, pool: ThreadPoolExecutor) -> Iterator[Piece]:
        """The rows of runs of whole blocks, in order, some runs ahead of what is read."""
        coming: deque[Future[Piece]] = deque()
        for run in range(len(self.runs)):
            coming.append(pool.submit(_rows_of, self, run))
            if len(coming) > pool._max_workers:  # noqa: SLF001
                yield coming.popleft().result()
            if run % _TRIMMED == _TRIMMED - 1:
                give_back()
        while coming:
            yield coming.popleft().result()


def stream_passes(
    records: Records,
    sheet: Sheet,
    plan: Plan,
    run_key: RunKey,
    *,
    memory: int = MEMORY,
    threads: int | None = None,
    folder: Path | None = None,
) -> Generator[PassStream]:
    """Encodes all passes of a plan, one at a time.

    Args:
        records: normalised.
        sheet: what the parties share.
        plan: of the comparison.
        run_key: of the comparison.
        memory: bytes that the process should not exceed. With little of it, values are cut again in each pass.
        threads: that make rows; the processor's number when absent. Only the random ids depend on anything but the other
            arguments.
        folder: where records go that memory has no room for, sealed; the system's folder of temporary files when absent.

    Raises:
        LinkageError: `E_STATISTIQUES` when the plan was computed from other public statistics; `E_PLAN` when a pass protects
            less than its profile promises; `E_BLOC_TROP_GRAND` before any row of the pass; `E_DISQUE_PLEIN`.
    """
    statistics, profile = Statistics(sheet), profile_named(plan.profile)
    _check(plan, profile, statistics, sheet)
    share_heap()
    room = left_for_data(memory)
    room = max(room - 4 * len(records), room // 4)  # the blocks of a pass are held whole, a number a record
    spills = {one.name: Spill(folder) for one in plan.passes}
    preparing = _Preparing(records, sheet, (statistics, profile), run_key, room)

    def prepare(one: PassPlan) -> _Prepared | ExactRows:
        return preparing.exact(one) if one.measure == "exact" else preparing.of(one, spills[one.name])

    workers = max(1, threads or _processors())
    pool = ThreadPoolExecutor(workers, thread_name_prefix="encode")
    try:
        coming = [pool.submit(prepare, one) for one in plan.passes[:1]]
        for place in range(len(plan.passes)):
            prepared = coming.pop().result()
            following = plan.passes[place + 1 : place + 2]
            if workers > 1:  # while rows are made
                coming += [pool.submit(prepare, one) for one in following]
            count = prepared.count
            if isinstance(prepared, ExactRows):
                pieces: Iterator[Piece] = (Piece(rows=rows, records=some) for rows, some in prepared.pieces())
            else:
                prepared.keep(room // _KEPT_SHARE)
                pieces = prepared.pieces(pool)
            yield PassStream(plan=prepared.plan, count=count, left_aside=len(records) - count, pieces=pieces)
            spills[prepared.plan.name].close()
            del prepared
            give_back()
            if workers == 1:
                coming += [pool.submit(prepare, one) for one in following]
    finally:
        pool.shutdown(cancel_futures=True)
        for spill in spills.values():
            spill.close()


class _Preparing:
    """What passes are prepared from: one table of features for each form of the names."""

    def __init__(
        self, records: Records, sheet: Sheet, known: tuple[Statistics, Profile], run_key: RunKey, room: int
    ) -> None:
        self._records, self._sheet, self._run_key, self._room = records, sheet, run_key, room
        self._statistics, self._profile = known
        self._tables: dict[str, FeatureTable] = {}

    def of(self, one: PassPlan, spill: Spill) -> _Prepared:
        """A pass before its rows."""
        table = self._table(one.form)
        key = PassKey(derive(self._run_key, Label.PASS, one.name.encode()))
        division = divide(table.records, self._sheet, one, self._statistics, key, table=table)
        depths = range(int(division.depth.max(initial=0)) + 1)
        left_outs = [one.left_out(depth) for depth in depths]
        encoder = PassEncoder(table, with_bits(self._sheet.attributes, one.bits), self._profile, left_outs, key)
        give_back()  # once what was cut and hashed is put together
        prepared = _prepare(table.records, one, self._profile, division, encoder, (self._room, spill))
        give_back()
        return prepared

    def exact(self, one: PassPlan) -> ExactRows:
        """An exact pass before its rows."""
        key = PassKey(derive(self._run_key, Label.PASS, one.name.encode()))
        return exact_rows(self._records, one, key, needed=self._sheet.twins)

    def _table(self, form: str) -> FeatureTable:
        if form not in self._tables:
            seen = in_form(self._records, self._sheet, form) if form else self._records
            like = next(iter(self._tables.values()), None)
            self._tables[form] = FeatureTable(seen, room=self._room // _CUT_SHARE, like=like)
        return self._tables[form]


def _check(plan: Plan, profile: Profile, statistics: Statistics, sheet: Sheet) -> None:
    if plan.statistics_digest != statistics.digest:
        rule = "le plan vient d'autres statistiques publiques : proposez une nouvelle convention"
        raise LinkageError("E_STATISTIQUES", rule)
    promised = (profile.length, profile.measure)
    compared = [one for one in plan.passes if one.measure != "exact"]
    least = [profile.names_degree if sheet.names_only(one.blocks) else profile.degree for one in compared]
    if any(
        (one.length, one.measure) != promised or one.degree < degree
        for one, degree in zip(compared, least, strict=True)
    ):
        raise LinkageError(
            "E_PLAN", f"une passe ne suit pas le profil {profile.name} : proposez une nouvelle convention"
        )


def _prepare(
    records: Records,
    plan: PassPlan,
    profile: Profile,
    division: Division,
    encoder: PassEncoder,
    within: tuple[int, Spill],
) -> _Prepared:
    """Counts a pass, and lays its records aside by runs."""
    columns = [records.columns[name] for name in encoder.columns]
    depths = range(int(division.depth.max(initial=0)) + 1)
    worth = [encoder.worth(depth) for depth in depths]
    least = -(-LEAST_INSERTED * profile.insertions // 1000)
    sizes, step = np.zeros(len(division.tags), dtype=np.int64), 1 + len(records) // _SAMPLE
    samples: list[list[NDArray[np.int32]]] = [[] for _ in depths]
    for start, codes in codes_of(columns, len(records)):
        block = division.block[start : start + codes.shape[1]]
        for depth in depths:
            set_aside(codes, block, division.depth, worth[depth], (depth, least))
        count_blocks(block, sizes)
        some = np.arange(-start % step, len(block), step)
        some = some[block[some] >= 0]
        for depth in depths:
            samples[depth].append(codes[:, some[division.depth[block[some]] == depth]].T)
    check_largest_block(int(sizes.max(initial=0)), plan.cap)
    room, spill = within
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    laid = int(starts[-1]) * 4 * (2 + len(columns))
    runs = Runs(starts, _firsts(starts, plan), len(columns), spill if laid > room // _LAID_SHARE else None)
    for start, codes in codes_of(columns, len(records)):
        runs.lay_aside(start, codes, division.block[start : start + codes.shape[1]])
    return _Prepared(
        plan=plan,
        encoder=encoder,
        runs=runs,
        count=int(starts[-1]),
        tags=division.tags,
        secrets=division.secrets,
        complements=division.complements,
        depth=division.depth,
        samples=[np.concatenate([*some, np.empty((0, len(columns)), dtype=np.int32)]) for some in samples],
        step=step,
    )


def _firsts(starts: NDArray[np.int64], plan: PassPlan) -> list[int]:
    """The first block of each run, of about as many rows each, and the number of blocks at the end."""
    most, tables = _RUN_BYTES // row_bytes(plan.length), _RUN_BYTES // stream_bytes(plan.length, plan.degree)
    firsts, blocks = [0], len(starts) - 1
    while firsts[-1] < blocks:
        first = firsts[-1]
        last = int(np.searchsorted(starts, starts[first] + most, side="right")) - 1
        firsts.append(min(max(min(last, first + tables), first + 1), blocks))
    return firsts


def _rows_of(prepared: _Prepared, number: int) -> Piece:
    """The rows of one run."""
    plan = prepared.plan
    run = prepared.runs.take(number)
    blocks = slice(run.first, run.first + len(run.bounds) - 1)
    plain = np.empty((len(run.records), plan.length // 64), dtype=np.uint64)
    prepared.encoder.fill(run.rows, run.bounds, prepared.depth[blocks], plain)
    rows = np.empty((len(plain), _HEAD + plan.length // 64), dtype=np.uint64)
    ids = np.frombuffer(os.urandom(ID_BYTES * len(plain)), dtype=np.uint64).reshape(-1, 2)
    places, named = np.empty(len(plain), dtype=np.int64), np.empty(len(plain), dtype=np.int64)
    _name(ids, prepared.tags[blocks].view(np.uint64), run.bounds, rows, places, (run.records, named))
    if plan.degree:
        diffuse_blocks(plain, run.bounds, prepared.secrets[blocks], plan.degree, places, rows[:, _HEAD:])
        complement_blocks(rows[:, _HEAD:], run.bounds, prepared.complements[blocks])
    else:
        rows[places, _HEAD:] = plain
    return Piece(rows=rows.view(np.uint8), records=named)


@compiled
def _swapped(word: np.uint64) -> np.uint64:  # pragma: no cover - compiled
    """A word of eight bytes as the number that compares as its bytes do."""
    number = np.uint64(0)
    for _ in range(8):
        number = (number << np.uint64(8)) | (word & np.uint64(0xFF))
        word >>= np.uint64(8)
    return number


@compiled
def _by_id(
    ids: NDArray[np.uint64], keys: NDArray[np.uint64], order: NDArray[np.int64]
) -> None:  # pragma: no cover - compiled
    """Fills the order of random ids as bytes: each is put near its place, which its first bits tell, then in it."""
    count = len(ids)
    following = np.zeros(count + 1, dtype=np.int64)
    for k in range(count):
        keys[k] = _swapped(ids[k, 0])
        following[((keys[k] >> np.uint64(32)) * np.uint64(count) >> np.uint64(32)) + np.uint64(1)] += 1
    for k in range(count):
        following[k + 1] += following[k]
    for k in range(count):
        near = (keys[k] >> np.uint64(32)) * np.uint64(count) >> np.uint64(32)
        order[following[near]] = k
        following[near] += 1
    for k in range(1, count):
        one, place = order[k], k
        while place:
            other = order[place - 1]
            if keys[other] < keys[one] or (
                keys[other] == keys[one] and _swapped(ids[other, 1]) <= _swapped(ids[one, 1])
            ):
                break
            order[place] = other
            place -= 1
        order[place] = one


@compiled
def _name(
    ids: NDArray[np.uint64],
    tags: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    rows: NDArray[np.uint64],
    places: NDArray[np.int64],
    records: tuple[NDArray[np.int32], NDArray[np.int64]],
) -> None:  # pragma: no cover - compiled
    """Writes ids and tags at the head of rows sorted by id in each block, and the row and the order of records.

    Args:
        ids: (k, 2), one a record.
        tags: (b, 2), one a block.
        bounds: (b + 1,), records of each block.
        rows: (k, at least 4).
        places: (k,), filled with the row of each record.
        records: (k,) each, the records, and filled with them in the order of rows.
    """
    keys, order = np.empty(len(ids), dtype=np.uint64), np.empty(len(ids), dtype=np.int64)
    for block in range(len(bounds) - 1):
        start, stop = bounds[block], bounds[block + 1]
        _by_id(ids[start:stop], keys[start:stop], order[start:stop])
        for row in range(start, stop):
            one = start + order[row]
            places[one] = row
            records[1][row] = records[0][one]
            rows[row, 0], rows[row, 1] = ids[one, 0], ids[one, 1]
            rows[row, 2], rows[row, 3] = tags[block, 0], tags[block, 1]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
