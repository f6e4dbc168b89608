"""Steps of the schema: what they make is what the tables say, once, and never backwards."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from service.errors import ServiceError
from service.third_party.database import SCHEMA_VERSION, Database, sqlite_url
from service.third_party.migration import steps
from service.third_party.schema import metadata
from tests.postgres import TempPg


def test_the_last_step_is_the_version_of_the_program():
    """One line of steps, whose end is the constant that a start compares with."""
    assert [SCHEMA_VERSION] == list(steps().get_heads())


def test_the_steps_make_the_tables_of_the_schema(database):
    """Tables, columns, indexes, keys: no difference on either system."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert [] == compare_metadata(context, metadata)


def test_a_newer_database_is_refused_and_left_alone(database, database_url):
    """An old program would not know what it must destroy there."""
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ServiceError) as caught:
        Database(database_url)
    assert "E_BASE_VERSION" == caught.value.code
    with database.read() as connection:
        assert "9999" == connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def open_together(url: str, count: int) -> None:
    """Open a database from several threads at once."""
    failures: list[BaseException] = []

    def open_one() -> None:
        try:
            Database(url).close()
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures


def test_several_processes_may_start_at_once_on_an_empty_server(postgres: TempPg):
    """One makes the tables, the others wait and find them."""
    name = postgres.create()
    open_together(postgres.url(name), 5)
    postgres.drop(name)


def test_several_processes_may_start_at_once_on_an_empty_folder(tmp_path: Path):
    """The same with a file."""
    open_together(sqlite_url(tmp_path / "database.sqlite"), 5)
