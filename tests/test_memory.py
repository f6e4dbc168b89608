"""Free memory goes back to the system, or nothing happens."""

from __future__ import annotations

import ctypes
from typing import Any

from linkage.memory import give_back


def test_free_memory_is_given_back(monkeypatch):
    """Where the C library can be asked it is, and where it cannot nothing fails."""
    give_back()

    def none(*_: object) -> Any:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", none)
    give_back()
