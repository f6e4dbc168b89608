"""Chunks in files and in a bucket: the same promises. Whole or absent, dropped without a trace."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.third_party.blobs import Blobs, LocalBlobs, check_name
from service.third_party.bucket import BucketBlobs
from tests.bucket_service import BucketService

RUN, UPLOAD, OTHER = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def local(tmp_path):
    return LocalBlobs(tmp_path / "data" / "blobs")


@pytest.fixture(params=["files", "bucket"])
def blobs(request, tmp_path) -> Blobs:
    """An empty store of each kind."""
    if request.param == "files":
        return LocalBlobs(tmp_path / "blobs")
    service: BucketService = request.getfixturevalue("bucket")
    return BucketBlobs.at(f"s3://bucket/{secrets.token_hex(8)}/deep", service.members)


def test_a_chunk_is_read_back(blobs):
    """What is written is what is read; what is not there is None."""
    blobs.write(RUN, UPLOAD, 3, b"sealed")
    assert b"sealed" == blobs.read(RUN, UPLOAD, 3)
    assert None is blobs.read(RUN, UPLOAD, 4)
    assert None is blobs.read(RUN, OTHER, 3)


def test_a_large_chunk_is_one_object(blobs):
    """Sixteen mebibytes, the most that a party sends: whole, and nothing in parts is left."""
    data = secrets.token_bytes(16 << 20)
    blobs.write(RUN, UPLOAD, 0, data)
    assert data == blobs.read(RUN, UPLOAD, 0)


def test_writing_again_changes_nothing(blobs):
    """A chunk that is sent twice is there once; a damaged one is healed by what the party sends again."""
    for _ in range(3):
        blobs.write(RUN, UPLOAD, 0, b"sealed")
    assert b"sealed" == blobs.read(RUN, UPLOAD, 0)
    blobs.write(RUN, UPLOAD, 0, b"healed")
    assert b"healed" == blobs.read(RUN, UPLOAD, 0)
    assert {(RUN, UPLOAD)} == blobs.held()


def test_the_same_chunk_from_many_at_once_is_there_once(blobs):
    """Whoever is first: every caller finds it kept."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: blobs.write(RUN, UPLOAD, 7, b"sealed" * 1000), range(16)))
    assert b"sealed" * 1000 == blobs.read(RUN, UPLOAD, 7)


def test_dropping_an_upload_leaves_the_others(blobs):
    """Only its own chunks go; dropping it again is fine."""
    blobs.write(RUN, UPLOAD, 0, b"x")
    blobs.write(RUN, OTHER, 0, b"y")
    for _ in range(2):
        blobs.drop_upload(RUN, UPLOAD)
    assert (None, b"y") == (blobs.read(RUN, UPLOAD, 0), blobs.read(RUN, OTHER, 0))
    assert {(RUN, OTHER)} == blobs.held()


def test_dropping_a_run_leaves_nothing(blobs):
    """However many chunks there are; other runs keep theirs."""
    for number in range(12):
        blobs.write(RUN, (UPLOAD, OTHER)[number % 2], number, b"x")
    blobs.write(OTHER, UPLOAD, 0, b"y")
    assert (True, True) == (blobs.holds(RUN), blobs.holds(OTHER))
    for _ in range(2):
        blobs.drop_run(RUN)
    assert (False, True, {(OTHER, UPLOAD)}) == (blobs.holds(RUN), blobs.holds(OTHER), blobs.held())


def test_an_empty_store_holds_nothing(blobs):
    """Before anything was ever written."""
    blobs.drop_run(RUN)
    blobs.drop_upload(RUN, UPLOAD)
    assert (False, set(), None) == (blobs.holds(RUN), blobs.held(), blobs.read(RUN, UPLOAD, 0))


def test_two_processes_may_drop_the_same_run(blobs):
    """Removal by several at once ends with nothing there and no error."""
    for number in range(20):
        blobs.write(RUN, UPLOAD, number, b"x")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: blobs.drop_run(RUN), range(4)))
    assert not blobs.holds(RUN)


@pytest.mark.parametrize("name", ["", "..", "../x", "A" * 32, "a" * 31])
def test_names_that_are_not_identifiers_name_nothing(blobs, name):
    """Nothing outside the store's own place can be written, read or dropped."""
    with pytest.raises(ValueError, match="identifier"):
        blobs.write(name, UPLOAD, 0, b"x")
    with pytest.raises(ValueError, match="identifier"):
        blobs.read(RUN, name, 0)
    with pytest.raises(ValueError, match="identifier"):
        blobs.drop_upload(RUN, name)
    with pytest.raises(ValueError, match="identifier"):
        blobs.drop_run(name)
    with pytest.raises(ValueError, match="identifier"):
        check_name(name)


def test_files_are_for_the_owner_only(local):
    """Modes 0600 and 0700, whatever the umask."""
    local.write(RUN, UPLOAD, 0, b"sealed")
    assert ["0"] == [path.name for path in (local.root / RUN / UPLOAD).iterdir()]
    assert 0o600 == stat.S_IMODE((local.root / RUN / UPLOAD / "0").stat().st_mode)
    assert 0o700 == stat.S_IMODE((local.root / RUN / UPLOAD).stat().st_mode)


def test_a_half_written_file_goes_with_its_run(local):
    """What a crash has left is dropped like the rest."""
    local.write(RUN, UPLOAD, 0, b"x")
    (local.root / RUN / UPLOAD / ".left.tmp").write_bytes(b"half")
    local.drop_run(RUN)
    assert (False, set()) == (local.holds(RUN), local.held())


def test_a_refusal_of_the_disk_leaves_no_temporary_file(local):
    """When the name cannot be taken, the fresh file goes away and the error is told."""
    (local.root / RUN / UPLOAD / "0").mkdir(parents=True)
    (local.root / RUN / UPLOAD / "0" / "x").touch()
    with pytest.raises(OSError, match="0"):
        local.write(RUN, UPLOAD, 0, b"x")
    assert ["0"] == [path.name for path in (local.root / RUN / UPLOAD).iterdir()]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is advised")
def test_a_system_that_takes_no_advice_keeps_the_chunk(local, monkeypatch):
    """It is on the disk already; and where advice is taken, it is about a file that is."""
    advised: list[int] = []

    def refused(descriptor: int, *_: int) -> None:
        advised.append(os.fstat(descriptor).st_size)
        raise OSError(errno.ENOSYS, "x")

    monkeypatch.setattr(os, "posix_fadvise", refused)
    local.write(RUN, UPLOAD, 0, b"sealed")
    assert (b"sealed", [6]) == (local.read(RUN, UPLOAD, 0), advised)


def test_a_chunk_has_its_name_only_once_it_is_on_the_disk(local, monkeypatch):
    """Data, then the name, then the folder; and each folder made on the way, from the top."""
    steps: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        steps.append(f"flush {'data' if path.suffix == '.tmp' else path.name[:4]}")
        real_fsync(descriptor)

    def replace(path: Path, target: Path) -> Path:
        steps.append("name")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    local.root.parent.mkdir()
    local.write(RUN, UPLOAD, 0, b"x")
    assert ["flush data", "flush blob", "flush aaaa", "flush data", "name", "flush bbbb"] == steps
