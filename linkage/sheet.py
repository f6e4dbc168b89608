"""The linkage sheet: what both parties must share to compare two files, as strict TOML (docs/sheet.md has the grammar).

A sheet names the attributes, the kind of each, its share of the bits, and the ways of dividing records into blocks. It
names columns too, but those belong to one file: they stay out of the digest that both parties compare.

Unknown keys are errors: a sheet is read like a contract.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, cast, get_args

from crypto.framing import canonical_json
from linkage.attribute import (
    COMPONENTS,
    Attribute,
    check_closed,
    check_side,
    one_string,
    parse_attribute,
    several_strings,
    whole_number,
)
from linkage.errors import SheetError
from linkage.pass_rule import PassRule
from linkage.plan import Solving

__all__ = ["Sheet", "load_sheet"]

VERSION = "linkage/v1"

_TOP = {
    "version",
    "name",
    "id",
    "attributes",
    "passes",
    "statistics",
    "columns",
    "information",
    "strict",
    "solving",
    "bad_rows",
    "most_bad_rows",
    "twins",
}
_BAD_ROWS = ("refuse", "skip")
_SOLVING = get_args(Solving)
_MOST_BAD_ROWS = 20  # per mille
_MOST_VALUES = 10_000_000  # of a component whose values are taken as equally frequent


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A checked sheet. `columns` maps a side to its own column names and date formats.

    `information` and `strict` are floors, in thousandths of estimated Dice, under which a link is never told, or never strict.
    `twins` names an attribute that is in no filter: each pass gets a twin whose blocks divide by it as well, so that the owners
    learn whether it differs (`linkage.passes`); records without it are in no pass.
    With `solving` many-to-one, rows of the left file may share a row of the right one: the left file holds several of a person.
    Rows that cannot be used refuse the file or are skipped (`bad_rows`), up to `most_bad_rows` in a thousand.
    """

    name: str
    identifiers: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    passes: tuple[PassRule, ...]
    information: int
    strict: int
    solving: Solving
    bad_rows: str
    most_bad_rows: int
    statistics: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Any]]
    twins: str = ""

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Sheet:
        """The sheet in a parsed TOML table.

        Raises:
            SheetError: `E_CLE_INCONNUE`, `E_FEUILLE`, `E_BLOC_INCONNU`, `E_FORMAT_DATE` with the place of the fault.
        """
        check_closed(table, _TOP, "la feuille")
        if table.get("version") != VERSION:
            raise SheetError("E_FEUILLE", f'la feuille doit commencer par version = "{VERSION}"')
        attributes = tuple(parse_attribute(name, entry) for name, entry in _mapping(table, "attributes").items())
        if not attributes:
            raise SheetError("E_FEUILLE", "la feuille ne déclare aucun attribut : ajoutez [attributes.…]")
        sheet = cls(
            name=one_string(table.get("name", ""), "name"),
            information=_floor(table.get("information", 0), "information"),
            strict=_floor(table.get("strict", 0), "strict"),
            solving=_solving(table.get("solving", "one-to-one")),
            bad_rows=_bad_rows(table.get("bad_rows", "refuse")),
            most_bad_rows=whole_number(table.get("most_bad_rows", _MOST_BAD_ROWS), 0, 1000, "most_bad_rows"),
            identifiers=several_strings(table.get("id", "id"), "id"),
            attributes=attributes,
            passes=tuple(PassRule.from_table(entry) for entry in _listed(table, "passes")),
            statistics=_mapping(table, "statistics"),
            columns=_mapping(table, "columns"),
            twins=one_string(table.get("twins", ""), "twins"),
        )
        _check_references(sheet)
        return sheet

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all that both parties must share: everything but columns and date formats."""
        shared = {
            "version": VERSION,
            "name": self.name,
            "attributes": [attribute.shared() for attribute in self.attributes],
            "passes": [rule.shared() for rule in self.passes],
            "statistics": dict(self.statistics),
            "information": self.information,
            "strict": self.strict,
            **({} if self.solving == "one-to-one" else {"solving": self.solving}),
            **({"twins": self.twins} if self.twins else {}),
        }
        return hashlib.sha256(canonical_json(shared)).hexdigest()

    @property
    def compared(self) -> tuple[Attribute, ...]:
        """The attributes that filters are made of."""
        return tuple(one for one in self.attributes if one.bits)

    @property
    def divisions(self) -> tuple[PassRule, ...]:
        """The passes that compare filters."""
        return tuple(one for one in self.passes if not one.exact)

    @property
    def equalities(self) -> tuple[PassRule, ...]:
        """The passes that link equal values."""
        return tuple(one for one in self.passes if one.exact)

    def attribute(self, name: str) -> Attribute:
        """The attribute of that name (KeyError when there is none)."""
        return {attribute.name: attribute for attribute in self.attributes}[name]

    def names_only(self, components: Iterable[str]) -> bool:
        """Whether a block value made of these components tells names and nothing else; sex beside them changes nothing."""
        kinds = {self.attribute(component.partition(".")[0]).kind for component in components}
        return bool(kinds) and kinds <= {"name", "given_names", "sex"}

    def with_columns(self, side: str, columns: Mapping[str, Any]) -> Sheet:
        """The same sheet with the columns of one side's file replaced.

        `columns` maps an attribute (or `id`) to a column, a list of columns, or a table {column, format}.
        """
        sheet = replace(self, columns={**self.columns, side: columns})
        _check_references(sheet)
        return sheet

    def without(self, names: Collection[str]) -> Sheet:
        """The same sheet without some attributes, which one of the files has not: in no filter, and in no block value.

        Raises:
            SheetError: `E_CLE_INCONNUE` for an attribute that the sheet has not, `E_FEUILLE` where no pass is left.
        """
        if unknown := sorted(set(names) - {attribute.name for attribute in self.attributes}):
            raise SheetError("E_CLE_INCONNUE", f"la feuille {self.name} n'a pas d'attribut « {unknown[0]} » à retirer")
        kept = tuple(attribute for attribute in self.attributes if attribute.name not in names)
        passes = tuple(rule for rule in (rule.without(names) for rule in self.passes) if rule)
        if self.passes and not passes:
            sentence = (
                f"sans {', '.join(sorted(names))}, la feuille {self.name} n'a plus de passe : prenez un autre profil"
            )
            raise SheetError("E_FEUILLE", sentence)
        sheet = replace(self, attributes=kept, passes=passes)
        _check_references(sheet)
        return sheet

    def with_exact(self, name: str) -> Sheet:
        """The same sheet with a pass that links equal values of that code, where both files know it.

        Raises:
            SheetError: `E_FEUILLE` when it has an attribute of that name that is no code.
        """
        rule = PassRule(name=f"exact-{name}", ladder=(), exact=name)
        sheet = replace(self._with_unweighed(name, "code"), passes=(*self.passes, rule))
        _check_references(sheet)
        return sheet

    def with_twins(self, name: str, kind: str) -> Sheet:
        """The same sheet, each of whose passes has a twin that divides by that attribute as well.

        Raises:
            SheetError: `E_FEUILLE` when filters are made of it: the third party would see whether it differs.
        """
        sheet = replace(self._with_unweighed(name, kind), twins=name)
        _check_references(sheet)
        return sheet

    def _with_unweighed(self, name: str, kind: str) -> Sheet:
        if any(attribute.name == name for attribute in self.attributes):
            return self
        added = parse_attribute(name, {"kind": kind, "bits": 0, "optional": True})
        return replace(self, attributes=(*self.attributes, added))

    def for_side(self, side: str) -> tuple[tuple[str, ...], tuple[Attribute, ...]]:
        """(columns that name a row together, attributes) with the columns and formats of that side's file."""
        own = self.columns.get(side, {})
        attributes = []
        for attribute in self.attributes:
            entry = own.get(attribute.name)
            if isinstance(entry, Mapping):
                formats = several_strings(entry.get("format", attribute.formats), side)
                columns = several_strings(entry.get("column", attribute.columns), side)
                missing = entry.get("missing", attribute.missing)
                missing = several_strings(missing, side) if missing else ()
                attributes.append(replace(attribute, columns=columns, formats=formats, missing=missing))
            elif entry is not None:
                attributes.append(replace(attribute, columns=several_strings(entry, side)))
            else:
                attributes.append(attribute)
        return several_strings(own.get("id", self.identifiers), side), tuple(attributes)


