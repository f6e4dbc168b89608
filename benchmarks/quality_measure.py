"""What one set and profile give: the links of production, what a threshold picked with labels would have given, who is missed.

`measure` runs `linkage.evaluate.rehearse`, the path of production, whose thresholds know no truth. It then encodes once more
and moves all thresholds of the plan together, one-to-one inside each pass as ever: the best F1 is a ceiling that nobody has
without labels, and the difference to the shipped threshold is the *regret*. That also gives the links that would remain if
one-to-one held across passes, which only a party that sees scores of several passes could ask for: a diagnostic.

Patterns say what missed pairs and false links look like, attribute by attribute in the sheet's order: `=` equal, `x`
different, `m` missing on one side, `.` missing on both. Never a value.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_sets import Groups, QualitySet
from crypto.keys import RunKey, fresh_share
from linkage.blocks import shared_blocks
from linkage.evaluate import Instruments, read_truth, rehearse, score
from linkage.holder import encode_passes
from linkage.match import Candidates, match_blocks
from linkage.plan import PassPlan, Plan, estimated_dice
from linkage.records import MISSING, Records, read_records
from linkage.solve import solve_one_to_one

__all__ = ["Read", "groups_of", "measure", "one_to_one", "read_set"]

Pairs = NDArray[np.int64]  # (k, 2): row of the left file, row of the right file
_HAMMING = range(-140, 41, 5)  # moves of the largest accepted distance, in bits
_DICE = range(-200, 201, 10)  # moves of the least accepted Dice, in thousandths
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


def measure(data: Read, profile: str, *, repeats: int = 1, with_labels: bool = True) -> dict[str, Any]:
    """Plain numbers for the table and the JSON; of several runs, each under fresh keys, the one with the median F1."""
    left, right, true, sheet = data.left, data.right, data.true, data.of.sheet
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        rehearsal = rehearse(left, right, sheet, profile, Instruments(clock=time.perf_counter))
        seconds = time.perf_counter() - start
        runs.append((score(_right(rehearsal.links, true), len(rehearsal.links), len(true)), rehearsal, seconds))
    runs.sort(key=lambda run: run[0][2])
    (precision, recall, f1), rehearsal, seconds = runs[(len(runs) - 1) // 2]
    first = rehearsal.plan.passes[0]
    found: dict[str, Any] = {
        "set": data.of.name,
        "profile": profile,
        "rows": [len(left), len(right)],
        "true_pairs": len(true),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "links": len(rehearsal.links),
        "threshold": first.information,
        "passes": [[one.name, *one.blocks, f"t={one.degree}", _shown(one)] for one in rehearsal.plan.passes],
        "seconds": seconds,
        "runs": [run[0][2] for run in runs],
        "missed_patterns": _patterns(data, _difference(true, rehearsal.links)),
        "false_patterns": _patterns(data, _difference(rehearsal.links, true)),
        "groups": _by_group(groups_of(data), rehearsal.links, true),
        "note": data.of.note,
    }
    return {**found, **_labelled(data, rehearsal.plan, f1)} if with_labels else found


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


def one_to_one(scores: Mapping[tuple[int, int], float]) -> Pairs:
    """The best links in which each record stands once."""
    left: set[int] = set()
    right: set[int] = set()
    kept = []
    for (ours, theirs), _ in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
        if ours not in left and theirs not in right:
            left.add(ours)
            right.add(theirs)
            kept.append((ours, theirs))
    return _as_pairs(kept)


def _labelled(data: Read, plan: Plan, f1: float) -> dict[str, Any]:
    """The ceiling with labels, and one-to-one across passes at the shipped thresholds."""
    passes = _scored(data, plan)
    moves = _HAMMING if plan.passes[0].measure == "hamming" else _DICE
    curve = {}
    for move in moves:
        pairs = _as_pairs(_links(passes, move))
        curve[move] = score(_right(pairs, data.true), len(pairs), len(data.true))[2]
    best = max(curve, key=lambda move: (curve[move], -abs(move)))
    once = one_to_one(_links(passes, 0))
    return {
        "best_f1": curve[best],
        "best_move": best,
        "regret": curve[best] - f1,
        "one_to_one": score(_right(once, data.true), len(once), len(data.true)),
    }


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


def _links(passes: Iterable[_Scored], move: int) -> dict[tuple[int, int], float]:
    """Union over passes of one-to-one links at thresholds moved by so much; the best estimated Dice of each."""
    links: dict[tuple[int, int], float] = {}
    for one in passes:
        kept = one.candidates.score >= _moved(one.plan, move) - 1e-12
        some = Candidates(left=one.left[kept], right=one.right[kept], score=one.candidates.score[kept])
        order = np.lexsort((some.right, some.left, -some.score))
        solved = solve_one_to_one(Candidates(left=some.left[order], right=some.right[order], score=some.score[order]))
        for ours, theirs, value in zip(solved.left.tolist(), solved.right.tolist(), solved.score.tolist(), strict=True):
            if one.plan.measure == "hamming":
                shown = estimated_dice((1.0 - value) * one.plan.length, one.plan.length, one.plan.degree)
            else:
                shown = value
            links[ours, theirs] = max(links.get((ours, theirs), 0.0), shown)
    return links


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
        precision, recall, f1 = score(_right(linked, true), len(linked), len(meant))
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


def _right(links: Pairs, true: Pairs) -> int:
    return int(np.isin(_keys(links), _keys(true)).sum())


def _keys(pairs: Pairs) -> NDArray[np.int64]:
    return pairs[:, 0] * np.int64(1 << 32) + pairs[:, 1]


def _as_pairs(pairs: Iterable[tuple[int, int]]) -> Pairs:
    return np.array(list(pairs), dtype=np.int64).reshape(-1, 2)


def _where(codes: NDArray[np.int32], of_value: list[bool]) -> NDArray[np.bool_]:
    return np.array([*of_value, False], dtype=bool)[codes]


def _is_partial(date: str) -> bool:
    return "00" in (date[4:6], date[6:8]) or not int(date[:4]) or date.endswith("?")
