"""Sheet, profile and declared sizes in, pass plan out. Never looks at data: both parties get the same plan.

For each pass of the sheet the planner takes the coarsest block value whose blocks are expected to stay under the cap;
heavier values are split by the next finer block value that contains it, rarer ones than the floor share hashed buckets.
The thresholds follow from the pairs expected over all passes together (`linkage.plan`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linkage.errors import LinkageError, SheetError
from linkage.plan import (
    INFORMATION_PER_THOUSAND,
    STRICT_PER_THOUSAND,
    PassPlan,
    Plan,
    distance_of_dice,
    largest_distance,
)
from linkage.profiles import Profile, profile_named
from linkage.sheet import PassRule, Sheet
from linkage.statistics import BILLION, Statistics

__all__ = ["plan_passes"]

_LARGEST_SIZE = BILLION  # records of a file
_NAME_KINDS = ("name", "given_names", "sex")
_PLAIN_DICE = 800  # per mille: the field's usual threshold, until a rehearsal proposes a better one


@dataclass(frozen=True, kw_only=True)
class _Division:
    blocks: tuple[str, ...]
    finer: tuple[str, ...]
    buckets: int
    pair_share: int  # of all pairs, those that fall in one block, in units of BILLION⁻²
    fits: bool


def plan_passes(sheet: Sheet, profile: str, sizes: tuple[int, int]) -> Plan:
    """The plan of one comparison.

    Args:
        sheet: what the parties share.
        profile: a name of `linkage.profiles`.
        sizes: declared records of the recipient and of the source.

    Raises:
        LinkageError: `E_PROFIL`; `E_EFFECTIFS` for sizes that no file has; `E_PASSES` when a diffused profile has no pass to
            work with; `E_FEUILLE` when nothing is known of the values that divide.
    """
    if not 1 <= min(sizes) <= max(sizes) <= _LARGEST_SIZE:
        raise LinkageError("E_EFFECTIFS", "un effectif déclaré va de 1 à un milliard")
    chosen = profile_named(profile)
    statistics = Statistics(sheet)
    population = max(sizes)
    if not chosen.degree:
        divisions = {"tout": _Division(blocks=(), finer=(), buckets=0, pair_share=BILLION**2, fits=True)}
    else:
        divisions = {rule.name: _divide(rule, statistics, chosen, population) for rule in sheet.passes}
    if chosen.degree:
        _check_independence(sheet)
    if not divisions:
        raise SheetError("E_PASSES", "la feuille ne déclare aucune passe ; ce profil en demande : ajoutez [[passes]]")
    pairs = {name: sizes[0] * sizes[1] * one.pair_share // BILLION**2 + 1 for name, one in divisions.items()}
    information, strict = _thresholds(chosen, sum(pairs.values()), min(sizes))
    passes = tuple(
        PassPlan(
            name=name,
            blocks=one.blocks,
            finer=one.finer,
            length=chosen.length,
            degree=_degree(chosen, sheet, one),
            measure=chosen.measure,
            information=information,
            strict=_strict(strict, sheet, chosen, _degree(chosen, sheet, one)),
            cap=chosen.cap,
            floor=chosen.floor,
            population=population,
            buckets=one.buckets,
            expected_pairs=pairs[name],
        )
        for name, one in divisions.items()
    )
    return Plan(profile=profile, statistics_digest=statistics.digest, passes=passes)


def _check_independence(sheet: Sheet) -> None:
    """Condition 4 of the design: a name or a birth date may be wholly wrong, so no kind may be needed by every pass.

    Raises:
        SheetError: `E_PASSES`.
    """
    used = [
        {sheet.attribute(component.partition(".")[0]).kind for level in rule.ladder for component in level}
        for rule in sheet.passes
    ]
    for kinds, words in (({"date"}, "la date"), ({"name", "given_names"}, "un nom")):
        has_kind = any(attribute.kind in kinds for attribute in sheet.attributes)
        if has_kind and used and all(kinds & of_pass for of_pass in used):
            sentence = f"toutes les passes divisent par {words}, qui peut être entièrement faux : ajoutez-en une sans"
            raise SheetError("E_PASSES", sentence)


def _thresholds(profile: Profile, pairs: int, smaller: int) -> tuple[int, int]:
    if not profile.degree:
        return _PLAIN_DICE, _PLAIN_DICE
    allowed = (INFORMATION_PER_THOUSAND * smaller, 1000), (STRICT_PER_THOUSAND * smaller, 1000)
    return largest_distance(profile.length, pairs, allowed[0]), largest_distance(profile.length, pairs, allowed[1])


def _strict(random: int, sheet: Sheet, profile: Profile, degree: int) -> int:
    """The strict threshold: few random links, and no link of people who are merely alike (the sheet's floor)."""
    if not degree or not sheet.strict:
        return random
    return min(random, distance_of_dice(sheet.strict, profile.length, degree))


def _degree(profile: Profile, sheet: Sheet, division: _Division) -> int:
    # Sex beside names changes nothing; nor do finer components, which only the heaviest blocks have.
    kinds = {sheet.attribute(one.partition(".")[0]).kind for one in division.blocks}
    names_only = bool(kinds) and kinds <= set(_NAME_KINDS)
    return profile.names_degree if names_only else profile.degree


def _divide(rule: PassRule, statistics: Statistics, profile: Profile, population: int) -> _Division:
    divisions = (_at_level(rule, level, statistics, profile, population) for level in range(len(rule.ladder)))
    found = next((division for division in divisions if division.fits), None)
    if found is None:
        sentence = f"passe {rule.name} : même son échelon le plus fin dépasse {profile.cap} personnes par bloc pour cet effectif"
        raise SheetError("E_PASSES", f"{sentence} ; ajoutez un échelon à la feuille")
    return found


def _at_level(rule: PassRule, level: int, statistics: Statistics, profile: Profile, population: int) -> _Division:
    blocks = rule.ladder[level]
    finer = next((one[len(blocks) :] for one in rule.ladder[level + 1 :] if one[: len(blocks)] == blocks), ())
    shares, counts = statistics.product(blocks)
    expected = shares * population // BILLION
    heavy = expected > profile.cap
    pair_share = _pair_share(statistics, blocks, population, profile)
    for share, count in zip(shares[heavy].tolist(), counts[heavy].tolist(), strict=True):
        split = _pair_share(statistics, finer, share * population // BILLION, profile)
        pair_share -= share * share * count * (BILLION**2 - split) // BILLION**2
    finest = int(np.max(statistics.product(finer)[0])) if heavy.any() else BILLION
    return _Division(
        blocks=blocks,
        finer=finer if heavy.any() else (),
        buckets=statistics.buckets(blocks, population, profile.floor)[1],
        pair_share=pair_share,
        fits=int(np.max(expected)) * finest // BILLION <= profile.cap,
    )


def _pair_share(statistics: Statistics, components: Sequence[str], records: int, profile: Profile) -> int:
    """Of all pairs among `records` records, those with equal components or in one bucket, in units of BILLION⁻²."""
    shares, counts = statistics.product(components)
    squares = shares**2 * counts
    mass, buckets = statistics.buckets(components, records, profile.floor)
    rare = int(np.sum(squares[shares * records // BILLION < profile.floor]))
    # Two different rare values meet in one bucket out of `buckets`; a value always meets itself.
    return int(np.sum(squares)) + (mass * mass - rare) // buckets
