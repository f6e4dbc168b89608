"""A run driven to its end through a third party that is killed again and again, and what must be true all the same.

Two administrations talk to real processes (`tests.mortal`) over the loopback and repeat whatever was not answered, as the tool
does. Each life of the web process or of the worker may have a crash point; random kills come on top. Written down on the way:
every answer. Checked at the end and after each death: see `Ordeal.check`.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import func, select

from crypto.audit import MerkleTree, leaf_hash, open_checkpoint, verify_consistency
from crypto.framing import to_base64
from crypto.keys import Identity
from crypto.sealing import seal
from service.agreement import Validity
from service.answers import LogLeaf
from service.forms import read_json
from service.messages import Confirmation, Receipt, SealedShare, log_origin, share_context
from service.third_party.app import third_party_identity
from service.third_party.purge import PURGED
from service.third_party.schema import log_leaves
from service.third_party.site import open_site
from service.third_party.storage import Storage
from service.third_party.store import add_party
from tests.simulator import BASE, PASSES, Administration, Run, agreement_between, rows_for

ROOT = Path(__file__).parent.parent
ROWS = {name: rows_for(number) for number, name in enumerate(PASSES)}
REPEATED = {"delivery_fetched"}  # an access is written down as often as it happens: the answer that was lost counts
PATIENCE = 120.0  # seconds of silence that a test accepts before it fails
_P = "service.third_party."

# In the order in which a run meets them: who dies, where, before or after.
_WEB = (
    "agreements:propose", "store:add_agreement", "turnstile:Turnstile.enter_now", "agreements:sign",
    "store:activate", "runs:open_run", "run_store:add_run", "runs:approve", "run_store:add_approval",
    "runs:send_share", "runs:send_confirmation", "uploads:declare", "parcels:add_upload", "uploads:expect_chunk",
    "uploads:put_chunk", "blobs:LocalBlobs.write", "parcels:add_chunk", "uploads:complete", "parcels:set_upload",
    "jobs:submit", "log:AuditLog.append", "uploads:read_delivery", "runs:acknowledge",
    "parcels:add_acknowledgement", "purge:decide", "database:Database.write",
)  # fmt: skip
_WORKER = (
    "upkeep:publish_keys", "vault:Vault.make_run_key", "run_store:set_run", "upkeep:tend", "jobs:claim", "matching:judge_upload",
    "pieces:keep_piece", "jobs:advance", "matching:finish", "guards:keep", "sealed_deliveries:keep", "guards:judge", "runs:move",
    "vault:Vault.destroy_run_key", "keystore:Keystore.destroy", "blobs:LocalBlobs.drop_run", "purge:carry_out",
    "purge:_delete_some", "purge:_prove", "purge:_sign_receipt", "database:Database.write",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Where a process dies."""

    role: str  # web, worker
    name: str
    when: str  # before, after
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.role} {self.when} {self.name} ({self.nth})"


POINTS = tuple(
    Point(role, f"{_P}{name}", when)
    for role, names in (("web", _WEB), ("worker", _WORKER))
    for name in names
    for when in ("before", "after")
)


