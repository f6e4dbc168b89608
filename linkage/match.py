"""Which rows of two sets of filters are similar enough: all such pairs, nothing else, in one promised order.

Similarity. `dice`: 2c / (|a| + |b|), c the common bits; kept when that quotient, as a float64, is at or above the threshold.
`hamming`: 1 - H/L, H the distance and L the bits of a row; kept when H is at most the largest integer for which 1 - H/L,
as a float64, is at or above the threshold. A row without any bit is similar to nothing, not even to another such row.
No quotient is computed in the loops: `linkage.limits` turns both into largest distances, and the kernel compares integers.

Order. Pairs come by score from high to low, then by left row, then by right row. That order and the scores depend on nothing
else: not on the number of threads, the memory, the strategy, or the kernel that ran, compiled or its plain numpy twin.

Memory. Beside the inputs, 16 bytes a row are kept for popcounts and biases, a thread holds a scratch of less than 2 MiB, and
pairs found have a share beyond which they are sealed in a temporary file (`linkage.candidates`). `match` returns them all, in
24 bytes a pair; `match_stream` gives them batch by batch. Interruption (an exception of the progress callback included) stops
every thread at its next step, waits for them and gives no partial result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias, TypedDict, Unpack, get_args

import numpy as np
from numpy.typing import NDArray

from linkage.candidates import Candidates, CandidateStream, Gathering
from linkage.errors import LinkageError
from linkage.plan import Measure
from linkage.scanning import Hits, Progress, Task, fastest, kernel_runs, prepare, processors, scan_blocks
from linkage.screen import Look, Screen, Screened
from linkage.sieve import Sieve, look_at

__all__ = [
    "BlockOptions", "Options", "Strategy",
    "match", "match_blocks", "match_stream",
]  # fmt: skip

Rows: TypeAlias = NDArray[np.uint64]
Receive: TypeAlias = Callable[[Hits], None]
Strategy: TypeAlias = Literal["auto", "full", "sketch", "clusters"]

_SHARE = 1 << 30  # bytes for pairs found, when nothing is said
_LEAST_SHARE = 8 << 20
_THREAD_BYTES = 3 << 20
_SIDE_BYTES = 16  # a row
_MOST_ROWS = 1 << 31
_WORTH_CHOOSING = 1 << 27  # pairs from which a choice may pay; fewer are compared before it is made


class BlockOptions(TypedDict, total=False):
    """How to compare; the pairs found are the same whatever is said here, `top` and `screen` aside.

    Attributes:
        progress: told the pairs done and their total, about twenty times a second; what it raises stops the work.
        threads: 1 or more; the processor's number when absent.
        memory: bytes of working memory beside the inputs and the result; a share of 1 GiB for pairs when absent.
        top: only the first so many pairs of each left row in the promised order: its highest scores, of equal ones the
            lowest right rows.
        chunk: pairs of one step of a thread, between which it can be stopped.
        screen: Hamming only, and never where awards depend on it: drop most pairs after a look at some columns, which may miss
            pairs near the threshold (`linkage.screen`); the result then says what it did.
    """

    progress: Progress | None
    threads: int | None
    memory: int | None
    top: int | None
    chunk: int | None
    screen: Screen | None


class Options(BlockOptions, total=False):
    """The same, and what only a comparison of everything has.

    Attributes:
        symmetric: both sides are one array: each pair once, its left row before its right one; half the work.
        strategy: `auto` takes a sample of large sides and leaves out, where that pays, pairs that cannot be similar
            enough (`linkage.strategy`); `full` compares every pair; `sketch` and `clusters` leave out whatever it costs.
    """

    symmetric: bool
    strategy: Strategy


def match(
    left: Rows, right: Rows, threshold: float, measure: Measure = "dice", **options: Unpack[Options]
) -> Candidates:
    """All pairs of a left and a right row whose similarity is at or above `threshold`.

    Args:
        left: (n, w) uint64, C order: n rows of L = 64 w bits.
        right: (m, w) uint64, C order.
        threshold: in (0, 1].
        measure: `dice`, or `hamming` for 1 - H/L.
        **options: see `Options`.

    Raises:
        LinkageError: `E_LARGEURS` when the sides have rows of different lengths, `E_SEUIL` for a threshold outside
            (0, 1], `E_MESURE` for another measure, `E_CRIBLE` for a screen where none may be, `E_TABLEAU` for arrays of another
            kind than said here or of more than 2^31 rows, `E_OPTION` for an option that is not there or out of its range,
            `E_MEMOIRE` when the memory granted is too little to begin with, `E_DISQUE_PLEIN` when pairs have to be spilled
            and cannot.
    """
    with match_stream(left, right, threshold, measure, **options) as stream:
        return stream.whole()


def match_stream(
    left: Rows, right: Rows, threshold: float, measure: Measure = "dice", **options: Unpack[Options]
) -> CandidateStream:
    """As `match`, but the pairs are given batch by batch, in the same order: they never stand in memory together.

    Raises:
        LinkageError: as `match`.
    """
    _check_options(options, Options)
    task = _task(left, right, threshold, measure)
    if options.get("symmetric") and left is not right:
        raise LinkageError("E_OPTION", "la comparaison d'un fichier avec lui-même attend deux fois le même tableau")
    if options.get("strategy", "auto") not in get_args(Strategy):
        raise LinkageError("E_OPTION", f"l'option « strategy » doit être parmi : {', '.join(get_args(Strategy))}")
    if options.get("screen") and options.get("strategy") in ("sketch", "clusters"):
        raise LinkageError("E_OPTION", "un crible et une esquisse ne s'ajoutent pas : choisissez l'un ou l'autre")
    everything = np.array([[0, len(left), 0, len(right)]], dtype=np.int64)
    blocks = _triangle(len(left)) if options.get("symmetric") else everything
    work = _Work(task, threshold, blocks, options)
    return _gathered(work, lambda receive: _compared(work, options, receive))


def match_blocks(
    left: Rows,
    right: Rows,
    blocks: NDArray[np.int64],
    threshold: float,
    measure: Measure = "dice",
    **options: Unpack[BlockOptions],
) -> Candidates:
    """As `match`, comparing only the rows of one block with each other, the largest blocks first.

    Many blocks travel in one compiled call, so that small ones cost little more than their pairs.

    Args:
        left: (n, w) uint64, C order.
        right: (m, w) uint64, C order.
        blocks: (k, 4) int64 [left start, left stop, right start, right stop); a pair in two of them comes twice.
        threshold: in (0, 1].
        measure: `dice` or `hamming`.
        **options: see `BlockOptions`.

    Raises:
        LinkageError: as `match`; also `E_TABLEAU` for ranges outside the rows.
    """
    _check_options(options, BlockOptions)
    task = _task(left, right, threshold, measure)
    _check_blocks(blocks, len(left), len(right))
    work = _Work(task, threshold, blocks, options)
    with _gathered(work, lambda receive: _scanned(work, receive)) as stream:
        return stream.whole()


def _task(left: Rows, right: Rows, threshold: float, measure: Measure) -> Task:
    for side in (left, right):
        if not isinstance(side, np.ndarray) or side.dtype != np.uint64 or side.ndim != 2 or not side.flags.c_contiguous:
            raise LinkageError("E_TABLEAU", "un côté doit être un tableau uint64 contigu à deux dimensions")
        _check_rows(len(side))
    if left.shape[1] != right.shape[1] or left.shape[1] == 0:
        raise LinkageError("E_LARGEURS", "les deux côtés doivent avoir des filtres de même longueur non nulle")
    if not 0 < threshold <= 1:
        raise LinkageError("E_SEUIL", "le seuil doit être un nombre supérieur à 0 et au plus égal à 1")
    if measure not in ("dice", "hamming"):
        raise LinkageError("E_MESURE", "la mesure doit être « dice » ou « hamming »")
    return prepare(left, right, threshold, measure)


def _check_rows(rows: int) -> None:
    if rows > _MOST_ROWS:
        raise LinkageError("E_TABLEAU", "un côté a plus de 2 147 483 648 lignes ; comparez-le par parties")


def _check_blocks(blocks: NDArray[np.int64], left: int, right: int) -> None:
    if blocks.ndim != 2 or blocks.shape[1] != 4 or blocks.dtype != np.int64:
        raise LinkageError("E_TABLEAU", "les blocs doivent former un tableau int64 de quatre colonnes")
    for start, stop, rows in ((0, 1, left), (2, 3, right)):
        if not ((blocks[:, start] >= 0) & (blocks[:, start] <= blocks[:, stop]) & (blocks[:, stop] <= rows)).all():
            raise LinkageError("E_TABLEAU", "un bloc désigne des lignes qui n'existent pas")


def _triangle(rows: int) -> NDArray[np.int64]:
    """All pairs of one side as blocks that hold few beyond its upper half."""
    step = max(256, rows >> 10)
    starts = np.arange(0, rows, step, dtype=np.int64)
    stops = np.minimum(starts + step, rows)
    return np.stack([np.zeros_like(starts), stops, starts, stops], axis=1)


def _check_options(options: BlockOptions, known: type) -> None:
    """Refuse what would change the result or be forgotten without a word."""
    strange = sorted(options.keys() - known.__annotations__.keys())
    if strange:
        raise LinkageError("E_OPTION", f"cette comparaison n'a pas d'option : {', '.join(strange)}")
    for name in ("threads", "top", "chunk"):
        value = options.get(name)
        if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
            raise LinkageError("E_OPTION", f"l'option « {name} » doit être un nombre entier d'au moins 1")


class _Work:
    """A comparison that was checked.

    Attributes:
        task: what is compared.
        threshold: its threshold.
        blocks: (k, 4) of it.
        options: how.
        look: what a screen settled on, where one is wanted.
        screened: what it did, afterwards.
    """

    def __init__(self, task: Task, threshold: float, blocks: NDArray[np.int64], options: BlockOptions) -> None:
        self.task, self.threshold, self.blocks, self.options = task, threshold, blocks, options
        self.look: Look | None = None
        self.screened: Screened | None = None
        screen = options.get("screen")
        if screen is not None:
            self.look = look_at(task, blocks, screen.check(task.measure))

    @property
    def threads(self) -> int:
        """How many."""
        return self.options.get("threads") or processors()

    def share(self) -> int:
        """Bytes for pairs found.

        Raises:
            LinkageError: `E_MEMOIRE`.
        """
        memory = self.options.get("memory")
        if memory is None:
            return _SHARE
        row = _SIDE_BYTES if self.look is None or not self.look.words else 2 * _SIDE_BYTES + 8 * self.look.words
        taken = row * (len(self.task.left) + len(self.task.right)) + _THREAD_BYTES * self.threads
        if memory - taken < _LEAST_SHARE:
            least = -(-(taken + _LEAST_SHARE) >> 20)
            raise LinkageError(
                "E_MEMOIRE", f"la mémoire accordée ne suffit pas à commencer ; accordez au moins {least} Mio"
            )
        return memory - taken


def _gathered(work: _Work, compare: Callable[[Receive], None]) -> CandidateStream:
    """What a comparison finds, in order."""
    gathering = Gathering(work.share(), work.options.get("top"))

    def receive(hits: Hits) -> None:
        if len(hits):
            gathering.add(hits[:, 0], hits[:, 1], work.task.scores(hits))

    try:
        compare(receive)
        stream = gathering.ordered()
    except BaseException:
        gathering.close()
        raise
    stream.screened = work.screened
    return stream


def _scanned(work: _Work, receive: Receive) -> None:
    """All pairs of the blocks by a kernel, after a look at some columns where that was settled."""
    task, look, sieve = work.task, work.look, None
    if look is not None and look.words:
        sieve = Sieve(task, look, work.threads)
        task, receive = sieve.task, sieve.keeping(receive)
    scan_blocks(
        work.blocks,
        fastest(task, work.blocks),
        receive,
        chunk=work.options.get("chunk"),
        progress=work.options.get("progress"),
        threads=work.options.get("threads"),
    )
    if look is not None:
        pairs = int(((work.blocks[:, 1] - work.blocks[:, 0]) * (work.blocks[:, 3] - work.blocks[:, 2])).sum())
        work.screened = look.report(pairs, pairs if sieve is None else sieve.survived)


def _upper(receive: Receive) -> Receive:
    return lambda hits: receive(hits[hits[:, 0] < hits[:, 1]])


def _compared(work: _Work, options: Options, receive: Receive) -> None:
    """All pairs of both sides, or of one side with itself, by the strategy wanted or chosen."""
    wanted, same, task = options.get("strategy", "auto"), options.get("symmetric", False), work.task
    forced = wanted if wanted in ("sketch", "clusters") else None
    large = forced or (wanted == "auto" and len(task.left) * len(task.right) >= _WORTH_CHOOSING)
    if large and kernel_runs() and work.look is None:
        from linkage.strategy import choose, search  # noqa: PLC0415 - another compiled kernel, for large tasks only

        choice = choose(task.left, task.right, work.threshold, task.measure, wanted=forced)
        if choice.name != "full":
            told = options.get("progress")
            sink, threads = partial(_narrowed, receive), options.get("threads")
            search(task.left, task.right, work.threshold, choice, same=same, sink=sink, progress=told, threads=threads)
            return
    _scanned(work, _upper(receive) if same else receive)


def _narrowed(receive: Receive, hits: NDArray[np.int64]) -> None:
    receive(hits.astype(np.int32))
