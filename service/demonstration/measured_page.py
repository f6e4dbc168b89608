"""What the catalogue gave, as the tables of a page in Markdown (`allervers demo --all --explain --report FILE.md`).

Three tables: a line a result; why eligible people were lost; why people were told for nothing. Counts of invented people, and no
value of anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service.demonstration.score import Line

__all__ = ["measured_page"]

_HEAD = (
    "| résultat | règle | éligibles | trouvés | perdus | inutiles | attributions | jointure exacte | messages |\n"
    "|---|---|---|---|---|---|---|---|---|\n"
)


def measured_page(lines: Sequence[Line]) -> str:
    """The tables of results and reasons."""
    results = "".join(_result(one) for one in lines)
    parts = [f"## Résultats\n\n{_HEAD}{results}"]
    for title, kind in (("Éligibles perdus", "why_lost"), ("Prévenus pour rien", "why_useless")):
        rows = "".join(row for one in lines for row in _reasons(one, getattr(one, kind)))
        if rows:
            parts.append(
                f"## {title}, et pourquoi\n\n| résultat | personnes ou foyers | raison |\n|---|---|---|\n{rows}"
            )
    return "\n".join(parts)


def _name(line: Line) -> str:
    output = "" if line.output == "resultats" else f" / {line.output}"
    return f"{line.demarche}{output} → {line.recipient}"


def _result(line: Line) -> str:
    lost = f"{line.lost} (dont {line.unselected} non sélectionnés)" if line.unselected else str(line.lost)
    awards = f"{line.awards} ({line.awards - line.awards_right} à tort)" if line.use == "attribution" else "–"
    rule = line.rule.replace("|", "\\|")
    today = f"{line.today_right} / {line.today_hits - line.today_right}"
    messages = ", ".join(f"{channel} {count}" for channel, count in line.messages.items()) or "–"
    cells = [_name(line), f"`{rule}`", line.eligible, line.right, lost, line.useless, awards, today, messages]
    return f"| {' | '.join(map(str, cells))} |\n"


def _reasons(line: Line, reasons: dict[str, int]) -> Iterator[str]:
    for reason, count in reasons.items():
        yield f"| {_name(line)} | {count} | {reason} |\n"
