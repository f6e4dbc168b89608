"""A request with a key is one request, however often it comes."""

from __future__ import annotations

import json

import httpx2
import pytest

from service.errors import ServiceError
from service.third_party import runs
from service.third_party.idempotency import same_request
from tests.simulator import BASE, Administration

KEY = "0123456789abcdef"


def opening(one: Administration, agreement: str, key: str = KEY, **changes: object) -> httpx2.Response:
    """A signed request to open a run, with a key."""
    body = json.dumps({"agreement": agreement}).encode()
    request = one.http.build_request("POST", f"{BASE}/v1/runs", content=body, headers={"idempotency-key": key})
    built, one.http.build_request = one.http.build_request, lambda *_, **__: request  # type: ignore[method-assign]
    try:
        signed = one.request(
            "POST", "/runs", body, **{"covered_component_ids": ("@method", "@target-uri", "idempotency-key"), **changes}
        )
    finally:
        one.http.build_request = built  # type: ignore[method-assign]
    return one.http.send(signed)


def test_the_same_request_opens_one_run(sim):
    """One after the other; another one is refused for the quota."""
    agreement = sim.agreed(max_runs=1).identifier
    first, *again = [opening(sim.caf, agreement) for _ in range(4)]
    assert {201} == {one.status_code for one in (first, *again)}
    assert 1 == len({one.json()["data"]["run"] for one in (first, *again)})
    assert 409 == opening(sim.caf, agreement, "f" * 16).status_code  # another request, and the quota is reached


def test_a_key_belongs_to_a_party_and_to_a_body(sim):
    """Another body is refused; another party may draw the same key."""
    one, two = sim.agreed().identifier, sim.agreed().identifier
    assert 201 == opening(sim.caf, one).status_code
    wrong = opening(sim.caf, two)
    assert (422, "E_IDEMPOTENCE") == (wrong.status_code, wrong.json()["errors"][0]["code"])
    assert 201 == opening(sim.cnous, two).status_code


def test_a_key_that_is_not_signed_is_refused(sim):
    """It decides what the request does."""
    agreement = sim.agreed().identifier
    assert 401 == opening(sim.caf, agreement, covered_component_ids=("@method", "@target-uri")).status_code


@pytest.mark.parametrize("key", ["short", "x" * 129, "with space 0123456789", "é" * 16])
def test_a_key_has_a_form(key):
    """Long enough to be drawn once, short enough to be kept."""
    with pytest.raises(ServiceError, match="E_IDEMPOTENCE"):
        same_request(key, {})
    assert same_request(None, {}) is None


def test_a_party_keeps_few_runs_open(sim, monkeypatch):
    """Whoever has opened so many closes or cancels one first; its partner may still open its own."""
    monkeypatch.setattr(runs, "MOST_OPENED", 2)
    agreements = [sim.agreed().identifier for _ in range(3)]
    assert [201, 201, 409] == [opening(sim.caf, one, str(n) * 16).status_code for n, one in enumerate(agreements)]
    assert 201 == opening(sim.cnous, agreements[2], "f" * 16).status_code
