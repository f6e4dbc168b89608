"""Signatures of requests: what is accepted, to the second, and that everything else gets the same answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest

from crypto.framing import to_base64
from crypto.keys import Identity
from service.errors import ServiceError
from service.third_party.authentication import (
    MAX_HEADER_BYTES,
    Caller,
    Doorkeeper,
    Request,
    authenticate,
    check_body,
    check_headers,
)
from service.third_party.readings import Readings
from service.third_party.store import add_party
from tests.simulator import Administration, HandClock, Simulation, simulation

Change = Callable[[httpx2.Request], None]


@pytest.fixture(scope="module")
def sim(tmp_path_factory, module_database_url):
    """One third party for all: nothing here changes but its nonces."""
    with simulation(tmp_path_factory.mktemp("site") / "data", module_database_url) as one:
        yield one


def as_received(request: httpx2.Request) -> Request:
    """The request as the server's side sees it."""
    body = bool(request.content)
    fields = tuple((name.lower(), value) for name, value in request.headers.items())
    return Request(method=request.method, url=str(request.url), fields=fields, announces_body=body)


def accepted(sim: Simulation, request: httpx2.Request) -> bool:
    """Whether a request is accepted; a refusal is always the same."""
    try:
        return authenticate(sim.site, as_received(request)).party == "caf"
    except ServiceError as error:
        return (error.code, error.status, error.source) != ("E_REQUETE_NON_SIGNEE", 401, {})


def test_a_signed_request_is_accepted_once(sim):
    """The same bytes again are refused: the nonce is spent, also for a process that starts later."""
    request = sim.caf.request("GET", "/runs")
    assert [True, False] == [accepted(sim, request), accepted(sim, request)]


def test_a_spent_nonce_stays_spent_as_long_as_it_could_be_accepted(sim):
    """Through the whole window, and after a clock that went back."""
    request = sim.caf.request("GET", "/runs")
    assert accepted(sim, request)
    for seconds in (1, 299, 60, -200):
        sim.clock.advance(seconds=seconds)
        assert not accepted(sim, request)
    sim.clock.advance(seconds=-160)


@pytest.mark.parametrize(
    ("created", "expires", "expected"),
    [
        (0, 300, True),
        (0, 301, False),
        (0, 0, False),
        (10, 5, False),
        (60, 360, True),
        (61, 300, False),
        (-360, -60, True),
        (-361, -61, False),
        (-100, -50, True),
    ],
)
def test_the_window_is_exact_to_the_second(sim, created, expires, expected):
    """At most 300 s of validity, 60 s of tolerance on each side."""
    now = sim.clock()
    times = {"created": now + timedelta(seconds=created), "expires": now + timedelta(seconds=expires)}
    assert expected == accepted(sim, sim.caf.request("GET", "/runs", **times))


@pytest.mark.parametrize(
    "change",
    [
        {"expires": None},
        {"nonce": None},
        {"nonce": "short"},
        {"nonce": "x" * 129},
        {"tag": None},
        {"tag": "other"},
        {"key_id": "unknown"},
        {"key_id": "cnous"},
        {"covered_component_ids": ("@method",)},
        {"covered_component_ids": ("@target-uri",)},
        {"covered_component_ids": ("@method", "@path")},
    ],
)
def test_a_signature_that_says_too_little_is_refused(sim, change):
    """Every parameter and every covered part is required."""
    assert not accepted(sim, sim.caf.request("GET", "/runs", **change))


def without(name: str) -> Change:
    def change(request: httpx2.Request) -> None:
        del request.headers[name]

    return change


def altered(name: str, old: str, new: str) -> Change:
    def change(request: httpx2.Request) -> None:
        assert old in request.headers[name]
        request.headers[name] = request.headers[name].replace(old, new)

    return change


def other_url(request: httpx2.Request) -> None:
    request.url = request.url.copy_with(path="/v1/agreements")


def other_method(request: httpx2.Request) -> None:
    request.method = "DELETE"


def other_host(request: httpx2.Request) -> None:
    request.url = request.url.copy_with(host="elsewhere")


@pytest.mark.parametrize(
    "change",
    [
        without("signature"),
        without("signature-input"),
        altered("signature-input", "caf", "cnous"),
        altered("signature-input", "nonce=", "other="),
        altered("signature-input", "created=", "created=1"),
        altered("signature", ":", ""),
        altered("signature-input", "=", "=="),
        other_url,
        other_method,
        other_host,
    ],
    ids=[
        "no signature",
        "no input",
        "party",
        "nonce",
        "created",
        "signature",
        "syntax",
        "address",
        "method",
        "host",
    ],
)
def test_an_altered_request_is_refused(sim, change):
    """Nothing that the signature covers can change on the way."""
    request = sim.caf.request("GET", "/runs")
    change(request)
    assert not accepted(sim, request)


def test_another_key_under_the_name_of_a_party_is_refused(sim):
    """Knowing the name is not enough."""
    thief = Administration(identity=Identity.generate("caf", "CAF"), http=sim.http, clock=sim.clock)
    assert not accepted(sim, thief.request("GET", "/runs"))


def test_two_signatures_of_the_protocol_are_refused(sim):
    """There is one signer, and which one it is must not be a matter of choice."""
    request = sim.caf.request("GET", "/runs", label="one")
    other = sim.cnous.request("GET", "/runs", label="two")
    for name in ("signature", "signature-input"):
        request.headers[name] = f"{request.headers[name]}, {other.headers[name]}"
    assert not accepted(sim, request)


