"""What parties do to a run, as requests: two-sided, once, and only about their own."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest

from crypto.framing import to_base64
from crypto.keys import Identity
from service.answers import RunView
from service.messages import (
    Acknowledgement,
    Approval,
    Cancellation,
    Confirmation,
    SealedShare,
    WorkerKey,
)
from tests.simulator import Administration, Run, Simulation, simulation


@pytest.fixture
def sim(tmp_path):
    """A fresh third party."""
    with simulation(tmp_path / "data") as one:
        yield one


def share(one: Administration, about: Run, status: int = 200, **changes: Any) -> Any:
    """Send a share to the other party."""
    other = {"caf": "cnous", "cnous": "caf"}[one.party]
    members = {"comparison": about.comparison, "to": other, "sealed": secrets.token_bytes(8), **changes}
    return one.declare(SealedShare, about, "shares", status, **members)


def confirm(one: Administration, run: Run, status: int = 200, **changes: Any) -> Any:
    """Send a confirmation."""
    members = {"comparison": run.comparison, "tag": secrets.token_hex(32), **changes}
    return one.declare(Confirmation, run, "confirmations", status, **members)


def test_a_run_goes_from_its_opening_to_sending(sim: Simulation):
    """Approved by both, then keyed by the worker, then confirmed by both; each sees the same."""
    run = sim.opened()
    view = RunView.from_json(sim.cnous.get(f"/runs/{run.run}"))
    assert ("opened", ("caf",), 0, ()) == (view.state, view.approvals, view.confirmations, view.uploads)
    assert (sim.clock(), sim.clock() + timedelta(hours=72)) == (view.opened_at, view.deadline)
    assert (0, 2) == (view.progress.done, view.progress.total)
    assert "joining" == sim.cnous.approve(run)["state"]
    assert "E_PATIENTER" == sim.caf.get(f"/runs/{run.run}/worker-key", 409)
    sim.work()
    signed = sim.caf.get(f"/runs/{run.run}/worker-key")
    assert signed == sim.cnous.get(f"/runs/{run.run}/worker-key")
    assert (run.run, run.agreement) == (
        (key := WorkerKey.opened(sim.third_party.signing_key, signed)).run,
        key.agreement,
    )
    assert "joining" == confirm(sim.caf, run)["state"]
    assert "sending" == confirm(sim.cnous, run)["state"]
    assert [view.run for view in map(RunView.from_json, sim.caf.get("/runs"))] == [run.run]


def test_shares_are_relayed_to_their_receiver(sim: Simulation):
    """As they were signed; each party sees what is addressed to it only."""
    run = sim.joining()
    share(sim.caf, run)
    assert [] == sim.caf.get(f"/runs/{run.run}/shares")
    (signed,) = sim.cnous.get(f"/runs/{run.run}/shares")
    relayed = SealedShare.opened(sim.caf.identity.public.signing_key, signed)
    assert ("caf", "cnous", run.run) == (relayed.from_, relayed.to, relayed.run)


def test_confirmations_are_seen_by_both(sim: Simulation):
    """A party reads its own and its partner's."""
    run = sim.joining()
    confirm(sim.caf, run)
    (signed,) = sim.cnous.get(f"/runs/{run.run}/confirmations")
    assert [signed] == sim.caf.get(f"/runs/{run.run}/confirmations")
    assert "caf" == Confirmation.opened(sim.caf.identity.public.signing_key, signed).from_


def test_what_was_sent_cannot_be_replaced(sim: Simulation):
    """The same statement again is fine; another one is refused, since its reader may have used the first."""
    run = sim.joining()
    sealed, tag = b"12345678", "0" * 64
    for _ in range(2):
        share(sim.caf, run, sealed=sealed)
        confirm(sim.caf, run, tag=tag)
    assert "E_DEJA_DEPOSE" == share(sim.caf, run, 409, sealed=b"other")
    assert "E_DEJA_DEPOSE" == confirm(sim.caf, run, 409, tag="1" * 64)
    assert 1 == len(sim.cnous.get(f"/runs/{run.run}/shares"))


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"to": "caf"}, "E_MESSAGE", 422),
        ({"to": "dgfip"}, "E_MESSAGE", 422),
        ({"from_": "cnous"}, "E_MESSAGE", 422),
        ({"comparison": "cnous.caf"}, "E_INTROUVABLE", 404),
        ({"run": "0" * 32}, "E_MESSAGE", 422),
        ({"agreement": "0" * 64}, "E_MESSAGE", 422),
    ],
)
def test_a_share_is_about_this_run_and_these_parties(sim: Simulation, changes, code, status):
    """A statement that names something else is refused, and nothing is stored."""
    run = sim.joining()
    assert code == share(sim.caf, run, status, **changes)
    assert [] == sim.cnous.get(f"/runs/{run.run}/shares")


