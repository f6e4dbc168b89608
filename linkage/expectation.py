"""How many links are wrong and how many people are missed, without knowing who is who.

**Wrong links.** Links are made from the best pair down. A wrong link of some score is made when two different people who
are that much alike both still have no better link in that pass. How often different people are that much alike is read
off inside each file (`linkage.sightings`): a record, a neighbour in its own file, and a record drawn from the other
file's same block to stand for the neighbour. The pair counts when the record and the stand-in are both free of better
links; a block of a and b records holds a·b pairs across and a·(a − 1) + b·(b − 1) pairs inside, hence the weight. This
covers noise, kinship, homonyms and the one-to-one competition in all passes together, and fits no curve.
Where the two files disagree more than chance about their own neighbours, people across them are alike as the geometric
mean says (collisions across two populations never exceed it), and the disagreement widens the interval.

**People in both files.** Links less wrong links are found people, looked for through undiffused filters and as low as
strangers allow. Of those not even found there, some share no block: as in capture and recapture, a pass and the union of
the others tell how many both miss, were they independent. Others score too low: the found ones, counted in two windows
above the lowest level, go on below at the same rate. Both rest on assumptions (errors of a person come together; the
tail may be heavier), so the interval goes from none of them to three times as many, and holds what each of the
lowest levels says.

Intervals hold 90 %: 5 % on either side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.sightings import DRAWS, Neighbours, Sightings

__all__ = ["Estimate", "Expectation", "Forecast", "Interval", "count_interval"]

_TAIL = 0.05  # on either side of an interval
_MODEL = 0.2  # relative: what may differ between pairs inside a file and pairs across
_FACTOR = 3.0  # times as many as estimated may be in both files and found at no level
_WINDOW = 0.03  # of estimated Dice: two such windows tell how fast found pairs become rare
_STEEPEST = 0.7  # a window has at most that share of the one above it
_SURE = 0.02  # of the found: levels at which they are not known that well say nothing
_NEAR = 7  # levels that do say something, from the lowest: the widest of their intervals counts
_LEVELS = np.arange(0.0, 0.2, 0.01)  # above the lowest thresholds, in estimated Dice
_NOTHING = 1e-9  # links
_NORMAL = 1.645  # standard deviations that 5 % exceed

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and what it lies between in nine cases of ten."""

    low: float
    middle: float
    high: float

    def to_json(self) -> list[float]:
        """[low, middle, high], five digits."""
        return [round(self.low, 5), round(self.middle, 5), round(self.high, 5)]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An expected number of links.

    Attributes:
        mean: the number.
        variance: of the number, chance and model together.
        unit: what one more pair inside a file would add; half of it stands for what was not seen.
    """

    mean: float
    variance: float
    unit: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is expected at some thresholds.

    Attributes:
        links: how many there are (a count, not an estimate).
        wrong: links of different people.
        precision, recall: of the links, over all true pairs.
        found: people rightly linked.
        missed: people who are in both files and not rightly linked.
    """

    links: int
    wrong: Interval
    precision: Interval
    recall: Interval
    found: Interval
    missed: Interval


@dataclass(frozen=True, kw_only=True)
class _Strangers:
    """What the neighbours of one file say: each row is a pair and a stand-in.

    Attributes:
        pair: (r,) int64, the pair inside the file, whichever way round.
        record: (r,) int64, the record of the pair that was looked at.
        dice: (r, passes) score where both sides are free of better links, else 0.
        pooled: (r,) weight when both files speak.
        alone: (r,) weight when this file speaks alone.
    """

    pair: Integers
    record: Integers
    dice: Floats
    pooled: Floats
    alone: Floats


