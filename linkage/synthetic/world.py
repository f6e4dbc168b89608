"""One invented département, the files that its administrations would bring to each démarche, and the truth about them.

    world = build(people=60_000, seed=2026, today=date(2026, 12, 7))
    part = world.extract("canicule.eligibles", columns=("date_naissance",), everybody=True)

An administration writes each person down once, with the mistakes of its profile (`BODIES`), and all its files copy that. Rates
are the assumptions of `linkage.synthetic.mistakes`; three sources err in a way of their own: the register of vehicles has dates
that nobody checked, the office for refugees knows many people's year of birth only, energy suppliers know whoever signed the
contract where they lived when they signed.

The truth is who a row is: `Extract.entity` has one number for one person (or household), whatever the file. What a rule ought to
find is the rule over these numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np

from linkage.synthetic.families import NOBODY
from linkage.synthetic.files import identities
from linkage.synthetic.frequencies import Integers, Texts, chance, generator, texts
from linkage.synthetic.households import Households, households
from linkage.synthetic.life import Bools, Life, life
from linkage.synthetic.mistakes import CERTIFIE, DECLARATIF, VERIFIE_AGENT, ErrorProfile, with_mistakes
from linkage.synthetic.registers import CONTACT, DRAFTS, FACTS
from linkage.synthetic.slips import mistyped

__all__ = ["BODIES", "Extract", "World", "build"]

Columns = dict[str, list[str]]

# What nobody checked: more wrong days than elsewhere; what was put together from interviews: years.
_UNCHECKED_DATES = replace(VERIFIE_AGENT, name="verifie_agent", date_digit=0.02, day_month_swapped=0.01)
_TRANSLITERATED = replace(VERIFIE_AGENT, name="verifie_agent", typo=0.03, january_first=0.25, names_swapped=0.01)
BODIES: dict[str, ErrorProfile] = {
    "cnaf": CERTIFIE, "cnaf2": CERTIFIE, "ccmsa": CERTIFIE, "cnam": CERTIFIE, "cnav": CERTIFIE, "dgfip": CERTIFIE,
    "reu": CERTIFIE, "insee": CERTIFIE, "titres": CERTIFIE, "aripa": CERTIFIE, "civil": CERTIFIE, "inpi": CERTIFIE,
    "cnous": VERIFIE_AGENT, "region": VERIFIE_AGENT, "men": VERIFIE_AGENT, "ft": VERIFIE_AGENT, "urssaf": VERIFIE_AGENT,
    "justice": VERIFIE_AGENT, "mairie": VERIFIE_AGENT, "sports": VERIFIE_AGENT, "asp": VERIFIE_AGENT, "pmi": VERIFIE_AGENT,
    "siv": _UNCHECKED_DATES, "ofpra": _TRANSLITERATED,
    "crous": DECLARATIF, "energie": DECLARATIF, "aom": DECLARATIF, "commune": DECLARATIF, "ccas": DECLARATIF,
    "dila": DECLARATIF, "ademe": DECLARATIF, "anah": DECLARATIF, "cma": DECLARATIF,
}  # fmt: skip

_BODY_STREAM, _FILE_STREAM = 100, 200
_FIRST_IDENTIFIER = 10_000_000
# What these describe is a dwelling: its address does not stay behind when people move.
_OF_DWELLINGS = ("ademe", "anah")
# Share of addresses that are mistyped, abbreviated, or those of before a removal.
_ADDRESSES = {"certifie": (0.005, 0.05, 0.02), "verifie_agent": (0.015, 0.15, 0.04), "declaratif": (0.04, 0.35, 0.03)}
_SHORT = (("avenue ", "av "), ("boulevard ", "bd "), ("place ", "pl "), ("chemin ", "ch "), ("allée ", "all "))


@dataclass(frozen=True, kw_only=True)
class Extract:
    """The file of one operand, before its administration's form.

    Attributes:
        key: `demarche.operand`.
        profile: name of the error profile.
        rows: (r,) int64, the person in each row.
        entity: (r,) int64, who the row is for the démarche.
        member: (r,) bool, who takes part where the sheet has no condition.
        written: attributes and further columns, as the administration holds them.
        right: the same without mistakes.
    """

    key: str
    profile: str
    rows: Integers
    entity: Integers
    member: Bools
    written: Columns
    right: Columns


@dataclass(frozen=True, kw_only=True)
class World:
    """The département on one day."""

    seed: int
    households: Households
    life: Life
    _bodies: dict[str, tuple[Columns, Columns]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day of the world."""
        return self.life.today

    def extract(self, key: str, *, columns: Iterable[str] = (), everybody: bool = False) -> Extract:
        """What an administration brings to a démarche.

        Args:
            key: one of `DRAFTS`.
            columns: further columns wanted, of `FACTS`; others are passed over.
            everybody: whether people who take no part are in the file, for a sheet that selects them itself.
        """
        draft = DRAFTS[key]
        subjects, member = draft.base(self.life), draft.member(self.life)
        subjects = subjects if everybody else subjects & member
        rows = np.flatnonzero(subjects)
        rng = generator(self.seed, _FILE_STREAM + sorted(DRAFTS).index(key))
        rows = rows[rng.permutation(len(rows))]
        person = rows
        if draft.entity == "parent":
            people = self.households.people
            person = np.where(people.mother[rows] != NOBODY, people.mother[rows], people.father[rows])
            rows, person = rows[person != NOBODY], person[person != NOBODY]
        right, written = self._body(draft.body)
        facts = {one.partition("=")[0]: one.rpartition("=")[2] for one in draft.facts}
        facts |= {one: one for one in (*CONTACT, *columns) if one in FACTS and one not in facts}
        numbers = rng.permutation(8 * len(rows))[: len(rows)] + _FIRST_IDENTIFIER
        own = {"identifiant": [f"N{one}" for one in numbers.tolist()]}
        own |= {name: FACTS[fact](self.life, rows).tolist() for name, fact in facts.items()}
        return Extract(
            key=key,
            profile=BODIES[draft.body].name,
            rows=rows,
            entity=self.households.home[person] if draft.entity == "home" else person,
            member=member[rows],
            written={name: [column[row] for row in person.tolist()] for name, column in written.items()} | own,
            right={name: [column[row] for row in person.tolist()] for name, column in right.items()} | own,
        )

    def _body(self, body: str) -> tuple[Columns, Columns]:
        """Everybody as they are, and as an administration has written them down."""
        if "" not in self._bodies:
            self._bodies[""] = self._everybody(), {}
        right = self._bodies[""][0]
        if body not in self._bodies:
            rng = generator(self.seed, _BODY_STREAM + sorted(BODIES).index(body))
            names = ("nom_naissance", "nom_usage", "prenoms", "sexe", "date_naissance", "cog_commune_naissance",
                     "cog_pays_naissance")  # fmt: skip
            written = with_mistakes({name: right[name] for name in names}, BODIES[body], rng)
            written |= {name: right[name] for name in ("ine", "siren", "pdl")}
            written |= self._addresses(BODIES[body], rng, moving=body not in _OF_DWELLINGS)
            written["departement_naissance"] = [one[:2] for one in written["cog_commune_naissance"]]
            self._bodies[body] = right, written
        return self._bodies[body]

    def _everybody(self) -> Columns:
        homes, life = self.households, self.life
        rows = np.arange(life.count)
        columns = identities(homes.people, rows)
        columns["departement_naissance"] = [one[:2] for one in columns["cog_commune_naissance"]]
        columns["adresse"] = homes.street[homes.home].tolist()
        columns["code_postal"] = homes.postcode[homes.home].tolist()
        columns["cog_commune"] = homes.commune[homes.home].tolist()
        columns["ine"] = np.where(life.is_["pupil"] | life.is_["student"], life.word["ine"], "").tolist()
        columns["siren"] = np.where(life.is_["registers_business"], life.word["siren"], "").tolist()
        columns["pdl"] = life.home_word["pdl"][homes.home].tolist()
        return columns

    def _addresses(self, profile: ErrorProfile, rng: np.random.Generator, *, moving: bool) -> Columns:
        """Addresses as they are written; where they move with people, some of them from before a removal."""
        typo, short, old = _ADDRESSES[profile.name]
        count, home = self.life.count, self.households.home
        moved = self.life.home_is["moved"][home] & chance(rng, old * 5, count) & moving
        other = rng.integers(0, self.households.count, self.households.count)[home]
        where = np.where(moved, other, home)
        street: Texts = self.households.street[where].copy()
        for row in np.flatnonzero(chance(rng, short, count)).tolist():
            street[row] = _abbreviated(street[row])
        for row in np.flatnonzero(chance(rng, typo, count)).tolist():
            street[row] = mistyped(street[row], rng)
        return {
            "adresse": street.tolist(),
            "code_postal": self.households.postcode[where].tolist(),
            "cog_commune": texts(self.households.commune[where]).tolist(),
        }


def build(*, people: int, seed: int, today: date, names_dir: str | Path | None = None) -> World:
    """The département, about `people` strong, on a day.

    Args:
        people: how many, children included.
        seed: not negative; the same seed gives the same world on every machine.
        today: its day.
        names_dir: folder with INSEE's name tables, used instead of the invented ones.
    """
    homes = households(people, seed, today, names_dir=names_dir)
    return World(seed=seed, households=homes, life=life(homes, seed, today))


def _abbreviated(street: str) -> str:
    for whole, short in _SHORT:
        street = street.replace(whole, short)
    return street
