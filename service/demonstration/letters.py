"""Messages of a campaign about the hits of a démarche: counted by channel, as the command writes them, and sent to nobody."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from service.demonstration.premises import Office, Premises
from service.demonstration.town_files import Part
from service.rule_sheet import Demarche

__all__ = ["letters", "sent"]

_HEAD = """version = "entete/v1"
expediteur = "Administration d'essai de la Haute-Vezonne"
court = "ESSAI 96"
lien = "https://www.essai.gouv.fr/droits"
domaines = ["essai.gouv.fr"]
telephone = "3230"
adresse = ["1 place du Banc", "96010 Vezonne"]
dpo = "dpo@essai.gouv.fr"
sans_numerique = "dans un espace France services"
"""
_COUNT = re.compile(r"^(\w+) : (\d+) message\(s\)$", re.MULTILINE)


def letters(folder: Path) -> tuple[str, Path]:
    """The option that names an administration's letterhead."""
    path = folder / "entete.toml"
    if not path.exists():
        path.write_text(_HEAD, encoding="utf-8")
    return "--letterhead", path


def sent(place: Premises, office: Office, demarche: Demarche, part: Part, campaign: str) -> dict[str, int]:
    """Channel → messages that are due on that day; a trial, nothing is noted as sent.

    Args:
        place: where files go.
        office: whose campaign it is.
        demarche: the sheet.
        part: the recipient's file.
        campaign: its name.

    Raises:
        CommandRefused: the contacts or the texts are at fault.
    """
    contacts = place.folder / f"{demarche.id}-{part.operand}-contacts.csv"
    columns = {"identifiant": list(part.ids), "foyer": [f"F{one}" for one in part.entity], **part.contacts}
    if demarche.identity_terms.contact is not None:
        columns["contact"] = list(part.ids)  # a row is a child's, with the addresses of whoever is told
    if not contacts.exists():
        with contacts.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
    out = place.folder / f"{demarche.id}-{campaign[:12].replace('/', '-')}-messages"
    shown = office.run("campaign", "export", campaign, "--contacts", contacts, "--out", out, "--dry-run")
    return {channel: int(count) for channel, count in _COUNT.findall(shown)}
