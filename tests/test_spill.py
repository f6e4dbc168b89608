"""Spilled arrays come back as they were, and leave nothing behind that says what they held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from crypto.errors import SealBroken
from linkage.errors import LinkageError
from linkage.spill import Spill

ROOT = Path(__file__).parent.parent
LARGE = 9 << 20  # more than one sealed part
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files through /proc")
DTYPES = arrays.scalar_dtypes() | st.sampled_from([np.dtype("S7"), np.dtype("U3")])


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=9)))
def test_arrays_come_back(array):
    """Any shape and type but objects, byte for byte, as an array of its own that may be written to."""
    with Spill() as spill:
        spill.write(np.arange(3))
        back = spill.read(spill.write(array))
    assert (array.dtype, array.shape, array.tobytes()) == (back.dtype, back.shape, back.tobytes())
    assert back.flags.writeable
    assert back.flags.c_contiguous


def test_arrays_of_several_parts_come_back():
    """Large arrays, and views that are not contiguous, in any order."""
    drawn = np.random.default_rng(1).integers(0, 256, (3, LARGE), dtype=np.uint8)
    with Spill() as spill:
        first, second = spill.write(drawn), spill.write(drawn[:, ::2])
        assert (drawn[:, ::2] == spill.read(second)).all()
        assert (drawn == spill.read(first)).all()
        assert spill.size > drawn.nbytes * 3 // 2


def test_objects_are_refused():
    """Python objects would be written as addresses."""
    with Spill() as spill, pytest.raises(TypeError):
        spill.write(np.array(["a", None], dtype=object))


@needs_proc
def test_nothing_on_the_disk_can_be_read(tmp_path):
    """The file has no name, and what it holds shows neither the values nor that two arrays are equal."""
    secret = np.frombuffer(b"MARTIN;1980-02-29;" * 4096, dtype=np.uint8)
    with Spill(tmp_path) as spill:
        assert [] == list(tmp_path.iterdir())
        spill.write(secret)
        half = spill.size
        spill.write(secret)
        assert [] == list(tmp_path.iterdir())
        content = Path(f"/proc/self/fd/{spill._file.fileno()}").read_bytes()
        assert spill.size == len(content)
        assert b"MARTIN" not in content
        assert b"1980" not in content
        assert content[:half] != content[half:]


@needs_proc
def test_closing_lets_the_file_go(tmp_path):
    """After `close`, or once nobody holds the spill, the process has no file and the key is gone."""
    spill = Spill(tmp_path)
    spill.write(np.arange(9))
    assert 1 == len(opened_under(tmp_path))
    spill.close()
    assert [] == opened_under(tmp_path)
    assert b"" == spill._key
    with pytest.raises(ValueError, match="closed"):
        spill.read(0)
    with pytest.raises(ValueError, match="closed"):
        spill.write(np.arange(9))
    spill = Spill(tmp_path)
    spill.write(np.arange(9))
    del spill
    assert [] == opened_under(tmp_path)


def opened_under(folder):
    """Open files of this process in a folder, with or without a name."""
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))  # noqa: PTH208 - some vanish
    return [found for link in links if Path(link).is_symlink() and (found := os.readlink(link)).startswith(str(folder))]  # noqa: PTH115


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process at once")
def test_a_killed_process_leaves_no_file(tmp_path):
    """Killed without a chance to tidy up, a process leaves the folder empty: its file never had a name."""
    code = f"""
import sys, time
from pathlib import Path
import numpy as np
from linkage.spill import Spill
spill = Spill(Path({str(tmp_path)!r}))
spill.write(np.arange(1 << 20))
print("written", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "written\n" == process.stdout.readline()
        process.kill()
    assert [] == list(tmp_path.iterdir())


def test_a_full_disk_is_said(tmp_path):
    """What no longer fits is refused with the code of full disks, and no path or value."""
    code = f"""
import resource
from pathlib import Path
import numpy as np
from linkage.errors import LinkageError
from linkage.spill import Spill
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
spill = Spill(Path({str(tmp_path)!r}))
kept = spill.write(np.arange(1000))
try:
    spill.write(np.arange(1 << 20))
except LinkageError as error:
    print(error)
print(int(spill.read(kept).sum()))
"""
    pytest.importorskip("resource", reason="limits files as POSIX does")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    said, total = done.stdout.splitlines()
    assert said.startswith("E_DISQUE_PLEIN : ")
    assert str(tmp_path) not in said
    assert "499500" == total


def test_a_folder_that_is_not_there_is_said(tmp_path):
    """A spill that cannot be made is refused at its first array, not before."""
    with Spill(tmp_path / "absent") as spill, pytest.raises(LinkageError) as refused:
        spill.write(np.arange(9))
    assert "E_DISQUE_PLEIN" == refused.value.code


def test_an_altered_file_is_refused():
    """A changed byte, or pieces exchanged, break the seal."""
    with Spill() as spill:
        one, other = spill.write(np.arange(100)), spill.write(np.arange(100))
        content = os.pread(spill._file.fileno(), spill.size, 0)
        os.pwrite(spill._file.fileno(), bytes([content[5] ^ 1]), 5)
        with pytest.raises(SealBroken):
            spill.read(one)
        half = spill.size // 2
        os.pwrite(spill._file.fileno(), content[:half], half)
        with pytest.raises(SealBroken):
            spill.read(other)


def test_threads_share_a_spill():
    """Arrays written and read by many threads at once are not mixed up."""
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        written = [(spill.write(np.full(LARGE // 64, 100 * number + k)), 100 * number + k) for k in range(8)]
        return all((spill.read(piece) == value).all() for piece, value in reversed(written))

    with Spill() as spill, ThreadPoolExecutor(8) as pool:
        assert [True] * 8 == list(pool.map(work, range(8)))
