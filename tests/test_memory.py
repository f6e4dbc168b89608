"""What is left of the memory for data; free memory goes back to the system, or nothing happens."""

from __future__ import annotations

import ctypes
from typing import Any

from linkage.memory import PROGRAM, give_back, left_for_data, share_heap


def test_free_memory_is_given_back(monkeypatch):
    """Where the C library can be asked it is, and where it cannot nothing fails."""
    give_back()

    def none(*_: object) -> Any:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", none)
    give_back()
    share_heap()


def test_data_has_what_the_program_leaves():
    """The program is taken off what the process may use; a quarter is left of what is hardly more than that."""
    assert left_for_data(PROGRAM + (300 << 20)) == 300 << 20
    assert left_for_data(1 << 20) == 1 << 18


def test_one_heap_may_be_asked_for_again():
    """Whoever reads or encodes asks for it; the second time changes nothing."""
    share_heap()
    share_heap()
