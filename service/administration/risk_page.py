"""The risk report as one page that a DPO can read: French, figures drawn as SVG, no script, nothing loaded from elsewhere.

Every text goes through `html.escape`. The page holds counts, shares and the name of the file; no value of a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from service.administration.risk_report import RiskReport
from service.administration.risk_words import ATTACKS, GROUPS, REASONS, passing, percent, together, verdict
from service.risk_terms import MILLION

__all__ = ["page"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #161616; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
caption { text-align: left; padding: .3rem 0; color: #3a3a3a; }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; font-weight: inherit; } .wide { overflow-x: auto; }
h1, td, li, p { overflow-wrap: anywhere; } @media print { table { font-size: .75rem; } }
.verdict { border-left: .5rem solid #b34000; padding: .5rem 1rem; background: #fff4ee; }
.good { border-color: #18753c; background: #eefaf2; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; }
@media print { body { margin: 0; } }
"""
_LEFT, _WIDTH, _ROW = 250, 900, 26
_AXIS = 560  # of shares


def page(report: RiskReport, *, file: str) -> str:
    """The whole page."""
    good = " good" if report.favourable else ""
    reasons = "".join(f"<li>{escape(REASONS[one])}</li>" for one in report.reasons)
    parts = [
        f"<h1>Rapport de risque : {escape(file)}</h1>",
        f'<p class="verdict{good}"><strong>{escape(verdict(report))}</strong></p>',
        f"<ul>{reasons}</ul>" if reasons else "",
        _about(report),
        _what(report),
        _attacks(report),
        _projections(report),
        _passes(report),
        _values(report),
        _groups(report),
        "<h2>Ce qui n'a pas été essayé</h2>",
        f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in report.not_run)}</ul>",
    ]
    body = "\n".join(part for part in parts if part)
    title = f"Rapport de risque : {escape(file)}"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    top = f'<!doctype html>\n<html lang="fr"><head>{head}<style>{_STYLE}</style></head>'
    return f"{top}\n<body>\n<main>\n{body}\n</main>\n</body></html>\n"


def _about(report: RiskReport) -> str:
    rows = [
        ("personnes du fichier", str(report.records)),
        ("effectif déclaré", str(report.people)),
        ("profil", report.profile),
        ("date", f"{report.made_at:%d/%m/%Y}"),
        ("durée des attaques", f"{report.milliseconds // 1000} s"),
        ("empreinte du rapport", report.digest),
        ("feuille", report.sheet),
        ("encodeur", report.encoder),
        ("démarche", report.demarche or "aucune : ce rapport ne peut pas servir à un croisement"),
    ]
    return _table("Ce rapport", ("", ""), rows)


def _what(report: RiskReport) -> str:
    return (
        "<h2>Ce qui a été fait</h2><p>Le fichier a été encodé sur ce poste comme pour un croisement, sous des clés qui n'ont "
        "servi qu'à cela, puis attaqué comme le ferait un tiers trop curieux. Cet attaquant connaît l'outil, la feuille, le plan "
        "et le bloc de chaque ligne ; il détient exactement le même fichier, sans une faute ; il ne lui manque que les clés. "
        "C'est le pire des cas : une fuite partielle ou ancienne donne moins.</p><p>Une personne est « retrouvée » quand la "
        "première réponse de l'attaquant est la bonne. Le hasard est ce que donnerait une réponse tirée au sort dans le bloc. Le "
        f"verdict porte sur la borne haute de l'intervalle à 95 %, toutes passes ensemble, au-delà du hasard : "
        f"{percent(report.limit)} au plus pour qui connaît déjà {percent(report.claim)} des personnes, et sur ce que la loi "
        "en κ√s prévoit à l'effectif déclaré ; le pire des deux compte.</p>"
    )


def _attacks(report: RiskReport) -> str:
    rows, bars = [], []
    for name, known, parts in together(report):
        tried, right = sum(one.tried for one in parts), sum(one.right for one in parts)
        worst = max(parts, key=lambda one: one.high)
        who = "toutes les autres connues" if name == "A12" else passing(known)
        chance = sum(one.chance * one.tried for one in parts) // max(1, tried)
        sure = sum(one.sure * one.tried for one in parts) // max(1, tried)
        share = right * MILLION // max(1, tried)
        bars.append((f"{name}, {who}", share, worst.low, worst.high, chance))
        texts = (
            name,
            ATTACKS.get(name, ""),
            who,
            f"{right} / {tried}",
            percent(share),
            percent(worst.high),
            percent(chance),
        )
        rows.append((*texts, percent(sure)))
    heads = (
        "",
        "attaque",
        "l'attaquant connaît",
        "retrouvées",
        "taux",
        "borne haute de la pire passe",
        "hasard",
        "dont sûres",
    )
    note = "Par passe. « Sûres » : ce que retrouve un attaquant qui ne garde que des réponses justes neuf fois sur dix."
    return _table("Attaques", heads, rows, note) + _drawn(
        bars, "Part des personnes retrouvées, par passe : point, intervalle à 95 % de la pire passe, hasard en gris"
    )


