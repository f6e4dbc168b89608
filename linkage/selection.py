"""Local selection: which rows of a file take part, and what is computed from them, before anything is encoded.

The rules are text in a démarche (`linkage.selection_grammar` has the language); they are checked when the démarche is read and
evaluated over the agent's own columns, piece by piece, on the day that the caller says. Nothing is ever executed but the closed
list of operations of `linkage.selection_tree` and `linkage.selection_functions`.

A row is kept where its condition is surely true. Where a cell that matters is empty or unreadable, nobody knows: such rows are
left out of a file whose people may become hits, and kept in a file that is subtracted, for there a doubt must not send anything.
In a file that does both (the middle payer of a cascade) they are kept and marked: they take away, and are no hit themselves.
All of it is counted (`Tally`); the values that decided are seen by nobody.
"""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from linkage.errors import LinkageError
from linkage.selection_functions import shown
from linkage.selection_grammar import Node, parse, refuse
from linkage.selection_tree import ONE_PER, Parameter, Steps, Tree, build
from linkage.selection_values import Bools, Cells, Sight

if TYPE_CHECKING:  # what reads whole files is heavy, and who reads a rule does not need it
    from linkage.tables import Piece

__all__ = [
    "LEAST_SHOWN",
    "UNDECIDED",
    "Computation",
    "LocalRules",
    "Preparing",
    "Selection",
    "Tally",
    "Undecided",
    "parameters_of",
    "parse_computation",
    "parse_selection",
    "read_parameters",
]

Undecided = Literal["leave", "keep", "mark"]  # what becomes of rows that nobody can judge

UNDECIDED = "\x1fundecided"
"""The column of their marks, `1` or nothing; no column of a file is called so."""

