"""Data that no démarche may name: social security numbers, medical secrecy, national defence (CRPA L114-9 2°).

Names are judged, never values: those of columns, of computed values, of what is told or passed on, and those that a local
expression speaks of; and those of organisations that hold nothing else. A name is split into words at anything but letters,
accents and case aside, so that `taux_incapacite` is caught and `totaux` is not. The lists err on the side of refusal: a
column that is harmless takes another name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from service.errors import ServiceError

__all__ = ["check_filter", "check_names", "check_organisations"]

_NIR = re.compile(r"(^|[^a-z])(nir|nia|nss)([^a-z]|$)|securite_?sociale|num(ero)?_?(secu|ss)|insee_individu")
# Whole words of a name.
_MEDICAL = re.compile(
    r"\b(tension|glycemie|diagnostics?|patholog\w*|ald|medic\w*|ordonnances?|prescriptions?|symptomes?|hospitalis\w*|posolog\w*"
    r"|vaccin\w*|sante|handicap\w*|invalid\w*|incapacite|gir|constantes?|biolog\w*|analyses?|dmp|cancer\w*|diabet\w*|addict\w*"
    r"|psychiatr\w*|patients?)\b"
)
_DEFENCE = re.compile(
    r"\b(defense|armees?|militaires?|regiments?|habilitations?|affectations?|classifie\w*|renseignement|operationnel\w*)\b"
)
_HOSPITALS = re.compile(r"\b(hopital|hopitaux|chu|chr|cliniques?|ehpad|laboratoires?|dmp)\b")
_FORCES = re.compile(r"\b(armees?|minarm|minarmees|dgse|dgsi|drm|drsd|defense)\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names of columns or fields.

    Raises:
        ServiceError: `E_NIR_INTERDIT`, `E_SECRET_MEDICAL`, `E_DEFENSE_NATIONALE`.
    """
    for name in names:
        plain = _plain(name)
        if _NIR.search(plain):
            sentence = (
                f"{where} : le numéro de sécurité sociale n'est jamais encodé ni transmis, même haché ; retirez-le"
            )
            raise ServiceError("E_NIR_INTERDIT", sentence)
        if word := _found(plain, _MEDICAL):
            raise _medical(f"{where} : « {word} » relève du secret médical")
        if word := _found(plain, _DEFENCE):
            raise _defence(f"{where} : « {word} » relève du secret de la défense nationale")


def check_filter(expression: str, where: str) -> None:
    """Refuse a local expression that speaks of such a column; quoted words are values and are left alone."""
    check_names(re.findall(r"[^\W\d]\w*", _QUOTED.sub(" ", expression)), where)


def check_organisations(names: Iterable[str], where: str) -> None:
    """Refuse organisations of which everything is excluded.

    Raises:
        ServiceError: `E_SECRET_MEDICAL`, `E_DEFENSE_NATIONALE`.
    """
    for name in names:
        plain = _plain(name)
        if _found(plain, _HOSPITALS):
            raise _medical(f"{where} : le fichier d'un établissement de santé est couvert par le secret médical")
        if _found(plain, _FORCES):
            raise _defence(f"{where} : le fichier d'un service de défense est couvert par le secret")


def _medical(found: str) -> ServiceError:
    return ServiceError("E_SECRET_MEDICAL", f"{found} et ne s'échange pas (CRPA L114-9 2°) ; retirez cette donnée")


def _defence(found: str) -> ServiceError:
    return ServiceError("E_DEFENSE_NATIONALE", f"{found} et ne s'échange pas (CRPA L114-9 2°) ; retirez cette donnée")


def _plain(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(letter))


def _found(plain: str, words: re.Pattern[str]) -> str | None:
    match = words.search(re.sub(r"[^a-z]+", " ", plain))
    return match[0] if match else None
