"""Room on the disks that the service writes to."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["LEAST_FREE", "free_bytes"]

LEAST_FREE = 1 << 30
"""Bytes below which the operator is told."""


def free_bytes(folder: Path) -> int:
    """Bytes that this account may still write where the folder is.

    Raises:
        OSError: there is no such folder.
    """
    return shutil.disk_usage(folder).free
