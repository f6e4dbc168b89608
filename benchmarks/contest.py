"""Contestants as processes that take turns on the same files.

A `Player` is one matcher in a process of its own (`benchmarks.contestants`), kept alive between turns so that imports, compiled
code and prepared rows are not measured. `play` lets players take turns on a task and returns their runs; on the first turn each
writes down its pairs, so that they can be compared.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks import contestants, machine
from benchmarks.repeats import Run

__all__ = ["AVX2", "Contestant", "Outcome", "Player", "Stopped", "Task", "compared", "play"]

ROOT = Path(__file__).parents[1]
AVX2 = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}  # our kernels as a processor without AVX-512 gets them
_WARM_PAIRS = {"allervers": 12_000_000_000}  # a warm-up costs no more than that
_WARM = 20_000_000
_SLOW = ("numpy", "rdkit")  # get a tenth of the pairs of other peers


class Stopped(Exception):
    """A player's process ended; the last line that it wrote says why."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """Who plays.

    Attributes:
        name: in tables.
        tool: key of `contestants.TOOLS`.
        python: of the environment that has the tool; ours when absent.
        strategy: of ours; nothing to others.
        environ: variables of the process.
        threads: instead of the task's, when not 0.
    """

    name: str
    tool: str
    python: Path | None = None
    strategy: str = "full"
    environ: Mapping[str, str] = field(default_factory=dict)
    threads: int = 0


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is compared.

    Attributes:
        left, right: .npy files.
        rows: of each side.
        threshold, measure, threads: as `linkage.match.match` takes them.
        peer_pairs: about as many as a peer compares: a slice of the left rows against all right ones.
        own_pairs: the same for ours; everything when absent.
    """

    left: Path
    right: Path
    rows: int
    threshold: float
    measure: str
    threads: int
    peer_pairs: int
    own_pairs: int | None = None

    def left_rows(self, tool: str) -> int:
        """How many left rows a tool is given."""
        pairs = self.peer_pairs // (10 if tool in _SLOW else 1)
        if tool == "allervers":
            pairs = self.own_pairs or self.rows**2
        return max(1, min(self.rows, pairs // self.rows))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one contestant did.

    Attributes:
        runs: one a turn.
        left_rows: compared with all right rows.
        pairs: sorted, left row x right rows + right row.
        peak: MiB of its process at most, up to the end of its first run.
        said: what it told of its way.
    """

    runs: list[Run]
    left_rows: int
    pairs: NDArray[np.int64]
    peak: int
    said: str


class Player:
    """A contestant's process."""

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        command = [sys.executable, "-m", contestants.__name__]
        if contestant.python is not None:
            command = [str(contestant.python), contestants.__file__]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [*command, contestant.tool],
            cwd=ROOT,
            env={**os.environ, **contestant.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None and self._process.stdout is not None:
            self._process.stdin.close()
            self._process.stdout.close()
        self._process.wait()
        self._errors.close()

    def ask(self, task: Task, *, left_rows: int, pairs: Path | None = None) -> dict[str, Any]:
        """One run.

        Raises:
            Stopped: the process ended.
        """
        asked = {
            "left": str(task.left),
            "right": str(task.right),
            "left_rows": left_rows,
            "right_rows": task.rows,
            "threshold": task.threshold,
            "measure": task.measure,
            "threads": self.contestant.threads or task.threads,
            "strategy": self.contestant.strategy,
            "pairs": pairs and str(pairs),
        }
        line = ""
        if self._process.stdin is not None and self._process.stdout is not None and self._process.poll() is None:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            written = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            told = [line for line in written if re.match(r"[\w.]+(Error|Exception)\b", line)] or written
            raise Stopped(told[-1] if told else f"status {self._process.returncode}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def warm(self, task: Task) -> None:
        """A run that nobody counts: of everything if that is cheap, else of a few rows."""
        most = _WARM_PAIRS.get(self.contestant.tool, _WARM)
        self.ask(task, left_rows=max(1, min(task.left_rows(self.contestant.tool), most // task.rows)))


def play(players: Sequence[Player], task: Task, turns: int, say: Callable[[str], None] = print) -> dict[str, Outcome]:
    """Lets players take turns; whoever stops is told of and left out.

    Args:
        players: ready.
        task: for all.
        turns: at least 1.
        say: where to tell of those who stop.
    """
    runs: dict[str, list[Run]] = {}
    first: dict[str, dict[str, Any]] = {}
    found: dict[str, NDArray[np.int64]] = {}
    playing = list(players)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(-1, turns):
            for player in tuple(playing):
                name, left_rows = player.contestant.name, task.left_rows(player.contestant.tool)
                path = Path(folder) / "pairs.npy"
                try:
                    if turn < 0:
                        player.warm(task)
                        continue
                    answer = player.ask(task, left_rows=left_rows, pairs=None if turn else path)
                except Stopped as stopped:
                    playing.remove(player)
                    say(f"{name}: {stopped}")
                    continue
                if turn == 0:
                    first[name], found[name] = answer, np.load(path)
                threads = player.contestant.threads or task.threads
                runs.setdefault(name, []).append(_run(answer, turn, left_rows * task.rows, threads))
    return {
        player.contestant.name: Outcome(
            runs=runs[player.contestant.name],
            left_rows=task.left_rows(player.contestant.tool),
            pairs=found[player.contestant.name],
            peak=first[player.contestant.name]["peak"] >> 10,
            said=first[player.contestant.name]["said"],
        )
        for player in playing
    }


def _run(answer: dict[str, Any], turn: int, pairs: int, threads: int) -> Run:
    spare = max(0, machine.cores() - threads) * answer["wall"]
    return Run(
        turn=turn,
        pairs=answer["compared"] or pairs,
        found=answer["found"],
        wall=answer["wall"],
        cpu=answer["cpu"],
        threads=threads,
        taken=max(0.0, answer["others"] - spare),
    )


def compared(one: Outcome, other: Outcome, rows: int) -> tuple[int, int]:
    """Pairs that only the first has, and only the second, among the left rows that both were given."""
    common = min(one.left_rows, other.left_rows) * rows
    first, second = (each.pairs[: np.searchsorted(each.pairs, common)] for each in (one, other))
    if np.array_equal(first, second):
        return 0, 0
    return len(np.setdiff1d(first, second)), len(np.setdiff1d(second, first))
