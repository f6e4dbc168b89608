"""Files that only this machine reads: sealed piece by piece as they are written, under a key that lives elsewhere.

A file is a fresh salt (16 bytes), then pieces of `PIECE` bytes, each by `seal_chunk` under
``derive(local key, LOCAL_ROWS, name, salt)`` with the context ``frame(LOCAL_ROWS, run, name)``: a file that is written again
never meets a key twice. It takes its name when it is whole: a write that is cut leaves nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from crypto.framing import Label, frame
from crypto.key_files import destroy
from crypto.keys import derive
from crypto.sealing import CHUNK_OVERHEAD, seal_chunk, unseal_chunk

__all__ = ["PIECE", "SealedWriter", "read_sealed", "sealed_file"]

PIECE = 4 << 20  # bytes of plaintext in one piece
_SALT = 16


class SealedWriter:
    """What is written here is sealed as soon as it fills a piece.

    Args:
        file: open for writing bytes.
        local: the machine's key for this run.
        run: identifier of the run.
        name: of the file within the run.
    """

    def __init__(self, file: BinaryIO, local: bytes, run: str, name: str) -> None:
        salt = secrets.token_bytes(_SALT)
        self._file, self._number, self._held = file, 0, bytearray()
        self._key, self._context = _names(local, run, name, salt)
        file.write(salt)

    def write(self, data: bytes | memoryview) -> None:
        """Add to the plaintext."""
        self._held += data
        while len(self._held) > PIECE:  # the last piece, which says so, is written by `finish`
            self._seal(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]

    def finish(self) -> None:
        """Seal what is left."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._file.write(seal_chunk(self._key, self._context, self._number, last, piece))
        self._number += 1


@contextmanager
def sealed_file(path: Path, local: bytes, run: str, name: str) -> Iterator[SealedWriter]:
    """A file that is there, whole, when the block ends, and not at all when it is cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.tmp")
    try:
        with fresh.open("wb") as file:
            writer = SealedWriter(file, local, run, name)
            yield writer
            writer.finish()
        fresh.replace(path)
    except BaseException:
        destroy(fresh)
        raise


def read_sealed(path: Path, local: bytes, run: str, name: str) -> Iterator[bytes]:
    """The plaintext of a file, piece by piece.

    Raises:
        OSError: the file cannot be read.
        SealBroken: altered, cut, of another name or of another run.
    """
    with path.open("rb") as file:
        key, context = _names(local, run, name, file.read(_SALT))
        number, sealed = 0, file.read(PIECE + CHUNK_OVERHEAD)
        while True:
            following = file.read(PIECE + CHUNK_OVERHEAD)
            yield unseal_chunk(key, context, number, not following, sealed)
            if not following:
                return
            number, sealed = number + 1, following


def _names(local: bytes, run: str, name: str, salt: bytes) -> tuple[bytes, bytes]:
    return derive(local, Label.LOCAL_ROWS, name, salt), frame(Label.LOCAL_ROWS, run, name)
