"""The pass plan of a comparison: arithmetic on declared sizes, never on data. Both parties compute it; the third party reads it.

A plan lists passes. A pass names the components that make its block value, the finer ones that split heavy values, the
length L and degree t of its diffused filters, and the two thresholds as the largest accepted Hamming distances. Being
part of the agreement, it travels as canonical JSON: integers and strings only.

Thresholds (design §5). The information threshold is the largest distance at which the strangers expected to be as near, over
all passes, are at most 1 % of the smaller file, the strict one 0.1 % (`linkage.chance`). `largest_distance` is the same for
strangers who have nothing in common, whose filters agree like coin tosses: with C compared pairs, C·P(Binomial(L, ½) ≤ h).
Sums of binomial coefficients are exact integers: the same numbers on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from linkage.errors import LinkageError

__all__ = [
    "INFORMATION_PER_THOUSAND",
    "STRICT_PER_THOUSAND",
    "Measure",
    "PassPlan",
    "Plan",
    "Solving",
    "distance_of_dice",
    "estimated_dice",
    "largest_distance",
    "target_size",
]

Measure = Literal["hamming", "dice", "exact"]
Solving = Literal["one-to-one", "many-to-one"]

INFORMATION_PER_THOUSAND = 10  # random links per 1,000 records of the smaller file
STRICT_PER_THOUSAND = 1

LARGEST_DEGREE = 16  # t distinct positions must be found among m ≥ 64 by exchanges; profiles have 4 to 12
_LARGEST = (1 << 53) - 1  # of the numbers that canonical JSON carries

_LISTS = ("blocks", "finer", "without")
_OF_TWINS = ("twin", "parting", "parts")
_NUMBERS = ("degree", "information", "strict", "cap", "floor", "population", "buckets")


@dataclass(frozen=True, kw_only=True)
class PassPlan:
    """One pass.

    Attributes:
        name: short name, unique in the plan.
        blocks: components that make the block value (`birth.month`, `sex`…), left out of the filter.
        finer: components that split values whose expected block exceeds the cap, one after the other until it does not;
            left out of the filters of the blocks that they split, and of no other (`left_out`).
        without: attributes left out of all filters of this pass (a second form of the name that divides).
        form: the second form of a name that stands in the first one's place, where a record has one, in this pass's
            block values and filters; empty in most passes.
        bits: weights that attributes have in this pass instead of the sheet's.
        length: L, bits of a filter.
        degree: t, positions XORed into an output bit; 0 = no diffusion.
        measure: `hamming` on diffused filters, `dice` on plain ones; `exact` links rows with one tag, and has no filter.
        information: largest distance (hamming) of a link; per-mille Dice for plain filters.
        strict: the same for award and subtraction.
        cap: records of a large block; one over 1.5 times the cap is refused. Values expected to exceed two thirds of it are
            split (`target`): files are not spread over years and names quite as public statistics are.
        floor: values expected to be rarer than this share hashed buckets.
        population: declared size of the larger file, from which sizes of blocks are expected.
        buckets: number of hashed buckets for rare values.
        expected_pairs: compared pairs expected from the declared sizes and the public statistics.
        solving: `many-to-one` where a row of the source may serve several of the recipient, whose file holds several rows of a
            person; written only then.
        twin: of a twin, the pass whose links it divides in two, by the attribute `parting` hashed into so many `parts`; written
            only of twins.
    """

    name: str
    blocks: tuple[str, ...]
    finer: tuple[str, ...]
    without: tuple[str, ...] = ()
    form: str = ""
    bits: tuple[tuple[str, int], ...] = ()
    length: int
    degree: int
    measure: Measure
    information: int
    strict: int
    cap: int
    floor: int
    population: int
    buckets: int
    expected_pairs: int
    solving: Solving = "one-to-one"
    twin: str = ""
    parting: str = ""
    parts: int = 0

    @property
    def target(self) -> int:
        """The largest number of records that a block is meant to have."""
        return target_size(self.cap)

    @property
    def information_score(self) -> float:
        """The information threshold as a score of the matcher (1 - H/L, or Dice)."""
        return self._score(self.information)

    @property
    def strict_score(self) -> float:
        """The strict threshold as a score of the matcher."""
        return self._score(self.strict)

    def left_out(self, depth: int) -> tuple[str, ...]:
        """What the filters of a block lack: its block value's components and the attributes that the pass does without.

        Args:
            depth: how many of the finer components make the block, 0 for a value that is not split.
        """
        return (*self.blocks, *self.finer[:depth], *(f"{name}.value" for name in self.without))

    def shown(self, number: int) -> float:
        """A threshold as people read it: the Dice of the underlying filters, to four decimals."""
        if self.measure == "exact":
            return 1.0
        dice = number / 1000 if self.measure == "dice" else estimated_dice(number, self.length, self.degree)
        return round(dice, 4)

    def _score(self, number: int) -> float:
        if self.measure == "exact":
            return 1.0
        return 1.0 - number / self.length if self.measure == "hamming" else number / 1000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The passes of one comparison, the profile they follow and the statistics they were computed from."""

    profile: str
    statistics_digest: str
    passes: tuple[PassPlan, ...]

    def to_json(self) -> dict[str, Any]:
        """The plan as it stands in an agreement: integers and strings only."""
        return {
            "profile": self.profile,
            "statistics_digest": self.statistics_digest,
            "passes": [_pass_to_json(one) for one in self.passes],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """The plan of an agreement.

        Raises:
            LinkageError: `E_PLAN` for a missing, unknown or mistyped entry.
        """
        try:
            passes = tuple(_pass_from_json(one) for one in value["passes"])
            plan = cls(profile=value["profile"], statistics_digest=value["statistics_digest"], passes=passes)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise LinkageError("E_PLAN", "le plan de passes est incomplet ou mal formé") from error
        texts = isinstance(plan.profile, str) and isinstance(plan.statistics_digest, str)
        if not texts or plan.to_json() != value or len({one.name for one in passes}) != len(passes) or not passes:
            raise LinkageError("E_PLAN", "le plan de passes est incomplet ou mal formé")
        return plan


def _pass_to_json(one: PassPlan) -> dict[str, Any]:
    written = {**vars(one), "bits": dict(one.bits), **{part: list(vars(one)[part]) for part in _LISTS}}
    if one.solving == "one-to-one":
        del written["solving"]
    if not one.twin:
        for name in _OF_TWINS:
            del written[name]
    return written


def _pass_from_json(value: Mapping[str, Any]) -> PassPlan:
    numbers = (*_NUMBERS, "length", "expected_pairs", *({"parts"} & set(value)))
    if not all(type(value[name]) is int and 0 <= value[name] <= _LARGEST for name in numbers):
        raise ValueError
    texts = (value["name"], value["form"], value.get("twin", ""), value.get("parting", ""))
    if not all(isinstance(one, str) for one in texts) or value["measure"] not in get_args(Measure):
        raise ValueError
    if len({bool(value.get(name)) for name in _OF_TWINS}) > 1:
        raise ValueError
    if value.get("solving", "one-to-one") not in ("one-to-one", "many-to-one"):
        raise ValueError
    exact = value["measure"] == "exact"
    if value["length"] % 64 or not (value["length"] == 0 if exact else 64 <= value["length"] <= 1 << 16):
        raise ValueError
    # Beyond these a holder's arithmetic would fail: no table has that degree, no value falls into no bucket.
    if value["degree"] > (0 if exact else LARGEST_DEGREE) or not value["buckets"]:
        raise ValueError
    if max(value["information"], value["strict"]) > (1000 if value["measure"] == "dice" else value["length"]):
        raise ValueError
    if not all(type(weight) is int and 1 <= weight <= _LARGEST for weight in value["bits"].values()):
        raise ValueError
    parts = {name: tuple(str(part) for part in value[name]) for name in _LISTS}
    return PassPlan(**{**value, **parts, "bits": tuple(value["bits"].items())})


def target_size(cap: int) -> int:
    """What blocks of that cap are meant to hold at most."""
    return cap * 2 // 3


def largest_distance(length: int, pairs: int, allowed: tuple[int, int]) -> int:
    """The largest h with pairs · P(Binomial(length, ½) ≤ h) ≤ allowed, and at least 0.

    Args:
        length: L, bits.
        pairs: expected compared pairs.
        allowed: the expected number of random links, as (numerator, denominator).

    Returns:
        h in 0 … length/2.
    """
    numerator, denominator = allowed
    bound = numerator << length  # compare pairs · Σ C(L, k) · denominator with numerator · 2^L
    total = term = 1  # term is C(length, distance), total the sum of those up to it
    distance = 0
    while distance < length // 2:
        term = term * (length - distance) // (distance + 1)
        if pairs * (total + term) * denominator > bound:
            break
        total += term
        distance += 1
    return distance


def distance_of_dice(per_mille: int, length: int, degree: int) -> int:
    """The largest H whose estimated Dice is at least that, in exact integers; the inverse of `estimated_dice`.

    Args:
        per_mille: 500 to 1000.
        length: L, bits.
        degree: t.

    Returns:
        h in 0 … length/2: 1 − 2h/L ≥ (2·Dice − 1)^t.
    """
    least: int = length * (2 * per_mille - 1000) ** degree  # of (L − 2h) · 1000^t
    agreement: int = -(-least // 1000**degree)
    return (length - agreement) // 2


def estimated_dice(distance: float, length: int, degree: int) -> float:
    """The Dice similarity of the underlying filters at fill ½, which is what people read (design §5).

    1 − δ with δ = (1 − max(0, 1 − 2H/L)^(1/t)) / 2; for plain filters (t = 0) the formula is that of t = 1.
    """
    agreement = max(0.0, 1.0 - 2.0 * distance / length)
    root: float = agreement ** (1.0 / max(1, degree))
    return 1.0 - (1.0 - root) / 2.0
