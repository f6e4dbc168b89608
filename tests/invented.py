"""Invented people for the tests of the encoder: raw cells, and the sheets and records made of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from linkage.records import Records, records_from_table
from linkage.sheet import Sheet, load_sheet
from linkage.tables import RawTable

ROOT = Path(__file__).parent.parent
P1_FILE = ROOT / "linkage" / "identities" / "P1.toml"
FEBRL4_FILE = ROOT / "benchmarks" / "sheets" / "febrl4.toml"

Cells = dict[str, str]  # attribute → raw cell


def table_of(path: Path) -> dict[str, Any]:
    """A sheet as its parsed TOML table."""
    return tomllib.loads(path.read_text("utf-8"))


P1 = load_sheet("P1")
FEBRL4 = load_sheet(FEBRL4_FILE)
P1_TABLE = table_of(P1_FILE)
FEBRL4_TABLE = table_of(FEBRL4_FILE)


def records_of(sheet: Sheet, people: Sequence[Mapping[str, str]]) -> Records:
    """Records of people given attribute by attribute; an attribute that nobody has is an empty column."""
    (identifier,), attributes = sheet.for_side("")
    columns = {one.columns[0]: [person.get(one.name, "") for person in people] for one in attributes}
    columns[identifier] = [str(number) for number in range(len(people))]
    table = RawTable.of("inventes.csv", columns)
    return records_from_table(table, [identifier], attributes)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def word(rng: np.random.Generator, initial: str = "", least: int = 4, most: int = 9) -> str:
    """A name of random letters after an initial."""
    size = int(rng.integers(least, most + 1)) - len(initial)
    return initial + "".join(LETTERS[place] for place in rng.integers(0, 26, size))


def born(rng: np.random.Generator, first: int = 1900, last: int = 2099) -> str:
    """A random day, as AAAA-MM-JJ; both centuries as often, so that no digit is nearly constant."""
    return f"{rng.integers(first, last + 1)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"


def person(rng: np.random.Generator) -> Cells:
    """A complete identity of sheet P1, every attribute drawn on its own."""
    return {
        "nom_naissance": word(rng),
        "nom_usage": word(rng) if rng.random() < 0.3 else "",
        "prenoms": " ".join(word(rng) for _ in range(rng.integers(1, 4))),
        "sexe": "MF"[rng.integers(2)],
        "date_naissance": born(rng),
        "cog_commune_naissance": f"{rng.integers(1, 96):02}{rng.integers(1, 1000):03}",
        "cog_pays_naissance": "99100" if rng.random() < 0.5 else f"99{rng.integers(101, 500)}",
    }


def people(count: int, seed: int = 20261122) -> list[Cells]:
    """Several complete identities of sheet P1, the same for a seed."""
    rng = np.random.default_rng(seed)
    return [person(rng) for _ in range(count)]


# Cells as they are met: well-behaved, French, exotic, placeholders, gaps.
surnames = st.sampled_from(
    [
        "MARTIN",
        "Dupont",
        "DE LA TOUR",
        "Cœur",
        "NA",
        "L'ABERGEMENT",
        "M'Baye",
        "St-Exupéry",
        "Mme Lebœuf",
        "X",
        "SNP",
        "",
        "O",
    ]
) | st.text(max_size=12)
given_names = st.sampled_from(
    ["Jean-Pierre", "JEAN PIERRE", "Anne, Marie", "Éloïse", "N'Golo", "J", "SANS PRENOM", "", "Zoë Ñ", "Jean‑Luc"]
) | st.text(max_size=12)
dates = st.dates(date(1850, 1, 1), date(2100, 12, 31)).map(str) | st.sampled_from(
    ["1992-00-00", "1992-07-00", "0000-05-12", "0000-00-00", "", "1980-02-29", "1950-01-01"]
)
sexes = st.sampled_from(["M", "F", "1", "2", "Masculin", "Féminin", "Mme", "H", "", "0"])
codes = st.sampled_from(["8480", "08480", "2a004", "75056", "99352", "0", "", "INCONNU", "B7", "12"]) | st.text(
    max_size=6
)
countries = st.sampled_from(["FR", "99100", "100", "0", "352", "99352", "", "DZ"])
texts = st.sampled_from(["12 bis, rue de l'Œuvre", "", "Bât. B", "LIEU-DIT KER AR MOR"]) | st.text(max_size=20)
cells_of_kind = {
    "name": surnames,
    "given_names": given_names,
    "date": dates,
    "sex": sexes,
    "code": codes,
    "cog": codes,
    "country": countries,
    "category": texts,
    "text": texts,
    "number": st.integers(-(10**6), 10**6).map(str) | st.just(""),
}
