"""The description of the interface is complete and true: every answer that a test sees is one that it foretells.

Requests are drawn from it by schemathesis, one operation at a time and along its links, signed by a party of a real
run, by a stranger, or not at all.
"""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.core.transport import Response

from service.errors import TITLES
from service.third_party.api import routes
from service.third_party.openapi import describe, statuses_of
from tests.conformance import check_answer
from tests.simulator import BASE, Run, Simulation, simulation

DOCUMENT = describe(routes())
ROUTES = {f"{route.method} {route.path}": route for route in routes()}
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SMALL, LARGE = 15, 5000  # examples of an operation; the default suite is given a share of the 500 of its column
QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],
    "database": None,
}


def test_every_route_is_described():
    """With its action, its body, its statuses; and nothing else is."""
    described = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert set(ROUTES) == described
    for name, route in ROUTES.items():
        method, path = name.split(" ")
        operation = DOCUMENT["paths"][path][method.lower()]
        assert [str(status) for status in statuses_of(route)] == list(operation["responses"])
        assert operation["summary"].endswith(".")
        assert bool(operation["security"]) == (401 in statuses_of(route))
        assert ("requestBody" in operation) == (route.contract.body is not None)
        assert route.name == operation["operationId"]


def test_every_reference_leads_somewhere():
    """No schema names another that is not there."""
    text = json.dumps(DOCUMENT)
    named = {part.split('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert named <= set(DOCUMENT["components"]["schemas"])
    operations = {one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()}
    links = [part.split('"')[0] for part in text.split('{"operationId": "')[1:]]
    assert links
    assert set(links) <= operations


def test_the_document_is_served(sim: Simulation):
    """To anybody, as it was written."""
    response = sim.http.get("/v1/openapi.json")
    assert (200, DOCUMENT) == (response.status_code, response.json())


def test_the_check_of_answers_can_fail():
    """An answer of another status, or of another form, is noticed."""
    route = ROUTES["GET /v1/runs"]
    good = httpx2.Response(200, json={"data": []})
    check_answer(route, good)
    for wrong in (
        httpx2.Response(204),
        httpx2.Response(200, json={"data": {}}),
        httpx2.Response(200, json={"data": [], "more": 1}),
        httpx2.Response(200, json={"data": [{"run": "0"}]}),
        httpx2.Response(401, json={"errors": []}),
        httpx2.Response(401, json={"errors": [{"code": "x", "title": "y", "detail": "z", "source": {}}]}),
    ):
        with pytest.raises(AssertionError):
            check_answer(route, wrong)


def test_titles_are_those_of_the_description():
    """A refusal's title is fixed by its code."""
    titles = DOCUMENT["components"]["schemas"]["Refus"]["properties"]["errors"]["items"]["properties"]["title"]["enum"]
    assert set(TITLES.values()) <= set(titles)


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    """One third party for all."""
    with simulation(tmp_path_factory.mktemp("site") / "data") as one:
        yield one


@pytest.fixture(scope="module")
def run(sim: Simulation):
    """A run whose parties may send."""
    return sim.sending()


def choice(case: Any) -> int:
    """A number that follows from a drawn request alone, so that it comes again with it."""
    return sum(repr((case.path_parameters, case.query, case.body)).encode()) % 16


def asked(sim: Simulation, run: Run, case: Any, *, keep_names: bool = False) -> httpx2.Response:
    """Send a drawn request: on real objects in three cases of four, by a party of the run in most."""
    drawn = choice(case)
    names = {"run": run.run, "agreement": run.agreement}
    if drawn % 4 and not keep_names and isinstance(case.path_parameters, dict):
        case.path_parameters.update({name: value for name, value in names.items() if name in case.path_parameters})
    if drawn % 4 and isinstance(case.body, dict) and "agreement" in case.body:
        case.body["agreement"] = run.agreement
    prepared = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    method, url = str(prepared.method), str(prepared.url)
    content: Any = prepared.body
    body: bytes | None = content.encode() if isinstance(content, str) else content
    path = url.removeprefix(BASE).split("#")[0]
    if drawn == 0 or not path.startswith("/v1"):
        return sim.http.request(method, path, content=body)
    who = sim.dgfip if drawn == 1 else (sim.caf, sim.cnous)[drawn % 2]
    return who.send(method, path.removeprefix("/v1"), body)


def check_operation(sim: Simulation, run: Run, name: str, examples: int) -> None:
    """Requests drawn for an operation: never a fault, never an answer that is not described."""
    route = ROUTES[name]
    method, path = name.split(" ")

    @settings(max_examples=examples, **QUIET)
    @given(case=SCHEMA[path][method].as_strategy())
    def drawn(case: Any) -> None:
        response = asked(sim, run, case)
        assert response.status_code < 500 or path == "/readyz", response.text
        # An address that is drawn may be another route, or none.
        if response.status_code not in {404, 405}:
            check_answer(route, response)

    drawn()


@pytest.mark.S4
@pytest.mark.parametrize("name", sorted(ROUTES))
def test_drawn_requests(sim: Simulation, run: Run, name: str):
    """A few for each operation."""
    check_operation(sim, run, name, SMALL)


@pytest.mark.S4
@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(ROUTES))
def test_many_drawn_requests(sim: Simulation, run: Run, name: str):
    """The large column."""
    check_operation(sim, run, name, LARGE)


def check_sequences(sim: Simulation, run: Run, examples: int) -> None:
    """Requests along the links of the description: what one answers is what the next asks for."""

    class Workflow(SCHEMA.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Any, **_: Any) -> Response:
            response = asked(sim, run, case, keep_names=True)
            response.read()
            return Response.from_any(response)

        def validate_response(self, response: Response, case: Any, **_: Any) -> None:
            assert response.status_code < 500 or case.path == "/readyz", response.text
            if response.status_code not in {404, 405}:
                answer = httpx2.Response(response.status_code, content=response.content)
                check_answer(ROUTES[f"{case.method} {case.path}"], answer)

    run_state_machine_as_test(Workflow, settings=settings(max_examples=examples, stateful_step_count=12, **QUIET))


@pytest.mark.S4
def test_drawn_sequences(sim: Simulation, run: Run):
    """A few of them."""
    check_sequences(sim, run, 5)


@pytest.mark.S4
@pytest.mark.soak
def test_many_drawn_sequences(sim: Simulation, run: Run):
    """The large column."""
    check_sequences(sim, run, LARGE // 10)
