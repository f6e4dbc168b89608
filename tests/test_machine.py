"""What is said of the machine, and what is not."""

import getpass
import platform

import pytest

from benchmarks.machine import cores, describe, in_words

CPUINFO = """processor\t: 0
cpu family\t: 6
model\t\t: 207
model name\t: Some Processor
stepping\t: 2
flags\t\t: fpu popcnt avx2 avx512f avx512_vpopcntdq sse2

processor\t: 1
model name\t: Another
"""


@pytest.fixture
def files(tmp_path):
    cpuinfo, meminfo = tmp_path / "cpuinfo", tmp_path / "meminfo"
    cpuinfo.write_text(CPUINFO, "utf-8")
    meminfo.write_text("MemTotal:       25165824 kB\nMemFree: 1 kB\n", "ascii")
    return cpuinfo, meminfo


def test_described(files):
    """The first processor, the flags that matter, memory and versions."""
    told = describe(*files)
    assert ("Some Processor", "cpu family 6 model 207 stepping 2") == (told["processor"], told["identity"])
    assert ["popcnt", "avx2", "avx512f", "avx512_vpopcntdq"] == told["flags"]
    assert (24.0, cores()) == (told["memory_gib"], told["cores"])
    assert {"numpy", "numba", "llvmlite"} == set(told["packages"])
    assert "Some Processor (cpu family 6 model 207 stepping 2)" in in_words(told)


def test_a_system_without_these_files(tmp_path):
    """Nothing is known but what Python says."""
    told = describe(tmp_path / "none", tmp_path / "none")
    assert (None, []) == (told["memory_gib"], told["flags"])


def test_no_name_of_the_machine():
    """Neither host nor user."""
    words = in_words(describe()).split()
    assert platform.node() not in words
    assert getpass.getuser() not in words
