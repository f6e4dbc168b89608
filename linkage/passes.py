"""Records divided into blocks: the block value of each record in one pass, and what is derived from it under the pass key.

The plan decides, never the data: a value expected to exceed the target takes finer components along, one after the other,
until it no longer does; one expected to be rarer than the floor shares a hashed bucket; any other is a block of its own.
What a heavy value is split into is pooled the same way, within that value. A record whose block value is missing falls out
of the pass; the other passes are there for it. How many finer components make a block is its depth: the filters of the
block lack those and the base components, not the finer ones that other blocks need (`PassPlan.left_out`).

Label of a block, framed: `value` with the base values, `split` with those and the finer values down to its depth, `bucket`
with the number of the bucket in 8 bytes, `rest` with all but the last of the values and that number. Number: SHA-256 of the
framed word `bucket` and the pooled values (the base ones, or the last one of `rest`), big-endian, modulo the number of
buckets. Tag and secret are keyed hashes of the label under two keys derived from the pass key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label, frame
from crypto.hashing import block_secret, block_tag
from crypto.keys import PassKey, derive
from linkage.cut import LETTERS, heads
from linkage.feature_table import FeatureTable
from linkage.features import YEAR, block_part
from linkage.plan import PassPlan
from linkage.records import MISSING, Column, Records
from linkage.sheet import Sheet
from linkage.statistics import BILLION, Statistics

__all__ = ["Division", "block_label", "divide", "in_form"]

_AT_ONCE = 1 << 20  # records, so that no array but the blocks is as long as the file
_SMALL = 1 << 24  # pairs of codes that are looked up in a table, rather than sorted

Codes = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Division:
    """The blocks of one pass.

    Attributes:
        block: (n,) int32, block of each record; `MISSING` when it falls out of the pass.
        tags: (b, 16) uint8, keyed tag of each block, sorted.
        secrets: the diffusion secret of each block.
        depth: (b,) int64, finer components that make each block.
    """

    block: Codes
    tags: NDArray[np.uint8]
    secrets: list[bytes]
    depth: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Node:
    """A value on its way to a block: what is known of it so far, and its label unless it must be split further."""

    known: tuple[str, ...]
    expected: int
    label: bytes | None
    depth: int = 0


def divide(
    records: Records,
    sheet: Sheet,
    plan: PassPlan,
    statistics: Statistics,
    key: PassKey,
    *,
    table: FeatureTable | None = None,
) -> Division:
    """Divides the records for one pass under its key; `table`, if there is one, is of these records."""
    table = table or FeatureTable(records)
    parts = [_parts(table, sheet, component) for component in (*plan.blocks, *plan.finer)]
    at = np.zeros(len(records), dtype=np.int32)  # the node that each record has come to
    found: list[tuple[str, ...]] = [()]
    for names, codes in parts[: len(plan.blocks)]:
        pairs = _refine(at, codes, len(names), len(found))
        found = [(*found[node], names[code]) for node, code in pairs]
    nodes: list[_Node | None] = [_first(known, plan, statistics) for known in found]
    ends: list[_Node] = []
    block = np.full(len(records), MISSING, dtype=np.int32)
    _settle(at, nodes, ends, block)
    for names, codes in parts[len(plan.blocks) :]:
        pairs = _refine(at, codes, len(names), len(nodes))
        nodes = [_finer(nodes[node], names[code], plan, statistics) for node, code in pairs]
        _settle(at, nodes, ends, block)
    return _keyed(block, ends, key)


def _keyed(block: Codes, ends: Sequence[_Node], key: PassKey) -> Division:
    """Tags and secrets of the blocks, which are numbered in the order of their tags."""
    depth = {node.label: node.depth for node in ends if node.label is not None}
    tag_key, secret_key = derive(key, Label.BLOCK_TAG), derive(key, Label.DIFFUSION)
    tagged = sorted((block_tag(tag_key, label), label) for label in depth)
    number = {label: place for place, (_, label) in enumerate(tagged)}
    numbers = np.array([*(number[node.label or b""] for node in ends), MISSING], dtype=np.int32)
    for start in range(0, len(block), _AT_ONCE):
        block[start : start + _AT_ONCE] = numbers[block[start : start + _AT_ONCE]]
    return Division(
        block=block,
        tags=np.frombuffer(b"".join(tag for tag, _ in tagged), dtype=np.uint8).reshape(-1, 16),
        secrets=[block_secret(secret_key, label) for _, label in tagged],
        depth=np.array([depth[label] for _, label in tagged], dtype=np.int64),
    )


def _settle(at: Codes, nodes: list[_Node | None], ends: list[_Node], block: Codes) -> None:
    """Gives their block to the records whose value needs no more splitting; only the others stay at their node."""
    first = len(ends)
    ends += [node for node in nodes if node is not None and node.label is not None]
    place = np.cumsum([node is not None and node.label is not None for node in nodes]) + first - 1
    stays = np.array([*(node is not None and node.label is None for node in nodes), False], dtype=bool)
    ended = np.array([node is not None and node.label is not None for node in nodes] + [False], dtype=bool)
    place = np.append(place, MISSING).astype(np.int32)
    for start in range(0, len(at), _AT_ONCE):
        some = at[start : start + _AT_ONCE]
        here = ended[some]
        block[start : start + _AT_ONCE][here] = place[some[here]]
        some[~stays[some]] = MISSING


def _refine(at: Codes, codes: _Coder, width: int, count: int) -> list[tuple[int, int]]:
    """Moves each record from its node to the pair of that and its code; returns the pairs that occur, in order."""
    if count * width <= _SMALL:
        present = np.zeros(count * width + 1, dtype=bool)
        for _, keys in _keys(at, codes, width):
            present[keys] = True
        distinct = np.flatnonzero(present[:-1])
        place = np.full(len(present), MISSING, dtype=np.int32)
        place[distinct] = np.arange(len(distinct))
        for start, keys in _keys(at, codes, width):
            at[start : start + len(keys)] = place[keys]
    else:
        distinct = np.unique(np.concatenate([np.unique(keys) for _, keys in _keys(at, codes, width)]))
        distinct = distinct[distinct >= 0]
        for start, keys in _keys(at, codes, width):
            at[start : start + len(keys)] = np.where(keys < 0, MISSING, np.searchsorted(distinct, keys))
    pairs = np.divmod(distinct, max(1, width))
    return list(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))


def _keys(at: Codes, codes: _Coder, width: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """For slices of the records, where they begin and the number of node and code together; -1 without either."""
    for start in range(0, len(at), _AT_ONCE):
        some = at[start : start + _AT_ONCE].astype(np.int64)
        other = codes(start, start + len(some))
        yield start, np.where((some == MISSING) | (other == MISSING), MISSING, some * width + other)


def in_form(records: Records, sheet: Sheet, form: str) -> Records:
    """The records with that second form of a name in the first one's place, where there is one, and the first in its."""
    first = sheet.attribute(form).second_form_of
    if first is None:
        return records
    forms = records.columns[form], records.columns[first]
    values = [*forms[0].values, *forms[1].values]
    shifted = np.where(forms[1].codes == MISSING, MISSING, forms[1].codes + len(forms[0].values))
    told = forms[0].codes != MISSING
    columns = {
        first: Column(values=values, codes=np.where(told, forms[0].codes, shifted).astype(np.int32)),
        form: Column(values=values, codes=np.where(told, shifted, MISSING).astype(np.int32)),
    }
    return replace(records, columns={**records.columns, **columns})


