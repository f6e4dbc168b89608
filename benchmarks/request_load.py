"""Many clients at once: signed requests with durable nonces, on PostgreSQL and on SQLite.

``python -m benchmarks.request_load [--clients 1000] [--seconds 20] [--database sqlite|postgresql] [--processes N] [--rate 1000]``

A real third party (`allervers serve`, no worker) answers clients of many parties, each on a connection of its own,
asking one request after the other: three in four read a run, the others list runs or read the log's checkpoint. Every
request was signed beforehand by the party's key with its own nonce, so the generator, one process of its own, does
nothing but send and read.
With ``--rate`` a client asks at its own moments, that many requests a second for all of them together, and its time
counts from the moment when it should have asked; without, it asks as soon as it is answered. PostgreSQL flushes its
commits to the disk. Counted: requests and their time as clients see them, and the processor time of the service and
of the database apart from that of the generator.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

import uvloop

from crypto.framing import to_base64
from crypto.keys import Identity
from crypto.signatures import SigningKey
from service.agreement import Validity
from service.messages import RunState
from service.third_party.app import third_party_identity
from service.third_party.run_store import Run, add_run
from service.third_party.site import open_site
from service.third_party.storage import Storage
from service.third_party.store import add_agreement, add_party
from tests.postgres import TempPg
from tests.simulator import agreement_between

PARTIES = 40


@dataclass(frozen=True)
class Signer:
    """A party that asks."""

    party: str
    key: SigningKey
    run: str


def signed(one: Signer, host: str, path: str, now: int) -> bytes:
    """A request as bytes, signed."""
    nonce = to_base64(secrets.token_bytes(16))
    inner = f'("@method" "@target-uri");created={now};expires={now + 300};nonce="{nonce}";keyid="{one.party}";tag="allervers-v1"'
    base = f'"@method": GET\n"@target-uri": http://{host}{path}\n"@signature-params": {inner}'
    proof = to_base64(one.key.sign_raw(base.encode()))
    return (
        f"GET {path} HTTP/1.1\r\nhost: {host}\r\nsignature-input: a={inner}\r\nsignature: a=:{proof}:\r\n\r\n"
    ).encode()


def paths(one: Signer) -> list[str]:
    """What a client asks, in turns."""
    run = f"/v1/runs/{one.run}"
    return [run, "/v1/runs", run, run, run, run, "/v1/log/checkpoint", run]


@dataclass(frozen=True)
class Times:
    """When a client asks, on the clock of the loop."""

    first: float
    every: float  # seconds; 0 for as soon as it is answered
    until: float


class Client(asyncio.Protocol):
    """One connection that sends the next request when the last one was answered."""

    def __init__(self, requests: list[bytes], seen: list[float], statuses: Counter[int], times: Times) -> None:
        self.requests, self.seen, self.statuses, self.until = requests, seen, statuses, times.until
        self.due, self.every = times.first, times.every
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.buffer, self.sent = b"", 0.0

    def connection_made(self, transport: Any) -> None:
        """Ask the first time."""
        self.transport = transport
        self._later()

    def _later(self) -> None:
        if self.every and self.due > self.loop.time():
            self.loop.call_at(self.due, self._next)
        else:
            self._next()

    def _next(self) -> None:
        self.sent = self.due if self.every else self.loop.time()
        self.due += self.every
        if self.sent >= self.until or not self.requests:
            self.transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self.transport.write(self.requests.pop())

    def data_received(self, data: bytes) -> None:
        """Read an answer and ask again."""
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(rest) < length:
            return
        self.buffer = b""
        self.seen.append(self.loop.time() - self.sent)
        self.statuses[int(head[9:12])] += 1
        self._later()

    def connection_lost(self, _: Exception | None) -> None:
        """Count a connection that broke."""
        if not self.done.done():
            self.statuses[0] += 1
            self.done.set_result(None)


async def generate(port: int, made: list[list[bytes]], seconds: float, rate: float) -> dict[str, Any]:
    """Run all clients; returns what they saw."""
    loop = asyncio.get_running_loop()
    seen: list[float] = []
    statuses: Counter[int] = Counter()
    until = loop.time() + seconds
    started = loop.time()
    clients = []
    for number, one in enumerate(made):
        times = Times(started + 1 + number / rate, len(made) / rate, until) if rate else Times(started, 0.0, until)
        made_one = partial(Client, one, seen, statuses, times)
        _, client = await loop.create_connection(made_one, "127.0.0.1", port)
        clients.append(client)
    connected = loop.time() - started
    await asyncio.gather(*(one.done for one in clients))
    took = loop.time() - started
    seen.sort()
    return {
        "requests": len(seen),
        "seconds": round(took, 2),
        "per_second": round(len(seen) / took, 1),
        "connected_s": round(connected, 2),
        "p50_ms": _share(seen, 0.5),
        "p99_ms": _share(seen, 0.99),
        "max_ms": _share(seen, 1.0),
        "statuses": dict(statuses),
    }


def _share(seen: list[float], share: float) -> float:
    return round(1000 * seen[min(len(seen) - 1, int(share * len(seen)))], 1)


def cpu_of(pids: list[int]) -> float:
    """Processor seconds of processes, and of those that they started and that have ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += [child for child, parent in parents.items() if parent == one]
    return found


