"""A desk with a journal, filled with results of invented people: for tests of the journal and of campaigns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from crypto.signatures import SigningKey
from service.administration.journal.ledger import Collection, Ledger, open_ledger
from service.administration.journal.purging import Signer

TODAY = date(2026, 11, 20)
RUN = "ab" * 16
NAME = f"{RUN}/resultats"

LETTERHEAD = """\
version = "entete/v1"
expediteur = "Caisse d'allocations familiales de la Creuse"
court = "CAF 23"
lien = "https://caf23.gouv.fr/droits"
domaines = ["caf23.gouv.fr"]
telephone = "3230"
adresse = ["1 place de la République", "23000 Guéret"]
dpo = "dpo@caf23.gouv.fr"
sans_numerique = "dans un espace France services"
"""


def moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@dataclass
class Desk:
    """An administration's home, a day that a test moves, a key that signs."""

    home: Path
    today: date = TODAY
    key: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def signer(self) -> Signer:
        return Signer(party="cnaf", key=self.key, clock=lambda: moment(self.today))

    def fill(
        self, people: int, *, name: str = NAME, demarche: str = "c2s-rsa", until: date = date(2027, 11, 20)
    ) -> None:
        """A collection of people P0, P1…, even ones for an award."""
        hits = [(f"P{n}", "information" if n % 2 else "attribution", {"rang": str(n)}) for n in range(people)]
        with open_ledger(self.home) as ledger:
            ledger.add_collection(collection(name, demarche, until), hits)

    def identifiers(self, ledger: Ledger, name: str = NAME) -> list[str]:
        return sorted(one.identifier for one in ledger.hits(name))


def collection(name: str = NAME, demarche: str = "c2s-rsa", until: date = date(2027, 11, 20)) -> Collection:
    return Collection(
        name=name, agreement="cd" * 32, demarche=demarche, title="Titre de la démarche", eligible=400,
        collected=TODAY, until=until,
    )  # fmt: skip