def block_label(values: Sequence[str | None], plan: PassPlan, statistics: Statistics) -> bytes | None:
    """The unambiguous name of the block of these component values (base then finer), or None for no block.

    Expected sizes come from the plan's population and public statistics; the four kinds of names cannot collide.
    """
    known = tuple(value for value in values[: len(plan.blocks)] if value is not None)
    node = _first(known, plan, statistics) if len(known) == len(plan.blocks) else None
    for value in values[len(plan.blocks) :]:
        if node is not None and node.label is None:
            node = None if value is None else _finer(node, value, plan, statistics)
    return node.label if node else None


def _first(known: tuple[str, ...], plan: PassPlan, statistics: Statistics) -> _Node:
    """Where the base values lead."""
    expected = plan.population * statistics.share(plan.blocks, known) // BILLION
    if plan.blocks and expected < plan.floor:
        return _Node(known, expected, frame(b"bucket", _bucket(known, plan.buckets)))
    enough = expected <= plan.target or not plan.finer
    return _Node(known, expected, frame(b"value", *known) if enough else None)


def _finer(node: _Node | None, value: str, plan: PassPlan, statistics: Statistics) -> _Node | None:
    """Where the value of one more component leads from a node that must be split."""
    if node is None:
        return None
    component, depth = plan.finer[node.depth], node.depth + 1
    expected = node.expected * statistics.share([component], [value]) // BILLION
    if expected < plan.floor:
        _, buckets = statistics.buckets([component], node.expected, plan.floor)
        return _Node(node.known, expected, frame(b"rest", *node.known, _bucket([value], buckets)), depth)
    known = (*node.known, value)
    enough = expected <= plan.target or depth == len(plan.finer)
    return _Node(known, expected, frame(b"split", *known) if enough else None, depth)


def _bucket(values: Sequence[str], buckets: int) -> bytes:
    digest = hashlib.sha256(frame(b"bucket", *values)).digest()
    return (int.from_bytes(digest, "big") % buckets).to_bytes(8, "big")


class _Coder:
    """The codes of one component, for slices of the records."""

    def __init__(self, of_value: NDArray[np.int32], codes: NDArray[np.int32]) -> None:
        self._of_value = np.append(of_value, np.int32(MISSING))  # the last entry answers for code MISSING = -1
        self._codes = codes

    def __call__(self, start: int, stop: int) -> NDArray[np.int32]:
        return self._of_value[self._codes[start:stop]]


def _parts(table: FeatureTable, sheet: Sheet, component: str) -> tuple[list[str], _Coder]:
    """Distinct values of a component, and one code a record."""
    name, _, part = component.partition(".")
    attribute, column = sheet.attribute(name), table.records.columns[name]
    letters = LETTERS.get(part)
    packed = table.packed(name) if letters else None
    if letters and packed is not None:
        found = heads(packed, given=attribute.kind == "given_names")[:, :letters]
        size = len(packed.alphabet)
        numbers = np.where((found < 0).any(axis=1), MISSING, found @ size ** np.arange(letters - 1, -1, -1))
        distinct, codes = np.unique(numbers, return_inverse=True)
        gone = int(len(distinct) > 0 and distinct[0] == MISSING)
        names = [packed.spelling(number, letters) for number in distinct[gone:].tolist()]
        return names, _Coder((codes.ravel() - gone).astype(np.int32), column.codes)
    index: dict[str, int] = {}
    values: Iterable[str] = column.values
    if attribute.kind == "date":  # its year tells nothing of its day, nor the other way: a few hundred of each
        values = (f"{value[:4]}0000" if part in YEAR else f"0000{value[4:]}" for value in values)
    told = cache(partial(block_part, attribute, part))
    parts = (told(value) for value in values)
    of_value = [MISSING if value is None else index.setdefault(value, len(index)) for value in parts]
    return list(index), _Coder(np.array(of_value, dtype=np.int32), column.codes)
