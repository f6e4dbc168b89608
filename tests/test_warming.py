"""Warming compiles what a run needs, and leaves nothing behind but machine code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from linkage import kernel
from linkage.warming import warm

ROOT = Path(__file__).parent.parent


def test_every_part_is_named_and_the_kernels_are_compiled():
    """The progress callback hears of each part; afterwards the matcher's kernel has code."""
    parts: list[str] = []
    warm(parts.append)
    assert ["lecture et encodage", "comparaison"] == parts
    assert not kernel.COMPILED or len(kernel.scan.signatures) == 1


def test_a_warm_cache_compiles_nothing_more(tmp_path):
    """A second process finds all code of the matcher on disk."""
    if not kernel.COMPILED:
        return
    script = (
        "import numpy as np\n"
        "from linkage.match import match\n"
        "from linkage import kernel\n"
        "rows = np.ones((20, 16), np.uint64)\n"
        "match(rows, rows, 0.9)\n"
        "print(sum(kernel.scan.stats.cache_hits.values()), sum(kernel.scan.stats.cache_misses.values()))\n"
    )
    told = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        told.append(done.stdout.split())
    assert [["0", "1"], ["1", "0"]] == told
