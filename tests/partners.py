"""Two administrations and a third party on disk, an agreement between them and a run that is joined: for tests."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crypto.keys import Identity, RunKey, fresh_share
from crypto.signatures import SigningKey
from service.administration.conventions import AgreementStore, Terms, build_agreement
from service.administration.keyring import Keyring, ThirdParty
from service.administration.run_folder import RunFolder
from service.administration.seat import Seat
from service.agreement import Agreement
from service.demarche import demarche_text, load_demarche

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
RUN = "0123456789abcdef0123456789abcdef"
SIZES = {"cnaf": 150, "cnam": 150}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything two administrations need before a run.

    `homes` by party; the third party's private keys are here so that a test can play its part.
    """

    homes: dict[str, Path]
    third_party: Identity
    log_key: SigningKey
    agreement: Agreement

    def keyring(self, party: str) -> Keyring:
        return Keyring(self.homes[party])

    def pinned(self) -> ThirdParty:
        return self.keyring("cnaf").third_party()

    def seat(self, party: str, *, key: RunKey | None = None) -> Seat:
        """A seat in the run; with `key`, as after a join."""
        keyring = self.keyring(party)
        folder = RunFolder(self.homes[party] / "runs" / RUN)
        folder.create(self.agreement.identifier)
        stored = AgreementStore(self.homes[party]).load(self.agreement.identifier)
        if key is not None:
            folder.keep_secrets("key", {"cnaf.cnam": key})
        return Seat(identity=keyring.identity(), stored=stored, folder=folder, pins=keyring.pinned)


def terms(**changes: object) -> Terms:
    """Terms of the agreement of these tests."""
    members: dict[str, object] = {
        "holders": {"rsa": ("cnaf",), "c2s": ("cnam",)},
        "sizes": SIZES,
        "profile": "standard",
        "authorisation": "décision 2026-12",
        "dpia": "AIPD-7",
        "max_runs": 1,
        "not_before": NOW,
        "not_after": NOW + timedelta(days=90),
        "nonce": "00" * 16,
    }
    return Terms(**{**members, **changes})  # type: ignore[arg-type]


def scene(folder: Path) -> Scene:
    """Homes with identities and pins, and an agreement that both have signed."""
    homes = {party: folder / party for party in SIZES}
    third_party, log_key = Identity.generate("tiers", "Tiers de confiance"), SigningKey.generate()
    for party, home in homes.items():
        Keyring(home).create(party, party.upper())
    pinned = ThirdParty(url="http://127.0.0.1:1", identity=third_party.public, log_key=log_key.verify_bytes())
    for party, home in homes.items():
        other = Keyring(homes["cnam" if party == "cnaf" else "cnaf"]).identity().public
        Keyring(home).pin(other, other.fingerprint)
        Keyring(home).pin_third_party(pinned, third_party.public.fingerprint)
    keyring = Keyring(homes["cnaf"])
    agreement = build_agreement(load_demarche("c2s-rsa"), terms(), keyring.pinned, third_party.public)
    signatures = {party: agreement.signature(Keyring(home).identity().signing_key) for party, home in homes.items()}
    for home in homes.values():
        AgreementStore(home).save(agreement, signatures, demarche_text("c2s-rsa"))
    return Scene(homes=homes, third_party=third_party, log_key=log_key, agreement=agreement)


def run_key_of_test() -> RunKey:
    """A key as two parties would derive one."""
    return RunKey(fresh_share())


_SYLLABLES = [first + vowel for first in "bcdfglmnprstv" for vowel in ("a", "é", "i", "o", "ou", "an", "er")]


def people_csv(path: Path, count: int, *, first: int = 0) -> Path:
    """A file of invented people, numbered from `first`: the same number is the same person."""
    lines = ["identifiant;nom_naissance;nom_usage;prenoms;sexe;date_naissance;cog_commune_naissance;cog_pays_naissance"]
    lines[0] += ";rsa_en_paiement;option_contraire;droit_ouvert;demande_en_cours"
    flags = "oui;non;oui;non"  # in the selections of both operands
    for number in range(first, first + count):
        draw = random.Random(number)
        name, given = ("".join(draw.sample(_SYLLABLES, 3)).capitalize() for _ in range(2))
        born = f"{draw.randint(1, 28):02}/{draw.randint(1, 12):02}/{draw.randint(1940, 2006)}"
        lines.append(
            f"D{number:05};{name};;{given};{draw.choice('MF')};{born};{draw.randint(1001, 95690):05};99100;{flags}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
