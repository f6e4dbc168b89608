"""Deliveries in the database are under a second seal, whose key dies with them."""

from __future__ import annotations

import pytest

from crypto.errors import KeyAbsent, SealBroken
from service.errors import ServiceError
from service.third_party import parcels
from service.third_party.sealed_deliveries import keep, statement
from tests.simulator import Simulation

SIGNED = b"signed statement of a delivery, already sealed to its receiver"
NAMES = ("caf.cnous", "jour", "caf")
OTHER_PASS = ("caf.cnous", "noms", "caf")


@pytest.fixture
def run(sim: Simulation) -> str:
    """A run that holds one delivery."""
    one = sim.opened().run
    with sim.site.database.write() as connection:
        keep(sim.site, connection, one, NAMES, SIGNED)
    return one


def row(sim: Simulation, run: str, names: tuple[str, str, str] = NAMES) -> bytes:
    """What the database holds."""
    with sim.site.database.read() as connection:
        held = parcels.load_delivery(connection, run, names[0], names[1])
    assert held is not None
    return held


def read(sim: Simulation, run: str, names: tuple[str, str, str] = NAMES) -> bytes:
    with sim.site.database.read() as connection:
        return statement(sim.site, connection, run, names)


def test_what_is_kept_comes_back(sim: Simulation, run):
    """The very bytes; each pass its own."""
    with sim.site.database.write() as connection:
        keep(sim.site, connection, run, OTHER_PASS, b"another")
    assert (SIGNED, b"another") == (read(sim, run), read(sim, run, OTHER_PASS))


@pytest.mark.S6
def test_the_row_shows_nothing_without_its_key(sim: Simulation, run):
    """Not a piece of the statement; sealed with a fresh nonce each time."""
    held = row(sim, run)
    assert 12 + len(SIGNED) + 16 == len(held)
    assert not any(SIGNED[at : at + 8] in held for at in range(len(SIGNED) - 7))
    with sim.site.database.write() as connection:
        keep(sim.site, connection, run, OTHER_PASS, SIGNED)
    assert held[:12] != row(sim, run, OTHER_PASS)[:12]


@pytest.mark.S6
def test_a_row_that_comes_back_after_its_key_is_worth_nothing(sim: Simulation, run):
    """An old copy of the database, put over today's."""
    held = row(sim, run)
    sim.site.vault.destroy_parcel_key(run, "caf")
    assert held == row(sim, run)
    with pytest.raises(KeyAbsent):
        read(sim, run)
    sim.site.vault.seal_parcel(run, "caf", b"")  # a new key under the same name opens it no more
    with pytest.raises(SealBroken):
        read(sim, run)


def test_a_row_opens_for_its_run_and_receiver_only(sim: Simulation, run):
    """Moved to another run, or asked for under another receiver: refused."""
    other = sim.caf.post("/runs", {"agreement": sim.caf.get(f"/runs/{run}")["agreement"]}, 201)["run"]
    with sim.site.database.write() as connection:
        keep(sim.site, connection, other, NAMES, b"another")
        held = parcels.load_delivery(connection, run, NAMES[0], NAMES[1])
    _replace(sim, other, held or b"")
    with pytest.raises(SealBroken):
        read(sim, other)
    with pytest.raises(KeyAbsent):
        read(sim, run, ("caf.cnous", "jour", "cnous"))
    sim.site.vault.seal_parcel(run, "cnous", b"")
    with pytest.raises(SealBroken):
        read(sim, run, ("caf.cnous", "jour", "cnous"))


def _replace(sim: Simulation, run: str, data: bytes) -> None:
    """Put other bytes in the place of a delivery: the database itself lets no row be changed, only removed."""
    with sim.site.database.write() as connection:
        parcels.drop_deliveries(connection, run)
        parcels.add_delivery(connection, run, NAMES, data)


@pytest.mark.parametrize(
    "damage",
    [lambda held: held[:-1], lambda held: b"", lambda held: bytes([held[0] ^ 1]) + held[1:]],
    ids=["cut", "empty", "bit"],
)
def test_an_altered_row_is_refused(sim: Simulation, run, damage):
    """Nothing of it is given."""
    _replace(sim, run, damage(row(sim, run)))
    with pytest.raises(SealBroken):
        read(sim, run)


def test_what_is_not_there_is_absent(sim: Simulation, run):
    """Another pass, another comparison, another run: as if they had never been."""
    for where, names in ((run, OTHER_PASS), (run, ("caf.dgfip", "jour", "caf")), ("0" * 32, NAMES)):
        with pytest.raises(ServiceError) as caught:
            read(sim, where, names)
        assert ("E_INTROUVABLE", 404) == (caught.value.code, caught.value.status)


def test_a_transaction_that_fails_keeps_nothing(sim: Simulation):
    """The row goes with it; the key that was drawn opens nothing and is swept with the run."""
    run = sim.opened().run

    def keep_and_fail() -> None:
        with sim.site.database.write() as connection:
            keep(sim.site, connection, run, NAMES, SIGNED)
            raise KeyError

    with pytest.raises(KeyError):
        keep_and_fail()
    with pytest.raises(ServiceError):
        read(sim, run)
