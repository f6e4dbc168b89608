"""How to compare all rows of two large sets of plain filters without comparing every pair in full, and when that pays.

`full` compares every pair in full (`linkage.kernel`). `sketch` compares short codes first (`linkage.projection`), whose products
exclude nearly all pairs without losing one; what survives is compared in full. `clusters` does so only for the pairs that the
triangle inequality leaves (`linkage.clusters`). All give the same pairs.

Choice. Sketches cost a plan, so small tasks take `full` at once. Filters whose bits are independent, or diffused ones, have no
short code that excludes anything: a few hundred rows show it by how little their products vary, and `full` is taken without more.
For others a sample of both sides is divided: one half teaches directions, the other tells what share of pairs survives, for codes
of 64, 128… coordinates. The cheapest of these and `full` is taken, by the times below, and `Choice.why` says so with the numbers;
in doubt that is `full`, as for low thresholds, where survivors are too many. The sample grows with the square root of the pairs,
so that a plan stays a small share of the work.
The popcount bound H ≥ ||a| - |b|| needs no step of its own: where popcounts vary, they are among the directions learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from linkage import sketch
from linkage.block_sums import BLOCK, BYTES, MATRIX, TILE, WORDS
from linkage.clusters import Centres, arrange, centres_of, count_for, needs
from linkage.limits import largest_distances, share_of_distance
from linkage.plan import Measure
from linkage.projection import Projection, directions, projection
from linkage.scanning import on_threads, processors
from linkage.short_codes import BIAS, MOST, STEP, tiles_of
from linkage.single_thread import single_thread

__all__ = ["Choice", "Name", "Rows", "Sink", "choose", "search"]

Name: TypeAlias = Literal["full", "sketch", "clusters"]
Rows: TypeAlias = NDArray[np.uint64]
Hits: TypeAlias = NDArray[np.int64]
Sink: TypeAlias = Callable[[Hits], None]
"""Takes (h, 3) hits, in calls that never overlap but come from several threads."""

_SEED = 20_120_415  # of the sample; no result depends on it
_SMALL = 1.5e8  # nanoseconds of `full` that are not worth a plan
_SAMPLE = 96  # the sample's half is the square root of the pairs divided by this
_FEWEST, _MOST = 256, 2048  # rows of a half
_LOOKED = 256  # rows that tell whether directions exist
_DIRECTIONS = 0.4  # of the bits: as many directions of equal variance and more are too many to learn
_DOUBT = 0.9  # what a prepared strategy must cost at most, `full` being 1
_LONGEST = 8192  # bits of the longest rows whose sums, and keys of clusters, fit in 16 bits
_STEPS, _FEW_STEPS = 4, 2  # the longest codes tried, in steps of 64 coordinates, with and without clusters
_LEFT = 1024  # left rows of a task
_SPAN = 1 << 10  # blocks of right rows between two looks at whether to stop
_CLUSTERS_LEFT, _CLUSTERS = 1 << 12, 1 << 6  # left rows of a task, and clusters between two looks, with clusters
_CLUSTERED = 4_000_000_000  # pairs from which clusters are thought of
_CODED = 1 << 13  # rows coded at once
_NOBODY = -(1 << 30)  # the bias of a row that is not there
_UNITS = BIAS * MOST  # of the bias in a left code, on both sides of nothing

# Nanoseconds on one core of an Emerald Rapids processor, both cores being busy; only their ratios matter.
_FULL_WORD = {MATRIX: 0.045, BYTES: 0.072, WORDS: 0.072}  # a pair, by 64 bits
_FULL_MET = {MATRIX: 0.15, BYTES: 1.4, WORDS: 1.4}  # a pair of a block with a hit
_FULL_BLOCK = {MATRIX: 1024, BYTES: 80, WORDS: 80}  # pairs of such a block
_MATRIX_WORDS = 64  # of the longest rows that `full` compares in matrix registers
_SURVIVOR, _MET, _MET_BLOCK = 13.0, 0.2, 1024  # a survivor; a pair of a block with one; pairs of a block
_BLOCK = {MATRIX: (0.05, 0.065), BYTES: (0.05, 0.27), WORDS: (0.10, 1.15)}  # a pair; and by step
_CODE = (300.0, 650.0)  # a row; and by step
_CLUSTER_PAIR, _GATHERED = 8.0, 10.0  # a left row and a cluster; and when they meet
_MORE_SEEN = 1.25  # pairs of rows that meet, over those of the sample: blocks are met whole, centres are less near
_ASSIGNED, _CLUSTERS_TAUGHT = 0.1, 3e8  # a right row and a centre; the centres
_TRIED = 512  # centres of the sample


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A strategy for one task.

    Attributes:
        name: of the strategy.
        why: a sentence with the numbers that decided.
        measure: of the task.
        projection: what codes are made with; none for `full`.
    """

    name: Name
    why: str
    measure: Measure
    projection: Projection | None = None


