"""Why somebody was lost or told for nothing: looked up in a rehearsal of the comparisons, held against who people are.

Nobody can look at the links of a run, so the same files are encoded once more under a key of their own, by the same plan. What
only the chance of a key decides may then come out otherwise: that is a reason too (`cles`). Reasons name attributes and passes,
never a value.

| kind | of whom |
|---|---|
| `selection` | the party's own file says something that is no longer true, and its local selection believes it |
| `selection_autre` | the same in the file of an operand |
| `lien_manque` | two rows of the person were not linked, or not certainly; attributes that differ, what passes did |
| `lien_faux` | a row is linked to somebody else's; which attributes are the same |
| `cles` | nothing of this in the rehearsal |
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from crypto.keys import RunKey, fresh_share
from linkage.addresses import address_of
from linkage.cells import fold
from linkage.formula import Formula, formula_of
from linkage.holder import HolderPass, encode_passes
from linkage.planner import plan_passes
from linkage.records import Records
from linkage.rules import parse_rule
from linkage.sightings import dice_floors, link_passes, links_of
from service.administration.selecting import PeopleFile, read_people
from service.demonstration.town_files import Part
from service.rule_sheet import Demarche

__all__ = ["Bench", "Reason", "declared", "tally"]

_WORDS = {
    "nom_naissance": "nom de naissance", "nom_usage": "nom d'usage", "prenoms": "prénom", "sexe": "sexe",
    "date_naissance": "date de naissance", "cog_commune_naissance": "lieu de naissance", "adresse": "adresse",
    "voie": "voie", "numero": "numéro", "code_postal": "code postal", "ine": "INE", "siren": "SIREN",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason: its kind, the operand concerned (empty: the party's own file), attributes, what passes did."""

    kind: str
    operand: str = ""
    attributes: tuple[str, ...] = ()
    passes: str = ""

    @property
    def text(self) -> str:
        """French."""
        named = ", ".join(_WORDS.get(one, one) for one in self.attributes)
        if self.kind == "selection":
            return "sélection : une valeur du fichier n'est plus vraie"
        if self.kind == "selection_autre":
            return f"sélection chez « {self.operand} » : une valeur du fichier n'est plus vraie"
        if self.kind == "lien_manque":
            return f"lien manqué avec « {self.operand} » ({self.passes}) : {named or 'rien'} en désaccord"
        if self.kind == "lien_faux":
            return f"lien avec une autre personne de « {self.operand} » : {named or 'rien'} en commun"
        return "à la limite : dépend du tirage des clés"


def tally(found: Iterable[Reason]) -> dict[str, int]:
    """How often each, the most frequent first."""
    return dict(Counter(one.text for one in found).most_common())


def declared(part: Part) -> int:
    """The size that a party declares in the agreement, with some room."""
    return int(part.taken.sum()) * 101 // 100 + 2


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """A rehearsed comparison: own row → rows of the other file, linked and certainly linked; blocks of each row by pass."""

    linked: Mapping[int, Mapping[int, bool]]
    blocks: tuple[Sequence[Mapping[int, bytes]], Sequence[Mapping[int, bytes]]]

    def compared(self, own: int, other: int) -> bool:
        """Whether some pass has both in one block."""
        return any(own in mine and mine[own] == theirs.get(other) for mine, theirs in zip(*self.blocks, strict=True))


