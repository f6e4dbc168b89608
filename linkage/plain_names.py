"""Names that ask for no judgement, folded many at once: the compiled half of `linkage.names` and of `linkage.cells.fold`.

Most cells are letters of Latin alphabets, spaces and hyphens. Those are folded here, character by character through a table made
from the functions that fold one cell. A cell is doubtful, and left to those functions, when it has a sign that the table does
not know, an apostrophe of a name, or a word that may be more than a name: a title, a saint, a word between two surnames, a
placeholder, a run of X.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.cells import APOSTROPHES, PLACEHOLDERS, fold_character
from linkage.compiled import compiled
from linkage.lexicon import Cells, laid_out
from linkage.names import SPECIAL_WORDS, fold_of_given_names

__all__ = ["PlainNames"]

_POINTS = 0x250  # Latin-1 and its two extensions
_MOST = 4  # bytes that a character becomes
_NOTHING, _UNKNOWN, _SEVERAL = 0, 1, 2  # instead of the one byte that a character becomes
_SPACE, _HYPHEN, _X = ord(" "), ord("-"), ord("X")
_FOLDED_KINDS = ("category", "text")


class PlainNames:
    """The canonical values of cells of one attribute, as far as they are plain."""

    def __init__(self, attribute: Attribute) -> None:
        self._table, self._words = _rules(attribute.kind)
        self._most, self._longest = attribute.most, attribute.longest

    @staticmethod
    def know(attribute: Attribute) -> bool:
        """Whether cells of this attribute may be plain names."""
        return attribute.kind in ("name", "given_names", *_FOLDED_KINDS) and not attribute.address

    def fold(self, cells: Cells) -> tuple[Cells, NDArray[np.bool_]]:
        """The values of cells, empty where they say nothing, and which cells are doubtful: their values mean nothing."""
        letters, bounds = cells
        folded = np.empty(_MOST * int(bounds[-1] - bounds[0]), dtype=np.uint8)
        limits = np.zeros(len(bounds), dtype=np.int32)
        doubtful = np.zeros(len(bounds) - 1, dtype=np.bool_)
        _fold(letters, bounds, self._table, self._words, (self._most, self._longest), (folded, limits, doubtful))
        return (folded[: limits[-1]], limits), doubtful


@cache  # nothing of anybody
def _rules(kind: str) -> tuple[Any, Any]:
    """What characters become, and the words that make a cell doubtful, by first letter."""
    if kind in _FOLDED_KINDS:
        return _table(fold_character, ()), _listed(())
    folded = fold_of_given_names if kind == "given_names" else fold_character
    words = SPECIAL_WORDS | {word for placeholder in PLACEHOLDERS for word in placeholder.split(" ")[:1]} | {"X"}
    return _table(folded, APOSTROPHES), _listed(sorted(words))


def _table(folded: Callable[[str], str], doubtful: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """By character, the last entry being for what lies beyond: the byte that it becomes, or what stands for none.

    Then, by character, how many bytes and which: (points + 1, 1 + most).
    """
    ones = np.full(_POINTS + 1, _UNKNOWN, dtype=np.uint8)
    several = np.zeros((_POINTS + 1, 1 + _MOST), dtype=np.uint8)
    for point in range(_POINTS):
        text = folded(chr(point))
        if text.isascii() and len(text) <= _MOST and (" " not in text or text == " ") and chr(point) not in doubtful:
            ones[point] = ord(text) if len(text) == 1 else _SEVERAL if text else _NOTHING
            several[point, : 1 + len(text)] = [len(text), *text.encode()]
    return ones, several


def _listed(words: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]]:
    """Sorted words laid end to end, and where those of each first byte begin."""
    letters, bounds = laid_out(words)
    firsts = np.array([ord(word[0]) for word in words], dtype=np.int64)
    return letters.copy(), bounds, np.searchsorted(firsts, np.arange(257)).astype(np.int32)


@compiled
def _is_listed(folded: NDArray[np.uint8], head: int, tail: int, words: Any) -> bool:  # pragma: no cover - compiled
    """Whether the bytes from `head` to `tail` are one of the listed words."""
    listed, starts, firsts = words
    for word in range(firsts[folded[head]], firsts[folded[head] + 1]):
        same, k = starts[word + 1] - starts[word] == tail - head, 0
        while same and k < tail - head:
            same = listed[starts[word] + k] == folded[head + k]
            k += 1
        if same:
            return True
    return False


@compiled
def _fold(  # noqa: C901, PLR0912, PLR0915 - a call for each cell would cost more than its folding
    letters: NDArray[np.uint8],
    bounds: NDArray[np.int32],
    table: Any,
    words: Any,
    cuts: tuple[int, int],
    result: Any,
) -> None:  # pragma: no cover - compiled
    (folded, limits, doubtful), (ones, several), starts = result, table, words[1]
    most, longest = cuts
    end = 0
    for row in range(len(doubtful)):
        begin, pending = end, 0
        place, stop = np.int64(bounds[row]), np.int64(bounds[row + 1])
        while place < stop:
            point = np.int64(letters[place])
            place += 1
            if point >= 0x80:
                wide = 0xC2 <= point < 0xCA
                point = ((point & 0x1F) << 6) | (np.int64(letters[place]) & 0x3F) if wide else np.int64(_POINTS)
                point = min(point, np.int64(_POINTS))
                place += 1
            one = ones[point]
            if one == _UNKNOWN:
                doubtful[row] = True
                break
            if one == _SPACE:
                pending = 2
            elif one == _HYPHEN:
                pending = max(pending, 1)
            elif one != _NOTHING:
                if pending:
                    if end > begin:
                        folded[end] = _SPACE if pending > 1 else _HYPHEN
                        end += 1
                    pending = 0
                if one != _SEVERAL:
                    folded[end] = one
                    end += 1
                else:
                    for k in range(several[point, 0]):
                        folded[end] = several[point, 1 + k]
                        end += 1
        # Words that may be more than a name, before anything is cut; X at both ends is a run of X, or hardly ever a name.
        head, named, cut = begin, 0, end
        while head < end and not doubtful[row]:
            tail = head
            while tail < end and folded[tail] != _SPACE and folded[tail] != _HYPHEN:
                tail += 1
            if folded[head] == _X and folded[tail - 1] == _X and len(starts) > 1:
                doubtful[row] = True
            if _is_listed(folded, head, tail, words):
                doubtful[row] = True
            if tail < end and folded[tail] == _SPACE:
                named += 1
                if named == most:
                    cut = tail
            head = tail + 1
        end = cut
        if longest and end - begin > longest:
            end = begin + longest
            while end > begin and (folded[end - 1] == _SPACE or folded[end - 1] == _HYPHEN):
                end -= 1
        if doubtful[row]:
            end = begin
        limits[row + 1] = end
