"""Parties as witnesses of the log: each shows the others which checkpoint it has seen, so that all are told one history.

A party checks a checkpoint against its own last one, adds its cosignature (`crypto.witness`) and sends the note here. Only
a checkpoint of this very log is taken, and of each party only the largest is kept. Everybody reads everybody's: who was
shown another history sees a root that its own log does not have.
"""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from crypto.audit import Checkpoint
from crypto.errors import CryptoError, SignatureRefused
from crypto.witness import open_cosigned
from service.answers import WitnessedView
from service.errors import ServiceError
from service.messages import witness_name
from service.third_party.authentication import Caller
from service.third_party.party_keys import signing_keys
from service.third_party.schema import witnesses
from service.third_party.site import Site

__all__ = ["witness", "witnessed"]


def witness(site: Site, caller: Caller, note: str) -> None:
    """Keep the checkpoint that a party says it has seen.

    Raises:
        ServiceError: `E_TEMOIN`, another log, root or witness.
    """
    try:
        with site.database.read() as connection:
            keys = signing_keys(connection, caller.party)
            checkpoint = _opened(note, (site.log.public_key, site.log.name), caller.party, keys)
            same = site.log.root(connection, checkpoint.size) == checkpoint.root and checkpoint.origin == site.log.name
    except CryptoError:
        same = False
    if not same:
        raise ServiceError("E_TEMOIN", "ce point de contrôle n'est pas de ce journal, ou n'est pas signé par vous.")
    with site.database.write() as connection:
        held = connection.scalar(select(witnesses.c.size).where(witnesses.c.party == caller.party))
        if held is None or held < checkpoint.size:
            connection.execute(delete(witnesses).where(witnesses.c.party == caller.party))
            connection.execute(insert(witnesses).values(party=caller.party, size=checkpoint.size, note=note))


def _opened(note: str, log: tuple[bytes, str], party: str, keys: tuple[bytes, ...]) -> Checkpoint:
    """The checkpoint, signed by one of these keys of a party."""
    name = witness_name(party)
    for key in keys:
        try:
            return open_cosigned(note, log, (key, name))[0]
        except SignatureRefused:
            continue
    raise SignatureRefused("ce point de contrôle n'est signé par aucune clé active de la partie.")


def witnessed(site: Site) -> list[WitnessedView]:
    """What each party has seen last."""
    with site.database.read() as connection:
        rows = connection.execute(select(witnesses.c.party, witnesses.c.note).order_by(witnesses.c.party)).all()
    return [WitnessedView(party=party, note=note) for party, note in rows]