class Bench:
    """Rehearsed comparisons of one démarche, each made when it is first asked for."""

    def __init__(self, demarche: Demarche, parts: Mapping[str, Part], parameters: Path | None, day: date) -> None:
        self._demarche, self._parts, self._parameters, self._day = demarche, parts, parameters, day
        self._records: dict[str, Records] = {}
        self._encoded: dict[str, frozenset[str]] = {}  # identifiers of these
        self._pairs: dict[tuple[str, str], _Pairs] = {}
        self._rows = {name: _rows_of(part) for name, part in parts.items()}
        self._taken = {name: _taken_of(part) for name, part in parts.items()}
        attributes = () if demarche.local else demarche.sheet().attributes
        self._addresses = {one.name: one.address for one in attributes if one.address}
        known = next(iter(parts.values())).identity if parts else {}
        # What the sheet compares, as far as the files of the world say it.
        self._named = [one.name for one in attributes if (one.name in known or one.address) and one.bits > 1]

    def lost(self, which: tuple[str, str], people: Iterable[int]) -> dict[int, Reason]:
        """Why each of these eligible people was not found; `which` is (output, recipient)."""
        formula = self._formula(which)
        return {one: self._lost(formula, which[1], one) for one in people}

    def useless(self, which: tuple[str, str], people: Iterable[int]) -> dict[int, Reason]:
        """Why each of these people was found without being eligible."""
        formula = self._formula(which)
        return {one: self._useless(formula, which[1], one) for one in people}

    def _formula(self, which: tuple[str, str]) -> Formula:
        output = next(one for one in self._demarche.outputs if one.name == which[0])
        links = {name: (name,) for name in self._parts if name != which[1]}
        return formula_of(parse_rule(output.expression), which[1], links)

    def _lost(self, formula: Formula, own: str, person: int) -> Reason:
        if not self._there(own, person):
            return Reason(kind="selection")
        missed = [self._missed(own, one, person, certain=False) for one in self._holding(formula.requires, person)]
        wrong = [
            found
            for one in sorted(formula.excludes - set(self._holding(formula.excludes, person)))
            if (found := self._wrong(own, one, person, certain=True))
        ]
        return next((one for one in [*wrong, *missed] if one is not None), Reason(kind="cles"))

    def _useless(self, formula: Formula, own: str, person: int) -> Reason:
        if person not in self._taken[own]:
            return Reason(kind="selection")
        missed = [self._missed(own, one, person, certain=True) for one in self._holding(formula.excludes, person)]
        wrong = [
            found
            for one in sorted(formula.requires - set(self._holding(formula.requires, person)))
            if (found := self._wrong(own, one, person, certain=False))
        ]
        return next((one for one in [*missed, *wrong] if one is not None), Reason(kind="cles"))

    def _holding(self, operands: Iterable[str], person: int) -> list[str]:
        return [one for one in sorted(operands) if person in self._taken[one]]

    def _there(self, name: str, person: int) -> list[int]:
        """Rows of a person that the tool encodes, by the place in the part."""
        if name not in self._encoded:
            self._encoded[name] = frozenset(self._people_of(name).ids)
        known = self._encoded[name]
        return [row for row in self._rows[name].get(person, ()) if self._parts[name].ids[row] in known]

    def _missed(self, own: str, other: str, person: int, *, certain: bool) -> Reason | None:
        """Why no row of the person is linked there; None where one is."""
        ours, theirs = self._there(own, person), self._there(other, person)
        if not theirs:
            return Reason(kind="selection_autre", operand=other)
        found = self._compare(own, other)
        links = [(row, sure) for row in ours for sure in [found.linked[row].values()] if sure]
        if any(any(sure) or not certain for _, sure in links):
            return None
        pairs = [(row, there) for row in ours for there in theirs]
        row, there = min(pairs, key=lambda pair: len(self._differing((own, pair[0]), (other, pair[1]))))
        passes = "certitude insuffisante" if links else "sous le seuil"
        if not any(found.compared(*pair) for pair in pairs):
            passes = "aucune passe ne les réunit"
        return Reason(
            kind="lien_manque", operand=other, attributes=self._differing((own, row), (other, there)), passes=passes
        )

    def _wrong(self, own: str, other: str, person: int, *, certain: bool) -> Reason | None:
        """Whose record it is that the person is linked to; None where there is no such link."""
        found = self._compare(own, other)
        for row in self._there(own, person):
            for there, sure in found.linked[row].items():
                if sure or not certain:
                    differing = self._differing((own, row), (other, there))
                    same = tuple(one for one in self._named if one not in differing and self._value(own, row, one))
                    return Reason(kind="lien_faux", operand=other, attributes=same)
        return None

    def _differing(self, one: tuple[str, int], other: tuple[str, int]) -> tuple[str, ...]:
        return tuple(name for name in self._named if self._value(*one, name) != self._value(*other, name))

    def _value(self, name: str, row: int, attribute: str) -> str:
        identity, part = self._parts[name].identity, self._addresses.get(attribute)
        if part is not None:
            return address_of(identity["adresse"][row], part) or ""
        value = fold(identity[attribute][row])
        return value.split(" ")[0] if attribute == "prenoms" else value

    def _people_of(self, name: str) -> Records:
        if name not in self._records:
            held = self._demarche.operands[name]
            own = self._parameters if held.local_filter or held.computations else None
            file = PeopleFile(path=self._parts[name].path, parameters=own)
            self._records[name] = read_people(self._demarche, name, file, self._day)[0]
        return self._records[name]

    def _compare(self, own: str, other: str) -> _Pairs:
        if (own, other) not in self._pairs:
            self._pairs[own, other] = self._compared(own, other)
        return self._pairs[own, other]

    def _compared(self, own: str, other: str) -> _Pairs:
        sheet = dataclasses.replace(self._demarche.sheet(), twins="")
        plan = plan_passes(sheet, "standard", (declared(self._parts[own]), declared(self._parts[other])))
        key, sides = RunKey(fresh_share()), (self._people_of(own), self._people_of(other))
        encoded = [list(encode_passes(side, sheet, plan, key)) for side in sides]
        both = (encoded[0], encoded[1])
        pairs, dice = links_of(plan, both, link_passes(plan, both), len(sides[1]))
        strict = np.asarray((dice >= dice_floors(plan, [one.strict for one in plan.passes])).any(axis=1))
        places = [_places(self._parts[name], side) for name, side in zip((own, other), sides, strict=True)]
        linked: dict[int, dict[int, bool]] = defaultdict(dict)
        for (left, right), sure in zip(pairs.tolist(), strict.tolist(), strict=True):
            linked[places[0][left]][places[1][right]] = sure
        return _Pairs(linked=linked, blocks=(_blocks(encoded[0], places[0]), _blocks(encoded[1], places[1])))


def _rows_of(part: Part) -> dict[int, list[int]]:
    """Entity → its rows."""
    found: dict[int, list[int]] = defaultdict(list)
    for row, one in enumerate(part.entity):
        found[one].append(row)
    return found


def _taken_of(part: Part) -> frozenset[int]:
    """Entities that a run takes."""
    return frozenset(one for one, taken in zip(part.entity, part.taken.tolist(), strict=True) if taken)


def _places(part: Part, records: Records) -> list[int]:
    """Record → row of the file."""
    at = {name: row for row, name in enumerate(part.ids)}
    return [at[name] for name in records.ids]


def _blocks(passes: Sequence[HolderPass], places: Sequence[int]) -> list[dict[int, bytes]]:
    """For each pass, row of the file → tag of its block."""
    return [
        {
            places[record]: bytes(tag)
            for record, tag in zip(one.records.tolist(), np.ascontiguousarray(one.encoded.tags), strict=True)
        }
        for one in passes
    ]
