"""What the guided fuzzer runs: `python -m tests.fuzz_readers KIND CORPUS [libFuzzer options]`, Linux only."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ImportError:  # pragma: no cover
    sys.exit("atheris is not installed: pip install atheris (Linux only)")

# What is compiled cannot be instrumented.
with atheris.instrument_imports(include=["linkage"], exclude=["linkage.lexicon", "linkage.plain_names"]):
    from tests.test_fuzz_readers import take


def main() -> None:
    """Fuzzes one kind of file until time is over or something is found."""
    kind, *options = sys.argv[1:]
    path = Path(tempfile.mkdtemp()) / f"f.{kind}"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        take(path)

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
