"""Distinct cells of a feature to the words that are hashed, and the cells that break a rule.

The sentinel of missing values is no subject of rules: its replacement, or itself, is the word, whatever the format.
"""

from __future__ import annotations

from collections.abc import Sequence

from linkage.clkhash.feature_reading import Hashing
from linkage.clkhash.formats import DateFormat, Format, IntegerFormat, TextFormat

__all__ = ["words_of"]


def words_of(hashing: Hashing, cells: Sequence[str], *, check: bool = True) -> tuple[list[str], dict[int, str]]:
    """Words of the cells of a column.

    Args:
        hashing: of the feature.
        cells: distinct.
        check: whether the format's rules apply. Whatever it is, a cell that its encoding lacks is refused, and so is one
            that is no integer or no date: no word stands for it.

    Returns:
        One word a cell, and the rule that cells break by their place in `cells`; the word of such a cell is empty.
    """
    cells = cells if isinstance(cells, list) else list(cells)
    missing = hashing.missing
    gap = cells.index(missing.sentinel) if missing and missing.sentinel in cells else -1
    regular = [*cells[:gap], *cells[gap + 1 :]] if gap >= 0 else cells
    words, broken = _all_words(hashing.format, regular, check=check)
    if missing and gap >= 0:
        words.insert(gap, missing.replacement)
        broken = {place + (place >= gap): rule for place, rule in broken.items()}
    return words, broken


def _all_words(kind: Format, cells: Sequence[str], *, check: bool) -> tuple[list[str], dict[int, str]]:
    if (
        isinstance(kind, TextFormat)
        and _encodable("".join(cells), kind.encoding)
        and (not check or kind.all_right(cells))
    ):
        return list(cells), {}
    words = kind.plain_words(cells) if isinstance(kind, DateFormat) else [""] * len(cells)
    broken = {}
    for place, cell in enumerate(cells):
        if words[place]:
            continue
        words[place], rule = _word(kind, cell, check=check)
        if rule:
            broken[place] = rule
    return words, broken


def _word(kind: Format, cell: str, *, check: bool) -> tuple[str, str | None]:
    rule: str | None
    if not cell.isascii() and not _encodable(cell, kind.encoding):
        return "", f"caractère qui n'existe pas en {kind.encoding}"
    if isinstance(kind, IntegerFormat | DateFormat):
        try:
            word = kind.word(cell)
        except (ValueError, OverflowError):
            return "", kind.rule_broken(cell)
        # What could be read of a date breaks no other rule; an integer still has bounds.
        rule = kind.rule_broken(cell) if check and isinstance(kind, IntegerFormat) else None
        return ("", rule) if rule else (word, None)
    rule = kind.rule_broken(cell) if check else None
    return ("", rule) if rule else (cell, None)


def _encodable(text: str, encoding: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
