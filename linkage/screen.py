"""A first look at some columns of diffused filters, which drops most pairs before they are compared in full.

Nothing exact prunes such filters: unrelated pairs all lie near one half. But a threshold lies far below one half, and some
columns tell. P columns are drawn from a CSPRNG; a pair is compared in full only when it differs in at most b of them.

Law. The P columns are a uniform sample, without replacement, of the L columns, so whatever the two rows are, a pair that differs
in H places differs in X of the sample with X hypergeometric (L, H, P). The tail P(X > b) grows with H; b is the least for which
it is at most the miss rate asked for at H = T, the largest distance of the threshold. So a pair at the threshold is missed with
at most that chance, a nearer one with less, and nothing is assumed of the filters, nor of who made them: the draw comes after.
One draw serves a whole call: the chance is that of each pair, over draws; pairs of one call are not missed independently.

Gain. Strangers at one half differ in Binomial(P, 1/2) of the sample. P is the number of whole words that costs least by that
law: too few words let strangers through, many cost what they should save. Where less than a tenth is saved, every pair is
compared in full. For rows that are no strangers to each other a sample of pairs tells; a wrong guess costs time, never a pair.

A screen loses pairs, so it is off unless asked for, and who asks says whether somebody is awarded something because of a link,
or of none: then it is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import shake_256
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError

__all__ = [
    "MOST_MISSED", "Look", "Screen", "Screened", "Shape",
    "bound_of", "choice", "columns_of", "look_of", "together",
]  # fmt: skip

MOST_MISSED = 1e-4
_SEED_BYTES = 32
_ROUNDING = 1e-6  # of a probability, above that of sums of float64 logarithms
_TRIED = 64  # numbers of words at most
_WORTH = 0.9  # of the cost in full

# Nanoseconds on one core of an Emerald Rapids processor; only their ratios matter.
_WORD = {True: 0.045, False: 0.072}  # a pair, by 64 bits: in matrix registers, with vectors
_PAIR = {True: 0.05, False: 0.06}  # a pair, whatever its words
_MET, _GROUP = {True: 0.15, False: 1.4}, {True: 1024, False: 80}  # a pair of a group with a survivor; pairs of a group
_SURVIVOR = 35.0
_ROW, _ROW_WORD = 100.0, 2.0  # drawing the columns of a row; by word of it
_SMALL = 2e7  # of a comparison in full that is not worth a choice


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What whoever wants a screen says.

    Attributes:
        awards: whether a link, or the lack of one, awards anything to anybody without a human look: refused then.
        missed: the largest chance of missing a pair at the threshold, at most `MOST_MISSED`.
        draw: what the columns are drawn from; the same draw, the same columns. Fresh, or kept for work that is resumed.
        words: 64-bit words of columns, 0 for none; chosen by the call where absent, see `linkage.sieve.settled`.
    """

    awards: bool
    missed: float = MOST_MISSED
    draw: bytes = field(default_factory=lambda: secrets.token_bytes(_SEED_BYTES), repr=False)
    words: int | None = None

    def check(self, measure: str) -> Self:
        """Itself.

        Raises:
            LinkageError: `E_CRIBLE` when something is awarded, or for another measure than `hamming`; `E_OPTION` for a miss rate
                that is none or too large, a draw of another length, a number of words that is none.
        """
        if self.awards:
            raise LinkageError("E_CRIBLE", "un crible peut manquer des paires : jamais quand une attribution en dépend")
        if measure != "hamming":
            raise LinkageError("E_CRIBLE", "un crible ne vaut que pour des filtres diffusés, comparés par Hamming")
        if not 0 < self.missed <= MOST_MISSED:
            raise LinkageError("E_OPTION", f"le taux manqué d'un crible est positif et d'au plus {MOST_MISSED:g}")
        if len(self.draw) != _SEED_BYTES or (self.words is not None and self.words < 0):
            raise LinkageError("E_OPTION", f"un crible attend {_SEED_BYTES} octets de tirage et un nombre de mots")
        return self


@dataclass(frozen=True, kw_only=True)
class Screened:
    """What a screen did, for the report.

    Attributes:
        columns: looked at first; 0 where every pair was compared in full.
        bound: the largest difference there of a pair that is compared in full.
        missed: the chance, over the draw, that a pair exactly at the threshold was missed; 0 where nothing is.
        pairs: looked at.
        survived: pairs compared in full after that look.
        why: a sentence with the numbers that decided.
    """

    columns: int
    bound: int
    missed: float
    pairs: int
    survived: int
    why: str

    @property
    def share(self) -> float:
        """Of the pairs looked at, those compared in full."""
        return self.survived / self.pairs if self.pairs else 0.0


