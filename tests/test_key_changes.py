"""What is remembered of signing keys beside the database: every change, in order, before it is committed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crypto.signatures import SigningKey
from service.errors import ServiceError
from service.successions import Succession
from service.third_party.key_changes import KEY_CHANGES, brought_up_to_date, is_complete, note_end, restart
from service.third_party.successors import revoke
from tests.simulator import Simulation


def lines(sim: Simulation) -> list[dict[str, Any]]:
    return [json.loads(one) for one in (sim.data / KEY_CHANGES).read_bytes().splitlines()]


def succession(sim: Simulation, key: SigningKey) -> dict[str, Any]:
    one = sim.caf.identity
    return Succession.drawn(one.public, one.signing_key, key, sim.clock())


def test_every_change_is_written_down(sim: Simulation):
    """From the first start on: successions as they were signed, revocations by name; for the owner only."""
    log = sim.site.log.public_key.hex()
    assert [{"format": "allervers/key-changes/v1", "log": log, "since": 0}] == lines(sim)
    signed = succession(sim, SigningKey.generate())
    sim.caf.post("/keys", signed)
    sim.caf.post("/keys", signed)
    (ended,) = revoke(sim.site, "cnous", None)
    assert [{"party": "caf", "succession": signed}, {"party": "cnous", "ended": ended}] == lines(sim)[1:]
    assert 0o600 == (sim.data / KEY_CHANGES).stat().st_mode & 0o777


def test_a_change_that_is_refused_is_not_written(sim: Simulation):
    """Neither a second successor of one key, nor a key that is unknown."""
    sim.caf.post("/keys", succession(sim, SigningKey.generate()))
    sim.caf.post("/keys", succession(sim, SigningKey.generate()), 409)
    with pytest.raises(ServiceError, match="E_CLE_REVOQUEE"):
        revoke(sim.site, "caf", "f" * 64)
    assert 2 == len(lines(sim))


def test_a_service_that_is_older_begins_where_it_is(sim: Simulation):
    """What came before is not known, and it says so; a line that a crash has cut is no change."""
    path = sim.data / KEY_CHANGES
    path.unlink()
    assert not is_complete(sim.site, 10**9)
    sim.opened()
    with sim.site.database.read() as connection:
        size = connection.exec_driver_sql("SELECT size FROM log_head").scalar_one()
        path.write_bytes(b'{"format":"allervers/key')  # cut while it was made
        note_end(sim.site, connection, "caf", "a" * 64)
    log = sim.site.log.public_key
    head = {"format": "allervers/key-changes/v1", "log": log.hex(), "since": size}
    assert [head, {"party": "caf", "ended": "a" * 64}] == lines(sim)
    assert (False, True) == (is_complete(sim.site, size - 1), is_complete(sim.site, size))
    with path.open("ab") as file:
        file.write(b'{"party":"cn')
    with sim.site.database.write() as connection:
        note_end(sim.site, connection, "cnous", "b" * 64)
        assert [] == brought_up_to_date(sim.site, connection)
    assert ["caf", "cnous"] == [one["party"] for one in lines(sim)[1:]]
    restart(sim.data, log, 3)
    assert [3, "caf", "cnous"] == [one.get("since", one.get("party")) for one in lines(sim)]


def test_a_key_that_follows_nothing_is_told(sim: Simulation):
    """Of a party whose chain here is another; a party that is not enrolled here is left alone."""
    first, second = SigningKey.generate(), SigningKey.generate()
    other = succession(sim, second)
    sim.caf.post("/keys", succession(sim, first))
    with (sim.data / KEY_CHANGES).open("ab") as file:
        for party, signed in (("caf", other), ("inconnue", other), ("cnous", other)):
            file.write(
                json.dumps({"party": party, "succession": signed}, separators=(",", ":"), sort_keys=True).encode()
                + b"\n"
            )
    with sim.site.database.write() as connection:
        assert ["caf", "cnous"] == brought_up_to_date(sim.site, connection)


@pytest.mark.parametrize("data", [b"\n", b"{}\n", b"[]\n", b'{"format":"allervers/key-changes/v1","since":"0"}\n'])
def test_a_damaged_memory_is_refused(sim: Simulation, data):
    """Rather than believed to be complete."""
    (sim.data / KEY_CHANGES).write_bytes(data)
    with pytest.raises(ServiceError, match="E_SAUVEGARDE"):
        is_complete(sim.site, 5)