class Expectation:
    """Figures of a rehearsal without truth.

    Args:
        seen: what the rehearsal saw.
        people: who is in both files, when other sightings told; else these sightings tell.
    """

    def __init__(self, seen: Sightings, people: Interval | None = None) -> None:
        self._seen = seen
        taken = [_best_by_record(seen.links[:, side], seen.dice, size) for side, size in enumerate(seen.sizes)]
        self._sides = [
            _strangers(seen.neighbours[0], taken[0], taken[1]),
            _strangers(seen.neighbours[1], taken[1], taken[0]),
        ]
        self.people = people or self._people()

    def linked(self, floors: Floats) -> NDArray[np.bool_]:
        """(m,) which links stand at some thresholds."""
        return _reached(self._seen.dice, floors)

    def wrong(self, floors: Floats) -> Estimate:
        """Wrong links expected at some thresholds."""
        return _wrong([(side, _reached(side.dice, floors)) for side in self._sides])

    def wrong_by(self, group: Integers, count: int, floors: Floats) -> list[Estimate]:
        """Wrong links expected in each group of records of the left file, as its own neighbours tell.

        Args:
            group: (n,) group of each record of the left file.
            count: number of groups.
            floors: (passes,) thresholds.
        """
        side = self._sides[0]
        hit = _reached(side.dice, floors)
        total, spread = _sum_by_pair(side.alone, side.pair, hit)
        unit = spread / total if total > 0 else _unit([side])
        means = np.bincount(group[side.record[hit]], weights=side.alone[hit], minlength=count).tolist()
        return [
            Estimate(mean=mean, variance=(mean + unit / 2) * (unit + _MODEL**2 * mean), unit=unit) for mean in means
        ]

    def wrong_above(self, floors: Floats, grid: Floats) -> Floats:
        """Wrong links expected at each Dice of a grid, no pass going under its floor."""
        scores = [_highest(side.dice, floors) for side in self._sides]
        pooled = [_survivors(score, side.pooled, grid) for score, side in zip(scores, self._sides, strict=True)]
        alone = [_survivors(score, side.alone, grid) for score, side in zip(scores, self._sides, strict=True)]
        units = [_unit([side]) for side in self._sides]
        return np.array(
            [
                mean * _agreed(mean, (one, other), units)[0]
                for mean, one, other in zip(pooled[0] + pooled[1], *alone, strict=True)
            ]
        )

    def forecast(self, floors: Floats) -> Forecast:
        """Everything expected at some thresholds, (passes,) estimated Dice."""
        links = int(self.linked(floors).sum())
        wrong = count_interval(self.wrong(floors), links)
        found = Interval(low=links - wrong.high, middle=links - wrong.middle, high=links - wrong.low)
        people = self.people
        return Forecast(
            links=links,
            wrong=wrong,
            found=found,
            missed=Interval(
                low=max(0.0, people.low - found.high),
                middle=max(0.0, people.middle - found.middle),
                high=max(0.0, people.high - found.low),
            ),
            precision=_ratio(found, Interval(low=links, middle=links, high=links)),
            recall=_ratio(found, people),
        )

    def best(self, floors: Floats, grid: Floats) -> int:
        """The place in a grid of the Dice with the best F1 expected, no pass going under its floor.

        Chance makes some threshold look better than it is, most of all where wrong links abound: of those that are not
        surely worse than the best one, the highest is chosen.
        """
        counts = _survivors(_highest(self._seen.dice, floors), None, grid)
        wrong = self.wrong_above(floors, grid)
        found, size = np.maximum(0.0, counts - wrong), np.maximum(1.0, counts + self.people.middle)
        top = int(np.argmax(found / size))
        chance = np.sqrt(np.maximum(0.0, wrong[top] - wrong) / 2) / size[top]
        good = np.arange(len(grid)) >= top
        return int(np.flatnonzero(good & (found / size >= found[top] / size[top] - chance))[-1])

    def _people(self) -> Interval:
        """Who is in both files: found as low as they are known well enough, or not found at all."""
        most, levels = float(min(self._seen.sizes)), [self._level(self._seen.lowest + step) for step in _LEVELS]
        first = next((place for place, (found, chance, _) in enumerate(levels) if chance <= _SURE * found), -1)
        near = levels[first:][:_NEAR]
        low = max(found - chance for found, chance, _ in near)
        middle = max((found, found + unseen) for found, _, unseen in near)[1]
        high = max(found + chance + _FACTOR * unseen + 1.0 for found, chance, unseen in near)
        low, high = min(most, max(0.0, low)), min(most, high)
        return Interval(low=low, middle=min(max(middle, low), high), high=high)

    def _level(self, floors: Floats) -> tuple[float, float, float]:
        """Found people, how far chance moves that number, and how many more there are."""
        wrong = self.wrong(floors)
        chance = _NORMAL * math.sqrt(wrong.mean + wrong.variance)
        return self._found(floors), chance, self._without_block(floors) + self._below(floors)

    def _found(self, floors: Floats) -> float:
        return max(0.0, float(self.linked(floors).sum()) - self.wrong(floors).mean)

    def _without_block(self, floors: Floats) -> float:
        """People whom all passes miss for want of a common block: the most that one pass and the others tell."""
        links = self._seen.dice >= floors
        strangers = [(side.dice >= floors, side.pooled) for side in self._sides]
        most = 0.0
        for number in range(links.shape[1] if links.shape[1] > 1 else 0):
            counts = _captures(links, number, np.ones(len(links)))
            counts -= sum(_captures(reached, number, weight) for reached, weight in strangers)
            both, only, without = np.maximum(0.0, counts)
            most = max(most, only * without / max(1.0, both))
        return most

    def _below(self, floors: Floats) -> float:
        """People who share a block and score under some thresholds."""
        levels = [self._found(floors + step * _WINDOW) for step in range(3)]
        near, far = max(0.0, levels[0] - levels[1]), max(0.0, levels[1] - levels[2])
        rate = min(_STEEPEST, (near + 0.5) / (far + 1.0))
        return near * rate / (1.0 - rate)