def test_a_statement_of_somebody_else_is_refused(sim: Simulation):
    """A party that is let in by its own signature cannot deposit another's statement, nor one it forged."""
    run = sim.opened()
    about: dict[str, Any] = {"agreement": run.agreement, "run": run.run, "party": "cnous"}
    replayed = Approval(**about).signed(sim.cnous.identity.signing_key)
    forged = Approval(**about).signed(Identity.generate("cnous", "C").signing_key)
    assert "E_SIGNATURE" == sim.caf.post(f"/runs/{run.run}/approval", replayed, 422)
    assert "E_SIGNATURE" == sim.cnous.post(f"/runs/{run.run}/approval", forged, 422)
    other = Cancellation(**about).signed(sim.cnous.identity.signing_key)
    assert "E_SIGNATURE" == sim.cnous.post(f"/runs/{run.run}/approval", other, 422)
    assert "opened" == sim.state(run)


def test_the_opener_alone_does_not_start_a_run(sim: Simulation):
    """However often it approves."""
    run = sim.opened()
    for _ in range(3):
        assert "opened" == sim.caf.approve(run)["state"]
    assert "E_ETAT" == share(sim.caf, run, 409)


def test_runs_are_opened_under_an_active_and_valid_agreement_only(sim: Simulation):
    """Signed by all, within its dates, for its parties."""
    agreement = sim.agreement(max_runs=1)
    signature = agreement.signature(sim.caf.identity.signing_key)
    sim.caf.post("/agreements", {"document": agreement.to_json(), "signature": to_base64(signature)}, 201)
    body = {"agreement": agreement.identifier}
    assert "E_CONVENTION_INACTIVE" == sim.caf.post("/runs", body, 409)
    assert "E_INTROUVABLE" == sim.dgfip.post("/runs", body, 404)
    assert "E_INTROUVABLE" == sim.caf.post("/runs", {"agreement": "0" * 64}, 404)
    signature = agreement.signature(sim.cnous.identity.signing_key)
    sim.cnous.post(f"/agreements/{agreement.identifier}/signatures", {"signature": to_base64(signature)})
    assert "E_INTROUVABLE" == sim.dgfip.post("/runs", body, 404)
    for days, code in ((-2, "E_VALIDITE"), (92, "E_VALIDITE")):
        sim.clock.advance(days=days)
        assert code == sim.caf.post("/runs", body, 409)
    sim.clock.advance(days=-90)
    assert 32 == len(sim.caf.post("/runs", body, 201)["run"])
    assert "E_QUOTA_CROISEMENTS" == sim.cnous.post("/runs", body, 409)


def test_a_cancelled_run_gives_its_place_back(sim: Simulation):
    """Nobody learned anything from it; cancelling again is answered the same way."""
    run = sim.joining(max_runs=1)
    assert ["cancelled"] * 2 == [sim.cnous.cancel(run)["state"] for _ in range(2)]
    assert "E_ETAT" == sim.caf.declare(Approval, run, "approval", 409)
    assert "E_ETAT" == share(sim.caf, run, 409)
    sim.caf.post("/runs", {"agreement": run.agreement}, 201)


def test_a_run_past_its_deadline_allows_nothing(sim: Simulation):
    """Even before anybody has written down that it expired; reading it stays possible."""
    run = sim.joining()
    sim.clock.advance(hours=72, seconds=-1)
    share(sim.caf, run)
    sim.clock.advance(seconds=1)
    assert "E_ETAT" == share(sim.cnous, run, 409)
    assert "E_ETAT" == sim.caf.declare(Cancellation, run, "cancellation", 409)
    assert "joining" == sim.state(run)


def test_nothing_is_delivered_nor_acknowledged_before_its_time(sim: Simulation):
    """And never to the source."""
    run = sim.sending()
    assert "E_ETAT" == sim.caf.get(f"/runs/{run.run}/deliveries", 409)
    assert "E_ETAT" == sim.caf.declare(Acknowledgement, run, "acknowledgement", 409)
    assert "E_ACCES_REFUSE" == sim.cnous.get(f"/runs/{run.run}/deliveries", 403)
    assert "E_ACCES_REFUSE" == sim.cnous.declare(Acknowledgement, run, "acknowledgement", 403)


def test_acknowledging_again_is_answered_the_same_way(sim: Simulation):
    """Once closed, the recipient that acknowledged may say it again; what it acknowledged is gone."""
    run, _ = sim.delivered()
    assert ["closed"] * 2 == [sim.caf.acknowledge(run)["state"] for _ in range(2)]
    assert "E_ETAT" == sim.caf.get(f"/runs/{run.run}/deliveries", 409)
    assert 2 == len(sim.caf.get(f"/runs/{run.run}/receipts"))
