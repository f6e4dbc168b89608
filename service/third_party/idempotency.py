"""Requests that carry a key which makes them one: sent again, they get the first answer and do nothing more.

Only the opening of a run needs it: everything else is idempotent by what it says. The key comes in ``Idempotency-Key``,
covered by the signature, 16 to 128 characters of ``A-Z a-z 0-9 . _ : -``; it belongs to the party. The same key with
another body is refused.
"""

from __future__ import annotations

import hashlib
import re

from sqlalchemy import Connection, insert, select

from crypto.framing import canonical_json
from service.errors import ServiceError
from service.forms import Form
from service.third_party.schema import openings

__all__ = ["KEY", "Once", "opened_before", "remember", "same_request"]

_KEY = re.compile(r"[A-Za-z0-9._:-]{16,128}")

KEY = Form(lambda value, _: value, lambda value: value, {"type": "string", "pattern": f"^{_KEY.pattern}$"})
"""The form of the header, for the description of the interface."""

Once = tuple[str, str]  # the key, the digest of the body


def same_request(key: str | None, body: object) -> Once | None:
    """What makes a request one; None when it carries no key.

    Raises:
        ServiceError: `E_IDEMPOTENCE`, the key has another form.
    """
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        sentence = "la clé d'idempotence a 16 à 128 lettres, chiffres, points, tirets ou deux-points."
        raise ServiceError("E_IDEMPOTENCE", sentence, source={"header": "Idempotency-Key"})
    return key, hashlib.sha256(canonical_json(body)).hexdigest()


def opened_before(connection: Connection, party: str, once: Once | None) -> str | None:
    """The run that this very request opened before.

    Raises:
        ServiceError: `E_IDEMPOTENCE`, the key came with another body.
    """
    if once is None:
        return None
    key, digest = once
    query = select(openings.c.run, openings.c.digest).where(openings.c.party == party, openings.c.key == key)
    found = connection.execute(query).first()
    if found is not None and found.digest != digest:
        sentence = "cette clé d'idempotence a déjà servi à une autre demande ; tirez-en une nouvelle."
        raise ServiceError("E_IDEMPOTENCE", sentence, source={"header": "Idempotency-Key"})
    return None if found is None else str(found.run)


def remember(connection: Connection, party: str, once: Once | None, run: str) -> None:
    """Keep which run a request opened."""
    if once is not None:
        key, digest = once
        connection.execute(insert(openings).values(party=party, key=key, digest=digest, run=run))
