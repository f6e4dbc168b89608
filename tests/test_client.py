"""The client signs each attempt afresh, repeats what may be repeated, and believes strict answers only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from http_message_signatures.httpx2 import adapt_message

from crypto.keys import Identity
from crypto.signatures import check_verify_key
from service.administration.client import Client
from service.administration.sending import AT_ONCE
from service.administration.signed_http import ATTEMPTS
from service.errors import ServiceError
from tests.premises import premises

ME = Identity.generate("cnaf", "CNAF")
NOW = datetime.now(UTC).replace(microsecond=0)


class Line:
    """A transport whose answers are listed in advance; an exception in the list is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers: list[Any] = list(answers)
        self.requests: list[httpx2.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: Any) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, *, clock: Any = lambda: NOW, identity: Any = ME) -> Any:
        return Client(
            "https://tiers.example",
            identity,
            clock=clock,
            sleep=self.pauses.append,
            transport=httpx2.MockTransport(self),
        )


def data(value: Any, status: Any = 200) -> Any:
    return httpx2.Response(status, json={"data": value})


def refusal(code: Any, status: Any, **headers: Any) -> Any:
    body = {"errors": [{"code": code, "title": "t", "detail": "phrase.", "source": {}}]}
    return httpx2.Response(status, json=body, headers=headers)


def test_requests_are_signed_as_agreed():
    """Method, address and body are covered; times, nonce and tag are those of the protocol."""
    line = Line(data({"run": "0" * 32}, 201))
    with line.client() as client:
        assert client.open_run("ab" * 32) == "0" * 32
    request = line.requests[0]
    key = check_verify_key(ME.public.signing_key)
    verifier = HTTPMessageVerifier(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={"cnaf": key}, private_keys={})
    )
    [result] = verifier.verify(
        adapt_message(request),
        expect_tag="allervers-v1",
        require_components=("@method", "@target-uri", "content-digest"),
        body=request.content,
    )
    created = int(NOW.timestamp())
    assert {"keyid": "cnaf", "created": created, "expires": created + 300, "tag": "allervers-v1"} == {
        name: value for name, value in result.parameters.items() if name != "nonce"
    }
    assert len(result.nonce or "") >= 24


def test_each_attempt_has_its_own_nonce():
    """A repeated request is signed again: the server takes each nonce once."""
    line = Line(refusal("E_INDISPONIBLE", 503), data([]))
    with line.client() as client:
        assert client.runs() == []
    inputs = [request.headers["signature-input"] for request in line.requests]
    assert 2 == len(set(inputs))
    assert [0.5] == line.pauses


def test_pauses_grow_then_it_gives_up():
    """A third party that does not answer is asked a few times, more and more slowly."""
    line = Line(*[httpx2.ReadTimeout("x")] * ATTEMPTS)
    with line.client() as client, pytest.raises(ServiceError, match="E_CONNEXION"):
        client.runs()
    assert [0.5, 1, 2, 4, 8] == line.pauses


def test_opening_a_run_is_one_request_however_often_it_is_sent():
    """A lost answer must not open a second run: every attempt carries the same key, covered by the signature."""
    line = Line(httpx2.ReadTimeout("x"), data({"run": "ab" * 16}, 201), data({"run": "ab" * 16}, 201))
    with line.client() as client:
        assert "ab" * 16 == client.open_run("ab" * 32) == client.open_run("ab" * 32)
    keys = [one.headers["idempotency-key"] for one in line.requests]
    assert keys[0] == keys[1] != keys[2]
    assert '"idempotency-key"' in line.requests[0].headers["signature-input"]


def test_a_server_that_asks_to_wait_is_obeyed():
    """Up to a minute."""
    line = Line(
        refusal("E_DEBIT", 429, **{"Retry-After": "7"}), refusal("E_DEBIT", 429, **{"Retry-After": "999"}), data([])
    )
    with line.client() as client:
        assert [] == client.runs()
    assert [7.0, 60.0] == line.pauses


def test_the_checkpoint_of_an_answer_is_handed_on():
    """As the note it is; what is none is not an answer of ours."""
    notes: list[str] = []
    answer = data([])
    answer.headers["allervers-checkpoint"] = "bm90ZQ=="
    broken = data([])
    broken.headers["allervers-checkpoint"] = "!"
    line = Line(answer, broken)
    transport = httpx2.MockTransport(line)
    with Client(
        "https://x", ME, clock=lambda: NOW, sleep=line.pauses.append, transport=transport, on_note=notes.append
    ) as one:
        one.runs()
        with pytest.raises(ServiceError, match="E_REPONSE"):
            one.runs()
    assert ["note"] == notes


def test_a_refusal_keeps_code_sentence_and_status():
    """What the third party says reaches the agent."""
    line = Line(refusal("E_ETAT", 409))
    with line.client() as client, pytest.raises(ServiceError) as error:
        client.run("0" * 32)
    assert ("E_ETAT", "phrase.", 409) == (error.value.code, error.value.message, error.value.status)


def test_a_refusal_without_end_is_told_in_part():
    """Whoever answers does not fill the agent's screen."""
    body = {"errors": [{"code": "E_ETAT", "title": "t", "detail": "non " * 10_000, "source": {}}]}
    line = Line(httpx2.Response(409, json=body))
    with line.client() as client, pytest.raises(ServiceError) as error:
        client.runs()
    assert "non " * 125 == error.value.message


