"""The operator's journal: one JSON line for each request or incident, built from a closed list of members.

A line never holds a body, a query, an address, a header, an identifier of an object, nor the text of an
exception: only its type and the place in our code. What is not in ALLOWED cannot be written. Of a pass that was compared it holds
sizes of blocks, which tell the operator how even the work was, and never how many rows are linked; sizes under 11 are left out.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePath

from linkage.blocks import Skew
from service.forms import write_time

__all__ = ["ALLOWED", "Emit", "incident_line", "line", "pass_line"]

Emit = Callable[[str], None]

_SIZES = ("blocks", "pairs", "largest", "median", "ninth_decile", "last_percentile")
ALLOWED = frozenset(
    {"at", "method", "route", "status", "ms", "party", "event", "error", "place", "code", "heaviest_percent", *_SIZES}
)
_LEAST_COUNT = 11  # of people, in anything that is written down


def line(at: datetime, **members: str | int | None) -> str:
    """One line.

    Args:
        at: when.
        **members: names of ALLOWED; None is left out.

    Raises:
        ValueError: a member that is not allowed.
    """
    if unknown := set(members) - ALLOWED:
        raise ValueError(f"not for the journal: {sorted(unknown)}")
    known = {name: value for name, value in members.items() if value is not None}
    return json.dumps({"at": write_time(at), **known}, ensure_ascii=True)


def incident_line(at: datetime, event: str, error: BaseException) -> str:
    """A line about an exception: its type, its code when it is one of ours, the innermost place."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    code = getattr(error, "code", None)
    known = code if isinstance(code, str) and code.startswith("E_") else None
    return line(at, event=event, error=type(error).__name__, place=place, code=known)


def pass_line(at: datetime, skew: Skew) -> str:
    """A line about a pass that was compared: sizes of its blocks."""
    sizes = {name: size for name in _SIZES if (size := vars(skew)[name]) >= _LEAST_COUNT}
    return line(at, event="pass", heaviest_percent=round(100 * skew.heaviest_share), **sizes)