def choose(
    left: Rows,
    right: Rows,
    threshold: float,
    measure: Measure = "dice",
    *,
    wanted: Name | None = None,
    threads: int | None = None,
    kind: int | None = None,
) -> Choice:
    """The strategy for a task.

    Args:
        left: (n, w) uint64, C order.
        right: (m, w) uint64, C order.
        threshold: in (0, 1].
        measure: `dice` or `hamming`.
        wanted: the strategy to take whatever it costs, where it is possible.
        threads: on which the search will run, for the seconds in `why`; the processor's number when absent.
        kind: of instructions, from `linkage.sketch.kinds()`; the best one when absent.
    """
    pairs, length = len(left) * len(right), 64 * left.shape[1]
    reason = ""
    if wanted == "full" or not pairs:
        reason = "comparaison complète demandée, ou rien à comparer"
    elif not sketch.COMPILED or length > _LONGEST:
        reason = f"pas d'esquisses sans compilateur ni au-delà de {_LONGEST} bits"
    elif wanted is None:
        reason = _not_worth(left, right, sketch.kinds()[-1] if kind is None else kind)
    if reason:
        return Choice(name="full", why=reason, measure=measure)
    with single_thread():
        costs = _costs(left, right, threshold, measure, sketch.kinds()[-1] if kind is None else kind)
    possible = [cost for cost in costs if wanted in (None, cost.name)]
    best = min(possible, key=lambda cost: cost.nanoseconds * (_DOUBT if cost.name == "full" else 1.0))
    seconds = 1e9 * (threads or processors())
    told = "\u202f; ".join(f"{cost.said} {cost.nanoseconds / seconds:.2g} s" for cost in costs)
    why = f"{pairs:.2e} paires, coûts estimés sur un échantillon : {told}"
    return Choice(name=best.name, why=why, measure=measure, projection=best.projection)