_FATES: Mapping[Undecided, str] = {
    "leave": "laissées de côté",
    "keep": "gardées",
    "mark": "gardées là où le fichier retire des personnes, sans résultat pour elles",
}
LEAST_SHOWN = 11  # people under whom no count is shown to anybody else
_MOST_UNREADABLE = 2  # a column of which one filled cell in so many is unreadable is not what the rule believes


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A condition over the rows of a file.

    Attributes:
        text: as written.
        columns: that it reads.
        one_per: columns of whose values the first kept row stays alone; empty: all rows stay.
        tree: ready to be evaluated; None where there is nothing but `une_ligne_par`.
    """

    text: str
    columns: tuple[str, ...]
    one_per: tuple[str, ...]
    tree: Tree | None


@dataclass(frozen=True, kw_only=True)
class Computation:
    """A column made of others; see `Selection`."""

    text: str
    columns: tuple[str, ...]
    tree: Tree


@dataclass(kw_only=True)
class Tally:
    """What a selection did to a file.

    Attributes:
        rows: read.
        kept: that go on.
        dropped: whose condition is false.
        undecided: whose condition nobody knows, an empty or unreadable cell being in the way.
        repeated: left out by `une_ligne_par`.
        undecided_fate: what became of these (`LocalRules`).
        unreadable: column and what was expected in it → cells that say something else.
    """

    rows: int = 0
    kept: int = 0
    dropped: int = 0
    undecided: int = 0
    repeated: int = 0
    undecided_fate: Undecided = "leave"
    unreadable: dict[tuple[str, str], int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """What the agent is told; never for anybody else."""
        fate = _FATES[self.undecided_fate]
        told = [f"sélection : {self.kept} ligne(s) gardée(s) sur {self.rows}, {self.dropped} hors de la sélection"]
        if self.undecided:
            told.append(f"{self.undecided} ligne(s) dont une cellule vide ou illisible ne permet pas de juger, {fate}")
        if self.repeated:
            told.append(f"{self.repeated} ligne(s) de trop pour une même personne")
        told += [
            f"colonne « {name} » : {count} cellule(s) où {expected} était attendu(e)"
            for (name, expected), count in sorted(self.unreadable.items())
        ]
        return told

    def for_others(self) -> dict[str, int | None]:
        """Counts that may be shown: all of them, or None for each where one is under eleven, since they add up."""
        counts = {"rows": self.rows, "kept": self.kept, "left_out": self.rows - self.kept}
        small = any(0 < count < LEAST_SHOWN for count in counts.values())
        return dict.fromkeys(counts) if small else dict(counts)


@dataclass(frozen=True, kw_only=True)
class LocalRules:
    """What an operand of a démarche does to its file.

    Attributes:
        selection: who takes part; None: everybody.
        computed: new columns, by name.
        undecided: what becomes of whoever the condition cannot judge: `leave` them out, `keep` them in a file that only takes
            others away, `mark` them, in the column `UNDECIDED`, in a file that does both.
    """

    selection: Selection | None = None
    computed: Mapping[str, Computation] = field(default_factory=dict)
    undecided: Undecided = "leave"

    @property
    def made(self) -> frozenset[str]:
        """Names of the columns that the rules make."""
        return frozenset(self.computed) | ({UNDECIDED} if self.undecided == "mark" else frozenset())

    @property
    def columns(self) -> list[str]:
        """Columns of the file that the rules read, each once."""
        read = [self.selection.columns if self.selection else (), *(one.columns for one in self.computed.values())]
        return list(dict.fromkeys(name for columns in read for name in columns))

    def begin(self, today: date) -> Preparing:
        """The rules at work on one file."""
        return Preparing(self, today)


class Preparing:
    """Some rows after the others, selected and completed.

    Attributes:
        rules: what is applied.
        tally: what it did so far.
    """

    def __init__(self, rules: LocalRules, today: date) -> None:
        """Begins a file, whose J is `today`."""
        self.rules, self._today = rules, today
        self.tally = Tally(undecided_fate=rules.undecided)
        self._filled: dict[str, int] = {}
        self._seen: set[bytes] = set()
        self._key = secrets.token_bytes(16)  # so that what is remembered of a value is no value

    def chosen(self, piece: Piece) -> Piece:
        """The rows of a piece of a file that go on, with the columns that are computed."""
        import pyarrow as pa  # noqa: PLC0415 - there already, since a file is being read

        read: dict[str, Cells] = {}
        for name in self.rules.columns:
            coded = piece.columns[name].dictionary_encode()
            read[name] = Cells(values=coded.dictionary.to_pylist(), codes=coded.indices.to_numpy())
        kept, made = self.rows(read, len(piece.lines))
        columns = {name: cells.filter(pa.array(kept)) for name, cells in piece.columns.items()}
        columns |= {name: pa.array(cells, pa.string()) for name, cells in made.items()}
        return replace(piece, columns=columns, lines=piece.lines[kept])

    def rows(self, columns: Mapping[str, Cells], count: int) -> tuple[Bools, dict[str, list[str]]]:
        """Which of some rows go on, and the new columns of those that do.

        Args:
            columns: those of `rules.columns`, of the same rows.
            count: of rows.
        """
        sight = Sight(columns, self._today, count)
        kept, doubtful = self._kept(sight)
        computed = {}
        if self.rules.undecided == "mark":
            computed[UNDECIDED] = np.where(doubtful[kept], "1", "").tolist()
        for name, one in self.rules.computed.items():
            assert one.tree.run is not None  # noqa: S101 - parse_computation leaves no bare column
            cells = shown(one.tree.kind, one.tree.run(sight))
            computed[name] = cells[kept].tolist()
        self._count_cells(sight)
        return kept, computed

    def finish(self) -> Tally:
        """What the rules did to the whole file.

        Raises:
            LinkageError: `E_SELECTION_COLONNE` where half of a column is not what a rule believes, `E_SELECTION_VIDE` where
                nobody is left.
        """
        for (name, expected), count in sorted(self.tally.unreadable.items()):
            if count * _MOST_UNREADABLE > self._filled[name]:
                sentence = (
                    f"colonne « {name} » : {expected} est attendu(e), et la plupart des cellules sont illisibles ; "
                    "vérifiez que c'est la bonne colonne, ou lisez-la autrement dans la sélection"
                )
                raise LinkageError("E_SELECTION_COLONNE", sentence)
        if not self.tally.kept:
            sentence = (
                "la sélection ne garde aucune ligne du fichier : vérifiez les colonnes, les paramètres et la date"
            )
            raise LinkageError("E_SELECTION_VIDE", sentence)
        return self.tally

    def _kept(self, sight: Sight) -> tuple[Bools, Bools]:
        """Which rows go on, and which of all rows the condition cannot judge."""
        tally, selection = self.tally, self.rules.selection
        kept, doubtful = np.ones(sight.rows, dtype=bool), np.zeros(sight.rows, dtype=bool)
        if selection is not None and selection.tree is not None:
            assert selection.tree.run is not None  # noqa: S101 - parse_selection leaves no bare column
            truth = selection.tree.run(sight)
            kept, doubtful = truth.yes.copy(), ~truth.no & ~truth.yes
            if self.rules.undecided != "leave":
                kept |= doubtful
            tally.dropped += int(truth.no.sum())
            tally.undecided += int(doubtful.sum())
        if selection is not None and selection.one_per:
            kept = self._first_rows(sight, selection.one_per, kept)
        tally.rows += sight.rows
        tally.kept += int(kept.sum())
        return kept, doubtful

    def _first_rows(self, sight: Sight, columns: Sequence[str], kept: Bools) -> Bools:
        taken = [sight.columns[name].taken(str.strip) for name in columns]
        alone = kept.copy()
        for row in np.flatnonzero(kept).tolist():
            value = "\x1f".join(str(one[row]) for one in taken).encode()
            digest = hashlib.blake2b(value, digest_size=16, key=self._key).digest()
            alone[row] = digest not in self._seen
            self._seen.add(digest)
        self.tally.repeated += int(kept.sum() - alone.sum())
        return alone

    def _count_cells(self, sight: Sight) -> None:
        for name in self.rules.columns:
            cells = sight.columns[name]
            filled = np.array([bool(value.strip()) for value in cells.values], dtype=bool)
            self._filled[name] = self._filled.get(name, 0) + int(filled[cells.codes].sum())
        for key, count in sight.unreadable.items():
            self.tally.unreadable[key] = self.tally.unreadable.get(key, 0) + count


def parse_selection(text: str, parameters: Mapping[str, Parameter] | None = None) -> Selection:
    """A condition, checked whole.

    Raises:
        LinkageError: `E_SELECTION` with the place of the fault.
    """
    given = parameters or {}
    node = parse(text)
    one_per, rest = _one_per(text, node, given)
    columns = _columns(node, given)
    tree = None if rest is None else build(text, rest, given, "truth")
    return Selection(text=text, columns=columns, one_per=one_per, tree=tree)


def parse_computation(text: str, parameters: Mapping[str, Parameter] | None = None) -> Computation:
    """A column made of others, checked whole; a bare column is taken as words.

    Raises:
        LinkageError: `E_SELECTION` with the place of the fault.
    """
    given = parameters or {}
    node = parse(text)
    tree = build(text, node, given)
    if tree.kind == "cell":
        tree = build(text, node, given, "text")
    return Computation(text=text, columns=_columns(node, given), tree=tree)


def parameters_of(values: Mapping[str, Any]) -> dict[str, Parameter]:
    """Parameters as a démarche or an agent writes them: numbers, words, flags, dates, lists, {bornes, valeurs}.

    Raises:
        LinkageError: `E_PARAMETRE`.
    """
    return {name: _parameter(name, value) for name, value in values.items()}


def read_parameters(path: Path) -> dict[str, Parameter]:
    """The agent's own parameters, from a TOML file of lines `name = value`.

    Raises:
        LinkageError: `E_PARAMETRE`.
    """
    try:
        return parameters_of(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        sentence = f"{path.name} doit être un fichier TOML de lignes nom = valeur"
        raise LinkageError("E_PARAMETRE", sentence) from error


def _one_per(text: str, node: Node, parameters: Mapping[str, Parameter]) -> tuple[tuple[str, ...], Node | None]:
    """The columns of a last `une_ligne_par`, and what is left of the condition."""
    last = node.parts[-1] if node.kind == "and" else node
    if last.kind != "call" or last.value != ONE_PER:
        return (), node
    if not last.parts:
        refuse(text, last.at, f"{ONE_PER} prend une ou plusieurs colonnes")
    for part in last.parts:
        if part.kind not in ("name", "column") or (part.kind == "name" and part.value in parameters):
            refuse(text, part.at, f"{ONE_PER} ne prend que des colonnes")
    columns = tuple(part.value for part in last.parts)
    if node.kind != "and":
        return columns, None
    others = node.parts[:-1]
    return columns, others[0] if len(others) == 1 else Node(kind="and", at=node.at, parts=others)


def _columns(node: Node, parameters: Mapping[str, Parameter]) -> tuple[str, ...]:
    named = (one for one in node.walk() if one.kind in ("name", "column"))
    return tuple(dict.fromkeys(one.value for one in named if one.kind == "column" or one.value not in parameters))


def _parameter(name: str, value: Any) -> Parameter:
    if isinstance(value, Mapping):
        return _steps(name, value)
    if isinstance(value, list) and value and (_words(value) or _numbers(value)):
        return tuple(value) if _words(value) else tuple(float(one) for one in value)
    if isinstance(value, (bool, int, float, str, date)) and value != "":
        return value
    raise LinkageError(
        "E_PARAMETRE",
        f"paramètre {name} : un nombre, un mot, une date, oui ou non (true, false), une liste ou une table",
    )


def _steps(name: str, table: Mapping[str, Any]) -> Steps:
    bounds, values = table.get("bornes"), table.get("valeurs")
    right = (
        set(table) == {"bornes", "valeurs"}
        and isinstance(bounds, list)
        and isinstance(values, list)
        and _numbers(bounds)
        and (_numbers(values) or _words(values))
        and len(values) == len(bounds) + 1
        and bounds == sorted(set(bounds))
    )
    if not right:
        sentence = f"paramètre {name} : bornes = [croissantes], valeurs = [une de plus que de bornes]"
        raise LinkageError("E_PARAMETRE", sentence)
    held: tuple[Any, ...] = tuple(values or ())
    return Steps(bounds=tuple(float(one) for one in bounds or ()), values=held)


def _numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values)


def _words(values: Sequence[Any]) -> bool:
    return all(isinstance(one, str) and one for one in values)