def answers(sim: Simulation, doorkeeper: Doorkeeper, requests: list[httpx2.Request]) -> list[str]:
    """What becomes of requests that come together, as the event loop admits them; an error's code, or the party."""

    async def enter(readings: Readings, request: httpx2.Request) -> str:
        head = doorkeeper.read(as_received(request))
        try:
            caller, ticket = await doorkeeper.joined(head) or await doorkeeper.look_up(head, readings)
            await doorkeeper.enter(ticket)
        except ServiceError as error:
            return error.code
        return caller.party

    async def everybody() -> list[str]:
        readings = Readings(sim.site.database)
        return await asyncio.gather(*(enter(readings, one) for one in requests))

    return asyncio.run(everybody())


def test_keys_are_asked_for_once_however_many_come(sim, monkeypatch):
    """Those of a party that nobody has seen yet."""
    doorkeeper = Doorkeeper(sim.site)
    looking = Mock(side_effect=doorkeeper.looked_up)
    monkeypatch.setattr(doorkeeper, "looked_up", looking)
    requests = [who.request("GET", "/runs") for _ in range(30) for who in (sim.caf, sim.cnous)]
    assert ["caf", "cnous"] * 30 == answers(sim, doorkeeper, requests)
    assert ["caf", "cnous"] == sorted(call.args[0].key_id for call in looking.call_args_list)


def test_a_forgery_that_joins_is_refused_and_costs_the_others_nothing(sim):
    """Whoever asks first."""
    thief = Administration(identity=Identity.generate("caf", "CAF"), http=sim.http, clock=sim.clock)
    for first, second in ((thief, sim.caf), (sim.caf, thief)):
        requests = [who.request("GET", "/runs") for who in (first, second, first, second)]
        expected = ["E_REQUETE_NON_SIGNEE" if who is thief else "caf" for who in (first, second, first, second)]
        assert expected == answers(sim, Doorkeeper(sim.site), requests)


def test_nothing_is_spent_by_preparing(sim):
    """And a request that comes after it is accepted once."""
    doorkeeper, request = Doorkeeper(sim.site), sim.caf.request("GET", "/runs")
    asyncio.run(doorkeeper.prepare())
    assert ["caf"] == answers(sim, doorkeeper, [request])
    assert ["E_REQUETE_NON_SIGNEE"] == answers(sim, doorkeeper, [request])


def test_a_request_without_any_signature_is_refused(sim):
    """As is one whose headers are nonsense."""
    assert not accepted(sim, httpx2.Request("GET", "http://testserver/v1/runs"))
    for value in ("", "a", "a=()", 'a=("@method");tag="allervers-v1"', "\x7f", "a=1"):
        request = httpx2.Request(
            "GET", "http://testserver/v1/runs", headers={"signature-input": value, "signature": value}
        )
        assert not accepted(sim, request)


def test_a_body_must_be_the_one_that_was_signed(sim):
    """The digest is covered, and holds the body byte for byte."""
    caller = authenticate(sim.site, as_received(sim.caf.request("POST", "/runs", b'{"a":1}')))
    check_body(caller, b'{"a":1}')
    for other in (b'{"a":2}', b""):
        with pytest.raises(ServiceError):
            check_body(caller, other)


def test_a_body_whose_digest_was_not_signed_is_refused(sim):
    """Neither announced without cover, nor read without having been announced."""
    plain = sim.caf.request("POST", "/runs")
    with pytest.raises(ServiceError):
        authenticate(
            sim.site,
            Request(method="POST", url=str(plain.url), fields=plain.headers.multi_items(), announces_body=True),
        )
    caller = Caller(public=sim.caf.identity.public, content_digest=None)
    check_body(caller, b"")
    with pytest.raises(ServiceError):
        check_body(caller, b"x")


@pytest.mark.parametrize("digest", ["", "sha-256=x", "md5=:AAAA:", "sha-256=:AAAA:"])
def test_a_digest_that_is_none_is_refused(sim, digest):
    """Malformed, of another algorithm, or of another length."""
    with pytest.raises(ServiceError):
        check_body(Caller(public=sim.caf.identity.public, content_digest=digest), b"x")


def test_headers_have_a_size(sim):
    """A party's own requests are far below; the limit is told before anything is parsed."""
    check_headers([(name.lower(), value) for name, value in sim.caf.request("POST", "/runs", b"{}").headers.raw])
    for fields in (
        [(b"x", b"y" * MAX_HEADER_BYTES)],
        [(b"signature-input", b"y" * 2049)],
        [(b"signature", b"y" * 600), (b"signature", b"y" * 600)],
        [(b"content-digest", b"y" * 513)],
    ):
        with pytest.raises(ServiceError) as caught:
            check_headers(fields)
        assert ("E_EN_TETES", 413) == (caught.value.code, caught.value.status)


def test_each_party_has_its_own_nonces(sim):
    """Two parties may draw the same one."""
    other = Identity.generate("msa", "MSA")
    with sim.site.database.write() as connection:
        add_party(connection, other.public, sim.clock())
    nonce = to_base64(secrets.token_bytes(16))
    for one in (sim.caf, Administration(identity=other, http=sim.http, clock=HandClock())):
        arguments: dict[str, Any] = {"nonce": nonce}
        assert one.party == authenticate(sim.site, as_received(one.request("GET", "/runs", **arguments))).party
