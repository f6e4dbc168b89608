"""Uploads opened by the worker: from any chunk on, a few chunks ahead, without canaries, and never further than asked."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from crypto.errors import CryptoError
from crypto.sealing import SealingKey, seal
from linkage.wire import EncodedPass, payloads_from_bytes, row_bytes, rows_to_bytes
from service.errors import ServiceError
from service.messages import upload_key_context
from service.third_party.blobs import LocalBlobs
from service.third_party.opened import (
    OpenedUpload,
    canaries_of,
    manifest_of,
    open_payloads,
    open_upload,
    payload_of,
    told,
)
from service.third_party.parcels import Upload, uploads_of
from service.third_party.store import stored
from service.upload_appendix import seal_appendix
from tests.simulator import LENGTH, pass_plan, rows_for, simulation
from tests.test_matching import Forge

PLAN = pass_plan("jour")
ROWS = rows_for(11)[0].encoded


@pytest.fixture
def forge(tmp_path):
    """A maker of uploads."""
    with simulation(tmp_path / "data") as sim:
        yield Forge(sim)


def quiet() -> None:
    """Nothing stops the work."""


def opened(forge: Forge, upload: Upload) -> OpenedUpload:
    return OpenedUpload(forge.sim.site, forge.key, upload, PLAN, quiet)


def ids_of(pieces: list[EncodedPass]) -> bytes:
    return b"".join(piece.ids.tobytes() for piece in pieces)


def baited(forge: Forge, upload: Upload, canaries: list[bytes]) -> Upload:
    """The same upload, some of whose rows are called canaries."""
    plain, key = manifest_of(upload), secrets.token_bytes(32)
    info = upload_key_context(plain.agreement, plain.run, plain.comparison, plain.pass_, plain.party)
    manifest = replace(plain, wrapped_key=seal(forge.key.public_bytes(), key, info), appendix=b"")
    manifest = replace(manifest, appendix=seal_appendix(manifest, key, canaries))
    return replace(upload, manifest=stored(manifest.signed(forge.sim.caf.identity.signing_key)))


@pytest.mark.parametrize("first", range(7))
def test_it_opens_from_any_chunk_on(forge: Forge, first):
    """Without opening those before: a worker that takes a job up reads what it needs."""
    upload = forge.upload(rows_to_bytes(ROWS), 6)
    one = opened(forge, upload)
    assert 6 == one.chunks
    step = -(-len(ROWS) // 6)
    for number in range(first):  # they are not even looked at
        (forge.sim.data / "blobs" / upload.run / upload.upload / str(number)).unlink()
    pieces = list(one.rows(first))
    assert 6 - first == len(pieces)
    assert ROWS.ids[first * step :].tobytes() == ids_of(pieces)


def test_only_a_few_chunks_are_opened_ahead(forge: Forge, monkeypatch: pytest.MonkeyPatch):
    """What is opened lives in memory: no more of it than the next chunks, however slow the work is."""
    upload, seen = forge.upload(rows_to_bytes(ROWS), 12), list[int]()
    read = LocalBlobs.read

    def watched(self: LocalBlobs, run: str, name: str, number: int) -> bytes | None:
        seen.append(number)
        return read(self, run, name, number)

    monkeypatch.setattr(LocalBlobs, "read", watched)
    pieces = open_upload(forge.sim.site, forge.key, upload, PLAN)
    for taken in range(1, 4):
        next(pieces)
        time.sleep(0.1)
        assert set(range(len(seen))) == set(seen)
        assert len(seen) <= taken + 4
    pieces.close()
    before = len(seen)
    time.sleep(0.1)
    assert before == len(seen) < 12


def test_whoever_stops_reading_leaves_no_thread(forge: Forge):
    """Closed in the middle, or failed: the threads that open ahead end."""

    def openers() -> list[str]:
        return [one.name for one in threading.enumerate() if one.name.startswith("open")]

    upload = forge.upload(rows_to_bytes(ROWS), 6)
    rows = opened(forge, upload).rows(0)
    next(rows)
    assert openers()
    rows.close()
    assert [] == openers()
    (forge.sim.data / "blobs" / upload.run / upload.upload / "3").unlink()
    with pytest.raises(ServiceError, match="morceau"):
        list(opened(forge, upload).rows(0))
    assert [] == openers()


def test_work_is_asked_before_each_chunk_whether_to_go_on(forge: Forge):
    """And ends where it is told to, by the same exception."""
    left = iter([None, None])

    class Enough(Exception):
        """The job is lost."""

    def alive() -> None:
        if next(left, Enough) is Enough:
            raise Enough

    pieces = told(open_upload(forge.sim.site, forge.key, forge.upload(rows_to_bytes(ROWS), 6), PLAN), alive)
    taken: list[EncodedPass] = []
    with pytest.raises(Enough):
        taken.extend(iter(lambda: next(pieces), None))
    assert not list(pieces)


def test_canaries_are_not_among_the_rows(forge: Forge):
    """They change nothing of what a recipient gets; who they are is sealed in the upload's appendix."""
    upload = forge.upload(rows_to_bytes(ROWS), 4)
    assert frozenset() == canaries_of(forge.key, upload)
    hidden = [ROWS.ids[row].tobytes() for row in (0, 7, len(ROWS) - 1)]
    assert frozenset(hidden) == canaries_of(forge.key, baited(forge, upload, hidden))
    with pytest.raises(CryptoError):
        canaries_of(SealingKey.generate(), baited(forge, upload, hidden))


def test_rows_without_their_canaries(tmp_path):
    """Through a real upload: the rows of the source but for those that it called canaries."""
    with simulation(tmp_path / "data") as sim:
        run = sim.sending()
        hidden = [ROWS.ids[row].tobytes() for row in (0, 7, len(ROWS) - 1)]
        manifest, sealed = sim.cnous.manifest(run, sim.third_party, "jour", ROWS, canaries=hidden)
        sim.cnous.upload(run, manifest, sealed)
        with sim.site.database.read() as connection:
            (upload,) = uploads_of(connection, run.run)
        one = OpenedUpload(sim.site, sim.site.vault.run_key(run.run), upload, PLAN, quiet)
        ids = ids_of(list(one.rows(0)))
        found = [ids[start : start + 16] for start in range(0, len(ids), 16)]
        assert [row.tobytes() for row in ROWS.ids if row.tobytes() not in hidden] == found


@pytest.mark.parametrize("width", [0, 48])
def test_payloads_stand_beside_their_rows(forge: Forge, width):
    """Bytes of a row after its filter; none where the agreement has none."""
    payloads = np.random.default_rng(5).integers(0, 256, (len(ROWS), width), dtype=np.uint8)
    size = row_bytes(LENGTH)
    plain = np.frombuffer(rows_to_bytes(ROWS), dtype=np.uint8).reshape(len(ROWS), size)
    data = np.concatenate([plain, payloads], axis=1).tobytes()
    upload = forge.upload(data, 1, row_bytes=size + width)
    assert width == payload_of(upload, PLAN)
    assert payloads.tobytes() == payloads_from_bytes(data, PLAN.length, width).tobytes()
    ((ids, found),) = open_payloads(forge.sim.site, forge.key, upload, PLAN)
    np.testing.assert_array_equal(ROWS.ids, ids)
    np.testing.assert_array_equal(payloads, found)
