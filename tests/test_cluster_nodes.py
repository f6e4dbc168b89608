"""The processes of a cluster end when asked, and say why they cannot begin."""

from __future__ import annotations

import signal
import subprocess

import pytest

from linkage.cluster import Credentials, joined
from linkage.cluster_nodes import run_scheduler, run_worker
from linkage.errors import LinkageError
from linkage.linker import link_pass, link_pieces
from tests.cluster_machines import (
    COMMAND,
    PLAN,
    ROOT,
    assert_same,
    credentials,
    options,
    passes,
    said,
    started,
)


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> Credentials:
    """Certificates of this module's cluster."""
    return credentials(tmp_path_factory.mktemp("keys") / "ours")


def test_an_address_in_clear_is_refused(ours):
    """Before anything is opened."""
    with pytest.raises(LinkageError, match="E_GRAPPE_ADRESSE"):
        run_scheduler("tcp://127.0.0.1:1", ours, print)
    with pytest.raises(LinkageError, match="E_GRAPPE_ADRESSE"):
        run_worker("tcp://127.0.0.1:1", ours, None, print)


def test_a_machine_that_finds_no_scheduler_says_so(ours, monkeypatch):
    """It does not wait for ever."""
    monkeypatch.setattr("linkage.cluster._CONNECTION_SECONDS", 0.5)
    with pytest.raises(LinkageError, match="E_GRAPPE_INJOIGNABLE"):
        run_worker("tls://127.0.0.1:1", ours, None, print)


@pytest.mark.flow
def test_a_scheduler_lets_in_only_its_own_and_ends_when_asked(ours, tmp_path, monkeypatch):
    """Another authority is refused, the address is not taken twice, nobody waits for machines, SIGTERM ends it."""
    monkeypatch.setattr("linkage.cluster._PATIENCE", 1)
    with started("schedule", "--listen", "tls://127.0.0.1:0", *options(ours)) as scheduler:
        address = said(scheduler).removeprefix("PRÊT ")
        with pytest.raises(LinkageError, match="E_GRAPPE_INJOIGNABLE"):
            run_worker(address, credentials(tmp_path / "theirs"), None, print)
        again = [*COMMAND, "schedule", "--listen", address, *options(ours)]
        done = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (1, "E_GRAPPE_ADRESSE") == (done.returncode, done.stderr.split(" ")[0]), done.stderr
        assert 1 == len(done.stderr.splitlines())
        sides = passes(2, 50)
        with joined(address, ours) as one:
            assert_same(link_pass(*sides, PLAN), link_pieces([sides[0]], [sides[1]], PLAN, executor=one))
            assert one.compared_here > 0
        scheduler.send_signal(signal.SIGTERM)
        assert 0 == scheduler.wait(30)
