"""Three administrations and a third party in one process: the tool of each, driven through the API, on `a & b - c`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crypto.framing import to_base64
from crypto.keys import PublicIdentity
from linkage.records import read_records
from service.administration import exchange, jetons, joiner, outbox
from service.administration.client import Client
from service.administration.conventions import StoredAgreement, Terms, build_agreement
from service.administration.inbox import Collected, collect_hits
from service.administration.objectors import Attached
from service.administration.payload import written
from service.administration.run_folder import RunFolder
from service.administration.seat import Seat
from service.agreement import Agreement
from service.demarche import parse_demarche
from service.guard_terms import GuardTerms
from service.messages import Acknowledgement, Approval
from tests.partners import people_csv
from tests.risk_reports import RISK
from tests.simulator import BASE, START, Administration, Simulation

OPERANDS = {"caf": "a", "cnous": "b", "dgfip": "c"}
PEOPLE = {"caf": 0, "cnous": 50, "dgfip": 100}  # first of 150 people: a and b share 100, of whom c has 50
COUNT = 150
_COLUMNS = """id = "identifiant"
nom_naissance = "nom_naissance"
nom_usage = "nom_usage"
prenoms = "prenoms"
sexe = "sexe"
date_naissance = { colonne = "date_naissance", format = ["JJ/MM/AAAA"] }
cog_commune_naissance = "cog_commune_naissance"
cog_pays_naissance = "cog_pays_naissance"
"""


def demarche_text(expression: str = "a & b - c", *, payload: bool = True) -> str:
    """A démarche of three operands, as people write it."""
    kind = "composition" if "&" in expression else "anti_jointure"
    told = '["date_fin"]' if payload else "[]"
    covered = (
        '[habilitation]\ntexte = "décret d\'essai"\noperande = "b"\nchamps = ["date_fin", "taux"]\noctets = 40\n'
        if payload
        else ""
    )
    parties = "".join(
        f'[parties.{name}]\norganismes = ["{name.upper()}"]\nrole = "source"\nselection = "tous"\n' for name in "abc"
    )
    fresh = "".join(
        f'[regle.fraicheur.{name}]\nage_max = "P30D"\nabsence_fiable = true\n'
        for name in "bc"
        if f"- {name}" in expression
    )
    columns = "".join(f"[colonnes.{name}]\n{_COLUMNS}" for name in "abc")
    return f"""version = "demarche/v1"
