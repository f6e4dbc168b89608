"""A rule of three administrations, from the files to the hits, through the API: who learns what, and who nothing."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import CryptoError
from crypto.keys import RunKey
from crypto.sealing import unseal
from service.administration.inbox import open_sealed
from service.administration.payload import payload_key, payload_seal
from service.errors import ServiceError
from service.messages import Delivery, Relay, delivery_context, relay_context
from tests.simulator import simulation
from tests.three_parties import PEOPLE, ThreeParties

CHANCE = 4  # strangers whom a chance link tells or hides: a tenth of one is expected


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """One run, delivered and combined."""
    folder = tmp_path_factory.mktemp("three")
    with simulation(folder / "data") as sim:
        yield ThreeParties(sim, folder).delivered()


@pytest.fixture(scope="module")
def collected(three):
    """What the recipient has at the end."""
    return three.combined()


def numbers(three: ThreeParties, marks: object) -> list[int]:
    """The people of the recipient's file that are marked."""
    names = list(three.seats["caf"].folder.identifiers())
    return sorted(int(names[place][1:]) for place in np.flatnonzero(marks))  # type: ignore[arg-type]


def test_the_recipient_gets_those_who_satisfy_the_rule(three, collected):
    """`a & b - c`: in b, and not in c; but for strangers whom chance brings near, of whom thresholds let 1 % through."""
    hits = collected.found["resultats"].hits
    certain, doubtful = numbers(three, hits.certain), numbers(three, hits.information)
    expected = set(range(PEOPLE["cnous"], PEOPLE["dgfip"]))
    assert len(set(certain) - expected) <= CHANCE
    assert len(expected - set(certain) - set(doubtful)) <= CHANCE
    assert len(doubtful) <= 2 * CHANCE


def test_payloads_of_hits_reach_the_recipient_and_no_others(three, collected):
    """Each certain hit carries what its source told of it, opened by the recipient alone."""
    names = list(three.seats["caf"].folder.identifiers())
    found = collected.found["resultats"]
    told = {int(names[record][1:]): values for record, values in found.payloads.items()}
    expected = {number: (f"2027-01-{1 + number % 28:02}",) for number in numbers(three, found.hits.certain)}
    assert expected == told
    assert len(told) >= PEOPLE["dgfip"] - PEOPLE["cnous"] - 4


def test_positive_controls_come_back_and_are_no_hits(three, collected):
    """All of them, from both signs of the rule, and none in the file."""
    assert three.agreement.controls == 7
    assert 150 == len(collected.found["resultats"].hits.certain)
    assert collected.recall.expected >= three.agreement.controls
    assert collected.recall.found == collected.recall.expected
    assert collected.recall.enough


def test_deliveries_are_sealed_to_the_joiner_only(three):
    """The recipient is refused them, and could not open them."""
    three.parties["caf"].get(f"/runs/{three.run}/deliveries", 200)
    assert [] == three.parties["caf"].get(f"/runs/{three.run}/deliveries")
    plans = three.agreement.comparisons[0].plan.passes
    path = f"/runs/{three.run}/deliveries/caf.cnous/{plans[0].name}"
    assert "E_INTROUVABLE" == three.parties["caf"].get(path, 404)
    assert "E_ACCES_REFUSE" == three.parties["cnous"].get(path, 403)
    signed = Delivery.opened(three.sim.third_party.signing_key, three.parties["dgfip"].get(path))
    info = delivery_context(three.agreement.identifier, three.run, "caf.cnous", plans[0].name, "dgfip")
    with pytest.raises(CryptoError):
        unseal(three.parties["caf"].identity.sealing_key, signed.sealed, info)
    assert unseal(three.parties["dgfip"].identity.sealing_key, signed.sealed, info)


