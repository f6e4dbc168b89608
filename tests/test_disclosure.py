"""What a recipient may learn, and above all what changes nothing in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage.linker import link_pass
from linkage.wire import SMALLEST_DELIVERY, EncodedPass, delivery_from_bytes
from service.third_party.disclosure import RecipientLinks, disclose
from tests.simulator import LENGTH, pass_plan, rows_for
from tests.test_agreement import AGREEMENT

PLAN = pass_plan("jour")
Pair = tuple[int, bool]


def ids_of(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 16), dtype=np.uint8)


def links_of(pairs: list[Pair]) -> RecipientLinks:
    return RecipientLinks(
        rows=np.array([row for row, _ in pairs], dtype=np.int64),
        strict=np.array([strict for _, strict in pairs], dtype=np.bool_),
    )


def slow_disclose(ids: NDArray[np.uint8], pairs: list[Pair], *, grey: bool) -> bytes:
    """Oracle: the delivery of design §4, written out with sets and byte strings."""
    certain = {ids[row].tobytes() for row, strict in pairs if strict}
    doubtful = {ids[row].tobytes() for row, strict in pairs if not strict} - certain if grey else set()
    body = b"AVD2" + len(certain).to_bytes(4, "big") + len(doubtful).to_bytes(4, "big") + bytes(4)
    body += b"".join(sorted(certain)) + b"".join(sorted(doubtful))
    size = 4096
    while size < len(body):
        size *= 2
    return body + b"\0" * (size - len(body))


pairs_of_forty = st.lists(st.tuples(st.integers(0, 39), st.booleans()), max_size=60)


@given(pairs=pairs_of_forty, grey=st.booleans())
def test_it_is_the_oracle_s(pairs, grey):
    """Same bytes, for any links: certain wins over grey, each id once."""
    assert slow_disclose(ids_of(40), pairs, grey=grey) == disclose(ids_of(40), links_of(pairs), grey=grey)


@given(pairs=pairs_of_forty, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_links_tells_nothing(pairs, seed):
    """Scores order the links; no order comes out."""
    shuffled = [pairs[place] for place in np.random.default_rng(seed).permutation(len(pairs))]
    assert disclose(ids_of(40), links_of(pairs), grey=True) == disclose(ids_of(40), links_of(shuffled), grey=True)


@given(pairs=pairs_of_forty)
def test_grey_links_are_not_there_when_the_policy_leaves_them_out(pairs):
    """Without the grey list, links below the strict threshold change nothing at all."""
    certain = [(row, strict) for row, strict in pairs if strict]
    assert disclose(ids_of(40), links_of(certain), grey=False) == disclose(ids_of(40), links_of(pairs), grey=False)


def random_rows(rng: np.random.Generator, tags: NDArray[np.uint8], count: int) -> EncodedPass:
    """Rows of a source that nobody resembles: fresh tags or tags of the other side, random filters."""
    own = rng.integers(0, 256, (count, 16), dtype=np.uint8)
    borrowed = tags[rng.integers(0, len(tags), count)]
    return EncodedPass(
        ids=rng.integers(0, 256, (count, 16), dtype=np.uint8),
        tags=np.where(rng.integers(0, 2, (count, 1), dtype=np.uint8) == 1, own, borrowed),
        filters=rng.integers(0, 2**64, (count, LENGTH // 64), dtype=np.uint64),
    )


def joined(one: EncodedPass, other: EncodedPass) -> EncodedPass:
    """Rows of both, sorted as a pass must be."""
    ids, tags = np.concatenate([one.ids, other.ids]), np.concatenate([one.tags, other.tags])
    filters = np.concatenate([one.filters, other.filters])
    order = sorted(range(len(ids)), key=lambda row: (tags[row].tobytes(), ids[row].tobytes()))
    return EncodedPass(ids=ids[order], tags=tags[order], filters=filters[order])


def delivered(recipient: EncodedPass, source: EncodedPass) -> bytes:
    """The plaintext that a recipient gets from these two sides."""
    links = link_pass(recipient, source, PLAN)
    return disclose(recipient.ids, RecipientLinks(rows=links.left_rows, strict=links.strict), grey=True)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 80), dropped=st.integers(0, 100))
def test_rows_of_the_source_that_are_linked_to_nothing_change_nothing(seed, count, dropped):
    """Adding any number of them, or removing those that are there, leaves every byte of the delivery."""
    recipient, source = (side.encoded for side in rows_for(3))
    expected = delivered(recipient, source)
    rng = np.random.default_rng(seed)
    assert expected == delivered(recipient, joined(source, random_rows(rng, recipient.tags, count)))
    linked = set(link_pass(recipient, source, PLAN).right_rows.tolist())
    kept = np.array([row for row in range(len(source)) if row in linked or rng.integers(0, 101) > dropped])
    fewer = EncodedPass(ids=source.ids[kept], tags=source.tags[kept], filters=source.filters[kept])
    assert expected == delivered(recipient, fewer)


@given(pairs=st.lists(st.tuples(st.integers(0, 39), st.booleans()), max_size=40, unique_by=lambda pair: pair[0]))
def test_payloads_are_those_of_certain_links_in_the_order_of_the_recipient_s_ids(pairs):
    """A doubtful link shows no payload; the order of links changes no byte."""
    ids = ids_of(40)
    sealed = np.random.default_rng(2).integers(0, 256, (40, 24), dtype=np.uint8)
    carried = np.array([sealed[row] for row, _ in pairs], dtype=np.uint8).reshape(-1, 24)
    plaintext = disclose(ids, links_of(pairs), grey=True, payloads=carried)
    found = delivery_from_bytes(plaintext)
    expected = {ids[row].tobytes(): sealed[row].tobytes() for row, strict in pairs if strict}
    assert expected == {one.tobytes(): two.tobytes() for one, two in zip(found.certain, found.payloads, strict=True)}
    assert plaintext == disclose(ids, links_of(pairs[::-1]), grey=True, payloads=carried[::-1])
    assert {ids[row].tobytes() for row, strict in pairs if not strict} == {one.tobytes() for one in found.grey}


@pytest.mark.parametrize(("certain", "size"), [(0, 4096), (46, 4096), (47, 8192), (92, 8192), (93, 16384)])
def test_sizes_with_payloads_are_classes_too(certain, size):
    """72 bytes a payload: what is sealed tells a magnitude only."""
    pairs = [(row, True) for row in range(certain)]
    carried = np.zeros((certain, 72), dtype=np.uint8)
    assert size == len(disclose(ids_of(300), links_of(pairs), grey=True, payloads=carried))


def test_the_source_s_ids_are_not_in_the_delivery():
    """Nor any part of a filter or a tag."""
    recipient, source = (side.encoded for side in rows_for(3))
    plaintext = delivered(recipient, source)
    for row in range(len(source)):
        assert source.ids[row].tobytes() not in plaintext
        assert source.tags[row].tobytes() not in plaintext
        assert source.filters[row, 0].tobytes() not in plaintext


@pytest.mark.parametrize("count", [0, 1, 100, 255])
def test_the_size_tells_a_magnitude_only(count):
    """No hit and 254 hits look the same from outside."""
    pairs = [(row, True) for row in range(count)]
    assert SMALLEST_DELIVERY == len(disclose(ids_of(300), links_of(pairs), grey=True))


@pytest.mark.parametrize(
    ("policy", "expected"), [("ecarter", False), ("information_seule", True), ("revue_humaine", True)]
)
def test_the_grey_list_is_the_agreement_s_choice(policy, expected):
    """Set aside, or told."""
    (output,) = AGREEMENT.outputs
    agreement = replace(AGREEMENT, outputs=(replace(output, grey_policy=policy),))
    assert expected == agreement.tells_grey(agreement.comparisons[0])


def test_a_rule_that_subtracts_always_needs_the_grey_list():
    """Whoever is not told of a doubtful link would award on it."""
    (output,) = AGREEMENT.outputs
    subtraction = replace(output, grey_policy="ecarter", requires=(), excludes=output.requires)
    agreement = replace(AGREEMENT, outputs=(subtraction,))
    assert agreement.tells_grey(agreement.comparisons[0])
    assert agreement.excludes(agreement.comparisons[0])
    assert not AGREEMENT.excludes(AGREEMENT.comparisons[0])
