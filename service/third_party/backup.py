"""Backups of the database, and what comes back from one.

A backup is a folder::

    database.sqlite   the rows that are kept for ever: parties, agreements, runs, receipts, log; nothing that a purge empties
    checkpoint        the log's checkpoint, signed, at that moment
    manifest.json     format, moment, size of the log, digest of the two files
    identity.json, log_key    only when asked for; to be kept offline

What must be destroyed one day is left out of it: uploads, shares, deliveries, keys. So a backup never has to be found and
destroyed, and a run that was alive when it was made ends when it comes back: its keys are not there
(`upkeep.end_unreadable`).

Signing keys that were revoked or replaced after the backup are active in it. They end again in the transaction that brings it
back, by what `key_changes` remembers beside the database; where that is lost too, the operator names them, or says that there are
none: else nothing is restored.

Whoever restores loses the last leaves of the log. The log then says so itself (`log_restored`, with the digest of the
backup), and every party that saw them refuses it until its officer has decided: a history is not forgotten in silence.

The same files come from SQLite and from PostgreSQL, and go back to either.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, select, update

from crypto.audit import MerkleTree, leaf_hash, open_checkpoint
from crypto.errors import CryptoError
from crypto.framing import Json, canonical_json, parse_canonical_json
from crypto.key_files import write_secret
from service.errors import ServiceError
from service.forms import write_time
from service.third_party.database import Database, sqlite_url
from service.third_party.key_changes import KEY_CHANGES, brought_up_to_date, is_complete, note_end, restart
from service.third_party.lifecycle import LIVE
from service.third_party.party_keys import revoke_named
from service.third_party.purge import PURGED
from service.third_party.run_store import runs_in
from service.third_party.schema import log_head, log_leaves, marks, metadata, nonces, openings, purges
from service.third_party.site import Site
from service.third_party.upkeep import end_run

__all__ = ["KEYS", "LEFT_OUT", "Restored", "back_up", "restore", "restore_keys"]

KEYS = ("identity.json", "log_key")
"""The service's own keys."""

LEFT_OUT: frozenset[Table] = frozenset(
    {*(one for some in PURGED.values() for one in some), purges, nonces, openings, marks}
)
"""Tables whose rows are in no backup: what a purge empties, and what lasts some minutes."""

_FORMAT = "allervers/backup/v1"
_FILES = ("database.sqlite", "checkpoint")
_LARGEST_MANIFEST = 1 << 16
_ROWS = 1000  # copied at once
_PIECE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came back.

    Attributes:
        size: of the log, before the leaves that say so.
        strange: parties whose keys have to be looked at (`key_changes.brought_up_to_date`).
    """

    size: int
    strange: tuple[str, ...]


def back_up(site: Site, folder: Path, *, keys: bool = False) -> int:
    """Write a backup.

    Args:
        site: whose; it may be at work.
        folder: to be made; nothing may be there yet.
        keys: whether the service's own keys are added.

    Returns:
        The size of the log in it.

    Raises:
        ServiceError: `E_SAUVEGARDE`, something is there already; `E_JOURNAL_RECULE`.
        OSError: the disk refused; what was begun is left.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise _refused(f"« {folder} » existe déjà ; donnez un dossier à créer") from None
    copy = Database(sqlite_url(folder / "database.sqlite"))
    try:
        # Under the lock of writers: all tables, and the checkpoint, are of one moment.
        with site.database.write() as source, copy.write() as target:
            note, size = site.log.checkpoint(source)
            _copy_all(source, target)
    finally:
        copy.close()
    write_secret(folder / "checkpoint", note.encode())
    for name in KEYS if keys else ():
        write_secret(folder / name, (site.data / name).read_bytes())
    files: dict[str, Json] = {name: _digest(folder / name) for name in _FILES}
    manifest = canonical_json({"format": _FORMAT, "at": write_time(site.clock()), "log": size, "files": files})
    write_secret(folder / "manifest.json", manifest)
    with site.database.write() as connection:
        site.record(connection, site.party, "backup_made", digest=hashlib.sha256(manifest).hexdigest())
    return size


