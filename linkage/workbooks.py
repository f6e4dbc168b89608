"""Workbooks (XLSX): the first visible sheet, cells as the text that a CSV would hold.

Dates are ISO text, whole numbers have no point, truth values are VRAI and FAUX. The header is the first row that has the
most of the wanted columns, else the first that is not empty; what stands above it, and rows without a cell, are left out.
A row with an error in one of its cells (#N/A, #REF!) is a bad row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from linkage.csv_files import HEADER_WITHIN, Batch, above_header, header_place
from linkage.errors import Finding, LinkageError
from linkage.workbook_parts import first_sheet, refusal

__all__ = ["Workbook", "check_no_workbook"]

_PIECE = 1 << 14  # rows made at a time
_ARCHIVE, _OLE = b"PK\3\4", b"\xd0\xcf\x11\xe0"
_PANIC = "PanicException"  # what the reader's own language raises when it gives up; no subclass of Exception


class Workbook:
    """A workbook whose first visible sheet is loaded and whose header is found."""

    def __init__(self, path: Path, wanted: Sequence[str]) -> None:
        """Opens a file.

        Args:
            path: the workbook.
            wanted: names of columns that tell the header.

        Raises:
            LinkageError: `E_CLASSEUR`, `E_FICHIER_VIDE`.
        """
        self._part = first_sheet(path)
        self._name = path.name
        self._sheet = _load(path, self._part.place)
        top = list(islice(self._rows(), HEADER_WITHIN))
        held = [line for line, row in enumerate(top) if any(row)]
        if not held:
            raise LinkageError("E_FICHIER_VIDE", f"{path.name} : la feuille est vide")
        self._above = held[header_place((top[line] for line in held), wanted)]
        self.header = top[self._above]

    def batches(self) -> Iterator[Batch]:
        """All rows below the header, in order.

        Raises:
            LinkageError: `E_CLASSEUR`.
        """
        bad: dict[int, int] = {}
        for row, column in self._part.errors:
            bad.setdefault(row, column)
        rows = enumerate(islice(self._rows(), self._above + 1, None), start=self._above + 1)
        while piece := list(islice(rows, _PIECE)):
            errors = [(place, bad[place]) for place, _ in piece if place in bad]
            kept = [(place, row) for place, row in piece if any(row) and place not in bad]
            columns = [pa.array([row[column] for _, row in kept], pa.string()) for column in range(len(self.header))]
            lines = np.array([place + 1 for place, _ in kept], dtype=np.int64)
            yield Batch(columns=columns, lines=lines, misshapen=[], errors=self._errors(errors))

    def findings(self) -> list[Finding]:
        """Which sheet is read, and what stood above the header."""
        found = []
        if self._part.sheets > 1:
            rule = f"classeur de {self._part.sheets} feuilles : seule la première visible est lue"
            found.append(Finding(code="I_FEUILLES", column=None, count=self._part.sheets, first_row=None, rule=rule))
        return found + above_header(self._above)

    def _rows(self) -> Iterator[list[str]]:
        """Every row of the sheet, from its first line, as text."""
        try:
            for row in self._sheet.iter_rows():
                yield [cell if type(cell) is str else _text(cell) for cell in row]
        except (ValueError, OverflowError):
            raise refusal(self._name, "une cellule ne tient dans aucune date ni aucun nombre") from None

    def _errors(self, places: Sequence[tuple[int, int]]) -> list[tuple[str, str | None, str, Any]]:
        rule = "erreur de calcul dans une cellule (#N/A, #REF!…) ; corrigez-la dans le classeur"
        return [
            ("E_CELLULE_EN_ERREUR", self.header[column] or None, rule, np.array([place + 1], np.int64))
            for place, column in places
        ]


def check_no_workbook(path: Path) -> None:
    """Says what a workbook under another file's name is.

    Raises:
        LinkageError: `E_CLASSEUR`.
    """
    with path.open("rb") as file:
        head = file.read(len(_ARCHIVE))
    if head in (_ARCHIVE, _OLE):
        rule = "ce fichier est un classeur ou une archive, pas un CSV ; enregistrez-le en .xlsx ou en CSV"
        raise refusal(path.name, rule)


def _load(path: Path, place: int) -> Any:
    import python_calamine  # noqa: PLC0415 - most files are CSV

    try:
        return python_calamine.load_workbook(str(path)).get_sheet_by_index(place)
    except python_calamine.PasswordError:
        raise refusal(path.name, "classeur protégé par un mot de passe ; enregistrez-le sans mot de passe") from None
    except (python_calamine.CalamineError, python_calamine.WorksheetNotFound, OSError, ValueError):
        # Without its cause, which may quote a cell.
        raise refusal(path.name, "ce fichier n'est pas un classeur .xlsx lisible ; enregistrez-le de nouveau") from None
    except BaseException as error:
        if type(error).__name__ == _PANIC:
            rule = "ce fichier n'est pas un classeur .xlsx lisible ; enregistrez-le de nouveau"
            raise refusal(path.name, rule) from None
        raise


def _text(cell: Any) -> str:
    """A cell as a CSV would hold it."""
    if isinstance(cell, bool):
        return "VRAI" if cell else "FAUX"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, timedelta):
        hours, left = divmod(int(cell.total_seconds()), 3600)
        return f"{hours:02}:{left // 60:02}:{left % 60:02}"
    if isinstance(cell, date):  # datetimes too
        return str(cell)
    return "" if cell is None else str(cell)
