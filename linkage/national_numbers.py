"""Columns of national identification numbers (NIR), known by their name or by their cells, hashed or not: always refused.

Every column of a file is looked at, whether anybody wants it or not. Cells are looked at in a sample spread over the file:
one in 1, 2, 4, 8… of those that are not empty, as many as `SAMPLE` allows.

The refusal names the column only by its place where its name has digits: a file without header has a person there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from linkage.columns import cells_of
from linkage.errors import LinkageError
from linkage.sample import Sample

__all__ = ["SAMPLE", "NumberWatch"]

SAMPLE = 2000  # cells that are not empty
# Shares of the sample that make a column one of NIR. One number in 170 happens to have a right key, one in 14 the short form.
_SHARE = 0.2
_SHARE_WITHOUT_KEY = 0.5

_NAME = re.compile(
    r"(^|_)(nir(\d+|pp|hash|hache)?|nia|nss|insee_individu"
    r"|(n|no|num|numero)_?(de_)?(la_)?(ss|secu(rite)?(_sociale)?))(_|$)"
)
# Sex (or temporary number), year, month (20 and more where it is unknown), department, commune, order, key.
_NIR = re.compile(r"[1-478]\d{2}(0[1-9]|1[0-2]|[2-9]\d)(\d{2}|2[AB])\d{6}(\d{2})")
_NIR_WITHOUT_KEY = re.compile(r"[1-478]\d{2}(0[1-9]|1[0-2])(0[1-9]|[1-9]\d|2[AB])\d{6}")


class NumberWatch:
    """Looks at all columns of a file as its blocks go by."""

    def __init__(self, name: str, header: Sequence[str]) -> None:
        """Takes the file's name, for the refusal, and the names of all columns in their order."""
        self._file = name
        self._header = list(header)
        self._samples = [Sample(SAMPLE) for _ in header]

    def look(self, columns: Sequence[Any]) -> None:
        """Takes a block: one array of strings a column."""
        for sample, cells in zip(self._samples, columns, strict=True):
            sample.add(cells_of(cells))

    def refuse(self) -> None:
        """Judges what went by.

        Raises:
            LinkageError: `E_NIR_INTERDIT` for the first column that holds numbers of persons.
        """
        for place, (column, sample) in enumerate(zip(self._header, self._samples, strict=True), start=1):
            if _NAME.search(_words(column)) or _are_numbers(sample.cells):
                rule = "contient des numéros de sécurité sociale ; retirez-la du fichier, même hachée"
                shown = f"n° {place}" if re.search(r"\d{4}", column) else f"« {column} »"
                raise LinkageError("E_NIR_INTERDIT", f"{self._file} : la colonne {shown} {rule}")


def _are_numbers(cells: Sequence[str]) -> bool:
    sample = [re.sub(r"[\s./_-]", "", cell).upper() for cell in cells if cell.strip()]
    with_key = sum(map(_is_nir, sample))
    without_key = sum(_NIR_WITHOUT_KEY.fullmatch(cell) is not None for cell in sample)
    return with_key > _SHARE * len(sample) or without_key > _SHARE_WITHOUT_KEY * len(sample)


def _words(column: str) -> str:
    """A column's name as lower-case words without accents: `NumSécu`, `num secu` and `NUM_SECU` are `num_secu`."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", column) if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare).casefold())


def _is_nir(cell: str) -> bool:
    """Whether a cell has the form of a NIR with its key, and the key is right."""
    found = _NIR.fullmatch(cell)
    if not found:
        return False
    digits = cell[:13].replace("2A", "19").replace("2B", "18")  # Corsica
    return 97 - int(digits) % 97 == int(found[3])
