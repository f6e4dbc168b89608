"""The rows of what a run carries for a while: uploads and their chunks, deliveries, acknowledgements.

Same rules as `store`: named functions in the transaction of their caller. All these rows are emptied by
`purge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from service.messages import UploadState
from service.third_party.schema import acknowledgements, chunks, deliveries, uploads

__all__ = [
    "Upload",
    "acknowledged_by",
    "add_acknowledgement",
    "add_chunk",
    "add_delivery",
    "add_upload",
    "deliveries_of",
    "drop_deliveries",
    "drop_upload",
    "find_upload",
    "held_bytes",
    "held_chunks",
    "holds_chunk",
    "live_uploads",
    "load_delivery",
    "set_upload",
    "uploads_of",
]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One upload as the database holds it."""

    upload: str
    run: str
    comparison: str
    pass_: str
    party: str
    state: UploadState
    reason: str | None
    manifest: bytes  # stored signed statement


def add_upload(connection: Connection, upload: Upload) -> None:
    """Store a new upload."""
    values = {**vars(upload), "state": str(upload.state), "pass": upload.pass_}
    del values["pass_"]
    connection.execute(insert(uploads).values(values))


def find_upload(connection: Connection, run: str, comparison: str, pass_name: str, party: str) -> Upload | None:
    """The upload of a party for a pass."""
    one = uploads.c
    where = (one.run == run, one.comparison == comparison, one["pass"] == pass_name, one.party == party)
    return next(iter(_read(connection, *where)), None)


def uploads_of(connection: Connection, run: str, upload: str | None = None) -> list[Upload]:
    """The uploads of a run, in a fixed order; or the one of this identifier."""
    where = [uploads.c.run == run]
    if upload is not None:
        where.append(uploads.c.upload == upload)
    return _read(connection, *where)


def live_uploads(connection: Connection) -> set[tuple[str, str]]:
    """(run, upload) of every upload whose chunks must be kept."""
    query = select(uploads.c.run, uploads.c.upload).where(uploads.c.state != str(UploadState.REFUSED))
    return {(run, upload) for run, upload in connection.execute(query)}


def set_upload(connection: Connection, upload: str, state: UploadState, reason: str | None = None) -> None:
    """Move an upload; a refused one loses its chunks."""
    values = {"state": str(state), "reason": reason}
    connection.execute(update(uploads).where(uploads.c.upload == upload).values(values))
    if state == UploadState.REFUSED:
        connection.execute(delete(chunks).where(chunks.c.upload == upload))


def drop_upload(connection: Connection, upload: str) -> None:
    """Forget an upload and its chunks."""
    connection.execute(delete(chunks).where(chunks.c.upload == upload))
    connection.execute(delete(uploads).where(uploads.c.upload == upload))


def _read(connection: Connection, *where: Any) -> list[Upload]:
    order = (uploads.c.comparison, uploads.c["pass"], uploads.c.party)
    rows = connection.execute(select(uploads).where(*where).order_by(*order))
    found = []
    for row in rows.mappings():
        values = {**row, "pass_": row["pass"], "state": UploadState(row["state"])}
        del values["pass"]
        found.append(Upload(**values))
    return found


# Statements of every chunk are written once: their text is then found at once among those compiled.
_ADD_CHUNK = insert(chunks)
_HOLDS = select(chunks.c.number).where(chunks.c.upload == bindparam("name"), chunks.c.number == bindparam("place"))
_HELD_BYTES = select(func.sum(chunks.c.size)).where(chunks.c.upload == bindparam("name"))


def add_chunk(connection: Connection, upload: str, number: int, size: int) -> None:
    """Record that a chunk is held; once."""
    if not holds_chunk(connection, upload, number):
        connection.execute(_ADD_CHUNK, {"upload": upload, "number": number, "size": size})


def holds_chunk(connection: Connection, upload: str, number: int) -> bool:
    """Whether a chunk of an upload is acknowledged."""
    return connection.scalar(_HOLDS, {"name": upload, "place": number}) is not None


def held_chunks(connection: Connection, upload: str) -> set[int]:
    """The numbers of the chunks held."""
    return set(connection.scalars(select(chunks.c.number).where(chunks.c.upload == upload)))


def held_bytes(connection: Connection, upload: str) -> int:
    """Their total size."""
    return connection.scalar(_HELD_BYTES, {"name": upload}) or 0


def add_delivery(connection: Connection, run: str, names: tuple[str, str, str], statement: bytes) -> None:
    """Store a delivery; `names` are comparison, pass, recipient."""
    comparison, pass_name, recipient = names
    row = {"run": run, "comparison": comparison, "pass": pass_name, "recipient": recipient}
    connection.execute(insert(deliveries).values(**row, statement=statement))


def deliveries_of(connection: Connection, run: str, recipient: str | None = None) -> list[tuple[str, str, str]]:
    """(comparison, pass, recipient) of the deliveries of a run, or of one recipient."""
    one = deliveries.c
    where = [one.run == run] if recipient is None else [one.run == run, one.recipient == recipient]
    query = select(one.comparison, one["pass"], one.recipient).where(*where)
    rows = connection.execute(query.order_by(one.comparison, one["pass"]))
    return [(comparison, pass_name, party) for comparison, pass_name, party in rows]


def load_delivery(connection: Connection, run: str, comparison: str, pass_name: str) -> bytes | None:
    """A stored delivery."""
    one = deliveries.c
    where = (one.run == run, one.comparison == comparison, one["pass"] == pass_name)
    return connection.scalar(select(one.statement).where(*where))


def drop_deliveries(connection: Connection, run: str, recipient: str | None = None) -> None:
    """Delete the deliveries of a run, or of one recipient."""
    where = [deliveries.c.run == run]
    if recipient is not None:
        where.append(deliveries.c.recipient == recipient)
    connection.execute(delete(deliveries).where(*where))


def add_acknowledgement(connection: Connection, run: str, party: str, statement: bytes) -> None:
    """Store a recipient's acknowledgement, once."""
    where = (acknowledgements.c.run == run, acknowledgements.c.party == party)
    if not connection.scalar(select(exists().where(*where))):
        connection.execute(insert(acknowledgements).values(run=run, party=party, statement=statement))


def acknowledged_by(connection: Connection, run: str) -> set[str]:
    """The recipients that have acknowledged."""
    return set(connection.scalars(select(acknowledgements.c.party).where(acknowledgements.c.run == run)))
