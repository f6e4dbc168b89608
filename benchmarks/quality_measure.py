"""What one set and profile give: the links of production, what other thresholds would have given, who is missed.

`measure` runs `linkage.evaluate.rehearse`, the path of production, whose thresholds know no truth. Beside its figures stand

* those of the thresholds that the rehearsal itself proposes for the next agreement, without labels either (`rehearsed`);
* the best F1 when all thresholds of the plan move together, picked with labels after encoding once more: a ceiling that
  nobody has; the difference to the shipped F1 is the *regret*;
* what would remain if one-to-one held across passes: a diagnostic, for no party sees scores of several passes.

Patterns say what missed pairs and false links look like, attribute by attribute in the sheet's order: `=` equal, `x`
different, `m` missing on one side, `.` missing on both. Never a value.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_sets import SETS, Groups, QualitySet
from crypto.keys import RunKey, fresh_share
from linkage.blocks import shared_blocks
from linkage.candidates import Candidates
from linkage.evaluate import Instruments, Rehearsal, read_truth, rehearse, score
from linkage.holder import encode_passes
from linkage.match import match_blocks
from linkage.outlook import one_to_one
from linkage.plan import PassPlan, Plan, estimated_dice
from linkage.records import MISSING, Records, read_records
from linkage.sightings import dice_floors
from linkage.solve import solve_one_to_one

__all__ = ["Read", "groups_of", "measure", "read_set", "read_sets"]

Pairs = NDArray[np.int64]  # (k, 2): row of the left file, row of the right file
_HAMMING = range(-140, 41, 5)  # moves of the largest accepted distance, in bits
_DICE = range(-100, 201, 10)  # moves of the least accepted Dice, in thousandths
_PATTERNS = 8  # shown


@dataclass(frozen=True, kw_only=True)
class Read:
    """A set in memory."""

    of: QualitySet
    left: Records
    right: Records
    true: Pairs


def read_set(one: QualitySet) -> Read:
    """Reads both files, skipping rows that cannot be used, and the truth."""
    extra = [one.truth.column] if one.truth.column else []
    left, right = (
        read_records(path, one.sheet, side, bad_rows="skip", extra=extra)
        for path, side in zip(one.files, ("left", "right"), strict=True)
    )
    return Read(of=one, left=left, right=right, true=read_truth(one.truth, left, right))


def read_sets(folder: Path, names: Iterable[str]) -> Iterator[Read]:
    """The sets of these names, one in memory after the other; says on standard output which are not in the folder."""
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            one = SETS[name](folder, Path(scratch))
            data = read_set(one) if one else None
        if data is None:
            print(f"{name:17} not in this folder")
        else:
            yield data


def measure(data: Read, profile: str, *, repeats: int = 1, with_labels: bool = True) -> dict[str, Any]:
    """Plain numbers for the table and the JSON; of several runs, each under fresh keys, the one with the median F1."""
    left, right, true, sheet = data.left, data.right, data.true, data.of.sheet
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        instruments = Instruments(clock=time.perf_counter)
        rehearsal = rehearse(left, right, sheet, profile, instruments, expect=with_labels)
        runs.append((_scores(rehearsal.links, true), rehearsal, time.perf_counter() - start))
    runs.sort(key=lambda run: run[0][2])
    (precision, recall, f1), rehearsal, seconds = runs[(len(runs) - 1) // 2]
    found: dict[str, Any] = {
        "set": data.of.name,
        "profile": profile,
        "rows": [len(left), len(right)],
        "true_pairs": len(true),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "links": len(rehearsal.links),
        "passes": [
            {"name": one.name, "blocks": [*one.blocks, *one.finer], "degree": one.degree, "threshold": _shown(one)}
            for one in rehearsal.plan.passes
        ],
        "seconds": seconds,
        "runs": [run[0][2] for run in runs],
        "missed_patterns": _patterns(data, _difference(true, rehearsal.links)),
        "false_patterns": _patterns(data, _difference(rehearsal.links, true)),
        "groups": _by_group(groups_of(data), rehearsal.links, true),
        "note": data.of.note,
    }
    return {**found, **_other_thresholds(data, rehearsal, f1)} if with_labels else found


def groups_of(data: Read) -> Groups:
    """The groups of the set, or what the records themselves tell: gaps, partial dates, names of several words."""
    if data.of.groups:
        return data.of.groups
    sides = []
    for records in (data.left, data.right):
        known = {one.name: records.columns[one.name] for one in data.of.sheet.attributes if one.second_form_of is None}
        gaps = np.any([column.codes == MISSING for column in known.values()], axis=0)
        dates = [known[one.name] for one in data.of.sheet.attributes if one.kind == "date"]
        names = [known[one.name] for one in data.of.sheet.attributes if one.name in known and "name" in one.kind]
        partial = [_where(column.codes, [_is_partial(value) for value in column.values]) for column in dates]
        compound = [_where(column.codes, [" " in value or "-" in value for value in column.values]) for column in names]
        sides.append(
            {"a_gap": gaps, "partial_date": np.any(partial, axis=0), "compound_name": np.any(compound, axis=0)}
        )
        sides[-1]["everybody_else"] = ~np.any(list(sides[-1].values()), axis=0)
    return {name: (sides[0][name], sides[1][name]) for name in sides[0]}


def _other_thresholds(data: Read, rehearsal: Rehearsal, f1: float) -> dict[str, Any]:
    """The rehearsal's proposal, the ceiling with labels, one-to-one across passes at the shipped thresholds."""
    plan, outlook = rehearsal.plan, rehearsal.outlook
    passes = _scored(data, plan)
    moves = _HAMMING if plan.passes[0].measure == "hamming" else _DICE
    curve = {move: _scores(_links(passes, move), data.true)[2] for move in moves}
    best = max(curve, key=lambda move: (curve[move], -abs(move)))
    once = rehearsal.links[one_to_one(rehearsal.links, rehearsal.dice)]
    found = {
        "best_f1": curve[best],
        "best_move": best,
        "regret": curve[best] - f1,
        "one_to_one": _scores(once, data.true),
    }
    if outlook is not None:
        floors = dice_floors(outlook.bounds, outlook.proposal.information.numbers)
        links = outlook.seen.links[outlook.expectation.linked(floors)]
        found["rehearsed"] = _scores(links, data.true)
        found["rehearsed_dice"] = outlook.proposal.information.per_mille / 1000
    return found


