"""Regenerate the frozen vectors of ``linkage.clkhash`` by running clkhash itself, in an environment of its own.

    python3.11 -m venv peer && peer/bin/pip install clkhash==0.18.3
    peer/bin/python tests/vectors/generate_clkhash.py

Inputs are ours and invented. This module imports nothing of ours, and clkhash only when it is run: tests read the cases here
and what clkhash made of them in ``clkhash_clks.json``:

- ``groups``: for each comparator, strategy and hash, a digest over the CLKs of `ROWS` under every fold, treatment of missing
  values and character set;
- ``schemas``: whole schemas of the three versions with their CLKs;
- ``cells``: which cells each format accepts, `+` or `-` a cell;
- ``verdicts``: which schemas clkhash can use, `+` or `-` a schema.
"""

from __future__ import annotations

import copy
import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

__all__ = ["CELLS", "FILE", "FORMATS", "SECRET", "group_schemas", "groups", "schemas", "variants"]

FILE = Path(__file__).parent / "clkhash_clks.json"
VERSION = "0.18.3"
SECRET = "une clé d'essai, publique"
Schema = dict[str, Any]

WORDS = {
    "ascii": ["martin", "O'Neil-Smith", "a", "ab", "nanana", "  ", "", "?", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
    "utf-8": ["Éloïse", "cœur", "Ǆ", "ﬀ", "İı", "王小明", "𝒜lex", "e\u0301", "", "?", "a\u00a0b"],
}
WORDS["utf-16"] = WORDS["utf-32"] = WORDS["utf-8"]
NUMBERS = [
    "0",
    "1",
    "-1",
    "21",
    "23",
    "+7",
    " 8 ",
    "1_000",
    "3.5",
    "-2.25",
    "1e3",
    "0.004",
    "123456789012345678901",
    "",
]
COMPARISONS: dict[str, dict[str, Any]] = {
    **{f"ngram{n}": {"type": "ngram", "n": n} for n in (1, 2, 3, 6)},
    **{f"positional{n}": {"type": "ngram", "n": n, "positional": True} for n in (1, 2, 4)},
    "exact": {"type": "exact"},
    "numeric": {"type": "numeric", "thresholdDistance": 5, "resolution": 2},
    "numeric_fine": {"type": "numeric", "thresholdDistance": 0.75, "resolution": 3, "fractional_precision": 2},
    "numeric_odd": {"type": "numeric", "thresholdDistance": 7, "resolution": 5, "fractional_precision": 1},
}
STRATEGIES = [{"bitsPerToken": 1}, {"bitsPerToken": 40}, {"bitsPerFeature": 3}, {"bitsPerFeature": 100}]
HASHES: dict[str, dict[str, Any]] = {
    "blake": {"type": "blakeHash"},
    "double": {"type": "doubleHash"},
    "sound": {"type": "doubleHash", "prevent_singularity": True},
}
MISSING: list[dict[str, str] | None] = [None, {"sentinel": ""}, {"sentinel": "?", "replaceWith": "12"}]
LENGTHS = {"blake": 128, "double": 61, "sound": 24}
FOLDS = (0, 1, 3)
KDF = {"type": "HKDF", "hash": "SHA256", "salt": "c2Vs", "info": "ZXNzYWk=", "keySize": 64}

FORMATS: list[Schema] = [
    {"type": "string"},
    {"type": "string", "encoding": "ascii", "case": "lower", "minLength": 2, "maxLength": 5},
    {"type": "string", "case": "upper"},
    {"type": "string", "case": "lower"},
    {"type": "string", "encoding": "utf-16", "pattern": "[A-Zé]{1,3}|x*"},
    {"type": "integer"},
    {"type": "integer", "minimum": -3, "maximum": 12},
    {"type": "date", "format": "%Y%m%d"},
    {"type": "date", "format": "%Y-%m-%d"},
    {"type": "date", "format": "%d/%m/%Y"},
    {"type": "date", "format": "%d.%m.%Y"},
    {"type": "date", "format": "%m/%d/%Y"},
    {"type": "date", "format": "%d/%m/%y"},
    {"type": "date", "format": "%j %Y"},
    {"type": "enum", "values": ["M", "F", "é"]},
]
CELLS = [
    "", "a", "ab", "abcde", "abcdef", "AB", "É", "é", "Aé", "ß", "ΑΣ", "ας", "σ", "Σ", "ǅ", "xxx", "M", "F", "\u0130", "1", "-3",
    "-4", "+12", "13", " 7 ", "1_2", "12.0", "٣", "20200229", "20210229", "20200230", "2020229", "19991301", "1999121",
    "00010101", "09990101",
    "00000101", "2020-02-29", "2021-02-29", "2020-2-9", "999-01-01", "0999-12-31", "2020/02/29", "29/02/2020",
    "29/02/2021", "9/2/2020", "09/2/2020", "29-02-2020", "29.02.2020", "02/29/2020", "29/02/20", "29/02/68", "29/02/69",
    "366 2020", "366 2021", "60 2021", " 20200101", "20200101 ", "２０２００１０１", "2020-02-29\n", "31/04/1980", "00/01/1980",
]  # fmt: skip


def feature(identifier: str, form: Schema, comparison: Schema, strategy: Schema, **rest: Any) -> Schema:
    """A feature of version 3."""
    return {
        "identifier": identifier,
        "format": form,
        "hashing": {"comparison": comparison, "strategy": strategy, **rest},
    }


def groups() -> list[tuple[str, str, dict[str, Any], str]]:
    """Name, comparison, strategy and hash of each group."""
    found = []
    for comparison, strategy, method in product(COMPARISONS, STRATEGIES, HASHES):
        ((key, bits),) = strategy.items()
        found.append((f"{comparison} {key} {bits} {method}", comparison, strategy, method))
    return found


def group_schemas(comparison: str, strategy: dict[str, Any], method: str) -> Iterator[tuple[Schema, list[list[str]]]]:
    """The schemas of a group and the rows of each."""
    numeric = comparison.startswith("numeric")
    for folds, missing, encoding in product(FOLDS, MISSING, WORDS):
        hashing = {"comparison": COMPARISONS[comparison], "strategy": strategy, "hash": HASHES[method]}
        if missing:
            hashing["missingValue"] = missing
        form = {"type": "string", "encoding": encoding}
        config = {"l": LENGTHS[method], "xor_folds": folds, "kdf": KDF}
        schema = {
            "version": 3,
            "clkConfig": config,
            "features": [{"identifier": "x", "format": form, "hashing": hashing}],
        }
        cells = NUMBERS if numeric else WORDS[encoding]
        yield schema, [[cell] for cell in cells]


def schemas() -> dict[str, tuple[Schema, list[list[str]]]]:
    """Whole schemas and rows, by name."""
    return {
        "v1": (_first_version({"type": "doubleHash"}), PEOPLE),
        "v1_blake": (_first_version({"type": "blakeHash"}, l=256), PEOPLE),
        "v1_sound": (_first_version({"type": "doubleHash", "prevent_singularity": True}, l=7), PEOPLE),
        "v2": (_second_version(), PEOPLE),
        "v3": (_third_version(), PEOPLE),
        "v3_folded": (_third_version(l=256, xor_folds=2), PEOPLE),
        "v3_published_key_for_folds": (_third_version(l=256, xorFolds=2), PEOPLE),
        "v3_sha512": (_third_version(kdf={"type": "HKDF", "hash": "SHA512", "keySize": 33}), PEOPLE),
        "v3_short_keys": (_third_version(kdf={"type": "HKDF", "salt": "", "info": "!!YQ==", "keySize": 1}), PEOPLE),
        "double_long_keys": (_long_keys(), [["abc"], ["é"], [""]]),
        "dates": (_dates(), DATES),
    }


PEOPLE = [
    ["1", "Jeanne", "LEBŒUF", "1980-02-29", "12", "M", "75001"],
    ["2", "", "DE LA TOUR", "0999-12-31", "0007", "F", ""],
    ["3", "Jean-Pierre", "NA", "", "-3", "?", "2A004"],
    ["4", "Xuân", "王", "2001-1-9", "100000", "F", "99352"],
    ["5", "nananananananana", "O'Neil", "1999-12-31", "+12", "M", "00000"],
]
TEXT = {"type": "string", "encoding": "utf-8"}
DAY = {"type": "date", "format": "%Y-%m-%d", "description": "day of birth"}
NUMBER = {"type": "integer", "minimum": -10}
SEX = {"type": "enum", "values": ["M", "F"]}
PLACE = {"type": "string", "pattern": "[0-9AB]*"}


def _first_version(method: Schema, l: int = 1024) -> Schema:  # noqa: E741 - as in the schemas
    def one(identifier: str, form: Schema, ngram: int, **rest: Any) -> Schema:
        return {"identifier": identifier, "format": form, "hashing": {"ngram": ngram, **rest}}

    return {
        "version": 1,
        "clkConfig": {"l": l, "k": 5, "kdf": KDF, "hash": method},
        "features": [
            {"identifier": "id", "ignored": True, "description": "row"},
            one("first", TEXT, 2, weight=0.5),
            one("last", TEXT, 3, positional=True, weight=1.5),
            one("born", DAY, 1, positional=True, missingValue={"sentinel": ""}),
            one("number", NUMBER, 1, weight=0.9),
            one("sex", SEX, 1, weight=0, missingValue={"sentinel": "?"}),
            one("place", PLACE, 2, positional=False, weight=2, missingValue={"sentinel": "", "replaceWith": "none"}),
        ],
    }


def _second_version() -> Schema:
    def one(identifier: str, form: Schema, strategy: Schema, **rest: Any) -> Schema:
        return {"identifier": identifier, "format": form, "hashing": {"ngram": 2, "strategy": strategy, **rest}}

    return {
        "version": 2,
        "clkConfig": {"l": 512, "xor_folds": 1, "kdf": KDF},
        "features": [
            {"identifier": "id", "ignored": True},
            one("first", TEXT, {"k": 11}, positional=True),
            one("last", TEXT, {"numBits": 100}, hash={"type": "doubleHash"}),
            one("born", DAY, {"numBits": 60}, missingValue={"sentinel": ""}),
            one("number", NUMBER, {"k": 33.0}, hash={"type": "blakeHash"}),
            one("sex", SEX, {"k": 3}, missingValue={"sentinel": "?", "replaceWith": ""}),
            one("place", PLACE, {"numBits": 7}, hash={"type": "doubleHash", "prevent_singularity": True}),
        ],
    }


def _third_version(**config: Any) -> Schema:
    numeric = {"type": "numeric", "thresholdDistance": 5, "resolution": 2}
    return {
        "version": 3,
        "clkConfig": {"l": 1024, "kdf": KDF, **config},
        "features": [
            {"identifier": "id", "ignored": True},
            feature("first", TEXT, {"type": "ngram", "n": 2}, {"bitsPerFeature": 100}),
            feature("last", TEXT, {"type": "ngram", "n": 3, "positional": True}, {"bitsPerToken": 12}),
            feature(
                "born",
                DAY,
                {"type": "ngram", "n": 1, "positional": True},
                {"bitsPerFeature": 80},
                missingValue={"sentinel": ""},
            ),
            feature("number", NUMBER, numeric, {"bitsPerToken": 9}, hash={"type": "doubleHash"}),
            feature("sex", SEX, {"type": "exact"}, {"bitsPerToken": 70}, missingValue={"sentinel": "?"}),
            {**feature("place", PLACE, {"type": "exact"}, {"bitsPerToken": 5}), "ignored": True},
        ],
    }


def _long_keys() -> Schema:
    config = {"l": 100, "kdf": {"type": "HKDF", "keySize": 150}}
    one = feature("x", TEXT, {"type": "ngram", "n": 2}, {"bitsPerToken": 5}, hash={"type": "doubleHash"})
    return {"version": 3, "clkConfig": config, "features": [one]}


DATES = [["19800229", "29/02/80", "060 1980"], ["00010101", "01/01/69", "1 2021"], ["20001231", "31/12/68", "366 2020"]]


def _dates() -> Schema:
    gram = {"type": "ngram", "n": 2, "positional": True}
    days = [{"type": "date", "format": form} for form in ("%Y%m%d", "%d/%m/%y", "%j %Y")]
    features = [feature(f"d{place}", day, gram, {"bitsPerFeature": 20}) for place, day in enumerate(days)]
    return {"version": 3, "clkConfig": {"l": 256, "kdf": KDF}, "features": features}


def variants() -> list[tuple[str, Schema, list[str]]]:
    """Name, schema and one row: schemas with one thing changed, some of which clkhash cannot use."""
    found: list[tuple[str, Schema, list[str]]] = []
    for name, (base, row, changes) in _CHANGES.items():
        for path, value in changes:
            changed = copy.deepcopy(base())
            place: Any = changed
            *parents, last = path
            for key in parents:
                place = place[key]
            if value is DROPPED:
                del place[last]
            else:
                place[last] = value
            found.append((f"{name} {'/'.join(map(str, path))} {len(found)}", changed, row))
    return found


DROPPED = object()
_HASHING = ("features", 1, "hashing")
_FORMAT = ("features", 1, "format")
_CONFIG = ("clkConfig",)
_CHANGES: dict[str, tuple[Callable[[], Schema], list[str], list[tuple[tuple[Any, ...], Any]]]] = {
    "v3": (
        _third_version,
        PEOPLE[0],
        [
            (("version",), DROPPED), (("version",), 3.0), (("version",), True), (("version",), "3"), (("version",), 4),
            (("more",), 1), (("features",), {}), (_CONFIG, DROPPED), (_CONFIG, []), ((*_CONFIG, "l"), 0),
            ((*_CONFIG, "l"), 1000), ((*_CONFIG, "l"), "1024"), ((*_CONFIG, "l"), True), ((*_CONFIG, "more"), 1),
            ((*_CONFIG, "xorFolds"), -1), ((*_CONFIG, "xorFolds"), 0.5), ((*_CONFIG, "kdf"), {"type": "legacy"}),
            ((*_CONFIG, "kdf", "type"), DROPPED), ((*_CONFIG, "kdf", "hash"), "SHA1"), ((*_CONFIG, "kdf", "salt"), "a"),
            ((*_CONFIG, "kdf", "salt"), 3), ((*_CONFIG, "kdf", "keySize"), 0), ((*_CONFIG, "kdf", "keySize"), 65),
            ((*_CONFIG, "kdf", "keySize"), 1000), ((*_CONFIG, "kdf", "more"), 1),
            (("features", 0, "identifier"), DROPPED), (("features", 0, "more"), 1), (("features", 0, "ignored"), False),
            (("features", 1, "more"), 1), (("features", 1, "description"), 3), (("features", 1, "ignored"), "yes"),
            (("features", 1, "ignored"), False), (("features", 1, "identifier"), 3), (("features", 6, "hashing"), {}),
            (_FORMAT, DROPPED), ((*_FORMAT, "type"), "text"), ((*_FORMAT, "more"), 1), ((*_FORMAT, "encoding"), "latin1"),
            ((*_FORMAT, "case"), "title"), ((*_FORMAT, "case"), "mixed"), ((*_FORMAT, "minLength"), -1),
            ((*_FORMAT, "maxLength"), 0), ((*_FORMAT, "maxLength"), 30), ((*_FORMAT, "minLength"), 1),
            ((*_FORMAT, "description"), 3), ((*_FORMAT, "pattern"), "["), ((*_FORMAT, "pattern"), ".*"),
            (_FORMAT, {"type": "string", "pattern": ".*", "case": "mixed"}), (_FORMAT, {"type": "integer", "case": "lower"}),
            (_FORMAT, {"type": "enum"}), (_FORMAT, {"type": "enum", "values": [1]}), (_FORMAT, {"type": "date"}),
            (_FORMAT, {"type": "enum", "values": ["Jeanne"]}), (_FORMAT, {"type": "date", "format": "%Q"}),
            (_HASHING, DROPPED), ((*_HASHING, "more"), 1), ((*_HASHING, "comparison"), DROPPED),
            ((*_HASHING, "strategy"), DROPPED), ((*_HASHING, "comparison", "n"), 0), ((*_HASHING, "comparison", "n"), 20),
            ((*_HASHING, "comparison", "positional"), 1), ((*_HASHING, "comparison", "more"), 1),
            ((*_HASHING, "comparison"), {"type": "soundex"}), ((*_HASHING, "comparison"), {"type": "exact", "n": 2}),
            ((*_HASHING, "strategy"), {}), ((*_HASHING, "strategy"), {"bitsPerToken": 0}),
            ((*_HASHING, "strategy"), {"bitsPerToken": 2.5}), ((*_HASHING, "strategy"), {"bitsPerToken": 3.0}),
            ((*_HASHING, "strategy"), {"k": 3}), ((*_HASHING, "strategy"), {"bitsPerToken": 3, "bitsPerFeature": 3}),
            ((*_HASHING, "hash"), {}), ((*_HASHING, "hash"), {"type": "sha"}),
            ((*_HASHING, "hash"), {"type": "blakeHash", "x": 1}),
            ((*_HASHING, "hash"), {"type": "blakeHash", "prevent_singularity": False}),
            ((*_HASHING, "hash"), {"type": "doubleHash", "prevent_singularity": 1}),
            ((*_HASHING, "missingValue"), {}), ((*_HASHING, "missingValue"), {"sentinel": 1}),
            ((*_HASHING, "missingValue"), {"sentinel": "", "replaceWith": None}),
            ((*_HASHING, "missingValue"), {"sentinel": "", "more": 1}),
            (("features", 4, "hashing", "comparison", "resolution"), 0),
            (("features", 4, "hashing", "comparison", "resolution"), DROPPED),
            (("features", 4, "hashing", "comparison", "thresholdDistance"), 0),
            (("features", 4, "hashing", "comparison", "thresholdDistance"), 0.2),
            (("features", 4, "hashing", "comparison", "fractional_precision"), -1),
            (("features", 4, "hashing", "comparison", "fractional_precision"), 1),
        ],
    ),
    "v2": (
        _second_version,
        PEOPLE[0],
        [
            ((*_HASHING, "ngram"), 0), ((*_HASHING, "ngram"), DROPPED), ((*_HASHING, "strategy"), {"k": 0}),
            ((*_HASHING, "strategy"), {"k": 1.5}), ((*_HASHING, "strategy"), {"bitsPerToken": 3}),
            ((*_HASHING, "strategy"), {"k": 1, "numBits": 1}), ((*_HASHING, "comparison"), {"type": "exact"}),
            ((*_HASHING, "positional"), "no"), (("features", 0, "more"), 1), (("features", 1, "ignored"), True),
            (("features", 1, "ignored"), False), (("features", 1, "more"), 1), ((*_CONFIG, "k"), 3),
        ],
    ),
    "v1": (
        lambda: _first_version({"type": "doubleHash"}),
        PEOPLE[0],
        [
            ((*_CONFIG, "k"), DROPPED), ((*_CONFIG, "k"), 0), ((*_CONFIG, "hash"), DROPPED), ((*_CONFIG, "hash"), {"type": "x"}),
            ((*_HASHING, "weight"), -1), ((*_HASHING, "weight"), 0.01), ((*_HASHING, "weight"), 0.1), ((*_HASHING, "weight"), 0),
            ((*_HASHING, "weight"), "1"), ((*_HASHING, "ngram"), 0), ((*_HASHING, "ngram"), DROPPED), ((*_HASHING, "k"), 3),
            (("features", 1, "ignored"), True), (("features", 0, "more"), 1), ((*_CONFIG, "xor_folds"), 1),
        ],
    ),
}  # fmt: skip


def main() -> None:
    """Run clkhash over everything and write the file."""
    from importlib.metadata import version

    if version("clkhash") != VERSION:
        raise SystemExit(f"clkhash {VERSION} is needed")
    document = {
        "made_with": f"clkhash {VERSION}",
        "secret": SECRET,
        "groups": {name: _digest(group_schemas(*parts)) for name, parts in ((one[0], one[1:]) for one in groups())},
        "schemas": {name: [b64encode(clk).decode() for clk in _clks(*case)] for name, case in schemas().items()},
        "cells": ["".join("+" if _accepts(form, cell) else "-" for cell in CELLS) for form in FORMATS],
        "verdicts": "".join("+" if _usable(schema, row) else "-" for _, schema, row in variants()),
    }
    FILE.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _clks(schema: Schema, rows: list[list[str]]) -> list[bytes]:
    from clkhash.clk import generate_clks  # type: ignore[import-not-found]
    from clkhash.schema import from_json_dict  # type: ignore[import-not-found]

    found = generate_clks(rows, from_json_dict(copy.deepcopy(schema)), SECRET, max_workers=1)
    return [clk.tobytes() for clk in found]


def _digest(cases: Iterator[tuple[Schema, list[list[str]]]]) -> str:
    whole = hashlib.sha256()
    for schema, rows in cases:
        for clk in _clks(schema, rows):
            whole.update(clk)
    return whole.hexdigest()[:32]


def _accepts(form: Schema, cell: str) -> bool:
    return _usable(_one(form), [cell])


def _one(form: Schema) -> Schema:
    one = feature("x", form, {"type": "exact"}, {"bitsPerToken": 1})
    return {"version": 3, "clkConfig": {"l": 64, "kdf": KDF}, "features": [one]}


def _usable(schema: Schema, row: list[str]) -> bool:
    try:
        _clks(schema, [row])
    except Exception:  # noqa: BLE001 - clkhash fails in many ways, all of which mean no
        return False
    return True


if __name__ == "__main__":
    main()
