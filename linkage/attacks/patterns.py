"""A4, pattern mining without a key and without a known pair: bits that are set together are the bits of one token.

What the attacker knows: the filters of a block, how often each token and each pair of tokens is in his reference file, and how
many positions a token sets. In plain filters a token sets all its positions wherever it is. So:

1. of the columns that go together most (φ, the correlation of bits), grow a *pattern*: rows that have all its columns, columns
   that are set in all these rows, and so on until nothing is added. Its rows are those that have the token (so often);
2. forget what a pattern explains, and look for the next;
3. tell patterns from tokens: how often each occurs, and how often two occur together, is nearly the same in the reference file.
   The most frequent patterns are named first, the others by how they meet those; then all again, one to one, until nothing
   changes;
4. rank the candidates of a row by how well their tokens fit its patterns.

Diffused filters have no columns that go together: no pattern is found, and nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from linkage.attacks.outcome import Guesses
from linkage.attacks.positions_learned import bits_of
from linkage.attacks.scene import Scene, View

__all__ = ["Mined", "Patterns", "mined", "pattern_mining", "patterns"]

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

_COLUMNS = 2048  # looked at: of longer filters a part, in which tokens have as many positions
_LEAST_BITS = 6  # of a pattern: fewer are set together by chance
_LEAST_ROWS = 12
_SURE = 5.5  # standard deviations of φ between independent columns: 10⁶ pairs stay below
_ALL = 0.995  # of the rows of a pattern that have a column of it
_MOST = 80  # patterns sought, the strongest first
_SEED = 4  # columns that a pattern begins with
_ROUNDS = 8
_LIKELY = 400  # tokens that a pattern may be, the most frequent ones
_LOOKED_AT = 3000  # candidates from whom it is told how often tokens meet
_FAR = 5.0  # standard deviations; farther is as bad
_KEPT = 0.25  # of the columns of a pattern, new ones that make it a new one


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """What was mined.

    Attributes:
        columns: of each pattern.
        present: (n, patterns) rows that have all columns of it.
        token: (patterns,) the token that it is said to be, a place in `view.sets.names`.
        shown: (n', patterns) candidates that would then show it.
    """

    columns: list[Rows]
    present: Flags
    token: Rows
    shown: Flags


@dataclass(frozen=True, kw_only=True)
class Mined:
    """How much of it is true.

    Attributes:
        patterns: found.
        tokens: named rightly: nine rows in ten of the pattern set as many positions of the token as the pattern has, and nine
            in ten of those who do are in the pattern.
        values: of (row, token) pairs that were said, those that are true; only rightly named tokens count.
        said: (row, token) pairs said.
    """

    patterns: int
    tokens: int
    values: int
    said: int


def patterns(view: View) -> Patterns:
    """Mines a block; see the module's page."""
    bits = bits_of(view.filters[:, : _COLUMNS // 64])
    columns, present = _patterns_of(bits)
    if not columns or not len(view.candidates):
        nobody = np.empty((len(view.candidates), 0), dtype=bool)
        return Patterns(columns=columns, present=present, token=np.empty(0, dtype=np.int64), shown=nobody)
    token, shown = _named(view, columns, present)
    return Patterns(columns=columns, present=present, token=token, shown=shown)


def pattern_mining(view: View, _rng: np.random.Generator) -> Guesses:
    """For each row the candidate whose tokens fit its patterns best; nobody where no pattern was found."""
    found, rows, places = patterns(view), view.free_rows, view.free_candidates
    if not len(found.token) or not len(places):
        return Guesses(rows=rows[:0], candidates=places[:0], confidence=np.empty(0))
    has = found.shown.astype(np.float32)
    seen = found.present.astype(np.float32)
    agree = np.where(seen.std(axis=0) > 0, 1.0, 0.0) * _trust(seen, has)
    scores = (2 * seen[rows] - 1) * agree @ (2 * has[places] - 1).T
    best = scores.argmax(axis=1)
    top = scores[np.arange(len(best)), best]
    scores[np.arange(len(best)), best] = -np.inf
    second = scores.max(axis=1) if len(places) > 1 else np.zeros(len(rows))
    return Guesses(rows=rows, candidates=places[best], confidence=np.asarray(top - second, dtype=np.float64))


def mined(scene: Scene) -> Mined:
    """Mines a block and looks what of it is true."""
    found = patterns(scene.view)
    known = scene.truth >= 0
    tokens = values = said = 0
    for place in range(len(found.token)):
        has = found.shown[scene.truth[known], place]
        mine = found.present[known, place]
        both = int((has & mine).sum())
        said += int(mine.sum())
        if both >= 0.9 * mine.sum() and both >= 0.9 * has.sum() and both:
            tokens += 1
            values += both
    return Mined(patterns=len(found.columns), tokens=tokens, values=values, said=said)


def _patterns_of(bits: Matrix) -> tuple[list[Rows], Flags]:
    """Columns of each pattern, and which rows have it."""
    rows, length = bits.shape
    columns: list[Rows] = []
    present: list[Flags] = []
    if rows < _LEAST_ROWS * 2:
        return columns, np.empty((rows, 0), dtype=bool)
    spread = bits.std(axis=0)
    centred = (bits - bits.mean(axis=0)) / np.where(spread > 0, spread, 1)
    together = np.asarray(centred.T @ centred / rows, dtype=np.float32)
    np.fill_diagonal(together, 0)
    together[spread == 0] = together[:, spread == 0] = 0
    floor = _SURE / np.sqrt(rows)
    strength = together.max(axis=1)
    taken = np.zeros(length, dtype=np.int64)
    for _ in range(2 * _MOST):
        seed = int(strength.argmax())
        if strength[seed] < floor or len(columns) >= _MOST:
            break
        partner = int(together[seed].argmax())
        together[seed, partner] = together[partner, seed] = 0
        strength[[seed, partner]] = together[[seed, partner]].max(axis=1)
        found = _grown(bits, together, [seed, partner])
        if found is None:
            continue
        some, has = found
        together[np.ix_(some, some)] = 0
        strength[some] = together[some].max(axis=1)
        if any(len(np.intersect1d(some, one)) > (1 - _KEPT) * min(len(some), len(one)) for one in columns):
            continue
        taken[some] += 1
        columns.append(some)
        present.append(has)
    return columns, np.stack(present, axis=1) if present else np.empty((rows, 0), dtype=bool)


def _grown(bits: Matrix, together: Matrix, seed: list[int]) -> tuple[Rows, Flags] | None:
    """The pattern around two columns, or None."""
    some = np.array(seed)
    while len(some) < _SEED:
        nearest = together[some].sum(axis=0)
        nearest[some] = -1
        some = np.append(some, nearest.argmax())
    for _ in range(_ROUNDS):
        has: Flags = np.asarray(bits[:, some].all(axis=1))
        if has.sum() < _LEAST_ROWS:
            return None
        share = bits[has].mean(axis=0)
        added = np.flatnonzero(share >= _ALL)
        if len(np.setdiff1d(added, some)) == 0:
            return (np.sort(some), has) if len(some) >= _LEAST_BITS else None
        some = np.union1d(some, added)
    return None


def _named(view: View, found: list[Rows], present: Flags) -> tuple[Rows, Flags]:
    """The token that each pattern is, and which candidates would show the pattern: those that set as many of its positions.

    The most frequent patterns first, each with the token that fits its frequency and how it meets those already named; then all
    again, one to one, until nothing changes.
    """
    counts = view.sets.counts[:_LOOKED_AT].astype(np.float32).toarray()
    likely = np.argsort(-(counts > 0).mean(axis=0), kind="stable")[:_LIKELY]
    part = min(1.0, _COLUMNS / view.length)
    levels = np.array([round(len(one) / part) for one in found])
    naming = _Naming(present, counts[:, likely], levels)
    token = naming.begun()
    for _ in range(_ROUNDS):
        before, token = token, naming.again(token)
        if (token == before).all():
            break
    named = np.asarray(likely[token], dtype=np.int64)
    return named, view.sets.counts[:, named].toarray() >= levels


class _Naming:
    """Patterns and tokens by how often they come and meet, in standard deviations.

    Args:
        present: (n, patterns).
        counts: (n', tokens) insertions of candidates.
        levels: columns of each pattern: who shows it inserts the token at least so often.
    """

    def __init__(self, present: Flags, counts: Matrix, levels: Rows) -> None:
        seen = present.astype(np.float32)
        self._levels, self._meet = levels, seen.T @ seen / len(seen)
        self._noise = np.sqrt(np.maximum(self._meet, 1 / len(seen)) / len(seen)) + np.float32(0.5 / len(seen))
        self._has = {level: (counts >= level).astype(np.float32) for level in set(levels.tolist())}
        self._share = {level: has.mean(axis=0) for level, has in self._has.items()}

    def begun(self) -> Rows:
        """The most frequent patterns first, each by those before it."""
        token = np.full(len(self._levels), -1)
        done: list[int] = []
        for place in np.argsort(-np.diag(self._meet), kind="stable").tolist():
            shown = np.stack([self._shown(one, token) for one in done], axis=1) if done else None
            fit = self._fit(place, done, shown)
            fit[token[done]] += _FAR
            token[place] = fit.argmin()
            done.append(place)
        return token

    def again(self, token: Rows) -> Rows:
        """All patterns by all others, one to one."""
        every = list(range(len(token)))
        shown = np.stack([self._shown(one, token) for one in every], axis=1)
        met = {level: has.T @ shown / len(has) for level, has in self._has.items()}
        fits = np.stack([self._fit(place, every, None, met[int(self._levels[place])]) for place in every])
        found: Rows = np.asarray(linear_sum_assignment(fits)[1], dtype=np.int64)
        return found

    def _shown(self, place: int, token: Rows) -> Matrix:
        shown: Matrix = self._has[int(self._levels[place])][:, token[place]]
        return shown

    def _fit(self, place: int, others: list[int], shown: Matrix | None, met: Matrix | None = None) -> Matrix:
        """How far each token is from a pattern, on average over how often it comes and how it meets some others."""
        level, noise = int(self._levels[place]), self._noise[place]
        away = np.abs(self._share[level] - self._meet[place, place])[:, None] / noise[place]
        if shown is not None:
            met = self._has[level].T @ shown / len(shown)
        if met is not None:
            meeting = np.abs(met - self._meet[place, others]) / noise[others]
            meeting[:, [other == place for other in others]] = away
            away = np.concatenate([away, meeting], axis=1)
        fit: Matrix = np.asarray(np.minimum(away, _FAR).mean(axis=1), dtype=np.float32)
        return fit


def _trust(seen: Matrix, has: Matrix) -> Matrix:
    """How much a pattern counts: rare ones tell more."""
    share = np.clip((seen.mean(axis=0) + has.mean(axis=0)) / 2, 1e-3, 1 - 1e-3)
    weight: Matrix = (-(share * np.log(share) + (1 - share) * np.log(1 - share))).astype(np.float32)
    return weight / np.float32(max(1e-9, float(weight.sum())))
