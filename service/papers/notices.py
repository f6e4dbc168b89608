"""The information notices of an agreement, one a side: who contacts people, and who lends a file (GDPR 13, 14; CRPA L114-8).

Both are due: the duty to inform falls on the provider of the data as well. They are published, and the first message
leads to them.
"""

from __future__ import annotations

from service.papers.case import Case
from service.papers.holes import hole

__all__ = ["notice_of"]


def notice_of(case: Case, party: str) -> str:
    """The notice of an administration, as Markdown."""
    one = case.party(party)
    parts = [
        f"# {case.demarche.title} : information des personnes",
        f"Qui traite vos données : {one.name}. {hole('adresse')}",
        _what(case, party),
        "Pourquoi : "
        + case.purpose
        + ". Vos données ne peuvent être utilisées à aucune autre fin, en particulier pour la "
        "détection ou la sanction d'une fraude (code des relations entre le public et l'administration, article L114-8 II).",
        "Sur quel fondement : " + " ; ".join(case.agreement.legal_basis) + ".",
        "Quelles données sont comparées : "
        + ", ".join(case.data)
        + ". Elles ne quittent pas l'administration qui les détient : "
        "seuls des encodages, illisibles sans clé, sont comparés par un tiers de confiance, qui n'a pas de clé et qui "
        "les détruit dès "
        "la fin de la comparaison.",
        "Combien de temps :\n\n" + "\n".join(f"* {line}" for line in case.retention),
        _rights(case),
    ]
    if case.demarche.purpose == "attribution":
        parts.append(
            "Le droit peut vous être attribué sur le fondement d'un traitement algorithmique. Vous pouvez en demander "
            "les règles et "
            "l'application à votre situation, et demander qu'une personne réexamine la décision (articles L311-3-1 et "
            "R311-3-1-1)."
        )
    return "\n\n".join(parts) + "\n"


def _what(case: Case, party: str) -> str:
    others = ", ".join(other.name for other in case.others(party))
    if case.receives(party):
        told = (
            f" Il nous est aussi transmis, pour les personnes retenues : {', '.join(case.told)}." if case.told else ""
        )
        return (
            f"Ce que nous faisons : nous comparons notre fichier avec celui de {others}, pour trouver parmi nos propres "
            "dossiers les "
            f"personnes concernées. Nous n'apprenons rien des autres dossiers de ces administrations.{told}"
        )
    who = ", ".join(other.name for other in case.recipients)
    return (
        f"Ce que nous faisons : nous prêtons à la comparaison un fichier encodé, avec {others}. Nous ne recevons aucun résultat. "
        f"{who} apprend seulement lesquels de ses propres dossiers sont concernés."
    )


def _rights(case: Case) -> str:
    demarche = case.demarche
    ways = ", ".join(demarche.objection.channels) if demarche.objection is not None else hole("voies d'opposition")
    no = (
        "retirer votre consentement"
        if demarche.consent
        else "vous opposer à la poursuite du traitement, sans donner de raison"
    )
    return (
        "Vos droits : accéder à vos données et à la trace des échanges, les faire rectifier, "
        f"{no} ({ways}) : vos données recueillies sont alors effacées sans délai. Adressez-vous à "
        f"{hole('adresse ou page')}, ou au "
        f"délégué à la protection des données : {hole('coordonnées du délégué')}. Vous pouvez saisir la CNIL."
    )
