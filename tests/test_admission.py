"""How a request gets in: signature, role, state, and only then its body."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from crypto.keys import Identity
from service.messages import MAX_CHUNK_BYTES, MAX_JSON_BYTES
from service.third_party.admission import received
from service.third_party.limits import LOOKUP_BURST
from tests.simulator import Administration, Run, Simulation, rows_for, simulation


@pytest.fixture(scope="module")
def sim(tmp_path_factory, module_database_url):
    """One third party for all."""
    with simulation(tmp_path_factory.mktemp("site") / "data", module_database_url) as one:
        yield one


@pytest.fixture(scope="module")
def run(sim):
    """A run whose parties may send."""
    return sim.sending()


class Wire:
    """A connection that counts what the server reads of a body."""

    def __init__(self, sim: Simulation, pieces: list[bytes], address: str = "203.0.113.9") -> None:
        self.address = address
        self.app = sim.http.app
        self.pieces = list(pieces)
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.read += 1
        piece = self.pieces.pop(0) if self.pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    async def _serve(self, scope: dict[str, Any]) -> None:
        await self.app(scope, self.receive, self.send)

    def ask(self, method: str, path: str, headers: list[tuple[str, str]], query: str = "") -> tuple[int, str]:
        """Send a request; status and code."""
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers], "scheme": "http",
            "server": ("testserver", 80), "client": (self.address, 1), "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        asyncio.run(self._serve(scope))
        body = b"".join(message.get("body", b"") for message in self.sent[1:])
        status = int(self.sent[0]["status"])
        return status, "" if not body or status < 400 else json.loads(body)["errors"][0]["code"]


def signed(one: Administration, method: str, path: str, body: bytes | None = None) -> list[tuple[str, str]]:
    """The headers of a signed request."""
    return list(one.request(method, path, body).headers.items())


def replaced(headers: list[tuple[str, str]], name: str, value: str | None) -> list[tuple[str, str]]:
    """The headers with one of them replaced or left out."""
    kept = [pair for pair in headers if pair[0].lower() != name]
    return kept if value is None else [*kept, (name, value)]


def test_forgeries_do_not_reach_the_database_for_ever_nor_keep_a_party_out(tmp_path):
    """Those of one address under one name are soon too many, while the party is heard from its own."""
    with simulation(tmp_path / "data") as sim:
        application: Any = sim.http.app
        application.state.limits.lookups._ticks = lambda: 0.0  # nothing is saved up meanwhile
        thief = Administration(identity=Identity.generate("caf", "CAF"), http=sim.http, clock=sim.clock)
        seen = {
            Wire(sim, []).ask("GET", "/v1/runs", signed(thief, "GET", "/runs")) for _ in range(int(LOOKUP_BURST) + 20)
        }
        assert {(401, "E_REQUETE_NON_SIGNEE"), (429, "E_DEBIT")} == seen
        assert (200, "") == Wire(sim, [], "203.0.113.10").ask("GET", "/v1/runs", signed(sim.caf, "GET", "/runs"))


@pytest.mark.parametrize("path", ["/agreements", "/runs", "/runs/{run}/uploads", "/runs/{run}/approval"])
def test_nothing_of_an_unsigned_body_is_read(sim: Simulation, run: Run, path):
    """401 while the body still waits."""
    wire = Wire(sim, [b"{" * 1000] * 10)
    headers = [("host", "testserver"), ("content-length", "10000")]
    assert (401, "E_REQUETE_NON_SIGNEE") == wire.ask("POST", "/v1" + path.format(run=run.run), headers)
    assert 0 == wire.read


def test_nothing_of_a_stranger_s_body_is_read(sim: Simulation, run: Run):
    """404 before the body, as for a run that does not exist."""
    for path in (f"/runs/{run.run}/approval", f"/runs/{'0' * 32}/approval", "/runs/x/approval"):
        wire = Wire(sim, [b"{}"])
        assert (404, "E_INTROUVABLE") == wire.ask("POST", f"/v1{path}", signed(sim.dgfip, "POST", path, b"{}"))
        assert 0 == wire.read


def test_nothing_is_read_of_a_body_that_comes_at_the_wrong_time(sim: Simulation):
    """409 before a chunk or a manifest is read."""
    run = sim.joining()
    for path, method in ((f"/runs/{run.run}/uploads", "POST"), (f"/runs/{run.run}/uploads/{'0' * 32}/chunks/0", "PUT")):
        wire = Wire(sim, [b"x"])
        assert (409, "E_ETAT") == wire.ask(method, f"/v1{path}", signed(sim.caf, method, path, b"x"))
        assert 0 == wire.read


@pytest.mark.parametrize(
    ("path", "method", "limit"),
    [("/runs", "POST", MAX_JSON_BYTES), ("/runs/{run}/uploads/{upload}/chunks/0", "PUT", MAX_CHUNK_BYTES)],
)
def test_a_body_over_its_limit_is_refused_unread(sim: Simulation, run: Run, path, method, limit):
    """By its announced length; and by its real one when the announcement lies."""
    manifest, _ = sim.caf.manifest(run, sim.third_party, "jour", rows_for(1)[0].encoded)
    signed_manifest = manifest.signed(sim.caf.identity.signing_key)
    upload = sim.caf.post(f"/runs/{run.run}/uploads", signed_manifest, 201)["upload"]
    path = path.format(run=run.run, upload=upload)
    wire = Wire(sim, [b"x"])
    headers = replaced(signed(sim.caf, method, path, b"x"), "content-length", str(limit + 1))
    assert (413, "E_CORPS_TROP_GRAND") == wire.ask(method, f"/v1{path}", headers)
    assert 0 == wire.read
    wire = Wire(sim, [b"x" * (1 << 20)] * 40)
    headers = replaced(signed(sim.caf, method, path, b"x"), "content-length", "1")
    assert (413, "E_CORPS_TROP_GRAND") == wire.ask(method, f"/v1{path}", headers)
    assert wire.read <= limit // (1 << 20) + 1


@pytest.mark.parametrize("length", [None, "", "-1", "1e3", "x", "9" * 13])
def test_a_body_has_an_announced_length(sim: Simulation, length):
    """411 otherwise; a chunked one has none."""
    wire = Wire(sim, [b"{}"])
    headers = replaced(signed(sim.caf, "POST", "/runs", b"{}"), "content-length", length)
    if length is None:
        headers.append(("transfer-encoding", "chunked"))
    assert (411, "E_LONGUEUR") == wire.ask("POST", "/v1/runs", headers)


def test_the_body_is_the_one_that_was_signed(sim: Simulation):
    """Another body of the same length is refused, after it was read and before it is used, even to see whether it is JSON."""
    for other in (b'{"agreement":2}', b"[" * 15):
        headers = signed(sim.caf, "POST", "/runs", b'{"agreement":1}')
        assert (401, "E_REQUETE_NON_SIGNEE") == Wire(sim, [other]).ask("POST", "/v1/runs", headers)
    headers = signed(sim.caf, "POST", "/runs", b"[" * 15)
    assert (422, "E_MESSAGE") == Wire(sim, [b"[" * 15]).ask("POST", "/v1/runs", headers)


def test_a_body_cut_in_pieces_is_one_body(sim: Simulation):
    """However the network cuts it."""
    body = json.dumps({"agreement": "0" * 64}).encode()
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    assert (404, "E_INTROUVABLE") == Wire(sim, pieces).ask("POST", "/v1/runs", signed(sim.caf, "POST", "/runs", body))


def test_a_body_that_comes_byte_by_byte_takes_no_more_memory():
    """A tiny piece of a large body is not an object of its own."""
    body = bytes(range(256)) * 800
    left = [body[number : number + 1] for number in range(len(body))]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": len(left) > 0}

    pieces = asyncio.run(received(receive, len(body)))
    assert body == b"".join(pieces)
    assert len(pieces) == 4


def test_the_query_is_signed_too(sim: Simulation):
    """What was asked for cannot be changed on the way."""
    sim.sending()  # the log has leaves
    headers = signed(sim.caf, "GET", "/log/consistency?first=0&second=1")
    wire = Wire(sim, [])
    assert (200, "") == wire.ask("GET", "/v1/log/consistency", headers, "first=0&second=1")
    headers = signed(sim.caf, "GET", "/log/consistency?first=0&second=1")
    assert 401 == Wire(sim, []).ask("GET", "/v1/log/consistency", headers, "first=0&second=2")[0]
