"""The attacks on a file that is about to be sent: its own encodings, made here under fresh keys, against itself.

The worst case: the attacker's reference file is the file itself, without a mistake, and labels of blocks are granted. Blocks are
those of the real plan, the largest of each pass first. When time is short, people of a block are drawn at random: the report
says how many were tested. Sizes are raised step by step, each step whole over all passes, as long as the next one is expected
to end in time; then come further blocks, and once these are used up the same blocks under other keys.

Passes on exact tokens are left out: two tokens are equal or not, and say nothing else. No clock is read here: it is handed in,
like the generator of the attacker's choices and what progress is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crypto.keys import PassKey
from linkage.attacks.ceiling import ceiling, kappas
from linkage.attacks.frequency import frequency
from linkage.attacks.known_plaintext import known_plaintext
from linkage.attacks.landmarks import landmarks
from linkage.attacks.outcome import Guesses, Outcome
from linkage.attacks.patterns import pattern_mining
from linkage.attacks.scene import Attack, Scene, Side, scenes
from linkage.attacks.seedless import seedless
from linkage.attacks.self_training import message_passing
from linkage.attacks.weight import by_weight
from linkage.feature_table import FeatureTable
from linkage.passes import divide, in_form
from linkage.plan import Plan
from linkage.records import MISSING, Column, Records
from linkage.risk import CEILING, Findings, PassFindings, Trial, Value, claim_of
from linkage.sheet import Sheet
from linkage.single_thread import single_thread
from linkage.statistics import Statistics

__all__ = ["ATTACKS", "Declared", "Tools", "attacked"]

Key = tuple[str, str, float]  # attack, pass, known

UNKNOWING: tuple[tuple[str, Attack], ...] = (
    ("A1", by_weight), ("A2", frequency), ("A4", pattern_mining), ("A5", seedless),
)  # fmt: skip
KNOWING: tuple[tuple[str, Attack], ...] = (("A6", landmarks), ("A6 bis", message_passing), ("A7", known_plaintext))
ATTACKS = (*(name for name, _ in (*UNKNOWING, *KNOWING)), CEILING)
_STEPS = (150, 250, 500, 1000, 1 << 30)  # people of a block, at most
_BLOCKS = 12  # of each pass
_ROUNDS = 4  # of all passes, that a size must leave time for: few people tried tell nothing
_LEAST = 20  # people of a block that is worth attacking
_GROWTH = 2.6  # time grows with this power of the people of a block
_FEW, _ENOUGH = 1_000, 20_000  # people tried in a pass, whatever the time, and at most


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What the verdict is about.

    Attributes:
        people: of this file, as it is declared.
        largest: pass → people of this file expected in its largest block.
        known: shares of the people that the attacker knows; 0 and the profile's claim are added.
    """

    people: int
    largest: dict[str, int]
    known: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a run of the attacks is handed.

    Attributes:
        seconds: to spend; a smallest sample is taken whatever it costs.
        clock: seconds, going forward.
        rng: the attacker's own choices.
        progress: told tenths of seconds spent, of all.
    """

    seconds: float
    clock: Callable[[], float]
    rng: np.random.Generator
    progress: Callable[[int, int], None] = lambda _done, _total: None


def attacked(records: Records, sheet: Sheet, plan: Plan, declared: Declared, tools: Tools) -> Findings:
    """Attack a file within a time.

    Raises:
        LinkageError: the plan does not fit the file.
    """
    plan = replace(plan, passes=tuple(one for one in plan.passes if one.measure != "exact"))  # tokens resemble nothing
    known = tuple(sorted({0.0, claim_of(plan.profile), *declared.known}))
    run = _Run(known=known, tools=tools)
    blocks = _Blocks(records, sheet, plan)
    reached = _rising(run, blocks)
    for name, place in _further(run, blocks):
        work = min(reached, len(blocks.rows[name][place])) ** _GROWTH
        if run.least(name) >= _FEW and not run.has_time(run.unit * work):
            break
        run.attack(blocks.scene(name, place, reached, tools.rng))
    passes = [
        PassFindings(
            plan=one,
            largest=max(declared.largest.get(one.name, 0), *map(len, blocks.rows[one.name][:1]), 0),
            tested=run.tested.get(one.name, 0),
            kappas=np.concatenate([np.empty(0), *run.kappas.get(one.name, [])]),
        )
        for one in plan.passes
    ]
    trials = [run.trials[key] for key in sorted(run.trials)]
    return Findings(profile=plan.profile, people=declared.people, passes=passes, trials=trials, known=known)


class _Blocks:
    """The largest blocks of each pass; who is in them follows from the plan alone, so each is encoded by itself when asked."""

    def __init__(self, records: Records, sheet: Sheet, plan: Plan) -> None:
        self._records, self._sheet, self._plan = records, sheet, plan
        table, statistics = FeatureTable(records), Statistics(sheet)
        self.rows: dict[str, list[NDArray[np.int64]]] = {}
        for one in plan.passes:
            own = in_form(records, sheet, one.form) if one.form else records
            known = None if one.form else table
            division = divide(own, sheet, one, statistics, PassKey(bytes(32)), table=known)  # tags are not looked at
            order = np.argsort(division.block, kind="stable")
            bounds = np.searchsorted(division.block[order], np.arange(len(division.tags) + 1))
            sizes = np.diff(bounds)
            largest = np.argsort(-sizes, kind="stable")[:_BLOCKS]
            found = [order[bounds[number] : bounds[number + 1]].astype(np.int64) for number in largest.tolist()]
            self.rows[one.name] = [np.sort(rows) for rows in found if len(rows) >= _LEAST]

    def scene(self, name: str, place: int, size: int, rng: np.random.Generator) -> Scene:
        """Some of the people of a block, drawn at random, under a fresh key; the attacker has the records of these alone."""
        rows = np.sort(rng.permutation(self.rows[name][place])[:size])
        columns = {
            name: Column(values=one.values, codes=one.codes[rows]) for name, one in self._records.columns.items()
        }
        some = Side(records=Records(ids=list(map(str, rows.tolist())), columns=columns), people=rows)
        one = next(one for one in self._plan.passes if one.name == name)
        plan = replace(self._plan, passes=(one,))
        return max(scenes(some, some, self._sheet, plan), key=len)


def _rising(run: _Run, blocks: _Blocks) -> int:
    """Attacks the largest block of each pass, ever more of its people; returns how many."""
    first = {name: len(rows[0]) for name, rows in blocks.rows.items() if rows}
    reached = _STEPS[0]
    for size in _STEPS:
        work = sum(min(size, people) ** _GROWTH for people in first.values())
        if run.unit and not run.has_time(_ROUNDS * work * run.unit):
            break
        run.restart()
        start = run.tools.clock()
        for name in first:
            run.attack(blocks.scene(name, 0, size, run.tools.rng))
        run.unit, reached = (run.tools.clock() - start) / max(1.0, work), size
        if all(people <= size for people in first.values()):
            break
    return reached


def _further(run: _Run, blocks: _Blocks) -> Iterator[tuple[str, int]]:
    """The blocks after the largest, passes in turn; then all of them again, until enough people were tried."""
    start = 1
    while any(run.least(name) < _ENOUGH for name, rows in blocks.rows.items() if rows):
        for place in range(start, _BLOCKS):
            for name, rows in blocks.rows.items():
                if place < len(rows) and run.least(name) < _ENOUGH:
                    yield name, place
        start = 0


class _Run:
    """Trials as they come."""

    def __init__(self, *, known: Sequence[float], tools: Tools) -> None:
        self._known, self.tools = known, tools
        self._start = tools.clock()
        self._end = self._start + tools.seconds
        self.unit = 0.0  # seconds a unit of work
        self.restart()

    def restart(self) -> None:
        """Forget what smaller blocks gave."""
        self.trials: dict[Key, Trial] = {}
        self.tested: dict[str, int] = {}
        self.kappas: dict[str, list[NDArray[np.float64]]] = {}

    def has_time(self, seconds: float) -> bool:
        """Whether that would end in time."""
        return self.tools.clock() + seconds < self._end

    def least(self, pass_name: str) -> int:
        """People of a pass tried by each attack."""
        tried = [sum(out.tried for out in one.outcomes) for key, one in self.trials.items() if key[1] == pass_name]
        return min(tried, default=0)

    def attack(self, scene: Scene) -> None:
        """Every attack on one block."""
        name = scene.view.plan.name
        self.tested[name] = max(self.tested.get(name, 0), len(scene))
        self.kappas.setdefault(name, []).append(kappas(scene.view))
        for share in self._known:
            mine = scene.knowing(share, self.tools.rng) if share else scene
            for attack, function in KNOWING if share else UNKNOWING:
                self._tried(attack, mine, share, function)
        start = self.tools.clock()
        self._note((CEILING, name, 1.0), ceiling(scene), start, {})

    def _tried(self, attack: str, scene: Scene, share: float, function: Attack) -> None:
        start = self.tools.clock()
        with single_thread():
            guesses = function(scene.view, self.tools.rng)
        values = _values(scene, guesses)
        self._note((attack, scene.view.plan.name, share), scene.score(guesses), start, values)

    def _note(self, key: Key, outcome: Outcome, start: float, values: dict[str, Value]) -> None:
        one = self.trials.setdefault(key, Trial(attack=key[0], pass_name=key[1], known=key[2]))
        one.outcomes.append(outcome)
        one.seconds += self.tools.clock() - start
        one.values = {name: one.values.get(name, Value()) + value for name, value in values.items()}
        spent = min(self.tools.clock() - self._start, self.tools.seconds)
        self.tools.progress(round(10 * spent), round(10 * self.tools.seconds))


def _values(scene: Scene, guesses: Guesses) -> dict[str, Value]:
    """How often guesses have the right value, attribute by attribute, among people who have one."""
    view, found = scene.view, {}
    free = ~np.isin(guesses.rows, view.known[:, 0])
    theirs, guessed = scene.truth[guesses.rows[free]], guesses.candidates[free]
    pool = view.free_candidates
    for one in view.sheet.attributes:
        codes = view.records.columns[one.name].codes[view.candidates]
        true = codes[theirs]
        has = true != MISSING
        shares = np.bincount(codes[pool][codes[pool] != MISSING], minlength=int(codes.max(initial=0)) + 1)
        chance = float(shares[true[has]].sum()) / max(1, len(pool))
        right = int((codes[guessed[has]] == true[has]).sum())
        found[one.name] = Value(tried=int(has.sum()), right=right, by_chance=chance)
    return found
