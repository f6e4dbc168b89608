"""What an agent and a DPO read of a risk report: French words for attacks, reasons, groups and shares."""

from __future__ import annotations

from service.administration.risk_report import Attacked, RiskReport
from service.risk_terms import MILLION

__all__ = ["ATTACKS", "GROUPS", "REASONS", "passing", "percent", "sentences", "together", "verdict"]

ATTACKS = {
    "A1": "poids des lignes : combien de bits sont à un",
    "A2": "fréquences : lignes identiques et identités fréquentes",
    "A4": "motifs de bits : groupes de bits qui vont ensemble",
    "A5": "ressemblances seules : qui ressemble à qui, sans connaître personne",
    "A6": "repères : ressemblances avec des personnes déjà connues",
    "A6 bis": "repères et apprentissage de proche en proche",
    "A7": "textes connus : ce que les lignes connues disent des autres",
    "A12": "plafond : toutes les autres personnes déjà connues",
}
REASONS = {
    "profil": "le profil reference n'offre aucune protection : prenez standard ou renforce",
    "attaques": "les attaques retrouvent trop de personnes : prenez un profil plus fort",
    "sans_paire": "des personnes sont retrouvées sans qu'aucune soit connue : prenez un profil plus fort",
    "projection": "à l'effectif déclaré, trop de personnes seraient retrouvées (κ√s) : prenez un profil plus fort",
    "echantillon": "trop peu de personnes essayées pour conclure : donnez plus de temps (--minutes), ou un fichier plus grand",
}
GROUPS = {
    "rare_name": "nom porté par une seule personne du fichier",
    "short_name": "nom de quatre lettres ou moins",
    "twins": "jumeaux (nom et date de naissance d'une autre personne du fichier)",
    "born_abroad": "né à l'étranger",
    "missing_date": "date de naissance absente ou incomplète",
    "missing_value": "au moins une valeur absente",
}


def percent(parts: int) -> str:
    """A share in parts per million as a percentage."""
    return f"{100 * parts / MILLION:.2f}".replace(".", ",") + " %"


def passing(known: int) -> str:
    """How many people the attacker knows beforehand."""
    return "aucune personne connue" if not known else f"{percent(known)} des personnes connues"


def verdict(report: RiskReport) -> str:
    """The verdict in one sentence."""
    least = f"moins de {percent(report.limit)} de personnes retrouvées pour qui en connaît déjà {percent(report.claim)}"
    return f"FAVORABLE : {least}" if report.favourable else "DÉFAVORABLE"


def together(report: RiskReport) -> list[tuple[str, int, list[Attacked]]]:
    """Attacks by name and known share, each with its passes."""
    kinds = list(dict.fromkeys((one.attack, one.known) for one in report.attacks))
    return [
        (name, known, [one for one in report.attacks if (one.attack, one.known) == (name, known)])
        for name, known in sorted(kinds, key=lambda kind: (len(kind[0].split()[0]), kind))  # A12 after A7
    ]


def sentences(report: RiskReport) -> list[str]:
    """The report as lines of text."""
    lines = [
        f"verdict     : {verdict(report)}",
        *(f"raison      : {REASONS[reason]}" for reason in report.reasons),
        *([f"partie      : {report.party}, fichier « {report.operand} »"] if report.party and report.operand else ()),
        f"fichier     : {report.records} personnes, {report.people} déclarées, profil {report.profile}",
    ]
    for pass_ in report.passes:
        exposure = f"{pass_.exposure / MILLION:.3f}".replace(".", ",")
        lines.append(
            f"passe       : {pass_.name}, L = {pass_.length}, t = {pass_.degree}, κ = {exposure}, plus grand bloc attendu "
            f"{pass_.largest}, essayé {pass_.tested}"
        )
    for name, known, parts in together(report):
        tried, right = sum(one.tried for one in parts), sum(one.right for one in parts)
        chance = sum(one.chance * one.tried for one in parts) // max(1, tried)
        lines.append(
            f"{name:<12}: {passing(known) if name != 'A12' else 'toutes les autres connues'} : {right} sur {tried} retrouvées "
            f"({percent(right * MILLION // max(1, tried))} par passe, hasard {percent(chance)})"
        )
    lines += [
        f"au plus     : {passing(one.known)} : {percent(one.measured)} au-delà du hasard, toutes passes ; à l'effectif "
        f"déclaré {percent(one.projected)} ; {one.people} personnes exposées"
        for one in report.projections
    ]
    lines += [f"non essayé  : {sentence}" for sentence in report.not_run]
    lines.append(f"empreinte   : {report.digest}")
    return lines
