"""Who gets what: every route of the application × every kind of caller, on two databases.

The table below says who may ask for each route; it was written by hand, and a route without its line fails. Callers
are drawn up from what can be true of one: no signature, a signature of somebody unknown, revoked, too old, too early,
by another key, over too little, seen before; a party with no part in the object; its source, its recipient, its
joiner; the third party itself.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from crypto.keys import Identity
from service.agreement import AgreementParty, Joining
from service.messages import RunState
from service.third_party.api import routes
from service.third_party.contract import Contract
from service.third_party.lifecycle import Action
from service.third_party.run_store import Run, add_run
from service.third_party.store import add_agreement, add_party
from service.third_party.successors import revoke
from service.third_party.vault import Vault
from tests.simulator import Administration, Simulation, agreement_between, simulation

pytestmark = pytest.mark.S1

OPEN, ENROLLED, PARTNER, MEMBER, RECEIVER = "open", "enrolled", "partner", "member", "receiver"

WHO_MAY = {
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /v1/identity": OPEN,
    "GET /v1/openapi.json": OPEN,
    "POST /v1/keys": ENROLLED,
    "GET /v1/parties/{party}/keys": PARTNER,
    "POST /v1/agreements": ENROLLED,
    "GET /v1/agreements": ENROLLED,
    "GET /v1/agreements/{agreement}": MEMBER,
    "POST /v1/agreements/{agreement}/signatures": MEMBER,
    "POST /v1/runs": ENROLLED,
    "GET /v1/runs": ENROLLED,
    "GET /v1/runs/{run}": MEMBER,
    "POST /v1/runs/{run}/approval": MEMBER,
    "POST /v1/runs/{run}/cancellation": MEMBER,
    "GET /v1/runs/{run}/worker-key": MEMBER,
    "POST /v1/runs/{run}/shares": MEMBER,
    "GET /v1/runs/{run}/shares": MEMBER,
    "POST /v1/runs/{run}/confirmations": MEMBER,
    "GET /v1/runs/{run}/confirmations": MEMBER,
    "POST /v1/runs/{run}/uploads": MEMBER,
    "GET /v1/runs/{run}/uploads/{upload}": MEMBER,
    "PUT /v1/runs/{run}/uploads/{upload}/chunks/{number}": MEMBER,
    "POST /v1/runs/{run}/uploads/{upload}/complete": MEMBER,
    "GET /v1/runs/{run}/review": MEMBER,
    "POST /v1/runs/{run}/release": MEMBER,
    "GET /v1/runs/{run}/receipts": MEMBER,
    "GET /v1/runs/{run}/log": MEMBER,
    "GET /v1/runs/{run}/deliveries": RECEIVER,
    "GET /v1/runs/{run}/deliveries/{comparison}/{pass_name}": RECEIVER,
    "POST /v1/runs/{run}/acknowledgement": RECEIVER,
    "POST /v1/runs/{run}/relays": RECEIVER,
    "GET /v1/runs/{run}/relays": RECEIVER,
    "GET /v1/runs/{run}/relays/{kind}/{sender}/{number}": RECEIVER,
    "GET /v1/log/checkpoint": ENROLLED,
    "GET /v1/log/consistency": ENROLLED,
    "GET /v1/log/witnesses": ENROLLED,
    "POST /v1/log/witnesses": ENROLLED,
}
# What names a part of a run that need not be there: absent, it is so for everybody.
SUB_OBJECTS = ("{upload}", "{pass_name}", "{kind}")
STATES = (RunState.OPENED, RunState.SENDING, RunState.HELD, RunState.DELIVERED)


@dataclass
class World:
    """A third party, its callers, and a run with a recipient, two sources and a joiner in each state."""

    sim: Simulation
    callers: dict[str, Callable[[str, str, bytes | None], httpx2.Response]]
    agreement: str
    runs: dict[RunState, str]


def three_sided(sim: Simulation) -> Any:
    """caf receives from cnous and msa; cnous joins."""
    msa = Identity.generate("msa", "MSA")
    first = agreement_between(sim.third_party, sim.caf.identity.public, sim.cnous.identity.public)
    second = agreement_between(sim.third_party, sim.caf.identity.public, msa.public)
    parties = {one.party: one for one in (*first.parties, *second.parties)}
    sides: tuple[AgreementParty, ...] = tuple(parties[name] for name in sorted(parties))
    both = (*first.comparisons, *second.comparisons)
    changes = {"parties": sides, "comparisons": both, "joiners": (Joining(recipient="caf", joiner="cnous"),)}
    agreement = agreement_between(sim.third_party, sim.caf.identity.public, sim.cnous.identity.public, **changes)
    return agreement, Administration(identity=msa, http=sim.http, clock=sim.clock)


def in_state(sim: Simulation, agreement: Any, state: RunState) -> Run:
    """A run as the table of runs holds it."""
    now, later = sim.clock(), sim.clock() + timedelta(hours=72)
    delivered = state in {RunState.HELD, RunState.DELIVERED, RunState.CLOSED}
    return Run(
        run=secrets.token_hex(16), agreement=agreement.identifier, state=state, opened_at=now, encodings_deadline=later,
        delivered_at=now if delivered else None, hits_deadline=now + timedelta(days=30) if delivered else None,
        failure=None, passes_done=0, passes_total=2, worker_key=None,
    )  # fmt: skip


def sender(one: Administration, **changes: Any) -> Callable[[str, str, bytes | None], httpx2.Response]:
    """Sends requests of a party, with arguments of their signature changed."""
    return lambda method, path, body: one.http.send(one.request(method, path, body, **changes))


def replayed(one: Administration) -> Callable[[str, str, bytes | None], httpx2.Response]:
    """Sends each request twice and gives the second answer."""

    def send(method: str, path: str, body: bytes | None) -> httpx2.Response:
        request = one.request(method, path, body)
        one.http.send(request)
        return one.http.send(request)

    return send


@pytest.fixture(scope="module")
def world(tmp_path_factory, module_database_url):
    """One for all cells: no request of the matrix changes anything."""
    data = tmp_path_factory.mktemp("site") / "data"
    with simulation(data, module_database_url) as sim:
        agreement, msa = three_sided(sim)
        gone = Administration(identity=Identity.generate("ancienne", "Ancienne"), http=sim.http, clock=sim.clock)
        with sim.site.database.write() as connection:
            for one in (msa, gone):
                add_party(connection, one.identity.public, sim.clock())
            add_agreement(connection, agreement, sim.clock())
            runs = {state: in_state(sim, agreement, state) for state in STATES}
            for one_run in runs.values():
                add_run(connection, one_run)
        assert gone.send("GET", "/runs").status_code == 200
        assert revoke(sim.site, "ancienne", None)
        now = sim.clock()
        thief = Administration(identity=Identity.generate("caf", "CAF"), http=sim.http, clock=sim.clock)
        unknown = Administration(identity=Identity.generate("inconnue", "Inconnue"), http=sim.http, clock=sim.clock)
        third_party = Administration(identity=Vault(data).identity(), http=sim.http, clock=sim.clock)
        old = {"created": now - timedelta(seconds=400), "expires": now - timedelta(seconds=100)}
        early = {"created": now + timedelta(seconds=61), "expires": now + timedelta(seconds=300)}
        callers = {
            "anonymous": lambda method, path, body: sim.http.request(method, f"/v1{path}", content=body),
            "unknown party": sender(unknown),
            "revoked": sender(gone),
            "expired": sender(sim.caf, **old),
            "early": sender(sim.caf, **early),
            "wrong key": sender(thief),
            "covers too little": sender(sim.caf, covered_component_ids=("@method",)),
            "other tag": sender(sim.caf, tag="other"),
            "replayed": replayed(sim.caf),
            "third party": sender(third_party),
            "outsider": sender(sim.dgfip),
            "source": sender(msa),
            "joiner": sender(sim.cnous),
            "recipient": sender(sim.caf),
        }
        named = {state: one_run.run for state, one_run in runs.items()}
        yield World(sim=sim, callers=callers, agreement=agreement.identifier, runs=named)


STRANGERS = (
    "anonymous", "unknown party", "revoked", "expired", "early", "wrong key", "covers too little", "other tag",
    "replayed", "third party",
)  # fmt: skip
CALLERS = (*STRANGERS, "outsider", "source", "joiner", "recipient")
ROUTES = {f"{route.method} {route.path}": route for route in routes()}


def ask(world: World, who: str, name: str, run: str, party: str = "caf") -> httpx2.Response:
    """Ask for a route as somebody."""
    method, template = name.split(" ", 1)
    path = template.removeprefix("/v1").format(
        agreement=world.agreement, run=run, upload="0" * 32, number="0", comparison="caf.cnous", pass_name="jour",
        party=party, kind="jetons", sender="caf",
    )  # fmt: skip
    path += "?first=0&second=1" if path.endswith("consistency") else ""
    body = None if method == "GET" or path.endswith("complete") else b"{}"
    if not template.startswith("/v1"):  # the probes of supervisors are outside
        return world.sim.http.request(method, path)
    return world.callers[who](method, path, body)


def allowed(who: str, may: str) -> bool:
    """What the table says of a caller."""
    if may == OPEN:
        return True
    if who in STRANGERS:
        return False
    return {
        ENROLLED: True,
        PARTNER: who != "outsider",
        MEMBER: who != "outsider",
        RECEIVER: who in {"recipient", "joiner"},
    }[may]


def test_every_route_has_its_line():
    """No more, no less: a new route fails until somebody has said who may ask for it."""
    assert sorted(ROUTES) == sorted(WHO_MAY)


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("name", sorted(WHO_MAY))
def test_every_cell(world: World, name: str, who: str):
    """Whoever may is not refused; whoever may not is told the same as everybody in its place."""
    may = WHO_MAY[name]
    for state in STATES if "{run}" in name and who not in STRANGERS else STATES[-1:]:
        response = ask(world, who, name, world.runs[state])
        code = "" if response.is_success else response.json()["errors"][0]["code"]
        seen = (response.status_code, code)
        if allowed(who, may):
            assert response.status_code not in {401, 403, 405, 429}, seen
            assert response.status_code < 500 or name == "GET /readyz"
            assert response.status_code != 404 or any(one in name for one in SUB_OBJECTS), seen
        elif who in STRANGERS:
            assert (401, "E_REQUETE_NON_SIGNEE") == seen
        elif who == "outsider":
            assert (404, "E_INTROUVABLE") == seen
        else:
            assert (403, "E_ACCES_REFUSE") == seen


FOREIGN = sorted(name for name, may in WHO_MAY.items() if may in {MEMBER, RECEIVER, PARTNER})


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_foreign_looks_like_what_does_not_exist(world: World, name: str):
    """The same status and the same bytes, in every state."""
    nowhere = World(sim=world.sim, callers=world.callers, agreement="0" * 64, runs=world.runs)
    missing = ask(nowhere, "outsider", name, "0" * 32, "nulle-part")
    for state in STATES:
        foreign = ask(world, "outsider", name, world.runs[state])
        assert (missing.status_code, missing.content) == (foreign.status_code, foreign.content)
    assert "E_INTROUVABLE" == json.loads(missing.content)["errors"][0]["code"]


def test_a_revoked_party_is_out_at_once(world: World):
    """Its next request is refused, also one that was signed before."""
    sim = world.sim
    one = Administration(identity=Identity.generate("breve", "Brève"), http=sim.http, clock=sim.clock)
    with sim.site.database.write() as connection:
        add_party(connection, one.identity.public, sim.clock())
    waiting = one.request("GET", "/runs")
    assert 200 == one.send("GET", "/runs").status_code
    revoke(sim.site, "breve", None)
    assert [401, 401] == [one.http.send(waiting).status_code, one.send("GET", "/runs").status_code]


def test_no_route_is_served_without_an_action_and_a_contract():
    """The table is deny by default: what the application serves is exactly what it describes."""
    assert all(isinstance(route.action, Action) and isinstance(route.contract, Contract) for route in ROUTES.values())
    assert {route.path for route in routes()} == {name.split(" ", 1)[1] for name in WHO_MAY}
