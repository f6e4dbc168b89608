"""Local identifiers: kept in the order of the file, none empty, none there twice.

Doubles are looked for without holding all identifiers: 64-bit numbers of them, under a seed of the moment, are sorted a share
at a time; only those that meet are compared letter by letter. The numbers say where to look, never what is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from linkage.column_reader import Problem
from linkage.columns import RawColumn
from linkage.lexicon import Lexicon, fingerprints, laid_out
from linkage.row_store import Shelf, TextStore

__all__ = ["LineNumbers", "LocalIds"]

_AT_ONCE = 1 << 21  # numbers sorted together
_TOLD_APART = 1000  # doubled identifiers whose first line is named

Rows = NDArray[np.int64]


class LineNumbers:
    """The line of the file where each row stands: runs of lines that follow each other."""

    def __init__(self) -> None:
        self._rows: list[Rows] = []
        self._lines: list[Rows] = []
        self._count, self._next = 0, -1

    def __len__(self) -> int:
        return self._count

    def add(self, lines: Rows) -> None:
        """Takes the lines of some more rows, ascending."""
        if len(lines):
            starts = np.flatnonzero(np.diff(lines, prepend=self._next - 1) != 1)
            self._rows.append(self._count + starts)
            self._lines.append(lines[starts].astype(np.int64))
            self._count, self._next = self._count + len(lines), int(lines[-1]) + 1

    def at(self, rows: Rows) -> Rows:
        """The lines of rows given by their places."""
        firsts, lines = self._runs()
        run = np.searchsorted(firsts, rows, side="right") - 1
        return lines[run] + rows - firsts[run]

    def rows(self, lines: Rows) -> Rows:
        """The places of the rows that stand at these lines, ascending; lines where no row stands have none."""
        firsts, starts = self._runs()
        run = np.searchsorted(starts, lines, side="right") - 1
        places = firsts[run] + lines - starts[run]
        return places[(run >= 0) & (places < np.append(firsts, self._count)[run + 1])]

    def _runs(self) -> tuple[Rows, Rows]:
        none = np.empty(0, dtype=np.int64)
        self._rows, self._lines = [np.concatenate([none, *self._rows])], [np.concatenate([none, *self._lines])]
        return self._rows[0], self._lines[0]


class LocalIds:
    """Takes the identifiers of a file and judges them.

    Attributes:
        store: the identifiers.
    """

    def __init__(self, name: str, shelf: Shelf) -> None:
        """Takes the name of the columns that they stand in, and where they are kept."""
        self.store = TextStore(shelf)
        self._name, self._shelf = name, shelf
        self._seed = secrets.randbits(64)
        self._pieces: list[int] = []
        self._starts = [0]
        self._empty: list[Rows] = []

    def add(self, raw: RawColumn) -> None:
        """Takes the identifiers of some more rows."""
        if not len(raw):
            return
        texts = raw.rows()
        cells = texts.cells
        self.store.add(cells)
        self._pieces.append(self._shelf.put(fingerprints(cells, self._seed)))
        self._empty.append(self._starts[-1] + np.flatnonzero(texts.blank()))
        self._starts.append(self._starts[-1] + len(raw))

    def problems(self, lines: Callable[[Rows], Rows]) -> list[Problem]:
        """What is wrong with them, once all have come; `lines` gives the lines of rows."""
        empty = np.concatenate([np.empty(0, dtype=np.int64), *self._empty])
        rule = "l'identifiant local est vide"
        problems: list[Problem] = [("E_IDENTIFIANT_VIDE", self._name, rule, lines(empty))] if len(empty) else []
        again, origins = self._doubles(empty)
        for piece in self._pieces:
            self._shelf.drop(piece)
        if len(again) and len(np.unique(origins)) > _TOLD_APART:
            rule = "le même identifiant figure déjà plus haut"
            return [*problems, ("E_IDENTIFIANT_DOUBLE", self._name, rule, lines(again))]
        for origin in np.unique(origins):
            rule = f"le même identifiant figure déjà à la ligne {lines(np.array([origin]))[0]}"
            problems.append(("E_IDENTIFIANT_DOUBLE", self._name, rule, lines(again[origins == origin])))
        return problems

    def _doubles(self, empty: Rows) -> tuple[Rows, Rows]:
        """Rows whose identifier stands in an earlier one, ascending, and the first of those."""
        suspect = self._suspect()
        lexicon, firsts = Lexicon(), np.empty(0, dtype=np.int64)
        again, origins = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for piece, number in enumerate(self._pieces if len(suspect) else ()):
            numbers = self._shelf.get(number)
            place = np.minimum(np.searchsorted(suspect, numbers), len(suspect) - 1)
            rows = np.flatnonzero(suspect[place] == numbers)
            rows = rows[~np.isin(rows + self._starts[piece], empty)]
            known = len(lexicon)
            codes = lexicon.number(laid_out(self.store.at(piece, rows)))
            fresh = codes >= known
            _, first = np.unique(codes[fresh], return_index=True)
            firsts = np.concatenate([firsts, (rows[fresh] + self._starts[piece])[first]])
            origin, rows = firsts[codes], rows + self._starts[piece]
            again.append(rows[origin != rows])
            origins.append(origin[origin != rows])
        return np.concatenate(again), np.concatenate(origins)

    def _suspect(self) -> NDArray[np.uint64]:
        """The numbers that several identifiers have, ascending."""
        shares = -(-self._starts[-1] // _AT_ONCE)
        met = []
        for share in range(shares):
            some = [numbers for piece in self._pieces if len(numbers := self._of_share(piece, share, shares))]
            numbers = np.sort(np.concatenate([np.empty(0, dtype=np.uint64), *some]))
            met.append(np.unique(numbers[1:][numbers[1:] == numbers[:-1]]))
        return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *met]))

    def _of_share(self, piece: int, share: int, shares: int) -> NDArray[np.uint64]:
        numbers: NDArray[np.uint64] = self._shelf.get(piece)
        return numbers if shares == 1 else numbers[(numbers >> np.uint64(32)) % np.uint64(shares) == share]
