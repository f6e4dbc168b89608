"""What happens to an identity when an administration writes it down: mistakes at the rates of a named profile.

The rates are ASSUMPTIONS. No field-level error table of French administrative identities has been published; the three
profiles are orders of magnitude for a register certified against civil status (`CERTIFIE`), a file whose identities an
agent saw on a paper (`VERIFIE_AGENT`) and one that people filled in themselves (`DECLARATIF`). Reports that rest on them
must say so.

A rate is the share of the records *that the mistake can befall*: usage names are written for birth names among those who
have one, days and months are swapped where both orders are dates, and so on. Mistakes come in this order: the wrong name
is copied, parts of names are lost, names are swapped, then mistyped, then stripped of accents and hyphens; then dates,
communes, sex, and missing fields. Birth names, first names and birth dates are never left empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from linkage.synthetic.families import month_days
from linkage.synthetic.frequencies import Integers, chance
from linkage.synthetic.morphemes import without_accents
from linkage.synthetic.places import FRANCE, other_epoch
from linkage.synthetic.slips import mistyped

__all__ = ["CERTIFIE", "DECLARATIF", "PROFILES", "SANS_ERREUR", "VERIFIE_AGENT", "ErrorProfile", "with_mistakes"]

Columns = dict[str, list[str]]

_NAME_COLUMNS = ("nom_naissance", "nom_usage", "prenoms")
_PARTICLES = ("de la ", "de l'", "de ", "du ", "d'", "le ", "la ", "l'", "da ", "dos ", "van ", "el ", "ben ")
_JOINED = str.maketrans("", "", " '")
_ALGERIA = "99352"


@dataclass(frozen=True, kw_only=True)
class ErrorProfile:
    """Rates, each the share of the records that the mistake can befall.

    Attributes:
        name: how reports call the profile.
        typo: a name field (birth, usage or first names, each on its own) has a slip of the hand or of the reader.
        usage_for_birth: the usage name stands for the birth name, of women who have one.
        usage_missing: the usage name is not there.
        later_first_names_missing: only the first of several first names is there.
        composed_first_name: a composed first name is split, cut or written as one word.
        composed_surname: a particle or one half of a double surname is lost, or its parts are joined.
        accents_lost: the record has no accents.
        hyphens_dropped: hyphens of the record became spaces.
        day_month_swapped: of birth dates where both orders are dates.
        date_digit: one digit of the birth date is wrong, the date still a date.
        january_first: people born abroad have 1 January of their year.
        unknown_as_first: an unknown day or month is written 1.
        old_commune: the code of the commune is that of another epoch.
        wrong_sex: the other sex.
        names_swapped: birth name and first names stand in each other's place.
        missing: sex, commune, country: each on its own, empty.
    """

    name: str
    typo: float = 0.0
    usage_for_birth: float = 0.0
    usage_missing: float = 0.0
    later_first_names_missing: float = 0.0
    composed_first_name: float = 0.0
    composed_surname: float = 0.0
    accents_lost: float = 0.0
    hyphens_dropped: float = 0.0
    day_month_swapped: float = 0.0
    date_digit: float = 0.0
    january_first: float = 0.0
    unknown_as_first: float = 0.0
    old_commune: float = 0.0
    wrong_sex: float = 0.0
    names_swapped: float = 0.0
    missing: float = 0.0


SANS_ERREUR = ErrorProfile(name="sans_erreur")
CERTIFIE = ErrorProfile(
    name="certifie",
    typo=0.003,
    usage_for_birth=0.005,
    usage_missing=0.02,
    later_first_names_missing=0.05,
    composed_first_name=0.01,
    composed_surname=0.01,
    accents_lost=0.05,
    hyphens_dropped=0.02,
    day_month_swapped=0.0005,
    date_digit=0.0003,
    january_first=0.03,
    unknown_as_first=0.5,
    old_commune=0.01,
    wrong_sex=0.0002,
    names_swapped=0.0,
    missing=0.001,
)
VERIFIE_AGENT = ErrorProfile(
    name="verifie_agent",
    typo=0.01,
    usage_for_birth=0.08,
    usage_missing=0.15,
    later_first_names_missing=0.60,
    composed_first_name=0.05,
    composed_surname=0.05,
    accents_lost=0.30,
    hyphens_dropped=0.10,
    day_month_swapped=0.002,
    date_digit=0.001,
    january_first=0.05,
    unknown_as_first=0.5,
    old_commune=0.05,
    wrong_sex=0.001,
    names_swapped=0.001,
    missing=0.005,
)
DECLARATIF = ErrorProfile(
    name="declaratif",
    typo=0.03,
    usage_for_birth=0.25,
    usage_missing=0.40,
    later_first_names_missing=0.80,
    composed_first_name=0.10,
    composed_surname=0.10,
    accents_lost=0.60,
    hyphens_dropped=0.25,
    day_month_swapped=0.008,
    date_digit=0.005,
    january_first=0.06,
    unknown_as_first=0.8,
    old_commune=0.15,
    wrong_sex=0.004,
    names_swapped=0.005,
    missing=0.02,
)
PROFILES = {one.name: one for one in (SANS_ERREUR, CERTIFIE, VERIFIE_AGENT, DECLARATIF)}


def with_mistakes(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> Columns:
    """The columns as an administration of that profile would have written them.

    Args:
        columns: right ones, with the keys and forms of `linkage.synthetic.files`; they are left as they are.
        profile: the rates.
        rng: of this file alone, so that two administrations err independently.
    """
    written = {key: list(column) for key, column in columns.items()}
    for mistake in _MISTAKES:
        mistake(written, profile, rng)
    return written


def _befallen(rng: np.random.Generator, rate: float, rows: list[int]) -> list[int]:
    """The rows, each kept with probability `rate`."""
    kept: Integers = np.flatnonzero(chance(rng, rate, len(rows)))
    return [rows[place] for place in kept.tolist()]


def _usage_for_birth(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    birth, usage = columns["nom_naissance"], columns["nom_usage"]
    having = [row for row, name in enumerate(usage) if name]
    women = [row for row in having if columns["sexe"][row] == "F"]
    for row in _befallen(rng, profile.usage_for_birth, women):
        birth[row] = usage[row]
    for row in _befallen(rng, profile.usage_missing, having):
        usage[row] = ""


def _lost_first_names(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    given = columns["prenoms"]
    several = [row for row, names in enumerate(given) if " " in names]
    for row in _befallen(rng, profile.later_first_names_missing, several):
        given[row] = given[row].split(" ")[0]
    composed = [row for row, names in enumerate(given) if "-" in names.split(" ")[0]]
    befallen = _befallen(rng, profile.composed_first_name, composed)
    for row, form in zip(befallen, rng.integers(0, 3, len(befallen)).tolist(), strict=True):
        first, *others = given[row].split(" ")
        given[row] = " ".join([_taken_apart(first, form), *others])


def _taken_apart(name: str, form: int) -> str:
    """A name with a hyphen: split (0), cut (1) or in one word (2)."""
    head, _, tail = name.partition("-")
    return (f"{head} {tail}", head, head + tail.lower())[form]


def _broken_surnames(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    for key in ("nom_naissance", "nom_usage"):
        names = columns[key]
        parted = [row for row, name in enumerate(names) if "-" in name or _particle(name)]
        befallen = _befallen(rng, profile.composed_surname, parted)
        for row, form in zip(befallen, rng.integers(0, 3, len(befallen)).tolist(), strict=True):
            particle = _particle(names[row])
            rest = names[row][len(particle) :]
            if particle:
                names[row] = rest if form else particle.translate(_JOINED).capitalize() + rest.lower()
            else:
                names[row] = _taken_apart(names[row], form)


def _particle(name: str) -> str:
    """The particle that a name begins with, or nothing."""
    lowered = name.lower()
    return next((name[: len(one)] for one in _PARTICLES if lowered.startswith(one)), "")


def _swapped_names(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    birth, given = columns["nom_naissance"], columns["prenoms"]
    for row in _befallen(rng, profile.names_swapped, list(range(len(birth)))):
        birth[row], given[row] = given[row], birth[row]


def _typos(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    for key in _NAME_COLUMNS:
        names = columns[key]
        for row in _befallen(rng, profile.typo, [row for row, name in enumerate(names) if name]):
            names[row] = mistyped(names[row], rng)


def _lost_marks(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    names = [columns[key] for key in _NAME_COLUMNS]
    accented = [row for row, parts in enumerate(zip(*names, strict=True)) if not "".join(parts).isascii()]
    for row in _befallen(rng, profile.accents_lost, accented):
        for column in names:
            column[row] = without_accents(column[row])
    hyphened = [row for row, parts in enumerate(zip(*names, strict=True)) if "-" in "".join(parts)]
    for row in _befallen(rng, profile.hyphens_dropped, hyphened):
        for column in names:
            column[row] = column[row].replace("-", " ")


def _wrong_dates(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    dates = columns["date_naissance"]
    unknown = [row for row, date in enumerate(dates) if date.endswith("-00")]
    for row in _befallen(rng, profile.unknown_as_first, unknown):
        dates[row] = dates[row].replace("-00", "-01")
    whole = [row for row, date in enumerate(dates) if not date.endswith("-00")]
    countries = columns["cog_pays_naissance"]
    abroad = [row for row in whole if countries[row] != FRANCE and not dates[row].endswith("-01-01")]
    for row in _befallen(rng, profile.january_first, abroad):
        dates[row] = f"{dates[row][:4]}-01-01"
    swappable = [row for row in whole if dates[row][8:] <= "12" and dates[row][8:] != dates[row][5:7]]
    for row in _befallen(rng, profile.day_month_swapped, swappable):
        dates[row] = f"{dates[row][:4]}-{dates[row][8:]}-{dates[row][5:7]}"
    befallen = _befallen(rng, profile.date_digit, whole)
    for row, place, digit in zip(
        befallen,
        rng.integers(0, 3, len(befallen)).tolist(),
        rng.integers(1, 9, len(befallen)).tolist(),
        strict=True,
    ):
        dates[row] = _other_digit(dates[row], place, digit)


def _other_digit(date: str, place: int, step: int) -> str:
    """The date with another last digit of its year (0), month (1) or day (2); `step` is in 1 … 8."""
    year, month, day = (int(part) for part in date.split("-"))
    if place == 0:
        year += (year % 10 + step) % 10 - year % 10
    elif place == 1:
        month = (month - 1 + step) % 9 + 1 if month <= 9 else 10 + (month - 9 + step % 2) % 3
    elif day <= 9:
        day = (day - 1 + step) % 9 + 1
    else:
        day += (day % 10 + step) % 10 - day % 10
    while day > month_days(np.array([year]), np.array([month]))[0]:
        day -= 10
    return f"{year:04d}-{month:02d}-{day:02d}"


def _old_communes(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    codes, countries, dates = (
        columns[key] for key in ("cog_commune_naissance", "cog_pays_naissance", "date_naissance")
    )
    older = {row: other_epoch(code) for row, code in enumerate(codes) if code}
    # Births in Algeria before 1962 bear a département of that time, 91 to 94, then the number of the country.
    older |= {
        row: f"9{1 + row % 4}352"
        for row, country in enumerate(countries)
        if country == _ALGERIA and dates[row] < "1962"
    }
    for row in _befallen(rng, profile.old_commune, [row for row, code in older.items() if code]):
        codes[row] = older[row]


def _wrong_sex(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    sexes = columns["sexe"]
    for row in _befallen(rng, profile.wrong_sex, list(range(len(sexes)))):
        sexes[row] = "M" if sexes[row] == "F" else "F"


def _missing_fields(columns: Columns, profile: ErrorProfile, rng: np.random.Generator) -> None:
    for key in ("sexe", "cog_commune_naissance", "cog_pays_naissance"):
        column = columns[key]
        for row in _befallen(rng, profile.missing, [row for row, value in enumerate(column) if value]):
            column[row] = ""


_MISTAKES: tuple[Callable[[Columns, ErrorProfile, np.random.Generator], None], ...] = (
    _usage_for_birth,
    _lost_first_names,
    _broken_surnames,
    _swapped_names,
    _typos,
    _lost_marks,
    _wrong_dates,
    _old_communes,
    _wrong_sex,
    _missing_fields,
)
