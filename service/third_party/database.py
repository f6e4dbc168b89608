"""A database behind a URL: SQLite in one file, or PostgreSQL 15 and later. Everything above is the same on both.

``sqlite:///PATH``: rollback journal (the write-ahead log keeps deleted pages and loses commits in the versions
still around), full synchronisation, deleted content overwritten. ``postgresql+psycopg://USER@HOST/NAME``.

Promises to the callers:

* `read` sees one state; `write` is serial: a write transaction waits at its start for the others of every
  process (SQLite: BEGIN IMMEDIATE, PostgreSQL: an advisory lock), so what it reads stays true until it commits.
* `grouped` commits the writes of many threads at once and returns when its own is durable.
* A lost connection, a full disk, a lock that lasts: an `SQLAlchemyError` and nothing written. Connections are
  looked at before they are used, so a database that comes back is used again without a restart.
* Opening brings the tables to the schema of this program, under the write lock. A newer schema is refused.

No value and no URL enters a message.
"""

from __future__ import annotations

import select as sockets
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import QueuePool

from service.errors import ServiceError
from service.third_party.schema import log_head

__all__ = ["SCHEMA_VERSION", "Database", "is_full", "parse_url", "sqlite_url"]

SCHEMA_VERSION = "0001"  # of the last step in `migrations`

_WRITE_LOCK = 0x616C6C6576657273  # the advisory lock of writers, on PostgreSQL
_LEAST_SQLITE = (3, 37, 0)  # RETURNING, STRICT; Debian 12 has 3.40
_LEAST_POSTGRESQL = 150_000
_TURN_SECONDS = 30.0  # that a transaction waits for those before it, as it waits for those of other processes
_MOST_GROUPED = 256  # writes in one commit
_FULL_SQLSTATES = {"53100", "53400"}  # disk full, configured limit
_PRAGMAS = (
    "synchronous=EXTRA",
    "secure_delete=ON",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "trusted_schema=OFF",
    "busy_timeout=30000",
)
# Commits are durable whatever the server's default; no process holds the lock of writers and does nothing.
_POSTGRESQL = {
    "options": "-c synchronous_commit=on -c lock_timeout=30s -c idle_in_transaction_session_timeout=60s -c TimeZone=UTC",
    "application_name": "allervers",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "prepare_threshold": None,  # a pooler between us and the server may hand the next transaction to another session
}

_BEGUN = select(log_head.c.size)

Item = TypeVar("Item")
Answer = TypeVar("Answer")
WriteMany = Callable[[Connection, Sequence[Any]], Sequence[Any]]


def sqlite_url(path: object) -> str:
    """The URL of a database in a file."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def parse_url(url: str) -> URL:
    """A URL of one of the two kinds.

    Raises:
        ServiceError: `E_BASE_URL`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = URL.create("")
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"} or not parsed.database:
        sentence = "une adresse sqlite:///FICHIER ou postgresql+psycopg://COMPTE@MACHINE/BASE est attendue."
        raise ServiceError("E_BASE_URL", sentence)
    return parsed


