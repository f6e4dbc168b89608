"""What an installation is examined for, from outside: files, clocks, database, keys, room, log, and whether they agree.

Every finding says what to do. Nothing is changed, but that the probes of `health` write and remove what they try with.
"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import CryptoError
from service.errors import ServiceError
from service.third_party.clocks import marked
from service.third_party.disk import LEAST_FREE, free_bytes
from service.third_party.health import try_all
from service.third_party.key_changes import KEY_CHANGES, is_complete, revived
from service.third_party.lifecycle import HOLDS_ENCODINGS
from service.third_party.parcels import live_uploads
from service.third_party.run_store import runs_in
from service.third_party.schema import chunks, log_head, purges, uploads
from service.third_party.site import Site
from service.third_party.upkeep import TENDED

__all__ = ["Finding", "examine", "sqlite_is_safe"]

_IDLE_SECONDS = 60.0
_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))  # from each of them on, the write-ahead log loses no commit
_SENTENCES = {
    "database": "la base n'accepte pas d'écriture",
    "store": "le dépôt des morceaux n'accepte pas d'écriture",
    "clock": "l'horloge est fausse ; réglez-la (NTP), ou acceptez-la par --accept-clock",
    "keys": "une clé manque, est abîmée ou lisible par d'autres comptes",
    "log": "le journal ne peut pas être signé",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    works: bool
    sentence: str  # what to do, or what was found


def examine(data: Path, opened: Callable[[], Site]) -> list[Finding]:
    """Look at everything; what cannot be looked at is a finding too.

    Args:
        data: the data directory.
        opened: opens it; called once.
    """
    found = list(_files(data))
    try:
        found.append(_room(data))
        site = opened()
    except (OSError, SQLAlchemyError, CryptoError, ServiceError) as error:
        return [*found, Finding(name="open", works=False, sentence=_said(error))]
    try:
        for probe in try_all(site):
            sentence = f"{_SENTENCES[probe.name]} ({probe.code})" if probe.failure else "essayé"
            found.append(Finding(name=probe.name, works=probe.failure is None, sentence=sentence))
        found += [_looked(look, site) for look in (_journal_mode, _destructions, _worker, _chunks, _key_changes)]
    finally:
        site.database.close()
    return found


def sqlite_is_safe(version: tuple[int, ...], mode: str) -> bool:
    """Whether this SQLite, in this journal mode, keeps every commit and no deleted page.

    Args:
        version: three numbers.
        mode: of the journal.
    """
    branches = [one for one in _FIXED if one[:2] == version[:2]]
    fixed = version >= (branches[0] if branches else _FIXED[-1])
    return mode in {"delete", "truncate"} or (mode == "wal" and fixed)


def _files(data: Path) -> Iterator[Finding]:
    for path in (data, data / "keystore", data / "blobs", data / "identity.json", data / "log_key"):
        if path.exists():
            loose = bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
            sentence = (
                f"retirez les droits des autres comptes : chmod -R go= {path}" if loose else "au seul propriétaire"
            )
            yield Finding(name=f"rights {path.name}", works=not loose, sentence=sentence)
        elif path.suffix or path.name == "log_key":
            yield Finding(
                name=f"rights {path.name}", works=False, sentence="ce fichier manque ; reprenez la copie des clés"
            )


def _room(data: Path) -> Finding:
    free = free_bytes(data)
    sentence = f"{free >> 20} Mio libres"
    return Finding(name="disk", works=free >= LEAST_FREE, sentence=sentence)


def _journal_mode(site: Site) -> Finding:
    if not site.database.on_sqlite:
        return Finding(name="database kind", works=True, sentence="PostgreSQL")
    with site.database.read() as connection:
        mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        erased = connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    works = erased and sqlite_is_safe(sqlite3.sqlite_version_info, mode)
    sentence = f"SQLite {sqlite3.sqlite_version}, journal {mode}"
    return Finding(name="database kind", works=works, sentence=sentence)


def _destructions(site: Site) -> Finding:
    with site.database.read() as connection:
        waiting = connection.scalar(select(func.count()).select_from(purges)) or 0
    sentence = f"{waiting} destruction(s) décidées et non prouvées ; un processus de rapprochement doit tourner"
    return Finding(name="destructions", works=not waiting, sentence=sentence if waiting else "aucune en attente")


def _worker(site: Site) -> Finding:
    with site.database.read() as connection:
        tended = marked(connection, TENDED)
    seconds = _IDLE_SECONDS if tended is None else (site.clock() - tended).total_seconds()
    sentence = "aucun processus de rapprochement ne veille aux échéances ; lancez allervers serve ou work"
    return Finding(
        name="worker", works=seconds < _IDLE_SECONDS, sentence=sentence if seconds >= _IDLE_SECONDS else "il veille"
    )


def _chunks(site: Site) -> Finding:
    """What rows name is there, and nothing is there that no row names."""
    with site.database.read() as connection:
        holding = {run.run for run in runs_in(connection, *HOLDS_ENCODINGS)}
        kept = live_uploads(connection)
        query = select(uploads.c.run, chunks.c.upload).join(uploads, uploads.c.upload == chunks.c.upload).distinct()
        named = {(run, upload) for run, upload in connection.execute(query) if run in holding}
    held = site.blobs.held()
    missing, stray = len(named - held), len({one for one in held if one not in kept})
    sentence = f"{missing} envoi(s) sans leurs morceaux, {stray} dossier(s) que rien ne nomme (ils seront balayés)"
    return Finding(name="chunks", works=not missing, sentence=sentence)


def _key_changes(site: Site) -> Finding:
    """What a restored backup needs so that it revives no key."""
    with site.database.read() as connection:
        size = connection.scalar(select(log_head.c.size)) or 0
        back = revived(site, connection)
        complete = is_complete(site, size)
    sentence = "à jour"
    if not complete:
        sentence = f"« {KEY_CHANGES} » manque ou vient d'un autre journal ; reprenez-en la copie gardée avec les clés"
    if back:
        sentence = f"des clés révoquées sont de nouveau actives ({', '.join(back)}) ; révoquez-les (allervers revoke)"
    return Finding(name="key_changes", works=complete and not back, sentence=sentence)


def _looked(look: Callable[[Site], Finding], site: Site) -> Finding:
    try:
        return look(site)
    except (OSError, SQLAlchemyError, CryptoError, ServiceError) as error:
        return Finding(name=look.__name__.strip("_"), works=False, sentence=_said(error))


def _said(error: Exception) -> str:
    return error.message if isinstance(error, (ServiceError, CryptoError)) else f"échec : {type(error).__name__}"
