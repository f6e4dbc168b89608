"""The two headers of a signed request: one form, read the same as by a library that knows the whole standard."""

from __future__ import annotations

import contextlib

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.third_party.signature_input import SignedHead, Unreadable, read_signed_head

URL = "http://testserver/v1/runs?x=1"
INNER = '("@method" "@target-uri");created=1;expires=2;nonce="n";keyid="caf";tag="t"'
PROOF = "A" * 86 + "=="


def head(inner: str = INNER, *more: tuple[str, str], proof: str = f"a=:{PROOF}:", label: str = "a") -> SignedHead:
    return read_signed_head("GET", URL, [("signature-input", f"{label}={inner}"), ("signature", proof), *more])


def test_what_is_signed_is_rebuilt_from_what_was_received():
    """Line by line, as RFC 9421 §2.5 says."""
    one = head()
    expected = f'"@method": GET\n"@target-uri": {URL}\n"@signature-params": {INNER}'
    assert expected.encode() == one.base
    assert ("caf", "t", "n", 1, 2, bytes(64)) == (
        one.key_id,
        one.tag,
        one.nonce,
        one.created,
        one.expires,
        one.signature,
    )


def test_header_fields_and_the_authority_may_be_covered():
    """In any order; parameters too; an algorithm only if it is the one."""
    inner = '("date" "@authority" "@method");tag="t";alg="ed25519";keyid="caf";nonce="n";expires=2;created=1'
    assert {"date": "now", "@authority": "testserver", "@method": "GET"} == dict(head(inner, ("date", "now")).covered)


@pytest.mark.parametrize(
    "inner",
    [
        "", "()", "(@method)", '("@method" "@method")' + INNER[INNER.index(";"):],
        INNER.replace('"@method"', '"@method";req'), INNER.replace('"@method"', '"@query"'),
        INNER.replace('"@method"', '"x-absent"'),
        INNER.replace(";created=1", ""), INNER + ";created=1", INNER.replace("created=1", 'created="1"'),
        INNER.replace("created=1", "created=-1"), INNER + ';alg="rsa"', INNER + ';other="x"', INNER + ", b=" + INNER,
        INNER.replace("nonce", "Nonce"), INNER.replace('keyid="caf"', "keyid=caf"),
        INNER.replace("created=1", "created=" + "9" * 16),
    ],
)  # fmt: skip
def test_every_other_form_is_refused(inner):
    """Nobody writes them, so nobody needs them."""
    with pytest.raises(Unreadable):
        head(inner)


@pytest.mark.parametrize(
    "proof", ["", "a=::", f"b=:{PROOF}:", f"a=:{PROOF}", f"a=:{PROOF}:, a=:{PROOF}:", "a=:" + "A" * 88 + ":"]
)
def test_every_other_signature_is_refused(proof):
    """One, under the same label, of 64 bytes."""
    with pytest.raises(Unreadable):
        head(proof=proof)


def test_a_field_that_is_there_twice_covers_nothing():
    """Which of the two was meant?"""
    inner = INNER.replace('"@method"', '"date"')
    for more in (("signature-input", "a=()"), ("signature", "a=::"), ("date", "1")):
        with pytest.raises(Unreadable):
            head(inner, ("date", "0"), more)


def test_an_address_that_is_none_has_no_authority():
    """A Host header may hold anything."""
    fields = [("signature-input", "a=" + INNER.replace("@target-uri", "@authority")), ("signature", f"a=:{PROOF}:")]
    with pytest.raises(Unreadable):
        read_signed_head("GET", "http://[/v1/runs", fields)


@given(st.text(max_size=200), st.text(max_size=120))
def test_nothing_else_happens_whatever_comes(written, proof):
    """Read or refused."""
    with contextlib.suppress(Unreadable):
        read_signed_head("GET", URL, [("signature-input", written), ("signature", proof)])


def test_a_library_signs_what_is_read_here():
    """The other reading of the standard, by which the client signs."""
    from crypto.keys import Identity
    from crypto.signatures import check_verify_key
    from service.administration.client import Client
    from tests.test_client import NOW

    me, seen = Identity.generate("caf", "CAF"), []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(201, json={"data": {"run": "ab" * 16}})

    with Client(
        "https://x", me, clock=lambda: NOW, sleep=lambda _: None, transport=httpx2.MockTransport(answer)
    ) as one:
        one.open_run("cd" * 32)
    (request,) = seen
    fields = [(name.lower(), value) for name, value in request.headers.items()]
    read = read_signed_head(request.method, str(request.url), fields)
    check_verify_key(me.public.signing_key).verify(read.signature, read.base)
    assert {"@method", "@target-uri", "content-digest", "idempotency-key"} == set(read.covered)
