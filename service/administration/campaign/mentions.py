"""The mandatory mentions of a first message (CRPA L114-8 II, GDPR 14), long for a letter and short for an SMS.

Purpose, source of the data, rights, objection, data protection officer; for an automatic award also that an algorithm
took part (CRPA L311-3-1, R311-3-1-1), in the texts that announce it. The short ones lead to the page where the long ones stand.
They are written here and nowhere else: templates place them, and `missing` looks for them in the text that leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from service.administration.campaign.letterhead import Letterhead
from service.administration.campaign.wording import plain
from service.rule_sheet import Demarche

__all__ = ["Mentions", "mentions_of", "missing", "other_administrations", "short_mentions_of"]

_LAW: Mapping[str | None, str] = {
    "L114-8-II": "l'article L114-8 II du code des relations entre le public et l'administration",
    "L114-8-I": "l'article L114-8 I du code des relations entre le public et l'administration",
}


@dataclass(frozen=True, kw_only=True)
class Mentions:
    """What must be said.

    Attributes:
        finalite: purpose.
        source: where the data come from.
        droits: access and rectification.
        opposition: how to object.
        dpo: data protection officer.
        algorithme: mention of an automatic award; empty without one.
    """

    finalite: str
    source: str
    droits: str
    opposition: str
    dpo: str
    algorithme: str = ""


def mentions_of(demarche: Demarche, head: Letterhead, *, award: bool) -> Mentions:
    """The long ones.

    Args:
        demarche: whose messages.
        head: who writes.
        award: whether the message announces an automatic award.
    """
    law = _LAW.get(demarche.crpa or "", "la mission d'intérêt public de l'administration")
    aim = "vous attribuer un droit" if award else _informing(demarche)
    source = other_administrations(demarche)
    return Mentions(
        finalite=f"Pourquoi ce message : {aim}, sur le fondement de {law} ; vos données ne servent à aucun contrôle.",
        source=f"Source des données : {f'{source}, et ' if source else ''}notre propre fichier.",
        droits="Vous pouvez accéder à vos données et les faire rectifier, en écrivant à l'administration qui vous contacte.",
        opposition=(
            f"Vous pouvez {_objecting(demarche)} à tout moment, sans donner de raison : {_ways(demarche, head)} ; vos données "
            "reçues sont alors effacées."
        ),
        dpo=f"Délégué à la protection des données : {head.dpo}. Vous pouvez aussi saisir la CNIL.",
        algorithme=_algorithm(demarche) if award else "",
    )


def short_mentions_of(demarche: Demarche, head: Letterhead) -> Mentions:
    """Those of an SMS or a notification, in its alphabet; the page that the message leads to has the long ones."""
    source = other_administrations(demarche)
    return Mentions(
        finalite=f"But : {_informing(demarche)}.",
        source=plain(f"Source : {source}." if source else "Source : notre fichier."),
        droits="Accès et rectification",
        opposition="opposition",
        dpo=plain(f"DPO : meme page ou {head.telephone}"),
    )


def _informing(demarche: Demarche) -> str:
    """Without an article of L114-8, what is told is no right: a warning, a service, a date."""
    return "vous informer d'un droit" if demarche.crpa else "vous informer"


def missing(text: str, mentions: Mentions) -> list[str]:
    """The names of the mentions that a text does not have."""
    told = " ".join(text.split())
    members = {one.name: str(getattr(mentions, one.name)) for one in fields(mentions)}
    return [name for name, words in members.items() if words and " ".join(words.split()) not in told]


def other_administrations(demarche: Demarche) -> str:
    """The administrations that hold the other files, each once."""
    others = [one for one in demarche.operands.values() if one.name not in demarche.recipients]
    named = dict.fromkeys(name for one in others for name in one.organisations if name != "*")
    return ", ".join(named)


def _objecting(demarche: Demarche) -> str:
    return "retirer votre consentement à ce traitement" if demarche.consent else "vous opposer à ce traitement"


def _ways(demarche: Demarche, head: Letterhead) -> str:
    """The ways by which the démarche says that people object, and no other."""
    words = {"lien": head.link, "telephone": head.telephone, "courrier": "par courrier", "guichet": head.desk}
    held = words if demarche.objection is None else demarche.objection.channels
    told = [text for way, text in words.items() if way in held]
    return " ou ".join([part for part in (", ".join(told[:-1]), told[-1]) if part])


def _algorithm(demarche: Demarche) -> str:
    return (
        "Cette décision est prise sur le fondement d'un traitement algorithmique, qui rapproche des fichiers d'administrations "
        f"pour l'objet suivant : {demarche.title}. Vous pouvez obtenir de l'administration qui vous contacte la communication "
        "des règles qui le définissent et des principales caractéristiques de sa mise en œuvre et, le cas échéant, saisir la "
        "commission d'accès "
        "aux documents administratifs (CADA). Vous pouvez aussi demander qu'une personne réexamine la décision."
    )