def _settle(pid: int) -> None:
    """Wait until all processes of the service have loaded: what they spend then is no request's."""
    spent, quiet = cpu_of(family(pid)), 0
    while quiet < 4:
        time.sleep(0.5)
        now = cpu_of(family(pid))
        quiet = quiet + 1 if now - spent < 0.05 else 0
        spent = now


def prepare(data: Path, database: str | None) -> list[Signer]:
    """A third party with parties and a run for each pair of them."""
    public = third_party_identity(data, "Charge")
    site = open_site(data, lambda: datetime.now(UTC), Storage(database=database))
    now = datetime.now(UTC).replace(microsecond=0)
    people = [Identity.generate(f"partie-{number}", f"Partie {number}") for number in range(PARTIES)]
    signers = []
    with site.database.write() as connection:
        for one in people:
            add_party(connection, one.public, now)
        for left, right in zip(people[::2], people[1::2], strict=True):
            valid = Validity(not_before=now - timedelta(days=1), not_after=now + timedelta(days=30))
            agreement = agreement_between(public, left.public, right.public, valid=valid)
            add_agreement(connection, agreement, now)
            name = secrets.token_hex(16)
            add_run(
                connection,
                Run(
                    run=name,
                    agreement=agreement.identifier,
                    state=RunState.OPENED,
                    opened_at=now,
                    encodings_deadline=now + timedelta(hours=72),
                    delivered_at=None,
                    hits_deadline=None,
                    failure=None,
                    passes_done=0,
                    passes_total=2,
                    worker_key=None,
                ),
            )
            site.record(connection, left.party, "run_opened", agreement=agreement.identifier, run=name)
            signers += [Signer(one.party, one.signing_key, name) for one in (left, right)]
    site.database.close()
    return signers


def start(data: Path, url: str | None, words: list[str], journal: IO[bytes]) -> tuple[subprocess.Popen[str], int]:
    """The service in processes of its own, and its port once it accepts requests."""
    environment = {**os.environ, **({"ALLERVERS_DATABASE": url} if url else {})}
    command = [sys.executable, "-m", "service.cli", "serve", "--data", str(data), "--port", "0", "--no-worker", *words]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=journal, env=environment, text=True)
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("PRÊT"):
            return server, int(line.rsplit(":", 1)[1])
    server.wait()
    raise RuntimeError("the service ended before it was ready")


def requests_of(signers: list[Signer], port: int, clients: int, each: int) -> list[list[bytes]]:
    """What each client will send, signed now: the generator is not what is measured."""
    now, made = int(time.time()), []
    for number in range(clients):
        one = signers[number % len(signers)]
        asked = paths(one)
        made.append(
            [signed(one, f"127.0.0.1:{port}", asked[(number + place) % len(asked)], now) for place in range(each)]
        )
    return made


def measure(kind: str, clients: int, seconds: float, each: int, rate: float, words: list[str]) -> dict[str, Any]:
    """One run of the load; returns its figures. Nothing is left on the disk."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="load-")))
        url, cluster = None, None
        if kind == "postgresql":
            cluster = TempPg(durable=True)
            stack.callback(cluster.stop)
            cluster.administer("CREATE DATABASE load")
            url = cluster.url("load")
        signers = prepare(folder / "data", url)
        journal = stack.enter_context((folder / "journal").open("wb"))
        server, port = start(folder / "data", url, words, journal)
        stack.callback(stop, server)
        _settle(server.pid)
        made = requests_of(signers, port, clients, each)
        pids = family(server.pid)
        before = (cpu_of(pids), cpu_of(family(cluster.pid) if cluster else []), time.process_time())
        result = uvloop.run(generate(port, made, seconds, rate))
        after = (cpu_of(pids), cpu_of(family(cluster.pid) if cluster else []), time.process_time())
        service, database, generator = (end - begin for begin, end in zip(before, after, strict=True))
        total = service + database
        return result | {
            "database": kind,
            "clients": clients,
            "cpu_service_s": round(service, 2),
            "cpu_database_s": round(database, 2),
            "cpu_generator_s": round(generator, 2),
            "cpu_ms_per_request": round(1000 * total / max(1, result["requests"]), 3),
            "per_second_on_two_cores": round(2 * result["requests"] / max(total, 1e-9)),
        }


def stop(server: subprocess.Popen[str]) -> None:
    """End the service and wait for its end."""
    server.terminate()
    server.wait(30)
    if server.stdout is not None:
        server.stdout.close()


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--database", default="postgresql")
    chosen, words = parser.parse_known_args()
    print(json.dumps(measure(chosen.database, chosen.clients, chosen.seconds, chosen.each, chosen.rate, words)))


if __name__ == "__main__":
    main()
