"""One attribute's column on its way from cells to codes, piece by piece.

Plain names are folded many at once (`linkage.plain_names`). Of all other cells each distinct one is normalised once: what it
becomes is remembered by its number, and when the cells that were met take more room than they may, all are forgotten and
met again. The distinct canonical values stay in memory: they are what the encoder works on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.cells import BadValue
from linkage.column_checks import EXCEL_RULE, SAMPLE, Oddities, is_serial_date, refuse_moved
from linkage.columns import RawColumn, may_be_space
from linkage.errors import Finding
from linkage.lexicon import Cells, Lexicon, laid_out, some_cells
from linkage.names import split_surname
from linkage.normalise import normaliser
from linkage.plain_names import PlainNames
from linkage.sample import Sample

__all__ = ["MISSING", "Coded", "ColumnReader", "Problem"]

MISSING = -1

Problem = tuple[str, str | None, str, NDArray[np.integer]]  # code, column, rule, lines


@dataclass(frozen=True, kw_only=True)
class Coded:
    """Some rows of a column.

    Attributes:
        codes: (n,) int32, numbers in the column's values; `MISSING` where a row has none.
        usage: by second form of this attribute, (n,) int32, numbers in its values, found in cells of this column.
    """

    codes: NDArray[np.int32]
    usage: dict[str, NDArray[np.int32]] = field(default_factory=dict)


class ColumnReader:
    """Codes the cells of one attribute.

    Attributes:
        attribute: what the cells are read as.
        values: distinct canonical values, by code.
        problems: cells that cannot be right, where their rows are.
    """

    def __init__(self, attribute: Attribute, room: int) -> None:
        """Takes an attribute, and how many bytes cells may take that are remembered."""
        self.attribute, self.values = attribute, Lexicon()
        self.problems: list[Problem] = []
        self._room = room
        self._normalise = _with_gaps(normaliser(attribute), attribute.missing)
        self._plain = PlainNames(attribute) if PlainNames.know(attribute) else None
        self._serials = attribute.kind == "date" and "EXCEL" not in attribute.formats
        self._sample, self._oddities = Sample(SAMPLE), Oddities(attribute)
        self._faults: dict[tuple[str, str], int] = {}
        self._seconds: dict[str, tuple[Lexicon, Callable[[str], str | None]]] = {}
        self._forget()

    def find_usage(self, second: ColumnReader) -> None:
        """Has names of usage that stand in cells of this column numbered among the values of another."""
        self._seconds[second.attribute.name] = second.values, normaliser(second.attribute)

    def add(self, raw: RawColumn, lines: NDArray[np.int64]) -> Coded:
        """Takes the cells of some more rows, several columns joined.

        Args:
            raw: the cells.
            lines: where each row stands in the file.
        """
        cells = raw.texts.cells
        self._sample.add(cells if len(raw.values) == len(raw) else raw.rows().cells)
        codes = np.full(len(raw.values), MISSING, dtype=np.int32)
        others = np.arange(len(codes)) if self._plain is None else self._fold(self._plain, cells, codes)
        numbers = np.full(len(codes), -1, dtype=np.int32)
        numbers[others] = self._raws.number(cells if len(others) == len(codes) else some_cells(cells, others))
        self._learn(len(self._code_of))
        codes[others] = self._code_of[numbers[others]]
        rows = numbers[raw.codes]
        if self._plain is None:
            self._oddities.add(rows, lines)
        for (code, rule), fault in self._faults.items():
            found = lines[np.append(self._fault_of, np.int16(-1))[rows] == fault]
            if len(found):
                self.problems.append((code, " + ".join(self.attribute.columns), rule, found))
        usage = {name: np.append(of_cell, np.int32(MISSING))[rows] for name, of_cell in self._usage_of.items()}
        if self._raws.size > self._room:
            self._forget()
        return Coded(codes=codes[raw.codes], usage=usage)

    def refuse_moved(self, name: str) -> None:
        """Judges the column as a whole, once all rows have come; see `linkage.column_checks`."""
        refuse_moved(name, self.attribute, self._sample.cells)

    def findings(self) -> list[Finding]:
        """What is unusual in the column and read all the same."""
        return self._oddities.findings()

    def _forget(self) -> None:
        self._raws = Lexicon()
        self._code_of = np.empty(0, dtype=np.int32)
        self._fault_of = np.empty(0, dtype=np.int16)
        self._usage_of: dict[str, NDArray[np.int32]] = {}  # of the second forms that were met
        self._oddities.forget()

    def _fold(self, plain: PlainNames, cells: Cells, codes: NDArray[np.int32]) -> NDArray[np.int64]:
        """Writes the codes of plain cells, and returns the places of the others."""
        (folded, limits), doubtful = plain.fold(cells)
        told = np.diff(limits) > 0
        if self.attribute.missing:
            longest = max(len(gap.encode()) for gap in self.attribute.missing)
            doubtful |= (np.diff(cells[1]) <= longest) | may_be_space(cells)
            known = np.flatnonzero(told & ~doubtful)
            codes[known] = self.values.number(some_cells((folded, limits), known))
        else:  # the others have no letter: each value ends where the next begins
            codes[told] = self.values.number((folded, np.append(limits[:-1][told], limits[-1])))
        return np.flatnonzero(doubtful)

    def _learn(self, first: int) -> None:
        """Normalises the cells that are new."""
        cells = self._raws.strings(first, len(self._raws))
        if self._plain is None:
            self._oddities.learn(cells)
        faults = np.full(len(cells), -1, dtype=np.int16)
        values: list[str | None] = []
        for place, cell in enumerate(cells):
            try:
                values.append(self._normalise(cell))
            except BadValue as fault:
                rule = EXCEL_RULE if self._serials and is_serial_date(cell) else fault.rule
                faults[place] = self._faults.setdefault((fault.code, rule), len(self._faults))
                values.append(None)
        self._fault_of = np.concatenate([self._fault_of, faults])
        self._find_usage(cells)
        self._code_of = np.concatenate([self._code_of, _codes(self.values, values)])

    def _find_usage(self, cells: Sequence[str]) -> None:
        """Looks for names of usage in the cells that are new."""
        if not self._seconds or not cells:
            return
        usages = [None if cell.isalpha() else split_surname(cell)[1] for cell in cells]  # one word is one name
        for name, (lexicon, normalise) in self._seconds.items():
            codes = _codes(lexicon, [normalise(usage) if usage else None for usage in usages])
            before = self._usage_of.get(name)
            if before is not None or (codes != MISSING).any():
                unknown = np.full(len(self._code_of), MISSING, dtype=np.int32)
                self._usage_of[name] = np.concatenate([unknown if before is None else before, codes])


def _codes(lexicon: Lexicon, values: Sequence[str | None]) -> NDArray[np.int32]:
    """The numbers of the values that are some."""
    codes = np.full(len(values), MISSING, dtype=np.int32)
    told = np.fromiter((value is not None for value in values), dtype=bool, count=len(values))
    codes[told] = lexicon.number(laid_out([value for value in values if value is not None]))
    return codes


def _with_gaps(normalise: Callable[[str], str | None], missing: Sequence[str]) -> Callable[[str], str | None]:
    """A normaliser that also knows what its file writes for no value."""
    gaps = frozenset(missing)
    return (lambda cell: None if cell.strip() in gaps else normalise(cell)) if gaps else normalise
