"""The worker: the only process that opens encodings. One loop, one job at a time, nothing lost when it is killed.

The loop sees to what must happen even when nobody asks (`upkeep`) and lets its engine look at the jobs (`jobs`): `durable_engine`
for a worker that stays, `direct_engine` for one that does what there is to do and ends.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from service.third_party import matching
from service.third_party.direct_engine import DirectEngine
from service.third_party.jobs import Engine
from service.third_party.journal import Emit, incident_line
from service.third_party.matching_job import MatchingJob
from service.third_party.purge import resume
from service.third_party.site import Site
from service.third_party.upkeep import sweep_files, tend

__all__ = ["Worker"]

_PAUSE_SECONDS = 0.5
_STEPS_BETWEEN_SWEEPS = 1200


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker of one third party."""

    site: Site
    stop: threading.Event  # set by whoever wants the worker to end
    emit: Emit
    means: matching.Means = field(default_factory=matching.Means)
    renewal_seconds: float = 2.0  # between two renewals of the lease of a job

    def run(self, *, once: bool = False, engine: Engine | None = None) -> None:
        """Work until asked to stop.

        Args:
            once: return as soon as there is nothing left to do.
            engine: of jobs; the direct one when absent.
        """
        engine = engine or self.direct()
        try:
            self._loop(engine, once=once)
        finally:
            engine.close()
        if self.stop.is_set():
            self._between()  # a job that was just ended has left something to destroy

    def step(self, engine: Engine | None = None) -> bool:
        """Do what is due, then let the engine look once at the jobs; returns whether anything was done."""
        busy = tend(self.site, self.complain)
        if not (engine or self.direct()).step():
            return busy
        resume(self.site, self.complain)
        return True

    @property
    def job(self) -> MatchingJob:
        """The work that its engine carries out."""
        return MatchingJob(site=self.site, emit=self.emit, means=self.means)

    def direct(self) -> DirectEngine:
        """An engine that works in the caller's thread."""
        return DirectEngine(
            job=self.job,
            stop=self.stop,
            complain=self.complain,
            between=self._between,
            renewal_seconds=self.renewal_seconds,
        )

    def complain(self, error: BaseException) -> None:
        """Write a failure to the operator's journal."""
        self.emit(incident_line(self.site.clock(), "worker", error))

    def _loop(self, engine: Engine, *, once: bool) -> None:
        steps = 0
        while not self.stop.is_set():
            busy = self._turn(engine, sweep=steps % _STEPS_BETWEEN_SWEEPS == 0)
            steps += 1
            if once and not busy:
                return
            if not busy:
                self.stop.wait(_PAUSE_SECONDS)

    def _turn(self, engine: Engine, *, sweep: bool) -> bool:
        try:
            if sweep:
                sweep_files(self.site)
            return self.step(engine)
        except Exception as error:  # noqa: BLE001 - the loop must outlive any failure of one step
            self.complain(error)
            return False

    def _between(self) -> None:
        """Deadlines, destructions and keys of the other runs do not wait for a long comparison."""
        try:
            tend(self.site, self.complain)
        except Exception as error:  # noqa: BLE001 - nothing here may cost the job its lease
            self.complain(error)
