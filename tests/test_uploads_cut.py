"""Uploads over a real server: cut anywhere, doubled, shuffled, late, a hundred at once, and large in little memory."""

from __future__ import annotations

import hashlib
import random
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crypto.framing import to_base64
from service.administration.client import Client
from service.administration.outbox import CHUNK_BYTES
from service.errors import ServiceError
from service.messages import UploadState
from tests.upload_stage import ROW, Served, Stage, served, stage

pytestmark = [pytest.mark.R5, pytest.mark.flow]

CHUNKS, ROWS = 40, 400  # 25 KiB each
MEBIBYTE = 1 << 20


def connected(one: Stage, server: Served) -> Client:
    return Client(server.url, one.sender, clock=lambda: datetime.now(UTC), sleep=time.sleep)


def signed_put(one: Stage, server: Served, upload: str, number: int) -> bytes:
    """The bytes of a signed request that sends a chunk, written by hand from RFC 9421 and RFC 9530."""
    body, host = one.chunk(number), server.url.removeprefix("http://")
    path = f"/v1/runs/{one.run}/uploads/{upload}/chunks/{number}"
    digest = f"sha-256=:{to_base64(hashlib.sha256(body).digest())}:"
    now, nonce = int(time.time()), to_base64(secrets.token_bytes(16))
    inner = (
        f'("@method" "@target-uri" "content-digest");created={now};expires={now + 300};nonce="{nonce}";keyid="caf"'
        ';tag="allervers-v1"'
    )
    base = (
        f'"@method": PUT\n"@target-uri": {server.url}{path}\n"content-digest": {digest}\n"@signature-params": {inner}'
    )
    proof = to_base64(one.sender.signing_key.sign_raw(base.encode()))
    lines = [
        f"PUT {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}", f"content-digest: {digest}",
        f"signature-input: a={inner}", f"signature: a=:{proof}:", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + body


def sent(server: Served, request: bytes, cut: int | None) -> int | None:
    """Send a request, or the beginning of it and hang up; the status of the answer if there was one."""
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(request[:cut])
        if cut is not None and cut < len(request):
            return None
        return int(line.recv(4096).split(b" ", 2)[1])


def check_cuts(folder: Path, cuts: int, database: str | None) -> None:
    """Chunks in any order, each cut, doubled or sent whole at random, until all are there; then they are what was meant."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    one = stage(folder / "data", CHUNKS, ROWS, database)
    with served(folder / "data", database=database) as server, connected(one, server) as client:
        upload = client.announce(one.run, one.manifest.signed(one.sender.signing_key))
        missing, done = set(range(CHUNKS)), 0
        whole = min(0.5, CHUNKS / cuts)
        while missing or done < cuts:
            number = rng.randrange(CHUNKS) if rng.random() < 0.5 or not missing else rng.choice(sorted(missing))
            request = signed_put(one, server, upload, number)
            cut = None if done >= cuts or rng.random() < whole / 2 else rng.randrange(len(request))
            done += cut is not None
            status = sent(server, request, cut)
            if status == 429:  # faster than a party may ask
                time.sleep(0.2)
                continue
            assert status in {None, 204}
            if status == 204:
                missing.discard(number)
            if done % 50 == 0:
                held = set(client.upload(one.run, upload).missing)
                assert held <= missing  # what was acknowledged is held, and stays
        client.complete(one.run, upload)
        assert UploadState.COMPLETE is client.upload(one.run, upload).state
    check_held(one, upload)


def check_held(one: Stage, upload: str) -> None:
    """Every chunk on the disk has the digest that was signed, and nothing else is there."""
    found = [
        hashlib.sha256(one.site.blobs.read(one.run, upload, number) or b"").hexdigest() for number in range(CHUNKS)
    ]
    assert list(one.manifest.chunks) == found
    one.site.database.close()


def test_a_thousand_cuts(tmp_path, database_url):
    """On each database."""
    check_cuts(tmp_path, 1000 if database_url.startswith("sqlite") else 100, database_url)


@pytest.mark.soak
def test_ten_thousand_cuts(tmp_path, database_url):
    """The large column."""
    check_cuts(tmp_path, 10_000, database_url)


def test_a_hundred_at_once(tmp_path, database_url):
    """Every chunk twice, in any order, from a hundred connections at the same time."""
    one = stage(tmp_path / "data", CHUNKS, ROWS, database_url)
    with served(tmp_path / "data", database=database_url) as server, connected(one, server) as client:
        upload = client.announce(one.run, one.manifest.signed(one.sender.signing_key))
        numbers = [number for number in range(CHUNKS) for _ in range(2)]
        random.shuffle(numbers)
        requests = [signed_put(one, server, upload, number) for number in numbers]
        with ThreadPoolExecutor(100) as pool:
            statuses = set(pool.map(lambda request: sent(server, request, None), requests))
        assert {204} == statuses
        client.complete(one.run, upload)
        with pytest.raises(ServiceError, match=r"E_(MORCEAU_ALTERE|ETAT)"):
            client.send_chunk(one.run, upload, 0, b"late and other")
    check_held(one, upload)


def check_stream(folder: Path, chunks: int) -> tuple[float, int]:
    """One upload in chunks of the usual size; MiB a second, and how many bytes of memory the server grew by."""
    rows = (CHUNK_BYTES - 16) // ROW
    one = stage(folder / "data", chunks, rows)
    with served(folder / "data") as server, connected(one, server) as client:
        upload = client.announce(one.run, one.manifest.signed(one.sender.signing_key))
        client.send_chunks(one.run, upload, range(8), one.chunk, lambda _: None)
        server.peak = before = server.resident()
        started = time.monotonic()
        client.send_chunks(one.run, upload, range(8, chunks), one.chunk, lambda _: None)
        rate = (chunks - 8) * CHUNK_BYTES / MEBIBYTE / (time.monotonic() - started)
        client.complete(one.run, upload)
        grown = server.peak - before
    one.site.database.close()
    print(f"{rate:.0f} MiB/s, {grown / MEBIBYTE:.0f} MiB more memory")
    return rate, grown


def test_a_large_upload_takes_little_memory(tmp_path):
    """A quarter of a gibibyte; the rate is printed, and judged where the machine is known."""
    _, grown = check_stream(tmp_path, 32)
    assert grown < 64 * MEBIBYTE


@pytest.mark.soak
def test_twelve_gigabytes_take_little_memory(tmp_path):
    """12.8 GB, at 300 MiB a second or more."""
    rate, grown = check_stream(tmp_path, 1526)
    assert grown < 64 * MEBIBYTE
    assert rate >= 300
