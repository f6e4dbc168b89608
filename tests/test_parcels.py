"""Rows of uploads, chunks and deliveries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.messages import UploadState
from service.third_party.parcels import (
    Upload,
    acknowledged_by,
    add_acknowledgement,
    add_chunk,
    add_delivery,
    add_upload,
    deliveries_of,
    drop_deliveries,
    drop_upload,
    find_upload,
    held_bytes,
    held_chunks,
    live_uploads,
    load_delivery,
    set_upload,
    uploads_of,
)
from service.third_party.run_store import add_run
from service.third_party.store import add_agreement, add_party
from tests.simulator import START
from tests.test_agreement import AGREEMENT, CAF, CNOUS
from tests.test_run_store import RUN

UPLOAD = Upload(
    upload="u1",
    run=RUN.run,
    comparison="caf.cnous",
    pass_="jour",
    party="caf",
    state=UploadState.RECEIVING,
    reason=None,
    manifest=b"{}",
)


@pytest.fixture
def connection(database):
    """A connection with one run and one upload."""
    with database.write() as connection:
        for identity in (CAF.public, CNOUS.public):
            add_party(connection, identity, START)
        add_agreement(connection, AGREEMENT, START)
        add_run(connection, RUN)
        add_upload(connection, UPLOAD)
        yield connection


def test_an_upload_is_found_by_its_names_and_by_its_identifier(connection):
    """And by nothing else."""
    assert UPLOAD == find_upload(connection, RUN.run, "caf.cnous", "jour", "caf")
    assert None is find_upload(connection, RUN.run, "caf.cnous", "jour", "cnous")
    assert [UPLOAD] == uploads_of(connection, RUN.run) == uploads_of(connection, RUN.run, "u1")
    assert [] == uploads_of(connection, RUN.run, "u2")


def test_chunks_are_held_once(connection):
    """Adding one again changes neither number nor size."""
    for number in (3, 0, 3):
        add_chunk(connection, "u1", number, 10)
    assert ({0, 3}, 20) == (held_chunks(connection, "u1"), held_bytes(connection, "u1"))


def test_a_refused_upload_loses_its_chunks_and_its_life(connection):
    """It stays in the list with its reason; its files are no longer to be kept."""
    add_chunk(connection, "u1", 0, 10)
    assert {(RUN.run, "u1")} == live_uploads(connection)
    set_upload(connection, "u1", UploadState.REFUSED, "E_REMPLISSAGE")
    expected = replace(UPLOAD, state=UploadState.REFUSED, reason="E_REMPLISSAGE")
    assert ([expected], set(), set()) == (
        uploads_of(connection, RUN.run),
        held_chunks(connection, "u1"),
        live_uploads(connection),
    )


def test_a_dropped_upload_is_forgotten(connection):
    """With its chunks."""
    add_chunk(connection, "u1", 0, 10)
    drop_upload(connection, "u1")
    assert ([], 0) == (uploads_of(connection, RUN.run), held_bytes(connection, "u1"))


def test_deliveries_by_recipient(connection):
    """Each recipient's own; dropped together or alone."""
    add_delivery(connection, RUN.run, ("caf.cnous", "jour", "caf"), b"1")
    add_delivery(connection, RUN.run, ("cnous.caf", "jour", "cnous"), b"2")
    assert [("caf.cnous", "jour", "caf")] == deliveries_of(connection, RUN.run, "caf")
    assert 2 == len(deliveries_of(connection, RUN.run))
    assert (b"2", None) == tuple(load_delivery(connection, RUN.run, name, "jour") for name in ("cnous.caf", "caf.msa"))
    drop_deliveries(connection, RUN.run, "caf")
    assert [("cnous.caf", "jour", "cnous")] == deliveries_of(connection, RUN.run)
    drop_deliveries(connection, RUN.run)
    assert [] == deliveries_of(connection, RUN.run)


def test_acknowledgements_are_counted_once(connection):
    """Twice the same recipient is one."""
    for _ in range(2):
        add_acknowledgement(connection, RUN.run, "caf", b"{}")
    assert {"caf"} == acknowledged_by(connection, RUN.run)