def load_sheet(source: Path | str) -> Sheet:
    """A sheet from a TOML file, or one of those shipped (`P1`…) by its name.

    Raises:
        SheetError: `E_FEUILLE` when it cannot be read; see `Sheet.from_table`.
    """
    try:
        named = isinstance(source, str) and source.isalnum()
        text = _shipped(str(source)) if named else Path(source).read_text("utf-8")
        return Sheet.from_table(tomllib.loads(text))
    except (OSError, UnicodeDecodeError) as error:
        raise SheetError("E_FEUILLE", "la feuille ne peut pas être lue (fichier absent ou pas en UTF-8)") from error
    except tomllib.TOMLDecodeError as error:
        raise SheetError("E_FEUILLE", f"la feuille n'est pas du TOML valide : {error}") from error


def _shipped(name: str) -> str:
    """The text of a shipped sheet."""
    files = {
        file.name.removesuffix(".toml"): file for file in resources.files("linkage").joinpath("identities").iterdir()
    }
    if name not in files:
        rule = f"aucune feuille fournie ne porte ce nom, majuscules comprises ; celles qui le sont : {', '.join(sorted(files))}"
        raise SheetError("E_FEUILLE", f"{rule} ; pour un fichier à vous, donnez son chemin, ./{name}.toml par exemple")
    return files[name].read_text("utf-8")


