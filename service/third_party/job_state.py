"""What the engine of jobs keeps for itself, seen from outside: where it is, and how it is destroyed with a run.

DBOS keeps one row for each job and one for each of its steps, in tables of its own: a file beside the database of the third
party, or a schema of the same PostgreSQL. They hold names of jobs, numbers and moments, nothing of anybody's file, and go with
the run all the same. They are reached by plain SQL here: the web process, which destroys too, never loads the engine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    TableClause,
    column,
    create_engine,
    delete,
    event,
    exists,
    inspect,
    select,
    table,
)
from sqlalchemy.engine import URL

from service.errors import ServiceError
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


def make_engine(site: Site) -> Engine:
    """Connections to the tables of the engine."""
    if site.database.on_sqlite:
        url = URL.create("sqlite", database=str(site.data / _FILE))
        engine = create_engine(url, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        return engine
    # The engine's own statements expect each to see what was committed before it, and no more than that.
    settings = site.database.connect_args
    return create_engine(site.database.url, hide_parameters=True, pool_pre_ping=True, connect_args=settings)


def forget(site: Site, run: str) -> None:
    """Destroy what the engine keeps of a run; there may be nothing.

    Raises:
        SQLAlchemyError: something could not be destroyed.
        ServiceError: `E_DESTRUCTION_INCOMPLETE`, something is still there.
    """
    with _tables(site) as connection:
        if connection is None:
            return
        for name in _TABLES:
            connection.execute(delete(_table(site, name)).where(_about(name, run)))
    if holds(site, run):
        raise ServiceError("E_DESTRUCTION_INCOMPLETE", "il reste quelque chose dans : jobs.", 500)


def holds(site: Site, run: str) -> bool:
    """Whether the engine still keeps anything of a run."""
    with _tables(site) as connection:
        if connection is None:
            return False
        queries = (
            select(exists(select(1).select_from(_table(site, name)).where(_about(name, run)))) for name in _TABLES
        )
        return any(connection.scalar(query) for query in queries)


@contextmanager
def _tables(site: Site) -> Iterator[Connection | None]:
    """A transaction on the tables; None when no engine was ever there."""
    if not site.database.on_sqlite:
        with site.database.write() as connection:
            yield connection if _are_there(connection, SCHEMA) else None
        return
    if not (site.data / _FILE).exists():
        yield None
        return
    engine = make_engine(site)
    try:
        with engine.begin() as connection:
            yield connection if _are_there(connection, None) else None
    finally:
        engine.dispose()


def _are_there(connection: Connection, schema: str | None) -> bool:
    return inspect(connection).has_table("workflow_output", schema=schema)


def _table(site: Site, name: str) -> TableClause:
    return table(name, column(_TABLES[name]), schema=None if site.database.on_sqlite else SCHEMA)


def _about(name: str, run: str) -> ColumnElement[bool]:
    # A job is named RUN-ROUND, and runs in hexadecimal digits: nothing of it is a pattern.
    return column(_TABLES[name]).like(f"{run}-%")


def _prepare(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = "IMMEDIATE"  # as the engine's own connections; writers of several processes wait in line
    for pragma in _PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")
