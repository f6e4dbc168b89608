"""The local folder of a run: what this machine knows of it, and what only this machine may know.

::

    RUN/state.json                    agreement, run, steps done (no secret, no personal data)
    RUN/posted/COMPARISON.json        the sealed share that was posted (public)
    RUN/secrets.json                  0600: own shares, run keys, upload keys, the local key, each while it serves
    RUN/records.sealed                identifiers of the records, sealed under the local key (recipient only)
    RUN/rows/COMPARISON/PASS.sealed   row id → record of one pass, sealed (recipient only)
    RUN/outbox/COMPARISON/PASS/…      sealed chunks on their way to the third party (see outbox.py)

A sealed file is a fresh salt (16 bytes), then pieces of `PIECE` bytes, each by `seal_chunk` under
``derive(local key, LOCAL_ROWS, name, salt)`` with the context ``frame(LOCAL_ROWS, run, name)``: a file that
is written again never meets a key twice. The local key lives in the secrets only: destroying `secrets.json`
makes all the rest unreadable, and the rest is destroyed too.

Steps are marked after their effect: a crash before the mark makes the step run again, and every step can.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label, canonical_json, frame, from_base64, parse_canonical_json, to_base64
from crypto.key_files import LARGEST_SECRET, destroy, read_secret, write_secret
from crypto.keys import derive
from crypto.sealing import CHUNK_OVERHEAD, seal_chunk, unseal_chunk
from linkage.wire import ID_BYTES
from service.errors import ServiceError

__all__ = ["RunFolder", "Step", "runs_of", "unfinished_runs"]

STATE_FORMAT = "allervers/local-run/v1"
PIECE = 4 << 20  # bytes of plaintext in one piece of a sealed file
_SALT = 16
_ROW = np.dtype([("id", np.uint8, (ID_BYTES,)), ("record", "<i8")])

Step = Literal["joined", "encoded", "sent", "delivered", "closed"]


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

    def steps(self) -> Mapping[str, str]:
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
        """A secret of the run, by kind (`share`, `key`, `upload`, `local`) and name."""
        value = self._secrets().get(kind, {}).get(name)
        return None if value is None else from_base64(value)

    def keep_secrets(self, kind: str, values: Mapping[str, bytes]) -> None:
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
        self.drop_secrets("share", "key", "upload", "local", "records")
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

    def write_identifiers(self, identifiers: list[str]) -> None:
        """Seal the local identifiers of the records, in the order of the records."""
        self._seal("records.sealed", json.dumps(identifiers, ensure_ascii=False).encode())

    def identifiers(self) -> list[str]:
        """The local identifiers of the records."""
        return [str(one) for one in json.loads(self._unseal("records.sealed"))]

    def write_rows(self, name: str, ids: NDArray[np.uint8], records: NDArray[np.int64]) -> None:
        """Seal the row map of one pass.

        Args:
            name: ``COMPARISON/PASS``.
            ids: (n, 16) uint8.
            records: (n,) int64, index of the record of each row.
        """
        rows = np.empty(len(ids), dtype=_ROW)
        rows["id"], rows["record"] = ids, records
        self._seal(f"rows/{name}.sealed", rows.tobytes())

    def rows(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The (ids, records) of one pass, as `write_rows` took them."""
        rows = np.frombuffer(self._unseal(f"rows/{name}.sealed"), dtype=_ROW)
        return rows["id"].copy(), rows["record"].astype(np.int64)

    def destroy_secrets(self) -> None:
        """Destroy everything but the state: keys first, then what they sealed, then chunks."""
        destroy(self.path / "secrets.json")
        self._destroy_drafts()
        for path in [*self._sealed(), *self._below("outbox"), *self._below("posted")]:
            destroy(path)
        for folder in ("rows", "outbox", "posted"):
            _remove_folders(self.path / folder)

    def _seal(self, name: str, plaintext: bytes) -> None:
        if self.secret("local", "key") is None:
            self.keep_secrets("local", {"key": secrets.token_bytes(32)})
        salt = secrets.token_bytes(_SALT)
        key, context = self._file_key(name, salt)
        pieces = max(1, -(-len(plaintext) // PIECE))
        path = self.path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.tmp")
        with fresh.open("wb") as file:
            file.write(salt)
            for number in range(pieces):
                piece = plaintext[number * PIECE : (number + 1) * PIECE]
                file.write(seal_chunk(key, context, number, number == pieces - 1, piece))
        fresh.replace(path)

    def _unseal(self, name: str) -> bytes:
        try:
            stored = (self.path / name).read_bytes()
        except OSError as error:
            sentence = (
                "la table locale des lignes manque : les résultats ne peuvent plus être rattachés à votre fichier"
            )
            raise ServiceError("E_LIGNES_LOCALES", sentence) from error
        key, context = self._file_key(name, stored[:_SALT])
        sealed, size = stored[_SALT:], PIECE + CHUNK_OVERHEAD
        pieces = max(1, -(-len(sealed) // size))
        return b"".join(
            unseal_chunk(key, context, number, number == pieces - 1, sealed[number * size : (number + 1) * size])
            for number in range(pieces)
        )

    def _file_key(self, name: str, salt: bytes) -> tuple[bytes, bytes]:
        local = self.secret("local", "key")
        if local is None:
            raise ServiceError("E_ETAPE", f"rien n'est encodé : allervers run encode {self.run} FICHIER")
        return derive(local, Label.LOCAL_ROWS, name, salt), frame(Label.LOCAL_ROWS, self.run, name)

    def _destroy_drafts(self) -> None:
        """What a crash in the middle of a write left behind."""
        for path in self.path.glob(".*.tmp"):
            destroy(path)

    def _sealed(self) -> list[Path]:
        return [self.path / "records.sealed", *self._below("rows")]

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
