"""What goes out is sealed, complete, resumable, and readable by the worker alone."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from crypto.keys import Identity
from crypto.sealing import SealingKey, unseal, unseal_chunk
from linkage.profiles import PROFILES
from linkage.records import read_records
from linkage.wire import row_bytes, rows_from_bytes
from service.administration.outbox import check_refusals, drop_refused, encode, open_worker_key, send, sent_manifests
from service.answers import Progress, RunView, UploadStatus, UploadView
from service.errors import ServiceError
from service.messages import (
    Manifest,
    RunState,
    UploadState,
    WorkerKey,
    chunk_context,
    statement_digest,
    upload_key_context,
)
from tests.partners import RUN, people_csv, run_key_of_test, scene
from tests.risk_reports import RISK

LENGTH = PROFILES["standard"].length


class Shelf:
    """The third party's upload routes, in memory; it can cut the line after some chunks."""

    def __init__(self) -> None:
        self.manifests: list[Any] = []
        self.chunks: dict[str, dict[int, bytes]] = {}
        self.completed: list[str] = []
        self.cut_after: int | None = None

    def announce(self, run: Any, manifest: Any) -> Any:
        if manifest not in self.manifests:
            self.manifests.append(manifest)
        return str(self.manifests.index(manifest))

    def upload(self, run: Any, upload: Any) -> Any:
        count = len(self.manifests[int(upload)]["statement"]["chunks"])
        held = self.chunks.setdefault(upload, {})
        state = UploadState.COMPLETE if upload in self.completed else UploadState.RECEIVING
        return UploadStatus(state=state, missing=tuple(set(range(count)) - set(held)))

    def send_chunk(self, run: Any, upload: Any, number: Any, sealed: Any) -> Any:
        if self.cut_after == 0:
            raise ServiceError("E_CONNEXION", "coupure")
        if self.cut_after is not None:
            self.cut_after -= 1
        assert number not in self.chunks[upload]
        self.chunks[upload][number] = sealed

    def send_chunks(self, run: Any, upload: Any, numbers: Any, read: Any, told: Any) -> None:
        for number in numbers:
            self.send_chunk(run, upload, number, read(number))
            told(1)

    def complete(self, run: Any, upload: Any) -> Any:
        assert self.upload(run, upload).missing == ()
        self.completed.append(upload)


def new_shelf() -> Any:
    return Shelf()


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_csv(tmp_path_factory.mktemp("people") / "rsa.csv", 120)


@pytest.fixture
def known(tmp_path):
    return scene(tmp_path)


@pytest.fixture
def seat(known):
    return known.seat("cnaf", key=run_key_of_test())


def read(seat: Any, path: Any) -> Any:
    return read_records(path, seat.stored.demarche.sheet(), seat.operand)


def view(*uploads: Any) -> Any:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    return RunView(
        run=RUN,
        agreement="00" * 32,
        state=RunState.SENDING,
        opened_at=now,
        deadline=now,
        approvals=(),
        confirmations=2,
        uploads=uploads,
        failure=None,
        progress=Progress(done=0, total=0),
    )


def test_the_worker_reads_exactly_the_rows(seat, people):
    """With the wrapped key, each upload opens to the rows its manifest announces; the row map names each record."""
    worker, shelf = SealingKey.generate(), new_shelf()
    records = read(seat, people)
    made = encode(seat, records, risk=RISK, chunk_bytes=20_000)
    send(seat, shelf, worker.public_bytes())
    assert [plan.name for _, plan in seat.passes()] == [one.name.split("/")[1] for one in made]
    for number, signed in enumerate(shelf.manifests):
        manifest = Manifest.opened(seat.identity.public.signing_key, signed)
        info = upload_key_context(seat.agreement.identifier, RUN, "cnaf.cnam", manifest.pass_, "cnaf")
        key = unseal(worker, manifest.wrapped_key, info)
        chunks = shelf.chunks[str(number)]
        assert [manifest.chunks[at] for at in sorted(chunks)] == [
            hashlib.sha256(chunks[at]).hexdigest() for at in sorted(chunks)
        ]
        last = len(chunks) - 1
        context = chunk_context(manifest)
        rows = b"".join(unseal_chunk(key, context, at, at == last, chunks[at]) for at in sorted(chunks))
        encoded = rows_from_bytes(rows, LENGTH)
        ids, places = next(seat.folder.rows(f"cnaf.cnam/{manifest.pass_}"))
        assert (manifest.count, row_bytes(LENGTH)) == (len(encoded), manifest.row_bytes)
        assert encoded.ids.tolist() == ids.tolist()
        assert len(set(places.tolist())) == len(places)
        fill = np.bitwise_count(encoded.filters).sum() / (encoded.filters.size * 64)
        assert round(1000 * float(fill)) == manifest.mean_fill_permille
    assert list(records.ids) == list(seat.folder.identifiers())


