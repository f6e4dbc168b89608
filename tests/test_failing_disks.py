"""R3: a disk that is full or broken on every write path. Refused with 507 or 503, nothing acknowledged lost, all goes on after.

A whole run is driven, and every request and every step of the worker is tried with more and more room (or later and
later failures) until it succeeds: so each write of each path fails at least once.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from crypto.audit import leaf_hash, open_checkpoint, verify_inclusion
from crypto.framing import to_base64
from service.answers import LogView
from service.messages import Receipt, log_origin
from service.third_party.database import sqlite_url
from service.third_party.store import agreements_of
from tests.failing_disks import SmallDisk, broken_calls, has_small_disk, own_namespace, short_files
from tests.postgres import TempPg
from tests.simulator import PASSES, Administration, Run, Simulation, rows_for, simulation

pytestmark = pytest.mark.R3

ROWS = {name: rows_for(number) for number, name in enumerate(PASSES)}
ROOMS = ((0, 8, 16, 32, 64), tuple(range(0, 160, 4)))  # KiB; by default, and for hours
LENGTHS = ((0, 4, 64, 256), (*range(0, 64, 2), *range(64, 640, 16)))  # KiB
CALLS = ((0, 1, 2, 4, 8), tuple(range(24)))

Trouble = Callable[[], AbstractContextManager[None]]


class Enduring:
    """Tries each request under every trouble in turn, until it is answered."""

    def __init__(self, one: Administration, troubles: list[Trouble]) -> None:
        self._send = one.send
        self._troubles = troubles
        self.refused: Counter[tuple[str, int]] = Counter()
        one.send = self  # type: ignore[method-assign,assignment]

    def __call__(self, method: str, path: str, body: bytes | None = None) -> object:
        for trouble in self._troubles:
            with trouble():
                response = self._send(method, path, body)
            if response.status_code < 500:
                return response
            code = response.json()["errors"][0]["code"]
            assert {507: "E_DISQUE_PLEIN", 503: "E_INDISPONIBLE"}[response.status_code] == code
            self.refused[path.rpartition("/")[2], response.status_code] += 1
        return self._send(method, path, body)


def endure(sim: Simulation, troubles: list[Trouble]) -> Counter[tuple[str, int]]:
    """A run from the agreement to its receipts under troubles; what was refused, by the end of its path."""
    refused = [Enduring(one, troubles) for one in sim.pair]
    work = sim.work

    def endured_work() -> None:
        for trouble in troubles:
            with trouble():
                work()
        sim.clock.advance(seconds=30)  # a job that could not be given back is free again by then
        work()

    sim.work = endured_work  # type: ignore[method-assign]
    run = sim.sending()
    uploads = sim.upload_all(run, ROWS)
    assert 4 == len(uploads)
    sim.work()
    check_results(sim, run)
    sim.caf.acknowledge(run)
    sim.work()
    check_proofs(sim, run)
    return refused[0].refused + refused[1].refused


def check_results(sim: Simulation, run: Run) -> None:
    """Exactly the planted links of each pass, whatever was tried again."""
    assert "delivered" == sim.state(run)
    for name, (recipient, _) in ROWS.items():
        assert (set(recipient.certain), set(recipient.grey)) == sim.caf.fetch(run, sim.third_party, name)[:2]


def check_proofs(sim: Simulation, run: Run) -> None:
    """The run is closed, both receipts are there, nothing of it is left, and the log proves itself."""
    assert "closed" == sim.state(run)
    kinds = [
        Receipt.opened(sim.third_party.signing_key, one["receipt"]).kind
        for one in sim.caf.get(f"/runs/{run.run}/receipts")
    ]
    assert ["deliveries", "encodings"] == sorted(kinds)
    assert (False, False) == (sim.site.blobs.holds(run.run), sim.site.vault.holds_run_key(run.run))
    view = LogView.from_json(sim.caf.get(f"/runs/{run.run}/log"))
    origin = log_origin(sim.third_party.party)
    checkpoint = open_checkpoint(view.checkpoint, sim.site.log.public_key, origin)
    for entry in view.entries:
        proof = [bytes.fromhex(one) for one in entry.proof]
        verify_inclusion(leaf_hash(entry.leaf), entry.index, view.size, proof, checkpoint.root)


def check_database(path: Path) -> None:
    """Whole, and no reference to nothing."""
    with sqlite3.connect(path) as raw:
        assert [("ok",)] == raw.execute("PRAGMA integrity_check").fetchall()
        assert [] == raw.execute("PRAGMA foreign_key_check").fetchall()
    raw.close()


@pytest.fixture
def small_disk(request: pytest.FixtureRequest) -> Iterator[SmallDisk | None]:
    """A disk of 16 MiB; None where it takes a namespace of its own, and then the test ran in one."""
    if not has_small_disk():
        own_namespace(request.node.nodeid)
        yield None
        return
    disk = SmallDisk(16)
    try:
        yield disk
    finally:
        disk.close()


fineness = pytest.mark.parametrize("fine", [0, pytest.param(1, marks=pytest.mark.soak)], ids=["small", "soak"])


@fineness
def test_a_full_disk_on_every_write_path(small_disk: SmallDisk | None, fine: int):
    """Database, chunks, keys and log on one disk that has no room left, then a little, then a little more."""
    if small_disk is None:
        return
    disk = small_disk
    troubles: list[Trouble] = [lambda room=room: disk.filled(room << 10) for room in ROOMS[fine]]  # type: ignore[misc]
    data = disk.place / "data"
    with simulation(data) as sim:
        refused = endure(sim, troubles)
    paths = {path for path, status in refused if status == 507}
    assert {
        "agreements",
        "runs",
        "approval",
        "shares",
        "confirmations",
        "uploads",
        "complete",
        "acknowledgement",
        "0",
    } <= paths
    check_database(data / "database.sqlite")


@fineness
def test_a_full_disk_of_chunks_beside_a_server(small_disk: SmallDisk | None, postgres_url: str, fine: int):
    """The database is elsewhere and well: what is refused is what goes to the disk."""
    if small_disk is None:
        return
    disk = small_disk
    troubles: list[Trouble] = [lambda room=room: disk.filled(room << 10) for room in ROOMS[fine]]  # type: ignore[misc]
    with simulation(disk.place / "data", postgres_url) as sim:
        refused = endure(sim, troubles)
    assert {"0", "1"} <= {path for path, status in refused if status == 507}
    assert not {"agreements", "runs", "shares"} & {path for path, _ in refused}


@fineness
def test_files_that_cannot_grow(tmp_path: Path, fine: int):
    """Writes past some length fail: in the database, its journal, chunks, keys."""
    troubles: list[Trouble] = [lambda most=most: short_files(most << 10) for most in LENGTHS[fine]]  # type: ignore[misc]
    url = sqlite_url(tmp_path / "data" / "database.sqlite")
    with simulation(tmp_path / "data", url) as sim:
        refused = endure(sim, troubles)
    assert {"agreements", "runs", "approval", "shares", "uploads", "complete", "acknowledgement", "0"} <= {
        path for path, _ in refused
    }
    check_database(tmp_path / "data" / "database.sqlite")


@fineness
def test_files_that_cannot_be_flushed_or_named(tmp_path: Path, database_url: str, fine: int):
    """EIO from the first such call of a step, then from the second, and so on."""
    troubles: list[Trouble] = [lambda calls=calls: broken_calls(calls) for calls in CALLS[fine]]  # type: ignore[misc]
    with simulation(tmp_path / "data", database_url) as sim:
        refused = endure(sim, troubles)
    assert {"0", "1"} <= {path for path, status in refused if status == 503}


def test_a_server_whose_disk_is_full(request: pytest.FixtureRequest, tmp_path: Path):
    """What was acknowledged before is there after; the first request that finds room again is answered."""
    if not has_small_disk():
        own_namespace(request.node.nodeid)
        return
    disk = SmallDisk(256)
    server = None
    try:
        server = TempPg(disk.place)
        url = server.url(server.create())
        with simulation(tmp_path / "data", url) as sim:
            acknowledged = set()
            with disk.filled(0):
                while (answer := propose(sim)).status_code == 201:
                    acknowledged.add(answer.json()["data"]["agreement"])
                    assert len(acknowledged) < 500
                assert answer.status_code in (503, 507)
            if not server.alive:  # its log had no room: it stops at once rather than lose a commit
                server.start()
            started = time.monotonic()
            while (answer := propose(sim)).status_code != 201:
                assert time.monotonic() - started < 30
                time.sleep(0.1)
            acknowledged.add(answer.json()["data"]["agreement"])
            with sim.site.database.read() as connection:
                assert acknowledged == {one.identifier for one in agreements_of(connection, "caf")}
    finally:
        if server is not None:
            server.stop()
        disk.close()


def propose(sim: Simulation) -> Any:
    """A new agreement, proposed."""
    agreement = sim.agreement()
    signature = to_base64(agreement.signature(sim.caf.identity.signing_key))
    return sim.caf.send(
        "POST", "/agreements", json.dumps({"document": agreement.to_json(), "signature": signature}).encode()
    )
