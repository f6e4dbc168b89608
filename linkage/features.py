"""Canonical values to tokens: what a filter is made of, attribute by attribute.

A feature is a token with the group whose bits it shares. Groups have fixed shares of their attribute's bits, so a long
name does not crowd out a birth date and a record's fill hardly depends on its length.

| kind | groups (share of the attribute's bits, per mille) |
|---|---|
| `name`, `text` | `grams`: padded bigrams of each word (1000) |
| `given_names` | `first`: bigrams of the first name (750), `others`: of the following ones (250) |
| `date` | `year` (200), `month` (115), `day` (155), `day_month` (270), positional digits `digits` (260) |
| `code`, `cog` | `whole` (500), `grams`: positional characters (500) |
| `country`, `category`, `sex` | `whole` (1000): the 99 of every country would be constant bits |

Spelling: bigrams as they are, each word between underscores (`_M`, `MA`, … `N_`); `=VALUE`; `year=1980`, `month=02`,
`day=29`, `day_month=0229`; positional characters `PLACE:CHAR`, places counted from 0 (in a date, over its eight digits).

All name attributes share one token class (`name`), so that swapped names and usage names still meet; texts share one where
the sheet says so (`text/CLASS`, lines of an address); every other attribute has its own (`attribute/NAME`). Tokens fixed by
a block value are left out (design §5, condition 1): kept, they would be constant bits of the block.
"""

from __future__ import annotations

from collections.abc import Iterable

from linkage.sheet import Attribute

__all__ = ["GROUPS", "NAME_CLASS", "Tokens", "block_part", "left_out_groups", "token_class", "tokens"]

Tokens = dict[str, list[str]]  # group → tokens, sorted, without repetition

NAME_CLASS = "name"
GROUPS: dict[str, dict[str, int]] = {
    "name": {"grams": 1000},
    "given_names": {"first": 750, "others": 250},
    "text": {"grams": 1000},
    "date": {"year": 200, "month": 115, "day": 155, "day_month": 270, "digits": 260},
    "code": {"whole": 500, "grams": 500},
    "cog": {"whole": 500, "grams": 500},
    "country": {"whole": 1000},
    "category": {"whole": 1000},
    "sex": {"whole": 1000},
}
_PARTICLES = {
    "DE",
    "DU",
    "DES",
    "D",
    "L",
    "LA",
    "LE",
    "LES",
    "DOS",
    "DA",
    "DEL",
    "EL",
    "AL",
    "BEN",
    "AIT",
    "VAN",
    "VON",
}
_DIGITS = {"year": range(4), "month": range(4, 6), "day": range(6, 8), "day_month": range(4, 8)}


def token_class(attribute: Attribute) -> str:
    """The hashing class of an attribute: one for all names, one that the sheet names for texts, else its own."""
    if attribute.kind in ("name", "given_names"):
        return NAME_CLASS
    return f"text/{attribute.token_class}" if attribute.token_class else f"attribute/{attribute.name}"


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
    elif attribute.kind == "given_names":
        first, *others = value.split(" ")
        found = {"first": _grams(first.split("-"), _leading(first, parts))}
        found["others"] = _grams([word for name in others for word in name.split("-")], set())
    elif attribute.kind in ("name", "text"):
        found = {"grams": _grams(value.split(" "), _leading(_headword(value), parts))}
    elif attribute.kind in ("code", "cog"):
        found = {"whole": {f"={value}"}, "grams": {f"{place}:{char}" for place, char in enumerate(value)}}
    else:
        found = {"whole": {f"={value}"}}
    return {group: sorted(some) for group, some in found.items() if some}


def left_out_groups(kind: str, left_out: Iterable[str]) -> set[str]:
    """Groups of a kind that say nothing any more once these parts are left out: their bits go to the others."""
    parts = set(left_out)
    if "value" in parts:
        return set(GROUPS[kind])
    if kind != "date":
        return set()
    gone = {part for part in parts if part in GROUPS["date"]}
    if parts & {"day_month", "day", "month"}:
        gone.add("day_month")
    if "day_month" in parts:
        gone |= {"day", "month"}
    return {*gone, "digits"} if {"year", "month", "day"} <= gone else gone


def block_part(attribute: Attribute, part: str, value: str) -> str | None:
    """The block value's part of a canonical value, or None when the value does not tell."""
    if attribute.kind == "date":
        place = {"year": value[:4], "month": value[4:6], "day": value[6:], "day_month": value[4:]}[part]
        unknown = not int(place) if part == "year" else "00" in (place[:2], place[2:])
        return None if unknown else place
    if part == "value":
        return value
    head = _headword(value) if attribute.kind == "name" else value.split(" ", 1)[0].replace("-", "")
    size = 1 if part == "initial" else 2
    return head[:size] if len(head) >= size else None


def _date_tokens(value: str, left_out: set[str]) -> dict[str, set[str]]:
    year, month, day = value[:4], value[4:6], value[6:]
    known = {"year": int(year) > 0, "month": int(month) > 0, "day": int(day) > 0}
    gone = left_out_groups("date", left_out)
    hidden = {place for part in left_out for place in _DIGITS[part]}
    found: dict[str, set[str]] = {}
    for part, text in (("year", year), ("month", month), ("day", day)):
        if known[part] and part not in gone:
            found[part] = {f"{part}={text}"}
            places = [place for place in _DIGITS[part] if place not in hidden]
            found.setdefault("digits", set()).update(f"{place}:{value[place]}" for place in places)
    if known["month"] and known["day"] and "day_month" not in gone:
        found["day_month"] = {f"day_month={month}{day}"}
    return found


def _grams(words: Iterable[str], left_out: set[str]) -> set[str]:
    padded = [f"_{word}_" for word in words if word]
    return {word[k : k + 2] for word in padded for k in range(len(word) - 1)} - left_out


def _leading(word: str, parts: set[str]) -> set[str]:
    """The bigrams that an initial or two first letters fix."""
    head = word.replace("-", "")
    if "two" in parts:
        return {f"_{head[:1]}", head[:2]}
    return {f"_{head[:1]}"} if "initial" in parts else set()


def _headword(name: str) -> str:
    """The first word that is not a particle: DE LA TOUR is filed under TOUR."""
    words = name.split(" ")
    return next((word for word in words if word not in _PARTICLES), words[-1])
