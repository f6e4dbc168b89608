"""Where the command `allervers` begins: nothing is imported before somebody may interrupt it, and nothing is printed but a line.

The rest of the command takes a few tenths of a second to load; Ctrl-C during these is answered as it is later on.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command of this process's arguments; returns the exit code."""
    try:
        from service.cli import main as command  # noqa: PLC0415 - within reach of an interruption

        return command()
    except KeyboardInterrupt:
        sys.stderr.write("interrompu ; rien n'avait commencé\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