def _not_worth(left: Rows, right: Rows, kind: int) -> str:
    """Why no plan is made, if so: too little work, or bits too independent."""
    pairs, length = len(left) * len(right), 64 * left.shape[1]
    if pairs * _full_pair(left.shape[1], kind) < _SMALL:
        return f"{pairs} paires : trop peu pour qu'un plan rapporte ce qu'il coûte"
    rows = np.concatenate([_halves(side, _LOOKED // 2)[0][: _LOOKED // 2] for side in (left, right)])
    bits = np.unpackbits(rows.view(np.uint8), axis=1).astype(np.float32)
    bits -= bits.mean(axis=0)
    with single_thread():
        products = bits @ bits.T
    own = products.diagonal()
    between = (np.square(products).sum() - np.square(own).sum()) / (len(rows) * (len(rows) - 1))
    found = float(own.mean()) ** 2 / max(float(between), 1e-9)
    if found > _DIRECTIONS * length:
        return f"bits presque indépendants ({found:.0f} directions pour {length} bits) : aucune esquisse n'exclut rien"
    return ""


def _full_pair(words: int, kind: int) -> float:
    """What a pair costs in full that is near no other."""
    return words * _FULL_WORD[BYTES if kind == MATRIX and words > _MATRIX_WORDS else kind]


@dataclass(frozen=True, kw_only=True)
class _Cost:
    """What a strategy is expected to cost."""

    name: Name
    said: str
    nanoseconds: float
    projection: Projection | None = None


def _costs(left: Rows, right: Rows, threshold: float, measure: Measure, kind: int) -> list[_Cost]:
    """The costs of all strategies, from a sample of both sides."""
    pairs, length = len(left) * len(right), 64 * left.shape[1]
    size = int(min(max(np.sqrt(pairs) / _SAMPLE, _FEWEST), _MOST))
    learned, tested = zip(*(_halves(side, size) for side in (left, right)), strict=True)
    share = share_of_distance(length, threshold, measure)
    longest = min(_FEW_STEPS if pairs < _CLUSTERED else _STEPS, max(1, length // STEP))
    found = directions(np.concatenate(learned), min(longest * STEP - BIAS, length))
    limit = largest_distances(length, threshold, measure)
    scanned, count = 1.0, count_for(len(right))
    if pairs >= _CLUSTERED:
        scanned = min(1.0, _MORE_SEEN * _scanned(learned[1], tested, share) + BLOCK * count / (4 * len(right)))
    clusters = (
        (_CLUSTER_PAIR + scanned * _GATHERED) * count * len(left) + _ASSIGNED * count * len(right) + _CLUSTERS_TAUGHT
    )
    costs: list[_Cost] = []
    least = np.inf
    for steps in range(1, longest + 1):
        made = projection(found, steps, share)
        survivors, hits = _surviving(made, tested, limit)
        by_pair, by_step = _BLOCK[kind]
        coded, met = (_CODE[0] + _CODE[1] * steps) * (len(left) + len(right)), (by_pair + by_step * steps) * pairs
        spent = met + (_SURVIVOR * survivors + _MET * _in_block(survivors, _MET_BLOCK)) * pairs + coded
        said = f"{steps * STEP} coordonnées ({survivors:.1e} des paires survivent)"
        costs.append(_Cost(name="sketch", said=said, nanoseconds=spent, projection=made))
        said = f"les mêmes par groupes ({scanned:.2f} des paires vues)"
        costs.append(
            _Cost(name="clusters", said=said, nanoseconds=spent - met * (1 - scanned) + clusters, projection=made)
        )
        if min(spent, costs[-1].nanoseconds) > least:
            break
        least = min(spent, costs[-1].nanoseconds)
    complete = (_full_pair(left.shape[1], kind) + _FULL_MET[kind] * _in_block(hits, _FULL_BLOCK[kind])) * pairs
    return [*costs, _Cost(name="full", said="toutes les paires", nanoseconds=complete)]


def _in_block(share: float, pairs: int) -> float:
    """The share of blocks of so many pairs in which there is one of those whose share is given."""
    return float(-np.expm1(-share * pairs))


def _scanned(taught: Rows, sides: tuple[Rows, ...], share: NDArray[np.float64]) -> float:
    """The share of pairs of two samples that the triangle inequality leaves, rows of a third one being centres."""
    centres = taught[:_TRIED]
    distance, bits = [], []
    for side in sides:
        ones, others = (np.unpackbits(rows.view(np.uint8), axis=1).astype(np.float32) for rows in (side, centres))
        distance.append(ones.sum(axis=1)[:, None] + others.sum(axis=1)[None] - 2 * ones @ others.T)
        bits.append(ones.sum(axis=1).astype(np.int64))
    cluster = distance[1].argmin(axis=1)
    key = distance[1].min(axis=1) + share[bits[1]]
    return float((key[None] >= distance[0][:, cluster] - share[bits[0]][:, None]).mean())


def _halves(side: Rows, size: int) -> tuple[Rows, Rows]:
    """Two samples of a side without a row in common, or twice all of it when it is small."""
    if len(side) < 2 * size:
        return side, side[: 2 * size]
    rows = np.random.default_rng(_SEED).choice(len(side), 2 * size, replace=False)
    return side[rows[:size]], side[rows[size:]]


def _surviving(made: Projection, sides: tuple[Rows, ...], limit: NDArray[np.int64]) -> tuple[float, float]:
    """The shares of pairs of two samples that survive, and that are similar enough."""
    codes, biases = [], []
    for side in sides:
        code = np.zeros((len(side), made.width), dtype=np.int8)
        biases.append(made.code(side, code)[1])
        codes.append(code.astype(np.float32))
    i, j = np.nonzero(codes[0] @ codes[1].T >= (biases[0][:, None] + biases[1][None]))
    pairs = len(sides[0]) * len(sides[1])
    some = slice(0, 1 << 16)
    distance = np.bitwise_count(sides[0][i[some]] ^ sides[1][j[some]]).sum(axis=1, dtype=np.int64)
    bits = [np.bitwise_count(side).sum(axis=1, dtype=np.int64) for side in sides]
    near = distance <= limit[bits[0][i[some]] + bits[1][j[some]]]
    return len(i) / pairs, len(i) / pairs * (float(near.mean()) if len(near) else 0.0)


def search(  # noqa: PLR0913 - one task and how to run it
    left: Rows,
    right: Rows,
    threshold: float,
    choice: Choice,
    *,
    same: bool = False,
    sink: Sink | None = None,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
    kind: int | None = None,
) -> Hits:
    """All pairs that are similar enough, by the strategy chosen for them.

    Args:
        left: (n, w) uint64, C order; those of `choose`.
        right: (m, w) uint64, C order.
        threshold: in (0, 1]; not under that of `choose`, for which codes were made.
        choice: from `choose`; not `full`, which is the matcher's own.
        same: both sides are one set, of which pairs i < j are wanted.
        sink: takes the hits instead of the result, as they come.
        progress: told the pairs done and their total, about twenty times a second; what it raises stops the work.
        threads: 1 or more; the processor's number when absent.
        kind: of instructions, from `linkage.sketch.kinds()`; the best one when absent.

    Returns:
        (h, 3) int64: left row, right row, Hamming distance, in no promised order; empty with a sink.
    """
    kind = sketch.kinds()[-1] if kind is None else kind
    found: list[Hits] = []
    take = found.append if sink is None else sink
    lock, stop = Lock(), Event()
    threads = threads or processors()
    total = len(left) * len(right)
    with ThreadPoolExecutor(threads) as pool:
        index = _Index(_sealed(right), threshold, choice, kind, pool)
        chunks = iter(range(0, len(left), index.left))
        done = [0] * threads

        def work(number: int) -> None:
            scratch = sketch.scratch()
            while not stop.is_set():
                with lock:
                    start = next(chunks, None)
                if start is None:
                    return
                rows = _sealed(left)[start : start + index.left]
                for hits, pairs in index.meet(rows, start if same else -1, scratch, stop):
                    hits[:, 0] += start
                    done[number] += pairs
                    if len(hits):
                        with lock:
                            take(hits)

        told = progress or (lambda _done, _total: None)
        on_threads(pool, work, threads, stop, lambda ended: told(total if ended else sum(done), total))
    return np.concatenate([np.empty((0, 3), dtype=np.int64), *found])


class _Index:
    """The right side, coded, in clusters or not."""

    def __init__(self, rows: Rows, threshold: float, choice: Choice, kind: int, pool: ThreadPoolExecutor) -> None:
        if choice.projection is None:
            raise ValueError("a comparison in full is the matcher's own")
        self._made, self._kind = choice.projection, kind
        length = 64 * rows.shape[1]
        self._most = largest_distances(length, threshold, choice.measure)
        self._share = share_of_distance(length, threshold, choice.measure)
        codes = np.zeros((_padded(len(rows)), self._made.width), dtype=np.int8)
        least, bits = np.full(len(rows) + 1, -_NOBODY, dtype=np.int32), np.empty(len(rows), dtype=np.int32)

        def code(start: int) -> None:
            some = slice(start, min(start + _CODED, len(rows)))
            bits[some], least[some] = self._made.code(rows[some], codes[some])

        _all(pool, code, len(rows))
        self.left = _LEFT
        self._centres: Centres | None = None
        if choice.name == "clusters":
            self.left = _CLUSTERS_LEFT
            self._centres = centres_of(rows, count_for(len(rows)), self._made, kind)
            found = arrange(rows, codes, self._centres, self._share, kind, pool)
            place, self._starts, self._keys = found.place, found.starts, found.keys
        else:
            place = np.full(len(codes), -1, dtype=np.int32)
            place[: len(rows)] = np.arange(len(rows))
        codes[:, -BIAS:] = -MOST
        tiles = np.empty((len(place) // TILE, self._made.width // 4, 4 * TILE), dtype=np.int8)

        def turn(start: int) -> None:
            some = place[start : start + _CODED]
            tiles[start // TILE : (start + len(some)) // TILE] = tiles_of(codes[some], TILE)

        _all(pool, turn, len(place))
        self._right = rows, bits, tiles, -least[place], place

    def meet(self, rows: Rows, same: int, scratch: sketch.Scratch, stop: Event) -> Iterator[tuple[Hits, int]]:
        """Hits of some left rows, and the pairs done, by spans of right rows."""
        codes = np.zeros((_padded(len(rows)), self._made.width), dtype=np.int8)
        bits, least = self._made.code(rows, codes)
        lowest = int(least.min())
        units = np.minimum((least - lowest) // MOST, 2 * _UNITS) - _UNITS  # rounded down: more survive, none is lost
        for k in range(BIAS):
            part = np.clip(units, -MOST, MOST)
            codes[: len(rows), k - BIAS] = part
            units -= part
        place = np.full(len(codes), -1, dtype=np.int32)
        place[: len(rows)] = np.arange(len(rows))
        left = rows, bits.astype(np.int32), codes, codes.sum(axis=1, dtype=np.int32) << 7, place
        less = lowest + _UNITS * MOST
        if self._centres is None:
            for start in range(max(same, 0) // BLOCK, len(self._right[4]) // BLOCK, _SPAN):
                last = min(start + _SPAN, len(self._right[4]) // BLOCK)
                span = start, last, less, same
                if stop.is_set():
                    return
                pairs = len(rows) * (min(last * BLOCK, len(self._right[0])) - start * BLOCK)
                yield sketch.scan(left, self._right, self._most, span, scratch, self._kind), pairs
            return
        clusters = self._starts, self._keys, needs(rows, self._centres, self._share, scratch, self._kind)
        count = len(self._starts) - 1
        for start in range(0, count, _CLUSTERS):
            last = min(start + _CLUSTERS, count)
            span = start, last, less, same
            if stop.is_set():
                return
            hits = sketch.scan_clusters(left, self._right, self._most, clusters, span, scratch, self._kind)
            done = [len(rows) * (len(self._right[0]) * cluster // count) for cluster in (start, last)]
            yield hits, done[1] - done[0]


def _all(pool: ThreadPoolExecutor, work: Callable[[int], None], count: int) -> None:
    """Do a work for every `_CODED` rows."""
    for future in [pool.submit(work, start) for start in range(0, count, _CODED)]:
        future.result()


def _padded(count: int) -> int:
    return -(-count // BLOCK) * BLOCK


def _sealed(rows: Rows) -> Rows:
    """The same memory, read-only: received rows may be, and the kernel is compiled once for all."""
    view = rows.view()
    view.flags.writeable = False
    return view
