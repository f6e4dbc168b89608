"""The linkage sheet: what both parties must share to compare two files, as strict TOML (docs/sheet.md has the grammar).

A sheet names the attributes, the kind of each, its share of the bits, and the ways of dividing records into blocks. It
names columns too, but those belong to one file: they stay out of the digest that both parties compare.

Unknown keys are errors: a sheet is read like a contract.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, cast, get_args

from crypto.framing import canonical_json
from linkage.attribute import (
    COMPONENTS,
    NAME,
    Attribute,
    check_closed,
    check_side,
    one_string,
    parse_attribute,
    several_strings,
    whole_number,
)
from linkage.errors import SheetError
from linkage.plan import Solving

__all__ = ["PassRule", "Sheet", "load_sheet"]

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
}
_BAD_ROWS = ("refuse", "skip")
_SOLVING = get_args(Solving)
_MOST_BAD_ROWS = 20  # per mille
_MOST_VALUES = 10_000_000  # of a component whose values are taken as equally frequent
# Of one attribute: what a component already says of another one.
_WITHIN = {
    "initial": {"two", "three"},
    "two": {"three"},
    "decade": {"year"},
    "unit": {"year"},
    "day": {"day_month"},
    "month": {"day_month"},
}


@dataclass(frozen=True, kw_only=True)
class PassRule:
    """One way of dividing records: block values from coarse to fine; the planner picks by declared size.

    `split` divides the heaviest values further, by one component after the other that the level lacks. With `form`, that
    second form of a name stands in the first one's place in this pass, where a record has one. `bits` are weights of
    attributes in this pass only.
    """

    name: str
    ladder: tuple[tuple[str, ...], ...]
    split: tuple[str, ...] = ()
    form: str = ""
    bits: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A checked sheet. `columns` maps a side to its own column names and date formats.

    `information` and `strict` are floors, in thousandths of estimated Dice, under which a link is never told, or never strict.
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
            "attributes": [attribute.shared() for attribute in self.attributes],
            "passes": [
                {"name": p.name, "ladder": [list(level) for level in p.ladder], "split": list(p.split), "form": p.form}
                | {"bits": dict(p.bits)}
                for p in self.passes
            ],
            "statistics": dict(self.statistics),
            "information": self.information,
            "strict": self.strict,
            **({} if self.solving == "one-to-one" else {"solving": self.solving}),
        }
        return hashlib.sha256(canonical_json(shared)).hexdigest()

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


def _pass_rule(entry: Any) -> PassRule:
    if not isinstance(entry, Mapping) or not NAME.fullmatch(one_string(entry.get("name"), "[[passes]] name")):
        raise SheetError("E_FEUILLE", "chaque [[passes]] a un name, fait de lettres sans accent, chiffres, _ et -")
    where = f"[[passes]] {entry['name']}"
    check_closed(entry, {"name", "blocks", "split", "form", "bits"}, where)
    ladder = entry.get("blocks")
    if not isinstance(ladder, list) or not ladder or not all(isinstance(level, list) and level for level in ladder):
        raise SheetError("E_FEUILLE", f"{where} : blocks est une liste de listes, de la plus grossière à la plus fine")
    return PassRule(
        name=entry["name"],
        ladder=tuple(several_strings(level, where) for level in ladder),
        split=several_strings(entry["split"], where) if "split" in entry else (),
        form=one_string(entry.get("form", ""), where),
        bits=tuple(
            (name, whole_number(bits, 1, 1000, f"{where} : bits.{name}"))
            for name, bits in _mapping(entry, "bits").items()
        ),
    )


def _check_references(sheet: Sheet) -> None:
    kinds = {attribute.name: attribute.kind for attribute in sheet.attributes}
    for rule in sheet.passes:
        _check_pass(rule, sheet, kinds)
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
    for component, declared in sheet.statistics.items():
        _check_statistic(component, declared, kinds)
    for side in sheet.columns:
        check_side(f"[columns.{side}]", _mapping(sheet.columns, side), kinds)


def _check_pass(rule: PassRule, sheet: Sheet, kinds: Mapping[str, str]) -> None:
    for level in rule.ladder:
        _check_level(rule.name, (*level, *(one for one in rule.split if one not in level)), kinds)
    unknown = sorted({name for name, _ in rule.bits} - set(kinds))
    if unknown:
        raise SheetError("E_CLE_INCONNUE", f"passe {rule.name} : bits : attribut inconnu : {', '.join(unknown)}")
    if rule.form and not any(one.name == rule.form and one.second_form_of for one in sheet.attributes):
        raise SheetError("E_FEUILLE", f"passe {rule.name} : form doit nommer un attribut qui a second_form_of")


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
