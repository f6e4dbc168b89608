"""Records divided into blocks: the block value of each record in one pass, and what is derived from it under the pass key.

The plan decides, never the data: a value expected to exceed the target takes finer components along, one after the other,
until it no longer does; one expected to be rarer than the floor shares a hashed bucket; any other is a block of its own.
What a heavy value is split into is pooled the same way, within that value. A record whose block value is missing falls out
of the pass; the other passes are there for it. How many finer components make a block is its depth: the filters of the
block lack those and the base components, not the finer ones that other blocks need (`PassPlan.left_out`).

Label of a block, framed: `value` with the base values, `split` with those and the finer values down to its depth, `bucket`
with the number of the bucket in 8 bytes, `rest` with all but the last of the values and that number. Number: SHA-256 of the
framed word `bucket` and the pooled values (the base ones, or the last one of `rest`), big-endian, modulo the number of
buckets. In a twin, `part` with the label of the pass and the number of the attribute's value among so many parts, drawn in the
same way with the name of the pass before the value. Tag, secret and complement are keyed hashes of the label under three keys
derived from the pass key.
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
from linkage.bits import NO_LETTER
from linkage.compiled import compiled
from linkage.cut import LETTERS
from linkage.feature_table import FeatureTable
from linkage.features import YEAR, block_part
from linkage.plan import PassPlan
from linkage.records import AT_ONCE, MISSING, Column, Records
from linkage.sheet import Sheet
from linkage.statistics import BILLION, Statistics

__all__ = ["Division", "divide", "in_form"]

_SMALL = 1 << 23  # pairs of codes that are looked up in a table, rather than sorted

Codes = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Division:
    """The blocks of one pass.

    Attributes:
        block: (n,) int32, block of each record; `MISSING` when it falls out of the pass.
        tags: (b, 16) uint8, keyed tag of each block, sorted.
        secrets: the diffusion secret of each block.
        complements: what the word comes from that says which bits of its diffused filters are complemented.
        depth: (b,) int64, finer components that make each block.
    """

    block: Codes
    tags: NDArray[np.uint8]
    secrets: list[bytes]
    complements: list[bytes]
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
    at = np.zeros(len(records), dtype=np.int32)  # the node that each record has come to; below MISSING, its end
    found: list[tuple[str, ...]] = [()]
    for names, codes in parts[: len(plan.blocks)]:
        pairs = _refine(at, codes, len(names), len(found))
        found = [(*found[node], names[code]) for node, code in pairs]
    nodes: list[_Node | None] = [_first(known, plan, statistics) for known in found]
    ends: list[_Node] = []
    _settle(at, nodes, ends)
    for names, codes in parts[len(plan.blocks) :]:
        pairs = _refine(at, codes, len(names), len(nodes))
        nodes = [_finer(nodes[node], names[code], plan, statistics) for node, code in pairs]
        _settle(at, nodes, ends)
    if sheet.twins:
        ends = _parted(at, ends, records.columns[sheet.twins], plan)
    return _keyed(at, ends, key)


def _parted(at: Codes, ends: list[_Node], column: Column, plan: PassPlan) -> list[_Node]:
    """The blocks divided by the part of an attribute's value, in a twin; records without it leave the pass, and its twin.

    Each pass has parts of its own: values that share one in a pass are told apart in another.
    """
    parts = max(1, plan.parts)
    buckets = [int.from_bytes(_bucket([plan.twin, value], parts), "big") for value in column.values]
    codes = _Coder(np.array(buckets, dtype=np.int32), column)
    _turn(at)
    pairs = _refine(at, codes, parts, len(ends))
    _turn(at)
    if not plan.twin:
        return [ends[node] for node, _ in pairs]
    return [
        replace(ends[node], label=frame(b"part", ends[node].label or b"", part.to_bytes(8, "big")))
        for node, part in pairs
    ]


def _keyed(at: Codes, ends: Sequence[_Node], key: PassKey) -> Division:
    """Tags and secrets of the blocks, which are numbered in the order of their tags; `at` becomes the block of each record."""
    depth = {node.label: node.depth for node in ends if node.label is not None}
    tag_key, secret_key = derive(key, Label.BLOCK_TAG), derive(key, Label.DIFFUSION)
    complement_key = derive(key, Label.COMPLEMENT)
    tagged = sorted((block_tag(tag_key, label), label) for label in depth)
    number = {label: place for place, (_, label) in enumerate(tagged)}
    _number(at, np.array([number[node.label or b""] for node in ends], dtype=np.int32))
    return Division(
        block=at,
        tags=np.frombuffer(b"".join(tag for tag, _ in tagged), dtype=np.uint8).reshape(-1, 16),
        secrets=[block_secret(secret_key, label) for _, label in tagged],
        complements=[block_secret(complement_key, label) for _, label in tagged],
        depth=np.array([depth[label] for _, label in tagged], dtype=np.int64),
    )


def _settle(at: Codes, nodes: list[_Node | None], ends: list[_Node]) -> None:
    """Ends the way of the records whose value needs no more splitting; only the others stay at their node."""
    towards = np.full(len(nodes) + 1, MISSING, dtype=np.int32)
    for place, node in enumerate(nodes):
        if node is not None and node.label is None:
            towards[place] = place
        elif node is not None:
            towards[place] = MISSING - 1 - len(ends)
            ends.append(node)
    _go(at, towards)


def _refine(at: Codes, codes: _Coder, width: int, count: int) -> list[tuple[int, int]]:
    """Moves each record from its node to the pair of that and its code; returns the pairs that occur, in order."""
    small = count * width <= _SMALL
    present = np.zeros(count * width if small else 0, dtype=bool)
    several: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    for some, column in codes.parts(at):
        if small:
            _mark(some, column, codes.of_value, width, present)
        else:
            several.append(np.unique(_pairs(some, column, codes.of_value, width)))
    distinct = np.flatnonzero(present) if small else np.unique(np.concatenate(several))
    distinct = distinct[distinct >= 0]
    place = np.empty(len(present), dtype=np.int32)
    place[distinct if small else slice(0)] = np.arange(len(distinct) if small else 0)
    for some, column in codes.parts(at):
        if small:
            _enter(some, column, codes.of_value, width, place)
        else:
            pairs = _pairs(some, column, codes.of_value, width)
            moved = np.where(pairs < 0, MISSING, np.searchsorted(distinct, pairs)).astype(np.int32)
            some[some >= MISSING] = moved[some >= MISSING]
    found = np.divmod(distinct, max(1, width))
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


@compiled
def _mark(at: Codes, codes: Codes, of_value: Codes, width: int, present: NDArray[np.bool_]) -> None:  # pragma: no cover
    for record in range(len(at)):
        code = of_value[codes[record]]  # the last answers for code MISSING = -1
        if at[record] >= 0 and code >= 0:
            present[at[record] * width + code] = True


@compiled
def _enter(at: Codes, codes: Codes, of_value: Codes, width: int, place: Codes) -> None:  # pragma: no cover
    for record in range(len(at)):
        if at[record] >= 0:
            code = of_value[codes[record]]
            at[record] = place[at[record] * width + code] if code >= 0 else MISSING


@compiled
def _pairs(at: Codes, codes: Codes, of_value: Codes, width: int) -> NDArray[np.int64]:  # pragma: no cover
    """The number of node and code together; -1 without either."""
    found = np.full(len(at), MISSING, dtype=np.int64)
    for record in range(len(at)):
        code = of_value[codes[record]]
        if at[record] >= 0 and code >= 0:
            found[record] = np.int64(at[record]) * width + code
    return found


@compiled
def _go(at: Codes, towards: Codes) -> None:  # pragma: no cover - compiled
    for record in range(len(at)):
        if at[record] >= 0:
            at[record] = towards[at[record]]


def _turn(at: Codes) -> None:
    """Numbers of nodes become those of ends, and the other way."""
    np.subtract(MISSING - 1, at, out=at, where=at != MISSING)


@compiled
def _number(at: Codes, numbers: Codes) -> None:  # pragma: no cover - compiled
    for record in range(len(at)):
        at[record] = numbers[MISSING - 1 - at[record]] if at[record] < MISSING else MISSING


def in_form(records: Records, sheet: Sheet, form: str) -> Records:
    """The records with that second form of a name in the first one's place, where there is one, and the first in its."""
    first = sheet.attribute(form).second_form_of
    if first is None:
        return records
    forms = records.columns[form], records.columns[first]
    values = [*forms[0].values, *forms[1].values]
    columns = {
        first: Column(values=values, codes=_InForm(*forms, told=True)),
        form: Column(values=values, codes=_InForm(*forms, told=False)),
    }
    return replace(records, columns={**records.columns, **columns})


