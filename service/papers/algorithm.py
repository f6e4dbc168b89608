"""The rules of the algorithm, to be published (CRPA L312-1-3), and why one person is a hit, to be told on request (R311-3-1-2).

The second answers the article point by point: degree and mode of contribution, data and sources, parameters applied to the
person, operations done. It holds nothing of the person's record in another administration: nobody here knows any.
"""

from __future__ import annotations

from datetime import date

from service.agreement import Comparison
from service.papers.case import Case
from service.papers.holes import hole

__all__ = ["algorithm_rules", "explained_hit"]

_GREY = {
    "ecarter": "un lien incertain n'a aucun effet",
    "information_seule": "un lien incertain peut seulement conduire à informer la personne, jamais à lui attribuer un droit",
    "revue_humaine": "un lien incertain est examiné par un agent et n'attribue jamais de droit",
}


def algorithm_rules(case: Case) -> str:
    """The rules of the algorithm of an agreement, as Markdown."""
    agreement = case.agreement
    policies = dict.fromkeys(one.grey_policy for one in agreement.outputs)
    parts = [
        f"# Règles de l'algorithme : {case.demarche.title}",
        "Objet : " + case.purpose + ".",
        "Fichiers rapprochés :\n\n"
        + "\n".join(f"* {one.operand} ({one.name}) : {case.people(one.party)}" for one in agreement.parties),
        "Règles appliquées, où « & » veut dire « trouvé aussi », « - » « sauf si trouvé », « | » « ou » :\n\n"
        + "\n".join(f"* {rule}" for rule in case.rules()),
        "Données comparées : " + ", ".join(case.data) + ".",
        (
            "Opérations : chaque administration normalise ces données, les transforme en filtres à clé et divise ses "
            "personnes en blocs, de "
            "plusieurs façons (les passes) ; le tiers de confiance compare les filtres d'un même bloc et relie chaque "
            "personne à une seule au "
            "plus ; une personne est reliée si une passe au moins la relie."
        ),
        "Paramètres, fixés par la convention et jamais ajustés aux données :\n\n"
        + "\n".join(line for one in agreement.comparisons for line in _parameters(case, one)),
        "Liens incertains : " + " ; ".join(_GREY[one] for one in policies) + ".",
        "Part de l'algorithme : il désigne des personnes. " + _human(case),
        f"Convention {agreement.identifier}. Code et documentation de l'outil : {hole('adresse de publication')}.",
    ]
    return "\n\n".join(parts) + "\n"


def explained_hit(case: Case, output: str, usage: str, collected: date) -> str:
    """What a person who is a hit is told on request.

    Args:
        case: of the run.
        output: of which the person is a hit.
        usage: `attribution` or `information`.
        collected: day of the results.
    """
    agreement = case.agreement
    (one, *_) = [found for found in agreement.outputs if found.name == output]
    sure = (
        "la désignation est certaine : chaque lien demandé est au-dessus du seuil strict, et aucun lien, même incertain, n'a été "
        "trouvé avec un fichier soustrait"
        if usage == "attribution"
        else "la désignation n'est pas assez certaine pour une attribution : elle a seulement conduit à vous informer"
    )
    rule = next(text for text in case.rules() if text.startswith(f"« {output} »"))
    lines = [
        f"# Explication individuelle : {case.demarche.title}",
        "## 1. Degré et mode de contribution du traitement à la décision",
        f"Le traitement vous a désigné(e) le {collected:%d/%m/%Y} parmi les dossiers de l'administration, pour l'usage « "
        f"{usage} ». " + _human(case),
        "## 2. Données traitées et leurs sources",
        f"Données vous concernant : {', '.join(case.data)}. Elles sont prises dans notre propre fichier et comparées aux mêmes "
        "données des fichiers de : "
        + ", ".join(other.name for other in case.others(one.recipient))
        + ". Nous ne connaissons rien de votre dossier dans ces administrations"
        + (f", sauf : {', '.join(case.told)}." if case.told else "."),
        "## 3. Paramètres appliqués à votre situation",
        f"Règle : {rule}. Pour vous, {sure}. {_GREY[one.grey_policy].capitalize()}.",
        "\n".join(
            line
            for each in agreement.comparisons
            if each.recipient == one.recipient
            for line in _parameters(case, each)
        ),
        "## 4. Opérations effectuées",
        (
            "Normalisation de vos données, encodage à clé sur notre poste, comparaison des encodages par le tiers de "
            "confiance dans chaque "
            "passe, réunion des passes, application de la règle, destruction de tout ce qui n'est pas un résultat."
        ),
        f"Pour contester ou faire réexaminer : {hole('service et adresse')}.",
    ]
    return "\n\n".join(lines) + "\n"


def _parameters(case: Case, one: Comparison) -> list[str]:
    names = f"{case.party(one.recipient).name} et {case.party(one.source).name}"
    return [
        f"* {names}, passe « {plan.name} » : seuil d'information {plan.information} et seuil strict {plan.strict} bits "
        "de différence au "
        f"plus, sur {plan.length}"
        for plan in one.plan.passes
    ]


def _human(case: Case) -> str:
    action = case.demarche.action
    if action.mode in ("information", "verification"):
        return "Il n'attribue rien : un agent instruit chaque situation, et la personne reste libre de demander."
    days = f", sauf refus dans les {action.refusal_days} jours," if action.refusal_days else ""
    return (
        f"Le droit est ouvert d'office{days} aux seules personnes dont la désignation est certaine ; un agent réexamine sur "
        "demande."
    )
