"""A10, hill climbing with rows made for it: a recipient whose tool is not ours, and what a run tells it beyond membership.

What the attacker knows: he is a party of the run, so he has its key and can compute the row of any supposed person in any
block. He knows somebody but for one value, say the place of birth as the source wrote it. He gets what a recipient gets: which
of his own rows are linked, pass by pass; nothing else. What he sends need not be the encoding of anybody.

Hypotheses are rows E_v of one block, one for each value v. A row y is linked to the source's row E_v if they agree, 1 − 2H/L,
at least as much as the threshold asks. In L dimensions a row can be found that agrees much with any chosen half of the
hypotheses and less with the other half (`halving`: of least norm, then rounded to bits with noise that is at right angles to
all hypotheses). Sent with its contrary, whichever of the two is linked tells which half is right: one-to-one solving keeps the
better of both. So each pass of a run answers one bit about each person asked for, `climbed` puts the bits together, and no
bit depends on the answer to another.

Two rows that agree c with the same third one need not agree with each other (c² if they were made apart, less if one is
careful). A threshold that diffusion has pushed down to .17 leaves room for both: `faded` makes variants of a person that are
all linked where they should, and that nobody who compares them with each other finds alike. So the count of near duplicates
(`service.third_party.probing`) sees people who try with this tool, not those who made one of their own.
`benchmarks.questions` measures both, with the guards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from crypto.keys import RunKey, fresh_share
from linkage.attacks.positions_learned import bits_of
from linkage.holder import HolderPass, encode_passes
from linkage.linker import PassLinks, link_pass
from linkage.plan import PassPlan, Plan
from linkage.records import Column, Records
from linkage.sheet import Sheet
from linkage.wire import ID_BYTES, EncodedPass

__all__ = [
    "LIMITS",
    "Climb",
    "Hypotheses",
    "Service",
    "Watched",
    "climbed",
    "faded",
    "halving",
    "mixed",
    "supposed",
    "supposing",
]

Words = NDArray[np.uint64]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Signs = NDArray[np.float64]

Watched = Callable[[PassPlan, EncodedPass, PassLinks], None]

LIMITS = (0.4, 0.6)  # of `halving`: well above strict thresholds, far enough below what gives two rows away

_ROUNDED = sqrt(2 / pi)  # of its length a vector keeps along itself when only its signs are kept
_RIDGE = 1e-3  # of L, for hypotheses that are nearly the same
_COMMON, _SPENT = 0.5, 0.9  # of a row's squared length: what all hypotheses may take, and with it the halves
_AT_ONCE = 1000  # rows of hypotheses encoded together: a block must not grow beyond its cap
_UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Hypotheses:
    """What one person's row would be in one pass, for each value that is not known.

    Attributes:
        tag: (16,) uint8, of their common block.
        filters: (d, L/64) uint64.
    """

    tag: NDArray[np.uint8]
    filters: Words


@dataclass(frozen=True, kw_only=True)
class Climb:
    """What was learned of some people.

    Attributes:
        guess: (k,) the value of each, −1 where some bit was not answered.
        answered: bits told, of all people together.
        asked: pairs of rows sent.
        runs: how many runs it took.
    """

    guess: Rows
    answered: int
    asked: int
    runs: int


@dataclass(frozen=True, kw_only=True)
class Service:
    """A third party that compares what it is sent, and tells the recipient what it may learn.

    Attributes:
        sheet: what the parties share.
        plan: of each run.
        others: the records that the recipient sends besides.
        source: the records of the other party.
        watched: told each upload of the recipient and what it is linked to, as the third party sees them.
    """

    sheet: Sheet
    plan: Plan
    others: Records
    source: Records
    watched: Watched | None = None

    def encoded(self, key: RunKey) -> dict[str, tuple[HolderPass, HolderPass]]:
        """The rows of both files, pass by pass."""
        sides = (encode_passes(one, self.sheet, self.plan, key) for one in (self.others, self.source))
        return {ours.plan.name: (ours, theirs) for ours, theirs in zip(*sides, strict=True)}

    def linked(self, made: tuple[NDArray[np.uint8], Words], ours: HolderPass, theirs: HolderPass) -> Flags:
        """Which of some made rows, tags and filters, come back as certain, sent with the others."""
        sent, order = mixed(*made, ours.encoded)
        found = link_pass(sent, theirs.encoded, ours.plan)
        if self.watched is not None:
            self.watched(ours.plan, sent, found)
        back = np.zeros(len(sent), dtype=bool)
        back[found.left_rows[found.strict]] = True
        certain = np.zeros(len(sent), dtype=bool)
        certain[order] = back
        return certain[: len(made[1])]


def supposing(records: Records, rows: Sequence[int], attribute: str, values: Sequence[str]) -> Records:
    """The records of some people, one after the other with each of these values in place of their own."""
    columns = {}
    for name, column in records.columns.items():
        codes = np.repeat(column.codes[np.asarray(rows)], len(values))
        if name == attribute:
            columns[name] = Column(
                values=list(values), codes=np.tile(np.arange(len(values), dtype=np.int32), len(rows))
            )
        else:
            columns[name] = Column(values=column.values, codes=codes)
    return replace(records, ids=[str(number) for number in range(len(rows) * len(values))], columns=columns)


def supposed(
    records: Records, variants: int, sheet: Sheet, plan: Plan, key: RunKey
) -> Iterator[tuple[str, int, Hypotheses]]:
    """The hypotheses of each person in each pass whose blocks do not divide them: pass, number of the person, rows.

    Args:
        records: as `supposing` makes them.
        variants: d, of each person.
        sheet: what the parties share.
        plan: of the run.
        key: of the run.
    """
    step = max(1, _AT_ONCE // variants) * variants
    for start in range(0, len(records), step):
        some = _part(records, start, min(len(records), start + step))
        for one in encode_passes(some, sheet, plan, key):
            if one.plan.measure != "exact":
                for person, found in _together(one, variants):
                    yield one.plan.name, start // variants + person, found


def halving(
    filters: Words, wanted: Flags, limits: tuple[float, float], rng: np.random.Generator
) -> tuple[Words, Words]:
    """A row that agrees with one half of some rows more than with the other half, and its contrary.

    Args:
        filters: (d, L/64) uint64, the hypotheses.
        wanted: (d,) the half that the first row is for.
        limits: the agreement, 1 − 2H/L, that both rows should have with all of them on average; and how much more of it with
            their own half than with the other. Both at most: hypotheses that are little alike cannot all be near a row.
        rng: draws noise, the contrary of the one row's being the other's: so they resemble each other little.
    """
    signs = 2.0 * bits_of(filters).astype(np.float64) - 1.0
    length = signs.shape[1]
    gram = signs @ signs.T
    gram.flat[:: len(gram) + 1] += _RIDGE * length
    solved = cho_factor(gram)
    side = np.where(wanted, 1.0, -1.0)
    room = length * _ROUNDED**2
    common = _within(signs.T @ cho_solve(solved, np.full(len(side), limits[0] * length)), _COMMON * room)
    taken = float(common @ common)
    apart = _within(signs.T @ cho_solve(solved, side * (limits[1] / 2) * length), _SPENT * room - taken)
    noise: Signs = np.asarray(rng.normal(size=(length,)), dtype=np.float64)
    noise -= signs.T @ cho_solve(solved, signs @ noise)
    noise = noise * sqrt((room - taken - float(apart @ apart)) / float(noise @ noise))
    return _packed(common + apart + noise > 0), _packed(common - apart - noise > 0)


def faded(filters: Words, agreement: float, rng: np.random.Generator) -> Words:
    """The same rows, each with so many bits turned at random that it agrees so much with what it was."""
    flips = rng.random((len(filters), filters.shape[1] * 64)) < (1.0 - agreement) / 2
    return filters ^ _packed(flips)


def mixed(tags: NDArray[np.uint8], filters: Words, others: EncodedPass) -> tuple[EncodedPass, Rows]:
    """Some rows and those of a file as one upload, sorted; and which of them each row is, the made ones first."""
    ids = np.frombuffer(os.urandom(ID_BYTES * len(filters)), dtype=np.uint8).reshape(-1, ID_BYTES)
    every = EncodedPass(
        ids=np.concatenate([ids, others.ids]),
        tags=np.concatenate([tags.reshape(-1, 16), others.tags]),
        filters=np.concatenate([filters, others.filters]),
    )
    order: Rows = np.lexsort(np.concatenate([every.tags, every.ids], axis=1).T[::-1]).astype(np.int64)
    return EncodedPass(ids=every.ids[order], tags=every.tags[order], filters=every.filters[order]), order


def climbed(
    questions: tuple[Records, int],
    service: Service,
    rng: np.random.Generator,
    *,
    limits: tuple[float, float] = LIMITS,
    most: int = 8,
) -> Climb:
    """Learns one value of each person, a bit a pass.

    Args:
        questions: people as `supposing` makes them, and how many values each has.
        service: plays the runs.
        rng: draws noise.
        limits: of `halving`.
        most: runs.
    """
    records, variants = questions
    needed = max(1, ceil(log2(variants)))
    told = np.full((len(records) // variants, needed), _UNKNOWN)
    asked = runs = 0
    while runs < most and (told == _UNKNOWN).any():
        runs += 1
        with RunKey(fresh_share()) as key:
            sides = service.encoded(key)
            people = _by_pass(supposed(records, variants, service.sheet, service.plan, key))
        left = [np.flatnonzero(bits == _UNKNOWN).tolist() for bits in told]
        for name, some in people.items():
            pending = [(person, found, left[person].pop(0)) for person, found in some if left[person]]
            asked += len(pending)
            for (person, _, bit), answer in zip(
                pending, _said(pending, service, sides[name], (limits, rng)), strict=True
            ):
                told[person, bit] = answer
    whole = (told != _UNKNOWN).all(axis=1)
    values = (np.maximum(told, 0) << np.arange(needed)).sum(axis=1)
    answered = int((told != _UNKNOWN).sum())
    return Climb(guess=np.where(whole, values, _UNKNOWN), answered=answered, asked=asked, runs=runs)


def _said(
    pending: list[tuple[int, Hypotheses, int]],
    service: Service,
    sides: tuple[HolderPass, HolderPass],
    how: tuple[tuple[float, float], np.random.Generator],
) -> list[int]:
    """The answer of one pass to each question: 1, 0, or nothing."""
    if not pending:
        return []
    rows: list[Words] = []
    for _, found, bit in pending:
        rows += halving(found.filters, (np.arange(len(found.filters)) >> bit & 1).astype(bool), *how)
    tags = np.repeat([found.tag for _, found, _ in pending], 2, axis=0)
    back = service.linked((tags, np.concatenate(rows)), *sides).reshape(-1, 2)
    return [_UNKNOWN if yes == no else int(yes) for yes, no in back.tolist()]


def _by_pass(found: Iterator[tuple[str, int, Hypotheses]]) -> dict[str, list[tuple[int, Hypotheses]]]:
    waiting: dict[str, list[tuple[int, Hypotheses]]] = {}
    for name, person, one in found:
        waiting.setdefault(name, []).append((person, one))
    return waiting


def _together(one: HolderPass, variants: int) -> Iterator[tuple[int, Hypotheses]]:
    """The people of a pass all of whose hypotheses are in one block."""
    order = np.argsort(one.records, kind="stable")
    person = one.records[order] // variants
    for number in np.unique(person).tolist():
        rows = order[person == number]
        tags = one.encoded.tags[rows]
        if len(rows) == variants and (tags == tags[0]).all():
            yield int(number), Hypotheses(tag=tags[0], filters=one.encoded.filters[rows])


def _part(records: Records, start: int, stop: int) -> Records:
    columns = {
        name: Column(values=column.values, codes=column.codes[start:stop]) for name, column in records.columns.items()
    }
    return replace(records, ids=records.ids[start:stop], columns=columns)


def _within(vector: Signs, most: float) -> Signs:
    """The vector, shortened to that squared length where it is longer."""
    squared = float(vector @ vector)
    return vector if squared <= most else vector * sqrt(most / squared)


def _packed(bits: Flags) -> Words:
    packed: Words = np.packbits(np.atleast_2d(bits), axis=1, bitorder="little").view(np.uint64)
    return packed
