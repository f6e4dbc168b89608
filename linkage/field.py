"""One attribute of a raw table, for looking at a file before it is encoded: distinct cells, and what each becomes.

All judgements are made once for each distinct cell and counted through the codes of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.cells import BadValue
from linkage.columns import joined
from linkage.normalise import normaliser
from linkage.tables import RawTable

__all__ = ["Field", "read_field"]


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
    raw = joined([table.columns[name] for name in attribute.columns], attribute.kind, attribute.missing)
    raws, codes = list(raw.values), raw.codes
    normalise = normaliser(attribute)
    values: list[str | None] = []
    faults: dict[int, tuple[str, str]] = {}
    for place, cell in enumerate(raws):
        try:
            values.append(None if cell.strip() in attribute.missing else normalise(cell))
        except BadValue as fault:
            values.append(None)
            faults[place] = fault.code, fault.rule
    return Field(attribute=attribute, raws=raws, codes=codes, values=values, faults=faults)
