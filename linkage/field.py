"""One attribute of a raw table, for looking at a file before it is encoded: distinct cells, and what each becomes.

All judgements are made once for each distinct cell and counted through the codes of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.cells import BadValue
from linkage.normalise import normaliser
from linkage.tables import RawTable

__all__ = ["Field", "read_field"]

_PARTS_OF_DATE = (4, 2, 2)  # digits of year, month, day where a date has three columns


@dataclass(frozen=True, kw_only=True)
class Field:
    """One attribute's cells.

    Attributes:
        attribute: of the sheet, with the columns of this side.
        raws: distinct cells, several columns joined as when records are read.
        codes: (n,) index into raws, one a row.
        values: canonical value of each distinct cell; None where it says nothing or cannot be right.
        faults: place in raws → code and rule of a cell that cannot be right.
    """

    attribute: Attribute
    raws: list[str]
    codes: NDArray[np.int32]
    values: list[str | None]
    faults: dict[int, tuple[str, str]]

    def rows_where(self, judge: Callable[[str, str | None], bool]) -> NDArray[np.bool_]:
        """(n,) whether the (cell, canonical value) of each row is judged so."""
        pairs = zip(self.raws, self.values, strict=True)
        return self.rows_of(np.fromiter((judge(raw, value) for raw, value in pairs), dtype=bool, count=len(self.raws)))

    def rows_of(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(n,) the flag of each row's cell."""
        return flags[self.codes]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each distinct cell."""
        return np.bincount(self.codes, minlength=len(self.raws)).astype(np.int64)

    @property
    def filled(self) -> NDArray[np.bool_]:
        """(n,) whether the row has a canonical value."""
        return self.rows_of(np.array([value is not None for value in self.values], dtype=bool))


def read_field(table: RawTable, attribute: Attribute) -> Field | None:
    """The field of an attribute, or None where the file has not all its columns."""
    if any(column not in table.columns for column in attribute.columns):
        return None
    raws, codes = _cells(table, attribute)
    normalise = normaliser(attribute)
    values: list[str | None] = []
    faults: dict[int, tuple[str, str]] = {}
    for place, raw in enumerate(raws):
        try:
            values.append(None if raw.strip() in attribute.missing else normalise(raw))
        except BadValue as fault:
            values.append(None)
            faults[place] = fault.code, fault.rule
    return Field(attribute=attribute, raws=raws, codes=codes, values=values, faults=faults)


def _cells(table: RawTable, attribute: Attribute) -> tuple[list[str], NDArray[np.int32]]:
    """Distinct cells and their codes; the three columns of a date become year-month-day, others are joined with a space."""
    columns = [table.columns[name] for name in attribute.columns]
    if len(columns) == 1:
        return list(columns[0].values), columns[0].codes
    texts = [["" if cell.strip() in attribute.missing else cell for cell in column.values] for column in columns]
    stacked = np.stack([column.codes for column in columns], axis=1)
    combinations, codes = np.unique(stacked, axis=0, return_inverse=True)
    rows = ([text[code] for text, code in zip(texts, row, strict=True)] for row in combinations.tolist())
    return [_joined(attribute, row) for row in rows], codes.ravel().astype(np.int32)


def _joined(attribute: Attribute, parts: Sequence[str]) -> str:
    if attribute.kind == "date":
        return "-".join(
            part.strip().removesuffix(".0").zfill(size) for part, size in zip(parts, _PARTS_OF_DATE, strict=True)
        )
    return " ".join(part for part in parts if part)
