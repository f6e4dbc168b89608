"""Invented people in the file that each administration would hand over: the real columns, separators, dates and traps.

`write_sample` writes one file; the plain file of the same people, with the columns of P1, is `write_plain`.
"""

from __future__ import annotations

import csv
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import SANS_ERREUR

__all__ = ["SHAPES", "Person", "Shape", "invented_people", "write_plain", "write_sample"]

Person = dict[str, str]
# Country of birth → ISO code and name, of those that the invented people come from.
_COUNTRIES = {
    "99350": ("MA", "MAROC"),
    "99351": ("TN", "TUNISIE"),
    "99352": ("DZ", "ALGERIE"),
    "99139": ("PT", "PORTUGAL"),
    "99127": ("IT", "ITALIE"),
    "99134": ("ES", "ESPAGNE"),
    "99121": ("RS", "SERBIE"),
    "99216": ("CN", "CHINE"),
    "99208": ("TR", "TURQUIE"),
}


def invented_people(size: int, seed: int = 7) -> list[Person]:
    """People of the synthetic population, as their own register knows them."""
    files = two_files(
        size_left=size, size_right=1, overlap=0, seed=seed, profile_left=SANS_ERREUR, profile_right=SANS_ERREUR
    )
    people = [dict(zip(files.left, row, strict=True)) for row in zip(*files.left.values(), strict=True)]
    for one in people:
        if one["cog_pays_naissance"] not in {"99100", *_COUNTRIES}:
            one["cog_pays_naissance"] = "99350"
    return people


def write_plain(path: Path, people: list[Person]) -> Path:
    """The file as the sheet P1 expects it."""
    write_file(path, {name: [one[name] for one in people] for name in people[0]}, date_format="AAAA-MM-JJ")
    return path


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A file's form: how a person is written, and how the rows are put together."""

    row: Callable[[Person, int], Person]
    separator: str = ";"
    encoding: str = "utf-8"
    quoting: int = csv.QUOTE_MINIMAL
    header: str = ""  # what stands above it
    footer: str = ""
    workbook: bool = False


def write_sample(folder: Path, name: str, people: list[Person], **more: str) -> Path:
    """The file of one connector, with more columns, the same cell in each row."""
    shape = SHAPES[name]
    rows = [{**shape.row(one, number), **more} for number, one in enumerate(people, start=1)]
    if shape.workbook:
        return _workbook(folder / f"{name}.xlsx", rows)
    path = folder / f"{name}.csv"
    with path.open("w", encoding=shape.encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=shape.separator, quoting=shape.quoting)  # type: ignore[arg-type]
        file.write(shape.header)
        writer.writeheader()
        writer.writerows(rows)
        file.write(shape.footer)
    return path


def _day(iso: str) -> str:
    year, month, day = iso.split("-")
    return f"{day}/{month}/{year}"


def _compact(iso: str) -> str:
    return iso.replace("-", "")


def _ascii(text: str) -> str:
    opened = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE")
    return unicodedata.normalize("NFKD", opened).encode("ascii", "ignore").decode().upper()


def _first(one: Person) -> str:
    return one["prenoms"].split(" ")[0]


def _cnaf(one: Person, number: int) -> Person:
    address = {f"ADRLIG{k}": "12 RUE DES LILAS" if k == 4 else "01000 BOURG" if k == 5 else "" for k in range(1, 7)}
    return {
        "MATRICULE": f"{1_000_000 + number // 2}",
        "CODORG": "011",
        "QUALDOS": "MR" if number % 2 else "MME",
        "RESPDOS": "DURAND",
        "PRENOMDOS": "CAMILLE",
        "NOMCOMPLET": "MME DURAND  CAMILLE",
        **address,
        "NUMINSEE": "01053",
        "ADRMAIL": "",
        "NUMTEL": "0600000000",
        "NOMENF": _ascii(one["nom_naissance"]),
        "PRENOMENF": _ascii(one["prenoms"]),
        "DTNAIENF": _day(one["date_naissance"]),
        "SEXENF": one["sexe"],
    }


def _cnaf_holder(one: Person, number: int) -> Person:
    return {
        **_cnaf(one, number),
        "MATRICULE": f"{1_000_000 + number}",
        "QUALDOS": "MR" if one["sexe"] == "M" else "MME",
        "RESPDOS": _ascii(one["nom_naissance"]),
        "PRENOMDOS": _ascii(one["prenoms"]),
        "NOMENF": "DURAND",
        "PRENOMENF": "CAMILLE",
    }


