"""Sealed chunks as local files: ``ROOT/RUN/UPLOAD/NUMBER``, written once, dropped whole.

A chunk goes to a fresh file of the same folder, is flushed to the disk, takes its name in one step, and the
folder is
flushed: a file that has its name is whole. Only then does its row enter the database, so a crash leaves at
worst a file that no row names; the sweep drops those. What is in the files is ciphertext under keys that die
with the run.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Blobs"]

_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Blobs:
    """The chunks of one data directory."""

    root: Path

    def write(self, run: str, upload: str, number: int, data: bytes) -> None:
        """Store a chunk; writing it again replaces it by the same bytes.

        Raises:
            OSError: the disk refused.
        """
        folder = self._upload(run, upload)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
        fresh = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(folder / str(number))
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        _flush(folder)

    def read(self, run: str, upload: str, number: int) -> bytes | None:
        """A chunk, or None when its file is gone."""
        try:
            return (self._upload(run, upload) / str(number)).read_bytes()
        except FileNotFoundError:
            return None

    def drop_upload(self, run: str, upload: str) -> None:
        """Remove the chunks of an upload."""
        _remove(self._upload(run, upload))

    def drop_run(self, run: str) -> None:
        """Remove the chunks of a run."""
        _remove(self._run(run))

    def holds(self, run: str) -> bool:
        """Whether anything of a run is there."""
        return self._run(run).exists()

    def held(self) -> set[tuple[str, str]]:
        """(run, upload) of everything that is there; the upload is empty for a run's folder that holds none."""
        found = set()
        for folder in self.root.glob("*"):
            inside = [path.name for path in folder.glob("*")]
            found |= {(folder.name, upload) for upload in inside or [""]}
        return found

    def _run(self, run: str) -> Path:
        if not _NAME.fullmatch(run):
            raise ValueError("not the identifier of a run")
        return self.root / run

    def _upload(self, run: str, upload: str) -> Path:
        if not _NAME.fullmatch(upload):
            raise ValueError("not the identifier of an upload")
        return self._run(run) / upload


def _remove(folder: Path) -> None:
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue  # another process is removing it too; whoever comes last sees it gone
    _flush(folder.parent)


def _flush(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened; the file system orders its own updates
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return  # dropped by a destruction in between: there is nothing left to keep
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