def test_a_cut_is_resumed_with_what_is_missing(seat, people):
    """After a cut anywhere, sending again sends each chunk once and the same manifest."""
    worker, shelf = SealingKey.generate().public_bytes(), new_shelf()
    encode(seat, read(seat, people), risk=RISK, chunk_bytes=10_000)
    for _ in range(3):
        shelf.cut_after = 3
        with pytest.raises(ServiceError, match="E_CONNEXION"):
            send(seat, shelf, worker)
    shelf.cut_after = None
    send(seat, shelf, worker)
    passes = len(list(seat.passes()))
    assert (passes, passes) == (len(shelf.manifests), len(shelf.completed))
    held = {
        one["statement"]["pass"]: (statement_digest(one), len(one["statement"]["chunks"])) for one in shelf.manifests
    }
    assert {f"cnaf.cnam/{name}": upload for name, upload in held.items()} == sent_manifests(seat)


def test_nothing_is_left_on_the_disk_once_held(seat, people):
    """Chunks are destroyed here as soon as the third party holds them."""
    encode(seat, read(seat, people), risk=RISK)
    send(seat, new_shelf(), SealingKey.generate().public_bytes())
    left = {path.name for path in (seat.folder.path / "outbox").rglob("*") if path.is_file()}
    assert {"draft.json", "manifest.json", "held.json"} == left


def test_a_source_keeps_no_row_map(known, people):
    """Only a recipient needs to know which row is whom."""
    seat = known.seat("cnam", key=run_key_of_test())
    encode(seat, read(seat, people), risk=RISK)
    assert not (seat.folder.path / "rows").exists()
    assert not (seat.folder.path / "records.sealed").exists()


def test_sending_before_encoding_is_refused(seat):
    """A pass that is not encoded says which command to run."""
    with pytest.raises(ServiceError, match=r"E_ETAPE.*run encode"):
        send(seat, new_shelf(), SealingKey.generate().public_bytes())


def test_encoding_before_joining_is_refused(known, people):
    """Without a run key nothing is encoded."""
    seat = known.seat("cnaf")
    with pytest.raises(ServiceError, match=r"E_ETAPE.*run join"):
        encode(seat, read(seat, people), risk=RISK)


def test_more_people_than_declared_are_refused(seat, tmp_path):
    """The agreement's size is a ceiling, said before anything is encoded."""
    with pytest.raises(ServiceError, match="E_EFFECTIF_DEPASSE"):
        encode(seat, read(seat, people_csv(tmp_path / "trop.csv", 151)), risk=RISK)


def test_far_fewer_people_than_declared_are_refused(seat, tmp_path):
    """Under four fifths of the agreement's size the extraction is cut short: an absence would mean nothing."""
    with pytest.raises(ServiceError, match="E_EFFECTIF_INSUFFISANT"):
        encode(seat, read(seat, people_csv(tmp_path / "court.csv", 119)), risk=RISK)
    assert len(list(seat.passes())) == len(encode(seat, read(seat, people_csv(tmp_path / "juste.csv", 120)), risk=RISK))


