"""A7, known plaintext: from known pairs to the tokens of rows that nobody knew.

Plain filters give up their positions (`linkage.attacks.positions_learned`): tokens of other rows are read off them, one by one
and as words of a list of names, and the attacker's records are ranked by how likely they make a row.

Diffused filters: linear and non-linear readers alike see rows only through their agreement with known rows, whose mean is
(1 − 2δ)^t. Two readers, both over all orders of interaction at once, which a test of Walsh coefficients takes order by order.
`walsh_bits` predicts each output bit of a record by a Gaussian process with just that covariance: no linear predictor errs
less. `recovered` reads tokens off a row by ridge regression on its agreements, as strongly smoothed as reads held-out known
rows best. The attack ranks candidates by the bits predicted for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

from linkage.attacks.likeness import agreement
from linkage.attacks.outcome import Guesses
from linkage.attacks.positions_learned import Learned, bits_of, learned
from linkage.attacks.scene import Scene, View
from linkage.features import NAME_CLASS, parts_of, tokens
from linkage.records import MISSING

__all__ = ["Recovery", "known_plaintext", "recovered", "recovery", "walsh_bits"]

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NUGGET = 0.02  # of likeness that the arithmetic of insertions does not foresee
_RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, np.inf)  # at the end, the most frequent tokens for everybody
_FOLDS = 5  # one known pair in so many is held out
_CLEAR = 4.0  # log odds from which a token is read by itself
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How well tokens of names were read off rows without a known pair.

    Attributes:
        rows: looked at.
        dice: mean Dice of read and true tokens.
        baseline: the same for whoever always says the most frequent tokens.
        exact: rows of which every token was read, and none besides.
    """

    rows: int
    dice: float
    baseline: float
    exact: int


