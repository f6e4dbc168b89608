"""Relays as requests: who may write to whom, once, no more than the sizes allow, and nobody else reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crypto.sealing import SEAL_OVERHEAD
from service.messages import MAX_RELAY_BYTES, Cancellation, Relay, RunState
from service.third_party.purge import PURGED
from service.third_party.run_store import set_run
from service.third_party.schema import relays
from service.third_party.upkeep import tend
from tests.simulator import simulation
from tests.three_parties import ThreeParties


@pytest.fixture
def three(tmp_path):
    """A run whose deliveries wait, made so by hand."""
    with simulation(tmp_path / "data") as sim:
        one = ThreeParties(sim, tmp_path)
        deliver(one)
        yield one


def deliver(three: ThreeParties) -> None:
    now = three.sim.clock().replace(microsecond=0)
    with three.sim.site.database.write() as connection:
        values = {"delivered_at": now, "hits_deadline": now + timedelta(days=30)}
        set_run(connection, three.run, state=RunState.DELIVERED, **values)


def piece(three: ThreeParties, sender: str = "caf", **changes: Any) -> dict[str, Any]:
    """A signed piece; `changes` are members of it."""
    members: dict[str, Any] = {
        "agreement": three.agreement.identifier, "run": three.run, "kind": "jetons", "from_": "caf", "to": "dgfip",
        "number": 0, "pieces": 1, "sealed": bytes(SEAL_OVERHEAD + 64),
    }  # fmt: skip
    return Relay(**{**members, **changes}).signed(three.parties[sender].identity.signing_key)


def post(three: ThreeParties, signed: dict[str, Any], status: int = 200, sender: str = "caf") -> Any:
    return three.parties[sender].post(f"/runs/{three.run}/relays", signed, status)


def test_a_piece_is_kept_and_read_by_its_addressee(three):
    """The same bytes come out, and both ends see what is held."""
    signed = piece(three)
    assert None is post(three, signed)
    assert None is post(three, signed)
    assert signed == three.parties["dgfip"].get(f"/runs/{three.run}/relays/jetons/caf/0")
    expected = [{"kind": "jetons", "from": "caf", "to": "dgfip", "pieces": 1, "held": [0]}]
    for party in ("caf", "dgfip"):
        assert expected == three.parties[party].get(f"/runs/{three.run}/relays")
    for place in ("jetons/caf/1", "jetons/caf/00", "jetons/caf/x", "hits/caf/0", "jetons/cnous/0"):
        assert "E_INTROUVABLE" == three.parties["dgfip"].get(f"/runs/{three.run}/relays/{place}", 404)


REFUSED: dict[str, tuple[dict[str, Any], str, int, str]] = {
    "to another party": ({"to": "cnous"}, "caf", 404, "E_INTROUVABLE"),
    "to oneself": ({"to": "caf"}, "caf", 404, "E_INTROUVABLE"),
    "hits by the recipient": ({"kind": "hits"}, "caf", 404, "E_INTROUVABLE"),
    "in the name of another": ({"from_": "caf", "to": "dgfip"}, "dgfip", 422, "E_MESSAGE"),
    "of another run": ({"run": "0" * 32}, "caf", 422, "E_MESSAGE"),
    "a number beyond": ({"number": 1}, "caf", 422, "E_MESSAGE"),
    "nothing inside": ({"sealed": bytes(SEAL_OVERHEAD)}, "caf", 413, "E_CORPS_TROP_GRAND"),
    "too long": ({"sealed": bytes(SEAL_OVERHEAD + MAX_RELAY_BYTES + 1)}, "caf", 413, "E_CORPS_TROP_GRAND"),
    "more pieces than people": ({"pieces": 4}, "caf", 413, "E_CORPS_TROP_GRAND"),
    "by a source": ({"from_": "cnous"}, "cnous", 403, "E_ACCES_REFUSE"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused(three, name):
    """With a reason, and nothing is kept."""
    changes, sender, status, code = REFUSED[name]
    assert code == post(three, piece(three, sender, **changes), status, sender)
    with three.sim.site.database.read() as connection:
        assert [] == list(connection.execute(relays.select()))


def test_a_piece_is_never_replaced_and_pieces_agree_on_their_number(three):
    """Its addressee may have read it."""
    post(three, piece(three, pieces=2))
    assert "E_DEJA_DEPOSE" == post(three, piece(three, pieces=2, sealed=bytes(SEAL_OVERHEAD + 65)), 409)
    assert "E_DEJA_DEPOSE" == post(three, piece(three, number=1, pieces=3), 409)
    post(three, piece(three, number=1, pieces=2))
    assert [0, 1] == three.parties["caf"].get(f"/runs/{three.run}/relays")[0]["held"]


def test_a_complete_relay_is_in_the_log_once(three):
    """By the digest of all its pieces, when the last one is there."""
    post(three, piece(three, number=1, pieces=2))
    assert [] == logged(three)
    post(three, piece(three, number=0, pieces=2))
    post(three, piece(three, number=0, pieces=2))
    assert ["relay_complete"] == logged(three)


def logged(three: ThreeParties) -> list[str]:
    with three.sim.site.database.read() as connection:
        view = three.sim.site.log.about(connection, three.run, three.agreement.identifier)
    return ["relay_complete" for one in view.entries if b"relay_complete" in one.leaf]


def test_nothing_is_relayed_before_the_delivery_nor_after_the_acknowledgement(three):
    """A relay that nothing will destroy is not taken."""
    other = three.parties["caf"].post("/runs", {"agreement": three.agreement.identifier}, 201)["run"]
    assert "E_ETAT" == three.parties["caf"].post(f"/runs/{other}/relays", piece(three, run=other), 409)
    post(three, piece(three))
    hits = piece(three, "dgfip", kind="hits", from_="dgfip", to="caf")
    post(three, hits, sender="dgfip")
    three.acknowledge("dgfip")
    assert "E_ETAT" == post(three, piece(three, number=0), 409)


def test_relays_die_with_what_waits_for_their_addressee(three):
    """Cancelled, a run keeps none, and the receipt names them."""
    assert relays in PURGED["deliveries"]
    post(three, piece(three))
    post(three, piece(three, "dgfip", kind="hits", from_="dgfip", to="caf"), sender="dgfip")
    three.declare("caf", Cancellation, "cancellation")
    three.sim.work()
    with three.sim.site.database.read() as connection:
        assert [] == list(connection.execute(relays.select()))
    kinds = [
        (item["kind"], item["party"], item["pieces"])
        for view in three.sim.caf.get(f"/runs/{three.run}/receipts")
        for item in view["receipt"]["statement"]["destroyed"]
    ]
    assert {("relay", "caf", 1), ("relay", "dgfip", 1)} <= set(kinds)


def test_a_receipt_does_not_tell_how_long_a_relay_was(three):
    """Every party reads receipts; the number of pieces would tell sources the magnitude of the hits."""
    for number in range(3):
        post(
            three, piece(three, "dgfip", kind="hits", from_="dgfip", to="caf", number=number, pieces=3), sender="dgfip"
        )
    three.declare("caf", Cancellation, "cancellation")
    three.sim.work()
    seen = [
        item["pieces"]
        for view in three.sim.cnous.get(f"/runs/{three.run}/receipts")
        for item in view["receipt"]["statement"]["destroyed"]
        if item["kind"] == "relay"
    ]
    assert [1] == seen


def test_a_relay_whose_key_is_lost_holds_up_nobody(three):
    """The keystore is another's: its run ends with a receipt, and what is due for other runs is destroyed."""
    post(three, piece(three))
    other = three.sim.joining()
    three.sim.site.vault.destroy_parcel_key(three.run, "dgfip")
    three.sim.clock.advance(hours=72)
    told: list[Exception] = []
    tend(three.sim.site, told.append)
    assert ([], "expired", "closed") == (told, three.sim.state(other), three.state())
    with three.sim.site.database.read() as connection:
        assert [] == list(connection.execute(relays.select()))