def test_no_path_is_built_from_an_answer(seat, people):
    """A refusal that names other folders touches nothing there."""
    encode(seat, read(seat, people), risk=RISK)
    victim = seat.folder.path.parent / "victim"
    victim.mkdir()
    for name in ("held.json", "manifest.json", "precious"):
        (victim / name).write_bytes(b"{}")
    refused = UploadView(
        comparison="../../victim", pass_=".", party="cnaf", state=UploadState.REFUSED, reason="E_REMPLISSAGE"
    )
    check_refusals(seat, view(refused))
    assert {"held.json", "manifest.json", "precious"} == {path.name for path in victim.iterdir()}


def test_a_lost_answer_leaves_the_receipt_due(seat, people):
    """What the third party took must be in its receipts, whatever answer was lost; what it never answered need not."""
    worker, shelf = SealingKey.generate().public_bytes(), new_shelf()
    encode(seat, read(seat, people), risk=RISK, chunk_bytes=10_000)

    def cut(*_: Any) -> Any:
        raise ServiceError("E_CONNEXION", "coupure")

    steps = {}
    for name in ("announce", "send_chunk", "complete"):
        own = getattr(shelf, name)
        setattr(shelf, name, cut)
        with pytest.raises(ServiceError, match="E_CONNEXION"):
            send(seat, shelf, worker)
        setattr(shelf, name, own)
        steps[name] = sent_manifests(seat)
    [signed] = shelf.manifests
    digest, pieces = statement_digest(signed), len(signed["statement"]["chunks"])
    jour = "cnaf.cnam/jour"
    assert {"announce": {}, "send_chunk": {jour: (digest, None)}, "complete": {jour: (digest, pieces)}} == steps
    refused = UploadView(comparison="cnaf.cnam", pass_="jour", party="cnaf", state=UploadState.REFUSED, reason="E_X")
    assert ["jour"] == [plan.name for _, plan, _ in drop_refused(seat, view(refused))]
    assert {} == sent_manifests(seat)


@pytest.mark.parametrize(
    ("code", "status", "kept"),
    [
        ("E_EFFECTIF_DEPASSE", 422, False),
        ("E_ETAT", 409, True),
        ("E_REQUETE_NON_SIGNEE", 401, True),
        ("E_INDISPONIBLE", 503, True),
        ("E_REPONSE", 422, True),
        ("E_CONNEXION", 422, True),
    ],
)
def test_only_a_refused_manifest_is_given_up(seat, people, code, status, kept):
    """Unless the manifest itself is refused, the third party may hold it: the next try announces the same one."""

    class Refusing(Shelf):
        def announce(self, run: Any, manifest: Any) -> Any:
            raise ServiceError(code, "refus", status)

    encode(seat, read(seat, people), risk=RISK)
    with pytest.raises(ServiceError, match=code):
        send(seat, Refusing(), SealingKey.generate().public_bytes())  # type: ignore[arg-type]
    assert kept == (seat.folder.path / "outbox" / "cnaf.cnam" / "jour" / "manifest.json").exists()


def test_a_refused_upload_is_encoded_again_alone(seat, people, tmp_path):
    """What the third party refused is dropped here; a second encoding makes that pass only, with another key."""
    worker, shelf = SealingKey.generate().public_bytes(), new_shelf()
    encode(seat, read(seat, people), risk=RISK)
    send(seat, shelf, worker)
    refused = UploadView(
        comparison="cnaf.cnam", pass_="noms", party="cnaf", state=UploadState.REFUSED, reason="E_REMPLISSAGE"
    )
    theirs = UploadView(comparison="cnaf.cnam", pass_="jour", party="cnam", state=UploadState.REFUSED, reason="E_X")
    seat.folder.mark("encoded", "2026-11-20T09:30:00Z")
    with pytest.raises(ServiceError, match=r"E_REMPLISSAGE.*run encode"):
        check_refusals(seat, view(theirs, refused))
    assert not seat.folder.done("encoded")
    with pytest.raises(ServiceError, match="E_FICHIER_DIFFERENT"):
        encode(seat, read(seat, people_csv(tmp_path / "autre.csv", 130)), risk=RISK)
    assert [one.name for one in encode(seat, read(seat, people), risk=RISK)] == ["cnaf.cnam/noms"]
    check_refusals(seat, view(theirs, refused))
    send(seat, shelf, worker)
    names = [one.name for _, one in seat.passes()]
    assert [*names, "noms"] == [one["statement"]["pass"] for one in shelf.manifests]


