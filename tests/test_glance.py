"""What readings of one transaction ask about runs is asked once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from service.errors import ServiceError
from service.third_party.database import Database
from service.third_party.glance import Glance
from service.third_party.run_store import add_approval, add_run, dealings_of, load_run_and_agreement
from service.third_party.store import add_agreement, add_party
from tests.simulator import START
from tests.test_agreement import AGREEMENT, CAF, CNOUS
from tests.test_run_store import RUN

NAMES = [RUN.run, "b" * 32, "c" * 32]


@pytest.fixture
def house(database: Database) -> Database:
    """A database with three runs, the first of which has an approval."""
    with database.write() as connection:
        for identity in (CAF.public, CNOUS.public):
            add_party(connection, identity, START)
        add_agreement(connection, AGREEMENT, START)
        for name in NAMES:
            add_run(connection, replace(RUN, run=name))
        add_approval(connection, RUN.run, "caf", None)
    return database


@contextmanager
def counted(connection: Connection) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", note)


def test_all_that_were_named_are_found_in_one_question(house: Database):
    """Each as `load_run_and_agreement` and `dealings_of` find it; two questions for three runs."""
    with house.read() as connection:
        expected = [(load_run_and_agreement(connection, name), dealings_of(connection, [name])) for name in NAMES]
        with counted(connection) as statements:
            glance = Glance(connection, [*NAMES, RUN.run])
            assert expected == [(glance.run(name), glance.dealings(name)) for name in NAMES]
        assert 2 == len(statements)
    assert [1, 0, 0] == [len(dealings) for _, dealings in expected]


def test_nothing_is_asked_before_it_is_needed(house: Database):
    """Readings that name no run cost no question."""
    with house.read() as connection, counted(connection) as statements:
        Glance(connection, NAMES)
        with pytest.raises(ServiceError):
            Glance(connection, []).run(RUN.run)
        assert [] == statements


def test_an_agreement_that_cannot_be_read_is_told_to_those_who_ask_for_it(house: Database, monkeypatch):
    """The others are answered."""
    readings = iter([ServiceError("E_CONVENTION", "x"), AGREEMENT])

    def read(_: bytes) -> Any:
        if isinstance(found := next(readings), ServiceError):
            raise found
        return found

    monkeypatch.setattr("service.third_party.glance.read_agreement", read)
    with house.read() as connection:
        glance = Glance(connection, NAMES)
        with pytest.raises(ServiceError, match="E_CONVENTION"):
            glance.run(NAMES[0])
        assert NAMES[1] == glance.run(NAMES[1])[0].run


def test_a_run_that_is_not_there_is_absent(house: Database):
    """The others are found."""
    with house.read() as connection:
        glance = Glance(connection, ["d" * 32, RUN.run])
        with pytest.raises(ServiceError) as caught:
            glance.run("d" * 32)
        assert "E_INTROUVABLE" == caught.value.code
        assert [] == glance.dealings("d" * 32)
        assert RUN == glance.run(RUN.run)[0]