class Zygote:
    """The process that forks lives; one for all the ordeals of a test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mortal"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.pids: dict[int, int] = {}
        self.deaths: dict[int, int] = {}
        self._lives = 0
        assert {"ready": True} == self._told.get(timeout=PATIENCE)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._told.put(json.loads(line))

    def begin(self, **order: Any) -> int:
        """A new life; returns its number once its process exists."""
        self._lives += 1
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps({"life": self._lives, **order}) + "\n").encode())
        self._process.stdin.flush()
        until = time.monotonic() + PATIENCE
        while self._lives not in self.pids:
            self.listen(0.05)
            assert time.monotonic() < until
        return self._lives

    def listen(self, seconds: float = 0.0) -> None:
        """Take in what is told, waiting so long for a first line."""
        with suppress(queue.Empty):
            told = self._told.get(timeout=seconds) if seconds else self._told.get_nowait()
            while True:
                if "pid" in told:
                    self.pids[told["life"]] = told["pid"]
                else:
                    self.deaths[told["life"]] = told["status"]
                told = self._told.get_nowait()

    def is_alive(self, life: int) -> bool:
        self.listen()
        return life not in self.deaths

    def kill(self, life: int) -> None:
        """SIGKILL to this very process, and wait for its end."""
        if self.is_alive(life):
            with suppress(ProcessLookupError):  # it has just died of its own crash point
                os.kill(self.pids[life], signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while self.is_alive(life):
            self.listen(0.02)
            assert time.monotonic() < until

    def close(self) -> None:
        """Every life ends with this process."""
        assert self._process.stdin is not None
        for life in [one for one in self.pids if self.is_alive(one)]:
            self.kill(life)
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()


@dataclass
class Times:
    """What was measured, in seconds."""

    ready: list[float] = field(
        default_factory=list
    )  # from the beginning of a life to its first answer, on free processors
    moving: list[float] = field(
        default_factory=list
    )  # from the death of a worker to the next progress of its job, likewise


class Patient(Administration):
    """An administration that asks again whatever was not answered."""

    ordeal: Ordeal

    def send(self, method: str, path: str, body: bytes | None = None) -> httpx2.Response:
        return self.ordeal.answered(self, method, path, body)


class _Wire:
    """Requests to the address of the moment, signed for the one that parties use."""

    def __init__(self, url: str) -> None:
        self._url, self._client = url, httpx2.Client(timeout=30.0)

    def build_request(self, method: str, url: str, content: bytes | None = None) -> httpx2.Request:
        return self._client.build_request(method, url.replace(BASE, self._url, 1), content=content)

    def send(self, request: httpx2.Request) -> httpx2.Response:
        return self._client.send(request)

    def close(self) -> None:
        self._client.close()


class Ordeal:
    """One third party, its parties, and a list of deaths to come."""

    def __init__(
        self,
        folder: Path,
        database: str,
        zygote: Zygote,
        points: Sequence[Point],
        *,
        random_kills: Sequence[float] = (),
    ) -> None:
        self.data, self.database, self._zygote = folder / "data", database, zygote
        self.points, self.kills, self.times = list(points), Counter[str](), Times()
        self._random = list(random_kills)
        self._armed: dict[str, Point | None] = {"web": None, "worker": None}
        self._lives: dict[str, int] = {}
        self._seen: Any = None
        self._last_acknowledged: httpx2.Request | None = None
        self._died = 0.0
        self.third_party = third_party_identity(self.data, "Tiers d'essai")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
        self._wire = _Wire(f"http://127.0.0.1:{self._port}")
        self.caf, self.cnous = (self._party(name) for name in ("caf", "cnous"))
        self.site = open_site(self.data, now, Storage(database=database))
        with self.site.database.write() as connection:
            for one in (self.caf, self.cnous):
                add_party(connection, one.identity.public, now())

    def _party(self, name: str) -> Patient:
        one = Patient(identity=Identity.generate(name, name.upper()), http=self._wire, clock=now)  # type: ignore[arg-type]
        one.ordeal = self
        return one

    # Processes

    def revive(self) -> None:
        """Begin a new life of whatever is dead, with the next crash point in it."""
        for role in ("web", "worker"):
            life = self._lives.get(role)
            if life is not None and self._zygote.is_alive(life):
                continue
            if life is not None:
                self._count_death(role)
            self._begin(role)

    def _count_death(self, role: str) -> None:
        point = self._armed[role]
        self.kills[str(point) if point else f"{role} at random"] += 1
        self._armed[role] = None
        self._died = time.monotonic()

    def _begin(self, role: str) -> None:
        point = next((one for one in self.points if one.role == role), None)
        if point is not None:
            self.points.remove(point)
        self._armed[role] = point
        order: dict[str, Any] = {"role": role, "data": str(self.data), "database": self.database, "port": self._port}
        if point is not None:
            order |= {"point": point.name, "when": point.when, "nth": point.nth}
        began = time.monotonic()
        self._lives[role] = self._zygote.begin(**order)
        if role == "web":
            while time.monotonic() - began < PATIENCE and self._zygote.is_alive(self._lives[role]):
                with suppress(httpx2.TransportError):
                    if self._wire.send(self._wire.build_request("GET", f"{BASE}/v1/identity")).status_code == 200:
                        waited = waited_for_a_processor(self._zygote.pids[self._lives[role]])
                        self.times.ready.append(time.monotonic() - began - waited)
                        return
                time.sleep(0.005)

    def kill_at_random(self, role: str) -> None:
        """Now, wherever it is; the crash point of this life waits for the next one."""
        point, self._armed[role] = self._armed[role], None
        self.points[:0] = [point] if point else []
        self._zygote.kill(self._lives[role])

    def close(self) -> None:
        """Ends both processes."""
        for life in self._lives.values():
            self._zygote.kill(life)
        self._wire.close()
        self.site.database.close()

    # Requests

    def answered(self, one: Administration, method: str, path: str, body: bytes | None) -> httpx2.Response:
        """The answer to a request, asked until there is one; never a fault of the service."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self._maybe_kill()
            self.revive()
            request = one.request(method, path, body)
            try:
                response = self._wire.send(request)
            except httpx2.TransportError:
                time.sleep(0.002)
                continue
            if response.status_code == 503:
                time.sleep(0.02)
                continue
            assert response.status_code < 500, (method, path, response.status_code, response.text)
            if response.status_code < 300:
                self._last_acknowledged = request
            return response
        raise AssertionError(f"no answer to {method} {path}")

    def _maybe_kill(self) -> None:
        if self._random and secrets.randbelow(100) < 15:
            role = "web" if self._random.pop() < 0.5 else "worker"
            if role in self._lives and self._zygote.is_alive(self._lives[role]):
                self.kill_at_random(role)
                self.check_replay()

    def check_replay(self) -> None:
        """A request that was taken before the death is refused after it."""
        self.revive()
        if self._last_acknowledged is not None:
            with suppress(httpx2.TransportError):
                assert self._wire.send(self._last_acknowledged).status_code in {401, 503}

    # The run

    def live(self) -> Run:
        """From the proposal to the last receipt."""
        self.revive()
        run = self.opened()
        self.cnous.approve(run)
        self._until(lambda: self.caf.send("GET", f"/runs/{run.run}/worker-key").status_code == 200, run)
        for one, other in ((self.caf, self.cnous), (self.cnous, self.caf)):
            info = share_context(run.agreement, run.run, run.comparison, one.party, other.party)
            sealed = seal(other.identity.public.sealing_key, secrets.token_bytes(32), info)
            one.declare(SealedShare, run, "shares", comparison=run.comparison, to=other.party, sealed=sealed)
        for one in (self.caf, self.cnous):
            one.declare(Confirmation, run, "confirmations", comparison=run.comparison, tag=secrets.token_hex(32))
        for name in PASSES:
            for one, side in zip((self.caf, self.cnous), ROWS[name], strict=True):
                self._upload(run, one, *one.manifest(run, self.third_party, name, side.encoded))
        self._until(lambda: self._state(run) == "delivered", run)
        for name in PASSES:
            fetched = self.caf.fetch(run, self.third_party, name)
            assert (set(ROWS[name][0].certain), set(ROWS[name][0].grey)) == fetched
        self._acknowledge(run)
        self._until(lambda: len(self.caf.get(f"/runs/{run.run}/receipts")) == 2, run)
        return run

    def opened(self) -> Run:
        """A run of an agreement of both; what was not answered may have been done, and is looked for."""
        start = now().replace(microsecond=0)
        valid = Validity(not_before=start - timedelta(days=1), not_after=start + timedelta(days=30))
        agreement = agreement_between(
            self.third_party, self.caf.identity.public, self.cnous.identity.public, valid=valid
        )
        signatures = [to_base64(agreement.signature(one.identity.signing_key)) for one in (self.caf, self.cnous)]
        self.caf.post("/agreements", {"document": agreement.to_json(), "signature": signatures[0]}, 201)
        self.cnous.post(f"/agreements/{agreement.identifier}/signatures", {"signature": signatures[1]})
        body = json.dumps({"agreement": agreement.identifier}).encode()
        response = self.caf.send("POST", "/runs", body)
        assert response.status_code == 201, response.text
        return Run(agreement=agreement.identifier, run=response.json()["data"]["run"], comparison="caf.cnous")

    def _upload(self, run: Run, one: Patient, manifest: Any, sealed: list[bytes]) -> None:
        signed = manifest.signed(one.identity.signing_key)
        upload = one.post(f"/runs/{run.run}/uploads", signed, 201)["upload"]
        held: set[int] = set()
        for number, chunk in enumerate(sealed):
            assert 204 == one.send("PUT", f"/runs/{run.run}/uploads/{upload}/chunks/{number}", chunk).status_code
            held.add(number)
            missing = one.get(f"/runs/{run.run}/uploads/{upload}")["missing"]
            assert set(range(len(sealed))) - held == set(missing), "an acknowledged chunk is lost"
        response = one.send("POST", f"/runs/{run.run}/uploads/{upload}/complete")
        # A worker may have finished the whole run before the answer that was lost is asked for again.
        assert response.status_code == 200 or self._state(run) == "delivered", response.text

    def _acknowledge(self, run: Run) -> None:
        self.caf.acknowledge(run)
        assert self._state(run) == "closed"

    def _state(self, run: Run) -> str:
        return str(self.caf.get(f"/runs/{run.run}")["state"])

    def _until(self, ready: Any, run: Run) -> None:
        """Ask until it is so; a job that stands still for longer than it may is found out."""
        until, progress, before = time.monotonic() + PATIENCE, None, self._died
        while not ready():
            self._maybe_kill()
            self.revive()
            view = self.caf.get(f"/runs/{run.run}")
            seen = (view["state"], view["progress"]["done"])
            if progress is not None and seen != progress and self._died > before and view["state"] != "sending":
                waited = waited_for_a_processor(self._zygote.pids[self._lives["worker"]])
                self.times.moving.append(time.monotonic() - self._died - waited)
                before = self._died
            progress = seen
            assert time.monotonic() < until, f"the run stands still: {seen}"
            time.sleep(0.02)

    # Promises

    def check(self, run: Run) -> None:
        """Nothing lost, nothing twice, nothing left, and a log that verifies from its first leaf."""
        self.check_replay()
        tree, actions = MerkleTree(), Counter[tuple[str, str, str | None]]()
        with self.site.database.read() as connection:
            for leaf, hashed in connection.execute(
                select(log_leaves.c.leaf, log_leaves.c.hash).order_by(log_leaves.c.seq)
            ):
                assert leaf_hash(leaf) == hashed
                tree.append(hashed)
                said = LogLeaf.from_json(read_json(leaf, 1 << 16))
                assert said.seq == tree.size - 1
                if said.run == run.run:
                    actions[said.action, said.actor, said.digest] += 1
            left = [
                table.name
                for table in (*PURGED["encodings"], *PURGED["deliveries"])
                if "run" in table.c
                and connection.scalar(select(func.count()).select_from(table).where(table.c.run == run.run))
            ]
            note = open_checkpoint(
                self.site.log.checkpoint(connection)[0], self.site.log.public_key, log_origin(self.third_party.party)
            )
        assert [] == left
        twice = {name: count for name, count in actions.items() if count != 1 and name[0] not in REPEATED}
        assert {} == twice, f"happened twice: {twice}"
        assert len(PASSES) == sum(1 for action, _, _ in actions if action == "delivery_stored")
        if self._seen is not None:
            proof = tree.consistency_proof(self._seen.size, tree.size)
            verify_consistency(self._seen.size, tree.size, proof, self._seen.root, tree.root())
        assert (tree.size, tree.root()) == (note.size, note.root)
        self._seen = note
        receipts = self.caf.get(f"/runs/{run.run}/receipts")
        opened = [Receipt.opened(self.third_party.signing_key, one["receipt"]) for one in receipts]
        found = sorted((one.kind, one.cause) for one in opened)
        assert [("deliveries", "accuse_reception"), ("encodings", "rapprochement_termine")] == found
        assert not self.site.vault.holds_run_key(run.run)
        assert not self.site.blobs.holds(run.run)


def waited_for_a_processor(pid: int) -> float:
    """Seconds for which a thread of a process could have run and others did: of the one that waited most."""
    waits = [0.0]
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # another system than Linux, or the thread is gone
            waits.append(int(path.read_text().split()[1]) / 1e9)
    return max(waits)


def now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)