def test_clocks_that_differ_are_said():
    """A refused signature comes with the likeliest reason."""
    shown = (NOW + timedelta(minutes=20)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    strange = ["demain", f"Fri, 20 Nov 2{'9' * 60} 08:00:00 GMT"]
    for headers, expected in (({"date": shown}, True), ({}, False), *(({"date": one}, False) for one in strange)):
        line = Line(refusal("E_REQUETE_NON_SIGNEE", 401, **headers))
        with line.client() as client, pytest.raises(ServiceError) as error:
            client.runs()
        assert expected == ("horloge" in error.value.message)


STRANGE = {
    "a page": httpx2.Response(200, text="<html>"),
    "no data": httpx2.Response(200, json={"runs": []}),
    "another form": data([{"run": 3}]),
    "not a list": data({}),
    "an error of a proxy": httpx2.Response(500, text="oups"),
    "an error without a code": httpx2.Response(422, json={"errors": []}),
    "duplicate names": httpx2.Response(200, text='{"data":[],"data":[]}'),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_answers_are_refused(name):
    """Whatever is not an answer of ours is refused with a code."""
    line = Line(STRANGE[name])
    with line.client() as client, pytest.raises(ServiceError, match=r"E_(REPONSE|MESSAGE)"):
        client.runs()


def test_a_worker_that_is_not_ready_is_not_an_error():
    """The key of the run comes later."""
    line = Line(refusal("E_PATIENTER", 409), refusal("E_ETAT", 409))
    with line.client() as client:
        assert client.worker_key("0" * 32) is None
        with pytest.raises(ServiceError, match="E_ETAT"):
            client.worker_key("0" * 32)


def test_chunks_are_raw_bytes_with_their_digest():
    """A chunk travels as it is, covered by its digest; no content in the answer."""
    line = Line(httpx2.Response(204))
    with line.client() as client:
        client.send_chunk("0" * 32, "1" * 32, 7, b"\x00\xff")
    request = line.requests[0]
    assert ("PUT", b"\x00\xff") == (request.method, request.content)
    assert request.url.path.endswith("/uploads/" + "1" * 32 + "/chunks/7")
    assert "content-digest" in request.headers["signature-input"]


def test_chunks_travel_under_their_numbers_and_are_read_when_their_turn_comes():
    """A large upload is never in memory: no more are read than are on their way."""
    line, read, told = Line(*[httpx2.Response(204)] * 60), list[int](), list[int]()

    def bytes_of(number: int) -> bytes:
        read.append(number)
        assert len(read) <= len(line.requests) + AT_ONCE
        return bytes([number])

    with line.client() as client:
        client.send_chunks("0" * 32, "1" * 32, range(4, 64), bytes_of, told.append)
    sent = {request.url.path.rsplit("/", 1)[1]: request.content for request in line.requests}
    assert {str(number): bytes([number]) for number in range(4, 64)} == sent
    assert ([1] * 60, 60) == (told, len(read))


def test_against_the_real_third_party(tmp_path):
    """The real server accepts what this client signs, and refuses a stranger and a wrong clock."""
    with premises(tmp_path) as place:
        office = place.office("cnaf")
        from service.administration.keyring import Keyring

        identity = Keyring(office.home).identity()
        for clock, key, code in (
            (lambda: datetime.now(UTC), identity, None),
            (lambda: datetime.now(UTC) - timedelta(hours=1), identity, "E_REQUETE_NON_SIGNEE"),
            (lambda: datetime.now(UTC), Identity.generate(office.party, "x"), "E_REQUETE_NON_SIGNEE"),
            (lambda: datetime.now(UTC), ME, "E_REQUETE_NON_SIGNEE"),
        ):
            with Client(place.url, key, clock=clock, sleep=lambda _: None) as client:
                assert place.identity.to_bytes() == client.identity().identity
                if code is None:
                    assert [] == client.runs()
                    assert client.checkpoint().startswith("allervers/")
                else:
                    with pytest.raises(ServiceError, match=code):
                        client.runs()


def test_nothing_listens(tmp_path):
    """An address where nobody answers has its code."""
    waits: list[float] = []
    with (
        Client("http://127.0.0.1:9", ME, clock=lambda: NOW, sleep=waits.append) as client,
        pytest.raises(ServiceError, match="E_CONNEXION"),
    ):
        client.runs()
    assert json.dumps(waits) == "[0.5, 1.0, 2.0, 4.0, 8.0]"


def test_a_refusal_cannot_command_the_console():
    """The sentence of the third party is shown on one line, without escapes; a code that is none is no answer of ours."""
    body = {"errors": [{"code": "E_ETAT", "title": "t", "detail": "a\x1b[2J\nE_FAUX : b", "source": {}}]}
    line = Line(httpx2.Response(409, json=body), refusal("\x1b[2J", 409))
    with line.client() as client:
        with pytest.raises(ServiceError) as caught:
            client.runs()
        assert "E_ETAT : a\ufffd[2J E_FAUX : b" == str(caught.value)
        with pytest.raises(ServiceError, match="E_REPONSE"):
            client.runs()
