"""Everything that this administration knows of one person through its exchanges, for that person (CRPA R114-9-7, GDPR 15).

Found by the local identifier alone: in which runs the person's record was in the file that was compared, which results are
held and until when, what was done with them, which objections are registered. The answer is a text in French, ready to be sent
with the administration's own letter; it holds no value of another person.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from service.administration.journal.ledger import Ledger, trace_use
from service.administration.journal.objections import ALL, journal_folder, people, read_register
from service.administration.journal.sent_people import sent_files

__all__ = ["answer_to_access"]

_WHAT = {
    "hit": "vous avez été retenu(e) parmi les personnes concernées par ce droit",
    "opposition": "vous vous êtes opposé(e) au traitement",
    "plus_proposer": "vous avez demandé que ce droit ne vous soit plus proposé",
    "deja_fait": "vous avez répondu que la démarche était déjà faite",
    "droit_ouvert": "le droit a été ouvert",
    "reponse": "vous avez répondu",
}
_KIND = {"opposition": "opposition", "plus_proposer": "demande de ne plus recevoir de proposition"}


def answer_to_access(ledger: Ledger, home: Path, identifier: str, today: date) -> list[str]:
    """The lines of the answer.

    Args:
        ledger: open.
        home: of the administration.
        identifier: local one.
        today: date of the answer.
    """
    lines = [
        f"Réponse à une demande d'accès, au {today:%d/%m/%Y}",
        "",
        "1. Rapprochements pour lesquels votre dossier était dans le fichier encodé (traces conservées 36 mois, CRPA R114-9-7)",
    ]
    files = [one for one in sent_files(journal_folder(home)) if one.has(identifier)]
    lines += [
        f"   - le {one.at:%d/%m/%Y}, démarche « {one.demarche} », fichier « {one.operand} », croisement {one.run}, "
        f"trace effacée le {one.until:%d/%m/%Y}"
        for one in files
    ]
    lines += [] if files else ["   aucun"]
    lines += ["", "2. Résultats vous concernant et suites données"]
    results = list(_results(ledger, identifier))
    lines += results or ["   aucun"]
    lines += ["", "3. Oppositions enregistrées"]
    (token,) = people(home, [identifier])
    held = [one for one in read_register(home) if one.token == token]
    lines += [
        f"   - {_KIND[one.kind]}, {'toutes les démarches' if one.scope == ALL else f'démarche « {one.scope} »'}, "
        f"conservée jusqu'au {one.until:%d/%m/%Y}"
        for one in held
    ] or ["   aucune"]
    return [
        *lines,
        "",
        "Ce journal ne contient ni votre nom ni vos coordonnées : il est indexé par un jeton calculé avec une clé que",
        "seule cette administration détient. Vous pouvez demander la rectification de vos données, vous opposer à la poursuite",
        "du traitement et saisir le délégué à la protection des données de l'administration ou la CNIL.",
    ]


def _results(ledger: Ledger, identifier: str) -> Iterator[str]:
    for one in ledger.collections():
        token = ledger.keys.token(trace_use(one.name), identifier)
        traces = ledger.traces(one.name, token)
        if not traces:
            continue
        state = f"conservé jusqu'au {one.until:%d/%m/%Y}" if ledger.has(one.name, token) else "résultat effacé"
        yield f"   - démarche « {one.title} » ({state})"
        for what, at in traces:
            yield f"       le {at:%d/%m/%Y} : {_said(what)}"


def _said(what: str) -> str:
    """A trace in words."""
    kind, _, detail = what.partition(":")
    if kind == "message":
        return f"message envoyé : {detail}"
    if kind == "transmission":
        return f"votre dossier a été transmis à l'organisme qui agit (« {detail} »)"
    return _WHAT.get(what, what)
