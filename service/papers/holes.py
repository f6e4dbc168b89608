"""What a paper cannot know: marked so that nobody takes it for said."""

from __future__ import annotations

import re

__all__ = ["hole", "holes_in"]

_HOLE = re.compile(r"\[À COMPLÉTER : [^\]]+\]")


def hole(what: str) -> str:
    """The mark of something that people have to fill in."""
    return f"[À COMPLÉTER : {what}]"


def holes_in(text: str) -> list[str]:
    """The marks that are left in a text, in their order."""
    return _HOLE.findall(text)
