"""Files in the form in which each administration writes them: the shipped connectors read them back.

The columns are those that a connector (or a sheet) names; what it does not say is here: separators, encodings, lines above the
header and under the last row, capitals without accents, signs for sex and country, zeros that a spreadsheet lost, columns that
are in the way. The facts behind each are on the page of connectors (docs/connecteurs.md).
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from linkage.synthetic.morphemes import without_accents

__all__ = ["FORMS", "Form", "cells_of", "write_shape"]

Columns = dict[str, list[str]]
_ISO_DATE = 10  # characters
_COUNTRIES = {
    "99100": ("FR", "FRANCE"), "99350": ("MA", "MAROC"), "99351": ("TN", "TUNISIE"), "99352": ("DZ", "ALGERIE"),
    "99139": ("PT", "PORTUGAL"), "99127": ("IT", "ITALIE"), "99134": ("ES", "ESPAGNE"), "99208": ("TR", "TURQUIE"),
}  # fmt: skip
_SEXES: dict[str, Mapping[str, str]] = {
    "QUALDOS": {"M": "MR", "F": "MME"},
    "qualite_allocataire": {"M": "MR", "F": "MME"},
    "civilite": {"M": "M.", "F": "Mme"},
    "genre_beneficiaire": {"M": "1", "F": "2", "": "0"},
}


@dataclass(frozen=True, kw_only=True)
class Form:
    """How one kind of file is written.

    Attributes:
        separator, encoding, quoting: of a CSV.
        above: lines before the header.
        below: a line after the last row.
        capitals: names in capitals without accents.
        workbook: an XLSX instead.
        sexes: how sex is written, whatever the column.
        lost_zeros: columns of communes that a spreadsheet took for numbers.
        filler: further columns of the real file, all cells alike.
    """

    separator: str = ";"
    encoding: str = "cp1252"
    quoting: Any = csv.QUOTE_MINIMAL
    above: str = ""
    below: str = ""
    capitals: bool = False
    workbook: bool = False
    sexes: Mapping[str, str] | None = None
    lost_zeros: bool = False
    filler: Mapping[str, str] | None = None


_CNAF: dict[str, Any] = {"encoding": "ascii", "capitals": True, "below": "FIN;120"}
_TELEPHONE = {"NOMCOMPLET": "MME DURAND  CAMILLE", "NUMTEL": "0600000000", "ADRLIG5": "96000 VEZONNE"}
FORMS: dict[str | None, Form] = {
    None: Form(),
    "ants": Form(encoding="utf-8"),
    "ccmsa": Form(workbook=True, capitals=True, lost_zeros=True, filler={"voie_dest": 'RUE "DES LILAS"'}),
    "ccmsa-beneficiaires": Form(workbook=True, capitals=True, lost_zeros=True, filler={"voie_dest": 'RUE "DES LILAS"'}),
    "cnaf": Form(**_CNAF, filler=_TELEPHONE),
    "cnaf-2026": Form(**_CNAF, above="PASSPORT;CNAF;202612\n", filler=_TELEPHONE),
    "cnaf-enfants": Form(**_CNAF, filler=_TELEPHONE),
    "cnav": Form(encoding="utf-8"),
    "cnous": Form(separator=",", encoding="utf-8", lost_zeros=True, filler={"adresse-allocataire_voie": "3, rue Haute"}),
    "commune": Form(),
    "dgfip": Form(encoding="utf-8", filler={"declarant2_nom": "", "declarant2_prenoms": ""}),
    "dgfip-declarant2": Form(encoding="utf-8", filler={"declarant1_nom": "DURAND", "declarant1_prenoms": "CAMILLE"}),
    "energie": Form(encoding="utf-8"),
    "france-travail": Form(
        separator=",", encoding="utf-8", capitals=True, sexes={"M": "Masculin", "F": "Féminin"},
        filler={"code_certification_cnav": "VC"},
    ),
    "insee": Form(encoding="utf-8", quoting=csv.QUOTE_ALL, capitals=True, sexes={"M": "1", "F": "2"}, filler={"paysnaiss": ""}),
    "men": Form(separator=",", encoding="utf-8", filler={"code_uai": "0960001A"}),
    "mesr": Form(separator=",", encoding="utf-8"),
    "ofpra": Form(encoding="utf-8-sig"),
}  # fmt: skip


def cells_of(values: Columns, mapping: Mapping[str, Any], form: Form, cuts: Mapping[str, int]) -> Columns:
    """Attributes as the columns of a file.

    Args:
        values: attribute → canonical values: dates AAAA-MM-JJ, sexes M and F, codes of five characters.
        mapping: attribute → column, columns, or {column, format, missing}, as `Sheet.columns` has them.
        form: of the file.
        cuts: attribute → characters that the file keeps of it.
    """
    cells: Columns = {}
    for attribute, entry in mapping.items():
        if attribute == "id" or attribute not in values:
            continue
        spec = entry if isinstance(entry, Mapping) else {"column": entry}
        names = spec.get("column", attribute)
        names = [names] if isinstance(names, str) else list(names)
        column = values[attribute]
        if attribute == "date_naissance":
            cells |= _dates(names, column, _format(spec.get("format", "AAAA-MM-JJ")))
        else:
            cells[names[0]] = [_cell(attribute, names[0], one, form)[: cuts.get(attribute)] for one in column]
    return cells


def write_shape(path: Path, cells: Columns, form: Form) -> Path:
    """Writes columns, all of one length, in that form; returns the path, whose ending follows it."""
    count = len(next(iter(cells.values())))
    held = cells | {name: [value] * count for name, value in (form.filler or {}).items() if name not in cells}
    rows = list(zip(*held.values(), strict=True))
    if form.workbook:
        return _workbook(path.with_suffix(".xlsx"), [tuple(held), *rows])
    path = path.with_suffix(".csv")
    with path.open("w", encoding=form.encoding, newline="", errors="strict") as file:
        file.write(form.above)
        writer = csv.writer(file, delimiter=form.separator, quoting=form.quoting)
        writer.writerow(held)
        writer.writerows(rows)
        file.write(f"{form.below}\r\n" if form.below else "")
    return path


def _format(spec: Any) -> str:
    return str(spec if isinstance(spec, str) else spec[0])


def _dates(names: list[str], column: list[str], form: str) -> Columns:
    """One column, or year, month and day with nothing where they are unknown."""
    parts = [one.split("-") if len(one) == _ISO_DATE else ["", "", ""] for one in column]
    if len(names) > 1:
        return {name: ["" if not (p[k].strip("0")) else p[k] for p in parts] for k, name in enumerate(names)}
    written = {"AAAA-MM-JJ": "{0}-{1}-{2}", "JJ/MM/AAAA": "{2}/{1}/{0}", "AAAAMMJJ": "{0}{1}{2}"}[form]
    return {names[0]: [written.format(*p) if p[0] else "" for p in parts]}


def _cell(attribute: str, column: str, value: str, form: Form) -> str:
    rule = _RULES.get(attribute)
    if rule is not None:
        return rule(column, value, form)
    if form.capitals and attribute.startswith(("nom", "prenom")):
        return without_accents(value).upper()
    return value if form.encoding != "ascii" else without_accents(value)


def _sex(column: str, value: str, form: Form) -> str:
    return (_SEXES.get(column) or form.sexes or {}).get(value, value)


def _commune(column: str, value: str, form: Form) -> str:
    return value.removeprefix("0") if form.lost_zeros and "insee" in column else value


def _country(column: str, value: str, _: Form) -> str:
    if "iso" in column:
        return "100" if value == "99100" else _COUNTRIES.get(value, ("", ""))[0]
    return _COUNTRIES.get(value, ("", ""))[1] if column.startswith("PAYS") else value


_RULES: dict[str, Callable[[str, str, Form], str]] = {
    "sexe": _sex, "cog_commune_naissance": _commune, "cog_commune": _commune, "cog_pays_naissance": _country,
}  # fmt: skip


def _workbook(path: Path, rows: list[tuple[str, ...]]) -> Path:
    """A workbook of one sheet, all cells inline text."""
    space = "http://schemas.openxmlformats.org"
    office, sheets = f"{space}/officeDocument/2006/relationships", f"{space}/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": _relation(space, f"{office}/officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{sheets}" xmlns:r="{office}"><sheets>'
        '<sheet name="Export" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relation(space, f"{office}/worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{sheets}"><sheetData>'
        + "".join(_row(number, row) for number, row in enumerate(rows, 1))
        + "</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}')
    return path


def _row(number: int, row: tuple[str, ...]) -> str:
    cells = "".join(
        f'<c r="{_letters(place)}{number}" t="inlineStr"><is><t xml:space="preserve">{escape(cell, quote=False)}</t></is></c>'
        for place, cell in enumerate(row)
    )
    return f'<row r="{number}">{cells}</row>'


def _letters(place: int) -> str:
    return (chr(64 + place // 26) if place >= 26 else "") + chr(65 + place % 26)


def _relation(space: str, kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{space}/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kind}" Target="{target}"/></Relationships>'
    )
