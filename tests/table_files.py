"""What tests of readers share: files written to a folder, every cell of a table, and how reading is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linkage.errors import LinkageError
from linkage.tables import RawTable, read_table

__all__ = ["SECRET", "cells", "refusal", "write"]

SECRET = "QUIDAMSECRET"


def write(folder: Path, data: bytes | str, name: str = "f.csv") -> Path:
    """A file in a folder."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def cells(table: RawTable) -> dict[str, list[str]]:
    """Every cell of every column."""
    return {name: column.cells() for name, column in table.columns.items()}


def refusal(path: Path, wanted: list[str], **options: Any) -> LinkageError:
    """The error that reading raises, which never shows the secret."""
    with pytest.raises(LinkageError) as raised:
        read_table(path, wanted, **options)
    assert SECRET not in str(raised.value)
    return raised.value