def _projections(report: RiskReport) -> str:
    rows = [
        (passing(one.known), percent(one.measured), percent(one.projected), str(one.people))
        for one in report.projections
    ]
    heads = ("l'attaquant connaît", "attaques, au plus", "à l'effectif déclaré", "personnes exposées")
    bars = [(passing(one.known), one.projected, one.projected, one.measured, 0) for one in report.projections]
    return _table("Toutes passes ensemble, au-delà du hasard", heads, rows) + _drawn(
        bars, "Point : loi en κ√s à l'effectif déclaré ; trait : jusqu'à la borne haute des attaques", report.limit
    )


def _passes(report: RiskReport) -> str:
    rows = [
        (
            one.name,
            str(one.length),
            str(one.degree),
            f"{one.exposure / MILLION:.3f}".replace(".", ","),
            str(one.largest),
            str(one.tested),
        )
        for one in report.passes
    ]
    return _table("Passes", ("passe", "L", "t", "κ mesuré", "plus grand bloc attendu", "bloc essayé"), rows)


def _values(report: RiskReport) -> str:
    rows = [(one.name, percent(one.right * MILLION // max(1, one.tried)), percent(one.chance)) for one in report.values]
    note = (
        "La pire attaque donne-t-elle la bonne valeur, même sans la bonne personne ? À comparer au hasard dans le bloc."
    )
    return _table("Valeurs", ("attribut", "bonne valeur", "hasard"), rows, note) if rows else ""


def _groups(report: RiskReport) -> str:
    rows = [(GROUPS.get(one.name, one.name), f"{one.right} / {one.tried}", percent(one.high)) for one in report.groups]
    note = "Sous la pire attaque, par passe ; les groupes se recoupent, ceux de moins de 11 personnes sont tus."
    return _table("Personnes plus exposées ?", ("groupe", "retrouvées", "borne haute"), rows, note) if rows else ""


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """A section with a table, whose first cells name its rows; one too wide for the screen scrolls by itself."""
    heads = [one or title for one in heads] if any(heads) else []
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    top = f"<caption>{escape(note or title)}</caption>" + (f"<thead><tr>{head}</tr></thead>" if head else "")
    inside = f"<table>{top}<tbody>{body}</tbody></table>"
    return f'<h2>{escape(title)}</h2><div class="wide" role="region" aria-label="{escape(title)}" tabindex="0">{inside}</div>'


def _drawn(bars: Sequence[tuple[str, int, int, int, int]], title: str, limit: int = 0) -> str:
    """Shares with their intervals: (label, point, low, high, chance), in parts per million."""
    most = max([limit, *(max(bar[1:]) for bar in bars), 10_000]) * 11 // 10
    height = _ROW * (len(bars) + 2)

    def at(parts: int) -> float:
        return round(_LEFT + _AXIS * parts / most, 1)

    drawn = [f"<title>{escape(title)}</title>"]
    for step in range(5):
        share = most * step // 4
        drawn.append(f'<line x1="{at(share)}" y1="20" x2="{at(share)}" y2="{height - _ROW}" stroke="#ddd"/>')
        drawn.append(f'<text x="{at(share)}" y="{height - 8}" text-anchor="middle">{percent(share)}</text>')
    if limit:
        drawn.append(f'<line x1="{at(limit)}" y1="12" x2="{at(limit)}" y2="{height - _ROW}" stroke="#b34000"/>')
        drawn.append(f'<text x="{at(limit)}" y="10" text-anchor="middle" fill="#b34000">limite</text>')
    for number, (label, point, low, high, chance) in enumerate(bars):
        y = 34 + _ROW * number
        drawn.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        drawn.append(f'<line x1="{at(low)}" y1="{y}" x2="{at(high)}" y2="{y}" stroke="#000091" stroke-width="3"/>')
        if chance:
            drawn.append(f'<line x1="{at(chance)}" y1="{y - 8}" x2="{at(chance)}" y2="{y + 8}" stroke="#777"/>')
        drawn.append(f'<circle cx="{at(point)}" cy="{y}" r="5" fill="#000091"/>')
    inside = "".join(drawn)
    picture = f'<svg role="img" viewBox="0 0 {_WIDTH} {height}">{inside}</svg>'
    return f"<figure>{picture}<figcaption>{escape(title)}</figcaption></figure>"
