"""Chunks as files: whole or absent, dropped without a trace."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.third_party.blobs import Blobs

RUN, UPLOAD, OTHER = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs")


def test_a_chunk_is_read_back(blobs):
    """What is written is what is read; what is not there is None."""
    blobs.write(RUN, UPLOAD, 3, b"sealed")
    assert b"sealed" == blobs.read(RUN, UPLOAD, 3)
    assert None is blobs.read(RUN, UPLOAD, 4)
    assert None is blobs.read(RUN, OTHER, 3)


def test_writing_again_leaves_one_file(blobs):
    """A repeated chunk replaces itself; no temporary file stays."""
    for _ in range(3):
        blobs.write(RUN, UPLOAD, 0, b"sealed")
    assert ["0"] == [path.name for path in (blobs.root / RUN / UPLOAD).iterdir()]


def test_files_are_for_the_owner_only(blobs):
    """Mode 0600, whatever the umask."""
    blobs.write(RUN, UPLOAD, 0, b"sealed")
    assert 0o600 == stat.S_IMODE((blobs.root / RUN / UPLOAD / "0").stat().st_mode)


def test_dropping_an_upload_leaves_the_others(blobs):
    """Only its own chunks go; dropping it again is fine."""
    blobs.write(RUN, UPLOAD, 0, b"x")
    blobs.write(RUN, OTHER, 0, b"y")
    for _ in range(2):
        blobs.drop_upload(RUN, UPLOAD)
    assert (None, b"y") == (blobs.read(RUN, UPLOAD, 0), blobs.read(RUN, OTHER, 0))
    assert {(RUN, OTHER)} == blobs.held()


def test_dropping_a_run_leaves_nothing(blobs):
    """Files, temporary ones included, and folders go."""
    blobs.write(RUN, UPLOAD, 0, b"x")
    (blobs.root / RUN / UPLOAD / ".left.tmp").write_bytes(b"half")
    assert blobs.holds(RUN)
    for _ in range(2):
        blobs.drop_run(RUN)
    assert (False, set()) == (blobs.holds(RUN), blobs.held())


@pytest.mark.parametrize("name", ["", "..", "../x", "A" * 32, "a" * 31])
def test_names_that_are_not_identifiers_are_not_paths(blobs, name):
    """Nothing outside the folder can be named."""
    with pytest.raises(ValueError, match="identifier"):
        blobs.write(name, UPLOAD, 0, b"x")
    with pytest.raises(ValueError, match="identifier"):
        blobs.drop_upload(RUN, name)


def test_a_refusal_of_the_disk_leaves_no_temporary_file(blobs):
    """When the name cannot be taken, the fresh file goes away and the error is told."""
    (blobs.root / RUN / UPLOAD / "0").mkdir(parents=True)
    (blobs.root / RUN / UPLOAD / "0" / "x").touch()
    with pytest.raises(OSError, match="0"):
        blobs.write(RUN, UPLOAD, 0, b"x")
    assert ["0"] == [path.name for path in (blobs.root / RUN / UPLOAD).iterdir()]


def test_two_processes_may_drop_the_same_run(blobs):
    """Removal by several at once ends with nothing there and no error."""
    for number in range(40):
        blobs.write(RUN, UPLOAD, number, b"x")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: blobs.drop_run(RUN), range(4)))
    assert not blobs.holds(RUN)