def count_interval(expected: Estimate, most: int) -> Interval:
    """Where a count lies whose expected number is itself an estimate: a Poisson count over a gamma mean.

    Args:
        expected: the estimate.
        most: the count cannot exceed it.
    """
    mean = expected.mean + expected.unit / 2
    if mean <= _NOTHING:
        return Interval(low=0.0, middle=0.0, high=0.0)
    spread = max(expected.variance, 1e-9 * mean)
    shape = mean * mean / spread
    top = int(mean + 12 * math.sqrt(mean + spread) + 30)
    steps = np.arange(top, dtype=np.float64)
    ratios = np.log((steps + shape) / (steps + 1.0)) + math.log(mean / (mean + shape))
    logs = np.concatenate([[0.0], np.cumsum(ratios)]) - shape * math.log1p(mean / shape)
    cumulated = np.cumsum(np.exp(logs))
    low, high = (float(np.searchsorted(cumulated, tail)) for tail in (_TAIL, 1 - _TAIL))
    return Interval(low=min(low, most), middle=min(expected.mean, most), high=min(high, most))


def _strangers(side: Neighbours, taken: Floats, taken_there: Floats) -> _Strangers:
    """Every neighbour with each of its stand-ins, where both are free of better links."""
    free = (side.dice > 0) & (taken[side.record] < side.dice)
    own, other = side.own_rows.astype(np.float64), side.other_rows.astype(np.float64)
    pooled = side.scale * own * other / np.maximum(1.0, own * (own - 1) + other * (other - 1)) / DRAWS
    alone = side.scale * other / np.maximum(1.0, own - 1) / DRAWS
    low, high = np.minimum(side.record, side.other), np.maximum(side.record, side.other)
    _, pair = np.unique(low * (len(taken) + 1) + high, return_inverse=True)
    rows, dice = [], []
    for draw in range(DRAWS):
        standing = taken_there[side.stand_ins[:, draw]] < side.dice
        score = np.where(free & standing, side.dice, 0.0)
        kept = np.flatnonzero(score.any(axis=1))
        rows.append(kept)
        dice.append(score[kept])
    chosen = np.concatenate(rows)
    return _Strangers(
        pair=pair[chosen],
        record=side.record[chosen],
        dice=np.concatenate(dice),
        pooled=pooled[chosen],
        alone=alone[chosen],
    )


def _best_by_record(records: Integers, dice: Floats, size: int) -> Floats:
    """(size, passes) the score at which each record is linked in each pass; 0 when it is not."""
    best = np.zeros((size, dice.shape[1]))
    np.maximum.at(best, records, dice)
    return best