def _cnaf_2026(one: Person, number: int) -> Person:
    held = {
        "CODORG": "011",
        "MATRICULE": f"{1_000_000 + number}",
        "QUALDOS": "MR" if one["sexe"] == "M" else "MME",
        "RESPDOS": _ascii(one["nom_usage"] or one["nom_naissance"]),
        "NOMNAIDOS": _ascii(one["nom_naissance"]),
        "PRENOMDOS": _ascii(one["prenoms"]),
        "DTNAIDOS": _day(one["date_naissance"]),
        "SEXDOS": one["sexe"],
        "COMMUNENAIDOS": one["cog_commune_naissance"],
        "PAYSNAIDOS": _country(one, "FRANCE", 1),
    }
    return {**held, "ORIGINESELECTION": "ARS"}


def _ccmsa(one: Person, number: int) -> Person:
    return {
        "caisse": "01",
        "numero_allocataire": str(12_345_000_000 + number),  # two leading zeros lost
        "qualite_allocataire": "MR" if one["sexe"] == "M" else "MME",
        "nom_naissance_allocataire": one["nom_naissance"].upper(),
        "prenom_usuel_allocataire": one["prenoms"].upper(),
        "date_naissance_alloc": _compact(one["date_naissance"]),
        "code_insee_commune_naiss_alloc": one["cog_commune_naissance"].lstrip("0") or "0",
        "pays_naissance_alloc": "",
        "code_iso_pays_naiss_alloc": _country(one, "0"),
        "nom_destinataire": one["nom_usage"].upper() or "0",
        "voie_dest": 'RUE "DES LILAS"',
        "code_insee_commune_dest": "1053",
        "nom_beneficiaire": one["nom_naissance"].upper(),
        "prenom_beneficiaire": one["prenoms"].upper(),
        "genre_beneficiaire": {"M": "1", "F": "2"}.get(one["sexe"], "0"),
        "date_naissance_beneficiaire": _compact(one["date_naissance"]),
        "prestation": "ARS",
    }


def _country(one: Person, france: str, form: int = 0) -> str:
    """A country as France, or by its ISO code (0) or its name (1)."""
    country = one["cog_pays_naissance"]
    return france if country == "99100" else _COUNTRIES[country][form]


def _cnous(one: Person, number: int) -> Person:
    return {
        "genre": one["sexe"],
        "allocataire-matricule": f"{number:010}BA",
        "allocataire-nom": one["nom_naissance"],
        "allocataire-prenom": one["prenoms"],
        "allocataire-courriel": f"etudiant{number}@exemple.fr",
        "allocataire-date_naissance": _day(one["date_naissance"]),
        "allocataire-code_insee_commune_naissance": one["cog_commune_naissance"].removeprefix("0"),
        "allocataire-commune_naissance": "bourg, en bresse",
        "allocataire-code_iso_pays_naissance": _country(one, "100" if number % 2 else "FR"),
        "adresse-allocataire_voie": "" if number % 5 == 0 else "3, rue Haute",
        "adresse-allocataire_code_postal": "1000",
        "adresse-allocataire_code_insee": "1053",
    }


def _men(one: Person, number: int) -> Person:
    return {
        "identifiant": f"E{number}",
        "nom": one["nom_naissance"],
        "prenom": _first(one),
        "sexe": one["sexe"],
        "date_naissance": one["date_naissance"],
        "code_uai": "0010001A",
    }


def _mesr(one: Person, number: int) -> Person:
    return {
        "ine": f"{number:010}BA",
        "nom_naissance": one["nom_naissance"].upper(),
        "prenom": _first(one),
        "date_naissance": one["date_naissance"],
    }


def _france_travail(one: Person, number: int) -> Person:
    return {
        "identifiant": f"FT{number}",
        "civilite": "M." if one["sexe"] == "M" else "MME",
        "nom_naissance": _ascii(one["nom_naissance"]).replace("-", " ")[:25],
        "nom_usage": _ascii(one["nom_usage"]).replace("-", " ")[:25],
        "prenom": _ascii(_first(one))[:13],
        "sexe": "Masculin" if one["sexe"] == "M" else "Féminin",
        "date_naissance": one["date_naissance"],
        "code_certification_cnav": "VC",
    }


def _parts(one: Person, prefix: str = "") -> Person:
    """Year, month and day, empty where unknown."""
    names = (f"{prefix}annee_date_naissance", f"{prefix}mois_date_naissance", f"{prefix}jour_date_naissance")
    return {
        name: part if part.strip("0") else ""
        for name, part in zip(names, one["date_naissance"].split("-"), strict=True)
    }


def _ants(one: Person, number: int) -> Person:
    return {
        "identifiant": f"S{number}",
        "nom_naissance": one["nom_naissance"].upper(),
        "prenom": one["prenoms"],
        "sexe": one["sexe"],
        **_parts(one),
        "code_departement_naissance": one["cog_commune_naissance"][:2],
    }


