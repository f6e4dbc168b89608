"""Two active keys at most, by constraint; an ended key never comes back."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from crypto.keys import Identity
from crypto.signatures import SigningKey
from service.errors import ServiceError
from service.third_party.party_keys import active_keys, newest, revoke, still_active, succeed, successions
from service.third_party.schema import party_keys
from service.third_party.store import add_party
from tests.simulator import START

ME = Identity.generate("caf", "CAF")


def fresh() -> bytes:
    return SigningKey.generate().verify_bytes()


def test_the_line_of_keys(database):
    """The third ends the first; names and statements are kept in order."""
    keys = [ME.public.signing_key, fresh(), fresh()]
    with database.write() as connection:
        add_party(connection, ME.public, START)
        assert succeed(connection, "caf", keys[1], b"1", START)
        assert not succeed(connection, "caf", keys[1], b"1", START)
        assert succeed(connection, "caf", keys[2], b"2", START)
        active = active_keys(connection, "caf")
        assert keys[1:] == [one.public for one in active]
        assert [b"1", b"2"] == successions(connection, "caf")
        assert active[1].name == newest(connection, "caf")
        with pytest.raises(ServiceError, match="E_CLE_SUCCESSION"):
            succeed(connection, "caf", keys[0], b"3", START)
        assert {one.name for one in active} == still_active(connection, [one.name for one in active] + ["0"])
        assert 2 == len(revoke(connection, "caf", None, START))
        assert ((), None) == (active_keys(connection, "caf"), newest(connection, "caf"))


def test_a_third_active_key_is_refused_by_the_database(database):
    """Whatever the code above does."""
    with database.write() as connection:
        add_party(connection, ME.public, START)
        succeed(connection, "caf", fresh(), b"1", START)
        succeed(connection, "caf", fresh(), b"2", START)
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(update(party_keys).where(party_keys.c.slot.is_(None)).values(slot=0, ended_at=None))
