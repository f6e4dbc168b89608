"""The linkage sheet: what both parties must share to compare two files, as strict TOML (docs/sheet.md has the grammar).

A sheet names the attributes, the kind of each, its share of the bits, and the ways of dividing records into blocks. It
names columns too, but those belong to one file: they stay out of the digest that both parties compare.

Unknown keys are errors: a sheet is read like a contract.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from crypto.framing import canonical_json
from linkage.errors import SheetError

__all__ = ["COMPONENTS", "DATE_FORMATS", "KINDS", "Attribute", "PassRule", "Sheet", "load_sheet"]

VERSION = "linkage/v1"

# What a block value may be made of, for each kind of attribute.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "name": ("initial", "two"),
    "given_names": ("initial", "two"),
    "date": ("year", "month", "day", "day_month"),
    "code": ("value",),
    "cog": ("value",),
    "country": ("value",),
    "category": ("value",),
    "sex": ("value",),
    "text": ("value",),
}
KINDS = tuple(COMPONENTS)
DATE_FORMATS = (
    "AAAA-MM-JJ",
    "AAAAMMJJ",
    "JJ/MM/AAAA",
    "JJ.MM.AAAA",
    "JJ-MM-AAAA",
    "JJMMAAAA",
    "MM/JJ/AAAA",
    "EXCEL",  # the serial number of a day, as a spreadsheet stores it
)

_TOP = {"version", "name", "id", "attributes", "passes", "statistics", "columns", "strict"}
_ATTRIBUTE = {"kind", "column", "bits", "format", "pad", "second_form_of", "optional", "invalid", "class"}
_INVALID = ("refuse", "missing")
_LONGEST_PAD = 32
_MOST_VALUES = 10_000_000  # of a component whose values are taken as equally frequent
# Attributes and passes name keys, columns of messages and parts of URLs.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# Of one attribute: what a component already says of another one.
_WITHIN = {"initial": {"two"}, "day": {"day_month"}, "month": {"day_month"}}


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute of the identity.

    Attributes:
        name: its name in the sheet.
        kind: one of `KINDS`; decides normalisation, features and comparison.
        columns: columns of the file, joined with a space.
        bits: weight: its share of the filter is bits / sum of bits.
        formats: accepted date formats, in order, out of `DATE_FORMATS`.
        pad: codes are left-padded with zeros to this length; 0 = never.
        second_form_of: another form of that name attribute; ignored where it says the same.
        optional: the column may be absent from a file.
        invalid: what a cell that cannot be right does to its row: `refuse`, or count as `missing` (and be reported).
        token_class: texts of one class share their tokens, so that swapped fields still meet (names always do).
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    bits: int
    formats: tuple[str, ...]
    pad: int
    second_form_of: str | None
    optional: bool
    invalid: str
    token_class: str | None


@dataclass(frozen=True, kw_only=True)
class PassRule:
    """One way of dividing records: block values from coarse to fine; the planner picks by declared size."""

    name: str
    ladder: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A checked sheet. `columns` maps a side to its own column names and date formats."""

    name: str
    identifier: str
    attributes: tuple[Attribute, ...]
    passes: tuple[PassRule, ...]
    strict: int
    statistics: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Sheet:
        """The sheet in a parsed TOML table.

        Raises:
            SheetError: `E_CLE_INCONNUE`, `E_FEUILLE`, `E_BLOC_INCONNU`, `E_FORMAT_DATE` with the place of the fault.
        """
        _closed(table, _TOP, "la feuille")
        if table.get("version") != VERSION:
            raise SheetError("E_FEUILLE", f'la feuille doit commencer par version = "{VERSION}"')
        attributes = tuple(_attribute(name, entry) for name, entry in _mapping(table, "attributes").items())
        if not attributes:
            raise SheetError("E_FEUILLE", "la feuille ne déclare aucun attribut : ajoutez [attributes.…]")
        sheet = cls(
            name=_string(table.get("name", ""), "name"),
            strict=_strict(table.get("strict", 0)),
            identifier=_string(table.get("id", "id"), "id"),
            attributes=attributes,
            passes=tuple(_pass_rule(entry) for entry in _listed(table, "passes")),
            statistics=_mapping(table, "statistics"),
            columns=_mapping(table, "columns"),
        )
        _check_references(sheet)
        return sheet

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all that both parties must share: everything but columns and date formats."""
        shared = {
            "version": VERSION,
            "name": self.name,
            "attributes": [
                {
                    "name": a.name,
                    "kind": a.kind,
                    "bits": a.bits,
                    "pad": a.pad,
                    "second": a.second_form_of or "",
                    "class": a.token_class or "",
                }
                for a in self.attributes
            ],
            "passes": [{"name": p.name, "ladder": [list(level) for level in p.ladder]} for p in self.passes],
            "statistics": dict(self.statistics),
            "strict": self.strict,
        }
        return hashlib.sha256(canonical_json(shared)).hexdigest()

    def attribute(self, name: str) -> Attribute:
        """The attribute of that name (KeyError when there is none)."""
        return {attribute.name: attribute for attribute in self.attributes}[name]

    def with_columns(self, side: str, columns: Mapping[str, Any]) -> Sheet:
        """The same sheet with the columns of one side's file replaced.

        `columns` maps an attribute (or `id`) to a column, a list of columns, or a table {column, format}.
        """
        sheet = replace(self, columns={**self.columns, side: columns})
        _check_references(sheet)
        return sheet

    def for_side(self, side: str) -> tuple[str, tuple[Attribute, ...]]:
        """(identifier column, attributes) with the columns and formats of that side's file."""
        own = self.columns.get(side, {})
        attributes = []
        for attribute in self.attributes:
            entry = own.get(attribute.name)
            if isinstance(entry, Mapping):
                formats = _strings(entry.get("format", attribute.formats), side)
                columns = _strings(entry.get("column", attribute.columns), side)
                attributes.append(replace(attribute, columns=columns, formats=formats))
            elif entry is not None:
                attributes.append(replace(attribute, columns=_strings(entry, side)))
            else:
                attributes.append(attribute)
        return str(own.get("id", self.identifier)), tuple(attributes)


