"""The routes: each declares its action, and no input breaks one. Who gets what is in test_access_matrix."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from crypto.audit import leaf_hash, open_checkpoint, verify_consistency, verify_inclusion
from service.answers import IdentityView, LogLeaf, LogView
from service.messages import log_origin
from service.third_party.api import Application, routes
from service.third_party.lifecycle import Action
from service.third_party.routing import Route
from tests.simulator import PASSES, Run, Simulation, rows_for, simulation

ROOT = Path(__file__).parent.parent
ROUTES = routes()
NAMES = [f"{route.method} {route.path}" for route in ROUTES]

# The protocol, route by route: a route that is not here, or is missing, fails.
PROTOCOL = """
GET /v1/openapi.json
POST /v1/keys
GET /v1/parties/{party}/keys
POST /v1/agreements
GET /v1/agreements
GET /v1/agreements/{agreement}
POST /v1/agreements/{agreement}/signatures
POST /v1/runs
GET /v1/runs
GET /v1/runs/{run}
POST /v1/runs/{run}/approval
POST /v1/runs/{run}/cancellation
GET /v1/runs/{run}/worker-key
POST /v1/runs/{run}/shares
GET /v1/runs/{run}/shares
POST /v1/runs/{run}/confirmations
GET /v1/runs/{run}/confirmations
POST /v1/runs/{run}/acknowledgement
POST /v1/runs/{run}/uploads
GET /v1/runs/{run}/uploads/{upload}
PUT /v1/runs/{run}/uploads/{upload}/chunks/{number}
POST /v1/runs/{run}/uploads/{upload}/complete
GET /v1/runs/{run}/deliveries
GET /v1/runs/{run}/deliveries/{comparison}/{pass_name}
POST /v1/runs/{run}/relays
GET /v1/runs/{run}/relays
GET /v1/runs/{run}/relays/{kind}/{sender}/{number}
GET /v1/runs/{run}/review
POST /v1/runs/{run}/release
GET /v1/identity
GET /v1/runs/{run}/receipts
GET /v1/runs/{run}/log
GET /v1/log/checkpoint
GET /v1/log/consistency
GET /v1/log/witnesses
POST /v1/log/witnesses
GET /healthz
GET /readyz
"""


@pytest.fixture(scope="module")
def sim(tmp_path_factory, module_database_url):
    """One third party for all."""
    with simulation(tmp_path_factory.mktemp("site") / "data", module_database_url) as one:
        yield one


@pytest.fixture(scope="module")
def run(sim):
    """A run whose parties may send."""
    return sim.sending()


def test_the_routes_are_those_of_the_protocol():
    """No more, no less."""
    assert sorted(PROTOCOL.split("\n")[1:-1]) == sorted(NAMES)


def test_the_application_has_no_other_route(sim: Simulation):
    """Neither documentation nor schema is served, nor anything at the root."""
    for path in (
        "/",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/v1",
        "/v1/",
        "/v1/runs/",
        "/v1/../identity",
        "/v2/identity",
    ):
        response = sim.http.get(path)
        assert (404, "E_INTROUVABLE") == (response.status_code, response.json()["errors"][0]["code"])


def test_every_action_has_a_route():
    """The table of rights has no line for nothing."""
    assert set(Action) == {route.action for route in ROUTES}


def test_a_method_that_is_not_foreseen(sim: Simulation, run: Run):
    """405 in the form of every refusal."""
    response = sim.caf.send("DELETE", f"/runs/{run.run}")
    assert (405, "E_METHODE") == (response.status_code, response.json()["errors"][0]["code"])


def test_the_identity_is_told_to_anyone(sim: Simulation):
    """With the key of the log; both are to be pinned."""
    view = IdentityView.from_json(sim.http.get("/v1/identity").json()["data"])
    assert sim.third_party == view.vouched()
    assert sim.site.log.public_key == view.log_key


def test_a_party_verifies_the_log_with_what_it_pinned(sim: Simulation, run: Run):
    """Leaves of the run and of its agreement are in the checkpoint; an old checkpoint is its beginning."""
    key, name = sim.site.log.public_key, log_origin(sim.third_party.party)
    old = open_checkpoint(sim.caf.get("/log/checkpoint")["checkpoint"], key, name)
    sim.opened()
    view = LogView.from_json(sim.cnous.get(f"/runs/{run.run}/log"))
    new = open_checkpoint(view.checkpoint, key, name)
    answer = sim.caf.get(f"/log/consistency?first={old.size}&second={new.size}")
    verify_consistency(old.size, new.size, [bytes.fromhex(one) for one in answer["proof"]], old.root, new.root)
    actions = []
    for entry in view.entries:
        proof = [bytes.fromhex(one) for one in entry.proof]
        verify_inclusion(leaf_hash(entry.leaf), entry.index, view.size, proof, new.root)
        leaf = LogLeaf.from_json(json.loads(entry.leaf))
        assert (run.agreement, entry.index) == (leaf.agreement, leaf.seq)
        assert leaf.run in {None, run.run}
        actions.append((leaf.action, leaf.actor))
    caf, cnous, third = "caf", "cnous", sim.third_party.party
    expected = [
        ("agreement_proposed", caf), ("agreement_signed", caf), ("agreement_signed", cnous), ("agreement_active", third),
        ("run_opened", caf), ("run_approved", cnous), ("run_joining", third), ("worker_key_published", third),
        ("share_sent", caf), ("share_sent", cnous), ("key_confirmed", caf), ("key_confirmed", cnous),
        ("run_sending", third),
    ]  # fmt: skip
    assert expected == actions[: len(expected)]


@pytest.mark.parametrize("query", ["", "?first=1", "?first=x&second=2", "?first=-1&second=2", "?first=0&second=99999"])
def test_sizes_of_the_log_that_never_were_are_refused(sim: Simulation, query):
    """422 with a reason."""
    assert sim.caf.get(f"/log/consistency{query}", 422) in {"E_MESSAGE", "E_PREUVE"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES_OF_MEMBERS = ["statement", "signature", "format", "agreement", "run", "party", "document", "chunks", "comparison"]
bodies = st.one_of(
    st.binary(max_size=50),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(NAMES_OF_MEMBERS), json_values, max_size=4).map(lambda v: json.dumps(v).encode()),
    st.fixed_dictionaries(
        {"statement": st.dictionaries(st.sampled_from(NAMES_OF_MEMBERS), json_values), "signature": st.text(max_size=5)}
    ).map(lambda value: json.dumps(value).encode()),
)
POSTS = [route for route in ROUTES if route.method == "POST"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(POSTS), body=bodies)
def test_no_body_makes_a_route_fail(sim: Simulation, run: Run, route: Route, body):
    """Whatever an authenticated party sends, the answer is a refusal with a reason, never a 5xx."""
    path = route.path.removeprefix("/v1").format(agreement=run.agreement, run=run.run, upload="0" * 32)
    response = sim.caf.send("POST", path, body)
    assert response.status_code in {404, 409, 411, 422}
    error = response.json()["errors"][0]
    assert {"code", "title", "detail", "source"} == set(error)
    assert "Demande refusée" != error["title"]


def test_the_journal_of_a_whole_run_says_nothing_of_it(tmp_path):
    """Identifiers, names of people, filters, keys: none of them is in any line."""
    with simulation(tmp_path / "data") as sim:
        run = sim.sending()
        rows = {name: rows_for(number) for number, name in enumerate(PASSES)}
        uploads = sim.upload_all(run, rows)
        sim.work()
        for name in PASSES:
            sim.caf.fetch(run, sim.third_party, name)
        sim.caf.acknowledge(run)
        text = "\n".join(sim.lines)
        for secret in (run.run, run.agreement, run.comparison, *uploads.values()):
            assert secret not in text
        seen = [json.loads(line) for line in sim.lines]
        assert {"pass"} == {one["event"] for one in seen if "route" not in one}
        routes = {one["route"] for one in seen if "route" in one}
        assert {route.path for route in ROUTES} >= routes
        assert {"caf", "cnous"} == {json.loads(line).get("party") for line in sim.lines if "party" in line}


@pytest.mark.parametrize("broken", [False, True], ids=["there", "away"])
def test_a_server_that_starts_is_prepared_whatever_the_database_does(sim: Simulation, monkeypatch, broken):
    """It says that it is started, and one that stops says that it is stopped."""
    application = Application(sim.site, time.monotonic, lambda _: None)
    if broken:
        failure = OperationalError("x", {}, Exception())
        monkeypatch.setattr(sim.site.database, "reading", Mock(side_effect=failure))
        monkeypatch.setattr(sim.site.database, "grouped", Mock(side_effect=failure))
    coming, said = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        said.append(message["type"])

    asyncio.run(application({"type": "lifespan"}, receive, send))
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == said


def test_the_web_process_never_loads_the_matcher_nor_a_client():
    """In a fresh interpreter, the routes and the composition root bring neither numba, nor the matcher, nor an HTTP client."""
    code = "import sys, service.third_party.api, service.third_party.app; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    for name in ("numba", "llvmlite", "linkage.match", "linkage.linker", "linkage.solve", "httpx2", "httpx"):
        assert name not in loaded
    assert "service.third_party.matching" not in loaded
    assert not [name for name in loaded if re.match(r"linkage\.(records|encode|holder|features|diffuse|rules)", name)]


def test_an_answer_is_one_json_object(sim: Simulation, run: Run):
    """`data` alone when it went well."""
    response = sim.caf.send("GET", f"/runs/{run.run}")
    answer: dict[str, Any] = response.json()
    assert {"data"} == set(answer)
    assert "application/json" == response.headers["content-type"]
