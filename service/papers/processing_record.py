"""The record of processing activities of each party of an agreement, and of the third party (GDPR 30), as Markdown.

Everything that the agreement and the démarche say is written; addresses, officers and what an administration decides by itself
are holes.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.papers.case import MEASURES, Case
from service.papers.holes import hole

__all__ = ["party_record", "third_party_record"]


def party_record(case: Case, party: str) -> str:
    """The record of an administration."""
    one, agreement = case.party(party), case.agreement
    others = ", ".join(other.name for other in case.others(party))
    if case.receives(party):
        recipients = [
            f"les services habilités de {one.name}",
            f"{agreement.third_party.party} (tiers de confiance) : encodages seulement",
        ]
    else:
        who = ", ".join(other.name for other in case.recipients)
        recipients = [
            f"{agreement.third_party.party} (tiers de confiance) : encodages seulement",
            f"{who} : la seule appartenance de ses propres dossiers au résultat"
            + (f", et {', '.join(case.told)}" if case.told else ", sans aucune donnée de ce fichier"),
        ]
    return _record(
        f"Registre des activités de traitement — {one.name}",
        [
            ("Responsable du traitement", [one.name, hole("adresse et coordonnées")]),
            ("Délégué à la protection des données", [hole("nom et coordonnées du délégué")]),
            ("Finalité", [case.purpose]),
            ("Base légale", [*_grounds(case)]),
            ("Personnes concernées", [case.people(party)]),
            ("Données traitées", [*case.data, *(f"donnée transmise d'un résultat : {told}" for told in case.told)]),
            ("Rapprochées avec les fichiers de", [others]),
            ("Destinataires", recipients),
            (
                "Transferts hors de l'Union européenne",
                [hole("aucun n'est prévu par la convention ; à confirmer pour l'hébergement")],
            ),
            ("Durées de conservation", case.retention),
            (
                "Mesures de sécurité",
                [f"{name} : {sentence}" for name, sentence in MEASURES]
                + [hole("mesures propres au poste et au réseau")],
            ),
            ("Références", _references(case)),
        ],
    )


def third_party_record(case: Case) -> str:
    """The record of the third party."""
    agreement = case.agreement
    names = ", ".join(one.name for one in agreement.parties)
    return _record(
        f"Registre des activités de traitement — tiers de confiance ({agreement.third_party.party})",
        [
            ("Qualité", [hole("administration, DINUM ou sous-traitant (RGPD, article 28) de qui")]),
            ("Délégué à la protection des données", [hole("nom et coordonnées du délégué")]),
            ("Pour le compte de", [names]),
            ("Finalité", [f"comparer des encodages pour {case.purpose}"]),
            ("Personnes concernées", [f"{one.name} : {case.people(one.party)}" for one in agreement.parties]),
            (
                "Données traitées",
                ["encodages pseudonymisés, sans clé ; effectifs ; aucune identité, aucun numéro de dossier"],
            ),
            ("Destinataires", [f"{one.name} : ses propres lignes retenues, scellées" for one in case.recipients]),
            (
                "Transferts hors de l'Union européenne",
                [hole("aucun n'est prévu par la convention ; à confirmer pour l'hébergement")],
            ),
            (
                "Durées de conservation",
                [*case.retention[:2], "reçus et journal d'audit : " + hole("durée, sans donnée personnelle")],
            ),
            (
                "Mesures de sécurité",
                [f"{name} : {sentence}" for name, sentence in MEASURES] + [hole("mesures de l'hébergement")],
            ),
            ("Références", _references(case)),
        ],
    )


def _grounds(case: Case) -> Sequence[str]:
    return [
        *case.agreement.legal_basis,
        hole("base du RGPD retenue, article 6 : mission d'intérêt public ou obligation légale"),
    ]


def _references(case: Case) -> list[str]:
    agreement = case.agreement
    return [
        (
            f"convention {agreement.identifier}, valable du {agreement.valid.not_before:%d/%m/%Y} au "
            f"{agreement.valid.not_after:%d/%m/%Y}"
        ),
        f"décision : {agreement.authorisation}",
        f"analyse d'impact : {agreement.dpia}",
        f"démarche « {agreement.demarche.id} », empreinte {agreement.demarche.digest}",
    ]


def _record(title: str, entries: Sequence[tuple[str, Sequence[str]]]) -> str:
    parts = [f"# {title}"]
    parts += [f"## {head}\n\n" + "\n".join(f"* {line}" for line in lines) for head, lines in entries]
    return "\n\n".join(parts) + "\n"
