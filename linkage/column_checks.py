"""What the cells of a column look like beside what its kind expects: moved columns are refused, oddities are said.

A file whose columns moved (dates where names should be) gives rows that are wrong each in its own way; one look at the
column tells it at once. The look takes a sample of rows spread over the file. Oddities that are read all the same (leading
zeros that a spreadsheet ate, dates written in several ways) are counted over the whole column. No cell is ever said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.cells import BadValue, fold, is_placeholder
from linkage.codes import sex_of
from linkage.columns import RawColumn
from linkage.errors import Finding, LinkageError
from linkage.places import is_known

__all__ = ["EXCEL_RULE", "is_serial_date", "oddities", "refuse_moved"]

EXCEL_RULE = (
    'numéro de série d\'un tableur et non une date : ajoutez "EXCEL" aux formats de cette date, '
    "ou refaites l'export avec des dates en texte"
)
_SAMPLE = 2000  # rows
_LEAST = 20  # cells that are not empty: fewer say nothing of a column
_SHARE = 0.2
_LARGE_SHARE = 0.5
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_SHORT_NUMBER = re.compile(r"\s*(\d+)(?:\.0+)?\s*")
_LONGEST_DECIMAL = 2  # signs that a point and a zero add
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?", re.ASCII)
_TIME = re.compile(r"[ T]\d{1,2}:\d{2}.*")
_COMMUNE = re.compile(r"(?:[0-8]\d|9[0-5])(?!352$)\d{3}|2[AB]\d{3}", re.ASCII)
_DATE_SHAPES = {
    "AAAA-MM-JJ": re.compile(r"9{4}-9{1,2}-9{1,2}"),
    "AAAA/MM/JJ": re.compile(r"9{4}/9{1,2}/9{1,2}"),
    "JJ/MM/AAAA": re.compile(r"9{1,2}/9{1,2}/9{4}"),
    "JJ/MM/AA": re.compile(r"9{1,2}/9{1,2}/9{2}"),
    "JJ.MM.AAAA": re.compile(r"9{1,2}\.9{1,2}\.9{4}"),
    "JJ-MM-AAAA": re.compile(r"9{1,2}-9{1,2}-9{4}"),
    "huit chiffres": re.compile(r"9{8}"),
    "EXCEL": re.compile(r"9{5}(?:[.,]9+)?"),
}


def refuse_moved(name: str, attribute: Attribute, raw: RawColumn) -> None:
    """Refuses a column that holds another one.

    Raises:
        LinkageError: `E_COLONNES_DECALEES`.
    """
    look = _LOOKS.get(attribute.kind)
    if look is None:
        return
    step = -(-len(raw) // _SAMPLE) or 1
    counts = Counter(raw.codes[::step].tolist())
    cells = [(raw.values[code], count) for code, count in counts.items()]
    said = [(cell.strip(), count) for cell, count in cells if cell.strip() and cell.strip() not in attribute.missing]
    held = [(cell, count) for cell, count in said if not is_placeholder(fold(cell))]
    total = sum(count for _, count in held)
    foreign, share, rule = look
    if total >= _LEAST and sum(count for cell, count in held if foreign(cell)) > share * total:
        column = " + ".join(attribute.columns)
        sentence = f"la colonne « {column} » {rule} : des colonnes décalées ou échangées ? Vérifiez l'en-tête"
        raise LinkageError("E_COLONNES_DECALEES", f"{name} : {sentence}")


def oddities(attribute: Attribute, raw: RawColumn, lines: Sequence[int] | NDArray[np.int64]) -> list[Finding]:
    """What is unusual in a column and read all the same.

    Args:
        attribute: what the column is read as.
        raw: its cells.
        lines: the line of each row.
    """
    if attribute.kind in ("code", "cog") and attribute.pad:
        return _lost_zeros(attribute, raw, lines)
    if attribute.kind == "date" and len(attribute.columns) == 1:
        return _date_shapes(attribute, raw, lines)
    return []


def is_serial_date(cell: str) -> bool:
    """Whether a cell may be a day as spreadsheets number them, from 1927 to 2173."""
    return _SERIAL.fullmatch(cell.strip()) is not None


def _lost_zeros(attribute: Attribute, raw: RawColumn, lines: Sequence[int] | NDArray[np.int64]) -> list[Finding]:
    short = np.zeros(len(raw.values), dtype=bool)
    for place, cell in enumerate(raw.values):
        if len(cell) < attribute.pad + _LONGEST_DECIMAL:
            number = _SHORT_NUMBER.fullmatch(cell)
            short[place] = number is not None and len(number[1]) < attribute.pad and number[1].strip("0") != ""
    rule = f"zéros de tête perdus, remis jusqu'à {attribute.pad} signes"
    return _found("I_ZEROS_PERDUS", attribute, short[raw.codes], lines, rule)


def _date_shapes(attribute: Attribute, raw: RawColumn, lines: Sequence[int] | NDArray[np.int64]) -> list[Finding]:
    names = list(_DATE_SHAPES)
    known: dict[str, int] = {}
    shape_of = np.full(len(raw.values), -1, dtype=np.int8)
    for place, cell in enumerate(raw.values):
        shape = _DIGIT.sub("9", _TIME.sub("", cell.strip()))
        if shape not in known:
            matches = (number for number, name in enumerate(names) if _DATE_SHAPES[name].fullmatch(shape))
            known[shape] = next(matches, -1)
        shape_of[place] = known[shape]
    shapes = shape_of[raw.codes]
    counts = np.bincount(shapes[shapes >= 0], minlength=len(names))
    found = []
    if np.count_nonzero(counts) > 1:
        said = ", ".join(f"{name} ({count})" for name, count in zip(names, counts.tolist(), strict=True) if count)
        found += _found("I_FORMATS_DATES", attribute, shapes >= 0, lines, f"dates écrites de plusieurs façons : {said}")
    read = "EXCEL" in attribute.formats
    rule = "numéros de série d'un tableur, lus comme des dates" if read else EXCEL_RULE
    return [*found, *_found("I_DATES_EXCEL", attribute, shapes == names.index("EXCEL"), lines, rule)]


def _found(
    code: str, attribute: Attribute, rows: NDArray[np.bool_], lines: Sequence[int] | NDArray[np.int64], rule: str
) -> list[Finding]:
    count = int(np.count_nonzero(rows))
    if not count:
        return []
    first = int(lines[int(rows.argmax())])
    return [Finding(code=code, column=attribute.columns[0], count=count, first_row=first, rule=rule)]


def _is_mostly_digits(cell: str) -> bool:
    return len(_DIGIT.findall(cell)) > len(_LETTER.findall(cell))


def _is_mostly_letters(cell: str) -> bool:
    return len(_LETTER.findall(cell)) > len(_DIGIT.findall(cell))


def _is_commune(cell: str) -> bool:
    """Five signs that begin with a département and that some commune has had; Algeria's were countries too."""
    return _COMMUNE.fullmatch(cell.upper()) is not None and is_known(cell.upper())


