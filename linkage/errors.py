"""What can go wrong between a file and its links, each with a stable code.

A message says which file, row, column and rule; it never holds a value of a record. Sentences are French because
agents read them; codes are what programs test.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LinkageError", "RowProblem", "RowsRefused", "SheetError"]


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


class RowsRefused(LinkageError):
    """Rows that cannot be encoded; the file is refused whole unless the caller chose to set them aside.

    Attributes:
        problems: all of them, by line; the message shows the first ones.
    """

    SHOWN = 20

    def __init__(self, problems: list[RowProblem], source: str = "") -> None:
        shown = "\n  ".join(str(problem) for problem in problems[: self.SHOWN])
        more = len(problems) - self.SHOWN
        tail = f"\n  … et {more} autre(s)" if more > 0 else ""
        where = f"{source} : " if source else ""
        super().__init__(problems[0].code, f"{where}{len(problems)} problème(s) à corriger :\n  {shown}{tail}")
        self.problems = problems
