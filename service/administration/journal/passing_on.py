"""Records passed on to the body that acts, by the usual way and outside of this service: the act is noted, never the content.

Only what the démarche foresees (`transmission_aval`): from the operand that this administration holds, to the body that it
names, for the outputs that it names. Where the démarche awards, only hits that may be awarded are passed on; a doubtful one is
not. The file, readable by its owner only, has identifiers and, where the right is opened unless refused, the last day on which
each person may refuse (empty while no message has left: the delay does not run yet); nothing else: the agent joins to them the
fields that the démarche lists, from the administration's own file.

Where a right is a household's, the agent's contacts say who lives together, and the file has a column `foyer`, numbers that mean
nothing outside of it, so that a household is paid once. A household of which a member is excluded, or of which a hit is doubtful
where the démarche awards, is not passed on; nor is a person whom the contacts do not know.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from service.administration.journal.ledger import Hit, Ledger
from service.administration.journal.legal_clocks import over
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["Homes", "Passed", "pass_on"]


@dataclass(frozen=True, kw_only=True)
class Homes:
    """Who lives together.

    Attributes:
        of: identifier → household, or the person where it is unknown.
        excluded: households of which a member is excluded.
    """

    of: Mapping[str, str]
    excluded: Collection[str]


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What was passed on.

    Attributes:
        fields: that the démarche lets pass.
        people: in the file.
        kept: hits that are not, because of their household.
    """

    fields: Sequence[str]
    people: int
    kept: int


def pass_on(
    ledger: Ledger,
    collection: str,
    demarche: Demarche,
    receiver: str,
    path: Path,
    today: date,
    homes: Homes | None = None,
) -> Passed:
    """Write the file of what is passed on, and note it for each person.

    Args:
        ledger: open.
        collection: its name, ``RUN/OUTPUT``.
        demarche: as it was signed.
        receiver: operand of the body that acts.
        path: of the file.
        today: of the act.
        homes: who lives together; needed where a right is a household's.

    Raises:
        ServiceError: `E_TRANSMISSION`, the démarche does not foresee it; `E_RESULTATS_DETRUITS`, their time is over;
            `E_FOYERS`, nobody says who lives together.
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
    named, passed = _passed(ledger, collection, demarche, homes, award=award)
    delay = demarche.action.refusal_days if award else None
    columns = {"identifiant": [one.identifier for one in passed]}
    if homes is not None:
        numbers = {
            home: number for number, home in enumerate(dict.fromkeys(map(homes.of.get, columns["identifiant"])), 1)
        }
        columns["foyer"] = [str(numbers[homes.of.get(one)]) for one in columns["identifiant"]]
    if delay:
        columns["refus_possible_jusqu_au"] = [_refusable(ledger, collection, one.token, delay) for one in passed]
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    ledger.trace(collection, [one.token for one in passed], f"transmission:{receiver}", today)
    fields = list(dict.fromkeys(name for one in terms for name in one.fields))
    return Passed(fields=fields, people=len(passed), kept=named - len(passed))


def _passed(
    ledger: Ledger, collection: str, demarche: Demarche, homes: Homes | None, *, award: bool
) -> tuple[int, list[Hit]]:
    """How many could pass by themselves; whom their households let pass, by identifier.

    Raises:
        ServiceError: `E_FOYERS`.
    """
    hits = sorted(ledger.hits(collection), key=lambda one: one.identifier)
    sure = [one for one in hits if one.usage == "attribution" or not award]
    if demarche.identity_terms.entity != "foyer":
        return len(sure), sure
    if homes is None:
        sentence = "le droit est celui d'un foyer : ajoutez --contacts, un fichier aux colonnes identifiant et foyer"
        raise ServiceError("E_FOYERS", sentence)
    doubtful = {homes.of.get(one.identifier) for one in hits if one.usage != "attribution" and award}
    barred = {None, *doubtful, *homes.excluded}
    return len(sure), [one for one in sure if homes.of.get(one.identifier) not in barred]


def _refusable(ledger: Ledger, collection: str, token: bytes, delay: int) -> str:
    """The last day on which a person may refuse, counted from the first message; empty where none has left."""
    sent = [at for what, at in ledger.traces(collection, token) if what.startswith("message:")]
    return f"{min(sent) + timedelta(days=delay):%Y-%m-%d}" if sent else ""
