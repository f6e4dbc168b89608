"""What the steps of a run write down in the journal, and what a person's answer changes in it.

`note_sent` loads no database: the encoding calls it. An objection takes effect at once: the register first, so that no
crash lets it be forgotten, then the results of that person go, then the campaigns stop; the trace and the receipt stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from service.administration.journal.legal_clocks import objections_end, results_end, traces_end
from service.administration.journal.objections import ALL, KINDS, Entry, enter, journal_folder, people
from service.administration.journal.people_keys import PeopleKeys
from service.administration.journal.sent_people import write_sent
from service.errors import ServiceError
from service.rule_sheet import Demarche, Retention

if TYPE_CHECKING:
    from service.administration.journal.ledger import Ledger
    from service.agreement import Agreement

__all__ = ["ANSWERS", "Told", "answer", "note_hits", "note_sent", "retention_of", "scope_of", "stop_campaigns"]

DONE = "deja_fait"
ANSWERS = (*KINDS, DONE)
_LONGEST = Retention(results=12, traces=36, objection=24)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of answers.

    Attributes:
        people: who answered.
        results: of how many of them, over all collections, results were held.
    """

    people: int
    results: int


def note_sent(
    home: Path, agreement: Agreement, run: str, operand: str, identifiers: Sequence[str], today: date
) -> None:
    """Note whose record is in the file of a run."""
    days = (today, traces_end(today))
    write_sent(journal_folder(home), run, agreement.demarche.id, operand, days, identifiers)


def note_hits(
    ledger: Ledger,
    collection: tuple[Agreement, str, str],
    eligible: int,
    hits: Iterable[tuple[str, str, dict[str, str]]],
    today: date,
) -> int:
    """Keep the hits of one output of a run.

    Args:
        ledger: open.
        collection: agreement, run, output.
        eligible: people of the file that was compared.
        hits: (local identifier, usage, payload) each.
        today: from which the twelve months count.
    """
    from service.administration.journal.ledger import Collection  # noqa: PLC0415 - brings the database along

    agreement, run, output = collection
    kept = agreement.retention
    months = Retention(results=kept.results_months, traces=kept.traces_months, objection=kept.objection_months)
    one = Collection(
        name=f"{run}/{output}",
        agreement=agreement.identifier,
        demarche=agreement.demarche.id,
        title=agreement.demarche.title,
        eligible=eligible,
        collected=today,
        until=results_end(today, months),
    )
    return ledger.add_collection(one, hits)


def answer(
    ledger: Ledger,
    home: Path,
    identifiers: Sequence[str],
    kind: str,
    scope: str,
    today: date,
    retention: Retention = _LONGEST,
) -> Told:
    """What people answer: an objection, a renouncement, or that it is done already.

    Args:
        ledger: open.
        home: of the administration.
        identifiers: local ones.
        kind: one of `ANSWERS`.
        scope: a démarche, or `ALL`.
        today: of the answer.
        retention: of the démarche; the longest that the law allows for `ALL`.

    Raises:
        ServiceError: `E_REPONSE_INCONNUE`.
    """
    if kind not in ANSWERS:
        raise ServiceError("E_REPONSE_INCONNUE", f"une réponse est l'une de : {', '.join(ANSWERS)}")
    if kind in KINDS:
        until = objections_end(today, retention)
        enter(home, [Entry(token, scope, kind, until) for token in people(home, identifiers)])
    touched = 0
    for name, tokens in _places(ledger, identifiers, lambda demarche: scope in (ALL, demarche)):
        ledger.trace(name, tokens, kind, today)
        stop_campaigns(ledger, name, tokens, kind, today)
        if kind in KINDS:
            ledger.remove(name, tokens)
        touched += len(tokens)
    return Told(people=len(identifiers), results=touched)


def scope_of(demarche: Demarche, kind: str) -> str:
    """How far an answer about a démarche reaches: an objection to all of them, where the démarche says so."""
    wide = kind == "opposition" and demarche.objection is not None and demarche.objection.scope == "toutes"
    return ALL if wide else demarche.id


def retention_of(demarche: Demarche, scope: str) -> Retention:
    """For how long an answer of that scope is kept."""
    return _LONGEST if scope == ALL else demarche.retention


def stop_campaigns(ledger: Ledger, collection: str, tokens: Sequence[bytes], what: str, today: date) -> None:
    """Note an event that ends all campaigns of a collection for some people."""
    rows = [(token, what, today.isoformat(), collection) for token in tokens]
    ledger.database.executemany("INSERT INTO event SELECT name, ?, ?, '', ? FROM campaign WHERE collection = ?", rows)


def _places(
    ledger: Ledger, identifiers: Sequence[str], concerned: Callable[[str], bool]
) -> Iterator[tuple[str, list[bytes]]]:
    """(collection, tokens of those who are in it) of each living collection that somebody is in."""
    from service.administration.journal.ledger import trace_use  # noqa: PLC0415 - brings the database along

    keys: PeopleKeys = ledger.keys
    for one in ledger.collections():
        if one.over is None and concerned(one.demarche):
            tokens = [token for token in keys.tokens(trace_use(one.name), identifiers) if ledger.has(one.name, token)]
            if tokens:
                yield one.name, tokens
