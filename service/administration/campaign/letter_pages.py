"""Letters ready to be printed: A4 pages for envelopes with a window, beside the CSV that a printer's own tool would take.

::

    courrier-001.pdf, courrier-002.pdf …      five hundred letters a file at most, in the order of `courrier.csv`

Each letter begins on a page of its own: who writes at the top left, the address in the window (110 mm from the left, 50 mm from
the top), the date under it, then the text as the template wrote it. The font is embedded, so that every printer gives the same
page. A letter with a character that the font lacks is not printed with a hole: it stays in the CSV and is counted. Files are
readable by their owner only and hold no date of making, no name of a machine.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

__all__ = ["Letter", "printable", "write_letters"]

_AT_ONCE = 500  # letters of a file
_MM = 72 / 25.4
_WIDTH, _HEIGHT = 210 * _MM, 297 * _MM
_LEFT, _RIGHT, _BOTTOM = 20 * _MM, 190 * _MM, 20 * _MM
_WINDOW = (110 * _MM, _HEIGHT - 50 * _MM)  # first line of the address
_BODY, _TOP = _HEIGHT - 100 * _MM, _HEIGHT - 25 * _MM  # first line of the text on the first page, on the others
_SIZE, _LEADING = 9.5, 13.0  # points
_FONT = "Vera"
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_SPACES = str.maketrans({"\u202f": "\u00a0", "\u2009": "\u00a0"})  # thin spaces, which the font lacks


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter.

    Attributes:
        to: name and lines of the address.
        body: as the template wrote it: who writes, an empty line, the text.
    """

    to: tuple[str, ...]
    body: str


def printable(letter: Letter) -> bool:
    """Whether the font has every character of a letter."""
    known = _font().face.charToGlyph
    return all(ord(one) in known for one in _plain("".join((*letter.to, letter.body))) if one != "\n")


def write_letters(folder: Path, letters: Sequence[Letter], sender: str, today: date) -> tuple[list[Path], int]:
    """Write the letters that can be printed.

    Args:
        folder: of the files; those of an export before are no more there.
        letters: in their order.
        sender: who writes.
        today: what the letters are dated.

    Returns:
        The files, and how many letters are in none of them.
    """
    for old in folder.glob("courrier-[0-9][0-9][0-9].pdf"):  # of an export before, whose people may have objected since
        old.unlink()
    printed = [one for one in letters if printable(one)]
    files = []
    for number, start in enumerate(range(0, len(printed), _AT_ONCE), 1):
        path = folder / f"courrier-{number:03}.pdf"
        path.touch(mode=0o600)
        path.write_bytes(_file(printed[start : start + _AT_ONCE], sender, today))
        files.append(path)
    return files, len(letters) - len(printed)


def _file(letters: Sequence[Letter], sender: str, today: date) -> bytes:
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415 - only who prints letters waits for it

    _font()
    content = io.BytesIO()
    sheet = Canvas(content, pagesize=(_WIDTH, _HEIGHT), invariant=1, lang="fr-FR", initialFontName=_FONT)
    sheet.setTitle("Courriers")
    sheet.setAuthor(sender)
    sheet.setCreator("allervers")
    for letter in letters:
        _draw(sheet, letter, today)
    sheet.save()
    return content.getvalue()


def _draw(sheet: Any, letter: Letter, today: date) -> None:
    head, _, text = letter.body.strip().partition("\n\n")
    lines = list(itertools.chain.from_iterable(map(_wrapped, _plain(text).split("\n"))))
    first, rest = int((_BODY - _BOTTOM) // _LEADING), int((_TOP - _BOTTOM) // _LEADING)
    pages = [lines[:first], *(lines[start : start + rest] for start in range(first, len(lines), rest))]
    for number, page in enumerate(pages, 1):
        sheet.setFont(_FONT, _SIZE)
        if number == 1:
            _block(sheet, head.split("\n"), _LEFT, _TOP)
            _block(sheet, [line for line in letter.to if line.strip()], *_WINDOW)
            sheet.drawString(_WINDOW[0], _WINDOW[1] - 8 * _LEADING, _dated(today))
        _block(sheet, page, _LEFT, _BODY if number == 1 else _TOP)
        if len(pages) > 1:
            sheet.drawRightString(_RIGHT, _BOTTOM - 2 * _LEADING, f"{number}/{len(pages)}")
        sheet.showPage()


def _block(sheet: Any, lines: Sequence[str], left: float, top: float) -> None:
    for number, line in enumerate(lines):
        sheet.drawString(left, top - number * _LEADING, _plain(line))


def _wrapped(paragraph: str) -> Iterator[str]:
    """The lines of a paragraph; a word longer than a line is cut."""
    line = ""
    for word in paragraph.split(" "):
        longer = f"{line} {word}" if line else word
        if _wide(longer) <= _RIGHT - _LEFT:
            line = longer
            continue
        if line:
            yield line
        line = word
        while _wide(line) > _RIGHT - _LEFT:
            cut = next(size for size in range(len(line) - 1, 0, -1) if _wide(line[:size]) <= _RIGHT - _LEFT)
            yield line[:cut]
            line = line[cut:]
    yield line


def _wide(text: str) -> float:
    return float(_font().stringWidth(text, _SIZE))


def _plain(text: str) -> str:
    return text.translate(_SPACES)


def _dated(today: date) -> str:
    day = "1er" if today.day == 1 else str(today.day)
    return f"Le {day} {_MONTHS[today.month - 1]} {today.year}"


def _font() -> Any:
    """The font that the library brings along, known under its name."""
    from reportlab.pdfbase import pdfmetrics, ttfonts  # noqa: PLC0415 - only who prints letters waits for it

    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(ttfonts.TTFont(_FONT, "Vera.ttf"))
    return pdfmetrics.getFont(_FONT)
