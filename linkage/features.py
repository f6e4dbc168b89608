"""Canonical values to tokens: what a filter is made of, attribute by attribute.

A feature is a token with the group whose bits it shares. Groups have fixed shares of their attribute's bits, so a long
name does not crowd out a birth date and a record's fill hardly depends on its length.

| kind | groups (share of the attribute's bits, per mille) |
|---|---|
| `name`, `text` | `grams`: padded bigrams of each word, in names also those that join two words (1000) |
| `given_names` | `first`: bigrams of the first name (750), `others`: of the following ones (250) |
| `date` | `year` (200), `month` (115), `day` (155), `day_month` (270), positional digits `digits` (260) |
| `code`, `cog` | `whole` (500), `grams`: positional characters (500) |
| `country`, `category`, `sex` | `whole` (1000): the 99 of every country would be constant bits |
| `number` | `near`: its own step and `reach` steps on either side (1000) |

`compare` replaces the groups of names, texts and codes: `bigrams` gives `grams`, `positional` gives `grams` with their
places, `exact` gives `whole`, each with all the bits. Where one first name is kept, `first` has all the bits.

Spelling: bigrams as they are, each word between underscores (`_M`, `MA`, … `N_`); `=VALUE`; `year=1980`, `month=02`,
`day=29`; `day_month=0229`, the smaller number first, so that a date with day and month swapped keeps it; positional
characters and bigrams `PLACE:CHARS`, places counted from 0 (in a date, over its eight digits, the century left out); `~STEP`
for a number. Joined words: `JEAN PIERRE` also has `NP`, which is all that `JEANPIERRE` has there. A commune stands for all
the codes that its place has had (`linkage.places`).

A weak part of a date (a `?` at its end: every 1 January, a first of the month abroad) is what files say when nobody knows. It
has no token of its own but for `day_month`, so that two weak dates still agree, and gives no block value.

All name attributes share one token class (`name`), so that swapped names and usage names still meet; texts share one where
the sheet says so (`text/CLASS`, lines of an address); every other attribute has its own (`attribute/NAME`). Tokens fixed by
a block value are left out (design §5, condition 1): kept, they would be constant bits of the block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from linkage.attribute import Attribute
from linkage.dates import WEAK
from linkage.names import headword
from linkage.places import lineage

__all__ = [
    "NAME_CLASS",
    "YEAR",
    "Tokens",
    "block_part",
    "groups",
    "insertions_by_group",
    "left_out_groups",
    "parts_of",
    "token_class",
    "tokens",
]

Tokens = dict[str, list[str]]  # group → tokens, sorted, without repetition

NAME_CLASS = "name"
_GROUPS: dict[str, dict[str, int]] = {
    "name": {"grams": 1000},
    "given_names": {"first": 750, "others": 250},
    "text": {"grams": 1000},
    "date": {"year": 200, "month": 115, "day": 155, "day_month": 270, "digits": 260},
    "code": {"whole": 500, "grams": 500},
    "cog": {"whole": 500, "grams": 500},
    "country": {"whole": 1000},
    "category": {"whole": 1000},
    "sex": {"whole": 1000},
    "number": {"near": 1000},
}
_COMPARED = {"bigrams": {"grams": 1000}, "positional": {"grams": 1000}, "exact": {"whole": 1000}}
_LETTERS = {"initial": 1, "two": 2, "three": 3}  # of the block value
YEAR = ("year", "decade", "unit")  # parts of a date
_CENTURY = 2  # digits of a year that nearly everybody shares: as tokens they would be constant bits
_DIGITS = {
    "year": range(4),
    "decade": range(3),
    "unit": range(3, 4),
    "month": range(4, 6),
    "day": range(6, 8),
    "day_month": range(4, 8),
}


def token_class(attribute: Attribute) -> str:
    """The hashing class of an attribute: one for all names, one that the sheet names for texts, else its own."""
    if attribute.kind in ("name", "given_names"):
        return NAME_CLASS
    return f"text/{attribute.token_class}" if attribute.token_class else f"attribute/{attribute.name}"


def groups(attribute: Attribute) -> dict[str, int]:
    """The groups of an attribute and the share of its bits that each has, per mille."""
    if attribute.compare:
        return _COMPARED[attribute.compare]
    if attribute.kind == "given_names" and attribute.most == 1:
        return {"first": 1000}
    return _GROUPS[attribute.kind]


def tokens(attribute: Attribute, value: str, left_out: Iterable[str] = ()) -> Tokens:
    """The tokens of a canonical value.

    Args:
        attribute: says how to cut.
        value: canonical, as `linkage.normalise` makes it.
        left_out: parts of the attribute that make the block value (`initial`, `month`, `value`…).
    """
    parts = set(left_out)
    if "value" in parts:
        return {}
    if attribute.kind == "date":
        found = _date_tokens(value, parts)
    elif attribute.kind == "number":
        found = {"near": _near(int(value), attribute.step, attribute.reach)}
    elif set(groups(attribute)) == {"whole"}:
        found = {"whole": {f"={value}"}}
    elif attribute.kind in ("code", "cog") and not attribute.compare:
        found = _code_tokens(lineage(value) if attribute.kind == "cog" else value)
    else:
        found = _text_tokens(attribute, value, parts)
    return {group: sorted(some) for group, some in found.items() if some}


def left_out_groups(attribute: Attribute, left_out: Iterable[str]) -> set[str]:
    """Groups that say nothing any more once these parts are left out: their bits go to the others."""
    parts = set(left_out)
    if "value" in parts:
        return set(groups(attribute))
    if attribute.kind != "date":
        return set()
    gone = _gone_parts(parts)
    return {*gone, "digits"} if {"year", "month", "day"} <= gone else gone


def parts_of(attribute: Attribute, components: Iterable[str]) -> tuple[str, ...]:
    """The parts of one attribute among components (`attribute.part`)."""
    pairs = (component.partition(".") for component in components)
    return tuple(part for name, _, part in pairs if name == attribute.name)


def insertions_by_group(
    attributes: Sequence[Attribute], insertions: int, left_out: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Insertions of each group of each attribute in a pass; the bits of what is left out go to the others.

    Args:
        attributes: of the sheet, with the bits that the pass gives them.
        insertions: of a whole filter.
        left_out: components that make the block value (`attribute.part`).

    Returns:
        Attribute → group → insertions, rounded down; an attribute of which nothing stays has no group.
    """
    weights = {
        attribute.name: {
            group: attribute.bits * share
            for group, share in groups(attribute).items()
            if group not in left_out_groups(attribute, parts_of(attribute, left_out))
        }
        for attribute in attributes
    }
    total = sum(weight for shares in weights.values() for weight in shares.values())
    return {
        name: {group: insertions * weight // total for group, weight in shares.items()}
        for name, shares in weights.items()
    }


def block_part(attribute: Attribute, part: str, value: str) -> str | None:
    """The block value's part of a canonical value, or None when the value does not tell."""
    if attribute.kind == "date":
        place = "".join(value[digit] for digit in _DIGITS[part])
        unknown = not int(value[:4]) if part in YEAR else "00" in (place[:2], place[2:])
        weak = part in _weak_parts(value) or (part == "day_month" and value.endswith(WEAK))
        return None if unknown or weak else place
    if part == "value":
        return value
    head = headword(value) if attribute.kind == "name" else value.split(" ", 1)[0].replace("-", "")
    size = _LETTERS[part]
    return head[:size] if len(head) >= size else None


def _text_tokens(attribute: Attribute, value: str, parts: set[str]) -> dict[str, set[str]]:
    """Bigrams of names, texts and, where the sheet says so, of codes."""
    words = value.split(" ")
    if attribute.compare == "positional":
        padded = f"_{value.replace(' ', '_')}_"
        return {"grams": {f"{place}:{padded[place : place + 2]}" for place in range(len(padded) - 1)}}
    if attribute.kind == "given_names":
        names = [name.split("-") for name in words]
        if attribute.compare:
            return {"grams": _grams([part for name in names for part in name], _leading(words[0], parts))}
        first = _grams(names[0], _leading(words[0], parts), joined=True)
        return {"first": first, "others": _grams([part for name in names[1:] for part in name], set())}
    return {"grams": _grams(words, _leading(headword(value), parts), joined=attribute.kind == "name")}


def _code_tokens(value: str) -> dict[str, set[str]]:
    return {"whole": {f"={value}"}, "grams": {f"{place}:{char}" for place, char in enumerate(value)}}


def _near(value: int, step: int, reach: int) -> set[str]:
    return {f"~{value // step + k}" for k in range(-reach, reach + 1)}


def _gone_parts(left_out: set[str]) -> set[str]:
    """Parts of a date that a block value tells, and `day_month` with either of its halves."""
    gone = left_out & set(_DIGITS)
    if {"decade", "unit"} <= gone:
        gone = gone | {"year"}
    if gone & {"day_month", "day", "month"}:
        gone = gone | {"day_month"}
    return gone | {"day", "month"} if "day_month" in left_out else gone


def _date_tokens(value: str, left_out: set[str]) -> dict[str, set[str]]:
    parts = {"year": value[:4], "month": value[4:6], "day": value[6:8]}
    known = {part for part, text in parts.items() if int(text)}
    gone = _gone_parts(left_out)
    hidden = {place for part in left_out for place in _DIGITS[part]}
    found: dict[str, set[str]] = {}
    for part in known - gone - _weak_parts(value):
        found[part] = {f"{part}={parts[part]}"}
        places = [place for place in _DIGITS[part] if place >= _CENTURY and place not in hidden]
        found.setdefault("digits", set()).update(f"{place}:{value[place]}" for place in places)
    if {"month", "day"} <= known and "day_month" not in gone:
        found["day_month"] = {"day_month=" + "".join(sorted((parts["month"], parts["day"])))}
    return found


def _weak_parts(value: str) -> set[str]:
    """What nobody knew of a date that a file writes in full: the day, and the month of a 1 January."""
    if not value.endswith(WEAK):
        return set()
    return {"month", "day"} if value[4:8] == "0101" else {"day"}


def _grams(words: Sequence[str], left_out: set[str], *, joined: bool = False) -> set[str]:
    padded = [f"_{word}_" for word in words if word]
    found = {word[k : k + 2] for word in padded for k in range(len(word) - 1)}
    if joined:
        found |= {left[-2] + right[1] for left, right in pairwise(padded)}
    return found - left_out


def _leading(word: str, parts: set[str]) -> set[str]:
    """The bigrams that an initial or two first letters fix."""
    padded = f"_{word.replace('-', '')}"
    told = max((letters for part, letters in _LETTERS.items() if part in parts), default=0)
    return {padded[place : place + 2] for place in range(told)}
