"""Those who object to a démarche, on their way to a run: left out of what can make a hit, kept in what takes hits away.

A party's file goes to several comparisons. Where it stands for people that an output asks for, or for the recipient's own people,
whoever objects is left out. Where some output of the recipient excludes whoever is linked, everybody is kept: to leave a person
out there would make a hit of them. So an objection never adds a hit, whatever the rule, and nobody is told of it.

Whoever a selection could not judge goes the same way, but stays only where people are excluded and nowhere asked for: a doubt
neither makes a hit nor takes one's place in another output.

Left out at one source, a person may still be found by another. Where the agreement says so, a source therefore sends those who
object there as a comparison of its own, which all outputs of the recipient exclude. It is filled with invented people up to the
number that the agreement declares, so that nobody learns how many object. These are the same whenever the run is encoded again:
an upload that is refused and replaced would else tell them from people, whose filters do not change.

The records that are left keep the numbers that they have in the file: row maps, payloads and hits are by these.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey
from service.administration.controls import controls
from service.administration.extra_people import extended
from service.administration.seat import Seat
from service.agreement import Comparison
from service.errors import ServiceError

if TYPE_CHECKING:
    from linkage.records import Column, Records

__all__ = ["Attached", "Sent", "sent_in"]


@dataclass(frozen=True, kw_only=True)
class Attached:
    """What goes with the records of a file, one for each.

    Attributes:
        payloads: what this party tells of them; empty when the agreement has it tell nothing.
        objecting: (n,) bool, who objects to the démarche; None: nobody.
        undecided: (n,) bool, whom the selection could not judge; None: nobody.
    """

    payloads: Sequence[bytes] = ()
    objecting: NDArray[np.bool_] | None = None
    undecided: NDArray[np.bool_] | None = None

    @property
    def withheld(self) -> NDArray[np.int64]:
        """The records that may be no hit, in their order."""
        marks = [one for one in (self.objecting, self.undecided) if one is not None]
        return np.flatnonzero(np.logical_or.reduce(marks)).astype(np.int64) if marks else np.empty(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The part of a file that goes to one comparison.

    Attributes:
        records: that go.
        payloads: of these; empty without.
        numbers: (k,) int64, of these in the file.
    """

    records: Records
    payloads: Sequence[bytes]
    numbers: NDArray[np.int64]


def sent_in(seat: Seat, comparison: Comparison, records: Records, attached: Attached) -> Sent:
    """The part of this party's file that goes to a comparison."""
    everybody = np.arange(len(records), dtype=np.int64)
    objecting = attached.objecting
    if comparison.of_objections and comparison.source == seat.party:
        return _objections(seat, comparison, records, everybody[:0] if objecting is None else everybody[objecting])
    left, taken_away = np.zeros(len(records), dtype=bool), comparison.source == seat.party
    if objecting is not None and not (taken_away and seat.agreement.excludes(comparison)):
        left |= objecting
    if attached.undecided is not None and not (taken_away and seat.agreement.only_excludes(comparison)):
        left |= attached.undecided
    if not left.any():
        return Sent(records=records, payloads=attached.payloads, numbers=everybody)
    numbers = everybody[~left]
    return Sent(
        records=_chosen(records, numbers),
        payloads=[attached.payloads[number] for number in numbers.tolist()] if attached.payloads else (),
        numbers=numbers,
    )


def _objections(seat: Seat, comparison: Comparison, records: Records, numbers: NDArray[np.int64]) -> Sent:
    """Those who object, among as many invented people as hide how many they are."""
    room = comparison.sizes.source - len(numbers)
    if room < 0:
        sentence = f"plus de {comparison.sizes.source} personnes s'opposent, ce que la convention déclare ; concluez-en une autre"
        raise ServiceError("E_EFFECTIF_DEPASSE", sentence)
    with RunKey(_drawn(seat, comparison)) as drawn:
        invented = controls(seat.sheet_of(comparison), drawn, room, source=False)
    after = len(records) + np.arange(room, dtype=np.int64)
    together = extended(_chosen(records, numbers), invented) if room else _chosen(records, numbers)
    return Sent(records=together, payloads=(), numbers=np.concatenate([numbers, after]))


def _drawn(seat: Seat, comparison: Comparison) -> bytes:
    """What the invented people of a comparison follow from: drawn once in a run, known to this party alone."""
    name = f"fillers/{comparison.id}"
    if seat.folder.secret("local", name) is None:
        seat.folder.keep_secrets("local", {name: secrets.token_bytes(32)})
    return seat.folder.secret("local", name) or b""


def _chosen(records: Records, numbers: NDArray[np.int64]) -> Records:
    from linkage.records import Column, Records  # noqa: PLC0415 - compiled code: only where people are encoded

    columns = {name: Column(values=one.values, codes=_Chosen(one, numbers)) for name, one in records.columns.items()}
    return Records(ids=_ChosenIds(records.ids, numbers), columns=columns)


class _Chosen:
    """The codes of some rows of a column; see `linkage.records.Codes`."""

    def __init__(self, column: Column, numbers: NDArray[np.int64]) -> None:
        self._column, self._numbers = column, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def part(self, start: int, stop: int) -> NDArray[np.int32]:
        """The codes of rows [start, stop)."""
        some = self._numbers[start:stop]
        if not len(some):
            return np.empty(0, dtype=np.int32)
        first = int(some[0])
        return self._column.part(first, int(some[-1]) + 1)[some - first]


class _ChosenIds(Sequence[str]):
    """Some of a sequence."""

    def __init__(self, ids: Sequence[str], numbers: NDArray[np.int64]) -> None:
        self._ids, self._numbers = ids, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self._ids[number] for number in self._numbers[place].tolist()]
        return self._ids[int(self._numbers[place])]
