"""The list that CRPA L114-8 III has published: which administrations get what from whom, and on which ground. Page and CSV.

One row a comparison: who gets, from whom, which data, for what, on which ground, under which agreement and until when.
No count of people, no name of a person. The page is one HTML file without script, style or outside resource; the CSV is
UTF-8 with its mark, `;`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape

from service.papers.case import Case

__all__ = ["HEADS", "register_csv", "register_page", "register_rows"]

HEADS = (
    "administration destinataire",
    "administration détentrice",
    "démarche",
    "finalité",
    "informations échangées",
    "fondement juridique",
    "convention",
    "valable jusqu'au",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STYLE = """
body { font-family: system-ui, sans-serif; line-height: 1.5; max-width: 80rem; margin: 2rem auto; padding: 0 1rem }
.large { overflow-x: auto } table { border-collapse: collapse; width: 100%; min-width: 60rem }
caption { text-align: left; font-weight: bold; padding: .4rem 0 } th { background: #f2f2f2 }
th, td { border: 1px solid #767676; padding: .4rem .6rem; text-align: left; vertical-align: top; hyphens: auto }
td:nth-last-child(2) { overflow-wrap: anywhere } h1 { font-size: 1.6rem; overflow-wrap: break-word }
@page { size: A4 landscape } @media print { body { margin: 0 } table { min-width: 0; font-size: .8rem } }
""".strip()


def register_rows(cases: Iterable[Case]) -> list[tuple[str, ...]]:
    """The rows of the list, by recipient, holder and démarche."""
    rows = []
    for case in cases:
        agreement = case.agreement
        for one in agreement.comparisons:
            told = f" ; pour les personnes retenues : {', '.join(case.told)}" if case.told and one.payload_bytes else ""
            rows.append(
                (
                    case.party(one.recipient).name,
                    case.party(one.source).name + (" (oppositions)" if one.of_objections else ""),
                    agreement.demarche.title,
                    agreement.purpose,
                    f"appartenance de ses propres dossiers au fichier du détenteur, comparée sur : {', '.join(case.data)}{told}",
                    " ; ".join(agreement.legal_basis),
                    agreement.identifier,
                    f"{agreement.valid.not_after:%d/%m/%Y}",
                )
            )
    return sorted(rows)


def register_csv(rows: Sequence[Sequence[str]]) -> str:
    """The list as CSV; what a party wrote that a spreadsheet would take for a formula gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADS)
    writer.writerows([f"'{cell}" if cell[:1] in _FORMULA else cell for cell in row] for row in rows)
    return f"\ufeff{text.getvalue()}"


def register_page(rows: Sequence[Sequence[str]]) -> str:
    """The list as a page."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in HEADS)
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return f"""<!DOCTYPE html>
<html lang="fr">
<head><meta charset="utf-8"><title>Registre public des échanges entre administrations</title>
<meta name="viewport" content="width=device-width">
<style>
{_STYLE}
</style></head>
<body>
<main>
<h1>Registre public des échanges entre administrations</h1>
<p>Liste publiée en application de l'article L114-8 III du code des relations entre le public et l'administration. Aucun fichier
nominatif n'est échangé : les administrations comparent des encodages par l'intermédiaire d'un tiers de confiance.</p>
<div class="large" role="region" aria-label="Tableau des échanges, qui défile" tabindex="0">
<table>
<caption>Échanges en vigueur</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
</main>
</body>
</html>
"""
