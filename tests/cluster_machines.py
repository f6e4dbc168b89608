"""A cluster on the loopback address: an authority made for the test, a scheduler, workers, each a real process."""

from __future__ import annotations

import ipaddress
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from linkage.batch import Batch
from linkage.cluster import Credentials
from linkage.linker import PassLinks
from linkage.plan import PassPlan
from linkage.wire import EncodedPass

PLAN = PassPlan(
    name="jour", blocks=("birth.day",), finer=(), length=2048, degree=4, measure="hamming", information=900, strict=500,
    cap=0, floor=20, population=1000, buckets=0, expected_pairs=1000,
)  # fmt: skip
COLUMNS = ("left_rows", "right_rows", "left_ids", "score", "strict")
ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "service.cli"]


def credentials(folder: Path) -> Credentials:
    """An authority of its own, and a certificate by it for the loopback address."""
    folder.mkdir(parents=True)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("authority", authority_key, None, authority_key)
    machine = _certificate("machine", key, authority, authority_key)
    pem = serialization.Encoding.PEM
    found = Credentials(ca=folder / "ca.pem", cert=folder / "cert.pem", key=folder / "key.pem")
    found.ca.write_bytes(authority.public_bytes(pem))
    found.cert.write_bytes(machine.public_bytes(pem))
    found.key.touch(mode=0o600)
    found.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return found


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    signer: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


def options(found: Credentials) -> list[str]:
    """The credentials as options of a command."""
    return ["--ca", str(found.ca), "--cert", str(found.cert), "--key-file", str(found.key)]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs."""
    process = subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that it says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def cluster(found: Credentials, workers: int, *extra: str) -> Iterator[str]:
    """The address of a scheduler that so many workers have joined."""
    with ExitStack() as stack:
        line = said(stack.enter_context(started("schedule", "--listen", "tls://127.0.0.1:0", *options(found))))
        assert line.startswith("PRÊT tls://"), line
        address = line.removeprefix("PRÊT ")
        work = ["work", "--scheduler", address, *options(found), *extra]
        machines = [stack.enter_context(started(*work)) for _ in range(workers)]
        assert ["PRÊT"] * workers == [said(one) for one in machines]
        yield address


def exhausted(_batch: Batch) -> str:
    """Takes more memory than a machine of the test has, where it is not the test's own process."""
    if multiprocessing.parent_process() is None:
        return "here"
    held = np.ones(1 << 27, dtype=np.float64)  # one gibibyte
    time.sleep(60)
    return str(held.sum())


def passes(blocks: int, rows: int) -> tuple[EncodedPass, EncodedPass]:
    """Both sides of a pass of even blocks; half of the left rows have a near copy on the right."""
    rng = np.random.default_rng(blocks)
    left, right = (rng.integers(0, 2**64, (blocks * rows, 32), dtype=np.uint64) for _ in range(2))
    right[::2] = left[::2]
    right[::2, 0] ^= rng.integers(0, 2**64, len(right[::2]), dtype=np.uint64)
    tags = np.repeat(np.arange(blocks, dtype=np.uint8), rows)[:, None] * np.ones(16, dtype=np.uint8)
    ids = np.zeros((blocks * rows, 16), dtype=np.uint8)
    ids[:, :8] = np.arange(blocks * rows, dtype=">u8").view(np.uint8).reshape(-1, 8)
    return EncodedPass(ids=ids, tags=tags, filters=left), EncodedPass(ids=ids, tags=tags, filters=right)


def assert_same(one: PassLinks, other: PassLinks) -> None:
    for name in COLUMNS:
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    assert (one.compared, one.candidates, one.skew) == (other.compared, other.candidates, other.skew)
    assert len(one.left_rows) > 0
