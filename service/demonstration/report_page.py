"""The demonstration's report: one short HTML page without scripts or outside resources."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

__all__ = ["write_report"]

_HEAD = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>allervers : démonstration</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2rem}li.time{color:#555}</style></head><body><main><h1>allervers : démonstration</h1>
"""


def write_report(path: Path, lines: Sequence[tuple[str, str]]) -> None:
    """Writes the story as a page.

    Args:
        path: replaced if there; its folder is made.
        lines: (kind, text), kind one of `title`, `fact`, `time`.
    """
    parts = [_HEAD]
    inside = False
    for kind, text in lines:
        if kind == "title":
            parts.append(("</ul>\n" if inside else "") + f"<h2>{html.escape(text)}</h2>\n<ul>\n")
            inside = True
        else:
            parts.append(f'<li class="{kind}">{html.escape(text)}</li>\n')
    parts.append("</ul>\n" if inside else "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join([*parts, "</main></body></html>\n"]), encoding="utf-8")
