"""A tree of the selection language made ready to be evaluated: kinds checked, names resolved, before any file is opened.

A name is a parameter where the démarche has one of that name, else a column; what is called is a parameter with steps, or one
of `FUNCTIONS`. A comparison reads both sides as numbers or days where one of them is, or where an order is asked; else as words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from linkage.selection_functions import FUNCTIONS, Kind
from linkage.selection_grammar import Node, refuse
from linkage.selection_values import Quantity, Sight, Strings, Truth, compared, plain, shifted

__all__ = ["ONE_PER", "Parameter", "Steps", "Tree", "build"]

ONE_PER = "une_ligne_par"
_FRENCH = {"number": "un nombre", "day": "une date", "text": "un mot", "truth": "une condition"}


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A table of steps: the first value up to the first bound and so on; one value more than bounds, the last beyond them all."""

    bounds: tuple[float, ...]
    values: tuple[float, ...] | tuple[str, ...]


Parameter = float | str | bool | date | tuple[float, ...] | tuple[str, ...] | Steps


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What can be evaluated.

    Attributes:
        kind: of the result; `cell` is a column that nothing said how to read.
        run: the result on some rows; absent for a column.
        column: its name.
    """

    kind: Kind
    run: Callable[[Sight], Any] | None = None
    column: str = ""


def build(text: str, node: Node, parameters: Mapping[str, Parameter], wanted: Kind | None = None) -> Tree:
    """The tree of a node.

    Args:
        text: whole, for refusals.
        node: to make ready.
        parameters: by name.
        wanted: the kind that the result must have; None: any.

    Raises:
        LinkageError: `E_SELECTION` with the place of the fault.
    """
    builder = _Builder(text, parameters)
    tree = builder.tree(node)
    return tree if wanted is None else builder.read_as(tree, wanted, node)


class _Builder:
    def __init__(self, text: str, parameters: Mapping[str, Parameter]) -> None:
        self._text, self._parameters = text, parameters
        self._built: dict[int, tuple[Node, Tree]] = {}  # a node is asked for several times, by each level above it

    def tree(self, node: Node) -> Tree:
        if id(node) not in self._built:
            self._built[id(node)] = node, self._made(node)
        return self._built[id(node)][1]

    def _made(self, node: Node) -> Tree:
        if node.kind in ("number", "text", "date", "day"):
            return _constant(node)
        if node.kind == "column":
            return Tree(kind="cell", column=node.value)
        made: dict[str, Callable[[Node], Tree]] = {
            "name": self._name, "call": self._call, "compare": self._compare, "in": self._within, "and": self._logic,
            "or": self._logic, "not": self._logic, "sum": self._sum, "minus": self._minus,
        }  # fmt: skip
        if node.kind not in made:
            refuse(self._text, node.at, "une liste ou un intervalle ne va qu'après « dans »")
        return made[node.kind](node)

    def read_as(self, tree: Tree, kind: Kind, node: Node) -> Tree:
        """The same, of that kind: a column is read so, anything else must be so."""
        if tree.kind == "cell":
            name = tree.column
            readers: dict[Kind, Callable[[Sight], Any]] = {
                "number": lambda sight: sight.quantity(name, days=False),
                "day": lambda sight: sight.quantity(name, days=True),
                "truth": lambda sight: sight.truth(name),
                "text": lambda sight: sight.columns[name].taken(str.strip),
            }
            return Tree(kind=kind, run=readers[kind], column=name)
        if tree.kind != kind:
            refuse(self._text, node.at, f"{_FRENCH[kind]} est attendu(e) ici, et ceci est {_FRENCH[tree.kind]}")
        return tree

    def _run(self, node: Node, kind: Kind) -> Callable[[Sight], Any]:
        run = self.read_as(self.tree(node), kind, node).run
        assert run is not None  # noqa: S101 - read_as leaves no bare column
        return run

    def _name(self, node: Node) -> Tree:
        held = self._parameters.get(node.value)
        if held is None:
            return Tree(kind="cell", column=node.value)
        if isinstance(held, (Steps, tuple)):
            refuse(self._text, node.at, "ce paramètre est une liste ou une table : écrivez « dans » ou tranche(…)")
        return _of_value(held)

    def _call(self, node: Node) -> Tree:
        name, parts = node.value, node.parts
        if name == ONE_PER:
            refuse(self._text, node.at, f"{ONE_PER}(…) se met une seule fois, en dernier, après « et »")
        if name == "si":
            return self._choice(node)
        steps = self._parameters.get(parts[1].value if name == "tranche" and len(parts) == 2 else name)
        if isinstance(steps, Steps) and len(parts) == (2 if name == "tranche" else 1):
            value = self._run(parts[0], "number")
            return Tree(kind=_step_kind(steps), run=lambda sight: _stepped(steps, value(sight)))
        function = FUNCTIONS.get(name)
        if function is None:
            known = ", ".join(sorted([*FUNCTIONS, "si", "tranche", ONE_PER]))
            refuse(self._text, node.at, f"ni fonction ni table de ce nom ; les fonctions sont : {known}")
        kinds = function.kinds(len(parts))
        if kinds is None:
            refuse(self._text, node.at, f"{name} prend {len(function.takes)} valeur(s)")
        runs = [self._run(part, kind) for part, kind in zip(parts, kinds, strict=True)]
        return Tree(kind=function.gives, run=lambda sight: function.apply(sight, [run(sight) for run in runs]))

    def _choice(self, node: Node) -> Tree:
        if len(node.parts) != 3:
            refuse(self._text, node.at, "si(condition, sinon_vrai, sinon_faux) prend trois valeurs")
        condition = self._run(node.parts[0], "truth")
        one, other = (self.tree(part) for part in node.parts[1:])
        kind: Kind = next((tree.kind for tree in (one, other) if tree.kind != "cell"), "text")
        yes, no = (self._run(part, kind) for part in node.parts[1:])
        return Tree(kind=kind, run=lambda sight: _chosen(kind, condition(sight), yes(sight), no(sight)))

    def _compare(self, node: Node) -> Tree:
        left, right = node.parts
        kind = self._common(node, [left, right], ordered=node.value not in ("=", "!="))
        one, other = self._run(left, kind), self._run(right, kind)
        if kind != "text":
            return Tree(kind="truth", run=lambda sight: compared(node.value, one(sight), other(sight)))
        return Tree(kind="truth", run=lambda sight: _same_words(one(sight), other(sight), node.value == "="))

    def _common(self, node: Node, parts: Sequence[Node], *, ordered: bool) -> Kind:
        """How the sides of a comparison are read."""
        kinds = {tree.kind for tree in map(self.tree, parts)} - {"cell"}
        if not kinds:
            return "number" if ordered else "text"
        if len(kinds) > 1 or kinds == {"truth"} or (ordered and kinds == {"text"}):
            told = " et ".join(sorted(_FRENCH[kind] for kind in kinds))
            refuse(self._text, node.at, f"cette comparaison n'a pas de sens pour {told} ; lisez : nombre(…), date(…)")
        return kinds.pop()

    def _within(self, node: Node) -> Tree:
        left, group = node.parts
        if group.kind == "range":
            kind = self._common(node, [left, *group.parts], ordered=True)
            value, low, high = (self._run(part, kind) for part in (left, *group.parts))
            return Tree(kind="truth", run=lambda sight: _between(value(sight), low(sight), high(sight)))
        parts = self._members(group)
        kind = self._common(node, [left, *parts], ordered=False)
        value = self._run(left, kind)
        members = [self._run(part, kind) for part in parts]
        return Tree(kind="truth", run=lambda sight: _any_of(kind, value(sight), [one(sight) for one in members]))

    def _members(self, group: Node) -> Sequence[Node]:
        if group.kind == "list":
            return group.parts
        held = self._parameters.get(group.value) if group.kind == "name" else None
        if isinstance(held, (str, int, float)) and not isinstance(held, bool):
            held = (held,) if isinstance(held, str) else (float(held),)
        if not isinstance(held, tuple) or not held:
            refuse(
                self._text,
                group.at,
                "« dans » attend un intervalle a..b, une liste [a, b] ou un paramètre qui en est une",
            )
        kind: Any = "text" if isinstance(held[0], str) else "number"
        return [Node(kind=kind, at=group.at, value=str(one)) for one in held]

    def _logic(self, node: Node) -> Tree:
        runs = [self._run(part, "truth") for part in node.parts]
        if node.kind == "not":
            return Tree(kind="truth", run=lambda sight: _negated(runs[0](sight)))
        every = node.kind == "and"
        return Tree(kind="truth", run=lambda sight: _gathered([run(sight) for run in runs], every=every))

    def _sum(self, node: Node) -> Tree:
        left, right = (self.tree(part) for part in node.parts)
        days = "day" in (left.kind, right.kind)
        if days and (node.value not in "+-" or (left.kind, right.kind, node.value) == ("day", "day", "+")):
            refuse(
                self._text, node.at, "des dates ne se multiplient ni ne s'additionnent : ajoutez ou retirez des jours"
            )
        if days and left.kind != "day":
            refuse(self._text, node.at, "la date vient en premier : date + jours, date - jours, date - date")
        both = (left.kind, right.kind) == ("day", "day")
        one = self._run(node.parts[0], "day" if days else "number")
        other = self._run(node.parts[1], "day" if both else "number")
        kind: Kind = "day" if days and not both else "number"
        return Tree(kind=kind, run=lambda sight: _computed(node.value, one(sight), other(sight)))

    def _minus(self, node: Node) -> Tree:
        value = self._run(node.parts[0], "number")

        def run(sight: Sight) -> Quantity:
            held = value(sight)
            return Quantity(low=-held.high, high=-held.low)

        return Tree(kind="number", run=run)


def _constant(node: Node) -> Tree:
    if node.kind == "day":
        step = node.value
        return Tree(kind="day", run=lambda sight: _full(sight, float(shifted(sight.today, step).toordinal())))
    if node.kind == "date":
        return _of_value(date.fromisoformat(node.value))
    return _of_value(node.value if node.kind == "text" else float(node.value))


def _of_value(value: float | str | bool | date) -> Tree:  # noqa: FBT001 - a parameter of the démarche
    if isinstance(value, bool):
        return Tree(
            kind="truth",
            run=lambda sight: Truth(yes=np.full(sight.rows, value), no=np.full(sight.rows, not value)),
        )
    if isinstance(value, date):
        return Tree(kind="day", run=lambda sight: _full(sight, float(value.toordinal())))
    if isinstance(value, str):
        return Tree(kind="text", run=lambda sight: np.full(sight.rows, value, dtype=object))
    return Tree(kind="number", run=lambda sight: _full(sight, float(value)))


def _full(sight: Sight, value: float) -> Quantity:
    return Quantity.exactly(np.full(sight.rows, value))


def _step_kind(steps: Steps) -> Kind:
    return "text" if isinstance(steps.values[0], str) else "number"


def _stepped(steps: Steps, value: Quantity) -> Any:
    bounds = np.array(steps.bounds, dtype=np.float64)
    first, last = (np.searchsorted(bounds, np.nan_to_num(end), side="left") for end in (value.low, value.high))
    known = ~np.isnan(value.low) & (first == last)
    if _step_kind(steps) == "text":
        words = np.empty(len(steps.values), dtype=object)
        words[:] = steps.values
        return np.where(known, words[first], "")
    held = np.where(known, np.array(steps.values, dtype=np.float64)[first], np.nan)
    return Quantity.exactly(held)


def _chosen(kind: Kind, condition: Truth, yes: Any, no: Any) -> Any:
    if kind == "text":
        return np.where(condition.yes, yes, np.where(condition.no, no, ""))
    if kind == "truth":
        return Truth(
            yes=(condition.yes & yes.yes) | (condition.no & no.yes),
            no=(condition.yes & yes.no) | (condition.no & no.no),
        )
    ends = {
        end: np.where(condition.yes, getattr(yes, end), np.where(condition.no, getattr(no, end), np.nan))
        for end in ("low", "high")
    }
    return Quantity(**ends)


def _same_words(one: Strings, other: Strings, equal: bool) -> Truth:  # noqa: FBT001 - which of = and !=
    known = np.array([bool(a) and bool(b) for a, b in zip(one, other, strict=True)], dtype=bool)
    same = np.array([plain(a) == plain(b) for a, b in zip(one, other, strict=True)], dtype=bool)
    yes, no = known & same, known & ~same
    return Truth(yes=yes, no=no) if equal else Truth(yes=no, no=yes)


def _between(value: Quantity, low: Quantity, high: Quantity) -> Truth:
    return _gathered([compared("<=", low, value), compared("<=", value, high)], every=True)


def _any_of(kind: Kind, value: Any, members: Sequence[Any]) -> Truth:
    if kind == "text":
        return _gathered([_same_words(value, one, equal=True) for one in members], every=False)
    return _gathered([compared("=", value, one) for one in members], every=False)


def _negated(truth: Truth) -> Truth:
    return Truth(yes=truth.no, no=truth.yes)


def _gathered(truths: Sequence[Truth], *, every: bool) -> Truth:
    yes, no = [one.yes for one in truths], [one.no for one in truths]
    if every:
        return Truth(yes=np.logical_and.reduce(yes), no=np.logical_or.reduce(no))
    return Truth(yes=np.logical_or.reduce(yes), no=np.logical_and.reduce(no))


def _computed(sign: str, one: Quantity, other: Quantity) -> Quantity:
    if sign == "+":
        return Quantity(low=one.low + other.low, high=one.high + other.high)
    if sign == "-":
        return Quantity(low=one.low - other.high, high=one.high - other.low)
    if sign == "/":
        crosses = (other.low <= 0) & (other.high >= 0)
        divisor = np.where(crosses, np.nan, other.low), np.where(crosses, np.nan, other.high)
        corners = [one.low / divisor[0], one.low / divisor[1], one.high / divisor[0], one.high / divisor[1]]
    else:
        corners = [one.low * other.low, one.low * other.high, one.high * other.low, one.high * other.high]
    return Quantity(low=np.minimum.reduce(corners), high=np.maximum.reduce(corners))
