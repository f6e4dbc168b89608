"""How many twins a strict floor lets through: people who share everything but their first names, from public statistics only.

    python -m benchmarks.twins [--sheet NAME …] [--profile NAME] [--size N]

In an anti-join, whoever is linked strictly to their twin in the subtracted file is hidden. For each pass of a plan, and for
floors from .80 to .90 of estimated Dice: the share of pairs of twins that share a block and come within the distance of the
floor. Their first names are as alike as those of strangers (`linkage/public_statistics.json`), one pair in three is a girl
and a boy, all else is equal and known, blocks are those that are not split.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from linkage.attribute import Attribute, with_bits
from linkage.chance import tail
from linkage.exposure import SCALE, agreement
from linkage.features import insertions_by_group, parts_of
from linkage.plan import PassPlan, distance_of_dice
from linkage.planner import plan_passes
from linkage.profiles import Profile, profile_named
from linkage.sheet import Sheet, load_sheet
from linkage.statistics import BILLION, Statistics

__all__ = ["main", "twins_linked"]

_FLOORS = range(800, 901, 10)
_BOTH_SEXES = 1 / 3
_STEPS = 256  # of an agreement, as `linkage.chance` takes it
_POINT = 256
_LETTERS = ("initial", "two", "three")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line a sheet and pass."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.twins")
    parser.add_argument("--sheet", action="append", help="shipped name or file; default: P1, P2, P3")
    parser.add_argument("--profile", default="standard", choices=["standard", "renforce"])
    parser.add_argument("--size", type=int, default=50_000)
    options = parser.parse_args(arguments)
    print(f"{'sheet':6} {'pass':10}" + "".join(f"{floor / 1000:7.2f}" for floor in _FLOORS))
    for name in options.sheet or ["P1", "P2", "P3"]:
        sheet = load_sheet(name)
        for one in plan_passes(sheet, options.profile, (options.size, options.size)).passes:
            shares = (twins_linked(sheet, one, options.profile, floor) for floor in _FLOORS)
            print(f"{sheet.name:6} {one.name:10}" + "".join(f"{share:7.2%}" for share in shares))
    return 0


def twins_linked(sheet: Sheet, plan: PassPlan, profile: str, floor: int) -> float:
    """The share of pairs of twins that a pass links at a floor, in thousandths of estimated Dice."""
    chosen, statistics = profile_named(profile), Statistics(sheet)
    attributes, left_out = with_bits(sheet.attributes, plan.bits), plan.left_out(0)
    shares = insertions_by_group(attributes, chosen.insertions, left_out)
    whole = sum(sum(shares[one.name].values()) for one in attributes if not one.second_form_of)
    distance = distance_of_dice(floor, plan.length, plan.degree)
    given = next(one for one in attributes if one.kind == "given_names")
    sex = sum(sum(shares[one.name].values()) for one in attributes if one.kind == "sex")
    letters = max((part for part in parts_of(given, left_out) if part in _LETTERS), key=_LETTERS.index, default="")
    same_block = 1.0
    if letters:
        some, counts = statistics.product([f"{given.name}.{letters}"])
        same_block = float((some.astype(float) ** 2 * counts).sum()) / BILLION**2
    if "value" in parts_of(_of_sex(attributes), left_out):
        same_block *= 1 - _BOTH_SEXES
    linked = 0.0
    for lost, weight in _lost(shares[given.name], statistics.likeness("given_names", letters)).items():
        for more, share in ((0, 1 - _BOTH_SEXES), (sex, _BOTH_SEXES)):
            linked += weight * share * _within(chosen, plan, (whole, lost + more), distance)
    return same_block * linked


def _of_sex(attributes: Sequence[Attribute]) -> Attribute:
    return next((one for one in attributes if one.kind == "sex"), attributes[0])


def _lost(shares: Mapping[str, int], likeness: Mapping[str, Mapping[str, int]]) -> dict[int, float]:
    """Insertions that two different lists of first names do not have in common, and how often."""
    found = {0: 1.0}
    for group, share in shares.items():
        known, total = likeness[group], sum(likeness[group].values())
        more: dict[int, float] = {}
        for lost, weight in found.items():
            for step, times in known.items():
                place = lost + share * (1000 - int(step)) // 1000
                more[place] = more.get(place, 0.0) + weight * times / total
        found = more
    return found


def _within(profile: Profile, plan: PassPlan, insertions: tuple[int, int], distance: int) -> float:
    """The chance that two filters that differ in so many of their insertions come within a distance."""
    whole, lost = insertions
    alike: int = agreement(profile.length, whole)[max(0, whole - lost)] ** plan.degree >> SCALE * (plan.degree - 1)
    step = alike * _STEPS >> SCALE
    return 1.0 if step >= _STEPS - 1 else tail(plan.length, step)[distance] / (1 << _POINT)


if __name__ == "__main__":
    sys.exit(main())