def test_relays_are_read_by_their_addressee_only(three, collected):
    """Neither the sender, nor another member, nor the third party's key opens them; foreign ones do not exist."""
    views = three.parties["caf"].get(f"/runs/{three.run}/relays")
    assert [("hits", "dgfip", "caf"), ("jetons", "caf", "dgfip")] == [(v["kind"], v["from"], v["to"]) for v in views]
    assert "E_ACCES_REFUSE" == three.parties["cnous"].get(f"/runs/{three.run}/relays", 403)
    assert "E_INTROUVABLE" == three.parties["caf"].get(f"/runs/{three.run}/relays/jetons/caf/0", 404)
    signed = three.parties["dgfip"].get(f"/runs/{three.run}/relays/jetons/caf/0")
    one = Relay.opened(three.parties["caf"].identity.public.signing_key, signed)
    assert unseal(three.parties["dgfip"].identity.sealing_key, one.sealed, relay_context(one))
    with pytest.raises(CryptoError):
        unseal(three.parties["caf"].identity.sealing_key, one.sealed, relay_context(one))


def test_the_third_party_holds_no_jeton_no_payload_and_no_name(three, collected):
    """Nor does the joiner's machine: it keeps nothing of what it saw."""
    jetons = [ids for ids, _ in three.seats["caf"].folder.rows("jetons")]
    wanted = [*[row.tobytes() for part in jetons for row in part][:40], b"2027-01-", b"D0005"]
    own = b"".join(path.read_bytes() for path in three.sim.data.rglob("*") if path.is_file())
    joiner = b"".join(path.read_bytes() for path in (three.folder / "dgfip").rglob("*") if path.is_file())
    assert len(own) > 100_000
    for one in wanted:
        assert one not in own
        assert one not in joiner


def test_combining_again_changes_nothing(three, collected):
    """What the third party holds is not posted twice; the same hits are read again."""
    again = three.combined()
    found, same = collected.found["resultats"], again.found["resultats"]
    assert np.array_equal(found.hits.certain, same.hits.certain)
    assert found.payloads == same.payloads


def opened_by_its_source(three: ThreeParties) -> tuple[int, int]:
    """Payloads that the source of all of them reads as the joiner, and how many of them it can open or find its seal in."""
    seat, client, read, known = three.seats["cnous"], three.clients["cnous"], 0, 0
    (comparison,) = [one for one in three.agreement.comparisons if one.source == "cnous"]
    for plan in comparison.plan.passes:
        about = (three.agreement.identifier, three.run, comparison.id, plan.name)
        key = payload_key(RunKey(three.keys["cnous"][comparison.id]), plan.name)
        seal = payload_seal(key, *about, comparison.payload_bytes)
        told = open_sealed(seat, comparison, plan.name, three.sim.third_party, client.delivery(three.run, *about[2:]))
        for one in told.payloads:
            read += 1
            windows = [one.tobytes()[start : start + seal.width] for start in range(len(one) - seal.width + 1)]
            known += any(seal.opened(window) is not None for window in windows)
    return read, known


def test_a_joiner_acknowledges_once_its_hits_are_there_and_everything_is_destroyed(tmp_path):
    """A joiner that left first would leave its recipient with nothing; at the end nothing is left and it is proved.

    The joiner may be the source of the payloads: what it is delivered is covered, and it knows none of them again.
    """
    with simulation(tmp_path / "data") as sim:
        three = ThreeParties(sim, tmp_path, joiner="cnous").delivered()
        with pytest.raises(ServiceError, match="E_JONCTION_DUE"):
            three.acknowledge("cnous")
        found = three.combined().found["resultats"]
        assert found.payloads.keys() == set(np.flatnonzero(found.hits.certain).tolist())
        read, known = opened_by_its_source(three)
        assert read >= len(found.payloads)
        assert 0 == known
        three.acknowledge("cnous")
        assert "delivered" == three.state()
        three.acknowledge("caf")
        sim.work()
        assert "closed" == three.state()
        destroyed = [
            (item["kind"], item["party"])
            for view in sim.caf.get(f"/runs/{three.run}/receipts")
            for item in view["receipt"]["statement"]["destroyed"]
            if view["receipt"]["statement"]["kind"] == "deliveries"
        ]
        passes = sum(len(one.plan.passes) for one in three.agreement.comparisons)
        assert sorted([("delivery", "cnous")] * passes + [("relay", "caf"), ("relay", "cnous")]) == sorted(destroyed)
