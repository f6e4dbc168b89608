"""What a supervisor may count, in the form of Prometheus, on a port of its own.

Labels are of closed sets: route templates, methods, classes of statuses, states of a run, names of probes. No party, no run, and
never how many rows are linked: that is a result. Everything is there at zero from the start.

Requests are counted as they end; the state of the service is read from the database when it is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import MetricsHandler
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from service.errors import ServiceError
from service.messages import RunState
from service.third_party.clocks import marked
from service.third_party.disk import free_bytes
from service.third_party.journal import dropped
from service.third_party.lifecycle import LIVE, over
from service.third_party.run_store import runs_in
from service.third_party.schema import jobs, log_head, purges, runs
from service.third_party.site import Site
from service.third_party.upkeep import SIGNED, TENDED

__all__ = ["Metrics", "serve_metrics"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_OTHER = "other"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one process.

    Args:
        site: whose state is told.
        routes: the templates of the application's routes; whatever else is asked for counts as `other`.
    """

    def __init__(self, site: Site, routes: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._routes = frozenset(routes)
        self._requests = Counter(
            "allervers_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "allervers_request_seconds", "Time to answer.", ("route",), registry=self.registry, buckets=_BUCKETS
        )
        for route in (*sorted(self._routes), _OTHER):
            self._seconds.labels(route)
        self.registry.register(_State(site))

    def observe(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        known = route if route in self._routes else _OTHER
        group = f"{status // 100}xx"
        self._requests.labels(
            method if method in _METHODS else _OTHER, known, group if group in _CLASSES else _OTHER
        ).inc()
        self._seconds.labels(known).observe(seconds)


@dataclass(frozen=True)
class _State:
    """The state of the service, read when it is asked for."""

    site: Site

    def collect(self) -> Iterable[Metric]:
        """Every family; those of the database are left out while it does not answer."""
        yield _gauge("allervers_journal_members_dropped", "Members that were not allowed into the journal.", dropped())
        yield _gauge("allervers_disk_free_bytes", "Room left where the data are.", free_bytes(self.site.data))
        try:
            families = list(self._of_database())
        except (SQLAlchemyError, ServiceError):
            families = []
        yield _gauge("allervers_database_up", "Whether the database answers.", int(bool(families)))
        yield from families

    def _of_database(self) -> Iterable[Metric]:
        now = self.site.clock()
        with self.site.database.read() as connection:
            by_state = {row.state: row[1] for row in connection.execute(_RUNS)}
            family = GaugeMetricFamily("allervers_runs", "Runs by state.", labels=("state",))
            for state in RunState:
                family.add_metric([str(state)], by_state.get(str(state), 0))
            yield family
            for name, meaning, table in _COUNTS:
                yield _gauge(name, meaning, connection.scalar(select(func.count()).select_from(table)) or 0)
            overdue = [
                (now - run.deadline).total_seconds() for run in runs_in(connection, *LIVE) if over(run.deadline, now)
            ]
            yield _gauge(
                "allervers_purge_overdue_seconds", "Age of the oldest deadline not kept.", max(overdue, default=0)
            )
            size = connection.scalar(select(log_head.c.size)) or 0
            yield _gauge("allervers_log_leaves", "Leaves of the audit log.", size)
            for name, meaning, mark in _MARKS:
                at = marked(connection, mark)
                yield _gauge(name, meaning, -1 if at is None else (now - at).total_seconds())


_RUNS = select(runs.c.state, func.count()).group_by(runs.c.state)
_COUNTS = (
    ("allervers_jobs", "Runs that wait for the matching or are in it.", jobs),
    ("allervers_purges_pending", "Destructions decided and not proved yet.", purges),
)
_MARKS = (
    ("allervers_log_signed_age_seconds", "Since the log was last signed; -1 when it never was.", SIGNED),
    ("allervers_upkeep_age_seconds", "Since a worker last looked after deadlines; -1 when none did.", TENDED),
)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def serve_metrics(metrics: Metrics, host: str, port: int) -> Callable[[], None]:
    """Serve the metrics on an address of their own.

    Args:
        metrics: of this process.
        host: address to listen on; the loopback's, or one that only the supervisor reaches.
        port: 0 for any free one.

    Returns:
        What stops it.

    Raises:
        OSError: the address is taken.
    """
    handler: Any = MetricsHandler.factory(metrics.registry)
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