def load_sheet(source: Path | str) -> Sheet:
    """A sheet from a TOML file, or one of those shipped (`P1`…) by its name.

    Raises:
        SheetError: `E_FEUILLE` when it cannot be read; see `Sheet.from_table`.
    """
    try:
        if isinstance(source, str) and source.isalnum():
            text = resources.files("linkage").joinpath("identities", f"{source}.toml").read_text("utf-8")
        else:
            text = Path(source).read_text("utf-8")
        return Sheet.from_table(tomllib.loads(text))
    except (OSError, UnicodeDecodeError) as error:
        raise SheetError("E_FEUILLE", "la feuille ne peut pas être lue (fichier absent ou pas en UTF-8)") from error
    except tomllib.TOMLDecodeError as error:
        raise SheetError("E_FEUILLE", f"la feuille n'est pas du TOML valide : {error}") from error


def _strict(value: Any) -> int:
    """Per mille of estimated Dice under which a link is never strict; 0 = no such floor."""
    if type(value) is not int or not (value == 0 or 500 <= value <= 1000):
        raise SheetError("E_FEUILLE", "strict est un entier de 500 à 1000, en millièmes de Dice estimé")
    return value


def _attribute(name: str, entry: Any) -> Attribute:
    where = f"[attributes.{name}]"
    if not isinstance(entry, Mapping):
        raise SheetError("E_FEUILLE", f"{where} doit être une table")
    _closed(entry, _ATTRIBUTE, where)
    if not _NAME.fullmatch(name) or name == "id":
        raise SheetError(
            "E_FEUILLE", f"{where} : un nom d'attribut a lettres sans accent, chiffres, _ et - ; « id » est pris"
        )
    kind = entry.get("kind")
    if kind not in KINDS:
        raise SheetError("E_FEUILLE", f"{where} : kind doit être l'un de {', '.join(KINDS)}")
    invalid = entry.get("invalid", "refuse")
    if invalid not in _INVALID:
        raise SheetError("E_FEUILLE", f"{where} : invalid doit être l'un de {', '.join(_INVALID)}")
    optional = entry.get("optional", False)
    if not isinstance(optional, bool):
        raise SheetError("E_FEUILLE", f"{where} : optional doit être true ou false")
    if "class" in entry and kind != "text":
        raise SheetError("E_FEUILLE", f'{where} : class ne va qu\'avec kind = "text" (les noms partagent déjà la leur)')
    return Attribute(
        name=name,
        kind=kind,
        columns=_columns(entry.get("column", name), kind, where),
        bits=_whole(entry.get("bits"), 1, 1000, f"{where} : bits"),
        formats=_formats(entry.get("format", DATE_FORMATS[0]), kind, where),
        pad=_whole(entry.get("pad", 0), 0, _LONGEST_PAD, f"{where} : pad"),
        second_form_of=_string(entry["second_form_of"], where) if "second_form_of" in entry else None,
        optional=optional,
        invalid=invalid,
        token_class=_string(entry["class"], where) if "class" in entry else None,
    )


def _columns(value: Any, kind: str, where: str) -> tuple[str, ...]:
    columns = _strings(value, where)
    if kind == "date" and len(columns) not in (1, 3):
        raise SheetError("E_FEUILLE", f"{where} : une date tient dans une colonne, ou dans trois : année, mois, jour")
    return columns


def _formats(value: Any, kind: str, where: str) -> tuple[str, ...]:
    formats = _strings(value, where)
    if kind == "date" and not set(formats) <= set(DATE_FORMATS):
        raise SheetError("E_FORMAT_DATE", f"{where} : les formats de date sont {', '.join(DATE_FORMATS)}")
    return formats