def _wrong(sides: list[tuple[_Strangers, NDArray[np.bool_]]]) -> Estimate:
    """The wrong links that the hit rows stand for."""
    pooled = [_sum_by_pair(side.pooled, side.pair, hit) for side, hit in sides]
    mean, variance = (float(sum(one[number] for one in pooled)) for number in (0, 1))
    unit = variance / mean if mean > 0 else _unit([side for side, _ in sides])
    alone = [_sum_by_pair(side.alone, side.pair, hit) for side, hit in sides]
    units = [spread / one if one > 0 else _unit([side]) for (one, spread), (side, _) in zip(alone, sides, strict=True)]
    factor, apart = _agreed(mean, (alone[0][0], alone[1][0]), units)
    mean, variance = mean * factor, variance * factor**2
    model = (_MODEL**2 + apart) * (mean + unit / 2) ** 2
    return Estimate(mean=mean, variance=variance + unit * unit / 2 + model, unit=unit)


def _agreed(pooled: float, alone: tuple[float, float], units: Sequence[float]) -> tuple[float, float]:
    """What the disagreement of the two files makes of their common estimate: a factor, and a relative variance.

    Args:
        pooled: wrong links that both files together expect.
        alone: those that each expects alone.
        units: what one more pair in each would add; half of it stands for what was not seen.
    """
    if pooled <= 0:
        return 1.0, 0.0
    one, other = (count + unit / 2 for count, unit in zip(alone, units, strict=True))
    gap = math.log(one / other) ** 2 if one > 0 and other > 0 else 0.0
    chance = sum(
        (unit * count + unit * unit / 2) / (count + unit / 2) ** 2
        for count, unit in zip(alone, units, strict=True)
        if unit > 0
    )
    sure = max(0.0, 1.0 - chance / gap) if gap > 0 else 0.0
    return float((math.sqrt(one * other) / pooled) ** sure), sure * gap / 4


def _sum_by_pair(weight: Floats, pair: Integers, hit: NDArray[np.bool_]) -> tuple[float, float]:
    """The sum, and its variance were each pair inside a file there by chance."""
    sums = np.bincount(pair[hit], weights=weight[hit])
    return float(sums.sum()), float((sums * sums).sum())


def _unit(sides: list[_Strangers]) -> float:
    """The wrong links that one more pair inside a file would stand for."""
    everything = [_sum_by_pair(side.pooled, side.pair, np.ones(len(side.pair), dtype=bool)) for side in sides]
    total, spread = (sum(one[number] for one in everything) for number in (0, 1))
    return spread / total if total > 0 else 1.0


def _captures(reached: NDArray[np.bool_], number: int, weight: Floats) -> Floats:
    """(3,) the weight of what a pass and the union of the others hold: both, the pass only, the others only."""
    here, elsewhere = reached[:, number], np.delete(reached, number, axis=1).any(axis=1)
    return np.array([weight[here & elsewhere].sum(), weight[here & ~elsewhere].sum(), weight[~here & elsewhere].sum()])


def _ratio(part: Interval, whole: Interval) -> Interval:
    """A share, between 0 and 1; 0 when there is nothing."""
    low, middle, high = (
        min(1.0, one / other) if other > 0 else 0.0
        for one, other in ((part.low, whole.high), (part.middle, whole.middle), (part.high, whole.low))
    )
    return Interval(low=low, middle=middle, high=max(middle, high))


def _reached(dice: Floats, floors: Floats) -> NDArray[np.bool_]:
    """(r,) which rows reach the threshold of some pass."""
    return np.asarray((dice >= floors).any(axis=1))


def _highest(dice: Floats, floors: Floats) -> Floats:
    """(r,) the best score in a pass where it reaches the pass's floor."""
    return np.asarray(np.where(dice >= floors, dice, 0.0).max(axis=1, initial=0.0))


def _survivors(score: Floats, weight: Floats | None, grid: Floats) -> Floats:
    """The weight at or above each value of a grid."""
    order = np.argsort(score)
    weights = np.ones(len(score)) if weight is None else weight[order]
    above = np.concatenate([np.cumsum(weights[::-1])[::-1], [0.0]])
    return np.asarray(above[np.searchsorted(score[order], grid, side="left")])
