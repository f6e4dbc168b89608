"""What people of the invented département do and what happens to them: work, study, income, rights, and the events of a year.

Everything is drawn from a few stated shares, ASSUMPTIONS all of them, of the order of published figures: what counts is that
populations overlap as the real ones do, that rights go unclaimed, and that files lag behind events. Flags, numbers and words of
persons are arrays over `Households.people`, those of households over `Households.head`.

Events of the last twelve months: births, removals, marriages (a usage name that some files do not know yet), separations with a
maintenance order, losses of work, scholarships, retirements, deaths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from linkage.synthetic.families import NOBODY
from linkage.synthetic.frequencies import Integers, Texts, chance, generator, texts, weighted
from linkage.synthetic.households import ADULT_YEARS, Households
from linkage.synthetic.places import FRANCE

__all__ = ["ECHELONS", "Bools", "Life", "life"]

Bools = NDArray[np.bool_]

_LIFE_STREAM = 12
ECHELONS = ("0bis", "1", "2", "3", "4", "5", "6", "7")
_ECHELON = weighted("0bis:32 1:14 2:9 3:9 4:9 5:13 6:10 7:4")
_LANGUAGES = weighted("fr:30 en:16 ar:14 ps:12 prs:10 uk:9 ru:5 ti:4")
_DPE = weighted("A:2 B:4 C:17 D:32 E:24 F:12 G:9")
_TRADES = weighted("4120A:9 4321A:12 4322A:11 4334Z:10 4391A:8 9602A:14 1071C:9 4520A:10 6201Z:9 7022Z:8")
_CRAFTS = ("41", "43", "96", "10", "45")
_DEATHS = ((85, 0.09), (75, 0.03), (60, 0.01), (40, 0.003), (0, 0.0005))  # from that age: a year
_RETIRED = 64


@dataclass(frozen=True, kw_only=True)
class Life:
    """A day in the life of the département.

    Attributes:
        households: who lives where.
        today: that day.
        ages: (n,) int64.
        is_: flags of persons, (n,) bool each, by name.
        number: numbers of persons; days are ordinals.
        word: words of persons.
        home_is, home_number, home_word: the same of households, (h,) each.
    """

    households: Households
    today: date
    ages: Integers
    is_: dict[str, Bools] = field(default_factory=dict)
    number: dict[str, Integers] = field(default_factory=dict)
    word: dict[str, Texts] = field(default_factory=dict)
    home_is: dict[str, Bools] = field(default_factory=dict)
    home_number: dict[str, Integers] = field(default_factory=dict)
    home_word: dict[str, Texts] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """People."""
        return len(self.households.people)

    @property
    def alive(self) -> Bools:
        """(n,) bool, not dead by that day."""
        return ~self.is_["dead"]


def life(households: Households, seed: int, today: date) -> Life:
    """The lives of everybody in these households.

    Args:
        households: who lives where.
        seed: the world's.
        today: the world's.
    """
    made = Life(households=households, today=today, ages=households.ages(today))
    rng = generator(seed, _LIFE_STREAM)
    for chapter in (_deaths, _work, _homes, _income, _family_rights, _studies, _search_for_work, _documents, _removals,
                    _separations, _protection, _town, _craft, _energy, _reach):  # fmt: skip
        chapter(made, rng)
    return made


def _deaths(life: Life, rng: np.random.Generator) -> None:
    rates = np.zeros(life.count)
    for age, rate in reversed(_DEATHS):
        rates[life.ages >= age] = rate
    life.is_["dead"] = rng.random(life.count) < rates
    life.number["death"] = life.today.toordinal() - 1 - rng.integers(0, 360, life.count)


def _work(life: Life, rng: np.random.Generator) -> None:
    ages, n = life.ages, life.count
    life.is_["pupil"] = (ages >= 3) & (ages < ADULT_YEARS) | ((ages == ADULT_YEARS) & chance(rng, 0.35, n))
    studying = np.select([ages < ADULT_YEARS, ages <= 22, ages <= 25, ages <= 29], [0.0, 0.52, 0.25, 0.06], 0.0)
    life.is_["student"] = ~life.is_["pupil"] & (rng.random(n) < studying)
    life.is_["retired"] = (ages >= _RETIRED) & chance(rng, 0.96, n)
    active = (ages >= ADULT_YEARS) & ~life.is_["pupil"] & ~life.is_["student"] & ~life.is_["retired"]
    drawn = rng.random(n)
    life.is_["idle"] = active & (drawn < 0.12)
    life.is_["jobless"] = active & (drawn >= 0.12) & (drawn < 0.21)
    life.is_["working"] = active & (drawn >= 0.21)
    life.is_["disabled"] = (ages >= 20) & (ages < 63) & chance(rng, 0.022, n)
    life.is_["disabled_child"] = (ages < 20) & (ages >= 3) & chance(rng, 0.025, n)


def _homes(life: Life, rng: np.random.Generator) -> None:
    h = life.households.count
    drawn, head = rng.random(h), life.households.head
    owner = np.select([life.ages[head] < 30, life.ages[head] < 50], [0.12, 0.5], 0.72)
    life.home_is["owner"] = drawn < owner
    life.home_is["social"] = ~life.home_is["owner"] & chance(rng, 0.45, h)
    life.home_word["dpe"] = _DPE.draw(rng, h)
    life.home_is["rural"] = chance(rng, 0.07, h)  # the family branch of agriculture pays them
    adult = life.ages >= ADULT_YEARS
    home = life.households.home
    life.home_number["adults"] = np.bincount(home[adult], minlength=h)
    life.home_number["minors"] = np.bincount(home[~adult], minlength=h)


def _income(life: Life, rng: np.random.Generator) -> None:
    """Yearly income of persons, then of households, and their consumption units and tax parts (both in hundredths)."""
    n, home = life.count, life.households.home
    scale = np.select(
        [life.is_["working"], life.is_["retired"], life.is_["jobless"], life.is_["student"], life.is_["idle"]],
        [24_000, 18_500, 10_000, 2_500, 3_000],
        0,
    )
    # A sum of uniforms instead of a log-normal: the same on every machine.
    spread = 0.35 + 0.32 * rng.random((n, 4)).sum(axis=1) + np.where(rng.random(n) < 0.06, 1.8, 0.0)
    spread = spread * np.where(rng.random(n) < 0.2, 0.3, 1.0)  # part-time, part of the year
    income = np.floor(scale * spread).astype(np.int64)
    life.home_number["rfr"] = np.bincount(home, weights=income, minlength=life.households.count).astype(np.int64)
    adults, minors = life.home_number["adults"], life.home_number["minors"]
    couple = np.minimum(adults, 2)
    life.home_number["parts"] = 100 * couple + 50 * np.minimum(minors, 2) + 100 * np.maximum(minors - 2, 0)
    life.home_number["uc"] = 100 + 50 * (adults - 1) + 30 * minors
    life.home_number["per_uc"] = 100 * life.home_number["rfr"] // life.home_number["uc"]


def _family_rights(life: Life, rng: np.random.Generator) -> None:
    homes, h, home = life.households, life.households.count, life.households.home
    head_age = life.ages[homes.head]
    poor = life.home_number["per_uc"] < 6_500
    entitled = poor & (head_age >= 25) & (head_age < 66)
    life.home_is["rsa_entitled"] = entitled
    life.home_is["rsa"] = entitled & chance(rng, 0.66, h)
    aah = np.bincount(home[life.is_["disabled"]], minlength=h) > 0
    tenant = ~life.home_is["owner"]
    life.home_is["al"] = tenant & (life.home_number["per_uc"] < 13_000) & chance(rng, 0.72, h)
    life.home_is["caf"] = (
        life.home_is["rsa"]
        | life.home_is["al"]
        | aah
        | (life.home_number["minors"] >= 2)
        | ((life.home_number["minors"] == 1) & chance(rng, 0.6, h))
    )
    qf = np.maximum(0, life.home_number["per_uc"] // 12 + rng.integers(-120, 160, h))
    life.home_number["qf"] = qf
    # The adult in whose name the family's file is: the head, or who lives with the head.
    partner = homes.partner[homes.head]
    other = (partner != NOBODY) & chance(rng, 0.45, h)
    life.home_number["claimant"] = np.where(other, partner, homes.head)
    n, per_uc = life.count, life.home_number["per_uc"][home]
    couple = (np.arange(n) == homes.head[home]) | (np.arange(n) == homes.partner[homes.head][home])
    life.is_["rsa"] = life.home_is["rsa"][home] & couple & ~life.is_["retired"]
    life.is_["refuses_c2s"] = life.is_["rsa"] & chance(rng, 0.02, n)
    open_ = np.where(life.is_["rsa"], 0.74, np.where(per_uc < 10_500, 0.52, 0.0))
    life.is_["c2s"] = rng.random(n) < open_
    life.is_["c2s_asked"] = ~life.is_["c2s"] & (rng.random(n) < np.where(life.is_["rsa"], 0.12, 0.01))
    life.is_["insured"] = chance(rng, 0.99, n)
    life.is_["claimant"] = np.isin(np.arange(n), life.home_number["claimant"][life.home_is["caf"]])
    life.is_["other_right"] = (life.ages < 3) & chance(rng, 0.55, n)  # help with child care already asked for
    life.is_["followed"] = (life.ages < 6) & chance(rng, 0.45, n)  # by the service of mothers and infants


def _studies(life: Life, rng: np.random.Generator) -> None:
    n, home, ages = life.count, life.households.home, life.ages
    life.word["ine"] = _codes(rng, n, "0123456789", 10, "ABCDEFGHJK")
    low = life.home_number["per_uc"][home] < 15_000
    student = life.is_["student"]
    life.is_["health_school"] = student & chance(rng, 0.2, n)  # whose grants the region pays
    life.is_["grant"] = student & (rng.random(n) < np.where(low, 0.78, 0.18))
    life.is_["own_home"] = student & chance(rng, 0.5, n)
    life.is_["canteen_account"] = student & chance(rng, 0.75, n)
    life.word["echelon"] = _ECHELON.draw(rng, n)
    life.is_["school_grant"] = life.is_["pupil"] & (ages >= 11) & low & chance(rng, 0.72, n)
    life.is_["consent"] = life.is_["pupil"] & (ages >= 11) & chance(rng, 0.7, n)
    life.is_["end_of_cycle"] = np.isin(ages, (14, 15, 17, 18)) & chance(rng, 0.5, n)
    life.is_["attends"] = (ages >= 16) & (ages <= 18) & chance(rng, 0.93, n)
    life.is_["attested"] = (ages >= 16) & (ages <= 18) & chance(rng, 0.3, n)
    life.is_["apprentice"] = (ages >= 16) & (ages <= 25) & chance(rng, 0.09, n)
    life.is_["sport_code"] = (ages >= 6) & (ages < 31) & chance(rng, 0.35, n)


def _search_for_work(life: Life, rng: np.random.Generator) -> None:
    n = life.count
    life.is_["registered"] = (life.is_["jobless"] & chance(rng, 0.82, n)) | (life.is_["rsa"] & chance(rng, 0.42, n))
    life.number["end_of_rights"] = life.today.toordinal() + rng.integers(-60, 400, n)
    life.is_["fragile"] = (life.ages >= 75) & chance(rng, 0.22, n)
    life.is_["on_register"] = (life.ages >= 65) & chance(rng, 0.09, n)
    life.is_["known_to_ccas"] = life.is_["fragile"] & chance(rng, 0.45, n) | (life.is_["rsa"] & chance(rng, 0.25, n))


def _documents(life: Life, rng: np.random.Generator) -> None:
    n, today = life.count, life.today.toordinal()
    life.is_["passport"] = chance(rng, 0.62, n)
    # More end this coming year than another, as after the years of a rush.
    near = chance(rng, 0.3, n)
    life.number["passport_end"] = today + np.where(near, rng.integers(20, 400, n), rng.integers(-300, 3600, n))
    close = life.number["passport_end"] - today
    life.is_["passport_asked"] = life.is_["passport"] & (close < 230) & chance(rng, 0.34, n)
    life.number["asked_on"] = today - rng.integers(1, 90, n)


def _removals(life: Life, rng: np.random.Generator) -> None:
    homes, h, n = life.households, life.households.count, life.count
    moved = chance(rng, 0.1, h)
    life.home_is["moved"] = moved
    life.home_number["moved_on"] = life.today.toordinal() - rng.integers(5, 360, h)
    before = homes.commune[rng.permutation(h)]
    far = chance(rng, 0.35, h)
    before = np.where(far, texts(f"{one:02}{two:03}" for one, two in zip(
        rng.integers(1, 95, h).tolist(), rng.integers(1, 300, h).tolist(), strict=True)), before)  # fmt: skip
    life.home_word["commune_before"] = before.astype(object)
    adult = life.ages >= ADULT_YEARS
    life.is_["driver"] = adult & (life.ages < 82) & chance(rng, 0.55, n)
    life.is_["voter"] = adult & (homes.people.birth_country == FRANCE) & chance(rng, 0.93, n)
    changed = moved[homes.home] & chance(rng, 0.4, n)
    life.word["voting_commune"] = np.where(
        moved[homes.home] & ~changed, life.home_word["commune_before"][homes.home], homes.commune[homes.home]
    ).astype(object)
    life.is_["declares_move"] = moved[homes.home] & chance(rng, 0.7, n)
    life.is_["changes_papers"] = moved[homes.home] & life.is_["driver"] & chance(rng, 0.85, n)


def _separations(life: Life, rng: np.random.Generator) -> None:
    """Orders of maintenance: whoever keeps the children, and somebody of about the same age who left."""
    people, n = life.households.people, life.count
    alone = (life.households.partner == NOBODY) & (life.ages >= 22) & (life.ages < 62)
    keeps = np.flatnonzero(alone & (life.home_number["minors"][life.households.home] > 0) & (people.sex == "F"))
    left = np.flatnonzero(alone & (people.sex == "M"))
    keeps = keeps[np.argsort(life.ages[keeps], kind="stable")]
    left = left[np.argsort(life.ages[left] + 4 * rng.random(len(left)), kind="stable")]
    count = min(len(keeps), len(left)) * 9 // 10
    left = left[np.floor(np.arange(count) * (len(left) / max(count, 1))).astype(np.int64)]
    keeps = keeps[np.floor(np.arange(count) * (len(keeps) / max(count, 1))).astype(np.int64)]
    order = np.full(n, NOBODY)
    numbers = rng.permutation(count)
    order[keeps], order[left] = numbers, numbers
    life.number["order"] = order
    of_order = np.maximum(order, 0)
    for name, rate in (("refuses_ifpa", 0.12), ("violence", 0.08), ("ifpa", 0.45)):
        life.is_[name] = (order != NOBODY) & (rng.random(max(count, 1)) < rate)[of_order]
    life.is_["creditor"] = np.isin(np.arange(n), keeps)
    life.number["order_from"] = life.today.toordinal() - rng.integers(5, 300, max(count, 1))[of_order]


def _protection(life: Life, rng: np.random.Generator) -> None:
    people, n = life.households.people, life.count
    abroad = (people.birth_country != FRANCE) & (life.ages >= ADULT_YEARS) & (life.ages < 70)
    life.is_["protected"] = abroad & chance(rng, 0.16, n)
    life.word["language"] = _LANGUAGES.draw(rng, n)
    life.number["protected_on"] = life.today.toordinal() - rng.integers(20, 700, n)
    for name, rate in (("protected_cpam", 0.72), ("protected_caf", 0.45), ("protected_ft", 0.5)):
        life.is_[name] = life.is_["protected"] & chance(rng, rate, n)


def _town(life: Life, rng: np.random.Generator) -> None:
    n, home, today = life.count, life.households.home, life.today.toordinal()
    life.is_["rider"] = (life.ages >= 12) & chance(rng, 0.16, n)
    life.is_["full_fare"] = life.is_["rider"] & chance(rng, 0.72, n)
    life.is_["swimmer"] = (life.ages >= ADULT_YEARS) & chance(rng, 0.09, n)
    life.number["card_end"] = today + rng.integers(-40, 330, n)
    schooled = np.bincount(home[(life.ages >= 3) & (life.ages < 11)], minlength=life.households.count) > 0
    claimant = np.isin(np.arange(n), life.home_number["claimant"])
    life.is_["canteen"] = schooled[home] & claimant & chance(rng, 0.8, n)
    life.is_["alerts"] = (life.ages >= ADULT_YEARS) & chance(rng, 0.2, n)
    life.is_["known_in_town"] = chance(rng, 0.35, n)
    life.is_["helper_mandate"] = (life.ages >= 60) & chance(rng, 0.04, n)


def _craft(life: Life, rng: np.random.Generator) -> None:
    n = life.count
    life.word["ape"] = _TRADES.draw(rng, n)
    life.is_["craft"] = np.array([one.startswith(_CRAFTS) for one in life.word["ape"]], dtype=bool)
    life.is_["registers_business"] = life.is_["working"] & chance(rng, 0.05, n)
    life.is_["in_crm"] = life.is_["registers_business"] & chance(rng, 0.58, n)
    life.word["siren"] = _codes(rng, n, "0123456789", 9, "")
    life.is_["here_business"] = chance(rng, 0.93, n)


def _energy(life: Life, rng: np.random.Generator) -> None:
    homes, h = life.households, life.households.count
    partner = homes.partner[homes.head]
    other = (partner != NOBODY) & chance(rng, 0.4, h)
    life.home_number["holder"] = np.where(other, partner, homes.head)
    life.home_is["contract"] = chance(rng, 0.95, h)
    life.home_is["cheque"] = (life.home_number["per_uc"] < 11_000) & chance(rng, 0.8, h)
    life.home_word["pdl"] = _codes(rng, h, "0123456789", 14, "")
    life.home_is["renovates"] = life.home_is["owner"] & chance(rng, 0.12, h)


def _reach(life: Life, rng: np.random.Generator) -> None:
    n = life.count
    old = life.ages >= 75
    life.is_["mail"] = rng.random(n) < np.where(old, 0.45, 0.86)
    life.is_["mobile"] = rng.random(n) < np.where(old, 0.6, 0.93)
    life.number["phone"] = rng.integers(0, 100_000_000, n)


def _codes(rng: np.random.Generator, count: int, digits: str, length: int, last: str) -> Texts:
    """Codes that do not repeat: a running number in a secret order, then a letter where there is one."""
    space = len(digits) ** length
    start, step = int(rng.integers(1, space // 2)), 7_654_321
    letters = rng.integers(0, max(len(last), 1), count).tolist()
    return texts(
        f"{(start + number * step) % space:0{length}}{last[letter] if last else ''}"
        for number, letter in enumerate(letters)
    )
