"""CSV as administrations write it, a block of rows at a time: separator `,` `;` or tab, quotes as in RFC 4180.

The separator is the one that shows the wanted columns in the header, or what a spreadsheet declares in a line `sep=;`
before it. The header is the first row that has the most of the wanted columns; what stands above it is left out.
Every row knows the line where it starts; blank lines count and are no rows.

A block in which every quote opens or closes a cell, no cell spans lines and no line is beyond measure means the same to
Arrow's reader as to the standard library's, and goes to the former; any other block goes to the latter, whose refusals
are the ones that are raised. A row that is broken on its one line is a bad row, and the next line is another row; where a
quote runs over lines and is broken then, nobody knows how many rows are lost, and the file is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from linkage.columns import cells_of
from linkage.errors import Finding, LinkageError
from linkage.text_files import BLOCK, TextFile, open_text

__all__ = ["HEADER_WITHIN", "Batch", "CsvFile", "above_header", "all_rows", "column_key", "header_place", "open_csv"]

HEADER_WITHIN = 50  # rows

_SEPARATORS = ",;\t"
_SEPARATOR_NAMES = {",": "virgule", ";": "point-virgule", "\t": "tabulation"}
_ENCODING_NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252"}
_DECLARED = re.compile(r'"?sep=([,;\t])"?\r?\n', re.IGNORECASE)
_BROKEN_ROW = "guillemets ou séparateurs mal formés"
_HEAD = 1 << 20  # bytes in which the header is looked for
_PIECE = 1 << 14  # rows made at a time by the slow way
_LONGEST_CELL = csv.field_size_limit()  # the standard library refuses longer ones
_LINE_FEED, _RETURN, _QUOTE = b'\n\r"'


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some rows of a file.

    Attributes:
        columns: one string array a column of the file, without nulls.
        lines: the line of the file where each row starts.
        misshapen: (line, number of fields) of rows that are in no column.
        errors: (code, column, rule, lines) of rows left out for another reason.
    """

    columns: list[Any]
    lines: NDArray[np.int64]
    misshapen: list[tuple[int, int]]
    errors: list[tuple[str, str | None, str, NDArray[np.int64]]] = field(default_factory=list)


class CsvFile:
    """A CSV file whose header is read."""

    def __init__(self, text: TextFile, head: _Head, block: int) -> None:
        """Takes what `open_csv` found."""
        self.header = head.row
        self._text, self._head, self._block = text, head, block
        self._quoted = False

    def batches(self) -> Iterator[Batch]:
        """All rows after the header, in order.

        Raises:
            LinkageError: `E_CSV` with the line where a broken row of several lines starts.
        """
        line = self._head.next_line
        blocks = _Blocks(self._text.blocks(self._text.start + self._head.size, self._block))
        for data in blocks:
            self._quoted = self._quoted or b'"' in data
            batch = _fast(data, line, self._head.separator, len(self.header))
            if batch:
                yield batch
                feeds = np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == _LINE_FEED)
                line += int(feeds) + (not data.endswith(b"\n"))
            else:
                lines = _Lines(data, blocks)
                yield from self._slow(lines, line)
                line += lines.taken
                blocks.put_back(lines.rest())

    def findings(self) -> list[Finding]:
        """How the file is written; what is known once all of it has been read."""
        encoding = _ENCODING_NAMES[self._text.encoding]
        separator = _SEPARATOR_NAMES[self._head.separator]
        found = [
            Finding(code="I_ENCODAGE", column=None, count=0, first_row=None, rule=f"fichier en {encoding}"),
            Finding(code="I_SEPARATEUR", column=None, count=0, first_row=None, rule=f"séparateur : {separator}"),
        ]
        if self._quoted:
            rule = "des cellules entre guillemets sont lues sans eux"
            found.append(Finding(code="I_GUILLEMETS", column=None, count=0, first_row=None, rule=rule))
        return found + above_header(self._head.above)

    def _slow(self, lines: _Lines, first: int) -> Iterator[Batch]:
        """Rows by the standard library, until the first row that starts after the block."""
        name, width = self._text.path.name, len(self.header)
        rows: list[list[str]] = []
        starts: list[int] = []
        misshapen: list[tuple[int, int]] = []
        broken: list[int] = []

        def batch() -> Batch:
            columns = _columns(rows, width)
            lines_of = np.array(starts, np.int64)
            if not broken:
                return Batch(columns=columns, lines=lines_of, misshapen=misshapen)
            bad = np.array(broken, np.int64)
            return Batch(
                columns=columns, lines=lines_of, misshapen=misshapen, errors=[("E_CSV", None, _BROKEN_ROW, bad)]
            )

        for start, row in _rows(name, lines, self._head.separator, first, broken):
            if len(row) == width:
                rows.append(row)
                starts.append(start)
            elif row:
                misshapen.append((start, len(row)))
            over = lines.block_is_over
            if len(rows) == _PIECE or over:
                yield batch()
                rows, starts, misshapen = [], [], []
                broken.clear()
            if over:
                return
        yield batch()