def _dgfip(rank: int) -> Callable[[Person, int], Person]:
    def row(one: Person, number: int) -> Person:
        own, other = f"declarant{rank}", f"declarant{3 - rank}"
        held = {
            f"{own}_nom": one["nom_usage"] or one["nom_naissance"],
            f"{own}_nom_naissance": one["nom_naissance"],
            f"{own}_prenoms": one["prenoms"],
            f"{own}_date_naissance": _day(one["date_naissance"]),
        }
        spouse = {f"{other}_nom": "DURAND", f"{other}_nom_naissance": "PETIT", f"{other}_prenoms": "CAMILLE"}
        return {"identifiant": f"F{number}", **held, **spouse, f"{other}_date_naissance": "01/02/1970"}

    return row


def _cnav(one: Person, number: int) -> Person:
    return {
        "identifiant": f"R{number}",
        "nom_naissance": one["nom_naissance"],
        "nom_usage": one["nom_usage"],
        "prenoms": one["prenoms"],
        "sexe_etat_civil": one["sexe"],
        **_parts(one),
        "code_cog_insee_commune_naissance": one["cog_commune_naissance"],
        "code_cog_insee_pays_naissance": one["cog_pays_naissance"],
    }


def _ofpra(one: Person, number: int) -> Person:
    held = {name: one[name] for name in ("nom_naissance", "nom_usage", "prenoms", "sexe", "cog_pays_naissance")}
    return {"identifiant": f"O{number}", **held, "date_naissance": _day(one["date_naissance"])}


def _insee(one: Person, number: int) -> Person:
    return {
        "identifiant": str(number),
        "nom": _ascii(one["nom_naissance"]),
        "prenoms": _ascii(one["prenoms"]),
        "sexe": {"M": "1", "F": "2"}.get(one["sexe"], ""),
        "datenaiss": _compact(one["date_naissance"]),
        "lieunaiss": one["cog_commune_naissance"] or one["cog_pays_naissance"],
        "paysnaiss": "",
        "datedeces": "20240101",
    }


def _energie(one: Person, number: int) -> Person:
    return {
        "reference_contrat": f"C{number}",
        "pdl": f"{10_000_000_000_000 + number}",
        "nom": one["nom_naissance"],
        "prenom": one["prenoms"],
        "adresse": f"{number} rue des Lilas",
        "code_postal": "01000",
        "code_insee": "01053",
    }


def _commune(one: Person, number: int) -> Person:
    return {
        "identifiant": f"U{number}",
        "civilite": "M." if one["sexe"] == "M" else "Mme",
        "nom": one["nom_naissance"],
        "nom_usage": one["nom_usage"],
        "prenom": one["prenoms"],
        "date_naissance": _day(one["date_naissance"]),
        "adresse": f"{number} rue des Lilas",
        "code_postal": "01000",
        "code_insee": "01053",
    }


SHAPES = {
    "ants": Shape(row=_ants),
    "ccmsa": Shape(row=_ccmsa, workbook=True),
    "ccmsa-beneficiaires": Shape(row=_ccmsa, workbook=True),
    "cnaf": Shape(row=_cnaf_holder, encoding="ascii", footer="FIN;120\n"),
    "cnaf-2026": Shape(row=_cnaf_2026, encoding="ascii", header="PASSPORT;CNAF;202609\n", footer="FIN;120\n"),
    "cnaf-enfants": Shape(row=_cnaf, encoding="ascii", footer="FIN;120\n"),
    "cnav": Shape(row=_cnav),
    "cnous": Shape(row=_cnous, separator=","),
    "commune": Shape(row=_commune, encoding="cp1252"),
    "dgfip": Shape(row=_dgfip(1)),
    "dgfip-declarant2": Shape(row=_dgfip(2)),
    "energie": Shape(row=_energie),
    "france-travail": Shape(row=_france_travail, separator=","),
    "insee": Shape(row=_insee, quoting=csv.QUOTE_ALL),
    "men": Shape(row=_men, separator=","),
    "mesr": Shape(row=_mesr, separator=","),
    "ofpra": Shape(row=_ofpra, encoding="utf-8-sig"),
}


def _workbook(path: Path, rows: list[Person]) -> Path:
    """A minimal workbook of one sheet, all cells inline text: the parts that the format demands and no more."""
    parts = {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '<Override PartName="/xl/worksheets/sheet1.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
        ),
        "_rels/.rels": _relations("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": (
            '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
            'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            '<sheets><sheet name="Export" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": (
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
            + "".join(_row(number, cells) for number, cells in enumerate([list(rows[0]), *map(_values, rows)], start=1))
            + "</sheetData></worksheet>"
        ),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}')
    return path


def _values(row: Person) -> list[str]:
    return list(row.values())


def _relations(kind: str, target: str) -> str:
    address = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{address}" Target="{target}"/></Relationships>'
    )


def _row(number: int, cells: list[str]) -> str:
    held = "".join(
        f'<c r="{_letters(place)}{number}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
        for place, cell in enumerate(cells)
    )
    return f'<row r="{number}">{held}</row>'


def _letters(place: int) -> str:
    return (chr(64 + place // 26) if place >= 26 else "") + chr(65 + place % 26)
