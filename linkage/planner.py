"""Sheet, profile and declared sizes in, pass plan out. Never looks at data: both parties get the same plan.

For each pass of the sheet the planner takes the coarsest block value whose blocks are expected to stay under the cap once
their heaviest values are split, as long as few people are in blocks that are split. Values rarer than the floor share hashed
buckets. The degree t of a pass is the least at which its exposure is what the profile aims at (`linkage.exposure`). The
second form of a name is left out of passes whose block value comes from that name: there it would say what the block value
leaves out; a pass may take the second form instead. A sheet without passes gets those that `linkage.proposal` proposes.
The thresholds follow from the pairs expected over all passes together, and from how alike strangers are (`linkage.chance`).

An exact pass has neither: it links equal values. Where the sheet asks for twins, each pass gets one, whose blocks are those of
the pass divided by the attribute in question, hashed into so few parts that a block keeps `_LEAST_IN_PART` records or so; its
thresholds are those of the fewer pairs that it compares, looser than the pass's own: who is linked there is found there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from linkage.attribute import Attribute, with_bits
from linkage.chance import Agreements, largest_distance_of_strangers, strangers_by_agreement
from linkage.errors import LinkageError, SheetError
from linkage.exposure import common_insertions, exposure, least_degree
from linkage.pass_rule import PassRule
from linkage.plan import (
    INFORMATION_PER_THOUSAND,
    STRICT_PER_THOUSAND,
    PassPlan,
    Plan,
    distance_of_dice,
    target_size,
)
from linkage.profiles import Profile, profile_named
from linkage.proposal import propose_passes
from linkage.sheet import Sheet
from linkage.sizing import Limits, Sizing, size_blocks
from linkage.statistics import BILLION, Statistics

__all__ = ["Division", "divide_pass", "plan_passes", "strangers_of_pass"]

_LARGEST_SIZE = BILLION  # records of a file
_PLAIN_DICE = 800  # per mille: the field's usual threshold, until a rehearsal proposes a better one


_FEW_SPLIT = BILLION // 4  # of the records: more in blocks that are split, and the next level is tried
_LEAST_IN_PART = 20  # records of a block of a twin
_MOST_PARTS = 64
_SHOWN_DEPTH = BILLION // 10  # of the records: blocks of a depth with fewer do not decide the degree
_LARGEST_DEGREE = 12  # of a pass that exposes more than its profile accepts


@dataclass(frozen=True, kw_only=True)
class Division:
    """How one pass divides at some size.

    Attributes:
        blocks: components of the block value.
        finer: components that split the heaviest values, in turn.
        without: attributes left out of all filters of the pass.
        sizing: what is expected of the blocks.
        degree: t.
    """

    blocks: tuple[str, ...]
    finer: tuple[str, ...]
    without: tuple[str, ...]
    sizing: Sizing
    degree: int

    def left_out(self, depth: int) -> tuple[str, ...]:
        """As `PassPlan.left_out`."""
        return (*self.blocks, *self.finer[:depth], *(f"{name}.value" for name in self.without))


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
    rules, divisions = _divisions(sheet, chosen, statistics, sizes)
    if not divisions and not sheet.equalities:
        raise SheetError(
            "E_PASSES", "aucune passe ne convient aux attributs de la feuille ; ajoutez-en avec [[passes]]"
        )
    pairs = [sizes[0] * sizes[1] * one.sizing.pair_share // BILLION**2 + 1 for one in divisions]
    strangers = [
        strangers_of_pass(one, with_bits(sheet.attributes, rule.bits), statistics, chosen, count)
        for rule, one, count in zip(rules, divisions, pairs, strict=True)
    ]
    limits = _thresholds(chosen, strangers, min(sizes))
    passes = tuple(
        _pass_plan(sheet, chosen, rule, one, _Numbers(population=population, pairs=count, limits=limits))
        for rule, one, count in zip(rules, divisions, pairs, strict=True)
    )
    twins = _twins(sheet, chosen, passes, divisions, (strangers, min(sizes))) if sheet.twins else ()
    return Plan(
        profile=profile,
        statistics_digest=statistics.digest,
        passes=(*passes, *twins, *(_exact(rule, chosen, sheet, sizes) for rule in sheet.equalities)),
    )


def _divisions(
    sheet: Sheet, profile: Profile, statistics: Statistics, sizes: tuple[int, int]
) -> tuple[list[PassRule], list[Division]]:
    """The passes that compare filters, and how each divides; none for a sheet that makes no filters."""
    if not sheet.compared:
        return [], []
    if not profile.degree:
        everybody = Sizing(largest=max(sizes), blocks=1, pair_share=BILLION**2, depths=(BILLION,), buckets=1)
        one = Division(blocks=(), finer=(), without=(), sizing=everybody, degree=0)
        return [PassRule(name="tout", ladder=())], [one]
    rules = list(sheet.divisions or propose_passes(sheet, profile, statistics, sizes))
    _check_independence(sheet, rules)
    return rules, [divide_pass(rule, sheet, statistics, profile, max(sizes)) for rule in rules]


def _exact(rule: PassRule, profile: Profile, sheet: Sheet, sizes: tuple[int, int]) -> PassPlan:
    """A pass without filters; as many rows as a large block has may carry one value, and it is no name of anybody then."""
    return PassPlan(
        name=rule.name,
        blocks=(f"{rule.exact}.value",),
        finer=(),
        length=0,
        degree=0,
        measure="exact",
        information=0,
        strict=0,
        cap=profile.cap,
        floor=0,
        population=max(sizes),
        buckets=1,
        expected_pairs=min(sizes),
        solving=sheet.solving,
    )


def _twins(
    sheet: Sheet,
    profile: Profile,
    passes: Sequence[PassPlan],
    divisions: Sequence[Division],
    strangers: tuple[Sequence[Agreements], int],
) -> tuple[PassPlan, ...]:
    """A twin of each pass; `strangers` are those of the passes, and the records of the smaller file."""
    by_pass, smaller = strangers
    means = [
        one.population * division.sizing.pair_share // BILLION**2
        for one, division in zip(passes, divisions, strict=True)
    ]
    parts = [max(2, min(_MOST_PARTS, mean // _LEAST_IN_PART)) for mean in means]
    fewer = [
        {step: -(-count // part) for step, count in some.items()} for some, part in zip(by_pass, parts, strict=True)
    ]
    information, strict = _thresholds(profile, fewer, smaller)
    return tuple(
        replace(
            one,
            name=f"{one.name}-jumelle",
            information=max(one.information, information),
            strict=max(one.strict, strict),
            expected_pairs=one.expected_pairs // part + 1,
            twin=one.name,
            parting=sheet.twins,
            parts=part,
        )
        for one, part in zip(passes, parts, strict=True)
    )


@dataclass(frozen=True, kw_only=True)
class _Numbers:
    """What a pass is expected to be: records of the larger file, pairs compared, the plan's two thresholds."""

    population: int
    pairs: int
    limits: tuple[int, int]


