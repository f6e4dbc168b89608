"""The engine of a worker that stays: jobs as workflows of DBOS, which remembers the answer of every step.

The rows of `jobs` are the truth, and what DBOS keeps follows them (`_reconcile`, every two seconds): a job without a workflow is
handed over; a workflow that nobody carries out (its worker was killed, its thread died of a lost connection or a full disk) is
resumed here or by any other worker; one that an operator holds back is cancelled; one whose job is gone is deleted. Of a job, one
workflow exists for each round, named ``RUN-JOB``; a resumed workflow takes no step again that has answered.

What DBOS would do by itself and must not: pickle (its tables are then as good as code), name jobs after a hash of the program
(an update would orphan them), print stack traces and an advertisement, record the text of exceptions, recover the jobs of a dead
process only in a process of the same name. So: values are JSON, and stored pickles are refused whatever they claim; the version
is fixed; its logger writes journal lines without text; no exception of a step ever reaches it (`_Abandoned`); takeover is ours.

DBOS is one for a whole process: there is one engine at a time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dbos import DBOS, SetWorkflowID
from dbos._serialization import DBOSPortableJSON, DefaultSerializer
from sqlalchemy import Engine as Connections

from service.third_party import job_state, jobs
from service.third_party.direct_engine import is_passing
from service.third_party.jobs import Job
from service.third_party.journal import Emit, incident_line, line
from service.third_party.leases import JobLost, Lease, Stopped
from service.third_party.matching_job import Answer, MatchingJob

__all__ = ["RECONCILE_SECONDS", "VERSION", "DurableEngine"]

VERSION = "jobs-1"  # of the sequence of steps: raised only when old rounds could not be resumed by the new program
RECONCILE_SECONDS = 2.0
_QUEUE = "matching"
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 15.0
_ACTIVE = {"PENDING", "ENQUEUED", "DELAYED"}
_LEVEL = logging.WARNING
_EVERY = timedelta(seconds=RECONCILE_SECONDS)

_current: list[DurableEngine] = []


class _Abandoned(BaseException):
    """An execution ends without an outcome: not an Exception, so that DBOS records nothing of it and the step is taken again."""


@DBOS.workflow(name="matching")
def _carry_out(run: str, job: str) -> None:
    _current[0].carry_out(run, job)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """How a workflow that nobody seems to carry out looked the last time."""

    name: str
    owner: str | None
    attempts: int


class DurableEngine:
    """An engine of one process.

    Attributes:
        executor: name of this process among those that share the tables.
    """

    def __init__(self, job: MatchingJob, stop: threading.Event, *, executor: str, alone: bool) -> None:
        """Start it.

        Args:
            job: the work.
            stop: set by whoever wants the worker to end.
            executor: unlike that of any other live process.
            alone: whether no other worker can be alive: what the last one held is taken back at once.
        """
        self.executor = executor
        self._job, self._site, self._stop = job, job.site, stop
        self._busy = threading.Lock()
        self._running: str | None = None
        self._ended = threading.Event()  # an execution, since the last look
        self._known: set[str] = set()
        self._idle: set[_Seen] = set()
        self._due: datetime | None = None
        if alone:
            with self._site.database.write() as connection:
                jobs.free_all(connection)
        _tame(job.emit, job.site.clock)
        self._connections: Connections = job_state.make_engine(self._site)
        _current[:] = [self]
        try:
            self._launch()
        except BaseException:
            self.close()
            raise

    def step(self) -> bool:
        """Hand over new jobs, and see now and then to all of them. The work itself is done by threads of DBOS.

        Returns:
            Whether an execution has ended since the last look: there may be something to destroy.
        """
        ended = self._ended.is_set()
        self._ended.clear()
        with self._site.database.read() as connection:
            waiting = jobs.list_jobs(connection)
        if self._is_due() or any(one.name not in self._known for one in waiting):
            self._reconcile(waiting)
        return ended

    def carry_out(self, run: str, job: str) -> None:
        """One execution of a job, in a thread of DBOS."""
        with self._busy:
            lease, self._running = Lease(site=self._site, run=run, stop=self._stop), f"{run}-{job}"
            try:
                self._claim(lease, job)
                with lease:
                    self._job.perform(lease, _recorded)
            except _Abandoned as ended:
                self._give_back(lease, ended.__cause__)
                raise
            except Exception as error:  # those of DBOS for an execution that has another owner by now are none
                self._give_back(lease, error)
                raise _Abandoned from error
            finally:
                self._running = None
                self._ended.set()

    def close(self) -> None:
        """Stop; an execution under way is waited for, it stops between two batches."""
        self._stop.set()
        if self._busy.acquire(timeout=_GRACE_SECONDS):
            self._busy.release()
        DBOS.destroy(workflow_completion_timeout_sec=0)
        self._connections.dispose()
        _current.clear()

    def _launch(self) -> None:
        url = self._connections.url
        DBOS(
            config={
                "name": "allervers",
                "system_database_url": url.render_as_string(hide_password=True),  # the engine below has the password
                "system_database_engine": self._connections,
                "dbos_system_schema": job_state.SCHEMA,
                "application_version": VERSION,
                "executor_id": self.executor,
                "serializer": DBOSPortableJSON,
                "log_level": logging.getLevelName(_LEVEL),
                "enable_otlp": False,
                "use_listen_notify": False,
                "scheduler_polling_interval_sec": 3600.0,
            }
        )
        DBOS.launch()
        DBOS.register_queue(_QUEUE, worker_concurrency=1, polling_interval_sec=_POLL_SECONDS)

    def _claim(self, lease: Lease, name: str) -> None:
        with self._site.database.write() as connection:
            job = jobs.progress(connection, lease.run)
            if job is None or job.job != name or not lease.claim(connection, job):
                raise JobLost

    def _give_back(self, lease: Lease, error: BaseException | None) -> None:
        """Let the job go on elsewhere or later; when not even that can be written, its lease ends by itself."""
        if error is None or isinstance(error, JobLost):
            return
        counted = not isinstance(error, Stopped) and not is_passing(error)
        if not isinstance(error, Stopped):
            self._complain(error)
        try:
            lease.release(counted=counted)
        except Exception as again:  # noqa: BLE001 - whatever it is, nothing more can be done here
            self._complain(again)

    def _is_due(self) -> bool:
        now = self._site.clock()
        return self._due is None or now >= self._due or (self._due - now).total_seconds() > RECONCILE_SECONDS

    def _reconcile(self, waiting: list[Job]) -> None:
        """Make what DBOS keeps follow the rows of jobs."""
        now = self._site.clock()
        self._due = None  # due again at once if anything below fails
        states = {one.workflow_id: one.status for one in DBOS.list_workflows(load_input=False, load_output=False)}
        idle: set[_Seen] = set()
        for one in waiting:
            seen = _Seen(name=one.name, owner=one.owner, attempts=one.attempts)
            if self._follow(one, states.get(one.name), now, idle_before=seen in self._idle):
                idle.add(seen)
        wanted = {one.name for one in waiting}
        for name in states.keys() - wanted:
            if name != self._running:
                DBOS.delete_workflow(name)
        self._idle, self._known = idle, wanted
        self._due = now + _EVERY

    def _follow(self, one: Job, state: str | None, now: datetime, *, idle_before: bool) -> bool:
        """See to one job; returns whether its workflow looks as if nobody carried it out."""
        if one.paused:
            if state in _ACTIVE:
                DBOS.cancel_workflow(one.name)
        elif state is None:
            with SetWorkflowID(one.name):
                DBOS.enqueue_workflow(_QUEUE, _carry_out, one.run, one.job)
        elif state == "CANCELLED":
            DBOS.resume_workflow(one.name, queue_name=_QUEUE)
        elif state not in _ACTIVE:
            with self._site.database.write() as connection:
                jobs.start_round(connection, one)
        elif state == "PENDING" and one.is_free(now):
            # Between being taken from the queue and claiming its lease, a live execution looks the same for a moment.
            if one.owner is None and not idle_before:
                return True
            DBOS.resume_workflow(one.name, queue_name=_QUEUE)
        return False

    def _complain(self, error: BaseException) -> None:
        self._job.emit(incident_line(self._site.clock(), "worker", error))


def _recorded(name: str, work: Callable[[], Answer]) -> Answer:
    """A step whose answer DBOS remembers."""

    def guarded() -> Answer:
        try:
            return work()
        except Exception as error:
            raise _Abandoned from error

    answer: Answer = DBOS.run_step({"name": name}, guarded)
    return answer


class _Journal(logging.Handler):
    """DBOS's log as journal lines: how grave, what kind of exception and where in the program, never a text."""

    def __init__(self, emit: Emit, clock: Callable[[], datetime]) -> None:
        super().__init__(_LEVEL)
        self._emit, self._clock = emit, clock

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._emit(incident_line(self._clock(), "jobs", error))
        else:
            self._emit(line(self._clock(), event="jobs", code=record.levelname))


def _tame(emit: Emit, clock: Callable[[], datetime]) -> None:
    """Take the log of DBOS over, and its way to pickles away."""
    logger = logging.getLogger("dbos")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.addHandler(_Journal(emit, clock))
    logger.propagate = False
    # A row says itself how it is serialised: with a serializer of JSON, a row that says pickle would still be executed.
    DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[assignment,method-assign]


def _refuse_pickle(*_: Any) -> Any:
    message = "no pickle is opened here"
    raise ValueError(message)
