"""What the web process carries for its operator: health, metrics, and the checkpoint that each signed answer tells."""

from __future__ import annotations

import base64
from pathlib import Path

from starlette.datastructures import State

from crypto.audit import open_checkpoint
from service.third_party.api import routes
from service.third_party.health import PROBES, Health
from service.third_party.metrics import Metrics
from service.third_party.operations import LatestNote, equip
from service.third_party.upkeep import sign_log
from tests.simulator import BASE, Simulation


def test_the_note_is_read_again_after_two_seconds(tmp_path: Path):
    """Not at each request; and what another process signed is told soon."""
    now, path = [10.0], tmp_path / "note"
    latest = LatestNote(path, lambda: now[0])
    assert None is latest()
    path.write_text("first", "utf-8")
    now[0] = 11.9
    assert None is latest()
    now[0] = 12.0
    assert "first" == latest()
    path.write_text("second", "utf-8")
    now[0] = 13.9
    assert "first" == latest()
    now[0] = 14.0
    assert "second" == latest()


def test_a_note_that_is_put_aside_is_told_no_more(tmp_path: Path):
    """A restoration moves the file: the old note is not told for ever."""
    now, path = [0.0], tmp_path / "note"
    path.write_text("old", "utf-8")
    latest = LatestNote(path, lambda: now[0])
    assert "old" == latest()
    path.unlink()
    now[0] = 2.0
    assert None is latest()


def test_an_application_is_equipped(sim: Simulation):
    """Health of its own site, metrics by its own routes, its own note."""
    state = State({"site": sim.site})
    equip(state, {route.path for route in routes()}, lambda: 0.0)
    assert (Health, Metrics, LatestNote) == tuple(type(one) for one in (state.health, state.metrics, state.latest_note))
    assert list(PROBES) == state.health.check()
    for route in routes():
        state.metrics.observe(method="GET", route=route.path, status=200, seconds=0.0)
    samples = [
        one.labels["route"]
        for metric in state.metrics.registry.collect()
        for one in metric.samples
        if "route" in one.labels
    ]
    assert {route.path for route in routes()} <= set(samples)


def test_each_signed_answer_tells_the_latest_checkpoint(sim: Simulation):
    """The one that was signed last, in base64, once there is one; it holds with the log's key."""
    assert "allervers-checkpoint" not in sim.caf.send("GET", "/runs").headers
    sim.opened()
    assert sign_log(sim.site)
    told = {sim.caf.send("GET", "/runs").headers.get("allervers-checkpoint") for _ in range(4)} - {None}
    assert [(sim.data / "log_checkpoint").read_text("utf-8")] == [base64.b64decode(one).decode() for one in told if one]
    note = base64.b64decode(told.pop() or "").decode()
    with sim.site.database.read() as connection:
        size = sim.site.log.checkpoint(connection)[1]
    assert size == open_checkpoint(note, sim.site.log.public_key, sim.site.log.name).size


def test_strangers_are_told_no_checkpoint(sim: Simulation):
    """Nor whoever signs with a key that is not enrolled; a refusal of an enrolled party tells it too."""
    sign_log(sim.site)
    for _ in range(3):  # two seconds pass on this clock
        sim.caf.get("/runs")
    for path in ("/healthz", "/readyz", "/v1/identity", "/v1/runs"):
        assert "allervers-checkpoint" not in sim.http.get(f"{BASE}{path}").headers
    request = sim.caf.request("GET", "/runs", key_id="nobody")
    assert "allervers-checkpoint" not in sim.http.send(request).headers
    refused = sim.caf.send("GET", f"/runs/{'0' * 32}")
    assert (404, True) == (refused.status_code, "allervers-checkpoint" in refused.headers)