def _pass_plan(sheet: Sheet, profile: Profile, rule: PassRule, division: Division, numbers: _Numbers) -> PassPlan:
    information, strict = numbers.limits
    floors = sheet.information, max(sheet.information, sheet.strict)
    return PassPlan(
        name=rule.name,
        blocks=division.blocks,
        finer=division.finer,
        without=division.without,
        form=rule.form,
        bits=rule.bits,
        length=profile.length,
        degree=division.degree,
        measure=profile.measure,
        information=_with_floor(information, floors[0], profile, division.degree),
        strict=_with_floor(strict, floors[1], profile, division.degree),
        cap=profile.cap,
        floor=profile.floor,
        population=numbers.population,
        buckets=division.sizing.buckets,
        expected_pairs=numbers.pairs,
        solving=sheet.solving,
    )


def _check_independence(sheet: Sheet, rules: Sequence[PassRule]) -> None:
    """Condition 4 of the design: a name or a birth date may be wholly wrong, so no kind may be needed by every pass.

    What only splits the heaviest values does not count.

    Raises:
        SheetError: `E_PASSES`.
    """
    used = [
        {sheet.attribute(component.partition(".")[0]).kind for level in rule.ladder for component in level}
        for rule in rules
    ]
    for kinds, words, alone in (({"date"}, "la date", "la date"), ({"name", "given_names"}, "un nom", "des noms")):
        if any(attribute.kind in kinds for attribute in sheet.compared) and used and all(kinds & one for one in used):
            if all(attribute.kind in {*kinds, "sex"} for attribute in sheet.compared):
                sentence = (
                    f"la feuille ne compare que {alone}, et une passe doit s'en passer pour protéger les personnes"
                )
                raise SheetError("E_PASSES", f"{sentence} : ajoutez un attribut d'une autre sorte")
            sentence = f"toutes les passes divisent par {words}, qui peut être entièrement faux : ajoutez-en une sans"
            raise SheetError("E_PASSES", sentence)


