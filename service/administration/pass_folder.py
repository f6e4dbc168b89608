"""The folder of one pass in the outbox: ``outbox/COMPARISON/PASS``, and how far the pass went.

It holds the sealed chunks under their numbers, then ``draft.json`` (written last: without it the pass is not encoded), then
``manifest.json`` once the upload key is wrapped to the worker of the run, with its `Stage`, then ``held.json`` once the third
party holds everything, when the chunks are destroyed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crypto.framing import canonical_json, parse_canonical_json
from crypto.key_files import destroy, write_secret
from service.administration.run_folder import RunFolder
from service.errors import ServiceError
from service.messages import MAX_JSON_BYTES, Manifest, statement_digest

__all__ = ["PassFolder", "Stage"]

Stage = Literal["signed", "announced", "complete"]  # may be with the third party; is; with every chunk


@dataclass(frozen=True)
class PassFolder:
    """One pass of one comparison.

    Attributes:
        run_folder: of the run.
        comparison: its identifier.
        name: of the pass.
    """

    run_folder: RunFolder
    comparison: str
    name: str

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.run_folder.path / "outbox" / self.comparison / self.name

    def chunk(self, number: int) -> Path:
        """Where a sealed chunk is."""
        return self.path / str(number)

    def sealed(self, number: int) -> bytes:
        """A sealed chunk. Raises OSError."""
        return self.chunk(number).read_bytes()

    # The draft

    def keep_draft(self, draft: Manifest) -> None:
        """Say that the pass is encoded."""
        write_secret(self.path / "draft.json", draft.to_bytes())

    def draft(self) -> Manifest | None:
        """Its manifest before the upload key is wrapped; None when it is not encoded.

        Raises:
            CryptoError: the file is not canonical JSON.
            ServiceError: it is no manifest.
        """
        path = self.path / "draft.json"
        return Manifest.from_json(parse_canonical_json(path.read_bytes(), MAX_JSON_BYTES)) if path.exists() else None

    # The manifest

    @property
    def is_signed(self) -> bool:
        """Whether its manifest was signed: the third party may hold it, and its rows keep the names they have."""
        return (self.path / "manifest.json").exists()

    def manifest(self) -> dict[str, Any] | None:
        """``{"worker": digest of its key, "signed": manifest, "stage": Stage}``, once it was signed.

        Raises:
            CryptoError: the file is not canonical JSON.
            ServiceError: `E_FICHIER_LOCAL`, it has other members.
        """
        if not self.is_signed:
            return None
        path = self.path / "manifest.json"
        kept = parse_canonical_json(path.read_bytes(), MAX_JSON_BYTES)
        if not isinstance(kept, dict) or {"worker", "signed", "stage"} != set(kept):
            raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé")
        return kept

    def keep_manifest(self, worker: str, signed: dict[str, Any], stage: Stage) -> None:
        """Keep the manifest that was signed for a worker's key."""
        write_secret(self.path / "manifest.json", canonical_json({"worker": worker, "signed": signed, "stage": stage}))

    def reached(self, stage: Stage) -> None:
        """Record how far the manifest went; it never goes back."""
        kept = self.manifest()
        if kept is not None and kept["stage"] not in (stage, "complete"):
            self.keep_manifest(kept["worker"], kept["signed"], stage)

    def withdraw(self) -> None:
        """Forget a manifest that was never taken: the pass may be encoded again."""
        destroy(self.path / "manifest.json")

    # The end

    @property
    def held(self) -> bool:
        """Whether the third party holds everything."""
        return (self.path / "held.json").exists()

    def hand_over(self, signed: dict[str, Any], chunks: int) -> None:
        """Note that the third party holds everything, and destroy the chunks."""
        write_secret(self.path / "held.json", canonical_json({"digest": statement_digest(signed), "pieces": chunks}))
        for number in range(chunks):
            destroy(self.chunk(number))

    def clear(self) -> None:
        """Drop the pass: the draft first, so that a half-dropped pass is not one."""
        own = [self.path / name for name in ("draft.json", "manifest.json", "held.json")]
        for path in (*own, *self.path.iterdir()):
            destroy(path)
