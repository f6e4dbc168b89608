"""The journal's database: ``HOME/journal/journal.sqlite``, one file, no server; nothing in it names anybody.

A person is a keyed token (`people_keys`), another one in each collection; the local identifier and the values told of a hit
are sealed under the collection's own key. Deleted content is overwritten by SQLite (``secure_delete``), and a collection
that is over loses its key first, so that no copy of the database can be read any more.

A *collection* is what one run gave this administration for one output of its démarche: ``RUN/OUTPUT``. *Traces* say what was done
with it for one token (`hit`, `message:sms`, `opposition`…); they outlive it by years. Every change of one command is one
transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from service.administration.journal.legal_clocks import traces_end
from service.administration.journal.objections import journal_folder
from service.administration.journal.people_keys import PeopleKeys
from service.errors import ServiceError

__all__ = ["Collection", "Hit", "Ledger", "open_ledger", "trace_use"]

_VERSION = 1
_SCHEMA = """
CREATE TABLE collection (
    name TEXT PRIMARY KEY, agreement TEXT NOT NULL, demarche TEXT NOT NULL, title TEXT NOT NULL, eligible INTEGER NOT NULL,
    collected TEXT NOT NULL, until TEXT NOT NULL, over TEXT
) STRICT;
CREATE TABLE hit (
    collection TEXT NOT NULL, token BLOB NOT NULL, usage TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (collection, token)
) STRICT, WITHOUT ROWID;
CREATE TABLE trace (
    collection TEXT NOT NULL, token BLOB NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL, until TEXT NOT NULL
) STRICT;
CREATE INDEX trace_person ON trace (token);
CREATE TABLE campaign (name TEXT PRIMARY KEY, collection TEXT NOT NULL, terms TEXT NOT NULL, opened TEXT NOT NULL) STRICT;
CREATE TABLE event (
    campaign TEXT NOT NULL, token BLOB NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE INDEX event_person ON event (campaign, token);
CREATE TABLE receipt (number INTEGER PRIMARY KEY, signed TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """What one run gave for one output.

    Attributes:
        name: ``RUN/OUTPUT``.
        agreement: T.
        demarche: its id.
        title: of the démarche.
        eligible: people of the file that was compared.
        collected: day of the delivery.
        until: first day without the results.
        over: day they were destroyed; None while they live.
    """

    name: str
    agreement: str
    demarche: str
    title: str
    eligible: int
    collected: date
    until: date
    over: date | None = None


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One person of a collection.

    Attributes:
        token: for this collection.
        identifier: local one, without the blanks around it that a file may have.
        usage: `attribution` or `information`.
        payload: values that the source told, by column.
    """

    token: bytes
    identifier: str
    usage: str
    payload: dict[str, str]


def trace_use(collection: str) -> str:
    """The use under which the tokens of a collection are made."""
    return f"collection/{collection}"


class Ledger:
    """An open journal; see `open_ledger`."""

    def __init__(self, database: sqlite3.Connection, keys: PeopleKeys) -> None:
        self.database, self.keys = database, keys

    def add_collection(self, one: Collection, hits: Iterable[tuple[str, str, dict[str, str]]]) -> int:
        """Keep the hits of a collection, (identifier, usage, payload) each.

        One that is written again is replaced, and keeps its clock.

        Returns:
            How many.
        """
        before = self.database.execute("SELECT collected, until FROM collection WHERE name = ?", (one.name,)).fetchone()
        collected, until = before or (_day(one.collected), _day(one.until))
        self.database.execute("DELETE FROM hit WHERE collection = ?", (one.name,))
        self.database.execute("DELETE FROM trace WHERE collection = ? AND what = 'hit'", (one.name,))
        row = (one.name, one.agreement, one.demarche, one.title, one.eligible, collected, until)
        self.database.execute("INSERT OR REPLACE INTO collection VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", row)
        rows = self._sealed(one.name, list(hits))
        self.database.executemany("INSERT OR REPLACE INTO hit VALUES (?, ?, ?, ?)", rows)
        self.trace(one.name, [token for _, token, _, _ in rows], "hit", one.collected)
        return len(rows)

    def collections(self) -> list[Collection]:
        """All, oldest first."""
        rows = self.database.execute("SELECT * FROM collection ORDER BY collected, name")
        return [_collection(row) for row in rows]

    def collection(self, name: str) -> Collection:
        """One by its name, or the only one of a run.

        Raises:
            ServiceError: `E_COLLECTE_INCONNUE`.
        """
        found = [one for one in self.collections() if one.name == name or one.name.startswith(f"{name}/")]
        if len(found) != 1:
            sentence = "ce journal ne connaît pas ces résultats ; allervers journal show donne la liste"
            raise ServiceError("E_COLLECTE_INCONNUE", sentence)
        return found[0]

    def hits(self, collection: str) -> Iterator[Hit]:
        """The people of a collection, in no order of the file."""
        rows = self.database.execute(
            "SELECT token, usage, sealed FROM hit WHERE collection = ? ORDER BY token", (collection,)
        ).fetchall()
        contents = self.keys.unseal(collection, ((token, sealed) for token, _, sealed in rows))
        for (token, usage, _), content in zip(rows, contents, strict=True):
            identifier, payload = json.loads(content)
            yield Hit(token=token, identifier=identifier, usage=usage, payload=payload)

    def has(self, collection: str, token: bytes) -> bool:
        """Whether a person is still in a collection."""
        query = "SELECT 1 FROM hit WHERE collection = ? AND token = ?"
        return self.database.execute(query, (collection, token)).fetchone() is not None

    def remove(self, collection: str, tokens: Sequence[bytes]) -> int:
        """Take people out of a collection, and out of all that is planned for them; how many there were."""
        pairs = [(collection, token) for token in tokens]
        gone = self.database.executemany("DELETE FROM hit WHERE collection = ? AND token = ?", pairs).rowcount
        return max(gone, 0)

    def trace(self, collection: str, tokens: Iterable[bytes], what: str, at: date) -> None:
        """Note what was done with people of a collection."""
        rows = [(collection, token, what, _day(at), _day(traces_end(at))) for token in tokens]
        self.database.executemany("INSERT INTO trace VALUES (?, ?, ?, ?, ?)", rows)

    def traces(self, collection: str, token: bytes) -> list[tuple[str, date]]:
        """(what, day) of one person of a collection."""
        query = "SELECT what, at FROM trace WHERE collection = ? AND token = ? ORDER BY at, rowid"
        return [(what, date.fromisoformat(at)) for what, at in self.database.execute(query, (collection, token))]

    def add_receipt(self, signed: str) -> int:
        """Keep a signed receipt; its number."""
        return int(self.database.execute("INSERT INTO receipt (signed) VALUES (?)", (signed,)).lastrowid or 0)

    def receipts(self) -> list[tuple[int, str]]:
        """(number, signed) of all receipts."""
        return list(self.database.execute("SELECT number, signed FROM receipt ORDER BY number"))

    def _sealed(self, name: str, hits: list[tuple[str, str, dict[str, str]]]) -> list[tuple[str, bytes, str, bytes]]:
        tokens = self.keys.tokens(trace_use(name), [identifier for identifier, _, _ in hits])
        contents = (
            json.dumps([identifier.strip(), payload], ensure_ascii=False).encode("utf-8", "surrogatepass")
            for identifier, _, payload in hits
        )
        sealed = self.keys.seal(name, zip(tokens, contents, strict=True))
        return [(name, token, hit[1], one) for token, hit, one in zip(tokens, hits, sealed, strict=True)]


@contextmanager
def open_ledger(home: Path, *, patience: float = 30) -> Iterator[Ledger]:
    """The journal of an administration, in one transaction that ends with the block, or is as if it never was.

    Args:
        home: of the administration.
        patience: seconds to wait for another command.

    Raises:
        ServiceError: `E_FICHIER_LOCAL`, damaged or of another version; `E_JOURNAL_OCCUPE`, another command is writing.
    """
    folder = journal_folder(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "journal.sqlite"
    path.touch(mode=0o600)
    database = sqlite3.connect(path, isolation_level=None, timeout=patience)
    try:
        _prepare(database, path)
        _begin(database)
        yield Ledger(database, PeopleKeys(folder))
        database.execute("COMMIT")
    finally:
        database.close()  # an open transaction is rolled back


def _begin(database: sqlite3.Connection) -> None:
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise ServiceError(
            "E_JOURNAL_OCCUPE", "une autre commande écrit dans le journal ; relancez celle-ci"
        ) from error


def _busy() -> ServiceError:
    return ServiceError("E_JOURNAL_OCCUPE", "une autre commande écrit dans le journal ; relancez celle-ci")


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    try:
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA journal_mode = TRUNCATE")
        database.execute("PRAGMA synchronous = FULL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        elif version != _VERSION:
            raise ServiceError("E_FICHIER_LOCAL", f"{path} est d'une autre version de l'outil")
    except sqlite3.OperationalError as error:
        raise _busy() from error
    except sqlite3.DatabaseError as error:
        raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé") from error


def _day(day: date) -> str:
    return day.isoformat()


def _collection(row: tuple[Any, ...]) -> Collection:
    name, agreement, demarche, title, eligible, collected, until, over = row
    return Collection(
        name=name,
        agreement=agreement,
        demarche=demarche,
        title=title,
        eligible=eligible,
        collected=date.fromisoformat(collected),
        until=date.fromisoformat(until),
        over=date.fromisoformat(over) if over else None,
    )
