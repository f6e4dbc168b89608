"""The linkage sheet: what both parties must share to compare two files, as strict TOML (docs/sheet.md has the grammar).

A sheet names the attributes, the kind of each, its share of the bits, and the ways of dividing records into blocks. It
names columns too, but those belong to one file: they stay out of the digest that both parties compare.

Unknown keys are errors: a sheet is read like a contract.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from crypto.framing import canonical_json
from linkage.errors import SheetError

__all__ = ["COMPONENTS", "KINDS", "Attribute", "PassRule", "Sheet", "load_sheet"]

VERSION = "linkage/v1"

# What a block value may be made of, for each kind of attribute.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "name": ("initial", "two"),
    "given_names": ("initial", "two"),
    "date": ("year", "month", "day", "day_month"),
    "code": ("value",),
    "cog": ("value",),
    "category": ("value",),
    "sex": ("value",),
    "text": ("value",),
}
KINDS = tuple(COMPONENTS)

_TOP = {"version", "name", "id", "attributes", "passes", "statistics", "columns"}
_ATTRIBUTE = {"kind", "column", "bits", "format", "pad", "second_form_of", "optional", "invalid", "class"}
_INVALID = ("refuse", "missing")


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute of the identity.

    Attributes:
        name: its name in the sheet.
        kind: one of `KINDS`; decides normalisation, features and comparison.
        columns: columns of the file, joined with a space.
        bits: weight: its share of the filter is bits / sum of bits.
        formats: accepted date formats, in order (`AAAA-MM-JJ`, `JJ/MM/AAAA`…).
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
    statistics: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Sheet:
        """The sheet in a parsed TOML table.

        Raises:
            SheetError: `E_CLE_INCONNUE`, `E_FEUILLE`, `E_BLOC_INCONNU` with the place of the fault.
        """
        _closed(table, _TOP, "la feuille")
        if table.get("version") != VERSION:
            raise SheetError("E_FEUILLE", f'la feuille doit commencer par version = "{VERSION}"')
        attributes = tuple(_attribute(name, entry) for name, entry in _mapping(table, "attributes").items())
        if not attributes:
            raise SheetError("E_FEUILLE", "la feuille ne déclare aucun attribut : ajoutez [attributes.…]")
        sheet = cls(
            name=str(table.get("name", "")),
            identifier=str(table.get("id", "id")),
            attributes=attributes,
            passes=tuple(_pass_rule(entry) for entry in table.get("passes", [])),
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
                formats = _strings(entry["format"]) if "format" in entry else attribute.formats
                columns = _strings(entry.get("column", attribute.columns))
                attributes.append(replace(attribute, columns=columns, formats=formats))
            elif entry is not None:
                attributes.append(replace(attribute, columns=_strings(entry)))
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


def _attribute(name: str, entry: Any) -> Attribute:
    where = f"[attributes.{name}]"
    if not isinstance(entry, Mapping):
        raise SheetError("E_FEUILLE", f"{where} doit être une table")
    _closed(entry, _ATTRIBUTE, where)
    kind, bits = entry.get("kind"), entry.get("bits")
    if kind not in KINDS:
        raise SheetError("E_FEUILLE", f"{where} : kind doit être l'un de {', '.join(KINDS)}")
    if type(bits) is not int or not 1 <= bits <= 1000:
        raise SheetError("E_FEUILLE", f"{where} : bits doit être un entier de 1 à 1000")
    invalid = entry.get("invalid", "refuse")
    if invalid not in _INVALID:
        raise SheetError("E_FEUILLE", f"{where} : invalid doit être l'un de {', '.join(_INVALID)}")
    columns = _strings(entry.get("column", name))
    if kind == "date" and len(columns) not in (1, 3):
        raise SheetError("E_FEUILLE", f"{where} : une date tient dans une colonne, ou dans trois : année, mois, jour")
    if "class" in entry and (kind != "text" or not isinstance(entry["class"], str)):
        raise SheetError("E_FEUILLE", f'{where} : class ne va qu\'avec kind = "text" (les noms partagent déjà la leur)')
    return Attribute(
        name=name,
        kind=kind,
        columns=columns,
        bits=bits,
        formats=_strings(entry.get("format", "AAAA-MM-JJ")),
        pad=int(entry.get("pad", 0)),
        second_form_of=entry.get("second_form_of"),
        optional=bool(entry.get("optional", False)),
        invalid=invalid,
        token_class=entry.get("class"),
    )


def _pass_rule(entry: Any) -> PassRule:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise SheetError("E_FEUILLE", "chaque [[passes]] doit avoir un name")
    where = f"[[passes]] {entry['name']}"
    _closed(entry, {"name", "blocks"}, where)
    ladder = entry.get("blocks")
    if not isinstance(ladder, list) or not ladder or not all(isinstance(level, list) and level for level in ladder):
        raise SheetError("E_FEUILLE", f"{where} : blocks est une liste de listes, de la plus grossière à la plus fine")
    return PassRule(name=entry["name"], ladder=tuple(_strings(level) for level in ladder))


def _check_references(sheet: Sheet) -> None:
    kinds = {attribute.name: attribute.kind for attribute in sheet.attributes}
    for rule in sheet.passes:
        for component in {component for level in rule.ladder for component in level}:
            name, _, part = component.partition(".")
            if name not in kinds or part not in COMPONENTS[kinds[name]]:
                known = ", ".join(COMPONENTS[kinds[name]]) if name in kinds else "un attribut déclaré"
                raise SheetError("E_BLOC_INCONNU", f"passe {rule.name} : « {component} » : attendu {known}")
    if len({rule.name for rule in sheet.passes}) != len(sheet.passes):
        raise SheetError("E_FEUILLE", "deux passes portent le même nom")
    for attribute in sheet.attributes:
        other = attribute.second_form_of
        if other is not None and kinds.get(other) != attribute.kind:
            raise SheetError("E_FEUILLE", f"{attribute.name} : second_form_of doit nommer un attribut du même kind")
    for side, columns in sheet.columns.items():
        unknown = set(columns) - set(kinds) - {"id"}
        if unknown:
            raise SheetError("E_CLE_INCONNUE", f"[columns.{side}] : attribut inconnu : {', '.join(sorted(unknown))}")


def _closed(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise SheetError("E_CLE_INCONNUE", f"{where} : clé inconnue : {', '.join(unknown)}")


def _mapping(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise SheetError("E_FEUILLE", f"[{key}] doit être une table")
    return value


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise SheetError("E_FEUILLE", "une chaîne ou une liste de chaînes était attendue")
