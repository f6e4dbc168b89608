"""Jobs as workflows: the same results on both databases, whatever dies, and nothing told to anybody."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from sqlalchemy import text

from service.agreement import Validity
from service.messages import RunState
from service.third_party import job_state, jobs
from service.third_party.durable_engine import DurableEngine, _refuse_pickle
from service.third_party.leases import Lease
from service.third_party.run_store import load_run
from service.third_party.worker import Worker
from tests.simulator import PASSES, Run, Simulation, rows_for, simulation
from tests.test_worker import ROWS, check_results

ROOT = Path(__file__).parent.parent


@pytest.fixture
def sim(tmp_path, database_url):
    """A third party on the real clock, on each of the two databases."""
    with simulation(tmp_path / "data", database_url) as one:
        one.clock.moment = datetime.now(UTC).replace(microsecond=0)
        yield one


def loaded(sim: Simulation, **changes: Any) -> Run:
    """A run whose uploads are all there."""
    now = sim.clock()
    valid = Validity(not_before=now - timedelta(days=1), not_after=now + timedelta(days=90))
    run = sim.sending(valid=valid, **changes)
    sim.upload_all(run, ROWS)
    return run


class Ticking:
    """The hand clock of a simulation, and the real seconds since."""

    def __init__(self, sim: Simulation) -> None:
        self._sim, self._begun = sim, time.monotonic()

    def __call__(self) -> datetime:
        return self._sim.clock() + timedelta(seconds=time.monotonic() - self._begun)
