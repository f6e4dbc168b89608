"""The slow twins of the screen, in plain Python: exact chances, columns picked bit by bit. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import shake_256
from math import comb


def ways(length: int, limit: int, columns: int) -> list[int]:
    """In how many choices of columns so many of the `limit` places are among them, for 0, 1, 2…"""
    return [comb(limit, k) * comb(length - limit, columns - k) for k in range(min(limit, columns) + 1)]


def missed(length: int, limit: int, columns: int, bound: int) -> Fraction:
    """The chance that of `limit` places among `length` more than `bound` are among `columns` drawn ones."""
    return Fraction(sum(ways(length, limit, columns)[bound + 1 :]), comb(length, columns))


def bound(length: int, limit: int, columns: int, most: Fraction) -> int:
    """The least bound for which that chance is at most `most`."""
    count, above = ways(length, limit, columns), 0
    allowed = most * comb(length, columns)
    for k in range(len(count) - 1, -1, -1):
        above += count[k]
        if above > allowed:
            return k
    return 0


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
