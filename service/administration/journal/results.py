"""The results of a run on their way to the agent's file: without those who objected meanwhile, and kept in the journal.

An objection that came after the encoding takes effect here, before anything is written. Results that are fetched again replace
those before: whoever objected in between is gone from both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from linkage.formula import Hits
from service.administration.inbox import Found
from service.administration.journal.journaling import note_hits
from service.administration.journal.ledger import open_ledger
from service.administration.journal.objections import late, objecting
from service.administration.seat import Seat
from service.administration.selecting import group_of
from service.administration.whole_cases import whole_cases

__all__ = ["kept_results"]


def kept_results(home: Path, seat: Seat, found: Mapping[str, Found], today: date) -> dict[str, Found]:
    """What may be written of the results of a run; the journal has the same.

    Args:
        home: of the administration.
        seat: of the recipient.
        found: by output.
        today: from which the clocks count.
    """
    identifiers, demarche = list(seat.folder.identifiers()), seat.stored.demarche
    told, group = objecting(home, demarche.id, today), group_of(demarche, seat.operand)
    kept = {}
    with open_ledger(home) as ledger:
        for output, one in found.items():
            hits = one.hits
            left = ~late(identifiers, hits.certain | hits.information, told)
            hits = replace(hits, certain=hits.certain & left, information=hits.information & left)
            whole = hits if group is None else whole_cases(hits, list(seat.folder.cases()), len(group.members))
            kept[output] = replace(one, hits=whole, incomplete=_people_of(hits) - _people_of(whole))
            people = _people(identifiers, kept[output], demarche.payload)
            note_hits(ledger, (seat.agreement, seat.run, output), len(identifiers), people, today)
    return kept


def _people_of(hits: Hits) -> int:
    return int((hits.certain | hits.information).sum())


def _people(
    identifiers: list[str], found: Found, columns: tuple[str, ...]
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(identifier, usage, payload) of each hit."""
    for record in np.flatnonzero(found.hits.certain | found.hits.information).tolist():
        usage = "attribution" if found.hits.certain[record] else "information"
        values = found.payloads.get(record)
        yield identifiers[record], usage, dict(zip(columns, values, strict=True)) if values is not None else {}