class _InForm:
    """Codes of two forms of a name exchanged where there is a second: the form itself, or the first where it was told."""

    def __init__(self, form: Column, first: Column, *, told: bool) -> None:
        self._form, self._first, self._told = form, first, told

    def __len__(self) -> int:
        return len(self._form)

    def part(self, start: int, stop: int) -> Codes:
        """The codes of these rows."""
        form, first = self._form.part(start, stop), self._first.part(start, stop)
        shifted = np.where(first == MISSING, MISSING, first + len(self._form.values)).astype(np.int32)
        if self._told:
            return np.where(form == MISSING, shifted, form)
        return np.where(form == MISSING, np.int32(MISSING), shifted)


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
    """The codes of one component: those of a column, and what each stands for, with `MISSING` at the end for none."""

    def __init__(self, of_value: NDArray[np.int32], column: Column) -> None:
        self.of_value = np.append(of_value, np.int32(MISSING))
        self._column = column

    def parts(self, at: Codes) -> Iterator[tuple[Codes, Codes]]:
        """The entries of some records in an array of all, and their codes in the column."""
        for start in range(0, len(at), AT_ONCE):
            some = at[start : start + AT_ONCE]
            yield some, self._column.part(start, start + len(some))


def _parts(table: FeatureTable, sheet: Sheet, component: str) -> tuple[list[str], _Coder]:
    """Distinct values of a component, and one code a record."""
    name, _, part = component.partition(".")
    attribute, column = sheet.attribute(name), table.records.columns[name]
    letters = LETTERS.get(part)
    packed = table.packed(name) if letters else None
    if letters and packed is not None:
        given = attribute.kind == "given_names"
        found = table.heads(name, packed, given=given, strip=given)[:, :letters]
        size = len(packed.alphabet)
        numbers = np.where((found == NO_LETTER).any(axis=1), MISSING, found @ size ** np.arange(letters - 1, -1, -1))
        distinct, codes = np.unique(numbers, return_inverse=True)
        gone = int(len(distinct) > 0 and distinct[0] == MISSING)
        names = [packed.spelling(number, letters) for number in distinct[gone:].tolist()]
        return names, _Coder((codes.ravel() - gone).astype(np.int32), column)
    index: dict[str, int] = {}
    values: Iterable[str] = column.values
    if attribute.kind == "date":  # its year tells nothing of its day, nor the other way: a few hundred of each
        values = (f"{value[:4]}0000" if part in YEAR else f"0000{value[4:]}" for value in values)
    told = cache(partial(block_part, attribute, part))
    parts = (told(value) for value in values)
    of_value = [MISSING if value is None else index.setdefault(value, len(index)) for value in parts]
    return list(index), _Coder(np.array(of_value, dtype=np.int32), column)
