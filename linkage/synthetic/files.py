"""The files that two administrations would keep of the same world, the truth about them, and CSV as it is written.

Columns, all text, one row a person:

    identifiant            local, says nothing: unlike in the other file, in no order
    nom_naissance, nom_usage
    prenoms                in order, separated by spaces; a composed first name has a hyphen
    sexe                   M or F
    date_naissance         AAAA-MM-JJ, AAAA-MM-00 or AAAA-00-00 when the register knows no better
    cog_commune_naissance  five characters, empty for people born abroad
    cog_pays_naissance     99100 for France, 99… else
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linkage.synthetic.frequencies import Integers, generator
from linkage.synthetic.mistakes import ErrorProfile, with_mistakes
from linkage.synthetic.morphemes import without_accents
from linkage.synthetic.people import People, population
from linkage.synthetic.places import FRANCE

__all__ = ["COLUMNS", "DateFormat", "TwoFiles", "identities", "subgroups", "two_files", "write_file"]

COLUMNS = (
    "identifiant",
    "nom_naissance",
    "nom_usage",
    "prenoms",
    "sexe",
    "date_naissance",
    "cog_commune_naissance",
    "cog_pays_naissance",
)
DateFormat = Literal["AAAA-MM-JJ", "JJ/MM/AAAA", "AAAAMMJJ"]

_SELECTION_STREAM, _LEFT_STREAM, _RIGHT_STREAM = 1, 2, 3
_DATES = {"AAAA-MM-JJ": r"\1-\2-\3", "JJ/MM/AAAA": r"\3/\2/\1", "AAAAMMJJ": r"\1\2\3"}
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_FIRST_IDENTIFIER = 10_000_000  # identifiers have eight digits


@dataclass(frozen=True, kw_only=True)
class TwoFiles:
    """Two files and who is who.

    Attributes:
        left, right: columns by name, see the module's page.
        left_person, right_person: (n,) int64, the person in each row: the same number, the same person.
        people: everybody in either file, rows numbered as `left_person` and `right_person` say.
    """

    left: dict[str, list[str]]
    right: dict[str, list[str]]
    left_person: Integers
    right_person: Integers
    people: People


def two_files(
    *,
    size_left: int,
    size_right: int,
    overlap: int,
    seed: int,
    profile_left: ErrorProfile,
    profile_right: ErrorProfile,
    names_dir: str | Path | None = None,
) -> TwoFiles:
    """Two files that share `overlap` people, each shuffled and written with the mistakes of its own administration.

    Args:
        size_left: rows of the left file.
        size_right: rows of the right file.
        overlap: people in both, at most the smaller size.
        seed: not negative; the same seed gives the same files on every machine.
        profile_left: rates of mistakes of the left administration.
        profile_right: rates of the right one; the two err independently.
        names_dir: folder with INSEE's name tables, used instead of the invented ones.

    Raises:
        ValueError: the overlap is negative or larger than a file.
        FileNotFoundError: `names_dir` lacks a table.
    """
    if not 0 <= overlap <= min(size_left, size_right):
        raise ValueError("overlap must lie between 0 and the smaller size")
    people = population(size_left + size_right - overlap, seed, names_dir=names_dir)
    everybody = generator(seed, _SELECTION_STREAM).permutation(len(people))
    in_left, in_right = everybody[:size_left], everybody[size_left - overlap :]
    left, left_person = _file(people, in_left, profile_left, generator(seed, _LEFT_STREAM))
    right, right_person = _file(people, in_right, profile_right, generator(seed, _RIGHT_STREAM))
    return TwoFiles(left=left, right=right, left_person=left_person, right_person=right_person, people=people)


def subgroups(files: TwoFiles) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Groups that linkage may serve less well: by name, who is in it, (left, right) by row of the files.

    `foreign_born`; `compound_name` (birth name or first first name of several parts, or a particle); `usage_name` (women who
    have one, nearly all of them married); `partial_date` (this file holds no day, or the first of a January); `siblings_same_day`
    (twins); `everybody_else` (none of these).
    """
    people, found = files.people, {}
    firsts = people.first_names[:, 0]
    compound = np.array(
        [
            any(mark in f"{name}{first}" for mark in " -'")
            for name, first in zip(people.birth_name, firsts, strict=True)
        ],
        dtype=bool,
    )
    born = np.stack([people.family, people.birth_year, people.birth_month, people.birth_day])
    _, inverse, count = np.unique(born, axis=1, return_inverse=True, return_counts=True)
    of_people = {
        "foreign_born": people.birth_country != FRANCE,
        "compound_name": compound,
        "usage_name": (people.usage_name != "") & (people.sex == "F"),
        "siblings_same_day": count[inverse.reshape(-1)] > 1,
    }
    sides = (files.left, files.left_person), (files.right, files.right_person)
    for name, members in of_people.items():
        found[name] = _both(*(members[person] for _, person in sides))
    found["partial_date"] = _both(*(_partial(columns["date_naissance"]) for columns, _ in sides))
    found["everybody_else"] = _both(*(~np.any([some[side] for some in found.values()], axis=0) for side in (0, 1)))
    return found


