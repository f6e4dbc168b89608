"""What an administration writes once about itself, for all its messages: a TOML file that it keeps.

::

    version = "entete/v1"
    expediteur = "Caisse d'allocations familiales de la Creuse"
    court = "CAF 23"                                    # 11 characters at most: the sender of an SMS
    lien = "https://www.caf.fr/droits"                  # one page: the message, the rights, the answers
    domaines = ["caf.fr"]                               # institutional domains
    telephone = "3230"
    adresse = ["1 place de la République", "23000 Guéret"]
    dpo = "dpo@caf23.caf.fr"
    sans_numerique = "dans un espace France services"   # where people are received

Unknown keys are refused, and a link outside of the domains.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from service.administration.campaign.wording import check_links
from service.closed_table import ClosedTable
from service.errors import ServiceError

__all__ = ["VERSION", "Letterhead", "letterhead_of", "read_letterhead"]

VERSION = "entete/v1"
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_SENDER = re.compile(r"[A-Za-z0-9 ]{2,11}")


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """Who writes.

    Attributes:
        sender: full name.
        short: name that fits an SMS.
        link: the page about this campaign.
        domains: institutional ones.
        telephone: number to call.
        address: lines.
        dpo: how to reach the data protection officer.
        desk: where people without internet are received.
    """

    sender: str
    short: str
    link: str
    domains: tuple[str, ...]
    telephone: str
    address: tuple[str, ...]
    dpo: str
    desk: str


def read_letterhead(text: str) -> Letterhead:
    """The letterhead of a TOML text.

    Raises:
        ServiceError: `E_ENTETE`, `E_CLE_INCONNUE`, `E_LIEN_INTERDIT`.
    """
    try:
        table = ClosedTable(tomllib.loads(text), "[entete]")
    except tomllib.TOMLDecodeError as error:
        raise ServiceError("E_ENTETE", f"l'en-tête n'est pas du TOML valide : {error}") from error
    try:
        if table.text("version") != VERSION:
            raise table.refuse(f'le fichier commence par version = "{VERSION}"')
        head = Letterhead(
            sender=table.text("expediteur"),
            short=table.text("court"),
            link=table.text("lien"),
            domains=table.texts("domaines"),
            telephone=table.text("telephone"),
            address=table.texts("adresse"),
            dpo=table.text("dpo"),
            desk=table.text("sans_numerique"),
        )
        table.close()
    except ServiceError as error:
        raise ServiceError("E_ENTETE" if error.code == "E_DEMARCHE" else error.code, error.message) from None
    return _checked(head)


def _checked(head: Letterhead) -> Letterhead:
    if not _SENDER.fullmatch(head.short):
        sentence = "« court » a de 2 à 11 lettres sans accent, chiffres ou espaces : c'est l'expéditeur des SMS"
        raise ServiceError("E_ENTETE", sentence)
    if not head.domains or not all(_DOMAIN.fullmatch(one) for one in head.domains):
        raise ServiceError("E_ENTETE", "« domaines » : les domaines de l'institution, comme caf.fr, sans http ni /")
    if not head.link.startswith("https://"):
        raise ServiceError("E_LIEN_INTERDIT", "« lien » commence par https://")
    check_links(head.link, head.domains)
    return head


def letterhead_of(path: Path) -> tuple[str, Letterhead]:
    """The text of a file, and the letterhead in it.

    Raises:
        ServiceError: as `read_letterhead`; `E_ENTETE`, no UTF-8.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ServiceError("E_ENTETE", "l'en-tête n'est pas en UTF-8 : enregistrez-le de nouveau en UTF-8") from None
    return text, read_letterhead(text)
