"""A démarche as a page that a DPO, an agent or a citizen reads: one HTML file, without script, that stands alone.

Everything on it comes from the sheet; all of it is escaped. Headings, captions and scopes are there for screen readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from service.demarche_words import (
    learned,
    output_sentences,
    purpose_sentence,
    retention_sentences,
    trigger_sentence,
)
from service.rule_sheet import Demarche

__all__ = ["demarche_page"]

_STYLE = """
body { font-family: system-ui, sans-serif; line-height: 1.5; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem } h2 { font-size: 1.25rem; margin-top: 2rem; border-bottom: 1px solid #888 }
table { border-collapse: collapse; width: 100% } caption { text-align: left; font-weight: bold; padding: .4rem 0 }
th, td { border: 1px solid #888; padding: .4rem .6rem; text-align: left; vertical-align: top } th { background: #f2f2f2 }
code { overflow-wrap: anywhere } p, li, h1 { overflow-wrap: break-word } .large { overflow-x: auto }
th, td { hyphens: auto } @media print { body { margin: 0 } }
""".strip()
_MENTIONS = {
    "finalite": "la finalité",
    "source_des_donnees": "d'où viennent les données",
    "droits_acces_rectification": "les droits d'accès et de rectification",
    "opposition": "comment s'opposer",
    "contact_dpo": "comment joindre le délégué à la protection des données",
}


def demarche_page(demarche: Demarche) -> str:
    """The whole page."""
    parts = [
        _opening(demarche),
        "<main>",
        *_head(demarche),
        *_parties(demarche),
        *_rule(demarche),
        *_told(demarche),
        *_people(demarche),
        *_kept(demarche),
        "</main>",
        f"<footer><p>Fiche <code>{_text(demarche.id)}</code>, empreinte <code>{demarche.digest}</code>.</p></footer>",
        "</body>\n</html>",
    ]
    return "\n".join(parts) + "\n"


def _opening(demarche: Demarche) -> str:
    head = f'<meta charset="utf-8">\n<title>{_text(demarche.title)}</title>\n<meta name="viewport" content="width=device-width">'
    return f'<!DOCTYPE html>\n<html lang="fr">\n<head>\n{head}\n<style>\n{_STYLE}\n</style>\n</head>\n<body>'


def _head(demarche: Demarche) -> Iterable[str]:
    yield f"<h1>{_text(demarche.title)}</h1>"
    if demarche.presentation:
        yield f"<p>{_text(demarche.presentation.summary)}</p>"
    rows = [("Finalité", purpose_sentence(demarche)), ("Déclenchement", trigger_sentence(demarche))]
    if demarche.presentation:
        rows.append(("Qui agit", demarche.presentation.actor))
    if demarche.local_act:
        rows.append(("Acte local à joindre", demarche.local_act.replace("_", " ")))
    if demarche.consent:
        rows.append(("Consentement", "requis : il vaut demande, et son retrait retire la personne du fichier"))
    impact = demarche.no_dpia or "requise ; sa référence est dans la convention"
    rows.append(("Analyse d'impact", impact))
    yield _table("En bref", (), rows)
    yield "<h2>Fondement</h2>"
    yield _list(demarche.legal_basis)
    if demarche.presentation and demarche.presentation.facts:
        yield f"<p>{_text(demarche.presentation.facts)}</p>"


def _parties(demarche: Demarche) -> Iterable[str]:
    yield "<h2>Qui tient quoi, et ce que chacun apprend</h2>"
    rows = []
    for operand in demarche.operands.values():
        holders = ", ".join(one if one != "*" else "toute administration" for one in operand.organisations)
        rows.append((operand.name, f"{holders} ({operand.role})", operand.selection, learned(demarche, operand)))
    if not demarche.local:
        seen = "des encodages dont il n'a pas la clé, des effectifs ; ni nom, ni date, ni résultat lisible"
        rows.append(("tiers de confiance", "compare", "aucun fichier", seen))
    yield _table("Parties", ("Nom", "Administrations", "Ce que contient le fichier", "Ce qu'elle apprend"), rows)
    conditions = [
        (one.name, one.local_filter or "tout le fichier", "; ".join(f"{k} = {v}" for k, v in one.computations.items()))
        for one in demarche.operands.values()
        if one.local_filter or one.computations
    ]
    if conditions:
        yield _table(
            "Calculé chez le détenteur, avant tout encodage",
            ("Fichier", "Sont retenus", "Colonnes calculées"),
            conditions,
        )


def _rule(demarche: Demarche) -> Iterable[str]:
    yield "<h2>Règle</h2>"
    yield _table("Résultats", ("Sortie", "Qui", "Liens incertains"), output_sentences(demarche))
    fresh = [
        (one.name, f"{one.freshness.days} jours au plus", _from(one.freshness.reliable_from))
        for one in demarche.operands.values()
        if one.freshness
    ]
    if fresh:
        yield _table("Fraîcheur exigée des fichiers", ("Fichier", "Âge", "Absence fiable"), fresh)
    if demarche.blind:
        blind = demarche.blind
        sign = "égales" if blind.equal else "différentes"
        column = _text(blind.left_column)
        yield f"<p>Sont retenues celles dont les valeurs de « {column} » sont {sign} : personne ne voit l'une ni l'autre.</p>"
    if not demarche.local:
        terms = demarche.identity_terms
        who = "le foyer" if terms.entity == "foyer" else "la personne"
        who = f"{who}, par l'identité de : {terms.person}" if terms.person else who
        contact = f" ; c'est {terms.contact} qui est prévenu" if terms.contact else ""
        yield f"<p>Identité comparée : profil {_text(demarche.identity)}, {_text(who)}{_text(contact)}.</p>"


def _told(demarche: Demarche) -> Iterable[str]:
    yield "<h2>Ce qui circule</h2>"
    if demarche.payload:
        tellers = ", ".join(demarche.payload_operands)
        yield f"<p>De « {_text(tellers)} » au destinataire, pour ses seuls résultats : {_text(', '.join(demarche.payload))}.</p>"
    else:
        yield "<p>Aucune donnée n'accompagne les résultats.</p>"
    rows = [
        (", ".join(one.senders), one.receiver, ", ".join(one.fields), ", ".join(one.only) or "tous les résultats")
        for one in demarche.onward
    ]
    if rows:
        yield _table("Transmis ensuite par la voie habituelle, hors de ce service", ("De", "À", "Champs", "Pour"), rows)


def _people(demarche: Demarche) -> Iterable[str]:
    message = demarche.message
    yield "<h2>La personne</h2>"
    rows = [
        ("On lui propose", message.subject),
        ("Par", ", ".join(demarche.channels) or "aucun message"),
        ("Sans numérique", ", ".join(demarche.fallback)),
        ("Chaque message dit", ", ".join(_MENTIONS[one] for one in message.mentions)),
        ("Langues", ", ".join(message.languages)),
        ("Elle peut s'opposer par", ", ".join(demarche.objection.channels)),
        ("Effet de l'opposition", "suppression immédiate ; portée : " + demarche.objection.scope),
    ]
    yield _table("Messages et droits", (), rows)
    steps = [
        (one.at, one.template.replace("_", " "), (one.condition or "toujours").replace("_", " "))
        for one in demarche.journey
    ]
    if steps:
        yield _table("Parcours", ("Quand", "Message", "Si"), steps)


def _kept(demarche: Demarche) -> Iterable[str]:
    yield "<h2>Conservation</h2>"
    yield _table("Durées", (), retention_sentences(demarche))
    yield f"<p>Aucun effectif de moins de {demarche.publish_least} personnes n'est publié.</p>"


def _from(start: str | None) -> str:
    return f"à partir du {start[5:]}/{start[2:4]}" if start else "toute l'année"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows whose first cell names them; one too wide for the screen scrolls by itself."""
    head = "".join(f'<th scope="col">{_text(one)}</th>' for one in heads)
    body = "\n".join(
        f'<tr><th scope="row">{_text(row[0])}</th>' + "".join(f"<td>{_text(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>\n" if heads else ""
    table = f"<table>\n<caption>{_text(caption)}</caption>\n{top}<tbody>\n{body}\n</tbody>\n</table>"
    return f'<div class="large" role="region" aria-label="{_text(caption)}" tabindex="0">\n{table}\n</div>'


def _list(items: Iterable[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{_text(one)}</li>" for one in items) + "\n</ul>"


def _text(words: str) -> str:
    return escape(words)
