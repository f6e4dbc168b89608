"""Interleaved repeats: which count, and the ratios they give.

Cores are shared, sometimes with a neighbour that takes one for seconds, so seconds of different moments are not compared.
Contestants take turns (A, B, C, A, B, C…) and a ratio is that of two runs of the same turn; what is reported is the median of
the turns and their least and largest. A run during which others took the cores that it needed is dropped, with its turn; when
all are, none is, and the table says so.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Ratio", "Run", "exponent", "kept", "ratio_of", "table"]

_TAKEN = 0.05  # share of the needed processor time that others may take
_SLACK = 0.03  # seconds; the system counts in hundredths


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run.

    Attributes:
        turn: which round it belongs to.
        pairs: pairs of rows compared.
        found: pairs at or above the threshold.
        wall, cpu: seconds.
        threads: it was given.
        taken: processor seconds that others took from it, as far as the system tells.
    """

    turn: int
    pairs: int
    found: int
    wall: float
    cpu: float
    threads: int
    taken: float = 0.0

    @property
    def disturbed(self) -> bool:
        """Whether others took a core that it needed."""
        return self.taken > _TAKEN * self.threads * self.wall + _SLACK

    @property
    def rate(self) -> float:
        """Thousand million pairs a second."""
        return self.pairs / self.wall / 1e9

    @property
    def core_rate(self) -> float:
        """Thousand million pairs a second of processor."""
        return self.pairs / max(self.cpu, 1e-9) / 1e9


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Rate of one contestant over that of another: the median of the turns, the least, the largest; `wall` and by processor time.

    Attributes:
        median, least, most: of rates by the clock.
        core: median of rates by processor second.
        turns: that count.
    """

    median: float
    least: float
    most: float
    core: float
    turns: int

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.least:.3g}-{self.most:.3g})"


def kept(runs: Sequence[Run]) -> list[Run]:
    """The runs that nobody disturbed, or all if there is none."""
    return [run for run in runs if not run.disturbed] or list(runs)


def ratio_of(ours: Sequence[Run], theirs: Sequence[Run]) -> Ratio:
    """The ratio of rates over the turns in which neither was disturbed; over all turns if there is none.

    Raises:
        ValueError: no turn has both.
    """
    others = {run.turn: run for run in theirs}
    both = [(run, others[run.turn]) for run in ours if run.turn in others]
    if not both:
        raise ValueError("no turn has both")
    calm = [(one, other) for one, other in both if not (one.disturbed or other.disturbed)] or both
    rates = [one.rate / other.rate for one, other in calm]
    return Ratio(
        median=statistics.median(rates),
        least=min(rates),
        most=max(rates),
        core=statistics.median(one.core_rate / other.core_rate for one, other in calm),
        turns=len(calm),
    )


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The b of seconds = a · size^b, by least squares on logarithms.

    Raises:
        ValueError: fewer than two sizes.
    """
    if len(set(sizes)) < 2:
        raise ValueError("two sizes at least")
    x, y = [math.log(size) for size in sizes], [math.log(one) for one in seconds]
    return statistics.linear_regression(x, y).slope


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first and the last to the left, the others to the right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        cells[0], cells[-1] = row[0].ljust(widths[0]), row[-1]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
