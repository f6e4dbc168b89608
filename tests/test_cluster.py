"""A cluster gives the same bytes as one process, whichever machines are lost, and lets in nobody without its certificates."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from dataclasses import replace

import numpy as np
import pytest

from linkage import batch as batches
from linkage import cluster as module
from linkage.batch import Batch, compare_batch
from linkage.cluster import Cluster, check_address, joined, security
from linkage.errors import LinkageError
from linkage.linker import link_pass, link_pieces
from linkage.plan import Solving
from service.third_party.matching import Means
from service.third_party.worker import Worker
from tests.cluster_machines import PLAN, assert_same, cluster, credentials, exhausted, passes
from tests.simulator import PASSES, rows_for, simulation


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:8786", "tls://127.0.0.1", "127.0.0.1:8786", "tls://:1", "tls://a:99999", "tls://a:1/x", ""],
)
def test_only_addresses_for_tls_are_taken(address):
    """Nothing is ever sent in clear."""
    with pytest.raises(LinkageError, match="E_GRAPPE_ADRESSE"):
        check_address(address)


def test_credentials_that_cannot_be_used_are_refused(tmp_path):
    """A missing file, a key that others may read, a file that is no certificate."""
    good = credentials(tmp_path / "a")
    security("tls://127.0.0.1:1", good)
    good.ca.with_name("text.pem").write_text("certificate")
    for wrong in (replace(good, cert=tmp_path / "absent"), replace(good, ca=good.ca.with_name("text.pem"))):
        with pytest.raises(LinkageError, match="E_GRAPPE_CLES"):
            security("tls://127.0.0.1:1", wrong)
    good.key.chmod(0o644)
    with pytest.raises(LinkageError, match="E_GRAPPE_CLES"):
        security("tls://127.0.0.1:1", good)


def test_the_library_of_the_cluster_says_nothing(tmp_path):
    """Not even by its loggers that have a level of their own: lost connections are no news, arguments no text."""
    security("tls://127.0.0.1:1", credentials(tmp_path / "a"))
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    assert {"distributed", "distributed.client"} <= set(names)
    assert [] == [name for name in names if logging.getLogger(name).isEnabledFor(logging.ERROR)]


class Absent:
    """A client whose scheduler is gone."""

    status = "closed"


def test_without_a_cluster_everything_is_compared_here():
    """A lost scheduler costs time and nothing else."""
    sides = passes(4, 50)
    one = Cluster(Absent())
    links = link_pieces([sides[0]], [sides[1]], PLAN, executor=one)
    one.close()
    assert_same(link_pass(*sides, PLAN), links)
    assert one.compared_here > 0


@pytest.mark.parametrize("solving", ["one-to-one", "many-to-one"])
def test_tiles_of_a_large_block_make_its_links(solving: Solving, monkeypatch):
    """A block of very many pairs is cut on both sides; its candidates are put in order and solved as one."""
    monkeypatch.setattr(module, "_TILE_ROWS", 64)
    monkeypatch.setattr(batches, "_HEAVY", 1000)
    plan, sides = replace(PLAN, solving=solving), list(passes(1, 200))
    sides[0].filters[1::4] = sides[0].filters[::4]
    one = Cluster(Absent())
    links = link_pieces([sides[0]], [sides[1]], plan, executor=one)
    one.close()
    assert_same(link_pass(sides[0], sides[1], plan), links)
    assert one.compared_here == 16
    assert len(links.left_rows) == (150 if solving == "many-to-one" else 100)


@pytest.fixture(scope="module")
def found_credentials(tmp_path_factory):
    """Those of the machines of this module."""
    return credentials(tmp_path_factory.mktemp("keys") / "ours")


@pytest.fixture(scope="module")
def address(found_credentials):
    """A scheduler and two machines."""
    with cluster(found_credentials, 2, "--memory", "900") as one:
        yield one


@pytest.fixture
def machines(address, found_credentials):
    """The cluster, joined, all machines there."""
    with joined(address, found_credentials) as one:
        one._client.wait_for_workers(2, timeout=60)
        yield one


@pytest.mark.flow
def test_the_cluster_gives_the_same_bytes(machines, monkeypatch):
    """Blocks in batches, and one large block in tiles."""
    monkeypatch.setattr(module, "_TILE_ROWS", 700)
    for sides in (passes(20, 100), passes(1, 2000)):
        expected = link_pass(*sides, PLAN)
        with monkeypatch.context() as patch:
            patch.setattr(batches, "_HEAVY", 1_000_000)
            assert_same(expected, link_pieces([sides[0]], [sides[1]], PLAN, executor=machines))
    assert 0 == machines.compared_here


@pytest.mark.flow
def test_machines_hold_no_data_on_disk_and_serve_no_page(machines):
    """What they were told is what they do."""

    def seen(dask_worker):
        import dask

        spill = [dask.config.get(f"distributed.worker.memory.{name}") for name in ("target", "spill")]
        kept = type(dask_worker.data).__name__, os.listdir(dask_worker.local_directory)  # noqa: PTH208
        return dask_worker.http_server.port, (*kept, *spill)

    for port, kept in machines._client.run(seen).values():
        assert ("dict", [], False, False) == kept
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /status HTTP/1.0\r\n\r\n")
            assert b"HTTP/1.1 404" == connection.recv(12)


@pytest.mark.flow
def test_a_machine_killed_in_the_middle_changes_nothing(machines):
    """Its batches go to the other one; the parent of the killed process starts another."""
    sides = passes(10, 3000)
    expected = link_pass(*sides, PLAN)
    victims = list(machines._client.run(os.getpid).values())[:1]

    def kill(done: int, _total: int) -> None:
        if done and victims:
            os.kill(victims.pop(), signal.SIGKILL)

    assert_same(expected, link_pieces([sides[0]], [sides[1]], PLAN, executor=machines, progress=kill))
    assert not victims
    machines._client.wait_for_workers(2, timeout=60)


@pytest.mark.flow
def test_a_batch_that_exhausts_the_machines_is_compared_here(machines):
    """Each machine that it takes beyond its limit is ended by its parent; after two, this process does it."""
    one = Batch(left=np.ones((1, 1), np.uint64), right=np.ones((1, 1), np.uint64),
                blocks=np.array([[0, 1, 0, 1]]), threshold=0.5, measure="hamming")  # fmt: skip
    assert "here" == machines._done(exhausted, one)
    assert 1 == machines.compared_here


@pytest.mark.flow
def test_the_work_on_a_cluster_stops_when_asked(machines):
    """What the callback raises comes out, and the cluster can be used again."""
    sides = passes(10, 1000)

    def stop(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        link_pieces([sides[0]], [sides[1]], PLAN, executor=machines, progress=stop)
    assert_same(link_pass(*sides, PLAN), link_pieces([sides[0]], [sides[1]], PLAN, executor=machines))


@pytest.mark.flow
def test_nobody_enters_without_a_certificate_of_the_authority(address, tmp_path):
    """Another authority's certificate is refused by the scheduler, and the scheduler's by us."""
    with pytest.raises(LinkageError, match="E_GRAPPE_INJOIGNABLE"), joined(address, credentials(tmp_path / "theirs")):
        pass


@pytest.mark.flow
def test_a_run_is_delivered_through_the_cluster(machines, tmp_path):
    """The worker of a data directory sends its batches there; its parties see no difference."""
    rows = {name: rows_for(number) for number, name in enumerate(PASSES)}
    with simulation(tmp_path / "data") as sim:
        run = sim.sending()
        sim.upload_all(run, rows)
        worker = Worker(
            site=sim.site, stop=threading.Event(), emit=sim.lines.append, means=Means(executor=machines, memory=1 << 24)
        )
        worker.run(once=True)
        for name, (recipient, _) in rows.items():
            assert (set(recipient.certain), set(recipient.grey)) == sim.caf.fetch(run, sim.third_party, name)
    assert 0 == machines.compared_here


def test_a_batch_shows_nothing_of_its_rows():
    """Its text, which a library may put in a log, has no filter."""
    one = Batch(left=np.full((1, 1), 77, np.uint64), right=np.ones((1, 1), np.uint64),
                blocks=np.array([[0, 1, 0, 1]]), threshold=0.5, measure="hamming")  # fmt: skip
    assert "Batch(threshold=0.5, measure='hamming', diffused=False)" == repr(one)
    assert 1 == compare_batch(one).candidates
