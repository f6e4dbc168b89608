"""What the cells of a column look like beside what its kind expects: moved columns are refused, oddities are said.

A file whose columns moved (dates where names should be) gives rows that are wrong each in its own way; one look at the
column tells it at once. The look takes a sample of cells spread over the file. Oddities that are read all the same (leading
zeros that a spreadsheet ate, dates written in several ways) are counted over the whole column, each distinct cell judged
once. No cell is ever said.
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
from linkage.errors import Finding, LinkageError
from linkage.places import is_known

__all__ = ["EXCEL_RULE", "SAMPLE", "Oddities", "is_serial_date", "refuse_moved"]

EXCEL_RULE = (
    'numéro de série d\'un tableur et non une date : ajoutez "EXCEL" aux formats de cette date, '
    "ou refaites l'export avec des dates en texte"
)
SAMPLE = 2000  # cells
_MOST_SHAPES = 1 << 12  # that are remembered
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


def refuse_moved(name: str, attribute: Attribute, sample: Sequence[str]) -> None:
    """Refuses a column that holds another one.

    Args:
        name: of the file.
        attribute: what the column is read as.
        sample: some of its cells, spread over the file.

    Raises:
        LinkageError: `E_COLONNES_DECALEES`.
    """
    look = _LOOKS.get(attribute.kind)
    if look is None:
        return
    counts = Counter(cell.strip() for cell in sample)
    said = [(cell, count) for cell, count in counts.items() if cell and cell not in attribute.missing]
    held = [(cell, count) for cell, count in said if not is_placeholder(fold(cell))]
    total = sum(count for _, count in held)
    foreign, share, rule = look
    if total >= _LEAST and sum(count for cell, count in held if foreign(cell)) > share * total:
        column = " + ".join(attribute.columns)
        sentence = f"la colonne « {column} » {rule} : des colonnes décalées ou échangées ? Vérifiez l'en-tête"
        raise LinkageError("E_COLONNES_DECALEES", f"{name} : {sentence}")


class Oddities:
    """What is unusual in a column and read all the same, counted as its rows go by."""

    def __init__(self, attribute: Attribute) -> None:
        self._attribute = attribute
        self._judge: Callable[[str], int] | None = None
        if attribute.kind in ("code", "cog") and attribute.pad:
            self._names, self._judge = [""], self._lost_zeros
        elif attribute.kind == "date" and len(attribute.columns) == 1:
            self._names, self._judge = list(_DATE_SHAPES), _ShapeOfDate()
        if self._judge:
            self._counts = np.zeros(len(self._names), dtype=np.int64)
            self._firsts = np.zeros(len(self._names), dtype=np.int64)
        self.forget()

    def forget(self) -> None:
        """Starts the numbers of cells anew."""
        self._of_cell = np.empty(0, dtype=np.int8)

    def learn(self, cells: Sequence[str]) -> None:
        """Takes the next distinct cells, in the order of their numbers."""
        if self._judge:
            found = np.fromiter(map(self._judge, cells), dtype=np.int8, count=len(cells))
            self._of_cell = np.concatenate([self._of_cell, found])

    def add(self, numbers: NDArray[np.int32], lines: NDArray[np.int64]) -> None:
        """Takes some more rows: the number of each row's cell, and the line where it stands."""
        if self._judge:
            kinds = self._of_cell[numbers]
            counts = np.bincount(kinds[kinds >= 0], minlength=len(self._counts))
            for kind in np.flatnonzero((counts > 0) & (self._counts == 0)).tolist():
                self._firsts[kind] = lines[int((kinds == kind).argmax())]
            self._counts += counts

    def findings(self) -> list[Finding]:
        """What was found in all rows."""
        attribute = self._attribute
        if not self._judge or not self._counts.any():
            return []
        if attribute.kind != "date":
            return [self._finding("I_ZEROS_PERDUS", [0], f"zéros de tête perdus, remis jusqu'à {attribute.pad} signes")]
        found, held = [], np.flatnonzero(self._counts).tolist()
        if len(held) > 1:
            said = ", ".join(f"{self._names[kind]} ({self._counts[kind]})" for kind in held)
            found.append(self._finding("I_FORMATS_DATES", held, f"dates écrites de plusieurs façons : {said}"))
        serial = self._names.index("EXCEL")
        if serial in held:
            read = "EXCEL" in attribute.formats
            rule = "numéros de série d'un tableur, lus comme des dates" if read else EXCEL_RULE
            found.append(self._finding("I_DATES_EXCEL", [serial], rule))
        return found

    def _finding(self, code: str, kinds: Sequence[int], rule: str) -> Finding:
        count, first = int(self._counts[kinds].sum()), int(self._firsts[kinds].min())
        return Finding(code=code, column=self._attribute.columns[0], count=count, first_row=first, rule=rule)

    def _lost_zeros(self, cell: str) -> int:
        pad = self._attribute.pad
        if len(cell) >= pad + _LONGEST_DECIMAL:
            return -1
        number = _SHORT_NUMBER.fullmatch(cell)
        return 0 if number is not None and len(number[1]) < pad and number[1].strip("0") else -1


def is_serial_date(cell: str) -> bool:
    """Whether a cell may be a day as spreadsheets number them, from 1927 to 2173."""
    return _SERIAL.fullmatch(cell.strip()) is not None


class _ShapeOfDate:
    """Which of the known shapes a cell has, or -1."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def __call__(self, cell: str) -> int:
        shape = _DIGIT.sub("9", _TIME.sub("", cell.strip()))
        if shape not in self._known:
            if len(self._known) >= _MOST_SHAPES:
                self._known.clear()
            matches = (kind for kind, known in enumerate(_DATE_SHAPES.values()) if known.fullmatch(shape))
            self._known[shape] = next(matches, -1)
        return self._known[shape]


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
