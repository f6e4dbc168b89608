"""The slow twins of the screen, in plain Python: exact chances as fractions, columns picked bit by bit. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import shake_256
from math import comb


def missed(length: int, limit: int, columns: int, bound: int) -> Fraction:
    """The chance that of `limit` places among `length` more than `bound` are among `columns` drawn ones."""
    ways = range(bound + 1, min(limit, columns) + 1)
    return Fraction(sum(comb(limit, k) * comb(length - limit, columns - k) for k in ways), comb(length, columns))


def bound(length: int, limit: int, columns: int, most: Fraction) -> int:
    """The least bound for which that chance is at most `most`."""
    return next(one for one in range(columns + 1) if missed(length, limit, columns, one) <= most)


def drawn(draw: bytes, length: int, columns: int) -> list[int]:
    """The columns with the smallest numbers of a stream of 64-bit words, in ascending order."""
    stream = shake_256(draw).digest(8 * length)
    number = {column: int.from_bytes(stream[8 * column : 8 * column + 8], "little") for column in range(length)}
    return sorted(sorted(number, key=lambda column: (number[column], column))[:columns])


def gathered(row: int, columns: Sequence[int]) -> int:
    """The bits of a row in some columns, in their order."""
    return sum((row >> column & 1) << place for place, column in enumerate(columns))


def differ(one: int, other: int, columns: Sequence[int]) -> int:
    """In how many of some columns two rows differ."""
    return gathered(one ^ other, columns).bit_count()
