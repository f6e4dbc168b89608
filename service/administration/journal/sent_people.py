"""Who was in the file of a run, as tokens: a trace that is kept thirty-six months and tells nothing without the index.

``HOME/journal/sent/RUN.tokens``: a line of canonical JSON ``{"format", "run", "demarche", "operand", "at", "until",
"people"}``, then 16 bytes a person, sorted. Written by the encoding, which loads no database; encoding again replaces it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from crypto.framing import canonical_json, parse_canonical_json
from crypto.key_files import destroy
from service.administration.journal.people_keys import TOKEN_BYTES, PeopleKeys
from service.errors import ServiceError

__all__ = ["SentFile", "sent_files", "write_sent"]

_FORMAT = "allervers/journal-sent/v1"
_LONGEST = 10_000  # bytes of the first line


@dataclass(frozen=True, kw_only=True)
class SentFile:
    """The trace of one file that was encoded.

    Attributes:
        path: where it is.
        run: identifier of the run.
        demarche: its id.
        operand: as what the file served.
        at: day of the encoding.
        until: first day without it.
        people: how many.
    """

    path: Path
    run: str
    demarche: str
    operand: str
    at: date
    until: date
    people: int

    def has(self, identifier: str) -> bool:
        """Whether a person was in the file."""
        token = PeopleKeys(self.path.parent.parent).token(_use(self.run), identifier)
        tokens = _Tokens(self.path.read_bytes().partition(b"\n")[2])
        place = bisect_left(tokens, token)
        return place < len(tokens) and tokens[place] == token

    def among(self, identifiers: Iterable[str]) -> set[str]:
        """Those of some people who were in the file."""
        data = self.path.read_bytes().partition(b"\n")[2]
        tokens = {data[start : start + TOKEN_BYTES] for start in range(0, len(data), TOKEN_BYTES)}
        listed = list(identifiers)
        told = PeopleKeys(self.path.parent.parent).each_token(_use(self.run), listed)
        return {one for one, token in zip(listed, told, strict=True) if token in tokens}

    def destroy(self) -> None:
        """Overwrite it and remove it."""
        destroy(self.path)


class _Tokens(Sequence[bytes]):
    """Sorted tokens, one behind the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data) // TOKEN_BYTES

    def __getitem__(self, place: int) -> bytes:  # type: ignore[override]  # no slices are asked for
        return self._data[place * TOKEN_BYTES : (place + 1) * TOKEN_BYTES]


def write_sent(
    folder: Path, run: str, demarche: str, operand: str, days: tuple[date, date], identifiers: Sequence[str]
) -> None:
    """Write the trace of a file.

    Args:
        folder: of the journal.
        run: identifier of the run.
        demarche: its id.
        operand: as what the file serves.
        days: of the encoding, and the first one without the trace.
        identifiers: local ones.
    """
    at, until = days
    tokens = _in_order(b"".join(PeopleKeys(folder).each_token(_use(run), identifiers)))
    head = {
        "format": _FORMAT, "run": run, "demarche": demarche, "operand": operand,
        "at": at.isoformat(), "until": until.isoformat(), "people": len(identifiers),
    }  # fmt: skip
    path = folder / "sent" / f"{run}.tokens"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.tmp")
    with fresh.open("wb") as file:
        file.write(canonical_json(head) + b"\n")
        file.write(tokens)
    fresh.replace(path)


def sent_files(folder: Path) -> list[SentFile]:
    """The traces of all files that were encoded, oldest first.

    Raises:
        ServiceError: `E_FICHIER_LOCAL`, one of them is damaged.
    """
    found = []
    for path in (folder / "sent").glob("*.tokens"):
        with path.open("rb") as file:
            head = parse_canonical_json(file.readline(_LONGEST).rstrip(b"\n"), _LONGEST)
        if not isinstance(head, dict) or head.get("format") != _FORMAT:
            raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé")
        at, until = (date.fromisoformat(str(head[key])) for key in ("at", "until"))
        names = {key: str(head[key]) for key in ("run", "demarche", "operand")}
        found.append(SentFile(path=path, at=at, until=until, people=int(str(head["people"])), **names))
    return sorted(found, key=lambda one: (one.at, one.run))


def _in_order(tokens: bytes) -> bytes:
    """The same tokens, sorted; a file of millions takes a few times its own size."""
    halves = np.frombuffer(tokens, dtype=[("head", ">u8"), ("tail", ">u8")])
    return halves[np.lexsort((halves["tail"], halves["head"]))].tobytes()


def _use(run: str) -> str:
    return f"sent/{run}"
