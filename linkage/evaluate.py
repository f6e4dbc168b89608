"""A rehearsal on one machine: two files, through exactly the production path, to precision and recall.

Encode both files under a fresh run key, link each pass within its blocks one-to-one, take the union over passes. Only here,
where one machine holds everything, may links be held against a truth; without one, `linkage.outlook` says what to expect,
and with one it is said beside. The thresholds are those of the plan; with the plain `reference` profile, which has none of
its own, those that `linkage.threshold` proposes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey, fresh_share
from linkage.errors import LinkageError
from linkage.holder import HolderPass, encode_passes
from linkage.outcomes import Outcome, expected_outcomes, outcomes
from linkage.outlook import Outlook, advice, forecast_to_json, look, one_to_one
from linkage.plan import PassPlan, Plan
from linkage.planner import plan_passes
from linkage.records import BadRows, Records, read_records
from linkage.sheet import Sheet
from linkage.sightings import Encoded, dice_floors, explored_plan, link_passes, links_of
from linkage.subgroups import Group, by_values
from linkage.tables import read_pairs
from linkage.threshold import Proposed

__all__ = ["Evaluation", "Instruments", "Rehearsal", "Truth", "evaluate", "read_truth", "rehearse", "score"]

Clock = Callable[[], float]  # seconds, only differences count
Progress = Callable[[str, int, int], None]  # (stage, done, total)

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]  # (k, 2): index in the left records, index in the right records


@dataclass(frozen=True, kw_only=True)
class Instruments:
    """What a rehearsal measures with, handed in because this library reads no clock.

    Attributes:
        clock: seconds, only differences count.
        peak: most bytes this process has held.
        progress: told (stage, done, total).
    """

    clock: Clock
    peak: Callable[[], int] = lambda: 0
    progress: Progress | None = None


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Where the truth comes from: a file of pairs of identifiers, or a column with the same value for the same person."""

    pairs: Path | None = None
    column: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What the production path gives, before any truth is looked at.

    Attributes:
        plan: with the thresholds used.
        reason: why that threshold, in words.
        links: (k, 2) union over passes of pairs at or above the information threshold.
        strict: (k,) bool, those at or above the strict one in some pass.
        dice: (k,) best estimated Dice over the passes.
        compared: pairs compared over all passes.
        left_aside: for each pass, records of either side that fell out of it.
        blocks: for each pass, its largest block.
        outlook: what is expected without truth; None when it was not asked for.
        seconds: time by stage.
    """

    plan: Plan
    reason: str
    links: Pairs
    strict: NDArray[np.bool_]
    dice: Floats
    compared: int
    left_aside: dict[str, int]
    blocks: dict[str, int]
    outlook: Outlook | None
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A rehearsal, held against the truth where there is one; `to_json` is what `allervers evaluate --json` prints.

    Attributes:
        rehearsal: what was linked.
        sizes: records of both sides.
        true: (t, 2) pairs of the truth, None without one.
        outcomes: for the rules `a & b` and `a - b`, people of the left file.
        groups: by value of the column that was asked for.
        peak_bytes: most memory held.
    """

    rehearsal: Rehearsal
    sizes: tuple[int, int]
    true: Pairs | None
    outcomes: Mapping[str, Outcome]
    groups: list[Group]
    peak_bytes: int

    @property
    def true_pairs(self) -> int | None:
        """Pairs of the truth."""
        return None if self.true is None else len(self.true)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings; what only a truth tells is null without one."""
        plan, seconds = self.rehearsal.plan, self.rehearsal.seconds
        return {
            "profile": plan.profile,
            "records": list(self.sizes),
            **self._scores(self.rehearsal.links),
            "threshold": plan.passes[0].shown(plan.passes[0].information),
            "threshold_reason": self.rehearsal.reason,
            "links": len(self.rehearsal.links),
            "strict_links": int(self.rehearsal.strict.sum()),
            "true_pairs": self.true_pairs,
            "seconds": {stage: round(spent, 4) for stage, spent in seconds.items()},
            "rules": {rule: dict(vars(counts)) for rule, counts in self.outcomes.items()},
            "expected": self._expected(),
            "proposed": self._proposed(),
            "across_passes": self._across_passes(),
            "groups": [dict(vars(group)) for group in self.groups],
            "compared_pairs": self.rehearsal.compared,
            "pairs_per_second": round(self.rehearsal.compared / max(seconds["match"], 1e-9)),
            "encoded_records_per_second": round(sum(self.sizes) / max(seconds["encode"], 1e-9)),
            "peak_bytes": self.peak_bytes,
            "passes": [
                {
                    "name": one.name,
                    "blocks": [*one.blocks, *one.finer],
                    "degree": one.degree,
                    "threshold": one.shown(one.information),
                    "strict_threshold": one.shown(one.strict),
                    "information": one.information,
                    "strict": one.strict,
                    "largest_block": self.rehearsal.blocks[one.name],
                    "left_aside": self.rehearsal.left_aside[one.name],
                }
                for one in plan.passes
            ],
        }

    def _scores(self, links: Pairs) -> dict[str, float | None]:
        if self.true is None:
            return {"precision": None, "recall": None, "f1": None}
        numbers = score(int(_among(links, self.true, self.sizes[1]).sum()), len(links), len(self.true))
        return dict(zip(("precision", "recall", "f1"), numbers, strict=True))

    def _expected(self) -> dict[str, Any] | None:
        outlook, plan = self.rehearsal.outlook, self.rehearsal.plan
        if outlook is None:
            return None
        expectation = outlook.expectation
        both = [expectation.forecast(_floors(_parts(plan)[0], kind)) for kind in ("information", "strict")]
        rules = expected_outcomes(self.outcomes, self.sizes[0], expectation.people, both[0], both[1])
        return {
            "people_in_both": expectation.people.to_json(),
            "information": forecast_to_json(both[0]),
            "strict": forecast_to_json(both[1]),
            "rules": {rule: expected.to_json() for rule, expected in rules.items()},
        }

    def _proposed(self) -> dict[str, Any] | None:
        outlook, plan = self.rehearsal.outlook, self.rehearsal.plan
        if outlook is None:
            return None
        both = {"information": outlook.proposal.information, "strict": outlook.proposal.strict}
        return {
            **{kind: self._proposed_one(outlook, proposed) for kind, proposed in both.items()},
            "sheet": {kind: proposed.per_mille for kind, proposed in both.items()},
            "advice": advice(plan, outlook),
        }

    def _proposed_one(self, outlook: Outlook, proposed: Proposed) -> dict[str, Any]:
        floors = dice_floors(outlook.bounds, proposed.numbers)
        links = outlook.seen.links[outlook.expectation.linked(floors)]
        names = (one.name for one in outlook.bounds.passes)
        return {
            "per_mille": proposed.per_mille,
            "numbers": dict(zip(names, proposed.numbers, strict=True)),
            "expected": forecast_to_json(proposed.forecast),
            "true": self._scores(links),
        }

    def _across_passes(self) -> dict[str, Any]:
        """What one link a record over all passes would take away: a diagnostic, no run can do it."""
        links = self.rehearsal.links
        kept = one_to_one(links, self.rehearsal.dice)
        right = None if self.true is None else int(_among(links[~kept], self.true, self.sizes[1]).sum())
        return {"removed": int((~kept).sum()), "removed_right": right, **self._scores(links[kept])}


def evaluate(
    files: tuple[Path, Path],
    sheet: Sheet,
    truth: Truth | None,
    profile: str,
    *,
    by: str | None = None,
    bad_rows: BadRows | None = None,
    instruments: Instruments,
) -> Evaluation:
    """Reads both files, rehearses, holds the links against the truth where there is one.

    Args:
        files: left and right.
        sheet: of both.
        truth: who is who; None when nobody knows.
        profile: a name of `linkage.profiles`.
        by: a raw column of the left file, by whose values figures are given too.
        bad_rows: as `linkage.records.read_records`.
        instruments: what to measure with.

    Raises:
        LinkageError: whatever reading and encoding refuse; `E_VERITE` for a truth that names no pair.
    """
    seconds: dict[str, float] = {}
    column = [truth.column] if truth and truth.column else []
    with _timed(seconds, "read", instruments.clock):
        extra = [*column, *([by] if by else [])]
        left = read_records(files[0], sheet, "left", bad_rows=bad_rows, extra=extra)
        right = read_records(files[1], sheet, "right", bad_rows=bad_rows, extra=column)
    true = read_truth(truth, left, right) if truth else None
    rehearsal = rehearse(left, right, sheet, profile, instruments)
    return Evaluation(
        rehearsal=replace(rehearsal, seconds={**seconds, **rehearsal.seconds}),
        sizes=(len(left), len(right)),
        true=true,
        outcomes=outcomes(rehearsal.links, rehearsal.strict, len(left), true),
        groups=_groups(left.extra[by], rehearsal, true, len(right)) if by else [],
        peak_bytes=instruments.peak(),
    )


def rehearse(
    left: Records, right: Records, sheet: Sheet, profile: str, instruments: Instruments, *, expect: bool = True
) -> Rehearsal:
    """The production path on both sides' records, without truth.

    Args:
        left: records of the left side.
        right: records of the right side.
        sheet: of both.
        profile: a name of `linkage.profiles`.
        instruments: what to measure with.
        expect: whether to say what to expect, too; plain filters need it for their thresholds. Of a left file that holds several
            rows of one person nothing is expected: its rows are no strangers of each other.
    """
    seconds: dict[str, float] = {}
    sizes = len(left), len(right)
    with _timed(seconds, "plan", instruments.clock):
        sheet = replace(sheet, twins="")  # they tell an attribute apart, not who is linked
        plan = plan_passes(sheet, profile, sizes)
        bounds, exact = _parts(plan_passes(replace(sheet, information=0, strict=0), profile, sizes))
    with _timed(seconds, "encode", instruments.clock):
        encoded = _encoded((left, right), sheet, plan, instruments.progress)
    compared = (encoded[0][: len(bounds.passes)], encoded[1][: len(bounds.passes)])
    expect = bool(bounds.passes) and sheet.solving == "one-to-one" and (expect or plan.passes[0].measure == "dice")
    lowest = _joined(explored_plan(bounds, compared), exact) if expect else plan
    with _timed(seconds, "match", instruments.clock):
        linked = link_passes(lowest, encoded, instruments.progress)
    outlook = None
    with _timed(seconds, "threshold", instruments.clock):
        if expect:
            found = linked[: len(bounds.passes)]
            outlook = look((left, right), sheet, bounds, compared, found, instruments.progress)
            plan = _with_thresholds(plan, outlook)
    with _timed(seconds, "union", instruments.clock):
        pairs, dice = links_of(lowest, encoded, linked, sizes[1])
        kept = (dice >= _floors(plan, "information")).any(axis=1)
        strict = np.asarray((dice[kept] >= _floors(plan, "strict")).any(axis=1))
    return Rehearsal(
        plan=plan,
        reason=_REASONS[plan.passes[0].measure if outlook or plan.passes[0].measure != "dice" else "usual"],
        links=pairs[kept],
        strict=strict,
        dice=dice[kept].max(axis=1, initial=0.0),
        compared=sum(found.compared for found in linked),
        left_aside={one.name: a.left_aside + b.left_aside for one, a, b in zip(plan.passes, *encoded, strict=True)},
        blocks={one.name: found.skew.largest for one, found in zip(plan.passes, linked, strict=True)},
        outlook=outlook,
        seconds=seconds,
    )


_REASONS = {
    "hamming": "plan : au plus 1 % de liens fortuits attendus, rapportés au plus petit fichier",
    "dice": "sans vérité : voisins les plus proches à l'intérieur de chaque fichier",
    "usual": "seuil d'usage des filtres sans diffusion",
    "exact": "égalité d'identifiants exacts, sans seuil",
}


def _parts(plan: Plan) -> tuple[Plan, tuple[PassPlan, ...]]:
    """The plan of what compares filters, and its exact passes, which come after these."""
    exact = tuple(one for one in plan.passes if one.measure == "exact")
    return replace(plan, passes=plan.passes[: len(plan.passes) - len(exact)]), exact


def _joined(plan: Plan, exact: tuple[PassPlan, ...]) -> Plan:
    return replace(plan, passes=(*plan.passes, *exact))


def _encoded(sides: tuple[Records, Records], sheet: Sheet, plan: Plan, progress: Progress | None) -> Encoded:
    key = RunKey(fresh_share())
    passes: list[list[HolderPass]] = [
        list(encode_passes(side, sheet, plan, key, progress=_stage(progress, name)))
        for side, name in zip(sides, ("encodage de A", "encodage de B"), strict=True)
    ]
    return passes[0], passes[1]


def _with_thresholds(plan: Plan, outlook: Outlook) -> Plan:
    """A plan of plain filters with the proposed thresholds; any other has its own."""
    if plan.passes[0].measure == "hamming":
        return plan
    compared, exact = _parts(plan)
    numbers = zip(compared.passes, outlook.proposal.information.numbers, outlook.proposal.strict.numbers, strict=True)
    passes = tuple(replace(one, information=number, strict=strict) for one, number, strict in numbers)
    return _joined(replace(plan, passes=passes), exact)


def _floors(plan: Plan, kind: str) -> Floats:
    return dice_floors(plan, [getattr(one, kind) for one in plan.passes])


def _groups(cells: list[str], rehearsal: Rehearsal, true: Pairs | None, width: int) -> list[Group]:
    outlook, floors = rehearsal.outlook, _floors(_parts(rehearsal.plan)[0], "information")
    wrong = None
    if outlook is not None:
        expectation = outlook.expectation
        wrong = lambda group, count: expectation.wrong_by(group, count, floors)  # noqa: E731
    return by_values(cells, rehearsal.links, true, width, wrong)


def _among(links: Pairs, true: Pairs, width: int) -> NDArray[np.bool_]:
    """(k,) which links are true pairs."""
    return np.isin(links[:, 0] * width + links[:, 1], true[:, 0] * width + true[:, 1])


def score(right_links: int, links: int, true_pairs: int) -> tuple[float, float, float]:
    """(precision, recall, F1); a ratio without denominator is 0."""
    precision = right_links / links if links else 0.0
    recall = right_links / true_pairs if true_pairs else 0.0
    return precision, recall, 2 * right_links / (links + true_pairs) if links + true_pairs else 0.0


def read_truth(truth: Truth, left: Records, right: Records) -> Pairs:
    """All true pairs among the records that are there, (k, 2) indices.

    Raises:
        LinkageError: `E_VERITE` when there is none; see `linkage.tables` for unreadable files.
    """
    if truth.column:
        holders: dict[str, list[int]] = {}
        for place, value in enumerate(right.extra[truth.column]):
            if value.strip():
                holders.setdefault(value, []).append(place)
        pairs = [(i, j) for i, value in enumerate(left.extra[truth.column]) for j in holders.get(value, [])]
    elif truth.pairs:
        ours = {name.strip(): place for place, name in enumerate(left.ids)}
        theirs = {name.strip(): place for place, name in enumerate(right.ids)}
        rows = read_pairs(truth.pairs)
        pairs = [(ours[a], theirs[b]) for a, b in rows if a in ours and b in theirs]
        if 2 * len(pairs) < len(rows):
            sentence = (
                "plus de la moitié de ses paires nomment des identifiants absents des fichiers (colonnes inversées ?)"
            )
            raise LinkageError("E_VERITE", f"{truth.pairs.name} : {sentence}")
    else:
        pairs = []
    if not pairs:
        raise LinkageError("E_VERITE", "la vérité ne relie aucun enregistrement des deux fichiers")
    return np.unique(np.array(pairs, dtype=np.int64), axis=0)


def _stage(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(name, done, total)) if progress else None


@contextmanager
def _timed(seconds: dict[str, float], stage: str, clock: Clock) -> Iterator[None]:
    start = clock()
    yield
    seconds[stage] = clock() - start
