"""Deliveries as the database holds them: sealed once more, under a key that dies when they are destroyed.

What is inside is already sealed to its receiver, whose key lives for years. This second seal is what makes an old copy of the
database worth nothing after the acknowledgement: its key is in the keystore, one for each run and receiver (`vault`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from service.errors import absent
from service.third_party import parcels
from service.third_party.site import Site

__all__ = ["keep", "statement"]


def keep(site: Site, connection: Connection, run: str, names: tuple[str, str, str], signed: bytes) -> None:
    """Store a delivery; `names` are comparison, pass, receiver."""
    parcels.add_delivery(connection, run, names, site.vault.seal_parcel(run, names[2], signed))


def statement(site: Site, connection: Connection, run: str, names: tuple[str, str, str]) -> bytes:
    """The signed statement of a delivery; `names` are comparison, pass, receiver.

    Raises:
        ServiceError: `E_INTROUVABLE`, there is none.
        KeyAbsent: it was destroyed, and a copy of the database brought its row back.
    """
    sealed = parcels.load_delivery(connection, run, names[0], names[1])
    if sealed is None:
        raise absent()
    return site.vault.open_parcel(run, names[2], sealed)