def _pass_rule(entry: Any) -> PassRule:
    if not isinstance(entry, Mapping) or not _NAME.fullmatch(_string(entry.get("name"), "[[passes]] name")):
        raise SheetError("E_FEUILLE", "chaque [[passes]] a un name, fait de lettres sans accent, chiffres, _ et -")
    where = f"[[passes]] {entry['name']}"
    _closed(entry, {"name", "blocks"}, where)
    ladder = entry.get("blocks")
    if not isinstance(ladder, list) or not ladder or not all(isinstance(level, list) and level for level in ladder):
        raise SheetError("E_FEUILLE", f"{where} : blocks est une liste de listes, de la plus grossière à la plus fine")
    return PassRule(name=entry["name"], ladder=tuple(_strings(level, where) for level in ladder))


def _check_references(sheet: Sheet) -> None:
    kinds = {attribute.name: attribute.kind for attribute in sheet.attributes}
    for rule in sheet.passes:
        for level in rule.ladder:
            _check_level(rule.name, level, kinds)
    if len({rule.name for rule in sheet.passes}) != len(sheet.passes):
        raise SheetError("E_FEUILLE", "deux passes portent le même nom")
    for attribute in sheet.attributes:
        other = attribute.second_form_of
        if other is not None and (other == attribute.name or kinds.get(other) != attribute.kind):
            raise SheetError("E_FEUILLE", f"{attribute.name} : second_form_of doit nommer un attribut du même kind")
    for component, declared in sheet.statistics.items():
        _check_statistic(component, declared, kinds)
    for side in sheet.columns:
        _check_side(f"[columns.{side}]", _mapping(sheet.columns, side), kinds)


def _check_level(rule: str, level: tuple[str, ...], kinds: Mapping[str, str]) -> None:
    parts: dict[str, set[str]] = {}
    for component in level:
        name, _, part = component.partition(".")
        if name not in kinds or part not in COMPONENTS[kinds[name]]:
            known = ", ".join(COMPONENTS[kinds[name]]) if name in kinds else "un attribut déclaré"
            raise SheetError("E_BLOC_INCONNU", f"passe {rule} : « {component} » : attendu {known}")
        parts.setdefault(name, set()).add(part)
    repeated = len(set(level)) < len(level)
    if repeated or any(some & _WITHIN.get(part, set()) for some in parts.values() for part in some):
        raise SheetError("E_FEUILLE", f"passe {rule} : un palier répète ce qu'un autre de ses composants dit déjà")


def _check_statistic(component: str, declared: Any, kinds: Mapping[str, str]) -> None:
    """What `linkage.statistics` counts on: a known component, and numbers that make shares."""
    where = f"[statistics] {component}"
    name, _, part = component.partition(".")
    known = COMPONENTS.get(kinds.get(name, ""), ())
    if (part or "value") not in known or part == "value":
        raise SheetError("E_CLE_INCONNUE", f"{where} : ni un attribut qui divise par sa valeur, ni un composant")
    if not isinstance(declared, Mapping):
        _whole(declared, 1, _MOST_VALUES, where)
    elif set(declared) == {"from", "to"}:
        first = _whole(declared["from"], 1000, 9999, f"{where} from")
        _whole(declared["to"], first, 9999, f"{where} to")
        if part != "year":
            raise SheetError("E_FEUILLE", f"{where} : from et to bornent des années")
    else:
        weights = [_whole(weight, 0, _MOST_VALUES, where) for weight in declared.values()]
        if not sum(weights):
            raise SheetError("E_FEUILLE", f"{where} : des fréquences sont attendues")


def _check_side(where: str, columns: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    unknown = set(columns) - set(kinds) - {"id"}
    if unknown:
        raise SheetError("E_CLE_INCONNUE", f"{where} : attribut inconnu : {', '.join(sorted(unknown))}")
    for name, entry in columns.items():
        place = f"{where} {name}"
        if name == "id":
            _string(entry, place)
        elif isinstance(entry, Mapping):
            _closed(entry, {"column", "format"}, place)
            _columns(entry.get("column", name), kinds[name], place)
            _formats(entry.get("format", DATE_FORMATS[0]), kinds[name], place)
        else:
            _columns(entry, kinds[name], place)


def _closed(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise SheetError("E_CLE_INCONNUE", f"{where} : clé inconnue : {', '.join(unknown)}")


def _mapping(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise SheetError("E_FEUILLE", f"[{key}] doit être une table")
    return value


def _listed(table: Mapping[str, Any], key: str) -> list[Any]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise SheetError("E_FEUILLE", f"[[{key}]] doit être une liste de tables")
    return value


def _whole(value: Any, least: int, most: int, where: str) -> int:
    if type(value) is not int or not least <= value <= most:
        raise SheetError("E_FEUILLE", f"{where} : un entier de {least} à {most} est attendu")
    return value


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise SheetError("E_FEUILLE", f"{where} : une chaîne est attendue")
    return value


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise SheetError("E_FEUILLE", f"{where} : une chaîne ou une liste de chaînes est attendue")
