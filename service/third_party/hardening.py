"""What every process of the third party does first: files for the owner only, and no core file."""

from __future__ import annotations

import os

__all__ = ["harden"]


def harden() -> None:
    """Files for the owner only, and no core file: it would hold keys and opened encodings."""
    os.umask(0o077)
    if os.name == "posix":
        import resource  # noqa: PLC0415 - absent elsewhere

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