def open_csv(path: Path, wanted: Sequence[str], block: int = BLOCK, *, optional: Sequence[str] = ()) -> CsvFile:
    """Finds encoding, separator and header.

    Args:
        path: the file, which is not empty.
        wanted: names of columns that tell the separator and the header.
        block: bytes read at a time.
        optional: names of columns that help to.

    Raises:
        LinkageError: `E_FICHIER_VIDE`, `E_SEPARATEUR`, `E_CSV`; see `linkage.text_files.open_text`.
    """
    text = open_text(path)
    return CsvFile(text, _read_head(text, [*wanted, *optional]), block)


def all_rows(path: Path) -> list[list[str]]:
    """Every row that is not blank, the first one included, of a small file of two columns or more.

    Raises:
        LinkageError: as `open_csv`.
    """
    text = open_text(path)
    whole = text.text()
    if not whole.strip():
        return []
    separator = _separator(path.name, whole, ("a", "b"))
    return [row for _, row in _rows(path.name, io.StringIO(whole, newline=""), separator, 1) if row]


def column_key(column: str) -> str:
    """What two spellings of a column's name have in common."""
    return column.strip().strip("\ufeff").casefold()


def header_place(rows: Iterable[Sequence[str]], wanted: Sequence[str]) -> int:
    """Which of the first rows of a file is its header: the first that has the most of the wanted columns."""
    keys = {column_key(column) for column in wanted}
    best = most = 0
    for place, row in enumerate(rows):
        shown = len(keys & {column_key(cell) for cell in row})
        if shown > most:
            best, most = place, shown
        if shown == len(keys):
            break
    return best


def above_header(count: int) -> list[Finding]:
    """What is said of rows above the header."""
    rule = "lignes au-dessus de l'en-tête laissées de côté"
    return [Finding(code="I_EN_TETE", column=None, count=count, first_row=1, rule=rule)] if count else []


@dataclass(frozen=True, kw_only=True)
class _Head:
    """The header: its cells, the bytes before the first row, the line where that row starts, and the rows above."""

    row: list[str]
    separator: str
    size: int
    next_line: int
    above: int


def _read_head(text: TextFile, wanted: Sequence[str]) -> _Head:
    name = text.path.name
    with text.path.open("rb") as file:
        file.seek(text.start)
        data = file.read(_HEAD)
        if file.read(1):
            data = data[: data.rfind(b"\n") + 1] or data
    whole = data.decode(text.encoding, "ignore")
    if not whole.strip():
        raise LinkageError("E_FICHIER_VIDE", f"{name} : le fichier est vide")
    declared = _DECLARED.match(whole)
    start = len(declared[0]) if declared else 0
    separator = declared[1] if declared else _separator(name, whole, wanted)
    above = header_place(_top(name, whole[start:], separator), wanted)
    lines = io.StringIO(whole, newline="")
    lines.seek(start)
    rows = (row for _, row in _rows(name, lines, separator, 1 + bool(declared)) if row)
    row = next(islice(rows, above, None), None)
    if row is None:
        raise LinkageError("E_FICHIER_VIDE", f"{name} : le fichier est vide")
    before = whole[: lines.tell()]
    next_line = 1 + sum(1 for _ in io.StringIO(before, newline=""))
    size = len(before.encode(text.encoding))
    return _Head(row=row, separator=separator, size=size, next_line=next_line, above=above)


def _top(name: str, text: str, separator: str) -> Iterator[list[str]]:
    """The first rows, as far as they can be read: who reads them all will say where they cannot."""
    rows = (row for _, row in _rows(name, io.StringIO(text, newline=""), separator, 1) if row)
    with suppress(LinkageError):
        yield from islice(rows, HEADER_WITHIN)


def _separator(name: str, text: str, wanted: Sequence[str]) -> str:
    keys = {column_key(column) for column in wanted}
    found = {}
    refusal = None
    for separator in _SEPARATORS:
        try:
            next(row for _, row in _rows(name, io.StringIO(text, newline=""), separator, 1) if row)
        except LinkageError as error:
            refusal = error
            continue
        top = list(_top(name, text, separator))
        header = top[header_place(top, wanted)]
        found[separator] = (len(keys & {column_key(column) for column in header}), len(header))
    if refusal and not found:
        raise refusal
    best = max(found, key=lambda separator: found[separator])
    if found[best][1] == 1 and len(keys) > 1:
        rule = "le séparateur n'est ni la virgule, ni le point-virgule, ni la tabulation"
        raise LinkageError("E_SEPARATEUR", f"{name} : {rule} ; refaites l'export avec l'un d'eux")
    return best