def _is_no_sex(cell: str) -> bool:
    """A date or a number of two digits or more, or a word of no sheet's vocabulary: long words but the two sexes'."""
    with suppress(BadValue):
        sex_of(cell)
        return False
    first = cell[:1].upper()
    return len(_DIGIT.findall(cell)) > 1 or (len(cell) > len("F") and first not in "MFH")


# Kind → what a cell of another column looks like, the share that is too much, and what is said.
_LOOKS: dict[str, tuple[Callable[[str], bool], float, str]] = {
    "name": (_is_mostly_digits, _SHARE, "devrait contenir des noms et contient surtout des chiffres"),
    "given_names": (_is_mostly_digits, _SHARE, "devrait contenir des prénoms et contient surtout des chiffres"),
    "date": (_is_mostly_letters, _SHARE, "devrait contenir des dates et contient des mots"),
    "number": (_is_mostly_letters, _SHARE, "devrait contenir des nombres et contient des mots"),
    "cog": (_is_mostly_letters, _LARGE_SHARE, "devrait contenir des codes de communes et contient des mots"),
    "country": (_is_commune, _LARGE_SHARE, "devrait contenir des pays et contient des codes de communes"),
    "sex": (_is_no_sex, _LARGE_SHARE, "devrait contenir des sexes et contient autre chose"),
}
