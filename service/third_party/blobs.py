"""Sealed chunks, named by run, upload and number: written once, dropped whole. `Blobs` is what every store promises.

A chunk that can be read is whole, and it is kept when `write` returns. Only then does its row enter the
database, so a crash leaves at worst a chunk that no row names; the sweep drops those. What is stored is
ciphertext under keys that die with the run, and whoever reads it checks its digest. A store that fails raises
`OSError`, and what it was asked is done or not done, never half.

`LocalBlobs` keeps files ``ROOT/RUN/UPLOAD/NUMBER``: a fresh file of the same folder, flushed to the disk, takes its
name in one step, and every folder made on the way is flushed. The store in a bucket is in `bucket`.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Blobs", "LocalBlobs", "check_name"]

_NAME = re.compile(r"[0-9a-f]{32}")


def check_name(name: str) -> str:
    """An identifier of a run or of an upload, and nothing that could name another place.

    Raises:
        ValueError: it is not.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("not the identifier of a run or of an upload")
    return name


class Blobs(Protocol):
    """Where the chunks of a third party are."""

    def write(self, run: str, upload: str, number: int, data: bytes) -> None:
        """Keep a chunk; writing it again changes nothing. Raises OSError."""

    def read(self, run: str, upload: str, number: int) -> bytes | None:
        """A chunk, or None when it is not there. Raises OSError."""

    def drop_upload(self, run: str, upload: str) -> None:
        """Remove the chunks of an upload; there may be none. Raises OSError."""

    def drop_run(self, run: str) -> None:
        """Remove the chunks of a run; there may be none. Raises OSError."""

    def holds(self, run: str) -> bool:
        """Whether anything of a run is there. Raises OSError."""

    def held(self) -> set[tuple[str, str]]:
        """(run, upload) of everything that is there; the upload is empty for a run of which only a trace is left."""


@dataclass(frozen=True)
class LocalBlobs:
    """Files of one data directory."""

    root: Path

    def write(self, run: str, upload: str, number: int, data: bytes) -> None:
        """Store a chunk; writing it again replaces it by the same bytes.

        Raises:
            OSError: the disk refused.
        """
        folder = self._upload(run, upload)
        _make(folder)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
        fresh = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                _leave_cache(file.fileno())
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
        return self.root / check_name(run)

    def _upload(self, run: str, upload: str) -> Path:
        return self._run(run) / check_name(upload)


def _make(folder: Path) -> None:
    """Make a folder and those above it; the name of each is on the disk before anything is put in it."""
    if folder.exists():
        return
    _make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _flush(folder.parent)


def _remove(folder: Path) -> None:
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue  # another process is removing it too; whoever comes last sees it gone
    _flush(folder.parent)


def _leave_cache(descriptor: int) -> None:
    """Let the next chunk take the same pages of memory: this one is read again only when the run is compared."""
    if sys.platform == "linux":
        with suppress(OSError):  # advice: a system that takes none loses nothing
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


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
