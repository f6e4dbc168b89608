"""Payloads of linked rows, read again from the upload: the right one for each certain link, and no other."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import numpy as np
import pytest

from crypto.sealing import SealingKey, seal, seal_chunk
from linkage.linker import link_pass
from linkage.wire import EncodedPass, row_bytes, rows_to_bytes
from service.messages import Manifest, UploadState, chunk_context, upload_key_context
from service.third_party.opened import open_upload, payload_of
from service.third_party.parcels import Upload
from service.third_party.payloads import linked_payloads
from service.third_party.store import stored
from service.upload_appendix import seal_appendix
from tests.simulator import LENGTH, Simulation, pass_plan, rows_for, simulation

PLAN, WIDTH = pass_plan("jour"), 40


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    """A third party."""
    with simulation(tmp_path_factory.mktemp("site") / "data") as one:
        yield one


def payload_for(one: bytes) -> bytes:
    return (hashlib.sha256(one).digest() * 2)[:WIDTH]


def upload(
    sim: Simulation, key: SealingKey, rows: EncodedPass, chunks: int, width: int, canaries: list[bytes]
) -> Upload:
    """A source's upload whose payloads follow from the row ids."""
    upload_key, size = secrets.token_bytes(32), row_bytes(LENGTH, width)
    about = ("a" * 64, secrets.token_hex(16), "caf.cnous", "jour", "cnous")
    manifest = Manifest(
        agreement=about[0], run=about[1], comparison=about[2], pass_=about[3], party=about[4], role="source",
        count=len(rows), row_bytes=size, chunks=(), wrapped_key=seal(key.public_bytes(), upload_key,
        upload_key_context(*about)), mean_fill_permille=500, nonce="b" * 32, appendix=b"",
    )  # fmt: skip
    bare = np.frombuffer(rows_to_bytes(rows), dtype=np.uint8).reshape(len(rows), -1)
    carried = [payload_for(one.tobytes())[:width] for one in rows.ids]
    whole = np.concatenate([bare, np.frombuffer(b"".join(carried), dtype=np.uint8).reshape(len(rows), width)], axis=1)
    name, digests = secrets.token_hex(16), []
    for number, part in enumerate(np.array_split(whole, chunks)):
        sealed = seal_chunk(upload_key, chunk_context(manifest), number, number == chunks - 1, part.tobytes())
        sim.site.blobs.write(about[1], name, number, sealed)
        digests.append(hashlib.sha256(sealed).hexdigest())
    manifest = replace(manifest, chunks=tuple(digests), appendix=seal_appendix(manifest, upload_key, canaries))
    return Upload(
        upload=name, run=about[1], comparison=about[2], pass_="jour", party="cnous", state=UploadState.COMPLETE,
        reason=None, manifest=stored(manifest.signed(sim.cnous.identity.signing_key)),
    )  # fmt: skip


@pytest.mark.parametrize("chunks", [1, 2, 7])
@pytest.mark.parametrize("hidden", [0, 3])
def test_each_certain_link_has_the_payload_of_its_row(sim, chunks, hidden):
    """However the upload is cut, with canaries left out of the count of rows; doubtful links show zeros."""
    recipient, source = (side.encoded for side in rows_for(3))
    links = link_pass(recipient, source, PLAN)
    unlinked = [row for row in range(len(source)) if row not in set(links.right_rows.tolist())][:hidden]
    canaries = [source.ids[row].tobytes() for row in unlinked]
    kept = [row for row in range(len(source)) if row not in unlinked]
    links = replace(links, right_rows=np.searchsorted(kept, links.right_rows).astype(np.int64))
    key = SealingKey.generate()
    held = upload(sim, key, source, chunks, WIDTH, canaries)
    assert WIDTH == payload_of(held, PLAN)
    found = linked_payloads(sim.site, key, held, PLAN, links, lambda: None)
    assert found is not None
    for place, (row, strict) in enumerate(zip(links.right_rows, links.strict, strict=True)):
        expected = payload_for(source.ids[kept[row]].tobytes()) if strict else bytes(WIDTH)
        assert expected == found[place].tobytes()
    rows = list(open_upload(sim.site, key, held, PLAN))
    assert np.array_equal(source.filters, np.concatenate([one.filters for one in rows]))


def test_without_payload_nothing_is_read_again(sim):
    """The upload may be gone."""
    recipient, source = (side.encoded for side in rows_for(3))
    key = SealingKey.generate()
    held = upload(sim, key, source, 2, 0, [])
    sim.site.blobs.drop_upload(held.run, held.upload)
    assert None is linked_payloads(sim.site, key, held, PLAN, link_pass(recipient, source, PLAN), lambda: None)
