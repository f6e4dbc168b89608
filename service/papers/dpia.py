"""The skeleton of an impact assessment (GDPR 35), as the file that the CNIL's PIA tool imports.

Answers that follow from the agreement, the démarche and the tool are written; judgements are not: severity and likelihood stay
empty, names and opinions are holes. Members are those that the tool exports: ``pia``, ``answers`` (by the number of the
question), ``measures``, ``evaluations``, ``comments``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from service.forms import write_time
from service.papers.case import MEASURES, Case
from service.papers.holes import hole

__all__ = ["dpia_file"]

_IMPACTS = {
    32: ["révélation qu'une personne figure dans l'un des fichiers, et donc d'une situation sociale"],
    33: ["droit proposé ou attribué à une autre personne", "personne privée d'une proposition par un lien faux"],
    34: ["personne à qui un droit n'est pas proposé ; le croisement peut être refait"],
}
_THREATS = {
    32: [
        "ré-identification des encodages par qui détient un fichier de référence",
        "rapprochement des passes entre elles",
        "sondage par un fichier fabriqué",
        "vol d'un poste ou de ses clés",
    ],
    33: ["fichier d'entrée erroné ou périmé", "lien faux entre deux personnes qui se ressemblent"],
    34: ["perte du poste ou de ses clés avant la livraison", "indisponibilité du tiers de confiance"],
}
_SOURCES = [
    "agent du tiers de confiance ou de l'une des administrations",
    "attaquant extérieur",
    "erreur humaine, panne",
]


def dpia_file(case: Case, now: datetime) -> str:
    """The file, to be imported and completed.

    Args:
        case: of the agreement.
        now: when it is made.
    """
    made = write_time(now)
    answers = [
        {
            "pia_id": 1,
            "reference_to": number,
            "data": {"text": text, "gauge": None, "list": listed},
            "created_at": made,
            "id": place,
        }
        for place, (number, (text, listed)) in enumerate(sorted(_answers(case).items()), 1)
    ]
    measures = [
        {
            "pia_id": 1,
            "title": name,
            "content": _text(sentence),
            "placeholder": "",
            "created_at": made,
            "updated_at": made,
            "id": place,
        }
        for place, (name, sentence) in enumerate(MEASURES, 1)
    ]
    document = {
        "pia": {
            "id": 1, "status": 0, "is_example": 0, "is_archive": 0, "structure_id": "", "progress": 0, "category": "",
            "name": f"{case.demarche.title} ({case.agreement.dpia})", "author_name": hole("auteur"),
            "evaluator_name": hole("évaluateur"), "validator_name": hole("validateur"), "created_at": made, "updated_at": made,
        },
        "answers": answers,
        "measures": measures,
        "evaluations": [],
        "comments": [],
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _answers(case: Case) -> Mapping[int, tuple[str | None, list[str]]]:
    """Question → (text, list), as the tool numbers them."""
    texts = {**_context(case), **_principles(case)}
    answers: dict[int, tuple[str | None, list[str]]] = {number: (_text(*lines), []) for number, lines in texts.items()}
    measures = [name for name, _ in MEASURES]
    for risk in (32, 33, 34):
        answers[risk * 10 + 1] = (None, _IMPACTS[risk])
        answers[risk * 10 + 2] = (None, _THREATS[risk])
        answers[risk * 10 + 3] = (None, _SOURCES)
        answers[risk * 10 + 4] = (None, measures)
        answers[risk * 10 + 5] = (_text(hole("gravité, à estimer")), [])
        answers[risk * 10 + 6] = (
            _text(hole("vraisemblance, à estimer ; joindre le rapport de risque de l'échantillon")),
            [],
        )
    return answers


def _context(case: Case) -> Mapping[int, Sequence[str]]:
    agreement = case.agreement
    parties = [f"{one.name} ({one.operand}, {one.role})" for one in agreement.parties]
    return {
        111: (case.purpose, *case.rules()),
        112: (
            *parties,
            f"tiers de confiance : {agreement.third_party.party}",
            hole("responsables conjoints ou sous-traitance"),
        ),
        113: ("référentiel général de sécurité (CRPA R114-9-6)", hole("autres référentiels")),
        121: (", ".join(case.data), *(f"donnée transmise : {told}" for told in case.told), *case.retention),
        122: (
            (
                "Sélection et encodage sur le poste de chaque administration, envoi scellé, comparaison par le tiers de "
                "confiance, livraison "
                "scellée au destinataire, destruction avec reçu, campagne, purge aux échéances."
            ),
        ),
        123: (
            "postes des administrations ; serveur du tiers de confiance",
            hole("hébergement, réseaux, supports papier"),
        ),
    }


def _principles(case: Case) -> Mapping[int, Sequence[str]]:
    agreement, demarche = case.agreement, case.demarche
    fresh = [
        f"« {one.name} » : fichier de {one.freshness.days} jours au plus"
        for one in demarche.operands.values()
        if one.freshness
    ]
    consent = (
        "consentement enregistré, exigé par la sélection"
        if demarche.consent
        else "le fondement n'est pas le consentement"
    )
    return {
        211: (case.purpose, "aucun réemploi pour la détection ou la sanction d'une fraude (CRPA L114-8 II)"),
        212: tuple(agreement.legal_basis),
        213: ("aucun fichier n'est échangé ; le destinataire n'apprend que ses propres dossiers", *case.told),
        214: ("rapport de qualité avant l'encodage ; répétition avec précision et rappel attendus", *fresh),
        215: tuple(case.retention),
        221: (
            "notices des deux côtés ; mentions obligatoires dans le premier message",
            f"canaux : {', '.join(demarche.channels)}",
        ),
        222: (consent,),
        223: (
            (
                "réponse à une demande d'accès en une commande, traces comprises ; portabilité : sans objet (mission "
                "d'intérêt public)"
            ),
        ),
        224: (
            hole("rectification chez le détenteur du fichier"),
            "effacement immédiat des données recueillies en cas d'opposition",
        ),
        225: ("registre des oppositions appliqué avant l'encodage et avant toute écriture de résultats",),
        226: (hole("contrat avec le tiers de confiance s'il est sous-traitant"),),
        227: (hole("aucun transfert n'est prévu par la convention ; à confirmer pour l'hébergement"),),
    }


def _text(*lines: str) -> str:
    return "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines)
