"""Kinds of people who may be easier to recognise than others: rare names, short names, twins, born abroad, something missing.

Groups are those of the sheet: a kind of attribute that it lacks makes no group. They overlap. A name is rare where nobody else of
the file has it; people who have no name are in no group of names. Twins are those with the surname and the whole date of birth of
somebody else of the file: where one of the two is known, they are by far the easiest to find (docs/privacy.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.records import MISSING, Records
from linkage.sheet import Sheet

__all__ = ["GROUPS", "groups_of"]

Rows = NDArray[np.int64]

GROUPS = ("rare_name", "short_name", "twins", "born_abroad", "missing_date", "missing_value")
_SHORT = 4  # letters of a surname
_FRANCE = "99100"
_ABROAD = "99"  # first digits of the codes of foreign places


def groups_of(records: Records, sheet: Sheet) -> Mapping[str, Rows]:
    """Group → the rows that belong to it, groups without anybody left out."""
    found = {name: np.zeros(len(records), dtype=bool) for name in GROUPS}
    for one in sheet.attributes:
        if one.second_form_of is not None:
            continue
        codes, values = records.columns[one.name].codes, records.columns[one.name].values
        missing = codes == MISSING
        found["missing_value"] |= missing
        if one.kind == "name":
            counts = np.bincount(codes[~missing], minlength=len(values) + 1)
            found["rare_name"] |= ~missing & (counts[codes] == 1)
            found["short_name"] |= _having(codes, [len(value) <= _SHORT for value in values])
        elif one.kind == "date":
            found["missing_date"] |= missing | _having(codes, [_partial(value) for value in values])
        else:
            found["born_abroad"] |= _having(codes, [_foreign(one, value) for value in values])
    found["twins"] = _twins(records, sheet)
    return {name: np.flatnonzero(members) for name, members in found.items() if members.any()}


def _twins(records: Records, sheet: Sheet) -> NDArray[np.bool_]:
    """Which rows have the surname and the whole date of another; nobody where the sheet lacks one of the two."""
    kinds = {one.kind: one.name for one in reversed(sheet.attributes) if one.second_form_of is None}
    if not {"name", "date"} <= set(kinds):
        return np.zeros(len(records), dtype=bool)
    surname, date = (records.columns[kinds[kind]] for kind in ("name", "date"))
    whole = ~_having(date.codes, [_partial(value) for value in date.values])
    told = np.flatnonzero(whole & (surname.codes != MISSING) & (date.codes != MISSING))
    both = surname.codes[told].astype(np.int64) * (len(date.values) + 1) + date.codes[told]
    _, place, count = np.unique(both, return_inverse=True, return_counts=True)
    found = np.zeros(len(records), dtype=bool)
    found[told[count[place] > 1]] = True
    return found


def _having(codes: NDArray[np.int32], wanted: list[bool]) -> NDArray[np.bool_]:
    """Which rows have a value that is wanted; `MISSING` is none."""
    table = np.array([*wanted, False])
    return table[np.where(codes == MISSING, len(wanted), codes)]


def _partial(date: str) -> bool:
    """Whether year, month or day are unknown: zeros (`linkage.dates`)."""
    return date[:4] == "0000" or "00" in (date[4:6], date[6:8])


def _foreign(attribute: Attribute, value: str) -> bool:
    if attribute.kind == "country":
        return value != _FRANCE
    return attribute.kind == "cog" and value.startswith(_ABROAD)
