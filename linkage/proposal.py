"""A pass set for a sheet that declares none, from its attributes, the declared sizes and public statistics.

Candidates are the coarsest block values whose blocks stay under the target at that size, heavy values split by last digit
of the year, sex and decade where these do not divide already. First names tell something of sex and generation: blocks made
of letters of a first name and of year or decade keep room, and two letters of one never stand beside sex. Of them, passes
are taken one by one: first the best one without dates and the best one without names (either may be wholly wrong), then
whichever links most of the pairs that no pass links yet, in files much worse than `linkage.assumptions` has them. Of
candidates that are as good to within a fortieth of a point, the one that compares fewer pairs. Integers throughout: both
parties propose the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from linkage.assumptions import UNIT, Pairs, Truths, imagine_pairs, linked
from linkage.attribute import COMPONENTS
from linkage.features import insertions_by_group
from linkage.pass_rule import PassRule
from linkage.plan import INFORMATION_PER_THOUSAND, largest_distance, target_size
from linkage.profiles import Profile
from linkage.sheet import Sheet
from linkage.sizing import Limits, largest_share, size_blocks
from linkage.statistics import BILLION, Statistics

__all__ = ["MOST_PASSES", "propose_passes"]

LEAST_PASSES = 3
MOST_PASSES = 5
_MOST_COMPONENTS = 4
_GAIN = UNIT // 500  # a further pass must link that many more of the pairs
_AS_GOOD = UNIT // 4_000
_MOST_SPLIT = BILLION // 4
_SPARED = Fraction(3, 2)  # room kept in blocks that are up to 2.5 times what independence has them
_FAR_TOO_LARGE = 40  # times the target: splitting would not help
_NAMES = ("name", "given_names")
_OTHER_PARTS = {"decade": "year", "unit": "year", "month": "day_month", "day": "day_month"}
_LETTERS = ("initial", "two", "three")


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    blocks: tuple[str, ...]
    finer: tuple[str, ...]
    form: str
    pair_share: int
    links: Truths
    kinds: frozenset[str]


def propose_passes(
    sheet: Sheet, profile: Profile, statistics: Statistics, sizes: tuple[int, int]
) -> tuple[PassRule, ...]:
    """The passes proposed; none when nothing divides."""
    pairs = imagine_pairs(sheet, doubt=True)
    found = list(_candidates(sheet, profile, statistics, sizes, pairs))
    chosen: list[_Candidate] = []
    reached = np.zeros(len(pairs.weight), dtype=bool)
    for needless in (frozenset({"date"}), frozenset(_NAMES), *[frozenset[str]()] * (MOST_PASSES - 2)):
        left = [one for one in found if not one.kinds & needless and not any(one is other for other in chosen)]
        best = _best(left, pairs, reached)
        if best is None:
            continue
        gain = pairs.share(best.links & ~reached)
        if len(chosen) >= LEAST_PASSES and gain < _GAIN:
            break
        chosen.append(best)
        reached = reached | best.links
    return tuple(
        PassRule(name=f"p{place}", ladder=(one.blocks,), split=one.finer, form=one.form)
        for place, one in enumerate(chosen, start=1)
    )


def _best(found: list[_Candidate], pairs: Pairs, reached: Truths) -> _Candidate | None:
    """The candidate that links most of what is not linked yet; the cheapest of those that are as good."""
    gains = [pairs.share(one.links & ~reached) for one in found]
    if not gains:
        return None
    good = [one for one, gain in zip(found, gains, strict=True) if gain + _AS_GOOD >= max(gains)]
    return min(good, key=lambda one: (one.pair_share, len(one.blocks), one.blocks, one.form))


def _candidates(
    sheet: Sheet, profile: Profile, statistics: Statistics, sizes: tuple[int, int], pairs: Pairs
) -> Iterator[_Candidate]:
    limits = Limits(population=max(sizes), cap=target_size(profile.cap), floor=profile.floor)
    forms = {one.second_form_of: one.name for one in sheet.compared if one.second_form_of}
    fitting: list[frozenset[str]] = []
    for blocks in _block_values(sheet, statistics):
        coarser = any(known <= _implied(blocks) for known in fitting)
        expected = largest_share(statistics, blocks) * limits.population // BILLION
        if coarser or expected > _FAR_TOO_LARGE * limits.cap:
            continue
        finer = _splitters(sheet, blocks)
        sizing = size_blocks(statistics, blocks, finer, limits)
        spared = _tells_generation_twice(sheet, (*blocks, *finer[: len(sizing.depths) - 1]))
        largest = sizing.largest * (_SPARED if spared else 1)
        if largest > limits.cap or sizing.split > _MOST_SPLIT:
            continue
        fitting.append(frozenset(blocks))
        names = [component.partition(".")[0] for component in blocks]
        for form in ["", *(forms[name] for name in names if name in forms)]:
            without = tuple(f"{forms[name]}.value" for name in names if name in forms)
            yield _Candidate(
                blocks=blocks,
                finer=finer[: len(sizing.depths) - 1],
                form=form,
                pair_share=sizing.pair_share,
                links=_links(sheet, profile, (blocks, without, form), sizes, sizing.pair_share, pairs),
                kinds=frozenset(sheet.attribute(name).kind for name in names),
            )


def _links(
    sheet: Sheet,
    profile: Profile,
    division: tuple[tuple[str, ...], tuple[str, ...], str],
    sizes: tuple[int, int],
    pair_share: int,
    pairs: Pairs,
) -> Truths:
    """The imagined pairs that such a pass links, if the others of its plan compare as many pairs as it does."""
    blocks, without, form = division
    left_out = (*blocks, *without)
    compared = LEAST_PASSES * (sizes[0] * sizes[1] * pair_share // BILLION**2 + 1)
    distance = largest_distance(profile.length, compared, (INFORMATION_PER_THOUSAND * min(sizes), 1000))
    shares = insertions_by_group(sheet.compared, profile.insertions, left_out)
    whole = sum(sum(shares[one.name].values()) for one in sheet.compared if not one.second_form_of)
    common = pairs.alike(sheet.compared, profile, left_out, form=bool(form))
    degree = profile.names_degree if sheet.names_only(blocks) else profile.degree
    return pairs.meeting(blocks, form=bool(form)) & linked(common, profile, whole, degree, distance)


def _block_values(sheet: Sheet, statistics: Statistics) -> Iterator[tuple[str, ...]]:
    """Sets of components, small sets first, coarse components first."""
    components = [
        f"{one.name}.{part}"
        for one in sheet.compared
        if not one.optional and not one.second_form_of
        for part in _coarse_first(COMPONENTS[one.kind])
        if part != "value" or one.kind == "sex" or one.name in statistics.declared
    ]
    for size in range(1, _MOST_COMPONENTS + 1):
        for blocks in combinations(components, size):
            if _sound(blocks) and not _tells_sex_twice(sheet, blocks):
                yield blocks


def _tells_sex_twice(sheet: Sheet, blocks: tuple[str, ...]) -> bool:
    """Whether sex stands beside letters of a first name that nearly tell it: such blocks are up to four times too large."""
    kinds = {sheet.attribute(component.partition(".")[0]).kind for component in blocks}
    letters = {component.rpartition(".")[2] for component in blocks if _is_first_name(sheet, component)}
    return "sex" in kinds and not letters.isdisjoint({"two", "three"})


def _tells_generation_twice(sheet: Sheet, components: tuple[str, ...]) -> bool:
    """Whether year or decade stand beside letters of a first name, which tell something of them."""
    parts = {component.rpartition(".")[2] for component in components}
    firsts = any(_is_first_name(sheet, component) for component in components)
    return firsts and not parts.isdisjoint({"year", "decade"})


def _is_first_name(sheet: Sheet, component: str) -> bool:
    return sheet.attribute(component.partition(".")[0]).kind == "given_names"


def _coarse_first(parts: tuple[str, ...]) -> tuple[str, ...]:
    order = ("month", "day", "decade", "year", "day_month", *_LETTERS, "value")
    return tuple(part for part in order if part in parts)


def _sound(blocks: tuple[str, ...]) -> bool:
    """Whether no component says what another one of its attribute says."""
    parts: dict[str, list[str]] = {}
    for component in blocks:
        name, _, part = component.partition(".")
        parts.setdefault(name, []).append(part)
    for some in parts.values():
        letters = [part for part in some if part in _LETTERS]
        if len(letters) > 1 or any(_OTHER_PARTS.get(part) in some for part in some):
            return False
        if {"month", "day"} <= set(some):
            return False
    return True


def _implied(blocks: tuple[str, ...]) -> frozenset[str]:
    """The components and all coarser ones that they tell."""
    found = set(blocks)
    for component in blocks:
        name, _, part = component.partition(".")
        if part in _LETTERS:
            found |= {f"{name}.{one}" for one in _LETTERS[: _LETTERS.index(part)]}
        found |= {f"{name}.{one}" for one, whole in _OTHER_PARTS.items() if whole == part}
    return frozenset(found)


def _splitters(sheet: Sheet, blocks: tuple[str, ...]) -> tuple[str, ...]:
    """Components that split heavy values: the last digit of the year of birth, which names tell nothing of, sex, decade."""
    names = {component.partition(".")[0] for component in blocks}
    sexes = [f"{one.name}.value" for one in sheet.compared if one.kind == "sex" and one.name not in names]
    dates = [one.name for one in sheet.compared if one.kind == "date" and not one.optional]
    free = [name for name in dates[:1] if not {f"{name}.{part}" for part in ("year", "decade", "unit")} & set(blocks)]
    units, decades = ([f"{name}.{part}" for name in free] for part in ("unit", "decade"))
    return (*units, *sexes, *decades)
