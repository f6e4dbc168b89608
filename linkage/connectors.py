"""Connectors: the shapes in which administrations write their people, as named presets of columns (docs/connecteurs.md).

A connector is a strict TOML file (`version = "connecteur/v1"`, keys in French as the agents who review them read it):

* `titre`, `organisme`, `source`, `fichier`, `ligne`, `pieges`: words, for the agent;
* `certitude`: `constate` (columns read in public code), `champs` (fields known, names of columns supposed), `suppose`;
* `absents`: attributes that such a file does not have;
* `[colonnes]`: attribute, under the name that the shipped sheets give it, or `id` → a column, a list of columns, or a
  table {colonne, format, vide}; `vide` lists cells that mean no value;
* `[coupe]`: attribute → characters after which the file cuts; `[prenoms_gardes]`: attribute → first names it keeps;
* `[chiffres]`: attribute or `id` → digits that a complete value has.

A connector only says what one side's file looks like: nothing of it is in the digest that both parties share. What both
must know of it (`coupe`, `prenoms_gardes`) belongs in the sheet, and `Connector.mismatches` says where the sheet does not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from linkage.attribute import NAME, check_closed, one_string, several_strings, whole_number
from linkage.errors import LinkageError, SheetError
from linkage.sheet import Sheet, load_sheet

__all__ = [
    "CERTAINTIES",
    "Connector",
    "french_columns",
    "list_connectors",
    "load_connector",
    "parse_connector",
    "read_columns",
    "with_file_columns",
]

VERSION = "connecteur/v1"
CERTAINTIES = {
    "constate": "colonnes constatées dans du code public",
    "champs": "champs constatés, noms de colonnes supposés",
    "suppose": "forme supposée, à ajuster par --columns",
}

_WORDS = ("titre", "organisme", "source", "certitude", "fichier", "ligne")
_TABLES = ("colonnes", "coupe", "prenoms_gardes", "chiffres")
_KEYS = {"version", "absents", "pieges", *_WORDS, *_TABLES}
_FRENCH = {"colonne": "column", "format": "format", "vide": "missing"}
_FILE_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, kw_only=True)
class Connector:
    """What one kind of file looks like.

    Attributes:
        name: what `--connector` takes.
        title, body, source, file, row: words for the agent: what it is, whose, known from where, its form, what a row is.
        certainty: one of `CERTAINTIES`.
        absent: attributes that such a file does not have.
        traps: sentences.
        columns: attribute or `id` → what `Sheet.with_columns` takes.
        cuts: attribute → characters after which the file cuts.
        first_names: attribute → first names that the file keeps.
        digits: attribute or `id` → digits of a complete value.
    """

    name: str
    title: str
    body: str
    source: str
    certainty: str
    file: str
    row: str
    absent: tuple[str, ...]
    traps: tuple[str, ...]
    columns: Mapping[str, Any]
    cuts: Mapping[str, int]
    first_names: Mapping[str, int]
    digits: Mapping[str, int]

    def columns_for(self, sheet: Sheet, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The columns of a side of that sheet: the connector's, with the agent's own on top.

        Args:
            sheet: attributes that it does not have are passed over.
            own: attribute → column, as `Sheet.with_columns` takes them; they replace the connector's.

        Raises:
            LinkageError: `E_CONNECTEUR` when the sheet demands attributes that such a file does not have.
        """
        known = {attribute.name for attribute in sheet.attributes}
        columns = {name: entry for name, entry in self.columns.items() if name in known or name == "id"}
        columns.update(own or {})
        lacking = [
            a.name for a in sheet.attributes if not a.optional and a.name in self.absent and a.name not in columns
        ]
        if lacking or not known & set(columns):
            missing = ", ".join(lacking) or "d'autres attributs"
            shipped = " ou ".join(self.shipped_sheets()) or "aucune de celles qui sont livrées"
            sentence = (
                f"la feuille {sheet.name} demande {missing}, que les fichiers du connecteur {self.name} n'ont pas : "
                f"prenez une feuille qui s'en passe ({shipped}), ou donnez la colonne par --columns"
            )
            raise LinkageError("E_CONNECTEUR", sentence)
        return columns

    def shipped_sheets(self) -> list[str]:
        """Names of the shipped sheets whose attributes such a file has, second forms of names apart."""
        files = (entry.name for entry in resources.files("linkage").joinpath("identities").iterdir())
        names = sorted(file.removesuffix(".toml") for file in files if file.endswith(".toml"))
        return [
            name
            for name in names
            if all(one.second_form_of or one.name in self.columns for one in load_sheet(name).attributes)
        ]

    def mismatches(self, sheet: Sheet) -> list[str]:
        """French sentences: what the file does to values and the sheet does not tell the other side."""
        found = []
        for attribute in sheet.attributes:
            cut, kept = self.cuts.get(attribute.name, 0), self.first_names.get(attribute.name, 0)
            if cut and not 0 < attribute.longest <= cut:
                found.append(f"{attribute.name} est coupé à {cut} caractères : la feuille doit porter longest = {cut}")
            if kept and attribute.kind == "given_names" and not 0 < attribute.most <= kept:
                found.append(f"{attribute.name} ne garde que {kept} prénom(s) : la feuille doit porter most = {kept}")
        return found


