"""Communes through time: one representative for all the codes that a birthplace has had in the Code officiel géographique.

A person born in Gennevilliers in 1960 was born in 75036, and the commune is 92036 today; files write either. `lineage` gives
the commune of today that holds the place: across mergers, changes of département (Seine, Seine-et-Oise, Corsica),
arrondissements of Paris, Lyon and Marseille, overseas territories, and Algeria before and after 1962.

A class is one commune of today with the codes that are none any more. A commune of today stands for itself alone even if it
was part of another one for a time: tying both would tie their neighbours too, until whole cantons are one place. So
who was born in a commune while it was absorbed, and has either code in either file, does not meet; codes that no commune
ever had stand for themselves.

Countries have one code each, whichever of its ISO codes or French names a file writes; states that are no more, and
territories of others, are left as they are written.

The tables are `places.txt` and `countries.txt`, made from INSEE's files by `benchmarks/place_history.py` and
`benchmarks/country_codes.py`; they name their sources and licences.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

__all__ = ["country_code", "is_known", "lineage", "table_digest"]


def lineage(code: str) -> str:
    """The commune of today that stands for a code; the code itself where there is none."""
    return _heirs().get(code, code)


def is_known(code: str) -> bool:
    """Whether some commune has had this code since 1943."""
    return code in _heirs() or code in _current()


def country_code(folded: str) -> str | None:
    """INSEE's code of the country that a folded cell names by an ISO code or in French."""
    return _countries().get(folded)


def table_digest() -> str:
    """Hex SHA-256 of both tables, whatever the line ends of this copy: both sides must have the same history."""
    lines = [*_lines(), *_lines("countries.txt")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache  # public data, the same for everybody
def _lines(file: str = "places.txt") -> tuple[str, ...]:
    text = resources.files("linkage").joinpath(file).read_text("utf-8")
    return tuple(line for line in text.splitlines() if not line.startswith("#"))


@cache
def _countries() -> dict[str, str]:
    """Spelling → INSEE's code."""
    listed = [line.split("/") for line in _lines("countries.txt")]
    return {spelling: code for code, *spellings in listed for spelling in spellings}


@cache
def _heirs() -> dict[str, str]:
    """Code that is none any more → commune of today."""
    heirs = {}
    for line in _lines():
        if not line.startswith("="):
            heir, *codes = line.split(" ")
            for code in codes:
                heirs[code if len(code) == len(heir) else heir[:2] + code] = heir
    return heirs


@cache
def _current() -> frozenset[str]:
    """The communes of today, and what stands for Algeria."""
    current = set(_heirs().values())
    for line in _lines():
        if line.startswith("="):
            start, *runs = line[1:].split(" ")
            for run in runs:
                first, _, last = run.partition("-")
                current.update(f"{start}{number:03}" for number in range(int(first), int(last or first) + 1))
    return frozenset(current)
