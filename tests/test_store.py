"""The database: its mode, its transactions, parties, nonces and agreements."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crypto.keys import Identity
from service.errors import ServiceError
from service.third_party.store import (
    Database,
    activate,
    add_agreement,
    add_party,
    agreement_of,
    agreements_of,
    find_party,
    forget_nonces,
    from_seconds,
    is_active,
    is_known,
    sign_agreement,
    signatures_of,
    spend_nonce,
    stored,
    to_seconds,
    unstored,
)
from tests.simulator import START
from tests.test_agreement import AGREEMENT, CAF, CNOUS

DGFIP = Identity.generate("dgfip", "DGFIP").public


@pytest.fixture
def database(tmp_path):
    """A fresh database with two parties."""
    database = Database(tmp_path / "database.sqlite")
    with database.write() as connection:
        for identity in (CAF.public, CNOUS.public):
            add_party(connection, identity, START)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [
        ("journal_mode", "delete"),
        ("synchronous", 3),
        ("secure_delete", 1),
        ("foreign_keys", 1),
        ("busy_timeout", 30000),
    ],
)
def test_every_connection_is_in_the_mode_that_suits_deletion(database, pragma, expected):
    """Rollback journal, full synchronisation, deleted content overwritten, references enforced."""
    with database.read() as one, database.read() as other:
        for connection in (one, other):
            assert expected == connection.execute(text(f"PRAGMA {pragma}")).scalar()


def test_deleted_content_leaves_no_byte_in_the_file(database, tmp_path):
    """A marker that was stored and deleted is nowhere in the files of the database."""
    marker = b"TEMOIN-" + bytes(range(65, 85))
    with database.write() as connection:
        for number in range(200):
            spend_nonce(connection, "caf", marker.decode() + str(number), START)
    assert marker in (tmp_path / "database.sqlite").read_bytes()
    with database.write() as connection:
        forget_nonces(connection, START + timedelta(seconds=1))
    found = [path.name for path in tmp_path.iterdir() if marker in path.read_bytes()]
    assert [] == found


def test_a_transaction_is_all_or_nothing(database):
    """An exception rolls everything back."""

    def lose() -> None:
        with database.write() as connection:
            add_party(connection, DGFIP, START)
            raise KeyError

    with pytest.raises(KeyError):
        lose()
    with database.read() as connection:
        assert None is find_party(connection, "dgfip")


def test_writers_wait_for_each_other(database):
    """Read-modify-write by several threads loses nothing, because a write transaction locks at its start."""

    def spend(number: int) -> None:
        for step in range(10):
            with database.write() as connection:
                spend_nonce(connection, "caf", f"{number}-{step}", START)

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert 80 == connection.execute(text("SELECT count(*) FROM nonces")).scalar()


def test_a_write_locks_out_another_process(database, tmp_path):
    """The lock is the file's, so the worker's process sees it too."""
    other = sqlite3.connect(tmp_path / "database.sqlite", timeout=0, isolation_level=None)
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_values_never_enter_error_messages(database):
    """A refused statement says nothing of its parameters."""
    with pytest.raises(DBAPIError) as caught, database.write() as connection:
        add_party(connection, CAF.public, START)
    assert "caf" not in str(caught.value).replace("parties.party", "")
    assert "signing_key" not in str(caught.value)


def test_opening_again_keeps_everything(database, tmp_path):
    """The tables are created once."""
    again = Database(tmp_path / "database.sqlite")
    with again.read() as connection:
        assert CAF.public == find_party(connection, "caf")
    again.close()


def test_moments_and_statements_come_back():
    """Whole seconds, canonical JSON."""
    assert START == from_seconds(to_seconds(START))
    assert {"statement": {"b": 1, "a": [True]}, "signature": "x"} == unstored(
        stored({"signature": "x", "statement": {"a": [True], "b": 1}})
    )
    assert {} == unstored(b"[]")


def test_a_nonce_is_spent_once(database):
    """Each party once; forgotten only when no clock would accept its request any more."""
    with database.write() as connection:
        assert [True, False, True] == [spend_nonce(connection, party, "n", START) for party in ("caf", "caf", "cnous")]
        forget_nonces(connection, START)
        assert not spend_nonce(connection, "caf", "n", START)
        forget_nonces(connection, START + timedelta(seconds=1))
        assert spend_nonce(connection, "caf", "n", START)


def test_an_agreement_is_proposed_signed_and_active(database):
    """From nothing to active; nobody else sees it."""
    name = AGREEMENT.identifier
    with database.write() as connection:
        assert not is_known(connection, name)
        with pytest.raises(ServiceError):
            agreement_of(connection, name)
        add_agreement(connection, AGREEMENT, START)
        assert is_known(connection, name)
        assert AGREEMENT == agreement_of(connection, name)
        assert [[AGREEMENT], [AGREEMENT], []] == [agreements_of(connection, one) for one in ("caf", "cnous", "dgfip")]
        assert {} == signatures_of(connection, name)
        sign_agreement(connection, name, "cnous", b"s")
        assert {"cnous": b"s"} == signatures_of(connection, name)
        assert not is_active(connection, name)
        activate(connection, name, START)
        assert is_active(connection, name)
