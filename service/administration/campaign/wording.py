"""What a message may say, judged on the text that leaves, and how many SMS it takes.

*Public* texts (SMS, notification, subject of an e-mail) may be read over a shoulder: no amount, no national number, no status,
no word of health, one institutional link at most. *Private* ones (letter, body of an e-mail, personal space, what an agent
says) may name the right itself, never an amount, a national number or a link that is not institutional.

An SMS is 160 characters of the GSM 03.38 alphabet, 153 each where it takes several; one character outside of it (ê, ç, œ, curly
quotes) makes all of it UCS-2: 70 and 67. `plain` writes French in that alphabet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import ServiceError

__all__ = ["SmsSize", "check_links", "check_private", "check_public", "plain", "sms_size"]

_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_LONG = set("^{}\\[~]|€")  # two places each
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "…": "...", "–": "-", "—": "-", "œ": "oe", "Œ": "OE"}
)
_SPACES = re.compile(r"[\u00a0\u202f\u2009]")
_AMOUNT = re.compile(r"\d[\d\s.,]*(?:€|euros?\b|eur\b)|(?:€|\beuros?\b)\s*\d")
_NIR = re.compile(r"\b[12]\s?\d{2}\s?(?:0[1-9]|1[0-2]|[2-9]\d)\s?(?:\d{2}|2[ab])\s?\d{3}\s?\d{3}(?:\s?\d{2})?\b")
_LINK = re.compile(r"https?://([^\s/?#]+)[^\s]*|\bwww\.([^\s/?#]+)[^\s]*")
_STATUS = (
    "rsa", "aah", "aeeh", "apa", "pch", "asi", "aspa", "css", "c2s", "boursier", "boursiers", "boursiere", "bourse",
    "allocataire", "allocataires", "chomeur", "chomage", "demandeur d'emploi", "refugie", "refugies",
    "protection internationale", "asile", "minima", "precarite", "precaire", "pauvre", "quotient familial", "surendettement",
    "pension alimentaire", "beneficiaire", "beneficiaires", "non-recours", "faibles revenus", "revenus modestes",
    "tranche",
)  # fmt: skip
_HEALTH = (
    "sante", "maladie", "malade", "medical", "medicale", "medecin", "hopital", "handicap", "handicape", "invalidite", "invalide",
    "grossesse", "enceinte", "vaccin", "soins", "dependance", "diagnostic", "vulnerable", "vulnerables", "ald", "autonomie",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SmsSize:
    """How an SMS is sent.

    Attributes:
        characters: places that it takes.
        segments: that it is sent and paid as.
        alphabet: `GSM-7` or `UCS-2`.
    """

    characters: int
    segments: int
    alphabet: str


def sms_size(text: str) -> SmsSize:
    """How many segments a text takes."""
    if all(one in _GSM or one in _GSM_LONG for one in text):
        places, alone, each, alphabet = sum(2 if one in _GSM_LONG else 1 for one in text), 160, 153, "GSM-7"
    else:
        places, alone, each, alphabet = len(text.encode("utf-16-be")) // 2, 70, 67, "UCS-2"
    segments = 1 if places <= alone else -(-places // each)
    return SmsSize(characters=places, segments=segments, alphabet=alphabet)


def plain(text: str) -> str:
    """French in the alphabet of SMS: what it lacks loses its accent."""
    written = _SPACES.sub(" ", text.translate(_QUOTES))
    return "".join(one if one in _GSM or one in _GSM_LONG else _bare(one) for one in written)


def check_public(text: str, *, names: Sequence[str] = (), domains: Sequence[str] = ()) -> None:
    """Judge a text that anybody may read.

    Args:
        text: as it leaves.
        names: of administrations, which may have any word.
        domains: institutional ones.

    Raises:
        ServiceError: `E_MESSAGE_INTERDIT`, which says what, `E_LIEN_INTERDIT`.
    """
    check_private(text, names=names, domains=domains)
    if len(_links(text)) > 1:
        raise ServiceError("E_LIEN_INTERDIT", "un message court a un seul lien ; retirez les autres")
    words = _folded(_without(text, names))
    for kind, listed in (("le statut de la personne", _STATUS), ("la santé", _HEALTH)):
        found = [one for one in listed if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", words)]
        if found:
            raise _forbidden(f"{kind} (« {found[0]} »)")


def check_private(text: str, *, names: Sequence[str] = (), domains: Sequence[str] = ()) -> None:
    """Judge a text that only its reader sees: no amount, no national number, institutional links only.

    Args:
        text: as it leaves.
        names: of the right ("the meal at 1 euro"), which may have any word.
        domains: institutional ones.

    Raises:
        ServiceError: `E_MESSAGE_INTERDIT`, `E_LIEN_INTERDIT`.
    """
    folded = _folded(_SPACES.sub(" ", _without(text, names)))
    if _AMOUNT.search(folded):
        raise _forbidden("un montant")
    if _NIR.search(folded):
        raise _forbidden("un numéro de sécurité sociale")
    check_links(text, domains)


def check_links(text: str, domains: Sequence[str]) -> None:
    """Refuse every link that does not lead to an institutional domain by https.

    Raises:
        ServiceError: `E_LIEN_INTERDIT`.
    """
    for address, host in _links(text):
        name = host.lower().rstrip(".,;:)")
        known = any(name == one or name.endswith(f".{one}") for one in domains)
        if not known or address.lower().startswith("http://"):
            allowed = ", ".join(domains) or "aucun"
            raise ServiceError(
                "E_LIEN_INTERDIT", f"un lien est en https et mène à un domaine de l'institution : {allowed}"
            )


def _links(text: str) -> list[tuple[str, str]]:
    return [(found[0], found[1] or found[2]) for found in _LINK.finditer(text)]


def _without(text: str, names: Sequence[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        for written in {name, plain(name)} - {""}:
            text = re.sub(re.escape(written), " ", text, flags=re.IGNORECASE)
    return _LINK.sub(" ", text)


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.translate(_QUOTES).lower())
    return "".join(one for one in apart if not unicodedata.combining(one))


def _bare(character: str) -> str:
    kept = "".join(one for one in unicodedata.normalize("NFD", character) if not unicodedata.combining(one))
    return kept if all(one in _GSM for one in kept) else "?"


def _forbidden(what: str) -> ServiceError:
    sentence = (
        f"le message dit ce qu'il ne doit pas dire : {what} ; retirez-le du gabarit ou des colonnes qu'il emploie"
    )
    return ServiceError("E_MESSAGE_INTERDIT", sentence)
