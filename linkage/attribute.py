"""One attribute of a linkage sheet: its kind, weight and comparison, and how one side's file writes it.

Parsed strictly: an unknown key, a value out of range or a key that its kind does not know is an error with its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from linkage.addresses import ADDRESS_PARTS
from linkage.errors import SheetError

__all__ = [
    "COMPARISONS",
    "COMPONENTS",
    "DATE_FORMATS",
    "KINDS",
    "NAME",
    "Attribute",
    "check_closed",
    "check_side",
    "one_string",
    "parse_attribute",
    "several_strings",
    "whole_number",
    "with_bits",
]

# What a block value may be made of, for each kind of attribute.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "name": ("initial", "two", "three"),
    "given_names": ("initial", "two", "three"),
    "date": ("year", "decade", "unit", "month", "day", "day_month"),
    "code": ("value",),
    "cog": ("value",),
    "country": ("value",),
    "category": ("value",),
    "sex": ("value",),
    "text": ("value",),
    "number": ("value",),
}
KINDS = tuple(COMPONENTS)
# How a kind may be compared instead of its own way.
COMPARISONS: dict[str, tuple[str, ...]] = {
    "name": ("bigrams", "exact"),
    "given_names": ("bigrams", "exact"),
    "text": ("bigrams", "positional", "exact"),
    "code": ("bigrams", "positional", "exact"),
}
DATE_FORMATS = (
    "AAAA-MM-JJ",
    "AAAAMMJJ",
    "JJ/MM/AAAA",
    "JJ.MM.AAAA",
    "JJ-MM-AAAA",
    "JJMMAAAA",
    "MM/JJ/AAAA",
    "EXCEL",  # the serial number of a day, as a spreadsheet stores it
)
# Attributes and passes name keys, columns of messages and parts of URLs.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

_INVALID = ("refuse", "missing")
_UNWEIGHED = ("code", "cog", "category")  # kinds that may be in no filter
_LONGEST_PAD = 32
_LONGEST_VALUE = 1000
_MOST_NAMES = 20
_LARGEST_STEP = 1_000_000
_FARTHEST = 50
# Keys that only some kinds know.
_KEYS_OF_KIND = {
    "format": ("date",),
    "country": ("date",),
    "class": ("text",),
    "address": ("text",),
    "pad": ("code", "cog"),
    "longest": ("name", "given_names", "text"),
    "most": ("given_names",),
    "compare": tuple(COMPARISONS),
    "step": ("number",),
    "reach": ("number",),
}
_KEYS = {"kind", "column", "bits", "second_form_of", "optional", "invalid", "missing", *_KEYS_OF_KIND}


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute of the identity.

    Attributes:
        name: its name in the sheet.
        kind: one of `KINDS`; decides normalisation, features and comparison.
        columns: columns of the file, joined with a space.
        bits: weight: its share of the filter is bits / sum of bits; 0 = in no filter, for what exact passes and twins compare.
        formats: accepted date formats, in order, out of `DATE_FORMATS`.
        pad: codes are left-padded with zeros to this length; 0 = never.
        second_form_of: another form of that name attribute; ignored where it says the same.
        optional: the column may be absent from a file.
        invalid: what a cell that cannot be right does to its row: `refuse`, or count as `missing` (and be reported).
        token_class: texts of one class share their tokens, so that swapped fields still meet (names always do).
        compare: out of `COMPARISONS` of its kind; empty = the kind's own way.
        longest: characters kept of a canonical value, because one party's file cuts there; 0 = all.
        most: first names kept; 0 = all.
        step: numbers in one step of this size are equal.
        reach: steps on either side that still count as near.
        country: of a date of birth, the attribute that holds the country of birth: abroad, a first of the month is weak.
        address: of a text that is a postal address, the part that is compared (`linkage.addresses`); empty: any other text.
        missing: cells, as one side's file writes them, that mean no value.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    bits: int
    formats: tuple[str, ...]
    pad: int
    second_form_of: str | None
    optional: bool
    invalid: str
    token_class: str | None
    compare: str
    longest: int
    most: int
    step: int
    reach: int
    country: str | None
    missing: tuple[str, ...]
    address: str = ""

    def shared(self) -> dict[str, str | int]:
        """What both parties must have alike: everything but what describes one side's file."""
        return {
            "name": self.name,
            "kind": self.kind,
            "bits": self.bits,
            "pad": self.pad,
            "second": self.second_form_of or "",
            "class": self.token_class or "",
            "compare": self.compare,
            "longest": self.longest,
            "most": self.most,
            "step": self.step,
            "reach": self.reach,
            "country": self.country or "",
            **({"address": self.address} if self.address else {}),
        }