@dataclass(frozen=True, kw_only=True)
class _Scored:
    plan: PassPlan
    candidates: Candidates
    left: NDArray[np.int64]
    right: NDArray[np.int64]


def _scored(data: Read, plan: Plan) -> list[_Scored]:
    """Candidates of each pass down to the loosest threshold of the sweep."""
    key, found = RunKey(fresh_share()), []
    sides = [encode_passes(side, data.of.sheet, plan, key) for side in (data.left, data.right)]
    for one, ours, theirs in zip(plan.passes, *sides, strict=True):
        blocks = shared_blocks(ours.encoded.tags, theirs.encoded.tags)
        loosest = max(_HAMMING) if one.measure == "hamming" else min(_DICE)
        candidates = match_blocks(
            ours.encoded.filters, theirs.encoded.filters, blocks, _moved(one, loosest), one.measure
        )
        rows = ours.records[candidates.left], theirs.records[candidates.right]
        found.append(_Scored(plan=one, candidates=candidates, left=rows[0], right=rows[1]))
    return found


def _moved(plan: PassPlan, move: int) -> float:
    if plan.measure == "hamming":
        return 1.0 - (plan.information + move) / plan.length
    return (plan.information + move) / 1000


def _links(passes: Iterable[_Scored], move: int) -> Pairs:
    """Union over passes of one-to-one links at thresholds moved by so much."""
    pairs: list[Pairs] = []
    for one in passes:
        kept = one.candidates.score >= _moved(one.plan, move) - 1e-12
        left, right, values = one.left[kept], one.right[kept], one.candidates.score[kept]
        order = np.lexsort((right, left, -values))
        solved = solve_one_to_one(Candidates(left=left[order], right=right[order], score=values[order]))
        pairs.append(np.stack([solved.left, solved.right], axis=1))
    return np.unique(np.concatenate(pairs), axis=0)


def _shown(plan: PassPlan) -> float:
    if plan.measure == "dice":
        return plan.information / 1000
    return round(estimated_dice(plan.information, plan.length, plan.degree), 3)


def _by_group(groups: Groups, links: Pairs, true: Pairs) -> dict[str, dict[str, float]]:
    """Precision and recall of the pairs of which one row is in the group."""
    found = {}
    for name, (left, right) in groups.items():
        linked = links[left[links[:, 0]] | right[links[:, 1]]]
        meant = true[left[true[:, 0]] | right[true[:, 1]]]
        precision, recall, f1 = _scores(linked, meant)
        found[name] = {"true_pairs": len(meant), "precision": precision, "recall": recall, "f1": f1}
    return found


def _patterns(data: Read, pairs: Pairs) -> dict[str, int]:
    """The commonest patterns of agreement among some pairs."""
    marks = np.full(len(pairs), "", dtype=object)
    for attribute in data.of.sheet.attributes:
        ours, theirs = data.left.columns[attribute.name], data.right.columns[attribute.name]
        index = {value: code for code, value in enumerate(ours.values)}
        same = np.array([index.get(value, MISSING - 1) for value in theirs.values] + [MISSING], dtype=np.int64)
        one, other = ours.codes[pairs[:, 0]].astype(np.int64), same[theirs.codes[pairs[:, 1]]]
        gaps = (one == MISSING).astype(int) + (theirs.codes[pairs[:, 1]] == MISSING)
        marks = marks + np.select([gaps == 2, gaps == 1, one == other], [".", "m", "="], "x").astype(object)
    return dict(Counter(marks.tolist()).most_common(_PATTERNS))


def _difference(some: Pairs, others: Pairs) -> Pairs:
    """The pairs of the first that are not in the second."""
    return some[~np.isin(_keys(some), _keys(others))]


def _scores(links: Pairs, true: Pairs) -> tuple[float, float, float]:
    return score(int(np.isin(_keys(links), _keys(true)).sum()), len(links), len(true))


def _keys(pairs: Pairs) -> NDArray[np.int64]:
    return pairs[:, 0] * np.int64(1 << 32) + pairs[:, 1]


def _where(codes: NDArray[np.int32], of_value: list[bool]) -> NDArray[np.bool_]:
    return np.array([*of_value, False], dtype=bool)[codes]


def _is_partial(date: str) -> bool:
    return "00" in (date[4:6], date[6:8]) or not int(date[:4]) or date.endswith("?")
