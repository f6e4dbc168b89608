"""Columns, or rows, to CLKs: the bits that clkhash 0.18.3 gives for the same schema and secret.

A record's filter is the union over its features of the positions of their tokens; it is then folded in two by exclusive or as
often as the schema says. Bit 0 is the highest of the first byte; a length that is no multiple of 8 ends in zeros.

Work is done once for each distinct cell of a column, hashing once for each distinct token. Tables of positions live as long as
the call. The secret is bytes; clkhash takes the UTF-8 of a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from linkage.clkhash.bit_kernel import (
    BIT_FLIP,
    insertions,
    merge_rows,
    merge_shares,
    number_shares,
    set_rows,
    share_masks,
)
from linkage.clkhash.coding import columns_of
from linkage.clkhash.cutting import Tokens, cut
from linkage.clkhash.feature_reading import Feature, Hashing, Shares
from linkage.clkhash.key_derivation import feature_keys
from linkage.clkhash.linkage_schema import LinkageSchema
from linkage.clkhash.token_hashes import PositionTable, position_table
from linkage.clkhash.words import words_of
from linkage.errors import RowProblem, RowsRefused

__all__ = ["Column", "Source", "encode_columns", "encode_rows"]

_NO_NUMBER = "n'est pas un nombre"
_RECURRENCE = 4  # uses of a mask that make it worth its making
_MERGED_AT_ONCE = 1 << 12  # rows
_MOST_MASKS = 1 << 26  # bytes that wait
_Later: TypeAlias = list[tuple[NDArray[np.int32], NDArray[np.uint64]]]  # codes, and the masks that they number
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
    later: _Later = []
    problems: list[RowProblem] = []
    for feature, pair, column in zip(schema.features, keys, columns, strict=True):
        if feature.hashing is None:
            continue
        if column is None:
            raise ValueError("a feature that is not ignored needs its column")
        broken = _encode_feature(feature.hashing, pair, column, schema.hashed_length, (rows, later), check=check)
        if broken:
            problems += _rows_of(broken, feature, column, source)
        if sum(masks.nbytes for _, masks in later) > _MOST_MASKS:
            _merge(later, rows)
    _merge(later, rows)
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
    filled: tuple[NDArray[np.uint64], _Later],
    *,
    check: bool,
) -> dict[int, str]:
    """Set the bits of one feature in rows, or leave masks for later.

    Returns:
        The rules broken, by the place of the cell; when there are some, nothing is set.
    """
    rows, later = filled
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
    fill = _Filler(tokens, hashing.shares, needs, table)
    if 2 * len(words) > len(rows):
        fill(column.codes, rows)
    else:
        masks = np.zeros((len(words), rows.shape[1]), dtype=np.uint64)
        fill(np.arange(len(words), dtype=np.int32), masks)
        later.append((column.codes, masks))
    return {}


def _merge(later: _Later, rows: NDArray[np.uint64]) -> None:
    """Set in rows the bits of the masks of their cells, some rows at a time, so that these stay near."""
    for start in range(0, len(rows), _MERGED_AT_ONCE):
        some = rows[start : start + _MERGED_AT_ONCE]
        for codes, masks in later:
            merge_rows(codes[start : start + _MERGED_AT_ONCE], masks, some)
    later.clear()


class _Filler:
    """Sets the bits of words, one by one, or whole tokens at a time where few tokens with few numbers of insertions recur."""

    def __init__(self, tokens: Tokens, shares: Shares, needs: NDArray[np.int32], table: PositionTable) -> None:
        self._tokens, self._strategy, self._needs = tokens, (shares.bits, shares.shared), needs
        self._starts = table.starts
        self._positions = table.positions ^ table.positions.dtype.type(BIT_FLIP)
        room = needs.astype(np.int64) + 1
        self._firsts = np.cumsum(room) - room
        self._numbers = np.full(int(room.sum()), np.int32(-1))
        self._shares = np.empty(len(tokens.tokens), dtype=np.int32)
        self._pairs = number_shares(
            tokens.offsets, tokens.tokens, self._strategy, self._firsts, self._numbers, self._shares
        )

    def __call__(self, codes: NDArray[np.int32], rows: NDArray[np.uint64]) -> None:
        tokens, starts, positions = self._tokens, self._starts, self._positions
        if self._pairs * _RECURRENCE > len(self._shares):
            set_rows(codes, tokens.offsets, tokens.tokens, self._strategy, starts, positions, rows)
            return
        masks = np.zeros((self._pairs, rows.shape[1]), dtype=np.uint64)
        share_masks(self._firsts, self._needs, self._numbers, starts, positions, masks)
        merge_shares(codes, tokens.offsets, self._shares, masks, rows)


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
