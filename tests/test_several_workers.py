"""Several workers on one PostgreSQL and one bucket: they share the runs, and none is done twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bucket_service import BucketService
from tests.simulator import simulation
from tests.test_server_away import ROOT, prepared

pytestmark = pytest.mark.flow


def test_workers_share_the_runs_of_one_server(tmp_path: Path, postgres_url: str, bucket: BucketService):
    """Two processes, three runs, chunks in a bucket: right results, each pass compared once, nothing left behind."""
    place = f"s3://bucket/{tmp_path.name}"
    words = ["--data", str(tmp_path / "data"), "--database", postgres_url, "--blobs", place]
    command = [sys.executable, "-m", "service.third_party.app", "work", *words]
    with ExitStack() as stack:
        sim = stack.enter_context(simulation(tmp_path / "data", postgres_url, blobs=place, bucket=bucket.members))
        runs = [prepared(sim, postgres_url, 3) for _ in range(3)]
        for one in runs:
            one.load()
        assert {one.run.run for one in runs} == {run for run, _ in sim.site.blobs.held()}
        workers = []
        for number in range(2):
            log = stack.enter_context((tmp_path / f"{number}.log").open("wb"))
            environment = {**os.environ, **bucket.environment}
            workers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log))
        try:
            started = time.monotonic()
            while {one.state()[0] for one in runs} != {"delivered"}:
                assert time.monotonic() - started < 120
                assert {None} == {worker.poll() for worker in workers}
                time.sleep(0.05)
        finally:
            for worker in workers:
                worker.terminate()
            assert [0, 0] == [worker.wait(30) for worker in workers]
        for one in runs:
            for name, (recipient, _) in one.rows.items():
                got = sim.caf.fetch(one.run, sim.third_party, name)
                assert (set(recipient.certain), set(recipient.grey)) == got[:2]
        assert set() == sim.site.blobs.held()
    said = "".join((tmp_path / f"{number}.log").read_text() for number in range(2))
    assert 9 == said.count('"event": "pass"')
    assert '"error"' not in said
