"""The joiner: what it makes of jetons and links is the rule and nothing else, and what it sees is jetons and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage.formula import formula_of
from linkage.linker import link_pass
from linkage.rules import parse_rule
from linkage.wire import Delivered, EncodedPass, delivery_from_bytes, delivery_to_bytes
from service.administration.joiner import Column, Joining, Told, joined, parts_of, table_of
from service.errors import ServiceError
from service.third_party.disclosure import RecipientLinks, disclose
from tests.simulator import pass_plan, rows_for
from tests.test_disclosure import joined as both
from tests.test_disclosure import random_rows

RULE = "a & b - c"
COLUMNS = tuple(
    Column(comparison=name, pass_name=step, width=0) for name in ("a.b1", "a.b2", "a.c") for step in ("jour", "noms")
)


def told_as(expression: str, links: dict[str, list[str]]) -> Told:
    formula = formula_of(parse_rule(expression), "a", links)
    requires = tuple(sorted(formula.requires))
    return Told(name=expression, formula=formula, grey_policy="information_seule", requires=requires)


HELD = {"b": ["a.b1", "a.b2"], "c": ["a.c"]}
JOINING = Joining(outputs=(told_as(RULE, HELD),), columns=COLUMNS, most=1000)
NONE, GREY, CERTAIN = 0, 1, 2
records = st.lists(st.tuples(*[st.integers(NONE, CERTAIN)] * len(COLUMNS)), max_size=25)


def ids_of(seed: int, count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8)


def table_for(count: int, columns: int = len(COLUMNS)) -> NDArray[np.uint8]:
    return (
        np.stack([ids_of(seed, count) for seed in range(1 + columns)], axis=1)
        if count
        else ids_of(0, 0)[:, None][:, [0] * (1 + columns)]
    )


def told_of(links: Sequence[Sequence[int]], table: NDArray[np.uint8]) -> list[Delivered]:
    """What the third party delivers of each column for these links."""
    found = []
    for place in range(table.shape[1] - 1):
        lists = [
            table[[row for row, one in enumerate(links) if one[place] == level], 1 + place] for level in (CERTAIN, GREY)
        ]
        found.append(delivery_from_bytes(delivery_to_bytes(*lists)))
    return found


def slow_rule(one: Sequence[int], *, grey: bool = True) -> int:
    """Oracle of `a & b - c` for one record: the best link to b over holders and passes, no link to c."""
    b, c = max(one[:4]), max(one[4:])
    if b == CERTAIN and c == NONE:
        return CERTAIN
    possible = (b >= (GREY if grey else CERTAIN)) and (c < CERTAIN if grey else c == NONE)
    return GREY if possible else NONE


@given(links=records, policy=st.sampled_from(["information_seule", "ecarter"]), cut=st.integers(0, 25))
def test_the_recipient_learns_the_jetons_that_satisfy_the_rule_and_nothing_else(links, policy, cut):
    """The bytes are a function of the two sets of jetons alone: two runs with the same hits cannot be told apart."""
    table = table_for(len(links))
    outcomes = [slow_rule(one, grey=policy != "ecarter") for one in links]
    expected = delivery_to_bytes(
        *(table[[row for row, one in enumerate(outcomes) if one == level], 0] for level in (CERTAIN, GREY))
    )
    pieces = [table[:cut], table[cut:]]
    joining = replace(JOINING, outputs=(replace(JOINING.outputs[0], grey_policy=policy),))
    assert [expected] == parts_of(joined(pieces, told_of(links, table), joining), 1)


@given(links=records)
def test_each_output_is_told_apart(links):
    """Two rules over the same links are two lists of jetons, in the order of the agreement, each for itself."""
    table = table_for(len(links))
    both_told = (told_as("a & b - c", HELD), told_as("a - b", HELD))
    parts = parts_of(joined([table], told_of(links, table), replace(JOINING, outputs=both_told)), 2)
    for part, one in zip(parts, both_told, strict=True):
        assert [part] == parts_of(joined([table], told_of(links, table), replace(JOINING, outputs=(one,))), 1)
    alone = delivery_from_bytes(parts[1])
    expected = {bytes(table[row, 0]) for row, one in enumerate(links) if max(one[:4]) == NONE}
    assert expected == {bytes(one) for one in alone.certain}


def test_parts_that_are_not_whole_are_refused():
    """Neither fewer nor more than the outputs, nor bytes beyond them."""
    data = joined([table_for(2)], told_of([[NONE] * 6] * 2, table_for(2)), JOINING)
    for wrong, count in ((data, 0), (data, 2), (data[:-1], 1), (data + b"x", 1), (data + b"\0" * 8, 1), (b"", 1)):
        with pytest.raises(ServiceError, match="E_LIVRAISON"):
            parts_of(wrong, count)


@given(links=records, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_table_changes_nothing(links, seed):
    """Nor how it was cut."""
    table = table_for(len(links))
    mixed = table[np.random.default_rng(seed).permutation(len(links))]
    told = told_of(links, table)
    assert joined([table], told, JOINING) == joined([mixed[:3], mixed[3:]], told, JOINING)


PLAN = pass_plan("jour")
NARROW = tuple(Column(comparison=f"a.{name}", pass_name="jour", width=width) for name, width in
               (("b", 72), ("c", 0)))  # fmt: skip
PAIRED = Joining(outputs=(told_as(RULE, {"b": ["a.b"], "c": ["a.c"]}),), columns=NARROW, most=1000)


def disclosed(recipient: EncodedPass, source: EncodedPass, width: int) -> Delivered:
    """A delivery of this pass, each row of the source carrying its own payload."""
    links = link_pass(recipient, source, PLAN)
    sealed = {row.tobytes(): np.resize(row, width) for row in source.ids}
    payloads = np.array([sealed[source.ids[row].tobytes()] for row in links.right_rows], dtype=np.uint8)
    mine = RecipientLinks(rows=links.left_rows, strict=links.strict)
    told = payloads.reshape(-1, width) if width else None
    return delivery_from_bytes(disclose(recipient.ids, mine, grey=True, payloads=told))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60), which=st.integers(0, 1))
def test_rows_that_are_linked_to_nothing_change_nothing_of_the_hits_nor_of_their_payloads(seed, count, which):
    """Non-interference through the third party and the joiner: hits, grey ones and payloads, byte for byte."""
    sides = [rows_for(3 + place) for place in range(2)]
    recipients = [recipient.encoded for recipient, _ in sides]
    table = np.stack([ids_of(9, len(recipients[0])), *(one.ids for one in recipients)], axis=1)

    def result(sources: list[EncodedPass]) -> bytes:
        told = [
            disclosed(recipient, source, column.width)
            for recipient, source, column in zip(recipients, sources, NARROW, strict=True)
        ]
        return joined([table], told, PAIRED)

    sources = [source.encoded for _, source in sides]
    expected = result(sources)
    rng = np.random.default_rng(seed)
    more = list(sources)
    more[which] = both(sources[which], random_rows(rng, recipients[which].tags, count))
    assert expected == result(more)
    found = delivery_from_bytes(*parts_of(expected, 1))
    assert (7, 4) == (len(found.certain), len(found.grey))  # of 15 links of b, those whom c leaves


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_joiner_sees_jetons_and_links_only(seed):
    """Other filters, tags and source ids that give the same links give it the same bytes; nothing of them is there."""
    recipient, source = (side.encoded for side in rows_for(3))
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, 2**64, recipient.filters.shape[1], dtype=np.uint64)  # distances stay, filters do not
    others = [replace(one, filters=one.filters ^ mask) for one in (recipient, source)]
    tag = rng.integers(0, 256, 16, dtype=np.uint8)
    same_block = [by_id(replace(one, tags=np.broadcast_to(tag, one.tags.shape).copy())) for one in others]
    renamed = by_id(replace(same_block[1], ids=rng.integers(0, 256, source.ids.shape, dtype=np.uint8)))
    one, other = disclosed(recipient, source, 0), disclosed(same_block[0], renamed, 0)
    assert [part.tobytes() for part in one] == [part.tobytes() for part in other]
    seen = b"".join(part.tobytes() for part in one)
    for row in range(len(source)):
        assert source.ids[row].tobytes() not in seen
        assert source.tags[row].tobytes() not in seen
        assert recipient.filters[row, 0].tobytes() not in seen


def by_id(one: EncodedPass) -> EncodedPass:
    """The rows of one block, in the order that a pass must have."""
    order = sorted(range(len(one)), key=lambda row: (one.tags[row].tobytes(), one.ids[row].tobytes()))
    return EncodedPass(ids=one.ids[order], tags=one.tags[order], filters=one.filters[order])


def test_payloads_come_from_the_first_certain_pass_and_are_all_of_one_shape():
    """A holder with whom a hit is not linked fills its place with random bytes of the same size."""
    columns = tuple(replace(one, width=16 if one.comparison != "a.c" else 0) for one in COLUMNS)
    table = table_for(3)
    links = [(CERTAIN, CERTAIN, NONE, NONE, NONE, NONE), (NONE, CERTAIN, GREY, NONE, NONE, NONE), (GREY, *[NONE] * 5)]
    told = []
    for place, one in enumerate(told_of(links, table)):
        sealed = np.stack([np.full(16, place, dtype=np.uint8)] * len(one.certain)) if len(one.certain) else ids_of(0, 0)
        told.append(one._replace(payloads=sealed if columns[place].width else one.payloads))
    found = delivery_from_bytes(*parts_of(joined([table], told, replace(JOINING, columns=columns)), 1))
    by_jeton = {jeton.tobytes(): sealed for jeton, sealed in zip(found.certain, found.payloads, strict=True)}
    assert {table[row, 0].tobytes() for row in (0, 1)} == set(by_jeton)
    first, second = (by_jeton[table[row, 0].tobytes()] for row in (0, 1))
    assert ([0] * 16, [1] * 16) == (first[:16].tolist(), second[:16].tolist())
    assert 32 == len(first) == len(second)
    assert len(set(first[16:].tolist())) > 2
    assert 1 == len(found.grey)


@pytest.mark.parametrize(("alike", "first"), [(None, 0), (False, 1), (True, 0)])
def test_a_payload_is_not_that_of_a_link_whose_twin_says_otherwise(alike, first):
    """The first pass tells of somebody with the same value, the second of somebody with another one; twins tell nothing."""
    names = [("jour", ""), ("noms", ""), ("jour-jumelle", "jour"), ("noms-jumelle", "noms")]
    columns = tuple(Column(comparison="a.b", pass_name=name, width=16, twin=twin) for name, twin in names)
    output = told_as("a & b", {"b": ["a.b"]})
    joining = Joining(outputs=(output,), columns=columns, most=1000, alike={"a.b": alike})
    table = table_for(1, len(columns))
    told = [
        one._replace(payloads=np.full((len(one.certain), 16), place, dtype=np.uint8))
        for place, one in enumerate(told_of([(CERTAIN, CERTAIN, CERTAIN, NONE)], table))
    ]
    (sealed,) = delivery_from_bytes(*parts_of(joined([table], told, joining), 1)).payloads
    assert [first] * 16 == sealed.tolist()


def faults() -> dict[str, tuple[Any, Any, str]]:
    table, links = table_for(4), [[NONE] * 6 for _ in range(4)]
    told = told_of(links, table)
    twice = table.copy()
    twice[1, 0] = twice[0, 0]
    row = table.copy()
    row[1, 1] = row[0, 1]
    linked = told_of([[CERTAIN] + [NONE] * 5, *links[1:]], table)
    other = table_for(5)[4:]
    other[0, 1] = table[0, 1]
    both = told_of([[CERTAIN] + [NONE] * 5, [CERTAIN] + [NONE] * 5, *links[2:]], table)
    foreign = [Delivered(ids_of(77, 1), ids_of(0, 0), np.empty((1, 0), dtype=np.uint8)), *told[1:]]
    repeated = [Delivered(table[:1, 1], table[:1, 1], np.empty((1, 0), dtype=np.uint8)), *told[1:]]
    loaded = [Delivered(table[:1, 1], ids_of(0, 0), np.zeros((1, 8), dtype=np.uint8)), *told[1:]]
    many = np.concatenate([table] * 251)
    many[:, 0] = ids_of(5, len(many))
    return {
        "a jeton twice": ([twice], told, "E_RELAIS"),
        "a jeton twice in two pieces": ([table, table[:1]], told, "E_RELAIS"),
        "too many records": ([many], told, "E_RELAIS"),
        "a linked row twice": ([row], linked, "E_LIVRAISON"),
        "a linked row twice, and another one left out": ([row], both, "E_LIVRAISON"),
        "a linked row in two pieces": ([table, other], linked, "E_LIVRAISON"),
        "a link of a row that is not there": ([table], foreign, "E_LIVRAISON"),
        "a row in both lists": ([table], repeated, "E_LIVRAISON"),
        "a payload that was not agreed": ([table], loaded, "E_LIVRAISON"),
    }


@pytest.mark.parametrize("name", faults())
def test_anything_else_is_refused(name):
    """A recipient that cheats with its table, or a third party with its links, gets no answer."""
    pieces, told, code = faults()[name]
    with pytest.raises(ServiceError) as caught:
        joined(pieces, told, JOINING)
    assert code == caught.value.code


def test_a_table_is_whole_records():
    """Bytes that are no number of records are refused."""
    assert (2, 3, 16) == table_of(bytes(96), 2).shape
    with pytest.raises(ServiceError, match="E_RELAIS"):
        table_of(bytes(95), 2)
