"""Parquet, cells as the text that a CSV would hold: a whole number stored as a float loses its point, a gap is empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from linkage.csv_files import Batch
from linkage.errors import Finding, LinkageError

__all__ = ["ParquetTable"]

_PIECE = 1 << 16  # rows
_FIRST_ROW = 2  # as in a CSV, whose header is line 1
# What cannot be read, in Arrow's words and in those of Python when a cell goes beyond its calendar or is no text.
_UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError)


class ParquetTable:
    """A Parquet file whose schema is read."""

    def __init__(self, path: Path) -> None:
        """Opens a file.

        Raises:
            LinkageError: `E_PARQUET`.
        """
        self._name = path.name
        try:
            self._file = pq.ParquetFile(path)
            self.header = list(self._file.schema_arrow.names)
        except _UNREADABLE:
            raise self._refusal() from None

    def batches(self) -> Iterator[Batch]:
        """All rows, in order.

        Raises:
            LinkageError: `E_PARQUET`, without its cause, whose message may quote a cell.
        """
        first = _FIRST_ROW
        try:
            for batch in self._file.iter_batches(_PIECE):
                columns = [_text_column(column) for column in batch.columns]
                lines = np.arange(first, first + batch.num_rows, dtype=np.int64)
                yield Batch(columns=columns, lines=lines, misshapen=[])
                first += batch.num_rows
        except _UNREADABLE:
            raise self._refusal() from None

    def findings(self) -> list[Finding]:
        """Nothing to say: a Parquet file says itself how it is written."""
        return []

    def _refusal(self) -> LinkageError:
        return LinkageError("E_PARQUET", f"{self._name} : ce fichier n'est pas un Parquet lisible")


def _text_column(cells: Any) -> Any:
    cells.validate(full=True)
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return cells.cast(pa.string()).fill_null("")
    try:
        coded = cells.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return pa.array([_text(cell) for cell in cells.to_pylist()], pa.string())
    texts = pa.array([_text(cell) for cell in coded.dictionary.to_pylist()], pa.string())
    return texts.take(coded.indices).fill_null("")


def _text(cell: Any) -> str:
    """A cell as a CSV would hold it."""
    if isinstance(cell, bytes):
        return cell.decode()
    if isinstance(cell, float) and (cell != cell or cell.is_integer()):  # noqa: PLR0124 - only NaN differs from itself
        return "" if cell != cell else str(int(cell))  # noqa: PLR0124
    return "" if cell is None else str(cell)
