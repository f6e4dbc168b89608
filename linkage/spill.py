"""Arrays that memory has no room for, sealed in a file without a name.

The file is unlinked as soon as it is there (Windows deletes it when it is closed), so nothing stays after the process, however
it ends. What it holds is AES-256-GCM under a key that only this object has; without it a disk taken away, or a page
file, shows sizes and nothing else. An array is sealed in parts of 8 MiB, each with the next number of the spill as its nonce.

The file is made by the first array written: a spill that nobody needs costs nothing. The folder should be on a disk: on some
systems the usual folder of temporary files is itself memory.
"""

from __future__ import annotations

import secrets
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crypto.sealing import CHUNK_OVERHEAD, seal_piece, unseal_piece
from linkage.errors import LinkageError

__all__ = ["Spill"]

_PART = 8 << 20  # bytes sealed at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """Where an array is, and what it was: `number` is that of its first part."""

    number: int
    start: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Spill:
    """A sealed temporary file of arrays; threads may share it.

    Attributes:
        size: bytes of the file.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Opens nothing yet.

        Args:
            folder: where the file will be; the system's folder of temporary files when absent.
        """
        self._folder = folder
        self._key = secrets.token_bytes(32)
        self._pieces: list[_Piece] = []
        self._numbers = 0
        self._lock = Lock()
        self._file: Any = None
        self._ended = False
        self.size = 0

    def write(self, array: NDArray[Any]) -> int:
        """Seals an array; returns the number under which it is read again.

        Args:
            array: of any shape and of any type but Python objects.

        Raises:
            LinkageError: `E_DISQUE_PLEIN` when the file cannot be made or cannot grow.
        """
        if array.dtype.hasobject:
            raise TypeError("objects cannot be spilled")
        content = _bytes_of(np.ascontiguousarray(array))
        parts = -(-len(content) // _PART)
        with self._lock:
            self._check()
            piece = _Piece(number=self._numbers, start=self.size, dtype=array.dtype, shape=array.shape)
            self._pieces.append(piece)
            name = len(self._pieces) - 1
            self._numbers += parts
            self.size += len(content) + parts * CHUNK_OVERHEAD
        sealed = bytearray(min(len(content), _PART) + CHUNK_OVERHEAD)
        for part in range(parts):
            clear = content[part * _PART : (part + 1) * _PART]
            told = memoryview(sealed)[: len(clear) + CHUNK_OVERHEAD]
            seal_piece(self._key, piece.number + part, clear, told)
            self._put(piece.start + part * len(sealed), told)
        return name

    def read(self, piece: int) -> NDArray[Any]:
        """A fresh copy of an array that was written.

        Raises:
            CryptoError: `E_SCELLEMENT` when the file was altered meanwhile.
        """
        self._check()
        one = self._pieces[piece]
        array = np.empty(one.shape, one.dtype)
        content = _bytes_of(array)
        sealed = bytearray(min(len(content), _PART) + CHUNK_OVERHEAD)
        for part in range(-(-len(content) // _PART)):
            clear = content[part * _PART : (part + 1) * _PART]
            told = memoryview(sealed)[: len(clear) + CHUNK_OVERHEAD]
            with self._lock:
                self._check()
                self._file.seek(one.start + part * len(sealed))
                self._file.readinto(told)
            unseal_piece(self._key, one.number + part, told, clear)
        return array

    def close(self) -> None:
        """Ends the file and forgets the key; nothing can be read any more."""
        with self._lock:
            self._ended = True
            self._key = b""
            self._pieces.clear()
            if self._file is not None:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self) -> None:
        if self._ended:
            raise ValueError("the spill is closed")

    def _put(self, place: int, sealed: memoryview) -> None:
        try:
            with self._lock:
                self._check()
                if self._file is None:
                    self._file = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115 - lives as long as this
                    weakref.finalize(self, self._file.close)
                self._file.seek(place)
                while sealed:
                    sealed = sealed[self._file.write(sealed) :]
        except OSError:
            rule = "la mémoire ne suffit pas et le dossier temporaire non plus : libérez de la place sur le disque, puis relancez"
            raise LinkageError("E_DISQUE_PLEIN", rule) from None


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
