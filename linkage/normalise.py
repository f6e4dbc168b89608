"""One pure function per kind of field: a raw cell in, a canonical string out, or None for a missing value.

A cell that cannot be right raises `linkage.cells.BadValue` with a code and the rule it breaks, never with the cell itself.
Canonical forms:

| kind | canonical form | module |
|---|---|---|
| `name`, `given_names` | upper-case words joined with a space | `linkage.names` |
| `date` | eight digits, zeros where a part is unknown, `?` where it is weak | `linkage.dates` |
| `code`, `cog`, `country`, `sex`, `number` | capitals and digits; countries are `99` and three digits | `linkage.codes` |
| `category`, `text` | folded: upper-case words without accents nor signs | `linkage.cells` |
| `text` with `address` | the same, abbreviations of addresses written out | `linkage.addresses` |

What is canonical already stays as it is. `most` keeps the first names of a list, `longest` then cuts the value where the
shorter of the two files cuts it.
"""

from __future__ import annotations

from collections.abc import Callable

from linkage.addresses import address_of
from linkage.attribute import Attribute
from linkage.cells import fold
from linkage.codes import code_of, commune_of, country_of, number_of, sex_of
from linkage.dates import date_of
from linkage.names import GivenNames, surname_of, usage_surname_of

__all__ = ["Normaliser", "normaliser"]

Normaliser = Callable[[str], str | None]


def normaliser(attribute: Attribute) -> Normaliser:
    """The function for an attribute's kind; it raises `linkage.cells.BadValue` on a cell that cannot be right."""
    formats, pad = attribute.formats, attribute.pad
    functions: dict[str, Normaliser] = {
        "name": usage_surname_of if attribute.second_form_of else surname_of,
        "given_names": GivenNames(),
        "date": lambda raw: date_of(raw, formats),
        "sex": sex_of,
        "code": lambda raw: code_of(raw, pad),
        "cog": lambda raw: commune_of(raw, pad),
        "country": country_of,
        "number": number_of,
        "category": _folded,
        "text": _folded if not attribute.address else lambda raw: address_of(raw, attribute.address),
    }
    function = functions[attribute.kind]
    return _cut(function, attribute.most, attribute.longest) if attribute.most or attribute.longest else function


def _folded(raw: str) -> str | None:
    return fold(raw) or None


def _cut(function: Normaliser, most: int, longest: int) -> Normaliser:
    """The same value as the file that keeps fewer names, or fewer characters of them."""

    def cut(raw: str) -> str | None:
        value = function(raw)
        if value and most:
            value = " ".join(value.split(" ", most)[:most])
        return value[:longest].rstrip(" -") if value and longest else value

    return cut
