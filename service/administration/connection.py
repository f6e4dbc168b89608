"""An office that is online: the pinned third party, a client that signs as this party, and patience.

Waiting is polling: a fifth of a second at first, up to ten seconds, until what is waited for is there, the run is dead,
or the agent's time limit is over. What is waited for may take days; every command can be stopped and run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from crypto.keys import PublicIdentity
from service.administration.app import Office
from service.administration.client import Client
from service.administration.conventions import AgreementStore, StoredAgreement
from service.administration.keyring import ThirdParty
from service.administration.run_folder import runs_of
from service.administration.verify import LogWatch
from service.agreement import Agreement
from service.answers import AgreementView, RunView
from service.errors import ServiceError
from service.forms import write_time
from service.messages import RunState

__all__ = ["DEAD", "Connection", "connect"]

DEAD = {
    RunState.CANCELLED: "a été annulé",
    RunState.EXPIRED: "a dépassé son délai",
    RunState.FAILED: "a échoué",
}
_FIRST_PAUSE = 0.2  # seconds
_LONGEST_PAUSE = 10.0
_LONGEST_SILENCE = timedelta(minutes=15)  # of a third party that restarts, or of a network that comes and goes
_AWAY = ("E_CONNEXION", "E_INDISPONIBLE")
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """An office, its third party and a client to it."""

    office: Office
    third_party: ThirdParty
    client: Client
    watch: LogWatch
    asked: set[str] = field(default_factory=set)  # parties whose keys were asked for in this command

    @property
    def party(self) -> str:
        """This party."""
        return self.office.keyring.identity().party

    @property
    def store(self) -> AgreementStore:
        """The agreements of this office."""
        return AgreementStore(self.office.home)

    def pins(self, party: str) -> PublicIdentity:
        """The pinned identity of a party, with the keys that followed its own as far as it has told anybody."""
        pinned = self.office.keyring.pinned(party)
        if party == self.party or party in self.asked:
            return pinned
        try:
            chain = self.client.keys(party)
        except ServiceError as error:
            if error.code != "E_INTROUVABLE":  # no agreement with it is known there yet: no key of it either
                raise
            return pinned
        self.asked.add(party)
        return self.office.keyring.follow(party, chain)

    def refreshed(self, identifier: str) -> StoredAgreement:
        """An agreement of this office with the signatures that arrived since; none is believed yet."""
        stored = self.store.load(identifier)
        view = self.client.agreement(stored.agreement.identifier)
        self.check_same(view, stored.agreement.identifier)
        if dict(view.signatures) == dict(stored.signatures):
            return stored
        return self.store.update(stored, {**stored.signatures, **view.signatures})

    def active(self, identifier: str) -> StoredAgreement:
        """An agreement that every party has signed with its pinned key, for this third party, and that holds now.

        Raises:
            ServiceError: `E_CONVENTION_INACTIVE`, `E_SIGNATURE`, `E_TIERS_DIFFERENT`, `E_VALIDITE`.
        """
        stored = self.signed(identifier)
        valid, now = stored.agreement.valid, self.office.clock()
        if not valid.not_before <= now < valid.not_after:
            sentence = (
                f"la convention vaut du {write_time(valid.not_before)} au {write_time(valid.not_after)} ; hors de ces "
                "dates, concluez-en une autre"
            )
            raise ServiceError("E_VALIDITE", sentence)
        return stored

    def check_quota(self, agreement: Agreement, run: str | None = None) -> None:
        """Refuse a run more than the agreement allows, by what this office encoded: nobody else counts for it.

        Args:
            agreement: that the run is under.
            run: the one about to go on; None for one that is not open yet.

        Raises:
            ServiceError: `E_QUOTA_CROISEMENTS`.
        """
        held = runs_of(self.office.home, agreement.identifier)
        if sum(one.ever("encoded") for one in held if one.run != run) >= agreement.max_runs:
            sentence = (
                f"ce poste a déjà encodé pour {agreement.max_runs} croisement(s) de cette convention, qui n'en permet "
                "pas d'autre ; concluez-en une nouvelle"
            )
            raise ServiceError("E_QUOTA_CROISEMENTS", sentence)

    def signed(self, identifier: str) -> StoredAgreement:
        """An agreement that every party has signed with its pinned key, for this third party, at whatever time.

        Raises:
            ServiceError: `E_CONVENTION_INACTIVE`, `E_SIGNATURE`, `E_TIERS_DIFFERENT`.
        """
        stored = self.refreshed(identifier)
        named = stored.agreement.third_party
        if named.fingerprint != self.third_party.identity.fingerprint:
            raise ServiceError(
                "E_TIERS_DIFFERENT", f"la convention désigne un autre tiers de confiance : « {named.party} »"
            )
        stored.check_active(self.pins)
        return stored

    def run(self, run: str) -> RunView:
        """What the third party says of a run.

        Raises:
            ServiceError: `E_REPONSE`: it speaks of another one.
        """
        view = self.client.run(run)
        if view.run != run:
            raise ServiceError("E_REPONSE", "le tiers de confiance a rendu un autre croisement que celui demandé")
        return view

    @staticmethod
    def check_same(view: AgreementView, identifier: str) -> None:
        """Refuse a document that is not the one asked for.

        Raises:
            ServiceError: `E_REPONSE`.
        """
        if view.document.identifier != identifier:
            raise ServiceError(
                "E_REPONSE", "le tiers de confiance a rendu un autre document que la convention demandée"
            )

    def poll(self, sentence: str, probe: Callable[[], _T | None], minutes: float | None) -> _T:
        """Ask again and again until there is an answer.

        Args:
            sentence: what is waited for; said once.
            probe: None while there is no answer.
            minutes: the agent's limit; None waits for ever.

        Raises:
            ServiceError: `E_PATIENTER` when time is over, or what `probe` refuses.
        """
        limit = None if minutes is None else self.office.clock() + timedelta(minutes=minutes)
        pause, said, heard = _FIRST_PAUSE, False, self.office.clock()
        while True:
            away: ServiceError | None = None
            try:
                answer = probe()
                heard = self.office.clock()
            except ServiceError as error:
                if error.code not in _AWAY or self.office.clock() - heard > _LONGEST_SILENCE:
                    raise
                answer, away = None, error
            if answer is not None:
                return answer
            self.watch.check()
            if not said:
                self.office.terminal.note(sentence)
                said = True
            if limit is not None and self.office.clock() >= limit:
                raise away or ServiceError("E_PATIENTER", f"{sentence} ; relancez la même commande plus tard")
            self.office.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def wait(self, run: str, sentence: str, ready: Callable[[RunView], bool], minutes: float | None) -> RunView:
        """Poll a run until it is ready.

        Args:
            run: its identifier.
            sentence: what is waited for.
            ready: judges each view of the run.
            minutes: the agent's limit.

        Raises:
            ServiceError: `E_CROISEMENT_TERMINE` for a dead run (or the code of its failure); see `poll`.
        """

        def probe() -> RunView | None:
            view = self.run(run)
            if ready(view):
                return view
            if view.state in DEAD:
                sentence = f"le croisement {run} {DEAD[view.state]} ; effacez les clés locales : run close {run}"
                raise ServiceError(view.failure or "E_CROISEMENT_TERMINE", sentence)
            return None

        return self.poll(sentence, probe, minutes)


@contextmanager
def connect(office: Office) -> Iterator[Connection]:
    """A connection to the pinned third party, for the length of a command."""
    third_party = office.keyring.third_party()
    watch = LogWatch(office.home, third_party)
    identity = office.keyring.identity()
    with Client(
        third_party.url,
        identity,
        clock=office.clock,
        sleep=office.sleep,
        on_note=lambda note: watch.noted(note, client),
    ) as client:
        yield Connection(office=office, third_party=third_party, client=client, watch=watch)
        watch.check()
