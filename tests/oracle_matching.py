"""The slow twins of the matching half, in plain Python: integers for rows, tuples for pairs. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import comb

Pair = tuple[int, int, float]


def integers(rows: Iterable[Iterable[int]]) -> list[int]:
    """Rows of 64-bit words as integers, word k worth 2^(64 k)."""
    return [sum(int(word) << (64 * k) for k, word in enumerate(row)) for row in rows]


def dice(a: int, b: int) -> float | None:
    """2c / (|a| + |b|), or nothing when a row is empty."""
    return 2 * (a & b).bit_count() / (a.bit_count() + b.bit_count()) if a and b else None


def hamming(length: int) -> Callable[[int, int], float | None]:
    """1 - H/L, or nothing when a row is empty."""
    return lambda a, b: 1.0 - (a ^ b).bit_count() / length if a and b else None


def candidates(
    left: Sequence[int], right: Sequence[int], threshold: float, score: Callable[[int, int], float | None]
) -> list[Pair]:
    """All pairs at or above the threshold, by score descending, then left, then right."""
    pairs = []
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            value = score(a, b)
            if value is not None and value >= threshold:
                pairs.append((i, j, value))
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))


def best_of_left(pairs: Iterable[Pair], most: int) -> list[Pair]:
    """Of pairs in order, those with fewer than `most` of the same left row before them."""
    kept: list[Pair] = []
    counts: dict[int, int] = {}
    for pair in pairs:
        counts[pair[0]] = counts.get(pair[0], 0) + 1
        if counts[pair[0]] <= most:
            kept.append(pair)
    return kept


def in_blocks(pairs: Iterable[Pair], blocks: Iterable[Sequence[int]]) -> list[Pair]:
    """The pairs whose two rows stand in one block."""
    ranges = [tuple(block) for block in blocks]
    return [pair for pair in pairs if any(a <= pair[0] < b and c <= pair[1] < d for a, b, c, d in ranges)]


def one_to_one(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, taken in order, whose two rows are still free."""
    links: list[Pair] = []
    for pair in pairs:
        if all(pair[0] != one[0] and pair[1] != one[1] for one in links):
            links.append(pair)
    return links


def largest_distance(length: int, pairs: int, allowed: Fraction) -> int:
    """The largest h for which `pairs` random pairs are expected to hold at most `allowed` at distance h or less."""
    fitting = [h for h in range(length // 2 + 1) if pairs * tail(length, h) <= allowed]
    return max(fitting, default=0)


def tail(length: int, distance: int) -> Fraction:
    """P(Binomial(length, 1/2) <= distance)."""
    return Fraction(sum(comb(length, k) for k in range(distance + 1)), 2**length)


def row(identifier: bytes, tag: bytes, words: Iterable[int]) -> bytes:
    """One row as it travels."""
    return identifier + tag + b"".join(word.to_bytes(8, "little") for word in words)


def delivery(certain: Iterable[bytes], grey: Iterable[bytes], payloads: Mapping[bytes, bytes] | None = None) -> bytes:
    """A delivery as it travels, before sealing; payloads by certain id, all of one length."""
    certain, grey, sealed = sorted(certain), sorted(grey), payloads or {}
    width = len(next(iter(sealed.values()), b""))
    body = b"AVD2" + b"".join(number.to_bytes(4, "big") for number in (len(certain), len(grey), width))
    body += b"".join(certain + grey) + b"".join(sealed[one] for one in certain if sealed)
    size = max(4096, 1 << (len(body) - 1).bit_length())
    return body + bytes(size - len(body))
