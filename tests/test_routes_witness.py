"""Routes of witnesses: for enrolled parties only, each for itself. What a note must be is in test_witnessing."""

from __future__ import annotations

import json

import pytest

from crypto.witness import add_cosignature
from service.messages import witness_name
from service.third_party.routes_witness import router
from tests.simulator import BASE, Administration, Simulation

ROUTES = router.routes
PATH = "/log/witnesses"
MOMENT = 1_795_000_000


def seen(party: Administration, moment: int = MOMENT) -> str:
    """The log's checkpoint, cosigned by a party."""
    note = party.get("/log/checkpoint")["checkpoint"]
    return add_cosignature(note, party.identity.signing_key, witness_name(party.party), moment)


def test_the_actions_of_these_routes():
    """Each route asks for one action."""
    found = [(route.method, route.path, route.action.name) for route in ROUTES]
    assert [("GET", f"/v1{PATH}", "READ_WITNESSES"), ("POST", f"/v1{PATH}", "WITNESS")] == sorted(found)


def test_a_note_that_was_sent_is_read_by_every_enrolled_party(sim: Simulation):
    """None at first; then the very note, by whoever is enrolled, whatever they have in common."""
    assert [] == sim.caf.get(PATH)
    note = seen(sim.caf)
    assert None is sim.caf.post(PATH, {"note": note})
    for party in (sim.caf, sim.cnous, sim.dgfip):
        assert [{"party": "caf", "note": note}] == party.get(PATH)


def test_a_note_is_kept_once(sim: Simulation):
    """Sent again, or with a later moment on the same checkpoint: the first one stays."""
    sim.opened()
    first = seen(sim.caf)
    for note in (first, first, seen(sim.caf, MOMENT + 60)):
        assert None is sim.caf.post(PATH, {"note": note})
    assert [{"party": "caf", "note": first}] == sim.cnous.get(PATH)


def test_nobody_speaks_for_another(sim: Simulation):
    """A note of another party, relayed as it is, is refused: its sender is not its witness."""
    assert "E_TEMOIN" == sim.cnous.post(PATH, {"note": seen(sim.caf)}, 422)
    assert [] == sim.caf.get(PATH)


def test_strangers_neither_read_nor_write(sim: Simulation):
    """Without a signature, and with a key that is not enrolled."""
    body = json.dumps({"note": seen(sim.caf)}).encode()
    for method, content in (("GET", None), ("POST", body)):
        assert 401 == sim.http.request(method, f"{BASE}/v1{PATH}", content=content).status_code
        assert 401 == sim.http.send(sim.caf.request(method, PATH, content, key_id="nobody")).status_code
    assert [] == sim.caf.get(PATH)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"note":null}',
        b'{"note":1}',
        b'{"note":["x"]}',
        b'{"note":""}',
        b'{"note":"x","party":"cnous"}',
        b'{"note":"\\ud800"}',
        b'{"note":"a\\u0000b\\n\\nc\\n"}',
        b'{"note":"' + b"x" * 20_000 + b'"}',
        b'{"note":"allervers/x\\n' + b"9" * 5000 + b'\\nAAAA\\n\\nx\\n"}',
        b"\xff\xfe",
    ],
    ids=[
        "empty", "cut", "list", "null", "no member", "null note", "number", "list note", "no text", "another member",
        "half a character", "zero", "long", "a long number", "no UTF-8",
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(sim: Simulation, body):
    """With a code of ours, a status of the caller's fault, and nothing kept."""
    answer = sim.caf.send("POST", PATH, body)
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.json()["errors"][0]["code"].startswith("E_")
    assert [] == sim.caf.get(PATH)