id = "essai"
titre = "Essai à trois"
finalite = "attribution"
charge_utile = {told}
canaux = ["courrier"]
repli_sans_numerique = ["courrier"]
{covered}[fondement]
crpa = "L114-8-II"
textes = ["texte d'essai"]
publication_liste = true
{parties}[regle]
type = "{kind}"
expression = "{expression}"
{fresh}[identite]
profil = "P1"
seuil = "attribution"
politique_zone_grise = "information_seule"
{columns}[livraison]
resultats_a = "a"
[conservation]
resultats = "P12M"
traces = "P36M"
opposition = "P24M"
[action]
mode = "attribution_sauf_refus"
delai_refus = "P30D"
"""


def dated_people(path: Path, first: int) -> Path:
    """A file of 150 invented people, each with a date to be told."""
    people_csv(path, COUNT, first=first)
    head, *lines = path.read_text("utf-8").splitlines()
    dated = [f"{line};2027-01-{1 + number % 28:02}" for number, line in enumerate(lines, first)]
    path.write_text("\n".join([f"{head};date_fin", *dated]) + "\n", encoding="utf-8")
    return path


@dataclass
class ThreeParties:
    """A run of three administrations, step by step; `caf` receives and `joiner` applies its rule, unless `joiners` say else."""

    sim: Simulation
    folder: Path
    joiner: str = "dgfip"
    text: str = field(default_factory=demarche_text)
    run: str = ""
    guards: GuardTerms | None = None
    joiners: Mapping[str, str] | None = None
    objections: Mapping[str, int] = field(default_factory=dict)
    objecting: Mapping[str, Sequence[int]] = field(default_factory=dict)  # party → people of its file

    def __post_init__(self) -> None:
        """Sign the agreement and open the run."""
        self.parties: dict[str, Administration] = {
            one.party: one for one in (self.sim.caf, self.sim.cnous, self.sim.dgfip)
        }
        self.agreement = self._agreed()
        self.run = self.parties["caf"].post("/runs", {"agreement": self.agreement.identifier}, 201)["run"]
        self.seats = {party: self._seat(party) for party in self.parties}
        self.clients = {
            party: Client(
                BASE,
                one.identity,
                clock=self.sim.clock,
                sleep=lambda _: None,
                transport=self.sim.http._transport,
            )
            for party, one in self.parties.items()
        }

    def pinned(self, party: str) -> PublicIdentity:
        return self.parties[party].identity.public

    def declare(self, party: str, kind: type[Any], path: str) -> None:
        statement = kind(agreement=self.agreement.identifier, run=self.run, party=party)
        self.clients[party].declare(self.run, path, statement.signed(self.parties[party].identity.signing_key))

    def join(self) -> None:
        """Approve, exchange and confirm keys."""
        for party in ("cnous", "dgfip"):
            self.declare(party, Approval, "approval")
        self.sim.work()
        self._each(exchange.post_shares)
        self._each(exchange.collect_keys)
        assert all(exchange.confirmed(seat, self.clients[party]) for party, seat in self.seats.items())

    def encode(self) -> None:
        """Every file, with its payload; the run keys are kept aside, for tests that look further."""
        self.keys = {
            party: {one.id: seat.folder.secret("key", one.id) or b"" for one in seat.comparisons}
            for party, seat in self.seats.items()
        }
        for party, seat in self.seats.items():
            records = read_records(self.file_of(party), seat.stored.demarche.sheet(), seat.operand, extra=("date_fin",))
            told = [one.payload_bytes for one in seat.comparisons if one.source == party and one.payload_bytes]
            payloads = written([records.extra["date_fin"]], told[0]) if told else ()
            objecting = np.isin(records.ids, [f"D{number:05}" for number in self.objecting.get(party, ())])
            outbox.encode(seat, records, risk=RISK, attached=Attached(payloads=payloads, objecting=objecting))

    def send(self) -> None:
        """Every upload."""
        for party, seat in self.seats.items():
            signed = self.clients[party].worker_key(self.run)
            worker = outbox.open_worker_key(seat, self.sim.third_party, signed)
            outbox.send(seat, self.clients[party], worker)

    def delivered(self) -> ThreeParties:
        """All steps up to the deliveries."""
        self.join()
        self.encode()
        self.send()
        self.sim.work()
        assert "delivered" == self.state()
        return self

    def combined(self) -> Collected:
        """The table, the rule, the hits."""
        return self.collected("caf")

    def collected(self, party: str) -> Collected:
        """What a party receives, from its joiner where it has one."""
        seat, client = self.seats[party], self.clients[party]
        if seat.joiner is None:
            return collect_hits(seat, client, self.sim.third_party)
        jetons.post_jetons(seat, client)
        joiner.combine(self.seats[seat.joiner], self.clients[seat.joiner], self.sim.third_party, party)
        return jetons.collect_joined(seat, client)

    def people(self, party: str, marks: object) -> list[int]:
        """The people of a party's file that are marked."""
        names = list(self.seats[party].folder.identifiers())
        return sorted(int(names[place][1:]) for place in np.flatnonzero(marks))  # type: ignore[arg-type]

    def acknowledge(self, party: str) -> None:
        self.declare(party, Acknowledgement, "acknowledgement")

    def state(self) -> str:
        return str(self.parties["caf"].get(f"/runs/{self.run}")["state"])

    def file_of(self, party: str) -> Path:
        """150 invented people, with a date that only `cnous` may tell."""
        path = self.folder / f"{party}.csv"
        return path if path.exists() else dated_people(path, PEOPLE[party])

    def _agreed(self) -> Agreement:
        demarche = parse_demarche(self.text)
        terms = Terms(
            holders={operand: (party,) for party, operand in OPERANDS.items()},
            sizes=dict.fromkeys(OPERANDS, COUNT),
            profile="standard",
            authorisation="décision",
            dpia="AIPD",
            max_runs=3,
            not_before=START,
            not_after=START.replace(year=START.year + 1),
            nonce="00" * 16,
            joiners={"caf": self.joiner} if self.joiners is None else self.joiners,
            guards=self.guards,
            objections=self.objections,
        )
        agreement = build_agreement(demarche, terms, self.pinned, self.sim.third_party)
        signatures = {
            party: to_base64(agreement.signature(one.identity.signing_key)) for party, one in self.parties.items()
        }
        body = {"document": agreement.to_json(), "signature": signatures["caf"]}
        self.parties["caf"].post("/agreements", body, 201)
        for party in ("cnous", "dgfip"):
            path = f"/agreements/{agreement.identifier}/signatures"
            self.parties[party].post(path, {"signature": signatures[party]})
        return agreement

    def _seat(self, party: str) -> Seat:
        folder = RunFolder(self.folder / party / "runs" / self.run)
        folder.create(self.agreement.identifier)
        stored = StoredAgreement(agreement=self.agreement, demarche=parse_demarche(self.text), signatures={})
        return Seat(identity=self.parties[party].identity, stored=stored, folder=folder, pins=self.pinned)

    def _each(self, step: Callable[[Seat, Client], Any]) -> None:
        for party, seat in self.seats.items():
            step(seat, self.clients[party])
