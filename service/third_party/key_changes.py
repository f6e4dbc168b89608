"""What became of the signing keys of parties, beside the database: so that a backup that is restored revives no key.

``DATA/key_changes`` is lines of canonical JSON, the oldest first::

    {"format": "allervers/key-changes/v1", "log": "3c…", "since": 12}     which log, and its size from which on none is missing
    {"party": "caf", "succession": {signed}}                a key that followed another one
    {"party": "caf", "ended": "9f…"}                        the name of a key that the operator revoked

A line is on the disk before the change is committed: one that was never committed ends a key too many, which its party or the
operator were about to end anyway. Nothing in it is secret, and successions carry their own proof. Whoever keeps a copy of this
file away from the disk can restore the oldest backup without asking anybody which keys were stolen since.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, select

from crypto.errors import CryptoError
from crypto.framing import Json, canonical_json, parse_canonical_json
from crypto.key_files import write_secret
from service.errors import ServiceError
from service.messages import statement_digest
from service.successions import Succession
from service.third_party import party_keys
from service.third_party.schema import log_head
from service.third_party.site import Site
from service.third_party.store import find_party, stored

__all__ = ["KEY_CHANGES", "brought_up_to_date", "is_complete", "note_end", "note_succession", "restart", "revived"]

KEY_CHANGES = "key_changes"
_FORMAT = "allervers/key-changes/v1"
_LARGEST_LINE = 1 << 20


def note_succession(site: Site, connection: Connection, party: str, signed: Mapping[str, Any]) -> None:
    """Write down a key that follows another one, before the transaction is committed."""
    _append(site, connection, {"party": party, "succession": dict(signed)})


def note_end(site: Site, connection: Connection, party: str, key: str) -> None:
    """Write down a key that is revoked, before the transaction is committed."""
    _append(site, connection, {"party": party, "ended": key})


def restart(data: Path, log: bytes, since: int) -> None:
    """Keep all lines, as complete from this size of the log on; `log` is the public key of the log."""
    lines = [canonical_json(line) + b"\n" for line in _lines(data / KEY_CHANGES)]
    write_secret(data / KEY_CHANGES, _head(log, since) + b"".join(lines))


def is_complete(site: Site, size: int) -> bool:
    """Whether no change is missing since the log had this size; what was begun for another log says nothing of this one.

    Raises:
        ServiceError: `E_SAUVEGARDE`, the file is damaged.
    """
    path = site.data / KEY_CHANGES
    if not path.exists():
        return False
    with path.open("rb") as file:
        head = _line(file.readline(_LARGEST_LINE))
    since = head.get("since")
    if head.get("format") != _FORMAT or not isinstance(since, int):
        raise _damaged()
    return head.get("log") == site.log.public_key.hex() and since <= size


def brought_up_to_date(site: Site, connection: Connection) -> list[str]:
    """Make every change again that the tables lack, in the order in which they were made, and record it.

    Returns:
        The parties of changes that do not follow from what the tables hold, whose keys the operator has to look at.

    Raises:
        ServiceError: `E_SAUVEGARDE`, the file is damaged.
    """
    strange = []
    for line in _lines(site.data / KEY_CHANGES):
        party = str(line.get("party"))
        if find_party(connection, party) is None:
            continue  # enrolled since: it has to be enrolled again
        if "ended" in line:
            for name in party_keys.revoke(connection, party, str(line["ended"]), site.clock()):
                site.record(connection, site.party, "key_revoked", digest=name)
        elif not _succeeded(site, connection, party, line.get("succession")):
            strange.append(party)
    return sorted(set(strange))


def revived(site: Site, connection: Connection) -> list[str]:
    """The parties that have an active key which was revoked: the tables are older than the file, and were not `restore`d.

    Raises:
        ServiceError: `E_SAUVEGARDE`, the file is damaged.
    """
    ended = [
        (str(line.get("party")), str(line["ended"])) for line in _lines(site.data / KEY_CHANGES) if "ended" in line
    ]
    return sorted(
        {party for party, key in ended if any(one.name == key for one in party_keys.active_keys(connection, party))}
    )


def _succeeded(site: Site, connection: Connection, party: str, signed: object) -> bool:
    """Whether a succession is there, or could be added."""
    public, statement = find_party(connection, party), stored(signed if isinstance(signed, dict) else {})
    if public is None or statement in party_keys.successions(connection, party):
        return public is not None
    try:
        one = Succession.checked(public, party_keys.signing_keys(connection, party), signed)
        if party_keys.newest(connection, party) != one.predecessor:
            return False
        party_keys.succeed(connection, party, one.successor, statement, site.clock())
    except (CryptoError, ServiceError):
        return False
    site.record(
        connection, party, "key_succeeded", digest=statement_digest(dict(signed) if isinstance(signed, dict) else {})
    )
    return True


def _append(site: Site, connection: Connection, line: dict[str, Json]) -> None:
    path = site.data / KEY_CHANGES
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        whole = _whole(file)
        if not whole:  # of a service that is older than this file: what was before is not known
            since = int(connection.scalar(select(log_head.c.size)) or 0)
            file.write(_head(site.log.public_key, since))
        file.write(canonical_json(line) + b"\n")
        os.fsync(file.fileno())


def _whole(file: BinaryIO | Any) -> int:
    """Cut off a line that a crash has left half written; the bytes that stay, at whose end the file then is."""
    data = file.read()
    size = data.rfind(b"\n") + 1
    file.truncate(size)
    file.seek(size)
    return int(size)


def _lines(path: Path) -> Iterator[dict[str, Json]]:
    """The changes; a last line that was cut was never committed."""
    if path.exists():
        whole = path.read_bytes()
        for data in whole[: whole.rfind(b"\n") + 1].splitlines(keepends=True)[1:]:
            yield _line(data)


def _line(data: bytes) -> dict[str, Json]:
    try:
        value = parse_canonical_json(data.removesuffix(b"\n"), _LARGEST_LINE)
    except CryptoError:
        raise _damaged() from None
    if not isinstance(value, dict):
        raise _damaged()
    return value


def _head(log: bytes, since: int) -> bytes:
    return canonical_json({"format": _FORMAT, "log": log.hex(), "since": since}) + b"\n"


def _damaged() -> ServiceError:
    return ServiceError("E_SAUVEGARDE", f"« {KEY_CHANGES} » est abîmé ; reprenez-en une copie, ou écartez-le.")
