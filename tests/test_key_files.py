"""Secrets on a disk."""

import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.errors import FormatRefused, KeyAbsent, KeyReadable, KeyRefused
from crypto.key_files import LARGEST_SECRET, destroy, read_secret, write_secret

posix = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX files")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.binary(max_size=2000))
def test_a_secret_goes_both_ways(tmp_path: Path, data: bytes) -> None:
    """What is written is read back, also over an earlier secret, and nothing else is left behind."""
    path = tmp_path / "identity.json"
    write_secret(path, data)
    assert data == read_secret(path)
    assert [path] == list(tmp_path.iterdir())


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_the_owner_has_rights(tmp_path: Path, mask: int) -> None:
    """The file has mode 0600 whatever the mask of the process, and whatever stood there before."""
    path = tmp_path / "key"
    path.write_bytes(b"old")
    path.chmod(0o644)
    before = os.umask(mask)
    try:
        write_secret(path, b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secret(path) == b"new"


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777, 0o660])
def test_a_shared_file_is_refused(tmp_path: Path, mode: int) -> None:
    """Any right of the group or of others is refused, with its own code; the content is not told."""
    path = tmp_path / "key"
    write_secret(path, b"material")
    path.chmod(mode)
    with pytest.raises(KeyReadable) as refusal:
        read_secret(path)
    assert refusal.value.code == "E_CLE_LISIBLE"
    assert "material" not in str(refusal.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A key file that is not there has its own code, and is a refused key like the others."""
    with pytest.raises(KeyAbsent) as refusal:
        read_secret(tmp_path / "key")
    assert refusal.value.code == "E_CLE_ABSENTE"
    assert isinstance(refusal.value, KeyRefused)


def test_what_is_not_a_key_file(tmp_path: Path) -> None:
    """A folder, or a file larger than any secret, is refused."""
    with pytest.raises(FormatRefused):
        read_secret(tmp_path)
    path = tmp_path / "large"
    path.write_bytes(bytes(LARGEST_SECRET + 1))
    path.chmod(0o600)
    with pytest.raises(FormatRefused):
        read_secret(path)


def test_a_secret_has_a_largest_size(tmp_path: Path) -> None:
    """What could not be read back is not written; the largest secret is."""
    path = tmp_path / "key"
    with pytest.raises(FormatRefused):
        write_secret(path, bytes(LARGEST_SECRET + 1))
    assert list(tmp_path.iterdir()) == []
    write_secret(path, bytes(LARGEST_SECRET))
    assert bytes(LARGEST_SECRET) == read_secret(path)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """When the name cannot be taken, no copy of the secret stays in the folder."""
    path = tmp_path / "taken"
    path.mkdir()
    with pytest.raises(OSError, match="taken"):
        write_secret(path, b"secret")
    assert [path] == list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        write_secret(tmp_path / "no" / "folder", b"secret")


@posix
@pytest.mark.parametrize("size", [0, 3, 32, 5000])
def test_a_replaced_secret_is_overwritten(tmp_path: Path, size: int) -> None:
    """Whoever still holds the old file reads zeros of the same length; the name has the new one."""
    path = tmp_path / "key"
    write_secret(path, b"\xa5" * size)
    with path.open("rb") as held:
        write_secret(path, b"new")
        assert bytes(size) == held.read()
    assert read_secret(path) == b"new"


@posix
def test_only_the_replaced_file_is_overwritten(tmp_path: Path) -> None:
    """What a symbolic link points to, and a file with a second name, keep their bytes."""
    other, link, second = (tmp_path / name for name in ("other", "link", "second"))
    other.write_bytes(b"kept")
    link.symlink_to(other)
    write_secret(link, b"new")
    assert (b"kept", b"new") == (other.read_bytes(), read_secret(link))
    os.link(other, second)
    write_secret(second, b"new")
    assert (b"kept", b"new") == (other.read_bytes(), read_secret(second))


def test_a_reader_never_sees_zeros(tmp_path: Path) -> None:
    """While a secret is replaced again and again, each reading gives a whole one."""
    path = tmp_path / "key"
    wanted = {bytes([number]) * 200_000 for number in (1, 2)}
    for data in wanted:
        write_secret(path, data)
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(read_secret(path))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(60):
        for data in wanted:
            write_secret(path, data)
    done.set()
    reader.join()
    assert seen <= wanted


@pytest.mark.parametrize("size", [0, 1, 32, (1 << 20) + 5, 3 << 20])
def test_a_destroyed_file_is_overwritten_and_gone(tmp_path: Path, size: int) -> None:
    """The name is gone, and whoever still holds the file reads zeros of the same length."""
    path = tmp_path / "key"
    path.write_bytes(b"\xa5" * size)
    with path.open("rb") as held:
        destroy(path)
        assert bytes(size) == held.read()
    assert not path.exists()


def test_destroying_again_is_fine(tmp_path: Path) -> None:
    """A file, or a folder, that is not there is already destroyed."""
    path = tmp_path / "key"
    write_secret(path, b"secret")
    destroy(path)
    destroy(path)
    destroy(tmp_path / "no" / "folder")
    assert list(tmp_path.iterdir()) == []


def test_destroying_a_folder_is_refused(tmp_path: Path) -> None:
    """Only files are destroyed."""
    with pytest.raises(OSError, match=r"directory|denied"):
        destroy(tmp_path)
    assert tmp_path.is_dir()


def test_a_name_without_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare file name lives in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_secret(Path("key"), b"secret")
    assert read_secret(tmp_path / "key") == b"secret"
    destroy(Path("key"))
    assert list(tmp_path.iterdir()) == []
