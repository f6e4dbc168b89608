"""Positions of tokens in one pass: each token hashed once under the key of its class, and masks of the first k of frequent ones.

A token that sets k positions sets the first k of its words, whatever k is in another record. So the words of a token are drawn
once, as many as its largest k, and for tokens that many values share the union of the first 8, 16, 24… of them is kept as a
mask: setting k bits is then one OR of a filter's length and at most seven single bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.keys import PassKey, derive
from linkage.bits import STEP, fill_masks
from linkage.token_digests import many_words

__all__ = ["Drawn", "Positions"]

_MASK_BYTES = 4 << 20  # of the masks of one class: what a processor keeps close


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The positions of the tokens of one class.

    Attributes:
        starts: (tokens + 1,) int64, where the positions of each token begin.
        places: (positions + STEP,) uint16, each below m; the last ones are no token's.
        first: (tokens,) int64, row of a token's first mask; -1 when it has none.
        masks: (rows, m/64) uint64, of 8, 16, 24… positions of each token.
    """

    starts: NDArray[np.int64]
    places: NDArray[np.uint16]
    first: NDArray[np.int64]
    masks: NDArray[np.uint64]

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.int64], NDArray[np.uint64]]:
        """What compiled functions take."""
        return self.starts, self.places, self.first, self.masks


@dataclass
class _Class:
    index: dict[str, int] = field(default_factory=dict)
    most: list[int] = field(default_factory=list)
    uses: list[int] = field(default_factory=list)


class Positions:
    """The hashing of one pass.

    Args:
        key: of the pass.
        length: m, a power of two.
    """

    def __init__(self, key: PassKey, length: int) -> None:
        self._key = key
        self._length = length
        self._classes: dict[str, _Class] = {}
        self._drawn: dict[str, Drawn] = {}

    def want(self, name: str, tokens: Sequence[str], most: NDArray[np.int64], uses: NDArray[np.int64]) -> None:
        """Ask for the positions of tokens of a class, before any are drawn.

        Args:
            name: of the class.
            tokens: their spelling.
            most: the largest k of each.
            uses: how many values have each.
        """
        wanted = self._classes.setdefault(name, _Class())
        for token, count, number in zip(tokens, most.tolist(), uses.tolist(), strict=True):
            place = wanted.index.setdefault(token, len(wanted.index))
            if place == len(wanted.most):
                wanted.most.append(count)
                wanted.uses.append(number)
            else:
                wanted.most[place] = max(wanted.most[place], count)
                wanted.uses[place] += number

    def draw(self, name: str) -> tuple[dict[str, int], Drawn]:
        """The positions of all tokens asked for of a class: their places in what was drawn, and that."""
        wanted = self._classes[name]
        if name not in self._drawn:
            self._drawn[name] = self._draw(name, wanted)
        return wanted.index, self._drawn[name]

    def apart(self, name: str, tokens: Sequence[str], most: NDArray[np.int64]) -> Drawn:
        """The positions of tokens that are used now and not kept."""
        one = _Class(
            index={token: place for place, token in enumerate(tokens)}, most=most.tolist(), uses=[0] * len(most)
        )
        return self._draw(name, one)

    def _draw(self, name: str, wanted: _Class) -> Drawn:
        key = derive(self._key, Label.TOKENS, name.encode())
        tokens = [token.encode("utf-8", "surrogatepass") for token in wanted.index]
        most = np.array(wanted.most, dtype=np.int64)
        words = many_words(key, tokens, most)
        places = np.append(words & np.uint16(self._length - 1), np.zeros(STEP, dtype=np.uint16))
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(most)])
        first, rows = _room(most // STEP, np.array(wanted.uses, dtype=np.int64), _MASK_BYTES // (self._length // 8))
        masks = np.zeros((rows, self._length // 64), dtype=np.uint64)
        fill_masks(starts, places, first, masks)
        return Drawn(starts=starts, places=places, first=first, masks=masks)


def _room(needed: NDArray[np.int64], uses: NDArray[np.int64], rows: int) -> tuple[NDArray[np.int64], int]:
    """The first row of the masks of each token, the most used first as long as there is room; and how many rows there are."""
    order = np.argsort(-uses, kind="stable")
    order = order[needed[order] > 0]
    ends = np.cumsum(needed[order])
    kept = order[ends <= rows]
    first = np.full(len(needed), -1, dtype=np.int64)
    first[kept] = ends[: len(kept)] - needed[kept]
    return first, int(ends[len(kept) - 1]) if len(kept) else 0