def _both(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return left.astype(bool), right.astype(bool)


def _partial(dates: list[str]) -> NDArray[np.bool_]:
    return np.array([date.endswith(("-00", "-01-01")) for date in dates], dtype=bool)


def identities(people: People, rows: Integers) -> dict[str, list[str]]:
    """The right columns, all but `identifiant`, of some people, in the order of `rows`."""
    dates = zip(
        people.birth_year[rows].tolist(),
        people.birth_month[rows].tolist(),
        people.birth_day[rows].tolist(),
        strict=True,
    )
    return {
        "nom_naissance": people.birth_name[rows].tolist(),
        "nom_usage": people.usage_name[rows].tolist(),
        "prenoms": [" ".join(filter(None, names)) for names in people.first_names[rows].tolist()],
        "sexe": people.sex[rows].tolist(),
        "date_naissance": [f"{year:04d}-{month:02d}-{day:02d}" for year, month, day in dates],
        "cog_commune_naissance": people.birth_commune[rows].tolist(),
        "cog_pays_naissance": people.birth_country[rows].tolist(),
    }


def write_file(
    path: str | Path,
    columns: Mapping[str, list[str]],
    *,
    delimiter: str = ";",
    encoding: str = "cp1252",
    date_format: DateFormat = "JJ/MM/AAAA",
    upper: bool = False,
    footer: str | None = None,
) -> None:
    r"""Writes columns as CSV, lines ending in CR LF; by default as an office under Windows does.

    Args:
        path: file to write, replaced if there.
        columns: by name, in order, of one length.
        delimiter: between fields.
        encoding: `cp1252`, `utf-8`, `utf-8-sig`…; with `ascii`, accents are dropped.
        date_format: of the columns whose name begins with `date_`.
        upper: whether names are in capitals.
        footer: a last line as some extractions have, written as it is.

    Raises:
        ValueError: columns of several lengths.
        UnicodeEncodeError: a value that the encoding cannot write.
    """
    shown = {}
    for key, values in columns.items():
        column = values
        if key.startswith("date_"):
            column = [_ISO_DATE.sub(_DATES[date_format], value) for value in column]
        if upper and key.startswith(("nom", "prenom")):
            column = [value.upper() for value in column]
        if encoding == "ascii":
            column = [without_accents(value) for value in column]
        shown[key] = column
    with Path(path).open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(shown)
        writer.writerows(zip(*shown.values(), strict=True))
        if footer is not None:
            file.write(f"{footer}\r\n")


def _file(
    people: People, members: Integers, profile: ErrorProfile, rng: np.random.Generator
) -> tuple[dict[str, list[str]], Integers]:
    """The columns of one administration and the person in each row."""
    rows = members[rng.permutation(len(members))]
    numbers = rng.permutation(8 * len(rows))[: len(rows)] + _FIRST_IDENTIFIER
    columns = with_mistakes(identities(people, rows), profile, rng)
    return {"identifiant": [str(number) for number in numbers.tolist()], **columns}, rows
