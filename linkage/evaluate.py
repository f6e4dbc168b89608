"""A rehearsal on one machine: two files and a truth, through exactly the production path, to precision and recall.

Encode both files under a fresh run key, link each pass within its blocks one-to-one, take the union over passes. Only here,
where one machine holds everything, may links be held against the truth. The thresholds are those of the plan; with the plain
`reference` profile, which has no plan threshold of its own, the label-free one of `linkage.threshold`.
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
from linkage.linker import PassLinks, check_pass, link_pass
from linkage.plan import PassPlan, Plan, estimated_dice
from linkage.planner import plan_passes
from linkage.records import BadRows, Records, read_records
from linkage.rules import Linked, apply_rule, parse_rule
from linkage.sheet import Sheet
from linkage.tables import read_pairs
from linkage.threshold import choose_plain_threshold

__all__ = ["Evaluation", "Instruments", "Rehearsal", "Truth", "evaluate", "read_truth", "rehearse", "score"]

Clock = Callable[[], float]  # seconds, only differences count
Progress = Callable[[str, int, int], None]  # (stage, done, total)

_OUTCOME = ("award", "information", "missed", "useless")  # people of the left file, by rule

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
        compared: pairs compared over all passes.
        left_aside: for each pass, records of either side that fell out of it.
        blocks: for each pass, its largest block.
        seconds: time by stage.
    """

    plan: Plan
    reason: str
    links: Pairs
    strict: NDArray[np.bool_]
    compared: int
    left_aside: dict[str, int]
    blocks: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A rehearsal held against the truth; `to_json` is what `allervers evaluate --json` prints.

    Attributes:
        rehearsal: what was linked.
        sizes: records of both sides.
        true_pairs: pairs of the truth.
        right_links: links that are true pairs.
        outcomes: for the rules `a & b` and `a - b`, people of the left file: `_OUTCOME`.
        peak_bytes: most memory held.
    """

    rehearsal: Rehearsal
    sizes: tuple[int, int]
    true_pairs: int
    right_links: int
    outcomes: Mapping[str, tuple[int, int, int, int]]
    peak_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        plan, seconds = self.rehearsal.plan, self.rehearsal.seconds
        links = len(self.rehearsal.links)
        precision, recall, f1 = score(self.right_links, links, self.true_pairs)
        return {
            "profile": plan.profile,
            "records": list(self.sizes),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "threshold": _shown(plan.passes[0], plan.passes[0].information),
            "threshold_reason": self.rehearsal.reason,
            "links": links,
            "strict_links": int(self.rehearsal.strict.sum()),
            "true_pairs": self.true_pairs,
            "seconds": {stage: round(spent, 4) for stage, spent in seconds.items()},
            "rules": {rule: dict(zip(_OUTCOME, counts, strict=True)) for rule, counts in self.outcomes.items()},
            "compared_pairs": self.rehearsal.compared,
            "pairs_per_second": round(self.rehearsal.compared / max(seconds["match"], 1e-9)),
            "encoded_records_per_second": round(sum(self.sizes) / max(seconds["encode"], 1e-9)),
            "peak_bytes": self.peak_bytes,
            "passes": [
                {
                    "name": one.name,
                    "blocks": [*one.blocks, *one.finer],
                    "degree": one.degree,
                    "threshold": _shown(one, one.information),
                    "strict_threshold": _shown(one, one.strict),
                    "information": one.information,
                    "strict": one.strict,
                    "largest_block": self.rehearsal.blocks[one.name],
                    "left_aside": self.rehearsal.left_aside[one.name],
                }
                for one in plan.passes
            ],
        }


def evaluate(
    files: tuple[Path, Path],
    sheet: Sheet,
    truth: Truth,
    profile: str,
    *,
    bad_rows: BadRows | None = None,
    instruments: Instruments,
) -> Evaluation:
    """Reads both files, rehearses, holds the links against the truth.

    Raises:
        LinkageError: whatever reading and encoding refuse; `E_VERITE` for a truth that names no pair.
    """
    seconds: dict[str, float] = {}
    extra = [truth.column] if truth.column else []
    with _timed(seconds, "read", instruments.clock):
        left = read_records(files[0], sheet, "left", bad_rows=bad_rows, extra=extra)
        right = read_records(files[1], sheet, "right", bad_rows=bad_rows, extra=extra)
    true = read_truth(truth, left, right)
    rehearsal = rehearse(left, right, sheet, profile, instruments)
    width = np.int64(len(right))
    found = rehearsal.links[:, 0] * width + rehearsal.links[:, 1]
    right_links = int(np.isin(found, true[:, 0] * width + true[:, 1]).sum())
    return Evaluation(
        rehearsal=replace(rehearsal, seconds={**seconds, **rehearsal.seconds}),
        sizes=(len(left), len(right)),
        true_pairs=len(true),
        outcomes=_outcomes(rehearsal, true, len(left)),
        right_links=right_links,
        peak_bytes=instruments.peak(),
    )


def _outcomes(rehearsal: Rehearsal, true: Pairs, count: int) -> dict[str, tuple[int, int, int, int]]:
    """For `a & b` and `a - b` on the left file: hits for award, hits for information, people missed, useless hits."""
    certain, grey, matched = (np.zeros(count, dtype=bool) for _ in range(3))
    certain[rehearsal.links[rehearsal.strict, 0]] = True
    grey[rehearsal.links[:, 0]] = True
    matched[true[:, 0]] = True
    linked = {"b": Linked(certain=certain, grey=grey & ~certain)}
    outcomes = {}
    for text, wanted in (("a & b", matched), ("a - b", ~matched)):
        hits = apply_rule(parse_rule(text), linked, count, "information_seule")
        told = hits.certain | hits.information
        missed, useless = wanted & ~told, told & ~wanted
        award, information = int(hits.certain.sum()), int(hits.information.sum())
        outcomes[text] = award, information, int(missed.sum()), int(useless.sum())
    return outcomes


def _shown(plan: PassPlan, number: int) -> float:
    """A threshold as people read it: the Dice of the underlying filters."""
    dice = number / 1000 if plan.measure == "dice" else estimated_dice(number, plan.length, plan.degree)
    return round(dice, 4)


def rehearse(left: Records, right: Records, sheet: Sheet, profile: str, instruments: Instruments) -> Rehearsal:
    """The production path on both sides' records, without truth."""
    clock, progress = instruments.clock, instruments.progress
    seconds: dict[str, float] = {}
    with _timed(seconds, "plan", clock):
        plan = plan_passes(sheet, profile, (len(left), len(right)))
    key = RunKey(fresh_share())
    with _timed(seconds, "encode", clock):
        encoded = [
            list(encode_passes(side, sheet, plan, key, progress=_stage(progress, name)))
            for side, name in ((left, "encode left"), (right, "encode right"))
        ]
    with _timed(seconds, "threshold", clock):
        plan, reason = _thresholds(plan, encoded[0][0], encoded[1][0])
    with _timed(seconds, "match", clock):
        linked = [
            _link(ours, theirs, one, progress=_stage(progress, f"match {one.name}"))
            for one, ours, theirs in zip(plan.passes, *encoded, strict=True)
        ]
    links: dict[tuple[int, int], bool] = {}
    with _timed(seconds, "union", clock):
        for found, ours, theirs in zip(linked, *encoded, strict=True):
            pairs = zip(ours.records[found.left_rows].tolist(), theirs.records[found.right_rows].tolist(), strict=True)
            for pair, strict in zip(pairs, found.strict.tolist(), strict=True):
                links[pair] = links.get(pair, False) or strict
    return Rehearsal(
        plan=plan,
        reason=reason,
        links=np.array(list(links), dtype=np.int64).reshape(-1, 2),
        strict=np.array(list(links.values()), dtype=bool),
        compared=sum(found.compared for found in linked),
        left_aside={one.name: a.left_aside + b.left_aside for one, a, b in zip(plan.passes, *encoded, strict=True)},
        blocks={one.name: found.largest_block for one, found in zip(plan.passes, linked, strict=True)},
        seconds=seconds,
    )


def _link(
    ours: HolderPass, theirs: HolderPass, plan: PassPlan, progress: Callable[[int, int], None] | None
) -> PassLinks:
    """What the third party's worker does with a pass: judge both sides, then link."""
    for side in (ours, theirs):
        check_pass(side.encoded, plan)
    return link_pass(ours.encoded, theirs.encoded, plan, progress=progress)


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


def _thresholds(plan: Plan, ours: HolderPass, theirs: HolderPass) -> tuple[Plan, str]:
    if plan.passes[0].measure == "hamming":
        return plan, "plan : au plus 1 % de liens fortuits attendus, rapportés au plus petit fichier"
    chosen = choose_plain_threshold(ours.encoded.filters, theirs.encoded.filters)
    passes = tuple(replace(one, information=chosen, strict=chosen) for one in plan.passes)
    return replace(plan, passes=passes), "sans vérité : voisins les plus proches à l'intérieur de chaque fichier"


def _stage(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(name, done, total)) if progress else None


@contextmanager
def _timed(seconds: dict[str, float], stage: str, clock: Clock) -> Iterator[None]:
    start = clock()
    yield
    seconds[stage] = clock() - start
