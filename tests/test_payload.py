"""Payloads: one size, sealed for one pass, opened by whoever holds its key and by nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import RunKey
from linkage.wire import payload_width
from service.administration.payload import PayloadSeal, payload_key, payload_seal, read_payload, written
from service.errors import ServiceError

KEY = RunKey(bytes(range(32)))
ABOUT = ("a" * 64, "b" * 32, "caf.cnous", "jour")


def seal_for(*about: str, key: RunKey = KEY, size: int = 40) -> PayloadSeal:
    agreement, run, comparison, name = about or ABOUT
    return payload_seal(payload_key(key, name), agreement, run, comparison, name, size)


@given(st.binary(max_size=40))
def test_what_is_sealed_is_opened_and_has_one_size(text):
    """An empty payload and a full one look the same from outside."""
    seal = seal_for()
    sealed = seal.sealed(text)
    assert payload_width(40) == len(sealed)
    assert text == seal.opened(sealed)


def test_nothing_joins_two_payloads_of_one_record():
    """Sealed twice, in one pass or in two, no part of it is the same; each pass has its own key."""
    first, second = (seal_for().sealed(b"2027-01-01") for _ in range(2))
    other = seal_for(*ABOUT[:3], "noms").sealed(b"2027-01-01")
    for one, two in ((first, second), (first, other)):
        assert not {one[at : at + 8] for at in range(len(one) - 7)} & {two[at : at + 8] for at in range(len(two) - 7)}
    assert payload_key(KEY, "jour") != payload_key(KEY, "noms")


@pytest.mark.parametrize("place", range(4))
def test_a_payload_opens_in_its_pass_only(place):
    """Neither in another agreement, run, comparison nor pass, nor under another key."""
    changed = ("c" * 64, "d" * 32, "caf.msa", "noms")
    about = tuple(changed[at] if at == place else one for at, one in enumerate(ABOUT))
    sealed = seal_for().sealed(b"2027-01-01")
    assert None is seal_for(*about).opened(sealed)
    assert None is seal_for(key=RunKey(bytes(32))).opened(sealed)
    assert None is seal_for().opened(sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_rows_are_sealed_by_their_records_and_added_people_carry_nothing():
    """A control or a canary has a payload like any other, and nothing in it."""
    seal = seal_for()
    rows = seal.rows([b"zero", b"one"])(np.array([1, 2, 0, 7]))
    assert (4, payload_width(40)) == rows.shape
    assert [b"one", b"", b"zero", b""] == [seal.opened(row.tobytes()) for row in rows]
    assert (0, payload_width(40)) == seal.rows([b"zero"])(np.array([], dtype=np.int64)).shape


@given(st.lists(st.tuples(st.text('aé"\\ ', max_size=4), st.text("xyz", max_size=4)), max_size=5))
def test_values_are_written_and_read_back(people):
    """Texts of the whitelisted columns, in their order."""
    columns = [[one[place] for one in people] for place in range(2)]
    texts = written(columns, 40)
    assert people == [read_payload(text, 2) for text in texts]


def test_values_that_do_not_fit_are_refused_without_being_shown():
    """Which person, never what."""
    with pytest.raises(ServiceError) as caught:
        written([["court", "une valeur bien trop longue"]], 12)
    assert "E_CHARGE_TROP_LONGUE" == caught.value.code
    assert "n° 2" in caught.value.message
    assert "valeur bien" not in caught.value.message


@pytest.mark.parametrize("text", [b"", b"[]", b'["a"]', b'["a",1]', b'{"a":"b"}', b"[1,2]", b'["a", "b"]', b"\xff"])
def test_another_content_is_no_payload(text):
    """What no partner's tool seals is not read."""
    assert None is read_payload(text, 2)
