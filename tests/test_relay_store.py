"""Rows of relays: what is complete, what is owed, and that no piece lies in clear sight of the database."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service.messages import Relay
from service.third_party import relay_store
from service.third_party.parcels import add_acknowledgement
from service.third_party.schema import relays
from service.third_party.store import stored
from tests.simulator import simulation
from tests.three_parties import ThreeParties

ROUTE = ("hits", "dgfip", "caf")


@pytest.fixture
def three(tmp_path):
    """An open run."""
    with simulation(tmp_path / "data") as sim:
        yield ThreeParties(sim, tmp_path)


def keep(three: ThreeParties, connection: object, number: int, pieces: int) -> bytes:
    relay = Relay(
        agreement=three.agreement.identifier, run=three.run, kind="hits", from_="dgfip", to="caf", number=number,
        pieces=pieces, sealed=b"piece" * 10,
    )  # fmt: skip
    data = stored(relay.signed(three.parties["dgfip"].identity.signing_key))
    relay_store.add_piece(three.sim.site, connection, relay, data)  # type: ignore[arg-type]
    return data


def test_a_relay_is_complete_with_its_last_piece(three):
    """In any order; until then its joiner owes its hits."""
    site = three.sim.site
    with site.database.write() as connection:
        assert relay_store.owes_hits(connection, three.run, three.agreement, "dgfip")
        assert not relay_store.owes_hits(connection, three.run, three.agreement, "cnous")
        second = keep(three, connection, 1, 2)
        assert not relay_store.is_complete(connection, three.run, ROUTE)
        first = keep(three, connection, 0, 2)
        assert relay_store.is_complete(connection, three.run, ROUTE)
        assert not relay_store.owes_hits(connection, three.run, three.agreement, "dgfip")
        assert {2} == relay_store.announced(connection, three.run, ROUTE)
        assert {"caf"} == relay_store.addressees(connection, three.run)
        assert [first, second] == [
            relay_store.load_piece(site, connection, three.run, ROUTE, number) for number in (0, 1)
        ]
        assert None is relay_store.load_piece(site, connection, three.run, ROUTE, 2)
        assert {(ROUTE, 2): [0, 1]} == relay_store.pieces_about(connection, three.run, "caf")
        digests = relay_store.digests_of(connection, three.run, ROUTE)
        assert [(ROUTE, 2, relay_store.relay_digest(digests))] == relay_store.relays_to(connection, three.run, "caf")


def test_a_recipient_that_has_gone_is_owed_nothing(three):
    """Its acknowledgement frees its joiner."""
    with three.sim.site.database.write() as connection:
        add_acknowledgement(connection, three.run, "caf", b"{}")
        assert not relay_store.owes_hits(connection, three.run, three.agreement, "dgfip")


def test_what_the_table_holds_is_sealed_under_the_key_of_its_addressee(three):
    """Once that key is destroyed, no copy of the database opens it."""
    site = three.sim.site
    with site.database.write() as connection:
        data = keep(three, connection, 0, 1)
        held = connection.scalar(select(relays.c.statement))
        assert data not in held
        assert data == site.vault.open_parcel(three.run, "caf", held)


def test_the_database_refuses_a_number_beyond_its_pieces(three):
    """Whatever the code does."""
    with three.sim.site.database.write() as connection, pytest.raises(IntegrityError), connection.begin_nested():
        keep(three, connection, 2, 2)