def list_connectors() -> list[str]:
    """Names of the connectors that are shipped, sorted."""
    names = (entry.name for entry in resources.files("linkage").joinpath("connectors").iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_connector(name: str) -> Connector:
    """A shipped connector by its name.

    Raises:
        LinkageError: `E_CONNECTEUR` when there is none of that name.
    """
    if not _FILE_NAME.fullmatch(name) or name not in list_connectors():
        known = ", ".join(list_connectors())
        raise LinkageError("E_CONNECTEUR", f"aucun connecteur de ce nom ; les connecteurs sont : {known}")
    text = resources.files("linkage").joinpath("connectors", f"{name}.toml").read_text("utf-8")
    return parse_connector(name, text)


def parse_connector(name: str, text: str) -> Connector:
    """The connector that a TOML text describes, checked whole.

    Raises:
        LinkageError: `E_CONNECTEUR`, `E_CLE_INCONNUE`, `E_FEUILLE`, with the place of the fault.
    """
    where = f"connecteur {name}"
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LinkageError("E_CONNECTEUR", f"{where} : ce n'est pas du TOML valide : {error}") from error
    check_closed(table, _KEYS, where)
    if table.get("version") != VERSION:
        raise LinkageError("E_CONNECTEUR", f'{where} : le fichier doit porter version = "{VERSION}"')
    words = {key: one_string(table.get(key), f"{where} : {key}") for key in _WORDS}
    if words["certitude"] not in CERTAINTIES:
        raise LinkageError("E_CONNECTEUR", f"{where} : certitude est l'un de {', '.join(CERTAINTIES)}")
    parts = {key: _table(table.get(key, {}), f"{where} [{key}]") for key in _TABLES}
    absent, columns = _texts(table.get("absents", []), where), french_columns(parts["colonnes"], f"{where} [colonnes]")
    if "id" not in columns or set(absent) & set(columns):
        raise LinkageError("E_CONNECTEUR", f"{where} : [colonnes] a un id, et rien de ce que dit absents")
    return Connector(
        name=name,
        title=words["titre"],
        body=words["organisme"],
        source=words["source"],
        certainty=words["certitude"],
        file=words["fichier"],
        row=words["ligne"],
        absent=absent,
        traps=_texts(table.get("pieges", []), where),
        columns=columns,
        cuts=_numbers(parts["coupe"], columns, f"{where} [coupe]"),
        first_names=_numbers(parts["prenoms_gardes"], columns, f"{where} [prenoms_gardes]"),
        digits=_numbers(parts["chiffres"], columns, f"{where} [chiffres]"),
    )


def french_columns(entries: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Columns as agents write them ({colonne, format, vide}) as `Sheet.with_columns` takes them ({column, format, missing}).

    Raises:
        SheetError: `E_CLE_INCONNUE`, `E_FEUILLE`.
    """
    columns: dict[str, Any] = {}
    for name, entry in entries.items():
        if not NAME.fullmatch(name):
            raise SheetError("E_FEUILLE", f"{where} : {name} n'est pas un nom d'attribut")
        if isinstance(entry, Mapping):
            # The sheet's own words are accepted too.
            check_closed(entry, {*_FRENCH, *_FRENCH.values()}, f"{where} {name}")
            for key in entry:
                several_strings(entry[key], f"{where} {name} : {key}")
            columns[name] = {_FRENCH.get(key, key): value for key, value in entry.items()}
        else:
            columns[name] = entry if isinstance(entry, str) else list(several_strings(entry, f"{where} {name}"))
    return columns


def read_columns(path: Path) -> dict[str, Any]:
    """The agent's own columns from a TOML file of lines ``attribute = "COLUMN"``.

    Raises:
        LinkageError: `E_COLONNES` when it cannot be read; else as `french_columns`.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        sentence = f'{path.name} doit être un fichier TOML de lignes attribut = "COLONNE"'
        raise LinkageError("E_COLONNES", sentence) from error
    return french_columns(table, path.name)


def with_file_columns(sheet: Sheet, side: str, connector: str | None, columns: Path | None) -> Sheet:
    """The sheet with the columns of one side's file: the connector's, or those that the sheet has, then the agent's own.

    Args:
        sheet: what both parties share.
        side: whose file it is.
        connector: name of a shipped connector, which replaces the columns that the sheet has for that side.
        columns: TOML file of the agent's own columns.

    Raises:
        LinkageError: see `load_connector`, `Connector.columns_for`, `read_columns` and `Sheet.with_columns`.
    """
    own = read_columns(columns) if columns else {}
    if connector is not None:
        return sheet.with_columns(side, load_connector(connector).columns_for(sheet, own))
    return sheet.with_columns(side, {**sheet.columns.get(side, {}), **own}) if own else sheet


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise LinkageError("E_CONNECTEUR", f"{where} doit être une table")
    return value


def _texts(values: Any, where: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        raise LinkageError("E_CONNECTEUR", f"{where} : absents et pieges sont des listes de textes")
    return tuple(values)


def _numbers(table: Mapping[str, Any], known: Iterable[str], where: str) -> dict[str, int]:
    check_closed(table, set(known), where)
    return {name: whole_number(value, 1, 100, f"{where} {name}") for name, value in table.items()}
