"""What the engine of jobs keeps: found and destroyed from outside, on both databases, run by run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbos import DBOS
from sqlalchemy import Engine, MetaData, Table, TableClause, column, delete, func, insert, inspect, select, table, text

from service.third_party import job_state
from tests.simulator import Simulation
from tests.test_durable_engine import loaded, standing, third_party, until

ROOT = Path(__file__).parent.parent
RUN, OTHER = "a" * 32, "b" * 32
TABLES = {
    "workflow_status": "workflow_uuid",
    "workflow_input": "workflow_uuid",
    "workflow_output": "workflow_uuid",
    "operation_outputs": "workflow_uuid",
    "workflow_events": "workflow_uuid",
    "workflow_events_history": "workflow_uuid",
    "streams": "workflow_uuid",
    "notifications": "destination_uuid",
}


@pytest.fixture
def tables(sim: Simulation) -> Iterator[Engine]:
    """Connections to the tables that an engine has made and left."""
    with standing(sim):
        pass
    engine = job_state.make_engine(sim.site)
    yield engine
    engine.dispose()


def where(sim: Simulation) -> str | None:
    return None if sim.site.database.on_sqlite else job_state.SCHEMA


def fill(sim: Simulation, tables: Engine, run: str) -> None:
    """A row for a job of a run in every table that names one."""
    found = MetaData()
    with tables.begin() as connection:
        for name, named in TABLES.items():
            whole = Table(name, found, autoload_with=connection, schema=where(sim))
            row = {one.name: value(one) for one in whole.columns if not one.nullable and one.server_default is None}
            connection.execute(insert(whole).values({**row, named: f"{run}-{'c' * 32}"}))


def value(one: object) -> object:
    kind = str(getattr(one, "type", "")).upper()
    return 7 if "INT" in kind else "x"


def table_of(sim: Simulation, name: str) -> TableClause:
    return table(name, column(TABLES[name]), schema=where(sim))


def rows(sim: Simulation, tables: Engine, run: str) -> dict[str, int]:
    """How many rows name a job of a run, by table."""
    with tables.begin() as connection:
        return {
            name: connection.scalar(
                select(func.count()).select_from(table_of(sim, name)).where(column(named).startswith(f"{run}-"))
            )
            or 0
            for name, named in TABLES.items()
        }


def test_where_no_engine_ever_was_there_is_nothing(sim: Simulation):
    """A web process whose worker has not started yet destroys runs like any other, and makes no file."""
    job_state.forget(sim.site, RUN)
    assert not job_state.holds(sim.site, RUN)
    assert not (sim.data / "jobs.sqlite").exists()


def test_every_table_that_names_a_job_is_known(sim: Simulation, tables: Engine):
    """The tables of this version of the engine that hold a workflow's name: none is forgotten by an update."""
    found = set()
    for name in inspect(tables).get_table_names(schema=where(sim)):
        columns = {one["name"] for one in inspect(tables).get_columns(name, schema=where(sim))}
        if columns & {"workflow_uuid", "destination_uuid"}:
            found.add(name)
    assert set(TABLES) == found
    assert TABLES == job_state._TABLES


def test_all_of_a_run_goes_and_nothing_of_another(sim: Simulation, tables: Engine):
    """Every table; twice does no harm."""
    for run in (RUN, OTHER):
        fill(sim, tables, run)
        assert job_state.holds(sim.site, run)
    for _ in range(2):
        job_state.forget(sim.site, RUN)
        assert set(rows(sim, tables, RUN).values()) == {0}
        assert not job_state.holds(sim.site, RUN)
    assert set(rows(sim, tables, OTHER).values()) == {1}


@pytest.mark.parametrize("kept", sorted(TABLES))
def test_one_row_in_any_table_is_something_held(sim: Simulation, tables: Engine, kept):
    """`holds` is what the receipt of a destruction rests on."""
    fill(sim, tables, RUN)
    with tables.begin() as connection:  # whatever refers to whatever
        off = "PRAGMA foreign_keys=OFF" if sim.site.database.on_sqlite else "SET session_replication_role = replica"
        connection.exec_driver_sql(off)
        for name in TABLES.keys() - {kept}:
            connection.execute(delete(table_of(sim, name)))
    assert {**dict.fromkeys(TABLES, 0), kept: 1} == rows(sim, tables, RUN)
    assert job_state.holds(sim.site, RUN)


def test_deleted_rows_leave_no_bytes_in_the_file(tmp_path):
    """On SQLite deleted pages are overwritten."""
    with third_party(tmp_path / "data") as sim:
        run = loaded(sim)
        with standing(sim):
            until(lambda: "delivered" == sim.state(run))
            until(lambda: not DBOS.list_workflows())
        assert run.run.encode() not in (sim.data / "jobs.sqlite").read_bytes()


def test_the_web_process_never_loads_the_engine():
    """Destroying needs none of it."""
    code = "import sys, json, service.third_party.purge; print(json.dumps('dbos' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert False is json.loads(done.stdout)


def test_no_password_is_shown(sim: Simulation):
    """Whatever an error of these connections says, it says no parameter."""
    engine = job_state.make_engine(sim.site)
    assert engine.hide_parameters
    with engine.begin() as connection:
        assert 1 == connection.scalar(text("SELECT 1"))
    engine.dispose()
