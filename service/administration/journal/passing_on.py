"""Records passed on to the body that acts, by the usual way and outside of this service: the act is noted, never the content.

Only what the démarche foresees (`transmission_aval`): from the operand that this administration holds, to the body that it
names, for the outputs that it names. Where the démarche awards, only hits that may be awarded are passed on; a doubtful one is
not. The file, readable by its owner only, has identifiers and, where the right is opened unless refused, the last day on which
each person may refuse (empty while no message has left: the delay does not run yet); nothing else: the agent joins to them the
fields that the démarche lists, from the administration's own file.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

from service.administration.journal.ledger import Ledger
from service.administration.journal.legal_clocks import over
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["pass_on"]


def _refusable(ledger: Ledger, collection: str, token: bytes, delay: int) -> str:
    """The last day on which a person may refuse, counted from the first message; empty where none has left."""
    sent = [at for what, at in ledger.traces(collection, token) if what.startswith("message:")]
    return f"{min(sent) + timedelta(days=delay):%Y-%m-%d}" if sent else ""


def pass_on(ledger: Ledger, collection: str, demarche: Demarche, receiver: str, path: Path, today: date) -> list[str]:
    """Write the file of what is passed on, and note it for each person.

    Args:
        ledger: open.
        collection: its name, ``RUN/OUTPUT``.
        demarche: as it was signed.
        receiver: operand of the body that acts.
        path: of the file.
        today: of the act.

    Returns:
        The fields that the démarche lets pass.

    Raises:
        ServiceError: `E_TRANSMISSION`, the démarche does not foresee it; `E_RESULTATS_DETRUITS`, their time is over.
    """
    held = ledger.collection(collection)
    if held.over is not None or over(held.until, today):
        sentence = (
            "la durée de ces résultats est passée : ils ne se transmettent plus ; allervers journal purge les détruit"
        )
        raise ServiceError("E_RESULTATS_DETRUITS", sentence)
    output = collection.rpartition("/")[2]
    terms = [one for one in demarche.onward if one.receiver == receiver and (not one.only or output in one.only)]
    if not terms:
        foreseen = ", ".join(sorted({one.receiver for one in demarche.onward})) or "aucune"
        sentence = (
            f"la démarche ne prévoit pas de transmettre « {output} » à « {receiver} » ; elle prévoit : {foreseen}"
        )
        raise ServiceError("E_TRANSMISSION", sentence)
    award = next((one.award for one in demarche.outputs if one.name == output), False)
    passed = [one for one in ledger.hits(collection) if one.usage == "attribution" or not award]
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        delay = demarche.action.refusal_days if award else None
        writer.writerow(["identifiant", *(["refus_possible_jusqu_au"] if delay else [])])
        for hit in sorted(passed, key=lambda one: one.identifier):
            writer.writerow([hit.identifier, *([_refusable(ledger, collection, hit.token, delay)] if delay else [])])
    ledger.trace(collection, [one.token for one in passed], f"transmission:{receiver}", today)
    return list(dict.fromkeys(name for one in terms for name in one.fields))
