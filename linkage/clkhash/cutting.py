"""Distinct words of a column to numbered tokens.

n-grams are cut by compiled code where a gram fits in 62 bits: each character becomes its number in the alphabet of these words,
the space being 0, and a gram is these numbers side by side, under its rank where ranks count. Everything else is cut word by
word, by the definition in `comparators`, which is also what tests compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.clkhash.bit_kernel import cut_grams
from linkage.clkhash.comparators import Comparator, Ngram

__all__ = ["Tokens", "cut"]

_KEY_BITS = 62
_SPACE = 32


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens of words: of word w, in order, tokens[offsets[w]] to tokens[offsets[w + 1] - 1].

    Attributes:
        offsets: (words + 1,) int64.
        tokens: int32 places in `names`.
        names: distinct tokens.
    """

    offsets: NDArray[np.int64]
    tokens: NDArray[np.int32]
    names: list[str]


def cut(comparator: Comparator, words: Sequence[str]) -> tuple[Tokens, list[int]]:
    """Cut words.

    Returns:
        The tokens, and the places of words that the comparator cannot cut (no number); these have no token.
    """
    if isinstance(comparator, Ngram):
        fast = _cut_compiled(comparator, words)
        if fast is not None:
            return fast, []
    return _cut_plainly(comparator, words)


def _cut_plainly(comparator: Comparator, words: Sequence[str]) -> tuple[Tokens, list[int]]:
    index: dict[str, int] = {}
    numbers: list[int] = []
    offsets, refused = [0], []
    for place, word in enumerate(words):
        try:
            numbers += [index.setdefault(token, len(index)) for token in comparator.tokens(word)]
        except ValueError:
            refused.append(place)
        offsets.append(len(numbers))
    tokens = np.array(numbers, dtype=np.int32)
    return Tokens(offsets=np.array(offsets, dtype=np.int64), tokens=tokens, names=list(index)), refused


def _cut_compiled(comparator: Ngram, words: Sequence[str]) -> Tokens | None:
    """The tokens, or None where a gram may not fit."""
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    points = _points("".join(words))
    alphabet = _alphabet(points)
    n, longest = comparator.n, int(lengths.max(initial=0))
    bits = max(1, (len(alphabet) - 1).bit_length())
    rank_bits = (longest + n).bit_length() if comparator.positional else 0
    if n * bits + rank_bits > _KEY_BITS:
        return None
    numbers = np.zeros(int(alphabet.max()) + 1, dtype=np.uint32)
    numbers[alphabet] = np.arange(len(alphabet))
    sizes = np.where(lengths > 0, lengths + n - 1, 0)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    tokens = np.empty(int(offsets[-1]), dtype=np.int32)
    keys = cut_grams(points, numbers, lengths, (n, bits, comparator.positional), tokens)
    return Tokens(offsets=offsets, tokens=tokens, names=_names(keys.tolist(), comparator, alphabet, bits))


def _points(text: str) -> NDArray[np.uint8] | NDArray[np.uint32]:
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32)


def _alphabet(points: NDArray[np.uint8] | NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Distinct code points, the space first."""
    seen = np.zeros(max(_SPACE, int(points.max(initial=0))) + 1, dtype=np.bool_)
    seen[points] = True
    seen[_SPACE] = False
    return np.concatenate(([_SPACE], np.flatnonzero(seen))).astype(np.uint32)


def _names(keys: list[int], comparator: Ngram, alphabet: NDArray[np.uint32], bits: int) -> list[str]:
    letters = [chr(point) for point in alphabet.tolist()]
    mask = (1 << bits) - 1
    shifts = [bits * place for place in reversed(range(comparator.n))]
    grams = ["".join([letters[key >> shift & mask] for shift in shifts]) for key in keys]
    if not comparator.positional:
        return grams
    above = bits * comparator.n
    return [f"{(key >> above) + 1} {gram}" for key, gram in zip(keys, grams, strict=True)]
