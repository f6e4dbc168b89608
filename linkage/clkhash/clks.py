"""Columns, or rows, to CLKs: the bits that clkhash 0.18.3 gives for the same schema and secret.

A record's filter is the union over its features of the positions of their tokens; it is then folded in two by exclusive or as
often as the schema says. Bit 0 is the highest of the first byte; a length that is no multiple of 8 ends in zeros.

Work is done once for each distinct cell of a column, hashing once for each distinct token. Tables of positions live as long as
the call. The secret is bytes; clkhash takes the UTF-8 of a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage.clkhash.bit_kernel import BIT_FLIP, insertions, merge_rows, set_rows
from linkage.clkhash.coding import columns_of
from linkage.clkhash.cutting import cut
from linkage.clkhash.feature_reading import Feature, Hashing
from linkage.clkhash.key_derivation import feature_keys
from linkage.clkhash.linkage_schema import LinkageSchema
from linkage.clkhash.token_hashes import position_table
from linkage.clkhash.words import words_of
from linkage.errors import RowProblem, RowsRefused

__all__ = ["Column", "Source", "encode_columns", "encode_rows"]

_NO_NUMBER = "n'est pas un nombre"
_FOLDED_AT_ONCE = 1 << 14  # rows whose bits are held one a byte


class Column(Protocol):
    """A column as its distinct cells and, for each row, the place of its cell among them."""

    @property
    def values(self) -> Sequence[str]:
        """Distinct cells."""

    @property
    def codes(self) -> NDArray[np.int32]:
        """(n,) places in `values`."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where rows come from, for messages.

    Attributes:
        name: of the file.
        lines: the line of each row; when absent rows count from 1.
    """

    name: str = ""
    lines: Sequence[int] | None = None


def encode_rows(
    schema: LinkageSchema,
    secret: bytes,
    rows: Sequence[Sequence[str]],
    *,
    source: Source | None = None,
    check: bool = True,
) -> NDArray[np.uint8]:
    """The CLKs of rows as clkhash takes them: one cell a feature, ignored ones included.

    Raises:
        RowsRefused: `E_NOMBRE_CHAMPS` for rows with another number of cells; otherwise as `encode_columns`.
    """
    source = source or Source()
    width = len(schema.features)
    if not {width}.issuperset(map(len, rows)):
        problems = [*_uneven_rows(rows, width, source), *_problems_of_others(schema, rows, source, check=check)]
        raise RowsRefused(sorted(problems, key=lambda one: one.row), source.name)
    places = [place for place, feature in enumerate(schema.features) if feature.hashing]
    columns: list[Column | None] = [None] * width
    for place, column in zip(places, columns_of(rows, width, places), strict=True):
        columns[place] = column
    return encode_columns(schema, secret, columns, len(rows), source=source, check=check)


def encode_columns(
    schema: LinkageSchema,
    secret: bytes,
    columns: Sequence[Column | None],
    size: int,
    *,
    source: Source | None = None,
    check: bool = True,
) -> NDArray[np.uint8]:
    """The CLKs of records given by columns.

    Args:
        schema: what to do.
        secret: shared by the parties.
        columns: one a feature, in the schema's order; None will do for an ignored one.
        size: number of records.
        source: for messages.
        check: whether the formats of the schema are checked.

    Returns:
        (size, ⌈length / 8⌉) bytes.

    Raises:
        RowsRefused: `E_VALEUR_CLK`, with every row whose cell breaks a rule of the schema.
    """
    source = source or Source()
    rows = np.zeros((size, -(-schema.hashed_length // 64)), dtype=np.uint64)
    keys = feature_keys(secret, schema.kdf, len(schema.features))
    problems: list[RowProblem] = []
    for feature, pair, column in zip(schema.features, keys, columns, strict=True):
        if feature.hashing is None:
            continue
        if column is None:
            raise ValueError("a feature that is not ignored needs its column")
        broken = _encode_feature(feature.hashing, pair, column, schema.hashed_length, rows, check=check)
        if broken:
            problems += _rows_of(broken, feature, column, source)
    if problems:
        raise RowsRefused(sorted(problems, key=lambda one: one.row), source.name)
    return _folded(rows, schema)


def _uneven_rows(rows: Sequence[Sequence[str]], width: int, source: Source) -> Iterator[RowProblem]:
    for place, row in enumerate(rows):
        if len(row) != width:
            yield _problem("E_NOMBRE_CHAMPS", source, place, None, f"{len(row)} champ(s) au lieu de {width}")


def _problems_of_others(
    schema: LinkageSchema, rows: Sequence[Sequence[str]], source: Source, *, check: bool
) -> Sequence[RowProblem]:
    """What is wrong with the rows that have the right number of cells."""
    places = [place for place, row in enumerate(rows) if len(row) == len(schema.features)]
    lines = [source.lines[place] if source.lines is not None else place + 1 for place in places]
    try:
        # No secret is needed to judge cells.
        encode_rows(schema, b"", [rows[place] for place in places], source=Source(lines=lines), check=check)
    except RowsRefused as refused:
        return refused.problems
    return []


def _encode_feature(
    hashing: Hashing,
    keys: tuple[bytes, bytes],
    column: Column,
    length: int,
    rows: NDArray[np.uint64],
    *,
    check: bool,
) -> dict[int, str]:
    """Set the bits of one feature; returns the rules broken by the place of the cell, when no bit is set."""
    words, broken = words_of(hashing, column.values, check=check)
    tokens, refused = cut(hashing.comparator, words)
    broken |= dict.fromkeys(refused, _NO_NUMBER)
    if broken:
        return broken
    bits, shared = hashing.shares.bits, hashing.shares.shared
    needs = np.zeros(len(tokens.names), dtype=np.int32)
    insertions(tokens.offsets, tokens.tokens, bits, shared, needs)
    encoded = [name.encode(hashing.format.encoding) for name in tokens.names]
    table = position_table(hashing.token_hash, keys, encoded, needs, length)
    positions = table.positions ^ table.positions.dtype.type(BIT_FLIP)
    parts = (tokens.offsets, tokens.tokens, (bits, shared), table.starts, positions)
    if 2 * len(words) > len(rows):
        set_rows(column.codes, *parts, rows)
    else:
        masks = np.zeros((len(words), rows.shape[1]), dtype=np.uint64)
        set_rows(np.arange(len(words), dtype=np.int32), *parts, masks)
        merge_rows(column.codes, masks, rows)
    return {}


def _rows_of(broken: dict[int, str], feature: Feature, column: Column, source: Source) -> list[RowProblem]:
    wrong = np.zeros(len(column.values), dtype=np.bool_)
    wrong[list(broken)] = True
    return [
        _problem("E_VALEUR_CLK", source, place, feature.identifier, broken[int(column.codes[place])])
        for place in np.flatnonzero(wrong[column.codes]).tolist()
    ]


def _problem(code: str, source: Source, place: int, column: str | None, rule: str) -> RowProblem:
    line = source.lines[place] if source.lines is not None else place + 1
    return RowProblem(code=code, row=line, column=column, rule=rule)


def _folded(rows: NDArray[np.uint64], schema: LinkageSchema) -> NDArray[np.uint8]:
    held: NDArray[np.uint8] = rows.view(np.uint8)[:, : -(-schema.hashed_length // 8)]
    parts = 1 << schema.folds
    if not schema.folds:
        return np.ascontiguousarray(held)
    if schema.length % 8 == 0:
        return _exclusive_or(held.reshape(len(held), parts, schema.length // 8))
    folded = np.empty((len(held), -(-schema.length // 8)), dtype=np.uint8)
    for start in range(0, len(held), _FOLDED_AT_ONCE):
        some = np.unpackbits(held[start : start + _FOLDED_AT_ONCE], axis=1, count=schema.hashed_length)
        bits = _exclusive_or(some.reshape(len(some), parts, schema.length))
        folded[start : start + len(some)] = np.packbits(bits, axis=1)
    return folded


def _exclusive_or(parts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    whole: Any = np.bitwise_xor.reduce(parts, axis=1)
    return np.ascontiguousarray(whole)
