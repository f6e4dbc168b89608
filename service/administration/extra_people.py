"""People that a tool adds to a file on its way to a run: made of canonical values, read and encoded as all others.

Nothing of the file is copied: its columns keep their codes, and the codes of those who are added follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from linkage.records import Column, Records

__all__ = ["extended", "records_of"]


def records_of(people: Sequence[Mapping[str, str]], attributes: Iterable[str], ids: Sequence[str] = ()) -> Records:
    """Records of people whose values are canonical already.

    Args:
        people: attribute → canonical value; what is missing is left out.
        attributes: of the sheet.
        ids: local identifiers; without any, everybody is named by a number.
    """
    from linkage.columns import Texts  # noqa: PLC0415 - compiled code: only where people are encoded
    from linkage.records import MISSING, Column, Records  # noqa: PLC0415

    columns = {}
    for name in attributes:
        values = sorted({one[name] for one in people if name in one})
        place = {value: number for number, value in enumerate(values)}
        codes = np.array([place[one[name]] if name in one else MISSING for one in people], dtype=np.int32)
        columns[name] = Column(values=Texts.of(values), codes=codes)
    return Records(ids=ids or [str(number) for number in range(len(people))], columns=columns)


def extended(records: Records, people: Records) -> Records:
    """The records of a file, and after them those of some more people, with the same attributes.

    The identifiers of those who are added mean nothing to anybody and may be those of others.
    """
    from linkage.records import Records  # noqa: PLC0415 - compiled code: only where people are encoded

    columns = {name: _followed(column, people.columns[name]) for name, column in records.columns.items()}
    return Records(ids=_Followed(records.ids, people.ids), columns=columns)


def _followed(first: Column, then: Column) -> Column:
    """Both columns as one: values of the second that the first has are not there twice."""
    from linkage.columns import Texts  # noqa: PLC0415 - compiled code: only where people are encoded
    from linkage.records import MISSING, Column  # noqa: PLC0415

    new = list(then.values)
    places = _places(first.values, new)
    added = [value for value in new if value not in places]
    places |= {value: len(first.values) + number for number, value in enumerate(added)}
    moved = np.array([places[value] for value in new], dtype=np.int32)
    codes = then.codes
    tail = np.where(codes == MISSING, np.int32(MISSING), moved[codes] if len(moved) else codes).astype(np.int32)
    values = Texts.of([*first.values, *added]) if added else first.values
    return Column(values=values, codes=_FollowedCodes(first, tail))


def _places(values: Sequence[str], wanted: Sequence[str]) -> dict[str, int]:
    """Where some values stand among others."""
    left = set(wanted)
    return {value: place for place, value in enumerate(values) if value in left}


class _FollowedCodes:
    """The codes of a column and some more; see `linkage.records.Codes`."""

    def __init__(self, first: Column, tail: NDArray[np.int32]) -> None:
        self._first, self._tail = first, tail

    def __len__(self) -> int:
        return len(self._first) + len(self._tail)

    def part(self, start: int, stop: int) -> NDArray[np.int32]:
        """The codes of rows [start, stop)."""
        count = len(self._first)
        if stop <= count:
            return self._first.part(start, stop)
        tail = self._tail[max(0, start - count) : stop - count]
        return tail if start >= count else np.concatenate([self._first.part(start, count), tail])


class _Followed(Sequence[str]):
    """Two sequences, one after the other."""

    def __init__(self, first: Sequence[str], then: Sequence[str]) -> None:
        self._first, self._then = first, then

    def __len__(self) -> int:
        return len(self._first) + len(self._then)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        count = len(self._first)
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                return [self[number] for number in range(start, stop, step)]
            first = list(self._first[start : min(stop, count)]) if start < count else []
            return first + list(self._then[max(0, start - count) : max(0, stop - count)])
        place = place + len(self) if place < 0 else place
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._first[place] if place < count else self._then[place - count]
