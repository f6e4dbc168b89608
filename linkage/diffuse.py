"""Keyed diffusion: each output bit is the XOR of t secret distinct positions of the filter, one table per block.

Table. t permutations of the m positions drawn by Fisher–Yates (from the last place down) from a stream keyed by the block's
secret, so every input bit is used exactly t times. After each, from the first place up, where the permutation repeats a position
already held by that output bit, it is exchanged with another place until all t are distinct; an exchange that would break that
other place is undone. An index below n is the next 32-bit little-endian word of the stream modulo n; words from the last
multiple of n on are skipped, so there is no bias.

Product. The filters of a block are turned on their side (bit-sliced): a word then holds one position of 64 records, and an
output bit of 64 records costs t XORs of words.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from crypto.hashing import keystream
from linkage.errors import LinkageError

__all__ = ["LARGEST_DEGREE", "LEAST_DEGREE", "diffuse", "diffusion_table"]

LEAST_DEGREE = 3  # t = 2 falls to a seedless attack (docs/threat-model.md)
LARGEST_DEGREE = 16  # t distinct positions must be found among m ≥ 64 by exchanges; profiles have 4 to 7

Table = NDArray[np.uint16]  # (t, m)

_WORD_BYTES = 4
_SPARE = 1.5  # of the words expected to be needed: rejection and repairs take less than a tenth


def diffusion_table(secret: bytes, length: int, degree: int) -> NDArray[np.uint16]:
    """The table of one block.

    Args:
        secret: the block's own 32 bytes.
        length: m = L, a power of two up to 65,536.
        degree: t.

    Returns:
        (degree, length) uint16: row i, column j is the i-th position XORed into output bit j.

    Raises:
        LinkageError: `E_DIFFUSION` for a degree under 3 or over 16, or a length that is not a power of two.
    """
    if not LEAST_DEGREE <= degree <= LARGEST_DEGREE or length & (length - 1) or not 64 <= length <= 1 << 16:
        raise LinkageError("E_DIFFUSION", "la diffusion demande 3 ≤ t ≤ 16 et une longueur puissance de deux")
    words = int(_SPARE * degree * length)
    while True:
        stream = np.frombuffer(keystream(secret, words * _WORD_BYTES), dtype="<u4").astype(np.uint32)
        table = np.empty((degree, length), dtype=np.uint16)
        if _fill_table(stream, table):
            return table
        words *= 2  # the same stream, longer: the table does not depend on how much was asked for


def diffuse(filters: NDArray[np.uint64], table: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """The diffused filters of one block.

    Args:
        filters: (n, m/64) uint64 C-order.
        table: (t, m) uint16 of `diffusion_table`.

    Returns:
        (n, m/64) uint64.

    Raises:
        LinkageError: `E_DIFFUSION` when filters and table are of different lengths.
    """
    if filters.shape[1] * 64 != table.shape[1]:
        raise LinkageError("E_DIFFUSION", "les filtres et la table de diffusion n'ont pas la même longueur")
    result = np.empty_like(filters)
    _diffuse(filters, table, result)
    return result


@numba.njit(cache=True, nogil=True)
def _draw(stream: NDArray[np.uint32], cursor: int, bound: int) -> tuple[np.int64, int]:  # pragma: no cover - compiled
    """An unbiased index below `bound`, or -1 when the stream ends; returns (index, next cursor)."""
    limit = (np.uint64(1) << np.uint64(32)) // np.uint64(bound) * np.uint64(bound)
    while cursor < len(stream):
        word = np.uint64(stream[cursor])
        cursor += 1
        if word < limit:
            return np.int64(word % np.uint64(bound)), cursor
    return np.int64(-1), cursor


@numba.njit(cache=True, nogil=True)
def _repeats(table: Table, layer: int, column: int | np.int64) -> bool:  # pragma: no cover - compiled
    for other in range(layer):  # noqa: SIM110 - compiled: any() of a generator is not
        if table[other, column] == table[layer, column]:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _fill_table(stream: NDArray[np.uint32], table: Table) -> bool:  # pragma: no cover - compiled
    degree, length = table.shape
    cursor = 0
    for layer in range(degree):
        for place in range(length):
            table[layer, place] = place
        for place in range(length - 1, 0, -1):
            other, cursor = _draw(stream, cursor, place + 1)
            if other < 0:
                return False
            table[layer, place], table[layer, other] = table[layer, other], table[layer, place]
        for place in range(length):
            while _repeats(table, layer, place):
                other, cursor = _draw(stream, cursor, length)
                if other < 0:
                    return False
                table[layer, place], table[layer, other] = table[layer, other], table[layer, place]
                if _repeats(table, layer, other):  # the swap would break the other place: undo and draw again
                    table[layer, place], table[layer, other] = table[layer, other], table[layer, place]
    return True


@numba.njit(cache=True, nogil=True)
def _transpose_64(block: NDArray[np.uint64]) -> None:  # pragma: no cover - compiled
    """In-place transposition of a 64 × 64 bit matrix by halving swaps."""
    width = 32
    mask = np.uint64(0x00000000FFFFFFFF)
    while width:
        shift = np.uint64(width)
        row = 0
        while row < 64:
            swap = ((block[row] >> shift) ^ block[row + width]) & mask
            block[row + width] ^= swap
            block[row] ^= swap << shift
            row = (row + width + 1) & ~width
        width >>= 1
        mask ^= mask << np.uint64(width)


@numba.njit(cache=True, nogil=True)
def _diffuse(
    filters: NDArray[np.uint64], table: Table, result: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    rows, words = filters.shape
    degree, length = table.shape
    sliced = np.empty(length, dtype=np.uint64)
    mixed = np.empty(length, dtype=np.uint64)
    square = np.empty(64, dtype=np.uint64)
    for start in range(0, rows, 64):
        count = min(64, rows - start)
        for word in range(words):
            for row in range(64):
                square[row] = filters[start + row, word] if row < count else np.uint64(0)
            _transpose_64(square)
            sliced[word * 64 : word * 64 + 64] = square
        for place in range(length):
            bits = sliced[table[0, place]]
            for layer in range(1, degree):
                bits ^= sliced[table[layer, place]]
            mixed[place] = bits
        for word in range(words):
            square[:] = mixed[word * 64 : word * 64 + 64]
            _transpose_64(square)
            for row in range(count):
                result[start + row, word] = square[row]