@dataclass(frozen=True, kw_only=True)
class Look:
    """A screen that was settled for some rows: `words` of columns and the bound there; none with 0 words."""

    length: int
    words: int
    bound: int
    missed: float
    why: str
    draw: bytes = field(repr=False)

    def report(self, pairs: int, survived: int) -> Screened:
        """What it did."""
        return Screened(
            columns=64 * self.words,
            bound=self.bound,
            missed=self.missed,
            pairs=pairs,
            survived=survived,
            why=self.why,
        )


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the cost of a comparison depends on.

    Attributes:
        length: bits of a row.
        limit: T, the largest distance of the threshold.
        pairs: that are compared.
        rows: of both sides.
        matrix: whether pairs are compared in matrix registers.
        distances: of some pairs, where they are not known to be strangers.
    """

    length: int
    limit: int
    pairs: int
    rows: int
    matrix: bool
    distances: NDArray[np.int64] | None = None


def look_of(screen: Screen, shape: Shape) -> Look:
    """The look that a screen settles on, its words chosen where it has none of its own."""
    words, why = screen.words, f"{64 * (screen.words or 0)} colonnes sur {shape.length}, fixées d'avance"
    if words is None:
        words, why = choice(screen.missed, shape)
    elif words >= shape.length // 64:
        words, why = 0, "un crible aussi large que les filtres n'épargne rien"
    if not words:
        return Look(length=shape.length, words=0, bound=-1, missed=0.0, why=why, draw=screen.draw)
    bound, missed = bound_of(shape.length, shape.limit, 64 * words, screen.missed)
    return Look(length=shape.length, words=words, bound=bound, missed=missed, why=why, draw=screen.draw)


def columns_of(look: Look) -> NDArray[np.int64]:
    """(64 · words,) the columns of a look, in ascending order: a uniform sample of all columns."""
    stream = np.frombuffer(shake_256(look.draw).digest(8 * look.length), dtype="<u8")
    return np.sort(np.argsort(stream, kind="stable")[: 64 * look.words])


def bound_of(length: int, limit: int, columns: int, missed: float) -> tuple[int, float]:
    """The least b for which a pair at the limit differs in more than b columns with a chance of at most `missed`; that chance.

    Args:
        length: L.
        limit: T, from 0 to L.
        columns: P, from 1 to L.
        missed: above 0.
    """
    chances = _hypergeometric(length, limit, columns)
    above = np.append(np.cumsum(chances[::-1])[::-1][1:], 0.0)  # P(X > k)
    bound = int(np.argmax(above * (1 + _ROUNDING) <= missed))
    return bound, float(above[bound])


def together(parts: Iterable[Screened | None]) -> Screened | None:
    """What screens of one pass did, all with the same columns; nothing where there was none."""
    found = [one for one in parts if one is not None]
    if not found:
        return None
    return replace(found[0], pairs=sum(one.pairs for one in found), survived=sum(one.survived for one in found))


def choice(missed: float, shape: Shape) -> tuple[int, str]:
    """How many words cost least, 0 for no screen at all, and why.

    Args:
        missed: the largest chance of missing a pair at the limit.
        shape: of the comparison.
    """
    whole = shape.length // 64
    complete = whole * _WORD[shape.matrix] + _PAIR[shape.matrix]
    if complete * shape.pairs < _SMALL:
        return 0, f"{shape.pairs} paires\u202f: trop peu pour un crible"
    best, words = complete * _WORTH, 0
    for some in range(1, whole, max(1, whole // _TRIED)):
        bound, _ = bound_of(shape.length, shape.limit, 64 * some, missed)
        cost = _cost(shape, some, float(_binomial(64 * some)[: bound + 1].sum()))
        if cost < best:
            best, words = cost, some
    if not words:
        return 0, f"aucun crible n'épargne un dixième du travail à ce seuil ({shape.limit} bits sur {shape.length})"
    bound, _ = bound_of(shape.length, shape.limit, 64 * words, missed)
    survivors = _surviving(shape, 64 * words, bound)
    cost = _cost(shape, words, survivors)
    why = f"{64 * words} colonnes sur {shape.length}\u202f: {survivors:.1e} des paires survivraient"
    if cost > complete * _WORTH:
        return 0, f"{why}, trop pour épargner un dixième du travail"
    return words, f"{why}, coût {cost / complete:.2f} de la comparaison complète"


def _cost(shape: Shape, words: int, survivors: float) -> float:
    """Nanoseconds a pair."""
    met = -np.expm1(-survivors * _GROUP[shape.matrix])
    drawn = (_ROW + _ROW_WORD * shape.length / 64) * shape.rows / shape.pairs
    looked = words * _WORD[shape.matrix] + _PAIR[shape.matrix]
    return float(looked + _MET[shape.matrix] * met + _SURVIVOR * survivors + drawn)


def _surviving(shape: Shape, columns: int, bound: int) -> float:
    """The share of pairs that differ in at most `bound` columns: of strangers, or of the pairs of a sample if that is more."""
    strangers = float(_binomial(columns)[: bound + 1].sum())
    if shape.distances is None or not len(shape.distances):
        return strangers
    values, counts = np.unique(shape.distances, return_counts=True)
    within = [_hypergeometric(shape.length, value, columns)[: bound + 1].sum() for value in values.tolist()]
    return max(strangers, float((np.array(within) * counts).sum() / counts.sum()))


@lru_cache(maxsize=8)  # public numbers
def _log_factorials(most: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1, dtype=np.float64)))])


def _hypergeometric(length: int, marked: int, drawn: int) -> NDArray[np.float64]:
    """(drawn + 1,) the chance of each number of marked ones among those drawn."""
    logs = _log_factorials(length)
    count = np.arange(max(0, drawn + marked - length), min(drawn, marked) + 1)
    chance = np.zeros(drawn + 1)
    of_marked = logs[marked] - logs[count] - logs[marked - count]
    rest = length - marked
    of_rest = logs[rest] - logs[drawn - count] - logs[rest - drawn + count]
    chance[count] = np.exp(of_marked + of_rest - (logs[length] - logs[drawn] - logs[length - drawn]))
    return chance


def _binomial(count: int) -> NDArray[np.float64]:
    logs = _log_factorials(count)
    chances: NDArray[np.float64] = np.exp(logs[count] - logs - logs[::-1] - count * np.log(2.0))
    return chances