def _floor(value: Any, key: str) -> int:
    """Per mille of estimated Dice under which a link is never told, or never strict; 0 = no such floor."""
    if type(value) is not int or not (value == 0 or 500 <= value <= 1000):
        raise SheetError("E_FEUILLE", f"{key} est un entier de 500 à 1000, en millièmes de Dice estimé")
    return value


def _solving(value: Any) -> Solving:
    if value not in _SOLVING:
        raise SheetError("E_FEUILLE", f"solving doit être l'un de {', '.join(_SOLVING)}")
    return cast("Solving", value)


def _bad_rows(value: Any) -> str:
    if value not in _BAD_ROWS:
        raise SheetError("E_FEUILLE", f"bad_rows doit être l'un de {', '.join(_BAD_ROWS)}")
    return str(value)


def _check_references(sheet: Sheet) -> None:
    kinds = {attribute.name: attribute.kind for attribute in sheet.attributes}
    for rule in sheet.passes:
        rule.check(sheet.attributes)
    if len({rule.name for rule in sheet.passes}) != len(sheet.passes):
        raise SheetError("E_FEUILLE", "deux passes portent le même nom")
    for attribute in sheet.attributes:
        other = attribute.second_form_of
        if other is not None and (other == attribute.name or kinds.get(other) != attribute.kind):
            raise SheetError("E_FEUILLE", f"{attribute.name} : second_form_of doit nommer un attribut du même kind")
        if other is not None and sheet.attribute(other).second_form_of is not None:
            # A pass leaves out the second forms of the name that divides: a third form would slip through.
            raise SheetError(
                "E_FEUILLE", f"{attribute.name} : second_form_of nomme une première forme, pas une seconde"
            )
        country = attribute.country
        if country is not None and kinds.get(country) != "country":
            raise SheetError("E_FEUILLE", f"{attribute.name} : country doit nommer un attribut de kind country")
    if sheet.twins:
        _check_twins(sheet, kinds)
    for component, declared in sheet.statistics.items():
        _check_statistic(component, declared, kinds)
    for side in sheet.columns:
        check_side(f"[columns.{side}]", _mapping(sheet.columns, side), kinds)


def _check_twins(sheet: Sheet, kinds: Mapping[str, str]) -> None:
    if any(one.name == sheet.twins for one in sheet.compared):
        raise SheetError("E_FEUILLE", f"twins : {sheet.twins} entre dans les filtres ; donnez-lui bits = 0")
    if kinds.get(sheet.twins) not in ("code", "cog", "category"):
        raise SheetError("E_FEUILLE", "twins doit nommer un attribut de kind code, cog ou category")


def _check_statistic(component: str, declared: Any, kinds: Mapping[str, str]) -> None:
    """What `linkage.statistics` counts on: a known component, and numbers that make shares."""
    where = f"[statistics] {component}"
    name, _, part = component.partition(".")
    known = COMPONENTS.get(kinds.get(name, ""), ())
    if (part or "value") not in known or part == "value":
        raise SheetError("E_CLE_INCONNUE", f"{where} : ni un attribut qui divise par sa valeur, ni un composant")
    if not isinstance(declared, Mapping):
        whole_number(declared, 1, _MOST_VALUES, where)
    elif set(declared) == {"from", "to"}:
        first = whole_number(declared["from"], 1000, 9999, f"{where} from")
        whole_number(declared["to"], first, 9999, f"{where} to")
        if part != "year":
            raise SheetError("E_FEUILLE", f"{where} : from et to bornent des années")
    else:
        weights = [whole_number(weight, 0, _MOST_VALUES, where) for weight in declared.values()]
        if not sum(weights):
            raise SheetError("E_FEUILLE", f"{where} : des fréquences sont attendues")


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
