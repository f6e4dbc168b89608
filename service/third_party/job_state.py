"""What the engine of jobs keeps for itself, seen from outside: where it is, and how it is destroyed with a run.

DBOS keeps one row for each job and one for each of its steps, in tables of its own: a file beside the database of the third party,
or a schema of the same PostgreSQL. They hold names of jobs, numbers and moments, nothing of anybody's file, and go with the run all
the same. They are reached by plain SQL here: the web process, which destroys too, never loads the engine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from service.third_party.site import Site

__all__ = ["SCHEMA", "forget", "holds", "make_engine"]

SCHEMA = "dbos"
_FILE = "jobs.sqlite"
_TABLES = {  # and the column that names the job
    "operation_outputs": "workflow_uuid",
    "workflow_events_history": "workflow_uuid",
    "workflow_events": "workflow_uuid",
    "streams": "workflow_uuid",
    "notifications": "destination_uuid",
    "workflow_input": "workflow_uuid",
    "workflow_output": "workflow_uuid",
    "workflow_status": "workflow_uuid",
}
_PRAGMAS = ("busy_timeout=30000", "synchronous=EXTRA", "secure_delete=ON", "foreign_keys=ON", "temp_store=MEMORY")


def make_engine(site: Site, *, kept: bool = False) -> Engine:
    """Connections to the tables of the engine.

    Args:
        site: whose.
        kept: whether connections stay open between two uses.
    """
    pool = {} if kept else {"poolclass": NullPool}
    if not site.database.on_sqlite:
        # The engine's own statements expect each to see what was committed before it.
        return create_engine(
            site.database.url, hide_parameters=True, pool_pre_ping=True, connect_args=site.database.connect_args, **pool
        )
    url = URL.create("sqlite", database=str(site.data / _FILE))
    engine = create_engine(url, hide_parameters=True, **pool)
    event.listen(engine, "connect", _prepare)
    return engine


def forget(site: Site, run: str) -> None:
    """Destroy what the engine keeps of a run; there may be nothing."""
    with _tables(site) as connection:
        if connection is not None:
            for table, column in _TABLES.items():
                connection.execute(text(f"DELETE FROM {_named(site, table)} WHERE {column} LIKE :job"), _jobs_of(run))


def holds(site: Site, run: str) -> bool:
    """Whether the engine still keeps anything of a run."""
    with _tables(site) as connection:
        if connection is None:
            return False
        found = (
            connection.execute(
                text(f"SELECT 1 FROM {_named(site, table)} WHERE {column} LIKE :job LIMIT 1"), _jobs_of(run)
            )
            for table, column in _TABLES.items()
        )
        return any(one.first() is not None for one in found)


@contextmanager
def _tables(site: Site) -> Iterator[Connection | None]:
    """A transaction on the tables; None when no engine was ever there."""
    if site.database.on_sqlite and not (site.data / _FILE).exists():
        yield None
        return
    engine = make_engine(site)
    try:
        with engine.begin() as connection:
            schema = None if site.database.on_sqlite else SCHEMA
            there = inspect(connection).has_table("workflow_output", schema=schema)
            yield connection if there else None
    finally:
        engine.dispose()


def _named(site: Site, table: str) -> str:
    return table if site.database.on_sqlite else f"{SCHEMA}.{table}"


def _jobs_of(run: str) -> dict[str, str]:
    return {"job": f"{run}-%"}  # runs are named in hexadecimal digits: nothing here is a pattern


def _prepare(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = "IMMEDIATE"  # as the engine's own connections; writers of several processes wait in line
    for pragma in _PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")
