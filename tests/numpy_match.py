"""The matcher with numpy alone: what replaces the kernels where there is no compiler, and proves them where there is one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.candidates import Candidates, Gathering
from linkage.plan import Measure
from linkage.scanning import Hits, prepare, scan_blocks, twin

__all__ = ["match_numpy"]


def match_numpy(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    threshold: float,
    measure: Measure = "dice",
    *,
    chunk: int | None = None,
    threads: int | None = None,
) -> Candidates:
    """All pairs at or above the threshold, in the matcher's order, whether or not there is a compiler."""
    task, gathering = prepare(left, right, threshold, measure), Gathering(1 << 28)

    def receive(hits: Hits) -> None:
        if len(hits):
            gathering.add(hits[:, 0], hits[:, 1], task.scores(hits))

    everything = np.array([[0, len(left), 0, len(right)]], dtype=np.int64)
    scan_blocks(everything, twin(task), receive, chunk=chunk, threads=threads)
    with gathering.ordered() as stream:
        return stream.whole()
