"""The administration's own file of contacts, read for one export and kept nowhere, and who is written to by which channel.

CSV (`;`, `,` or tabulation, UTF-8 or Windows-1252). Columns: `identifiant`, and of these what there is: `contact` (identifier
of who is told in place of the person), `foyer`, `civilite`, `nom`, `prenom`, `courriel`, `mobile`, `telephone`,
`adresse1`…`adresse6`, `canal_prefere`, `langue`, `deces`, `echeance` (AAAA-MM-JJ or JJ/MM/AAAA), `espace` (oui: has a personal
space), `accompagnant`, and the pivot identity of `ami`. Others are kept where the démarche lists them for its messages.

One message a contact: hits whose contact, or household where the démarche says so, is the same person share it. The channel
is the one that the person prefers if the démarche has it and it reaches them, else the first of the démarche that does;
somebody whom none of them reaches gets the démarche's way without internet.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from service.administration.campaign.ami import PIVOT
from service.errors import ServiceError

__all__ = ["Contact", "channel_of", "read_contacts"]

_MOBILE = re.compile(r"0[67]\d{8}")
_PHONE = re.compile(r"0[1-9]\d{8}|00[1-9]\d{7,14}|3\d{3}")
_MAIL = re.compile(r"[^@\s;,]+@[^@\s;,]+\.[^@\s;,.]{2,}")
_SEPARATORS = (";", ",", "\t")
_ADDRESS = tuple(f"adresse{number}" for number in range(1, 7))
_YES = ("oui", "1", "vrai", "o", "x")
# What of a contact a channel needs; others need nothing but the file.
_NEEDS = {
    "sms": "mobile", "courriel": "mail", "courrier": "address", "espace_usager": "space", "application": "pivot",
    "appel_sortant": "phone", "telephone": "phone", "accompagnant": "helper",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One row of the file.

    Attributes:
        identifier: of the person.
        told: identifier of who is told.
        named: whether the file says who is told.
        household: or an empty text.
        name: title, first name and surname, as they are written on a letter.
        mail, mobile, phone, helper: how to reach them; empty where there is none, or one that cannot be right.
        address: lines.
        space: whether they have a personal space.
        prefers: a channel, or an empty text.
        language: ISO 639 code.
        dead: whether they died.
        due: their own due date.
        values: other columns.
        pivot: the identity by which the State's application knows them; empty where the file does not have it whole.
    """

    identifier: str
    told: str
    named: bool = False
    household: str = ""
    name: str = ""
    mail: str = ""
    mobile: str = ""
    phone: str = ""
    helper: str = ""
    address: tuple[str, ...] = ()
    space: bool = False
    prefers: str = ""
    language: str = "fr"
    dead: bool = False
    due: date | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    pivot: Mapping[str, str] = field(default_factory=dict)

    def key(self, *, household: bool) -> str:
        """What the hits of one message share."""
        return f"foyer {self.household}" if household and self.household else self.told


def channel_of(
    contact: Contact, channels: Sequence[str], fallback: Sequence[str], barred: Collection[str] = ()
) -> str | None:
    """The channel of a contact; None when nothing reaches them.

    Args:
        contact: who is told.
        channels: of the démarche, in its order.
        fallback: its ways without internet, in its order.
        barred: channels from which messages came back.
    """
    open_ones = [one for one in channels if one not in barred]
    for one in (contact.prefers, *open_ones):
        if one in open_ones and _reaches(contact, one):
            return one
    return next((one for one in fallback if one not in barred and _reaches(contact, one)), None)


def read_contacts(path: Path, fields: Sequence[str] = (), due: str = "echeance") -> dict[str, Contact]:
    """The contacts of a file, by identifier.

    Args:
        path: CSV.
        fields: other columns to keep, where they are there.
        due: column of the due date where there is no `echeance`: that of the démarche's trigger.

    Raises:
        ServiceError: `E_CONTACTS`, which says the line and never a value.
    """
    rows = csv.DictReader(io.StringIO(text := _decoded(path)), delimiter=_separator(text))
    names = [name.strip().lower() for name in rows.fieldnames or []]
    if "identifiant" not in names or len(set(names)) != len(names):
        raise ServiceError(
            "E_CONTACTS",
            "le fichier des contacts doit avoir une colonne « identifiant », et chaque colonne une seule fois",
        )
    rows.fieldnames = names
    found: dict[str, Contact] = {}
    for line, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise ServiceError("E_CONTACTS", f"ligne {line} : pas le même nombre de cellules que l'en-tête")
        contact = _contact({name: (value or "").strip() for name, value in row.items()}, fields, due, line)
        if contact.identifier in found:
            raise ServiceError("E_CONTACTS", f"ligne {line} : cet identifiant est déjà là ; une ligne par personne")
        found[contact.identifier] = contact
    return found


def _contact(row: Mapping[str, str], fields: Sequence[str], due: str, line: int) -> Contact:
    if not row["identifiant"]:
        raise ServiceError("E_CONTACTS", f"ligne {line} : identifiant vide")
    phone, mobile = (_digits(row.get(name, "")) for name in ("telephone", "mobile"))
    mail, helper = row.get("courriel", ""), row.get("accompagnant", "")
    return Contact(
        identifier=row["identifiant"],
        told=row.get("contact") or row["identifiant"],
        named=bool(row.get("contact")),
        household=row.get("foyer", ""),
        name=" ".join(row[one] for one in ("civilite", "prenom", "nom") if row.get(one)),
        mail=mail if _MAIL.fullmatch(mail) else "",
        mobile=mobile if _MOBILE.fullmatch(mobile) else "",
        phone=phone if _PHONE.fullmatch(phone) else mobile if _PHONE.fullmatch(mobile) else "",
        helper=helper if _MAIL.fullmatch(helper) else "",
        address=tuple(row[one] for one in _ADDRESS if row.get(one)),
        space=row.get("espace", "").lower() in _YES,
        prefers=row.get("canal_prefere", ""),
        language=row.get("langue") or "fr",
        dead=bool(row.get("deces")) and row["deces"].lower() not in ("non", "0", "faux"),
        due=_day(row.get("echeance") or row.get(due.lower(), ""), line),
        values={one: row[one.lower()] for one in fields if one.lower() in row},
        pivot=_pivot(row),
    )


def _pivot(row: Mapping[str, str]) -> dict[str, str]:
    values = {name: row.get(name, "") for name in PIVOT}
    return values if all(value for name, value in values.items() if name != "birthplace") else {}


def _reaches(contact: Contact, channel: str) -> bool:
    return channel not in _NEEDS or bool(getattr(contact, _NEEDS[channel]))


def _day(text: str, line: int) -> date | None:
    if not text:
        return None
    try:
        day, month, year = text.split("/") if "/" in text else reversed(text.split("-"))
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ServiceError(
            "E_CONTACTS", f"ligne {line} : échéance illisible ; écrivez AAAA-MM-JJ ou JJ/MM/AAAA"
        ) from None


def _digits(text: str) -> str:
    """A number without signs, so that no spreadsheet takes it for a formula: a French one from 0, another from 00."""
    digits = re.sub(r"^\+", "00", re.sub(r"[\s.\-()]", "", text))
    return re.sub(r"^0033(?=[1-9]\d{8}$)", "0", digits)


def _separator(text: str) -> str:
    head = text.partition("\n")[0]
    return max(_SEPARATORS, key=head.count)


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    if b"\0" in data:
        raise ServiceError(
            "E_CONTACTS", "le fichier des contacts n'est pas un CSV UTF-8 ou Windows-1252 : l'enregistrer ainsi"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