def parse_attribute(name: str, entry: Any) -> Attribute:
    """The attribute that a table `[attributes.NAME]` describes.

    Raises:
        SheetError: `E_CLE_INCONNUE`, `E_FEUILLE`, `E_FORMAT_DATE`, with the place of the fault.
    """
    where = f"[attributes.{name}]"
    if not isinstance(entry, Mapping):
        raise SheetError("E_FEUILLE", f"{where} doit être une table")
    check_closed(entry, _KEYS, where)
    if not NAME.fullmatch(name) or name == "id":
        raise SheetError(
            "E_FEUILLE", f"{where} : un nom d'attribut a lettres sans accent, chiffres, _ et - ; « id » est pris"
        )
    kind = _one_of(entry.get("kind"), KINDS, f"{where} : kind")
    for key, kinds in _KEYS_OF_KIND.items():
        if key in entry and kind not in kinds:
            raise SheetError("E_FEUILLE", f"{where} : {key} ne va qu'avec kind = {' ou '.join(kinds)}")
    optional = entry.get("optional", False)
    if not isinstance(optional, bool):
        raise SheetError("E_FEUILLE", f"{where} : optional doit être true ou false")
    return Attribute(
        name=name,
        kind=kind,
        columns=_columns(entry.get("column", name), kind, where),
        bits=whole_number(entry.get("bits"), 0 if kind in _UNWEIGHED else 1, 1000, f"{where} : bits"),
        formats=_formats(entry.get("format", DATE_FORMATS[0]), kind, where),
        pad=whole_number(entry.get("pad", 0), 0, _LONGEST_PAD, f"{where} : pad"),
        second_form_of=_named(entry, "second_form_of", where),
        optional=optional,
        invalid=_one_of(entry.get("invalid", "refuse"), _INVALID, f"{where} : invalid"),
        token_class=_named(entry, "class", where),
        compare=_one_of(entry.get("compare", ""), ("", *COMPARISONS.get(kind, ())), f"{where} : compare"),
        longest=whole_number(entry.get("longest", 0), 0, _LONGEST_VALUE, f"{where} : longest"),
        most=whole_number(entry.get("most", 0), 0, _MOST_NAMES, f"{where} : most"),
        step=whole_number(entry.get("step", 1), 1, _LARGEST_STEP, f"{where} : step"),
        reach=whole_number(entry.get("reach", 1), 0, _FARTHEST, f"{where} : reach"),
        country=_named(entry, "country", where),
        missing=_cells(entry.get("missing", ()), where),
        address=_one_of(entry.get("address", ""), ("", *ADDRESS_PARTS), f"{where} : address"),
    )


def with_bits(attributes: Sequence[Attribute], bits: Iterable[tuple[str, int]]) -> tuple[Attribute, ...]:
    """What a pass makes its filters of: the attributes with other weights for those that are named, less those without any."""
    other = dict(bits)
    weighed = (replace(one, bits=other.get(one.name, one.bits)) for one in attributes)
    return tuple(one for one in weighed if one.bits)


def check_side(where: str, entries: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Whether a table `[columns.SIDE]` only speaks of known attributes, in a way that their kinds know.

    Raises:
        SheetError: `E_CLE_INCONNUE`, `E_FEUILLE`, `E_FORMAT_DATE`.
    """
    unknown = set(entries) - set(kinds) - {"id"}
    if unknown:
        raise SheetError("E_CLE_INCONNUE", f"{where} : attribut inconnu : {', '.join(sorted(unknown))}")
    for name, entry in entries.items():
        place = f"{where} {name}"
        if name == "id":
            several_strings(entry, place)
        elif isinstance(entry, Mapping):
            check_closed(entry, {"column", "format", "missing"}, place)
            _columns(entry.get("column", name), kinds[name], place)
            _formats(entry.get("format", DATE_FORMATS[0]), kinds[name], place)
            _cells(entry.get("missing", ()), place)
        else:
            _columns(entry, kinds[name], place)


def check_closed(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse keys that nobody reads.

    Raises:
        SheetError: `E_CLE_INCONNUE`.
    """
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise SheetError("E_CLE_INCONNUE", f"{where} : clé inconnue : {', '.join(unknown)}")


def whole_number(value: Any, least: int, most: int, where: str) -> int:
    """An integer between two bounds, both allowed.

    Raises:
        SheetError: `E_FEUILLE`.
    """
    if type(value) is not int or not least <= value <= most:
        raise SheetError("E_FEUILLE", f"{where} : un entier de {least} à {most} est attendu")
    return value


def one_string(value: Any, where: str) -> str:
    """A string.

    Raises:
        SheetError: `E_FEUILLE`.
    """
    if not isinstance(value, str):
        raise SheetError("E_FEUILLE", f"{where} : une chaîne est attendue")
    return value


def several_strings(value: Any, where: str) -> tuple[str, ...]:
    """A string or a list of strings, at least one.

    Raises:
        SheetError: `E_FEUILLE`.
    """
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise SheetError("E_FEUILLE", f"{where} : une chaîne ou une liste de chaînes est attendue")


def _columns(value: Any, kind: str, where: str) -> tuple[str, ...]:
    columns = several_strings(value, where)
    if kind == "date" and len(columns) not in (1, 3):
        raise SheetError("E_FEUILLE", f"{where} : une date tient dans une colonne, ou dans trois : année, mois, jour")
    return columns


def _formats(value: Any, kind: str, where: str) -> tuple[str, ...]:
    formats = several_strings(value, where)
    if kind == "date" and not set(formats) <= set(DATE_FORMATS):
        raise SheetError("E_FORMAT_DATE", f"{where} : les formats de date sont {', '.join(DATE_FORMATS)}")
    return formats


def _cells(value: Any, where: str) -> tuple[str, ...]:
    return several_strings(value, f"{where} : missing") if value != () else ()


def _named(entry: Mapping[str, Any], key: str, where: str) -> str | None:
    return one_string(entry[key], f"{where} : {key}") if key in entry else None


def _one_of(value: Any, known: tuple[str, ...], where: str) -> str:
    if value not in known:
        raise SheetError("E_FEUILLE", f"{where} doit être l'un de {', '.join(filter(None, known))}")
    return str(value)