def test_the_worker_key_is_signed_by_the_pinned_third_party(seat, known):
    """A key of somebody else, or of another run, is refused."""
    public = SealingKey.generate().public_bytes()
    signer = known.third_party.signing_key
    own = WorkerKey(agreement=seat.agreement.identifier, run=RUN, sealing_key=public)
    other = WorkerKey(agreement=seat.agreement.identifier, run="ff" * 16, sealing_key=public)
    assert public == open_worker_key(seat, known.third_party.public, own.signed(signer))
    for signed in (other.signed(signer), own.signed(Identity.generate("tiers", "Tiers").signing_key), {}):
        with pytest.raises(ServiceError, match="E_CLE_RAPPROCHEMENT"):
            open_worker_key(seat, known.third_party.public, signed)


def test_an_announced_pass_keeps_its_rows(seat, people, tmp_path):
    """After a cut, encoding again touches only what was never announced: the third party may hold the rest."""
    worker, shelf = SealingKey.generate().public_bytes(), new_shelf()
    encode(seat, read(seat, people), risk=RISK)
    rows = next(seat.folder.rows("cnaf.cnam/jour"))[0].tolist()
    shelf.cut_after = 0
    with pytest.raises(ServiceError, match="E_CONNEXION"):
        send(seat, shelf, worker)
    left = [f"cnaf.cnam/{one.name}" for _, one in seat.passes() if one.name != "jour"]
    assert left == [one.name for one in encode(seat, read(seat, people), risk=RISK)]
    assert rows == next(seat.folder.rows("cnaf.cnam/jour"))[0].tolist()
    with pytest.raises(ServiceError, match="E_FICHIER_DIFFERENT"):
        encode(seat, read(seat, people_csv(tmp_path / "autre.csv", 130)), risk=RISK)


def test_a_refused_manifest_may_be_encoded_again(seat, people):
    """What the third party never accepted is not on its way."""

    class Refusing(Shelf):
        def announce(self, run: Any, manifest: Any) -> Any:
            raise ServiceError("E_REMPLISSAGE", "refus", 422)

    shelf: Any = Refusing()
    encode(seat, read(seat, people), risk=RISK)
    with pytest.raises(ServiceError, match="E_REMPLISSAGE"):
        send(seat, shelf, SealingKey.generate().public_bytes())
    assert len(list(seat.passes())) == len(encode(seat, read(seat, people), risk=RISK))


def test_an_interrupt_leaves_no_half_of_a_pass(seat, people):
    """Stopped in the middle of a pass: what is whole stays, of the other nothing does, and encoding again goes through."""
    records = read(seat, people)

    def stop(done: int, total: int) -> None:
        if done > len(records):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(seat, records, risk=RISK, chunk_bytes=10_000, report=stop)
    first, second = [plan.name for _, plan in seat.passes()][:2]
    outbox, rows = seat.folder.path / "outbox" / "cnaf.cnam", seat.folder.path / "rows" / "cnaf.cnam"
    assert "draft.json" in {path.name for path in (outbox / first).iterdir()}
    assert [] == list((outbox / second).iterdir())
    assert [f"{first}.sealed"] == [path.name for path in rows.iterdir()]
    assert len(list(seat.passes())) == len(encode(seat, records, risk=RISK))


def test_progress_is_told_in_records_and_passes(seat, people):
    """It never goes back and ends at the whole."""
    seen: list[tuple[int, int]] = []
    records = read(seat, people)
    encode(seat, records, risk=RISK, report=lambda done, total: seen.append((done, total)))
    total = len(records) * len(list(seat.passes()))
    assert seen == sorted(seen)
    assert (total, total) == seen[-1]
