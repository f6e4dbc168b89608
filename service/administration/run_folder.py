"""The local folder of a run: what this machine knows of it, and what only this machine may know.

::

    RUN/state.json                    agreement, run, steps done (no secret, no personal data)
    RUN/posted/COMPARISON.json        the sealed share that was posted (public)
    RUN/secrets.json                  0600: own shares, run keys, upload and payload keys, the local key, each while it serves
    RUN/records.sealed                identifiers of the records, sealed under the local key (recipient only)
    RUN/cases.sealed                  case of each record, where a démarche has cases of several people (recipient only)
    RUN/rows/COMPARISON/PASS.sealed   row id → record of one pass, sealed (recipient only)
    RUN/rows/jetons.sealed            jeton → record, sealed (recipient with a joiner only)
    RUN/outbox/COMPARISON/PASS/…      sealed chunks on their way to the third party (see pass_folder.py)

Sealed files (`sealed_file`) are written as their content comes: neither the identifiers nor a row map is ever whole in memory.
Identifiers are lines of JSON, a list of some thousand each; a row map is 16 bytes of row id and 8 of record (little-endian) for
each row. The local key lives in the secrets only: destroying `secrets.json` makes all the rest unreadable, and the rest is
destroyed too.

Steps are marked after their effect: a crash before the mark makes the step run again, and every step can.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crypto.framing import canonical_json, from_base64, parse_canonical_json, to_base64
from crypto.key_files import LARGEST_SECRET, destroy, read_secret, write_secret
from linkage.wire import ID_BYTES
from service.administration.sealed_file import SealedWriter, read_sealed, sealed_file
from service.errors import ServiceError

__all__ = ["RunFolder", "Step", "digest_of", "runs_of", "unfinished_runs"]

STATE_FORMAT = "allervers/local-run/v1"
_AT_ONCE = 4096  # identifiers of a line
_ROW = np.dtype([("id", np.uint8, (ID_BYTES,)), ("record", "<i8")])

Step = Literal["joined", "encoded", "sent", "combined", "delivered", "closed"]


@dataclass(frozen=True)
class RunFolder:
    """One run on this machine."""

    path: Path

    @property
    def run(self) -> str:
        """Identifier of the run."""
        return self.path.name

    @property
    def agreement(self) -> str:
        """Identifier of its agreement.

        Raises:
            ServiceError: `E_CROISEMENT_INCONNU`.
        """
        return str(self._state()["agreement"])

    def create(self, agreement: str) -> None:
        """Start the folder; nothing happens if it is there."""
        if not (self.path / "state.json").exists():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write_state({"format": STATE_FORMAT, "agreement": agreement, "steps": {}})

    def exists(self) -> bool:
        """Whether this machine takes part in the run."""
        return (self.path / "state.json").exists()

    def done(self, step: Step) -> bool:
        """Whether a step is over."""
        return step in self._state()["steps"]

    def mark(self, step: Step, at: str) -> None:
        """Record that a step is over."""
        state = self._state()
        state["steps"][step] = at
        self._write_state(state)

    def undo(self, *steps: Step) -> None:
        """Record that steps must be done again."""
        state = self._state()
        state["undone"] = sorted({*state.get("undone", ()), *(step for step in steps if step in state["steps"])})
        state["steps"] = {step: at for step, at in state["steps"].items() if step not in steps}
        self._write_state(state)

    def ever(self, step: Step) -> bool:
        """Whether a step was over once, even if it must be done again."""
        return self.done(step) or step in self._state().get("undone", ())

    def steps(self) -> Mapping[Step, str]:
        """Steps that are over, and when, in that order."""
        return dict(sorted(self._state()["steps"].items(), key=lambda step: str(step[1])))

    def require(self, step: Step, sentence: str) -> None:
        """Refuse to go on before a step is over.

        Raises:
            ServiceError: `E_ETAPE`.
        """
        if not self.done(step):
            raise ServiceError("E_ETAPE", sentence)

    def secret(self, kind: str, name: str) -> bytes | None:
        """A secret of the run, by kind (`share`, `key`, `upload`, `payload`, `local`) and name."""
        value = self._secrets().get(kind, {}).get(name)
        return None if value is None else from_base64(value)

    def keep_secrets(self, kind: str, values: Mapping[str, bytes | bytearray]) -> None:
        """Add secrets of one kind, in one write."""
        held = self._secrets()
        held.setdefault(kind, {}).update({name: to_base64(value) for name, value in values.items()})
        write_secret(self.path / "secrets.json", canonical_json(held))

    def drop_secrets(self, *kinds: str) -> None:
        """Destroy the secrets of some kinds: the file is written without them, and its old bytes overwritten."""
        held = self._secrets()
        left = {kind: values for kind, values in held.items() if kind not in kinds}
        if left != held:
            write_secret(self.path / "secrets.json", canonical_json(left))
        self._destroy_drafts()

    def forget(self) -> None:
        """Destroy all that could read or link anything; what judges receipts stays: manifests and commitment."""
        self.drop_secrets("share", "key", "upload", "payload", "local", "records")
        for path in [*self._sealed(), *(one for one in self._below("outbox") if one.suffix != ".json")]:
            destroy(path)

    def posted(self, comparison: str) -> dict[str, Any] | None:
        """The signed, sealed share that was posted for a comparison."""
        path = self.path / "posted" / f"{comparison}.json"
        kept = parse_canonical_json(path.read_bytes(), LARGEST_SECRET) if path.exists() else None
        return kept if isinstance(kept, dict) else None

    def keep_posted(self, comparison: str, signed: Mapping[str, Any]) -> None:
        """Keep what is about to be posted, to post it unchanged after a crash."""
        path = self.path / "posted" / f"{comparison}.json"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_secret(path, canonical_json(dict(signed)))

    def write_identifiers(self, identifiers: Sequence[str]) -> None:
        """Seal the local identifiers of the records, in the order of the records."""
        self._write_texts("records.sealed", identifiers)

    def identifiers(self) -> Iterator[str]:
        """The local identifiers of the records, in their order."""
        return self._texts("records.sealed")

    def write_cases(self, labels: Sequence[str]) -> None:
        """Seal the case that each record belongs to, in the order of the records."""
        self._write_texts("cases.sealed", labels)

    def cases(self) -> Iterator[str]:
        """The case of each record, in their order."""
        return self._texts("cases.sealed")

    def _write_texts(self, name: str, texts: Sequence[str]) -> None:
        with self._sealed_file(name) as file:
            for start in range(0, len(texts), _AT_ONCE):
                some = list(texts[start : start + _AT_ONCE])
                file.write(json.dumps(some, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")

    def _texts(self, name: str) -> Iterator[str]:
        line = b""
        for piece in self._unsealed(name):
            *lines, line = (line + piece).split(b"\n")
            for one in lines:
                yield from json.loads(one)

    @contextmanager
    def row_map(self, name: str) -> Iterator[Callable[[NDArray[np.uint8], NDArray[np.int64]], None]]:
        """Seal the row map of one pass as its rows come; it is there once the block ends.

        Args:
            name: ``COMPARISON/PASS``.

        Yields:
            What takes some rows: ids (n, 16) uint8, and records (n,) int64, the record of each row.
        """
        with self._sealed_file(f"rows/{name}.sealed") as file:

            def add(ids: NDArray[np.uint8], records: NDArray[np.int64]) -> None:
                rows = np.empty(len(ids), dtype=_ROW)
                rows["id"], rows["record"] = ids, records
                file.write(rows.tobytes())

            yield add

    def has_rows(self, name: str) -> bool:
        """Whether a row map is there, whole."""
        return (self.path / f"rows/{name}.sealed").exists()

    def rows(self, name: str) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """The (ids, records) of one pass, as `row_map` took them, piece by piece."""
        rest = b""
        for piece in self._unsealed(f"rows/{name}.sealed"):
            held = rest + piece
            whole = len(held) - len(held) % _ROW.itemsize
            rows, rest = np.frombuffer(held[:whole], dtype=_ROW), held[whole:]
            yield rows["id"].copy(), rows["record"].astype(np.int64)

    def destroy_secrets(self) -> None:
        """Destroy everything but the state: keys first, then what they sealed, then chunks."""
        destroy(self.path / "secrets.json")
        self._destroy_drafts()
        for path in [*self._sealed(), *self._below("outbox"), *self._below("posted")]:
            destroy(path)
        for folder in ("rows", "outbox", "posted"):
            _remove_folders(self.path / folder)

    def _sealed_file(self, name: str) -> AbstractContextManager[SealedWriter]:
        if self.secret("local", "key") is None:
            self.keep_secrets("local", {"key": secrets.token_bytes(32)})
        return sealed_file(self.path / name, self._local(), self.run, name)

    def _unsealed(self, name: str) -> Iterator[bytes]:
        try:
            yield from read_sealed(self.path / name, self._local(), self.run, name)
        except OSError as error:
            sentence = (
                "la table locale des lignes manque : les résultats ne peuvent plus être rattachés à votre fichier"
            )
            raise ServiceError("E_LIGNES_LOCALES", sentence) from error

    def _local(self) -> bytes:
        local = self.secret("local", "key")
        if local is None:
            raise ServiceError("E_ETAPE", f"rien n'est encodé : allervers run encode {self.run} FICHIER")
        return local

    def _destroy_drafts(self) -> None:
        """What a crash in the middle of a write left behind."""
        for path in self.path.glob(".*.tmp"):
            destroy(path)

    def _sealed(self) -> list[Path]:
        return [self.path / "records.sealed", self.path / "cases.sealed", *self._below("rows")]

    def _below(self, folder: str) -> list[Path]:
        return [path for path in (self.path / folder).rglob("*") if path.is_file()]

    def _state(self) -> dict[str, Any]:
        try:
            state = parse_canonical_json((self.path / "state.json").read_bytes(), LARGEST_SECRET)
        except FileNotFoundError as error:
            sentence = f"ce poste ne connaît pas le croisement {self.run} : lancez d'abord run open ou run approve"
            raise ServiceError("E_CROISEMENT_INCONNU", sentence) from error
        if not isinstance(state, dict) or state.get("format") != STATE_FORMAT:
            raise ServiceError("E_FICHIER_LOCAL", f"{self.path / 'state.json'} est abîmé")
        return state

    def _write_state(self, state: Mapping[str, Any]) -> None:
        write_secret(self.path / "state.json", canonical_json(state))

    def _secrets(self) -> dict[str, Any]:
        path = self.path / "secrets.json"
        if not path.exists():
            return {}
        held = parse_canonical_json(read_secret(path), LARGEST_SECRET)
        return held if isinstance(held, dict) else {}


def digest_of(identifiers: Sequence[str]) -> bytes:
    """SHA-256 of identifiers in their order, as a list of JSON that is never whole in memory."""
    digest = hashlib.sha256(b"[")
    for start in range(0, len(identifiers), _AT_ONCE):
        some = json.dumps(list(identifiers[start : start + _AT_ONCE]))
        digest.update((", " if start else "").encode() + some[1:-1].encode())
    digest.update(b"]")
    return digest.digest()


def unfinished_runs(home: Path, agreement: str) -> list[RunFolder]:
    """The runs of an agreement that this machine takes part in and has not closed."""
    return [one for one in runs_of(home, agreement) if not one.done("closed")]


def runs_of(home: Path, agreement: str) -> list[RunFolder]:
    """The runs of an agreement that this machine takes part in, or took."""
    folders = [RunFolder(path.parent) for path in sorted((home / "runs").glob("*/state.json"))]
    return [one for one in folders if one.agreement == agreement]


def _remove_folders(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir()
    if folder.exists():
        folder.rmdir()