class _Blocks(Iterator[bytes]):
    """Blocks of a file, with what was taken from it too early put back."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._waiting = b""

    def __next__(self) -> bytes:
        data, self._waiting = self._waiting, b""
        return data or next(self._blocks)

    def put_back(self, data: bytes) -> None:
        self._waiting = data


class _Lines(Iterator[str]):
    """The lines of a block, and of the next ones as long as somebody goes on asking."""

    def __init__(self, data: bytes, blocks: _Blocks) -> None:
        self._current = io.StringIO(data.decode(), newline="")
        self._size = len(self._current.getvalue())
        self._blocks = blocks
        self._further = False
        self.taken = 0

    def __next__(self) -> str:
        line = self._current.readline()
        if not line:
            self._current = io.StringIO(next(self._blocks).decode(), newline="")
            self._further = True
            line = self._current.readline()
        self.taken += 1
        return line

    @property
    def block_is_over(self) -> bool:
        """Whether the lines of the first block are all taken."""
        return self._further or self._current.tell() >= self._size

    def rest(self) -> bytes:
        """What is left of the block that is being read."""
        return self._current.read().encode()


def _rows(
    name: str, lines: Iterable[str], separator: str, first: int, broken: list[int] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """(line where it starts, fields) of each row; a blank line is a row of no field. `broken` takes rows of one bad line."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    start = first
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if broken is None or first + reader.line_num > start + 1:
                raise LinkageError("E_CSV", f"{name} : ligne {start} : {_BROKEN_ROW}") from None
            broken.append(start)
        else:
            yield start, row
        start = first + reader.line_num


def _columns(rows: list[list[str]], width: int) -> list[Any]:
    columns: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else ([] for _ in range(width))
    return [pa.array(cells, pa.string()) for cells in columns]


def _fast(data: bytes, first: int, separator: str, width: int) -> Batch | None:
    """A block by Arrow, or None where only the standard library may judge."""
    if not (_returns_end_lines(data) and _quotes_are_plain(data, separator)):
        return None
    ragged: list[tuple[int, int]] = []
    longest = 0

    def set_aside(row: Any) -> Literal["skip"]:
        nonlocal longest
        ragged.append((row.number - 1, row.actual_columns))
        longest = max(longest, len(row.text))
        return "skip"

    names = [str(place) for place in range(width)]
    source: Any = pa.BufferReader(data)
    try:
        table = arrow_csv.read_csv(
            source,
            arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            arrow_csv.ParseOptions(delimiter=separator, invalid_row_handler=set_aside),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),
        )
    except pa.ArrowException:
        return None
    columns = [
        pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string()) for column in table.columns
    ]
    longest = max(longest, *(int(np.diff(cells_of(column)[1]).max(initial=0)) for column in columns))
    lines = _lines(data, first)
    if longest > _LONGEST_CELL or len(lines) != table.num_rows + len(ragged):
        return None
    misshapen = [(int(lines[place]), size) for place, size in ragged]
    kept = np.delete(lines, [place for place, _ in ragged]) if ragged else lines
    return Batch(columns=columns, lines=kept, misshapen=misshapen)


def _lines(data: bytes, first: int) -> NDArray[np.int64]:
    """The numbers of the lines that are not blank."""
    signs = np.frombuffer(data, dtype=np.uint8)
    begins = signs[np.flatnonzero(np.append(True, signs[:-1] == _LINE_FEED))]  # a line begins with the block
    lines: NDArray[np.int64] = first + np.flatnonzero((begins != _LINE_FEED) & (begins != _RETURN))
    return lines


def _returns_end_lines(data: bytes) -> bool:
    if b"\r" not in data:
        return True
    signs = np.frombuffer(data, dtype=np.uint8)
    return bool(signs[-1] != _RETURN and (signs[1:][signs[:-1] == _RETURN] == _LINE_FEED).all())


def _quotes_are_plain(data: bytes, separator: str) -> bool:
    """Whether quotes open at the beginning of a cell, close at its end on the same line, or are doubled within."""
    if b'"' not in data:
        return True
    signs = np.frombuffer(data, dtype=np.uint8)
    quotes, feeds = np.flatnonzero(signs == _QUOTE), np.flatnonzero(signs == _LINE_FEED)
    if len(quotes) % 2 or (np.searchsorted(quotes, feeds) % 2).any():
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = signs[opening - 1]  # of the first sign, the last one: judged apart
    after = signs[np.minimum(closing + 1, len(signs) - 1)]
    around = (ord(separator), _LINE_FEED, _QUOTE)
    opens = np.isin(before, around) | (opening == 0)
    closes = np.isin(after, (*around, _RETURN)) | (closing == len(signs) - 1)
    return bool(opens.all() and closes.all())
