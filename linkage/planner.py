"""Sheet, profile and declared sizes in, pass plan out. Never looks at data: both parties get the same plan.

For each pass of the sheet the planner takes the coarsest block value whose blocks are expected to stay under the cap;
heavier values are split by the next finer block value that contains it, rarer ones than the floor share hashed buckets.
The thresholds follow from the pairs expected over all passes together (`linkage.plan`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.errors import SheetError
from linkage.plan import INFORMATION_PER_THOUSAND, STRICT_PER_THOUSAND, PassPlan, Plan, largest_distance
from linkage.profiles import Profile, profile_named
from linkage.sheet import PassRule, Sheet
from linkage.statistics import BILLION, Statistics

__all__ = ["BUCKET_FILL", "plan_passes"]

BUCKET_FILL = 3  # a bucket of rare values is expected to hold this many times the floor
_PLAIN_DICE = 800  # per mille: the field's usual threshold, until a rehearsal proposes a better one


@dataclass(frozen=True, kw_only=True)
class _Division:
    blocks: tuple[str, ...]
    finer: tuple[str, ...]
    buckets: int
    pairs_per_billion: int  # share of all pairs that fall in one block
    fits: bool


def plan_passes(sheet: Sheet, profile: str, sizes: tuple[int, int]) -> Plan:
    """The plan of one comparison.

    Args:
        sheet: what the parties share.
        profile: a name of `linkage.profiles`.
        sizes: declared records of the recipient and of the source.

    Raises:
        LinkageError: `E_PROFIL`; `E_PASSES` when a diffused profile has no pass to work with.
    """
    chosen = profile_named(profile)
    statistics = Statistics(sheet)
    population = max(sizes)
    if not chosen.degree:
        divisions = {"tout": _Division(blocks=(), finer=(), buckets=0, pairs_per_billion=BILLION, fits=True)}
    else:
        divisions = {rule.name: _divide(rule, statistics, chosen, population) for rule in sheet.passes}
    if not divisions:
        raise SheetError("E_PASSES", "la feuille ne déclare aucune passe ; ce profil en demande : ajoutez [[passes]]")
    pairs = {name: sizes[0] * sizes[1] * one.pairs_per_billion // BILLION + 1 for name, one in divisions.items()}
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
            strict=strict,
            cap=chosen.cap,
            floor=chosen.floor,
            population=population,
            buckets=one.buckets,
            expected_pairs=pairs[name],
        )
        for name, one in divisions.items()
    )
    return Plan(profile=profile, statistics_digest=statistics.digest, passes=passes)


def _thresholds(profile: Profile, pairs: int, smaller: int) -> tuple[int, int]:
    if not profile.degree:
        return _PLAIN_DICE, _PLAIN_DICE
    allowed = (INFORMATION_PER_THOUSAND * smaller, 1000), (STRICT_PER_THOUSAND * smaller, 1000)
    return largest_distance(profile.length, pairs, allowed[0]), largest_distance(profile.length, pairs, allowed[1])


def _degree(profile: Profile, sheet: Sheet, division: _Division) -> int:
    used = {component.partition(".")[0] for component in (*division.blocks, *division.finer)}
    names_only = bool(used) and all(sheet.attribute(name).kind in ("name", "given_names") for name in used)
    return profile.names_degree if names_only else profile.degree


def _divide(rule: PassRule, statistics: Statistics, profile: Profile, population: int) -> _Division:
    divisions = (_at_level(rule, level, statistics, profile, population) for level in range(len(rule.ladder)))
    last = None
    for last in divisions:  # noqa: B007 - the finest level is kept when none fits
        if last.fits:
            break
    assert last is not None  # noqa: S101 - a ladder has at least one level
    return last


def _at_level(rule: PassRule, level: int, statistics: Statistics, profile: Profile, population: int) -> _Division:
    blocks = rule.ladder[level]
    finer = next((one[len(blocks) :] for one in rule.ladder[level + 1 :] if one[: len(blocks)] == blocks), ())
    shares, counts = _product(blocks, statistics)
    expected = shares * population // BILLION
    heavy, rare = expected > profile.cap, expected < profile.floor
    split_shares, split_counts = _product(finer, statistics)
    split = int(np.sum(split_shares.astype(object) ** 2 * split_counts) // BILLION)
    together = (shares.astype(object) ** 2 // BILLION) * counts
    rare_mass = int(np.sum(shares[rare] * counts[rare]))
    buckets = max(1, rare_mass * population // BILLION // (BUCKET_FILL * profile.floor)) if rare_mass else 1
    pairs = int(np.sum(together[~heavy])) + int(np.sum(together[heavy])) * split // BILLION
    largest = int(np.max(expected)) if not heavy.any() else int(np.max(expected)) * int(np.max(split_shares)) // BILLION
    return _Division(
        blocks=blocks,
        finer=finer if heavy.any() else (),
        buckets=buckets,
        pairs_per_billion=pairs + rare_mass * rare_mass // BILLION // buckets,
        fits=largest <= profile.cap,
    )


def _product(components: tuple[str, ...], statistics: Statistics) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shares (parts per billion) and multiplicities of all combinations of values, components taken as independent."""
    shares, counts = np.array([BILLION], dtype=np.int64), np.array([1], dtype=np.int64)
    for component in components:
        table = np.array(statistics.shares(component), dtype=np.int64).reshape(-1, 2)
        shares = (shares[:, None] * table[None, :, 0] // BILLION).ravel()
        counts = (counts[:, None] * table[None, :, 1]).ravel()
    return shares, counts
