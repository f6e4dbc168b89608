"""Canaries: bait identities that a source hides in its uploads. They are nobody; whoever finds one was enumerating.

They are drawn here, by the system's generator of secrets, and by this source alone: nothing of them follows from the run key,
which the recipient knows. Each is put together from parts of several people of the source's own file, so that it looks like
the others there and is none of them: sex, first names and what else describes a person from one, the surname from another,
the date of birth from a third, the place from a fourth. Whatever names one person alone (a file number, a delivery point) is
left out. Nobody of the file has the same surname, first names and date.

Each canary stands in one pass of a comparison, and its row id goes to the worker in the sealed appendix of that upload. The
rows that other passes make of it are dropped before anything is sealed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from crypto.keys import RunKey
from linkage.attribute import Attribute
from linkage.plan import Plan
from linkage.sheet import Sheet
from linkage.wire import ID_BYTES
from service.administration.extra_people import records_of

if TYPE_CHECKING:
    from linkage.records import Records
    from linkage.stream import Piece

__all__ = ["Assigned", "assign", "draw", "only_assigned"]

_SURNAME, _DATE, _PLACE, _PERSON = "surname", "date", "place", "person"
_GROUPS = {"name": _SURNAME, "date": _DATE, "cog": _PLACE, "country": _PLACE}
_NAMING = ("code", "number", "text")  # kinds that may name one person alone
_DISTINCT_PERCENT = 20  # of the records that have one: from there on, values of such an attribute name people
_TRIES = 100


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Where canaries stand.

    Attributes:
        pass_of: of each canary, the name of its only pass; empty for one that no pass can hold.
        dropped: pass → how many rows of canaries it makes that are not to be sent in it.
    """

    pass_of: tuple[str, ...]
    dropped: Mapping[str, int]


def draw(records: Records, sheet: Sheet, count: int) -> Records:
    """Draw canaries that look like the people of a file.

    Args:
        records: of the file.
        sheet: what the parties share.
        count: how many; fewer only if the file is too small or too uniform to tell a canary from its people.
    """
    kept = [one for one in sheet.attributes if not _names_people(records, one)]
    rng = secrets.SystemRandom()
    canaries: list[dict[str, str]] = []
    for _ in range(_TRIES):
        drawn = [_one(records, kept, rng) for _ in range(count - len(canaries))]
        known = _known(records, kept, drawn)
        canaries += [one for one, held in zip(drawn, known, strict=True) if not held]
        if len(canaries) >= count:
            break
    return records_of(canaries, [one.name for one in sheet.attributes])


def assign(canaries: Records, sheet: Sheet, plan: Plan, key: RunKey) -> Assigned:
    """Choose for each canary, at random, one of the passes that can hold it.

    Raises:
        LinkageError: as `linkage.stream.stream_passes`.
    """
    from linkage.holder import encode_passes  # noqa: PLC0415 - compiled code: only where people are encoded

    rng = secrets.SystemRandom()
    held: list[list[str]] = [[] for _ in range(len(canaries))]
    for one in encode_passes(canaries, sheet, plan, key) if len(canaries) else ():
        for record in one.records.tolist():
            held[record].append(one.plan.name)
    pass_of = tuple(rng.choice(names) if names else "" for names in held)
    dropped = {
        step.name: sum(step.name in names and own != step.name for names, own in zip(held, pass_of, strict=True))
        for step in plan.passes
    }
    return Assigned(pass_of=pass_of, dropped=dropped)


def only_assigned(
    pieces: Iterator[Piece], first: int, assigned: Assigned, name: str, ids: list[bytes]
) -> Iterator[Piece]:
    """The rows of a pass without those of canaries that stand in another one.

    Args:
        pieces: of the pass.
        first: record number of the first canary; the others follow.
        assigned: where they stand.
        name: of the pass.
        ids: is given the row ids of the canaries that stand in this pass.
    """
    own = np.array([one == name for one in assigned.pass_of], dtype=bool)
    for piece in pieces:
        places = np.flatnonzero(piece.records >= first)
        mine = own[piece.records[places] - first]
        ids += [piece.rows[place, :ID_BYTES].tobytes() for place in places[mine].tolist()]
        others = places[~mine]
        if len(others):
            yield replace(piece, rows=np.delete(piece.rows, others, axis=0), records=np.delete(piece.records, others))
        else:
            yield piece


def _names_people(records: Records, attribute: Attribute) -> bool:
    if attribute.kind not in _NAMING:
        return False
    return 100 * len(records.columns[attribute.name].values) >= _DISTINCT_PERCENT * len(records)


def _one(records: Records, attributes: Sequence[Attribute], rng: secrets.SystemRandom) -> dict[str, str]:
    """One person of parts of several."""
    donors = {group: rng.randrange(len(records)) for group in (_SURNAME, _DATE, _PLACE, _PERSON)}
    from linkage.records import MISSING  # noqa: PLC0415 - compiled code: only where people are encoded

    found = {}
    for one in attributes:
        if one.second_form_of:  # a usage name tells too much of whom the surname comes from
            continue
        column = records.columns[one.name]
        donor = donors[_GROUPS.get(one.kind, _PERSON)]
        code = int(column.part(donor, donor + 1)[0])
        if code != MISSING:
            found[one.name] = column.values[code]
    return found


def _known(records: Records, attributes: Sequence[Attribute], drawn: Sequence[Mapping[str, str]]) -> list[bool]:
    """Whether somebody of the file has the surname, the first names and the date of each."""
    from linkage.records import AT_ONCE  # noqa: PLC0415 - compiled code: only where people are encoded

    names = [one.name for one in attributes if one.kind in ("name", "given_names", "date") and not one.second_form_of]
    if not names:
        return [False] * len(drawn)
    wanted = np.full((len(drawn), len(names)), -2, dtype=np.int64)  # what a canary lacks, nobody has
    for place, name in enumerate(names):
        values = {one[name] for one in drawn if name in one}
        codes = {value: code for code, value in enumerate(records.columns[name].values) if value in values}
        for row, one in enumerate(drawn):
            if name in one:
                wanted[row, place] = codes[one[name]]
    known = np.zeros(len(drawn), dtype=bool)
    for start in range(0, len(records), AT_ONCE):
        stop = min(start + AT_ONCE, len(records))
        held = np.stack([records.columns[name].part(start, stop) for name in names], axis=1)
        some = held[np.isin(held[:, 0], wanted[:, 0])]
        for row in np.flatnonzero(~known).tolist():
            known[row] = bool((some == wanted[row]).all(axis=1).any())
    return known.tolist()
