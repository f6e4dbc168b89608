"""The whole audit log as a file that anybody can check without the service: JSON lines.

The first line is ``{"format": "allervers/log-export/v1", "origin", "log_key", "checkpoint"}``. Each line after it is one
leaf, in order: ``{"hash", "leaf"}``, the leaf as it was hashed (canonical JSON, here as an object), null once its body is
erased. Whoever reads it computes the root of all hashes, which must be the checkpoint's, and the hash of each body, which
must be the one beside it (`allervers verify FILE`): no line can be changed, left out, added or moved.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import select

from crypto.framing import canonical_json, parse_canonical_json, to_base64
from service.third_party.schema import log_leaves
from service.third_party.site import Site

__all__ = ["LOG_EXPORT", "export_log"]

LOG_EXPORT = "allervers/log-export/v1"
_LARGEST_LEAF = 1 << 16


def export_log(site: Site, path: Path) -> int:
    """Write the log to a file that does not exist yet.

    Returns:
        How many leaves it has.

    Raises:
        FileExistsError: the file is there.
        ServiceError: `E_JOURNAL_RECULE`.
    """
    one = log_leaves.c
    with site.database.read() as connection:
        note, size = site.log.checkpoint(connection)
        key = to_base64(site.log.public_key)
        head = {"format": LOG_EXPORT, "origin": site.log.name, "log_key": key, "checkpoint": note}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(canonical_json(head) + b"\n")
            query = select(one.hash, one.leaf).where(one.seq < size).order_by(one.seq)
            for hashed, leaf in connection.execution_options(yield_per=1000).execute(query):
                body = None if leaf is None else parse_canonical_json(leaf, _LARGEST_LEAF)
                file.write(canonical_json({"hash": hashed.hex(), "leaf": body}) + b"\n")
    with site.database.write() as connection:
        site.record(connection, site.party, "log_exported")
    return size
