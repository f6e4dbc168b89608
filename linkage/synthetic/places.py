"""Where people are born: communes with codes like INSEE's, countries, and the code that another epoch gave to a place.

Communes are invented, their codes are well-formed: département (01–95, 2A, 2B, 971–976) and number, five characters.
Sizes are heavy-tailed within a département. Births in Paris, Lyon and Marseille bear the arrondissement.

Other epochs, as files that were never converted still hold them: the arrondissement or the whole city, Corsica before
1976 (20), the Seine before 1968 (75), Seine-et-Oise before 1968 (78), Mayotte before 2011 (985), communes since merged
(here: those whose number leaves 3 when divided by 7, into the number before).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from linkage.synthetic.frequencies import Frequencies, generator, texts, weighted

__all__ = ["DEPARTEMENTS", "FRANCE", "communes", "countries", "other_epoch"]

FRANCE = "99100"

_OVERSEAS = ("971", "972", "973", "974", "975", "976")
DEPARTEMENTS = (
    *(f"{number:02d}" for number in range(1, 20)),
    "2A",
    "2B",
    *(f"{number:02d}" for number in range(21, 96)),
    *_OVERSEAS,
)

_PLACES_SEED = 1943
_SIZE_SLOPE = -1.1
# Births per ten thousand in the larger or much smaller départements; the others have about 80 each.
_BIRTHS = {
    "75": 560, "59": 430, "13": 320, "69": 290, "93": 260, "92": 260, "33": 230, "62": 230, "78": 220, "94": 220,
    "77": 210, "76": 200, "44": 200, "31": 190, "38": 190, "95": 190, "91": 180, "34": 160, "67": 180, "57": 170,
    "06": 150, "35": 150, "974": 140, "83": 130, "29": 130, "54": 120, "971": 60, "972": 60, "973": 40, "976": 40,
    "48": 12, "05": 20, "90": 25, "09": 20, "15": 22, "23": 18, "2A": 20, "2B": 22, "46": 22, "975": 1,
}  # fmt: skip
_ORDINARY_BIRTHS = 80
# How many communes, among the numbers 1 to …; the others have 380 among 550.
_NUMBERS = {
    "75": (0, 0), "92": (36, 78), "93": (40, 79), "94": (47, 81), "90": (100, 106), "2A": (120, 360), "2B": (230, 366),
    "971": (32, 34), "972": (34, 34), "973": (22, 62), "974": (24, 24), "975": (2, 2), "976": (17, 17),
    "13": (118, 119), "69": (270, 299),
}  # fmt: skip
_ORDINARY_NUMBERS = (380, 550)
# Cities: département → (first arrondissement, how many, the whole city's code, its share of the département per cent).
_CITIES = {"75": (101, 20, "75056", 100), "13": (201, 16, "13055", 55), "69": (381, 9, "69123", 45)}
_DISTRICTS = {f"{departement}{first}"[:3]: whole for departement, (first, _, whole, _) in _CITIES.items()}
_FORMER = {"2A": "20", "2B": "20", "92": "75", "93": "75", "94": "75", "91": "78", "95": "78"}
_COUNTRIES = weighted(
    "99352:180 99350:170 99351:70 99139:110 99127:60 99134:60 99208:50 99397:20 99335:20 99341:25 99326:20 99312:15"
    " 99322:15 99333:20 99410:15 99243:20 99216:15 99132:20 99109:25 99131:25 99122:20 99114:15 99123:10 99121:10"
    " 99140:10 99416:8 99235:8 99234:10 99223:8 99330:10 99336:5 99301:6 99205:8 99206:6 99212:8 99204:6 99404:8"
)


@cache
def communes() -> Frequencies:
    """Commune codes (about 34,000) and how many births each has."""
    rng = generator(_PLACES_SEED, 0)
    codes: list[str] = []
    counts: list[int] = []
    for departement in DEPARTEMENTS:
        births = _BIRTHS.get(departement, _ORDINARY_BIRTHS) * 10_000
        first, districts, whole, percent = _CITIES.get(departement, (0, 0, "", 0))
        for district in range(districts):
            codes.append(f"{departement}{first + district}")
            counts.append(births * percent // (100 * districts))
        size, highest = _NUMBERS.get(departement, _ORDINARY_NUMBERS)
        numbers = rng.permutation(highest)[:size] + 1
        shares = np.arange(2, size + 2) ** _SIZE_SLOPE
        for number, share in zip(numbers.tolist(), (shares / max(shares.sum(), 1e-9)).tolist(), strict=True):
            code = f"{departement}{number:0{5 - len(departement)}d}"
            if code != whole:
                codes.append(code)
                counts.append(max(round(births * (100 - percent) / 100 * share), 1))
    return Frequencies(values=texts(codes), counts=np.array(counts, dtype=np.int64))


def countries() -> Frequencies:
    """Country codes (99xxx, never France) of people born abroad."""
    return _COUNTRIES


def other_epoch(commune: str) -> str:
    """The code that another epoch gave to the place of a commune code; empty when it never changed."""
    departement, number = commune[:2], commune[2:]
    older = ""
    if commune[:3] in _DISTRICTS:
        older = _DISTRICTS[commune[:3]]
    elif departement in _FORMER:
        older = _FORMER[departement] + number
    elif commune.startswith("976"):
        older = f"985{commune[3:]}"
    elif departement != "97" and int(number) % 7 == 3:
        older = f"{departement}{int(number) - 1:03d}"
    return older
