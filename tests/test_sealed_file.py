"""Sealed files: whole or absent, read back piece by piece, never in clear."""

from __future__ import annotations

import pytest

from crypto.errors import CryptoError
from service.administration import sealed_file as module
from service.administration.sealed_file import read_sealed, sealed_file

LOCAL = b"\x07" * 32


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96, 500])
def test_what_was_written_is_read(tmp_path, monkeypatch, size):
    """Any size, written in any portions, over any number of pieces."""
    monkeypatch.setattr(module, "PIECE", 48)
    data = bytes(range(256)) * 2
    with sealed_file(tmp_path / "a" / "b.sealed", LOCAL, "run", "a/b") as file:
        for start in range(0, size, 7):
            file.write(data[start : min(size, start + 7)])
    assert data[:size] == b"".join(read_sealed(tmp_path / "a" / "b.sealed", LOCAL, "run", "a/b"))


def test_nothing_is_in_clear(tmp_path):
    """The bytes of the file tell nothing of the content."""
    with sealed_file(tmp_path / "a", LOCAL, "run", "a") as file:
        file.write(b"Matricule-0001" * 100)
    assert b"Matricule" not in (tmp_path / "a").read_bytes()


def test_a_cut_write_leaves_nothing(tmp_path):
    """The old file stays, the new one is destroyed."""
    with sealed_file(tmp_path / "a", LOCAL, "run", "a") as file:
        file.write(b"first")

    def cut():
        with sealed_file(tmp_path / "a", LOCAL, "run", "a") as other:
            other.write(b"second")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut()
    assert ["a"] == [path.name for path in tmp_path.iterdir()]
    assert b"first" == b"".join(read_sealed(tmp_path / "a", LOCAL, "run", "a"))


@pytest.mark.parametrize("change", ["name", "run", "key", "cut", "altered"])
def test_what_does_not_belong_does_not_open(tmp_path, monkeypatch, change):
    """Another name, run or key, a missing end, one bit."""
    monkeypatch.setattr(module, "PIECE", 48)
    path = tmp_path / "a"
    with sealed_file(path, LOCAL, "run", "a") as file:
        file.write(bytes(100))
    stored = bytearray(path.read_bytes())
    if change == "cut":
        del stored[-20:]
    if change == "altered":
        stored[30] ^= 1
    path.write_bytes(bytes(stored))
    key = b"\x08" * 32 if change == "key" else LOCAL
    with pytest.raises(CryptoError):
        list(read_sealed(path, key, "other" if change == "run" else "run", "b" if change == "name" else "a"))