def strangers_of_pass(
    division: Division, attributes: Sequence[Attribute], statistics: Statistics, profile: Profile, pairs: int
) -> Agreements:
    """The compared pairs of a diffused pass by how alike strangers of its blocks are, whichever depth they are in."""
    found: Agreements = {}
    for depth, share in enumerate(division.sizing.depths):
        if division.degree and share:
            spectrum = common_insertions(attributes, statistics, profile, division.left_out(depth))
            some = strangers_by_agreement(spectrum, profile.length, division.degree, pairs * share // BILLION + 1)
            found = {step: found.get(step, 0) + some.get(step, 0) for step in found | some}
    return found


def _thresholds(profile: Profile, strangers: Sequence[Agreements], smaller: int) -> tuple[int, int]:
    if not profile.degree:
        return _PLAIN_DICE, _PLAIN_DICE
    information, strict = (
        largest_distance_of_strangers(profile.length, strangers, (per_thousand * smaller, 1000))
        for per_thousand in (INFORMATION_PER_THOUSAND, STRICT_PER_THOUSAND)
    )
    return information, strict


def _with_floor(random: int, floor: int, profile: Profile, degree: int) -> int:
    """A threshold: few random links, and none of people who are merely alike (the sheet's floor, per mille; 0 = none)."""
    if not degree or not floor:
        return random
    return min(random, distance_of_dice(floor, profile.length, degree))


def divide_pass(rule: PassRule, sheet: Sheet, statistics: Statistics, profile: Profile, population: int) -> Division:
    """How a pass divides files of that size.

    Raises:
        SheetError: `E_PASSES` when its finest level does not fit, or when no degree keeps its blocks from exposing far more
            than the profile aims at.
    """
    limits = Limits(population=population, cap=target_size(profile.cap), floor=profile.floor)
    found: list[tuple[tuple[str, ...], tuple[str, ...], Sizing]] = []
    for level, blocks in enumerate(rule.ladder):
        finer = tuple(one for one in rule.split if one not in blocks) or _extensions(rule.ladder[level:])
        sizing = size_blocks(statistics, blocks, finer, limits)
        if sizing.largest <= profile.cap:
            found.append((blocks, finer[: len(sizing.depths) - 1], sizing))
    if not found:
        sentence = f"passe {rule.name} : même son échelon le plus fin dépasse {profile.cap} personnes par bloc pour cet effectif"
        raise SheetError("E_PASSES", f"{sentence} ; ajoutez un échelon à la feuille")
    blocks, finer, sizing = min(found, key=lambda one: (one[2].largest > limits.cap, max(_FEW_SPLIT, one[2].split)))
    without = _other_forms(rule, sheet, (*blocks, *finer))
    division = Division(blocks=blocks, finer=finer, without=without, sizing=sizing, degree=0)
    attributes = with_bits(sheet.attributes, rule.bits)
    least = profile.names_degree if sheet.names_only(blocks) else profile.degree
    degree, exposed = _degree(division, attributes, statistics, profile, least)
    if exposed > profile.refused:
        sentence = (
            f"passe {rule.name} : ce qui reste à comparer dans ses blocs expose trop les personnes, quel que soit t"
        )
        raise SheetError("E_PASSES", f"{sentence} ; divisez autrement ou répartissez les bits sur plus d'attributs")
    return replace(division, degree=degree)


def _extensions(levels: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What the following levels add to the first one, as long as each begins with the one before."""
    finer: tuple[str, ...] = ()
    for level in levels[1:]:
        whole = (*levels[0], *finer)
        if level[: len(whole)] == whole:
            finer = level[len(levels[0]) :]
    return finer


def _other_forms(rule: PassRule, sheet: Sheet, components: Sequence[str]) -> tuple[str, ...]:
    """Second forms of the names that divide (with `rule.form`, the first form takes the second one's place)."""
    names = {component.partition(".")[0] for component in components}
    return tuple(one.name for one in sheet.attributes if one.second_form_of in names or one.name == rule.form)


def _degree(
    division: Division, attributes: Sequence[Attribute], statistics: Statistics, profile: Profile, least: int
) -> tuple[int, int]:
    """(t, at least `least`, at which no depth where enough people are exposes more than the profile aims at; the exposure)."""
    shown = [division.left_out(depth) for depth, share in enumerate(division.sizing.depths) if share >= _SHOWN_DEPTH]
    spectra = [common_insertions(attributes, statistics, profile, left_out) for left_out in shown]
    degree = max((least_degree(profile, spectrum, least) for spectrum in spectra), default=least)
    while True:
        exposed = max((exposure(attributes, statistics, profile, one, degree) for one in shown), default=0)
        if exposed <= profile.refused or degree >= _LARGEST_DEGREE:
            return degree, exposed
        degree += 1