def known_plaintext(view: View, _rng: np.random.Generator) -> Guesses:
    """For each row without a known pair, the candidate that the known pairs make likeliest; needs two pairs or more."""
    rows, places = view.free_rows, view.free_candidates
    if len(view.known) < 2 or not len(places):
        return Guesses(rows=rows[:0], candidates=places[:0], confidence=np.empty(0))
    guessed, sure = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    told = _log_odds(view, places)
    for start in range(0, len(rows), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        scores = bits_of(view.filters[rows[some]]) @ told[0] + told[1]
        best = scores.argmax(axis=1)
        top = scores[np.arange(len(best)), best]
        guessed[some] = places[best]
        sure[some] = top - np.logaddexp.reduce(scores, axis=1)
    return Guesses(rows=rows, candidates=guessed, confidence=sure)


def recovered(view: View, rows: Rows) -> Flags:
    """The tokens read off some rows, (k, tokens of `view.sets`); names only have words to lean on."""
    known = view.known
    counts = csr_array(view.sets.counts[known[:, 1]])
    if not view.degree:
        return _read_plain(view, counts, learned(view.filters[known[:, 0]], counts), rows)
    present = np.asarray((counts > 0).toarray(), dtype=np.float32)
    many, held = round(float(present.sum(axis=1).mean())), np.arange(len(known)) % _FOLDS == 0
    filters, mine = view.filters[known[:, 0]], (view.filters[rows], view.filters[known[:, 0]])
    if held.all() or not held.any():
        return _most_likely(np.repeat(present.mean(axis=0, keepdims=True), len(rows), axis=0), many)
    within, across = agreement(filters[~held]), agreement(filters[held], filters[~held])
    worth = [
        _dice(_most_likely(_smoothed(within, across, present[~held], one), many), present[held] > 0).mean()
        for one in _RIDGES
    ]
    best = _RIDGES[int(np.argmax(worth))]
    return _most_likely(_smoothed(agreement(filters), agreement(*mine), present, best), many)


def recovery(scene: Scene, rng: np.random.Generator, *, most: int = 1000) -> Recovery:
    """How well tokens of names are read, over some rows without a known pair whose person the attacker holds.

    Args:
        scene: with known pairs.
        rng: draws the rows.
        most: rows looked at.
    """
    view = scene.view
    rows = rng.permutation(view.free_rows[scene.truth[view.free_rows] >= 0])[:most]
    named = np.array([name.startswith(f"{NAME_CLASS}\t") for name in view.sets.names])
    if len(view.known) < 2 or not len(rows) or not named.any():
        return Recovery(rows=0, dice=0.0, baseline=0.0, exact=0)
    true = (view.sets.counts[scene.truth[rows]] > 0).toarray()[:, named]
    read = recovered(view, rows)[:, named]
    often = np.asarray((view.sets.counts[view.known[:, 1]] > 0).toarray(), dtype=np.float32)[:, named]
    usual = _most_likely(often.mean(axis=0, keepdims=True), round(float(often.sum(axis=1).mean())))
    return Recovery(
        rows=len(rows),
        dice=float(_dice(read, true).mean()),
        baseline=float(_dice(np.repeat(usual, len(true), axis=0), true).mean()),
        exact=int((read == true).all(axis=1).sum()),
    )


def walsh_bits(view: View, candidates: Rows) -> Matrix:
    """What the known pairs say of each output bit of some candidates: means of ±1, (k, L)."""
    rows, places = view.known.T
    values = 2 * bits_of(view.filters[rows]) - 1
    like = view.expected[np.ix_(places, places)].copy()
    like.flat[:: len(like) + 1] += np.float32(_NUGGET)
    centre = values.mean(axis=0) * min(1.0, len(rows) * float(np.abs(like).mean()))
    found: Matrix = view.expected[np.ix_(candidates, places)] @ cho_solve(cho_factor(like), values - centre) + centre
    return found


def _log_odds(view: View, places: Rows) -> tuple[Matrix, Matrix]:
    """(L, k) and (k,): scores of rows of bits are linear in them."""
    if view.degree:
        told = np.clip((1 + walsh_bits(view, places)) / 2, 0.02, 0.98)
    else:
        rows, known = view.known.T
        of = learned(view.filters[rows], csr_array(view.sets.counts[known]))
        told = np.clip(of.filters(view.sets.some(places)), 0.002, 0.998)
    one, zero = np.log(told), np.log1p(-told)
    return np.ascontiguousarray((one - zero).T), zero.sum(axis=1)


def _smoothed(within: Matrix, across: Matrix, present: Matrix, ridge: float) -> Matrix:
    """What agreements with known rows say of tokens: ridge regression, (k, tokens)."""
    mean = present.mean(axis=0)
    if not np.isfinite(ridge):
        return np.repeat(mean[None, :], len(across), axis=0)
    read: Matrix = across @ cho_solve(
        cho_factor(within + np.float32(ridge) * np.eye(len(within), dtype=np.float32)), present - mean
    )
    read += mean
    return read


def _read_plain(view: View, counts: csr_array, of: Learned, rows: Rows) -> Flags:
    often = np.asarray((counts > 0).mean(axis=0)).ravel()
    often = np.log(np.clip(often, 0.2 / counts.shape[0], 0.999)).astype(np.float32)
    words, common = _words(view)
    found = np.empty((len(rows), counts.shape[1]), dtype=bool)
    for start in range(0, len(rows), _AT_ONCE):
        evidence = np.array(of.evidence(bits_of(view.filters[rows[start : start + _AT_ONCE]]), counts))
        here = found[start : start + _AT_ONCE]
        here[:] = np.logaddexp.reduce(evidence) - np.log(len(evidence)) + often > _CLEAR
        likely = np.logaddexp.reduce([np.asarray(words @ one.T) for one in evidence]) - np.log(len(evidence))
        for row, mine in enumerate(here):
            plausible = np.flatnonzero(likely[:, row] + common > 0)
            _spell(evidence[:, row], words[plausible].toarray(), common[plausible], mine)
    return found


def _spell(evidence: Matrix, words: Matrix, common: Matrix, found: Flags) -> None:
    """Takes the likeliest word, forgets what it explains, and goes on while some word is likelier than not."""
    left = evidence.copy()
    while len(words):
        scores = np.logaddexp.reduce(left @ words.T) - np.log(len(left)) + common
        best = scores.argmax()
        if scores[best] < 0:
            return
        found[words[best] > 0] = True
        left[:, words[best] > 0] = 0


def _words(view: View) -> tuple[csr_array, Matrix]:
    """(words, tokens) 0 or 1: each name of the attacker's file, cut as the encoder cuts it; the log of its share of people."""
    index = {name: place for place, name in enumerate(view.sets.names)}
    starts, shares = [0], []
    places: list[int] = []
    for one in view.sheet.attributes:
        if one.kind not in ("name", "given_names"):
            continue
        column, left_out = view.records.columns[one.name], parts_of(one, view.plan.left_out(view.depth))
        times = np.bincount(column.codes[column.codes != MISSING], minlength=len(column.values)).tolist()
        units: dict[str, int] = {}
        for value, count in zip(column.values, times, strict=True):
            for unit in value.split(" ") if one.kind == "given_names" else [value]:
                units[unit] = units.get(unit, 0) + count
        for unit, count in units.items():
            cut = {token for some in tokens(one, unit, left_out).values() for token in some}
            found = [index[name] for name in (f"{NAME_CLASS}\t{token}" for token in cut) if name in index]
            if found and count and len(found) == len(cut):
                places += found
                starts.append(len(places))
                shares.append(count / len(view.records))
    shape = (len(starts) - 1, len(view.sets.names))
    spelt: csr_array = csr_array(
        (np.ones(len(places)), np.array(places, dtype=np.int64), np.array(starts)), shape=shape
    )
    return spelt.astype(np.float32), np.log(np.array(shares, dtype=np.float32))


def _most_likely(scores: Matrix, many: int) -> Flags:
    """The so many highest of each row."""
    found = np.zeros(scores.shape, dtype=bool)
    many = max(1, min(many, scores.shape[1]))
    top = np.argpartition(-scores, many - 1, axis=1)[:, :many]
    np.put_along_axis(found, top, True, axis=1)
    return found


def _dice(read: Flags, true: Flags) -> NDArray[np.float64]:
    alike: NDArray[np.float64] = 2 * (read & true).sum(axis=1) / np.maximum(1, read.sum(axis=1) + true.sum(axis=1))
    return alike
