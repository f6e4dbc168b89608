"""A9 by order and timing: what the third party sees of a run besides bytes, recorded at its door.

Every request of every party passes a recorder: who, which method, which path, how many bytes, in which order. Two runs are
played: in the second, nobody of the recipient's file is in any other. If the recipient behaved differently after it has read its
results, or sent rows in an order or at moments that depend on people, it would show here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import numpy as np
import pytest
from scipy.stats import chi2

from service.administration.client import Client
from service.administration.run_folder import RunFolder
from tests.simulator import BASE, simulation
from tests.three_parties import ThreeParties, dated_people, demarche_text

ONCE = 1e-6  # how seldom a fair generator fails
STRANGERS = 40_000  # first of 150 people whom nobody else has

Seen = tuple[str, str, int]  # method, path without names, bytes


class Recorder(httpx2.BaseTransport):
    """Passes requests on and notes them."""

    def __init__(self, inner: httpx2.BaseTransport, seen: list[Seen]) -> None:
        self._inner, self._seen = inner, seen

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = re.sub(r"[0-9a-f]{16,}|[0-9a-f-]{36}", "…", request.url.path)
        self._seen.append((request.method, path, len(request.read())))
        return self._inner.handle_request(request)


@dataclass
class Watched:
    """A run and what each party asked for, step by step."""

    three: ThreeParties
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)

    def step(self, name: str, done: Callable[[], object]) -> None:
        """Requests of all parties during a step."""
        before = sum(map(len, self.seen.values()))
        done()
        self.steps[name] = sum(map(len, self.seen.values())) - before


def watched(folder: Path, first: int | None) -> Watched:
    """A run to its end; the sources' people are those of `first` and after, where it is given."""
    with simulation(folder / "data") as sim:
        three = ThreeParties(sim, folder, text=demarche_text(payload=False))
        for number, source in enumerate(("cnous", "dgfip")):
            if first is not None:
                dated_people(folder / f"{source}.csv", first + 1000 * number)
        found = Watched(three)
        for party, one in three.parties.items():
            transport = Recorder(three.sim.http._transport, found.seen.setdefault(party, []))
            three.clients[party] = Client(
                BASE, one.identity, clock=sim.clock, sleep=lambda _: None, transport=transport
            )
        found.step("join", three.join)
        found.step("encode", three.encode)
        found.step("send", three.send)
        sim.work()
        found.step("combine", three.combined)
        found.step("acknowledge", lambda: three.acknowledge("caf"))
        return found


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A run in which people are found."""
    return watched(tmp_path_factory.mktemp("run"), None)


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """One in which nobody is."""
    return watched(tmp_path_factory.mktemp("run"), STRANGERS)


@pytest.mark.soak
def test_the_recipient_asks_the_same_whatever_it_has_found(some, nobody):
    """A hundred people linked, or nobody: the same requests, in the same order, of the same lengths."""
    assert some.seen["caf"] == nobody.seen["caf"]
    assert some.steps == nobody.steps
    assert len(some.seen["caf"]) > 20


@pytest.mark.soak
def test_the_joiner_asks_the_same_whatever_it_has_joined(some, nobody):
    """What it seals has the length of a class, one here; its own upload is left out, which was of other people."""
    after = [
        [one for one in run.seen["dgfip"] if "/relays" in one[1] or "/deliveries" in one[1]] for run in (some, nobody)
    ]
    assert after[0] == after[1] != []


def test_no_request_while_rows_are_made(some):
    """Encoding is over, whole, before the first byte of it is sent: when it arrives says nothing of who was encoded when."""
    assert 0 == some.steps["encode"]
    assert some.steps["send"] > 0


def test_chunks_are_sent_in_the_order_of_their_numbers(some):
    """One after the other, pass by pass in the order of the plan, each pass whole before the next."""
    for party, seen in some.seen.items():
        sent = [path for method, path, _ in seen if method == "PUT"]
        assert [int(path.rsplit("/", 1)[1]) for path in sent] == [0] * len(sent), party


def test_rows_stand_in_the_order_of_their_random_names(some):
    """Sorted by tag, then id: the order of an upload follows from names that follow from nobody. Ids are uniform."""
    three = some.three
    folder = RunFolder(three.folder / "caf" / "runs" / three.run)
    counts, rows = np.zeros(256), 0
    for comparison, plan in three.seats["caf"].passes():
        ids = np.concatenate([ids for ids, _ in folder.rows(f"{comparison.id}/{plan.name}")])
        counts += np.bincount(ids.ravel(), minlength=256)
        rows += len(ids)
        places = np.concatenate([places for _, places in folder.rows(f"{comparison.id}/{plan.name}")])
        assert abs(float(np.corrcoef(np.arange(len(places)), places)[0, 1])) < 5 / np.sqrt(len(places))
    expected = 16 * rows / 256
    assert float(((counts - expected) ** 2 / expected).sum()) < chi2.isf(ONCE, 255)
