"""The register of objections, as encoding needs it: who must not become a hit, by keyed token.

A sealed file, ``HOME/journal/objections.sealed``, and not a table of the journal's database: encoding loads no database. One
line of JSON an entry: ``[token in hexadecimal, démarche or "*", kind, end]``. An entry counts until its end, for the démarche
that it names, or for all.

Where it counts. Who objected is dropped from a population that can make a hit, and *stays* in one that is subtracted: an
objection never adds a hit. What comes after the encoding is applied to the hits, before anything is written (`late`).

Kinds: `opposition` (CRPA L114-8 II, GDPR 21) and `plus_proposer`, a person who renounces. Both keep somebody out. Who says
"already done" is not in the register: the next démarche may concern them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.administration.journal.people_keys import PeopleKeys
from service.administration.sealed_file import read_sealed, sealed_file

__all__ = [
    "ALL",
    "KINDS",
    "Entry",
    "Objecting",
    "enter",
    "journal_folder",
    "late",
    "objecting",
    "people",
    "read_register",
    "withdraw",
    "write_register",
]

ALL = "*"
KINDS = ("opposition", "plus_proposer")
Objecting = Callable[[Sequence[str]], NDArray[np.bool_]]  # local identifiers → who objected

_USE = "objections"
_NAME = "objections.sealed"


@dataclass(frozen=True, order=True)
class Entry:
    """One objection.

    Attributes:
        token: of the person, for this register alone.
        scope: the démarche, or `ALL`.
        kind: one of `KINDS`.
        until: first day without it.
    """

    token: bytes
    scope: str
    kind: str
    until: date


def journal_folder(home: Path) -> Path:
    """Where the journal of an administration is."""
    return home / "journal"


def objecting(home: Path, demarche: str, today: date) -> Objecting | None:
    """What says, for local identifiers, who may not become a hit of a démarche; None when nobody objected.

    Args:
        home: of the administration.
        demarche: its id.
        today: entries that are over do not count.
    """
    register = read_register(home)
    held = {one.token for one in register if one.scope in (demarche, ALL) and today < one.until}
    if not held:
        return None
    keys = PeopleKeys(journal_folder(home))

    def told(identifiers: Sequence[str]) -> NDArray[np.bool_]:
        return np.fromiter(
            (one in held for one in keys.each_token(_USE, identifiers)), dtype=bool, count=len(identifiers)
        )

    return told


def late(identifiers: Sequence[str], hits: NDArray[np.bool_], told: Objecting | None) -> NDArray[np.bool_]:
    """Which hits belong to people who have objected since the encoding: they are taken out before anything is written.

    Args:
        identifiers: of the records, in their order.
        hits: (n,) over the records.
        told: from `objecting`.
    """
    out = np.zeros(len(hits), dtype=bool)
    found = np.flatnonzero(hits)
    if told is not None and len(found):
        out[found] = told([identifiers[place] for place in found.tolist()])
    return out


def read_register(home: Path) -> list[Entry]:
    """All entries, over or not."""
    folder = journal_folder(home)
    if not (folder / _NAME).exists():
        return []
    key = PeopleKeys(folder).index("register")
    lines = b"".join(read_sealed(folder / _NAME, key, _USE, _NAME)).splitlines()
    rows = [json.loads(line) for line in lines]
    return [Entry(bytes.fromhex(token), scope, kind, date.fromisoformat(until)) for token, scope, kind, until in rows]


def write_register(home: Path, entries: Iterable[Entry]) -> None:
    """Replace the sealed file, in one step."""
    folder = journal_folder(home)
    key = PeopleKeys(folder).index("register")
    with sealed_file(folder / _NAME, key, _USE, _NAME) as file:
        for one in sorted(set(entries)):
            line = json.dumps([one.token.hex(), one.scope, one.kind, one.until.isoformat()])
            file.write(line.encode() + b"\n")


def people(home: Path, identifiers: Sequence[str]) -> list[bytes]:
    """The tokens by which the register knows people."""
    return PeopleKeys(journal_folder(home)).tokens(_USE, identifiers)


def enter(home: Path, entries: Iterable[Entry]) -> None:
    """Enter objections; of those of one person, scope and kind, the one that lasts longest is kept."""
    kept: dict[tuple[bytes, str, str], Entry] = {}
    for one in (*read_register(home), *entries):
        name = (one.token, one.scope, one.kind)
        kept[name] = max(kept.get(name, one), one)
    write_register(home, kept.values())


def withdraw(home: Path, identifier: str, scope: str) -> int:
    """Somebody no longer objects to a démarche, or to all of them (`ALL`); how many entries there were."""
    (token,), register = people(home, [identifier]), read_register(home)
    left = [one for one in register if (one.token, one.scope) != (token, scope)]
    write_register(home, left)
    return len(register) - len(left)