def restore_keys(data: Path, source: Path) -> None:
    """Put the service's own keys back where they are missing, if the backup has them.

    Raises:
        OSError: a file cannot be read or written.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in KEYS:
        if not (data / name).exists() and (source / name).exists():
            write_secret(data / name, (source / name).read_bytes())


def restore(site: Site, source: Path, now: datetime, revoked: Sequence[str] | None = None) -> Restored:
    """Put a backup in the place of a database that is lost. The service must be stopped.

    Args:
        site: with its keys, and an empty database.
        source: folder of the backup.
        now: the moment.
        revoked: names of the keys that were revoked since, or enough of their beginning; None where the operator says nothing.

    Raises:
        ServiceError: `E_SAUVEGARDE`: altered, of another service, the database is not empty, or nobody says which keys were
            revoked since; `E_CLE_REVOQUEE`, no key of such a name.
        OSError: a file cannot be read or written.
    """
    digest = _check_manifest(source)
    with site.database.read() as connection:
        if connection.scalar(select(func.count()).select_from(log_leaves)):
            raise _refused("la base de destination n'est pas vide ; déplacez-la d'abord")
    copied = site.data / ".restored.sqlite"
    shutil.copyfile(source / "database.sqlite", copied)
    old = Database(sqlite_url(copied))
    try:
        with old.read() as before, site.database.write() as after:
            size = _check_log(site, before, (source / "checkpoint").read_text("utf-8"))
            _copy_all(before, after)
            site.record(after, site.party, "log_restored", digest=digest)
            strange = _end_keys(site, after, size, revoked)
            for run in runs_in(after, *LIVE):
                end_run(site, after, run)
            memory = site.data / "log_checkpoint"
            if memory.exists():  # what was signed before the loss, for whoever must explain it
                memory.replace(site.data / f"log_checkpoint.{write_time(now).replace(':', '')}")
    finally:
        old.close()
        copied.unlink()
    return Restored(size=size, strange=tuple(strange))


def _end_keys(site: Site, connection: Connection, size: int, revoked: Sequence[str] | None) -> list[str]:
    """No key that ended after the backup is active again; what `brought_up_to_date` returns."""
    complete = is_complete(site, size)
    if not complete and revoked is None:
        raise _refused(
            f"« {KEY_CHANGES} » ne dit pas quelles clés de signature ont été révoquées depuis cette sauvegarde : reprenez-en une "
            "copie, ou nommez-les (--revoked CLE), ou dites qu'il n'y en a pas (--none-revoked)"
        )
    strange = brought_up_to_date(site, connection)
    ended = [(key, revoke_named(connection, key, site.clock())) for key in revoked or ()]
    for key, found in ended:
        if not found:
            raise ServiceError("E_CLE_REVOQUEE", f"aucune clé active ne s'appelle « {key} ».", 409)
    # Nothing is remembered before all names are good: else silence would do the next time.
    for party, name in (one for _, found in ended for one in found):
        note_end(site, connection, party, name)
        site.record(connection, site.party, "key_revoked", digest=name)
    if not complete:
        restart(site.data, site.log.public_key, size)
    return strange


def _copy_all(source: Connection, target: Connection) -> None:
    for table in metadata.sorted_tables:
        if table is log_head:
            target.execute(update(log_head).values(size=source.scalar(select(log_head.c.size)) or 0))
        elif table not in LEFT_OUT:
            result = source.execution_options(yield_per=_ROWS).execute(select(table))
            for rows in result.mappings().partitions(_ROWS):
                target.execute(insert(table), [dict(row) for row in rows])


def _check_manifest(source: Path) -> str:
    """The digest of the manifest, once both files are those that it names."""
    try:
        data = (source / "manifest.json").read_bytes()
        manifest = parse_canonical_json(data, _LARGEST_MANIFEST)
        named = manifest.get("files") if isinstance(manifest, dict) and manifest.get("format") == _FORMAT else None
        same = named == {name: _digest(source / name) for name in _FILES}
    except (CryptoError, FileNotFoundError):
        same = False
    if not same:
        raise _refused(f"« {source} » n'est pas une sauvegarde entière, ou elle a été altérée ; prenez-en une autre")
    return hashlib.sha256(data).hexdigest()


def _check_log(site: Site, connection: Connection, note: str) -> int:
    """The size of the log in the backup, once it is the one that was signed."""
    tree, altered = MerkleTree(), False
    one = log_leaves.c
    for seq, leaf, hashed in connection.execute(select(one.seq, one.leaf, one.hash).order_by(one.seq)):
        altered |= seq != tree.size or (leaf is not None and leaf_hash(leaf) != hashed)
        tree.append(hashed)
    try:
        checkpoint = open_checkpoint(note, site.log.public_key, site.log.name)
    except CryptoError:
        raise _refused("cette sauvegarde est celle d'un autre service ; reprenez aussi ses clés") from None
    if altered or (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
        raise _refused("le journal de cette sauvegarde n'est pas celui qui fut signé ; prenez-en une autre")
    return tree.size


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _refused(sentence: str) -> ServiceError:
    return ServiceError("E_SAUVEGARDE", f"{sentence}.")
