"""A CSV file of people to CLKs, read as clkhash reads it: comma, double quotes, UTF-8, one cell a feature, nothing trimmed.

These files are not those of the project's own readers: a cell is hashed as it stands, so nothing is guessed, no space
removed, no separator looked for. Columns of national identification numbers (NIR) are refused, ignored ones too. A
byte-order mark at the head of the file is no part of its first cell. Every row gives a CLK, in order, for CLK files have no
identifier: one bad row refuses the file, and all bad rows are named.

Rows are read and encoded some at a time, so that memory holds the CLKs and one batch.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from io import TextIOWrapper
from itertools import accumulate, islice
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linkage.clkhash.clks import Source, encode_rows
from linkage.clkhash.linkage_schema import LinkageSchema
from linkage.errors import LinkageError, RowProblem, RowsRefused
from linkage.national_numbers import SAMPLE, NumberWatch

__all__ = ["Header", "encode_file"]

Header: TypeAlias = Literal["checked", "ignored", "absent"]
Progress: TypeAlias = Callable[[int, int], None]

_BATCH = 1 << 17  # rows
_BATCH_BITS = 1 << 31  # of their filters before folding


def encode_file(
    schema: LinkageSchema,
    secret: bytes,
    path: Path,
    *,
    header: Header = "checked",
    check: bool = True,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """The CLKs of a file, one a row.

    Args:
        schema: what to do.
        secret: shared by the parties.
        path: the CSV file.
        header: `checked` against the identifiers of the schema, `ignored`, or `absent` where the first row is somebody.
        check: whether the formats of the schema are checked.
        progress: told the bytes read and their total.

    Raises:
        RowsRefused: `E_VALEUR_CLK` or `E_NOMBRE_CHAMPS`, with every such row.
        LinkageError: `E_ENTETE_CLK`, `E_FICHIER_VIDE`, `E_ENCODAGE`, `E_CSV`, `E_NIR_INTERDIT`.
        OSError: the file cannot be read.
    """
    total = path.stat().st_size
    parts = [np.zeros((0, -(-schema.length // 8)), dtype=np.uint8)]
    problems: list[RowProblem] = []
    watch = NumberWatch(path.name, [feature.identifier for feature in schema.features])
    for rows, lines, done in _batches(path, schema, header):
        _look(watch, rows, len(schema.features))
        try:
            parts.append(encode_rows(schema, secret, rows, source=Source(name=path.name, lines=lines), check=check))
        except RowsRefused as refused:
            problems += refused.problems
        if progress:
            progress(done, total)
    watch.refuse()
    if problems:
        raise RowsRefused(problems, path.name)
    return np.concatenate(parts)


def _batches(path: Path, schema: LinkageSchema, header: Header) -> Iterator[tuple[list[list[str]], Sequence[int], int]]:
    """Rows, the lines where they start, and the bytes read so far."""
    try:
        # New lines inside quotes are read as clkhash reads them, whatever the system that wrote them.
        with path.open("rb") as raw, TextIOWrapper(raw, "utf-8-sig") as file:
            reader = csv.reader(file)
            if header != "absent":
                _read_header(reader, path, schema, check=header == "checked")
            before = reader.line_num
            size = max(1, min(_BATCH, _BATCH_BITS // schema.hashed_length))
            while rows := list(islice(reader, size)):
                yield rows, _lines(rows, before, reader.line_num), raw.tell()
                before = reader.line_num
    except UnicodeDecodeError:
        rule = "ce fichier n'est pas en UTF-8 ; clkhash ne lit rien d'autre : enregistrez-le en UTF-8"
        raise LinkageError("E_ENCODAGE", f"{path.name} : {rule}") from None
    except csv.Error:
        raise LinkageError("E_CSV", f"{path.name} : guillemets mal formés ou cellule trop longue") from None


def _read_header(reader: Iterator[list[str]], path: Path, schema: LinkageSchema, *, check: bool) -> None:
    header = next(reader, None)
    if header is None:
        raise LinkageError("E_FICHIER_VIDE", f"{path.name} : le fichier est vide")
    if not check:
        return
    names = [feature.identifier for feature in schema.features]
    if len(header) != len(names):
        rule = f"{len(header)} colonne(s) au lieu des {len(names)} du schéma"
        raise LinkageError("E_ENTETE_CLK", f"{path.name} : {rule}")
    for place, (found, name) in enumerate(zip(header, names, strict=True), start=1):
        if found != name:  # never said what is there: where a file has no header, it is somebody
            rule = f"la colonne n° {place} doit s'appeler « {name} », comme dans le schéma (ou --ignore-header, --no-header)"
            raise LinkageError("E_ENTETE_CLK", f"{path.name} : {rule}")


def _look(watch: NumberWatch, rows: list[list[str]], width: int) -> None:
    """Show some rows of a batch to whoever looks for national identification numbers."""
    some = [row for row in rows[:: -(-len(rows) // SAMPLE)] if len(row) == width]
    watch.look([pa.array([row[place] for row in some], pa.string()) for place in range(width)])


def _lines(rows: list[list[str]], before: int, after: int) -> Sequence[int]:
    if after - before == len(rows):
        return range(before + 1, after + 1)
    sizes = (1 + sum(cell.count("\n") for cell in row) for row in rows)
    return list(accumulate(sizes, initial=before + 1))[:-1]
