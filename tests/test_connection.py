"""An online office waits with growing pauses, believes signatures only, and knows when a run is dead."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from crypto.framing import to_base64
from crypto.keys import Identity
from service.administration.app import Office
from service.administration.connection import Connection, connect
from service.administration.run_folder import RunFolder
from service.administration.terminal import Terminal
from service.administration.verify import LogWatch
from service.answers import AgreementView, Progress, RunView
from service.errors import ServiceError
from service.messages import RunState
from tests.partners import NOW, RUN, scene


@dataclass
class Hands:
    """A clock that pauses move."""

    moment: datetime = NOW
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> Any:
        return self.moment

    def sleep(self, seconds: Any) -> Any:
        self.pauses.append(seconds)
        self.moment += timedelta(seconds=seconds)


class Desk:
    """Answers of the third party about one run and one agreement."""

    def __init__(self, *states: Any, agreement: Any = None, signatures: Any = None) -> None:
        self.states, self.document, self.signatures = list(states), agreement, signatures or {}

    def run(self, run: Any) -> Any:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        failure = "E_BLOC_TROP_GRAND" if state is RunState.FAILED else None
        return RunView(
            run=run,
            agreement="00" * 32,
            state=state,
            opened_at=NOW,
            deadline=NOW,
            approvals=(),
            confirmations=0,
            uploads=(),
            failure=failure,
            progress=Progress(done=0, total=0),
        )

    def keys(self, _: Any) -> Any:
        return []

    def agreement(self, identifier: Any) -> Any:
        return AgreementView(document=self.document, signatures=self.signatures, active=True, identities={})


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("scene"))


def online(known: Any, desk: Any, hands: Any = None) -> Any:
    hands = hands or Hands()
    office = Office(home=known.homes["cnaf"], terminal=Terminal(), clock=hands, sleep=hands.sleep)
    return Connection(
        office=office, third_party=known.pinned(), client=desk, watch=LogWatch(office.home, known.pinned())
    )


def until(connection: Any, minutes: Any = None) -> Any:
    return connection.wait(RUN, "en attente", lambda view: view.state is RunState.SENDING, minutes)


def test_pauses_grow_to_ten_seconds(known, capsys):
    """Polling slows down, and what is waited for is said once."""
    hands = Hands()
    found = until(online(known, Desk(*[RunState.JOINING] * 7, RunState.SENDING), hands))
    assert RunState.SENDING is found.state
    assert [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10] == hands.pauses
    assert "en attente\n" == capsys.readouterr().err


def test_the_agents_limit_is_kept(known):
    """Zero does not wait at all; a minute is a minute."""
    for minutes, fewest in ((0, 0), (1, 60)):
        hands = Hands()
        with pytest.raises(ServiceError, match="E_PATIENTER"):
            until(online(known, Desk(RunState.JOINING), hands), minutes)
        assert fewest <= sum(hands.pauses) <= fewest + 10


def test_a_third_party_that_restarts_is_waited_for(known):
    """A silence of some minutes is borne, a longer one is not; other refusals are said at once."""

    class Away(Desk):
        def __init__(self, hands: Hands, minutes: int) -> None:
            super().__init__(RunState.SENDING)
            self.hands, self.back = hands, NOW + timedelta(minutes=minutes)

        def run(self, run: str) -> Any:
            if self.hands() < self.back:
                raise ServiceError("E_CONNEXION", "absent")
            return super().run(run)

    hands = Hands()
    assert until(online(known, Away(hands, 10), hands)).state is RunState.SENDING
    for minutes, limit in ((20, None), (1, 0)):
        hands = Hands()
        with pytest.raises(ServiceError, match="E_CONNEXION"):
            until(online(known, Away(hands, minutes), hands), limit)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (RunState.CANCELLED, "E_CROISEMENT_TERMINE"),
        (RunState.EXPIRED, "E_CROISEMENT_TERMINE"),
        (RunState.FAILED, "E_BLOC_TROP_GRAND"),
    ],
)
def test_a_dead_run_is_not_waited_for(known, state, code):
    """Its end has a code, that of its failure when there is one."""
    with pytest.raises(ServiceError) as refusal:
        until(online(known, Desk(RunState.JOINING, state)))
    assert code == refusal.value.code


def test_signatures_that_arrive_are_kept_and_judged(known):
    """What the third party relays is believed only if the pinned key made it."""
    theirs = known.agreement.signature(known.keyring("cnam").identity().signing_key)
    forged = known.agreement.signature(Identity.generate("cnam", "CNAM").signing_key)
    for signature, good in ((forged, False), (theirs, True)):
        connection = online(known, Desk(RunState.OPENED, agreement=known.agreement, signatures={"cnam": signature}))
        if good:
            stored = connection.active(known.agreement.identifier)
            assert to_base64(theirs) == to_base64(stored.signatures["cnam"])
        else:
            with pytest.raises(ServiceError, match="E_SIGNATURE"):
                connection.active(known.agreement.identifier)


def test_an_agreement_holds_between_its_dates(known):
    """The office judges by its own clock; what was agreed for another time can still be read."""
    valid, second = known.agreement.valid, timedelta(seconds=1)
    moments = [valid.not_before - second, valid.not_before, valid.not_after - second, valid.not_after]
    for moment, good in zip(moments, (False, True, True, False), strict=True):
        connection = online(known, Desk(RunState.OPENED, agreement=known.agreement), Hands(moment))
        assert known.agreement == connection.signed(known.agreement.identifier).agreement
        if good:
            assert known.agreement == connection.active(known.agreement.identifier).agreement
        else:
            with pytest.raises(ServiceError, match="E_VALIDITE"):
                connection.active(known.agreement.identifier)


def test_runs_are_counted_here(tmp_path):
    """A run that was encoded once counts, even undone; the run itself and those of other agreements do not."""
    known = scene(tmp_path)
    connection = online(known, Desk(RunState.OPENED))
    for run, agreement in (("a" * 32, "00" * 32), (RUN, known.agreement.identifier)):
        folder = RunFolder(known.homes["cnaf"] / "runs" / run)
        folder.create(agreement)
        connection.check_quota(known.agreement)
        folder.mark("encoded", "2026-11-20T09:30:00Z")
        folder.undo("encoded", "sent")
    connection.check_quota(known.agreement, RUN)
    for other in (None, "b" * 32):
        with pytest.raises(ServiceError, match="E_QUOTA_CROISEMENTS"):
            connection.check_quota(known.agreement, other)


def test_another_run_is_refused(known):
    """A third party that answers about another run is found out, before anything is approved for it."""

    class Elsewhere(Desk):
        def run(self, run: Any) -> Any:
            return Desk.run(self, "ff" * 16)

    connection = online(known, Elsewhere(RunState.SENDING))
    for ask in (lambda: connection.run(RUN), lambda: until(connection)):
        with pytest.raises(ServiceError, match="E_REPONSE"):
            ask()


def test_another_document_is_refused(known):
    """A third party that answers with another agreement is found out."""
    other = replace(known.agreement, nonce="11" * 16)
    with pytest.raises(ServiceError, match="E_REPONSE"):
        online(known, Desk(RunState.OPENED, agreement=other)).active(known.agreement.identifier)


def test_an_agreement_for_another_third_party_is_refused(known):
    """Pinning a new third party does not carry old agreements along."""
    connection = online(known, Desk(RunState.OPENED, agreement=known.agreement))
    moved = replace(connection.third_party, identity=Identity.generate("tiers", "Autre").public)
    with pytest.raises(ServiceError, match="E_TIERS_DIFFERENT"):
        replace(connection, third_party=moved).active(known.agreement.identifier)


def test_connecting_needs_a_pinned_third_party(tmp_path):
    """Without one, the command to run is said."""
    office = Office(home=tmp_path, terminal=Terminal(), clock=lambda: NOW, sleep=lambda _: None)
    with pytest.raises(ServiceError, match="E_TIERS_NON_EPINGLE"), connect(office):
        pass
