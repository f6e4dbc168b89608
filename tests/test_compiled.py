"""The compiler's place: compiled functions run without the interpreter lock, with or without a folder to keep them in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from linkage.compiled import LANES, compiled
from tests.invented import ROOT

READ_ONLY = """
import numba.core.caching as caching

for kind in (caching.CompileResultCacheImpl, caching.CompileResultCacheImpl.__base__):
    kind._locator_classes = []
import numpy as np
from linkage.diffuse import diffuse
from linkage.diffusion_tables import diffusion_table
filters = np.arange(64, dtype=np.uint64).reshape(2, 32)
print(diffuse(filters, diffusion_table(bytes(32), 2048, 4)).tobytes().hex())
"""


def doubled(values):
    """Twice each."""
    return values * 2


def test_a_compiled_function_gives_what_it_gave():
    """The decorator changes how a function runs, not what it returns."""
    values = np.arange(LANES, dtype=np.int64)
    assert doubled(values).tolist() == compiled(doubled)(values).tolist()


def test_an_installation_that_cannot_be_written_compiles_in_each_process():
    """Without any folder for compiled code the encoder works, and gives the same bits."""
    from linkage.diffuse import diffuse
    from linkage.diffusion_tables import diffusion_table

    filters = np.arange(64, dtype=np.uint64).reshape(2, 32)
    expected = diffuse(filters, diffusion_table(bytes(32), 2048, 4)).tobytes().hex()
    done = subprocess.run([sys.executable, "-c", READ_ONLY], cwd=Path(ROOT), capture_output=True, text=True, check=True)
    assert expected == done.stdout.strip()