def is_full(error: BaseException) -> bool:
    """Whether a failure of the database is that of its disk, which has no room left."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
    return getattr(original, "sqlstate", None) in _FULL_SQLSTATES


class Database:
    """One database, shared by the threads of this process and by other processes."""

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self.on_sqlite = self._url.drivername == "sqlite"
        self._engine = self._sqlite() if self.on_sqlite else self._postgresql()
        # Threads queue here, in order; the lock between processes is left to one of each.
        self._writers = _Turns()
        self._groups: dict[WriteMany, _Group] = {}
        self._here = threading.local()
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> URL:
        """Where it is, password included; it does not show when printed."""
        return self._url

    @property
    def connect_args(self) -> dict[str, Any]:
        """How its connections are opened, for whoever opens more of them."""
        return {} if self.on_sqlite else dict(_POSTGRESQL)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database; that of `reading` where this thread is in it."""
        common: Connection | None = getattr(self._here, "connection", None)
        if common is not None:
            yield common
            return
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Make every `read` of this thread see one state, on one connection; nothing is written meanwhile."""
        with self._engine.connect() as connection:
            if self.on_sqlite:  # where a reader asks in vain while somebody commits, and may do so for ever: it queues
                with self._writers:
                    connection.execute(_BEGUN).all()
            self._here.connection = connection
            try:
                yield connection
            finally:
                self._here.connection = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock; committed at the end, rolled back by any exception."""
        if getattr(self._here, "connection", None) is not None:
            raise RuntimeError("a reading does not write: on SQLite it would wait for itself")
        with self._writers, self._transaction(writes=True) as connection:
            if not self.on_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITE_LOCK})
            yield connection

    def grouped(self, write: Callable[[Connection, Sequence[Item]], Sequence[Answer]], item: Item) -> Answer:
        """Write one item in the same commit as those of other threads; returns once it is durable.

        On PostgreSQL this does not wait for `write`: what is written must be kept right by constraints alone.

        Args:
            write: a module's function, always the same object; takes all items of a commit, gives an answer to each.
            item: what is to be written.

        Raises:
            SQLAlchemyError: nothing was written.
        """
        group = self._groups.setdefault(write, _Group(self._grouped_transaction, write))
        return cast("Answer", group.put(item))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, *, writes: bool) -> Generator[Connection]:
        with self._engine.connect() as plain:
            level = {} if self.on_sqlite or not writes else {"isolation_level": "READ COMMITTED"}
            connection = plain.execution_options(writes=writes, **level)
            with connection.begin():
                yield connection

    @contextmanager
    def _grouped_transaction(self) -> Generator[Connection]:
        if self.on_sqlite:
            with self.write() as connection:
                yield connection
        else:
            with self._transaction(writes=True) as connection:
                yield connection

    def _sqlite(self) -> Engine:
        if sqlite3.sqlite_version_info < _LEAST_SQLITE:
            raise ServiceError(
                "E_BASE_VERSION", "la bibliothèque SQLite de ce poste est trop ancienne (3.37 au moins)."
            )
        # No parameter in any error message: they are identifiers and statements of parties.
        engine = create_engine(
            self._url, hide_parameters=True, poolclass=QueuePool, pool_size=20, max_overflow=40, pool_timeout=30
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def _postgresql(self) -> Engine:
        engine = create_engine(
            self._url,
            hide_parameters=True,
            isolation_level="REPEATABLE READ",  # of a read: one state from its first statement to its last
            pool_size=20,
            max_overflow=20,
            pool_timeout=30,
            pool_reset_on_return="rollback",
            connect_args=_POSTGRESQL,
        )
        event.listen(engine, "checkout", _look_at)
        return engine

    def _migrate(self) -> None:
        try:
            with self.read() as connection:
                self._check_server(connection)
                if _schema_version(connection) == SCHEMA_VERSION:
                    return
        except OperationalError:
            sentence = "la base de données ne répond pas ; vérifiez son adresse et qu'elle est en service."
            raise ServiceError("E_INDISPONIBLE", sentence, 503) from None  # the cause would name the account
        from service.third_party.migration import upgrade  # noqa: PLC0415 - Alembic, only where it has work to do

        with self.write() as connection:
            upgrade(connection)
            if connection.scalar(select(log_head.c.size)) is None:
                connection.execute(insert(log_head).values(one=1, size=0))

    def _check_server(self, connection: Connection) -> None:
        if self.on_sqlite:
            return
        number = int(connection.execute(text("SHOW server_version_num")).scalar() or 0)
        if number < _LEAST_POSTGRESQL:
            raise ServiceError("E_BASE_VERSION", "le serveur PostgreSQL est trop ancien : la version 15 au moins.")


class _Turns:
    """A lock that threads get in the order in which they asked for it, within `_TURN_SECONDS` or not at all."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()  # one of each thread that waits, held until its turn
        self._holder: threading.Lock | None = None  # of the thread whose turn it is

    def __enter__(self) -> None:
        mine = threading.Lock()
        mine.acquire()
        try:
            with self._guard:
                if self._holder is None:
                    self._holder = mine
                    return
                self._waiting.append(mine)
            _wait(mine)
        except BaseException:  # late, or interrupted; its turn may have come all the same
            with self._guard:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                elif self._holder is mine:
                    self._hand_on()
            raise

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._hand_on()

    def _hand_on(self) -> None:
        self._holder = self._waiting.popleft() if self._waiting else None
        if self._holder is not None:
            self._holder.release()


def _wait(turn: threading.Lock) -> None:
    if not turn.acquire(timeout=_TURN_SECONDS):
        raise SQLAlchemyError("other transactions last too long")


class _Write:
    """One item that waits to be written."""

    def __init__(self, item: Any) -> None:
        self.item = item
        self.answer: Any = None
        self.error: BaseException | None = None
        self.done = False


class _Group:
    """Writes of many threads in one commit: whoever gets the turn writes what all of them have brought."""

    def __init__(self, transaction: Callable[[], Any], write: WriteMany) -> None:
        self._transaction = transaction
        self._write = write
        self._turn = threading.Lock()
        self._waiting: list[_Write] = []  # list.append and the slices below are atomic under the turn

    def put(self, item: Any) -> Any:
        """Write an item; returns its answer once it is committed."""
        mine = _Write(item)
        self._waiting.append(mine)
        while not mine.done:
            with self._turn:
                if not mine.done:
                    batch = self._waiting[:_MOST_GROUPED]
                    del self._waiting[: len(batch)]
                    self._settle(batch)
        if mine.error is not None:
            raise mine.error
        return mine.answer

    def _settle(self, batch: Sequence[_Write]) -> None:
        try:
            with self._transaction() as connection:
                answers = self._write(connection, [one.item for one in batch])
            for one, answer in zip(batch, answers, strict=True):
                one.answer = answer
        except IntegrityError as error:
            if len(batch) == 1:
                batch[0].error = error
            else:  # one of them is refused by a constraint: each on its own
                for one in batch:
                    self._settle([one])
        except BaseException as error:  # noqa: BLE001 - each of those who wait raises it
            for one in batch:
                one.error = error
        finally:
            for one in batch:
                one.done = True


def _schema_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if version is None else str(version)


def _prepare(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None  # transactions are begun here, not by the driver
    for pragma in _PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")
    if raw.execute("PRAGMA journal_mode=DELETE").fetchone() != ("delete",):
        raise ServiceError(
            "E_BASE_VERSION", "la base est ouverte par un autre programme, dans un mode refusé ; fermez-le."
        )


def _look_at(raw: Any, *_: object) -> None:
    """Refuse a connection on which the server has said something, or hung up, since it was last used.

    A server that ends a connection says so before, or its system does: no question has to be asked of it.
    """
    if raw.closed:
        raise DisconnectionError
    waiting = sockets.poll()
    waiting.register(raw.fileno(), sockets.POLLIN)
    if waiting.poll(0):
        raise DisconnectionError


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
