"""What can go wrong between a file and its links, each with a stable code.

A message says which file, row, column and rule; it never holds a value of a record. Sentences are French because
agents read them; codes are what programs test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["Finding", "LinkageError", "RowProblem", "RowProblems", "RowsRefused", "SheetError", "TooManyBadRows"]


class LinkageError(Exception):
    """A refusal by the linkage library.

    Attributes:
        code: stable identifier, `E_…`.
        message: French sentence that says what to change.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} : {message}")
        self.code = code
        self.message = message


class SheetError(LinkageError):
    """The sheet itself is wrong (unknown key, unknown kind, impossible pass)."""


@dataclass(frozen=True, kw_only=True)
class RowProblem:
    """One thing wrong with one row: where and which rule, never the value."""

    code: str
    row: int  # line number in the file, header = line 1
    column: str | None
    rule: str  # French sentence

    def __str__(self) -> str:
        where = f"ligne {self.row}" + (f", colonne « {self.column} »" if self.column else "")
        return f"{self.code} : {where} : {self.rule}"


class RowProblems(Sequence[RowProblem]):
    """Problems of rows in the order of the file, a few bytes each: a wrong date format makes one a row.

    Attributes:
        kinds: the different (code, column, rule) that there are.
    """

    def __init__(self, parts: Iterable[tuple[str, str | None, str, NDArray[np.integer]]] = ()) -> None:
        """Gathers problems given as (code, column, rule, lines)."""
        given = [(one[:3], np.asarray(one[3], dtype=np.int64)) for one in parts]
        self.kinds = list(dict.fromkeys(kind for kind, lines in given if len(lines)))
        place = {kind: number for number, kind in enumerate(self.kinds)}
        lines = np.concatenate([np.empty(0, dtype=np.int64), *(lines for _, lines in given)])
        kind_of = np.concatenate(
            [np.empty(0, np.int32), *(np.full(len(rows), place[k], np.int32) for k, rows in given if len(rows))]
        )
        order = np.argsort(lines, kind="stable")
        self._lines, self._kinds = lines[order], kind_of[order]

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> RowProblem: ...
    @overload
    def __getitem__(self, place: slice) -> list[RowProblem]: ...
    def __getitem__(self, place: int | slice) -> RowProblem | list[RowProblem]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        code, column, rule = self.kinds[self._kinds[place]]
        return RowProblem(code=code, row=int(self._lines[place]), column=column, rule=rule)

    def __iter__(self) -> Iterator[RowProblem]:
        return (self[number] for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @property
    def lines(self) -> NDArray[np.int64]:
        """The lines that have a problem, each once, ascending."""
        return np.unique(self._lines)

    def counts(self) -> dict[tuple[str, str | None, str], int]:
        """How many problems of each kind there are."""
        totals = np.bincount(self._kinds, minlength=len(self.kinds))
        return {kind: int(total) for kind, total in zip(self.kinds, totals, strict=True)}

    def by_kind(self) -> Iterator[tuple[tuple[str, str | None, str], NDArray[np.int64]]]:
        """Each (code, column, rule) with the lines that break it, ascending."""
        for number, kind in enumerate(self.kinds):
            lines = self._lines[self._kinds == number]
            if len(lines):
                yield kind, lines

    def outside(self, lines: NDArray[np.int64]) -> RowProblems:
        """Those of other lines."""
        kept = ~np.isin(self._lines, lines)
        some = RowProblems()
        some.kinds, some._lines, some._kinds = self.kinds, self._lines[kept], self._kinds[kept]
        return some


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about a file that is no fault but should be known: what was found, what was done with it.

    Attributes:
        code: stable identifier, `I_…`.
        column: the file's column, or None for the file as a whole.
        count: cells or rows concerned; 0 where counting means nothing.
        first_row: the line of the first of them.
        rule: French sentence, without any value of a record.
    """

    code: str
    column: str | None
    count: int
    first_row: int | None
    rule: str

    def __str__(self) -> str:
        column = f"colonne « {self.column} » : " if self.column else ""
        tail = (
            f" ({self.count}" + (f", dès la ligne {self.first_row})" if self.first_row else ")") if self.count else ""
        )
        return f"{column}{self.rule}{tail}"


class RowsRefused(LinkageError):
    """Rows that cannot be encoded; the file is refused whole unless the sheet or the caller has them set aside.

    Attributes:
        problems: all of them, by line; the message shows the first ones.
    """

    SHOWN = 20

    def __init__(self, problems: Sequence[RowProblem], source: str = "") -> None:
        shown = "\n  ".join(str(problem) for problem in problems[: self.SHOWN])
        more = len(problems) - self.SHOWN
        tail = f"\n  … et {more} autre(s)" if more > 0 else ""
        where = f"{source} : " if source else ""
        super().__init__(problems[0].code, f"{where}{len(problems)} problème(s) à corriger :\n  {shown}{tail}")
        self.problems = problems


class TooManyBadRows(RowsRefused):
    """More rows cannot be used than may be skipped: something is wrong with the file, not with a few rows.

    The message counts the problems by rule.
    """

    def __init__(self, problems: RowProblems, source: str, rows: int, most: int) -> None:
        counts = sorted(problems.counts().items(), key=lambda item: -item[1])
        said = [
            f"{number} × {code}{f', colonne « {column} »' if column else ''} : {rule}"
            for (code, column, rule), number in counts[: RowsRefused.SHOWN]
        ]
        lead = (
            f"{source} : {len(problems.lines)} lignes inutilisables sur {rows} ; {most} pour mille au plus se laissent"
        )
        listed = "\n  ".join(said)
        sentence = f"{lead} de côté. Règles enfreintes :\n  {listed}"
        LinkageError.__init__(self, "E_TROP_DE_LIGNES_FAUTIVES", sentence)
        self.problems = problems
