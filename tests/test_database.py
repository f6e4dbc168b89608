"""A database behind a URL: its mode, its transactions, its recovery, the same on both systems."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from service.errors import ServiceError
from service.third_party import database as module
from service.third_party.database import Database, _Turns, is_full, parse_url, sqlite_url
from service.third_party.schema import log_head, nonces, parties
from tests.postgres import TEMPLATE, TempPg

ROW = {"party": "caf", "identity": b"{}", "enrolled_at": 0}


def add_party(connection: Connection, party: str = "caf") -> None:
    connection.execute(insert(parties).values({**ROW, "party": party}))


def spend(connection: Connection, names: Sequence[str]) -> list[str]:
    """Record nonces, as `Database.grouped` calls it; answers each with its own name."""
    for name in names:
        connection.execute(insert(nonces).values(party="caf", nonce=name, forget_at=1))
    return list(names)


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def on_sqlite(tmp_path):
    """A database in a file."""
    one = Database(sqlite_url(tmp_path / "database.sqlite"))
    yield one
    one.close()


@pytest.fixture
def on_postgresql(postgres_url):
    """A database on the server."""
    one = Database(postgres_url)
    yield one
    one.close()


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
def test_every_connection_to_a_file_is_in_the_mode_that_suits_deletion(on_sqlite, pragma, expected):
    """Rollback journal, full synchronisation, deleted content overwritten, references enforced."""
    with on_sqlite.read() as one, on_sqlite.read() as other:
        for connection in (one, other):
            assert expected == connection.execute(text(f"PRAGMA {pragma}")).scalar()


def test_every_connection_to_a_server_commits_to_the_disk(on_postgresql):
    """Whatever the server's own default is: that of the tests' server is not to."""
    with on_postgresql.read() as one, on_postgresql.write() as other:
        for connection, isolation in ((one, "repeatable read"), (other, "read committed")):
            assert "on" == connection.execute(text("SHOW synchronous_commit")).scalar()
            assert "1min" == connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()
            assert isolation == connection.execute(text("SHOW transaction_isolation")).scalar()


def test_a_file_in_another_mode_is_brought_back(tmp_path):
    """A write-ahead log that somebody has switched on goes away at the next opening."""
    path = tmp_path / "database.sqlite"
    Database(sqlite_url(path)).close()
    raw = sqlite3.connect(path)
    assert ("wal",) == raw.execute("PRAGMA journal_mode=WAL").fetchone()
    raw.close()
    database = Database(sqlite_url(path))
    with database.read() as connection:
        assert "delete" == connection.execute(text("PRAGMA journal_mode")).scalar()
    database.close()


def test_deleted_content_leaves_no_byte_in_the_file(on_sqlite, tmp_path):
    """A marker that was stored and deleted is nowhere in the files of the database."""
    marker = "TEMOIN-" + "".join(map(chr, range(65, 85)))
    with on_sqlite.write() as connection:
        add_party(connection)
        spend(connection, [f"{marker}{number}" for number in range(200)])
    assert marker.encode() in (tmp_path / "database.sqlite").read_bytes()
    with on_sqlite.write() as connection:
        connection.execute(delete(nonces))
    found = [path.name for path in tmp_path.iterdir() if path.is_file() and marker.encode() in path.read_bytes()]
    assert [] == found


def test_a_transaction_is_all_or_nothing(database):
    """An exception rolls everything back."""

    def lose() -> None:
        with database.write() as connection:
            add_party(connection)
            raise KeyError

    with pytest.raises(KeyError):
        lose()
    assert 0 == count(database, parties)


def test_a_read_sees_one_state(on_postgresql):
    """What is committed meanwhile does not enter a read that has begun; on SQLite a writer waits for its readers."""
    with on_postgresql.read() as reader:
        assert 0 == reader.scalar(select(func.count()).select_from(parties))
        with on_postgresql.write() as connection:
            add_party(connection)
        assert 0 == reader.scalar(select(func.count()).select_from(parties))
    assert 1 == count(on_postgresql, parties)


def test_writers_wait_for_each_other(database, database_url):
    """Read-modify-write by threads of two openings loses nothing: a write transaction locks at its start."""
    other = Database(database_url)

    def increment(one: Database) -> None:
        for _ in range(10):
            with one.write() as connection:
                size = connection.scalar(select(log_head.c.size)) or 0
                connection.execute(update(log_head).values(size=size + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, [database, other] * 4))
    other.close()
    with database.read() as connection:
        assert 80 == connection.scalar(select(log_head.c.size))


def test_turns_come_in_the_order_in_which_they_were_asked_for():
    """However many wait: a lock of the system gives it to whoever comes by."""
    turns, order = _Turns(), []

    def wait(number: int) -> None:
        with turns:
            order.append(number)
            time.sleep(0.002)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(20)]
    with turns:
        for number, thread in enumerate(threads):
            thread.start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert list(range(20)) == order
    with turns:  # free again
        pass


def test_an_interrupted_wait_leaves_the_turn_to_others():
    """Whether it was still waiting or its turn had just come."""
    turns, released = _Turns(), threading.Event()

    def hold() -> None:
        with turns:
            while not turns._waiting:
                time.sleep(0.001)
            time.sleep(0.05)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            released.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    while turns._holder is None:
        time.sleep(0.001)
    with pytest.raises(KeyboardInterrupt), turns:
        pytest.fail("it is taken")
    assert not turns._waiting
    released.set()
    holder.join()
    with turns:
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt(), None], ids=["interrupted", "late"])
def test_a_turn_that_comes_as_the_wait_ends_is_passed_on(monkeypatch, error):
    """The lock was given to a thread that does not want it any more."""
    turns, real = _Turns(), threading.Lock

    class Given:
        """A lock that is given just as the wait for it ends."""

        def __init__(self) -> None:
            self.lock = real()

        def acquire(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return self.lock.acquire()
            turns.__exit__()  # whoever held it hands it on
            if error is not None:
                raise error
            return False

        def release(self) -> None:
            self.lock.release()

    turns.__enter__()
    monkeypatch.setattr(threading, "Lock", Given)
    with pytest.raises(type(error) if error else SQLAlchemyError), turns:
        pytest.fail("it is taken")
    monkeypatch.undo()
    assert (None, 0) == (turns._holder, len(turns._waiting))


def test_a_turn_that_does_not_come_is_refused(database, monkeypatch):
    """As when another process holds the database: nothing is written, and the others go on."""
    monkeypatch.setattr(module, "_TURN_SECONDS", 0.05)
    with database.write() as connection:
        add_party(connection)

        def write() -> None:
            with database.write() as other:
                add_party(other, "cnous")

        with ThreadPoolExecutor(1) as pool, pytest.raises(SQLAlchemyError):
            pool.submit(write).result()
    assert 1 == count(database, parties)
    with database.write() as connection:
        add_party(connection, "cnous")


def test_a_write_locks_out_another_process(on_sqlite, tmp_path):
    """The lock is the file's, so the worker's process sees it too."""
    other = sqlite3.connect(tmp_path / "database.sqlite", timeout=0, isolation_level=None)
    with on_sqlite.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_values_and_addresses_never_enter_error_messages(database):
    """A refused statement says nothing of its parameters."""
    with database.write() as connection:
        add_party(connection, "temoin")
    with pytest.raises(DBAPIError) as caught, database.write() as connection:
        add_party(connection, "temoin")
    said = str(caught.value) if database.on_sqlite else str(caught.value).split("DETAIL")[0]
    assert "temoin" not in said


def test_opening_again_keeps_everything(database, database_url):
    """The tables are created once."""
    with database.write() as connection:
        add_party(connection)
    again = Database(database_url)
    assert (1, 1) == (count(again, parties), count(again, log_head))
    again.close()


def test_writes_of_many_threads_are_committed_together(database):
    """Each gets its own answer, all are there, and in fewer commits than writes."""
    with database.write() as connection:
        add_party(connection)
    sizes: list[int] = []

    def spend_counted(connection: Connection, names: Sequence[str]) -> list[str]:
        sizes.append(len(names))
        return spend(connection, names)

    names = [f"n{number}" for number in range(200)]
    with ThreadPoolExecutor(24) as pool:
        with database.write():  # whoever comes meanwhile waits, and those who wait go together
            answers = pool.map(lambda name: database.grouped(spend_counted, name), names)
            time.sleep(1)
        assert names == list(answers)
    assert (200, 200) == (sum(sizes), count(database, nonces))
    assert len(sizes) < 200


def test_a_refused_write_costs_the_others_nothing(database):
    """One of a commit breaks a constraint: it alone is refused."""
    with database.write() as connection:
        add_party(connection)
        spend(connection, ["taken"])
    start = threading.Barrier(8)

    def put(name: str) -> str:
        start.wait()
        try:
            answer: str = database.grouped(spend, name)
        except IntegrityError:
            return "refused"
        return answer

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, ["a", "b", "taken", "c", "taken", "d", "e", "f"]))
    assert ["a", "b", "refused", "c", "refused", "d", "e", "f"] == answers
    assert 7 == count(database, nonces)


def test_a_failure_is_told_to_all_that_wait(database):
    """Nothing is written, nobody is left waiting."""

    def fail(connection: Connection, names: Sequence[str]) -> list[str]:
        spend(connection, names)
        raise OperationalError("INSERT", {}, Exception("lost"))

    with database.write() as connection:
        add_party(connection)

    def put(number: int) -> bool:
        try:
            database.grouped(fail, str(number))
        except OperationalError:
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert {True} == set(pool.map(put, range(16)))
    assert 0 == count(database, nonces)


@pytest.mark.parametrize("url", ["", "x", "mysql://a/b", "sqlite://", "postgresql+psycopg://h/", "sqlite:///"])
def test_an_address_of_neither_kind_is_refused(url):
    """With a code; the sentence says what is expected."""
    with pytest.raises(ServiceError) as caught:
        parse_url(url)
    assert "E_BASE_URL" == caught.value.code


def test_the_usual_short_forms_are_taken(tmp_path):
    """A PostgreSQL address as other programs write it; a path with signs of its own."""
    for url in ("postgresql://u@h/b", "postgres://u@h/b", "postgresql+psycopg://u@h/b"):
        assert "postgresql+psycopg" == parse_url(url).drivername
    path = tmp_path / "à la #1 ?"
    assert str(path) == parse_url(sqlite_url(path)).database


def test_a_server_that_does_not_answer_is_unavailable(postgres: TempPg):
    """At the opening: a code, and neither address nor account in the message."""
    with pytest.raises(ServiceError) as caught:
        Database("postgresql+psycopg://temoin:secret@127.0.0.1:1/base")
    assert ("E_INDISPONIBLE", 503) == (caught.value.code, caught.value.status)
    assert not {"temoin", "secret", "127.0.0.1"} & set(str(caught.value).split())


@pytest.mark.parametrize("by_socket", [False, True], ids=["tcp", "socket"])
def test_a_server_that_comes_back_is_used_again(by_socket):
    """While it is away every call fails at once and nothing is half done; then all goes on, without opening again."""
    own = TempPg()
    try:
        own.administer(f"CREATE DATABASE {TEMPLATE}")
        database = Database(own.url(TEMPLATE, by_socket=by_socket))
        with database.write() as connection:
            add_party(connection)

        def cut() -> None:
            with database.write() as connection:
                add_party(connection, "lost")
                own.kill()

        for call in (cut, lambda: count(database, parties), lambda: database.grouped(spend, "lost")):
            with pytest.raises(SQLAlchemyError):
                call()
        own.start()
        assert 1 == count(database, parties)
        assert "kept" == database.grouped(spend, "kept")
        assert 1 == count(database, nonces)
        database.close()
    finally:
        own.stop()


def test_a_connection_that_the_server_ended_is_replaced(on_postgresql):
    """Nobody is told: the connection is looked at before it is used, and another one opened."""
    with on_postgresql.read() as connection:
        ended = connection.scalar(text("SELECT pg_backend_pid()"))
    other = Database(on_postgresql.url.render_as_string(hide_password=False))
    with other.read() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": ended})
    other.close()
    with on_postgresql.read() as connection:
        assert ended != connection.scalar(text("SELECT pg_backend_pid()"))


def test_a_full_disk_is_told_from_other_failures(tmp_path):
    """So that the answer says 507 and not 503."""
    database = Database(sqlite_url(tmp_path / "database.sqlite"))
    with database.read() as connection:
        connection.execute(text("PRAGMA max_page_count=1"))  # of this connection, which the pool hands out again

    def fill() -> None:
        with database.write() as connection:
            add_party(connection)
            spend(connection, ["x" * 4000 + str(number) for number in range(64)])

    with pytest.raises(OperationalError) as caught:
        fill()
    assert is_full(caught.value)
    with pytest.raises(OperationalError) as caught, database.read() as connection:
        connection.execute(text("SELECT 1 FROM absent"))
    assert (False, False) == (is_full(caught.value), is_full(KeyError()))
    assert 0 == count(database, parties)
    database.close()
