"""Uploads and deliveries as requests: a manifest, numbered chunks in any order, the end; later, what waits for a recipient.

A chunk is immutable: its digest is in the manifest that the party signed, so sending it again changes nothing
and sending another is refused. A chunk is acknowledged only when its file is on the disk and its row
committed. The third party's web half sees ciphertext, counts and digests; what is inside is the worker's to
judge.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from crypto.sealing import CHUNK_OVERHEAD, SEAL_OVERHEAD
from linkage.plan import PassPlan
from linkage.wire import payload_width, row_bytes
from service.agreement import Agreement, Sizes
from service.answers import DeliveryName, UploadStatus
from service.errors import ServiceError, absent
from service.messages import MAX_CHUNK_BYTES, Manifest, UploadState, statement_digest
from service.third_party import sealed_deliveries
from service.third_party.authentication import Caller
from service.third_party.jobs import submit
from service.third_party.lifecycle import Action, Event, expected_uploads
from service.third_party.parcels import (
    Upload,
    add_chunk,
    add_upload,
    deliveries_of,
    drop_upload,
    find_upload,
    held_bytes,
    held_chunks,
    holds_chunk,
    live_uploads,
    set_upload,
    uploads_of,
)
from service.third_party.run_store import Run, set_run
from service.third_party.runs import load_for, move, open_statement_of, own_comparison
from service.third_party.site import Site
from service.third_party.store import stored, unstored
from service.upload_appendix import APPENDIX_BYTES

__all__ = [
    "ExpectedChunk",
    "complete",
    "declare",
    "expect_chunk",
    "list_deliveries",
    "put_chunk",
    "read_delivery",
    "status",
]

# A file may differ a little from the size that was declared when the agreement was signed; a file that is much larger
# would break the bounds on random links and on blocks that the plan was computed for.
_TOLERANCE_PERCENT = 20
_KEY_BYTES = 32  # of an upload key


@dataclass(frozen=True, kw_only=True)
class ExpectedChunk:
    """What a chunk must be, known before its body is read."""

    upload: Upload
    number: int
    digest: str
    held: bool
    room: int  # bytes that the manifest still announces


def declare(site: Site, caller: Caller, run_id: str, signed: object) -> str:
    """Store the manifest of an upload; the same manifest again gives the same upload.

    An upload that is not complete, or was refused, is replaced by another manifest and its chunks are
    dropped.

    Returns:
        The upload's identifier.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`, `E_MESSAGE`, `E_EFFECTIF_DEPASSE`, `E_DEJA_DEPOSE`,
            `E_RAPPORT_RISQUE_ABSENT`, `E_RAPPORT_RISQUE_DIFFERENT`, `E_RAPPORT_RISQUE_ANCIEN`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.DECLARE_UPLOAD)
        manifest = open_statement_of(connection, Manifest, caller, signed, run)
        _check_manifest(agreement, manifest, caller, site.clock())
        data = stored(signed if isinstance(signed, dict) else {})
        old = find_upload(connection, run_id, manifest.comparison, manifest.pass_, caller.party)
        if old is not None:
            if old.manifest == data and old.state != UploadState.REFUSED:
                return old.upload
            if old.state == UploadState.COMPLETE:
                sentence = "un autre envoi complet est déjà déposé pour cette passe."
                raise ServiceError("E_DEJA_DEPOSE", sentence, 409)
            drop_upload(connection, old.upload)
        upload = Upload(
            upload=secrets.token_hex(16),
            run=run_id,
            comparison=manifest.comparison,
            pass_=manifest.pass_,
            party=caller.party,
            state=UploadState.RECEIVING,
            reason=None,
            manifest=data,
        )
        add_upload(connection, upload)
        _record(site, connection, caller.party, "upload_declared", upload, run)
    if old is not None:
        # A crash here leaves files that no row names; the sweep drops them.
        site.blobs.drop_upload(run_id, old.upload)
    return upload.upload


def status(site: Site, caller: Caller, run_id: str, upload_id: str) -> UploadStatus:
    """The state of the caller's own upload, and the chunks still to send.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`.
    """
    with site.database.read() as connection:
        load_for(site, connection, caller, run_id, Action.READ_UPLOAD)
        upload = _own(connection, caller, run_id, upload_id)
        return UploadStatus(state=upload.state, missing=tuple(_missing(connection, upload)))


def expect_chunk(site: Site, caller: Caller, run_id: str, upload_id: str, number: str) -> ExpectedChunk:
    """What the chunk of a request must be.

    Raises:
        ServiceError: `E_INTROUVABLE`, also for a number that is not in the manifest; `E_ETAT`.
    """
    with site.database.read() as connection:
        load_for(site, connection, caller, run_id, Action.SEND_CHUNK)
        upload = _own(connection, caller, run_id, upload_id)
        _check_not_refused(upload)
        digests = _manifest(upload).chunks
        place = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else len(digests)
        if place >= len(digests) or str(place) != number:
            raise absent()
        held = holds_chunk(connection, upload_id, place)
        room = _room(connection, upload)
    return ExpectedChunk(upload=upload, number=place, digest=digests[place], held=held, room=room)


def put_chunk(site: Site, caller: Caller, chunk: ExpectedChunk, data: bytes, digest: str | None = None) -> None:
    """Store a chunk; storing it again changes nothing.

    Args:
        site: the third party.
        caller: whose upload.
        chunk: what it must be.
        data: its bytes.
        digest: their SHA-256 in hexadecimal, when they were already held to it.

    Raises:
        ServiceError: `E_MORCEAU_ALTERE`, not the chunk of the manifest; `E_CORPS_TROP_GRAND`, more bytes than
        the manifest
            announces rows for; `E_ETAT`, the run moved on meanwhile.
        OSError: the disk refused.
    """
    if (digest or hashlib.sha256(data).hexdigest()) != chunk.digest:
        sentence = "ce morceau n'est pas celui que le manifeste annonce ; envoyez-le de nouveau."
        raise ServiceError("E_MORCEAU_ALTERE", sentence)
    if chunk.held:
        return
    run_id, upload_id = chunk.upload.run, chunk.upload.upload
    _check_room(chunk.room, data)  # before the disk is asked for anything
    site.blobs.write(run_id, upload_id, chunk.number, data)
    # A crash here leaves a file that no row names: the party sends the chunk again and the file is replaced.
    try:
        with site.database.write() as connection:
            load_for(site, connection, caller, run_id, Action.SEND_CHUNK)
            _keep_chunk(connection, _own(connection, caller, run_id, upload_id), chunk.number, data)
    except ServiceError:
        with site.database.read() as connection:
            live = (run_id, upload_id) in live_uploads(connection)
        if not live:
            # The run was ended, or the upload replaced, while this chunk was being written.
            site.blobs.drop_upload(run_id, upload_id)
        raise


def _keep_chunk(connection: Connection, upload: Upload, number: int, data: bytes) -> None:
    _check_not_refused(upload)
    if holds_chunk(connection, upload.upload, number):
        return
    _check_room(_room(connection, upload), data)
    add_chunk(connection, upload.upload, number, len(data))


def _room(connection: Connection, upload: Upload) -> int:
    return _sealed_bytes(_manifest(upload)) - held_bytes(connection, upload.upload)


def _check_room(room: int, data: bytes) -> None:
    if len(data) > room:
        sentence = "les morceaux dépassent ce que le manifeste annonce ; recommencez l'envoi."
        raise ServiceError("E_CORPS_TROP_GRAND", sentence, 413)


def complete(site: Site, caller: Caller, run_id: str, upload_id: str) -> UploadStatus:
    """End an upload; the last one of the run asks for the matching.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`, `E_MORCEAUX_MANQUANTS` (409), `E_CONTENU_MANIFESTE`.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.COMPLETE_UPLOAD)
        upload = _own(connection, caller, run_id, upload_id)
        _check_not_refused(upload)
        if upload.state == UploadState.RECEIVING:
            if missing := _missing(connection, upload):
                sentence = f"il manque {len(missing)} morceau(x) ; envoyez-les puis terminez de nouveau."
                raise ServiceError("E_MORCEAUX_MANQUANTS", sentence, 409)
            if held_bytes(connection, upload_id) != _sealed_bytes(_manifest(upload)):
                sentence = "les morceaux ne contiennent pas le nombre de lignes annoncé ; recommencez l'envoi."
                raise ServiceError("E_CONTENU_MANIFESTE", sentence)
            set_upload(connection, upload_id, UploadState.COMPLETE)
            set_run(connection, run_id, received=True)
            _record(site, connection, caller.party, "upload_complete", upload, run)
            if _all_complete(connection, run_id, agreement):
                move(site, connection, run, Event.COMPLETED, site.party)
                submit(connection, run_id)
    return UploadStatus(state=UploadState.COMPLETE, missing=())


def list_deliveries(site: Site, caller: Caller, run_id: str) -> list[DeliveryName]:
    """The deliveries that wait for the caller.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`.
    """
    with site.database.read() as connection:
        load_for(site, connection, caller, run_id, Action.LIST_DELIVERIES)
        names = deliveries_of(connection, run_id, caller.party)
    return [DeliveryName(comparison=comparison, pass_=pass_name) for comparison, pass_name, _ in names]


def read_delivery(site: Site, caller: Caller, run_id: str, comparison: str, pass_name: str) -> dict[str, Any]:
    """One signed delivery of the caller.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`.
    """
    names = (comparison, pass_name, caller.party)
    with site.database.read() as connection:
        run, _ = load_for(site, connection, caller, run_id, Action.READ_DELIVERY)
        if names not in deliveries_of(connection, run_id, caller.party):
            raise absent()
        signed = unstored(sealed_deliveries.statement(site, connection, run_id, names))
    about = {"agreement": run.agreement, "run": run_id, "digest": statement_digest(signed)}
    with site.database.write() as connection:  # who took what is told before it is given
        site.record(connection, caller.party, "delivery_fetched", **about)
    return signed


def _own(connection: Connection, caller: Caller, run_id: str, upload_id: str) -> Upload:
    found = uploads_of(connection, run_id, upload_id)
    if not found or found[0].party != caller.party:
        raise absent()
    return found[0]


def _manifest(upload: Upload) -> Manifest:
    return _read_manifest(upload.manifest)


@lru_cache(maxsize=16)
def _read_manifest(data: bytes) -> Manifest:
    # Immutable, of digests only, and read at each chunk: thousands of digests each time.
    return Manifest.from_json(unstored(data)["statement"])


def _missing(connection: Connection, upload: Upload) -> list[int]:
    held = held_chunks(connection, upload.upload)
    return [number for number in range(len(_manifest(upload).chunks)) if number not in held]


def _sealed_bytes(manifest: Manifest) -> int:
    return manifest.count * manifest.row_bytes + len(manifest.chunks) * CHUNK_OVERHEAD


def _all_complete(connection: Connection, run_id: str, agreement: Agreement) -> bool:
    done = {
        (one.comparison, one.pass_, one.party)
        for one in uploads_of(connection, run_id)
        if one.state == UploadState.COMPLETE
    }
    return done == expected_uploads(agreement)


def _check_not_refused(upload: Upload) -> None:
    if upload.state == UploadState.REFUSED:
        sentence = "cet envoi a été refusé ; encodez de nouveau et déposez un nouveau manifeste."
        raise ServiceError("E_ETAT", sentence, 409)


def _check_manifest(agreement: Agreement, manifest: Manifest, caller: Caller, now: datetime) -> None:
    comparison = own_comparison(agreement, manifest.comparison, caller)
    plan = comparison.pass_plan(manifest.pass_)
    if plan is None:
        raise absent()
    role = "recipient" if caller.party == comparison.recipient else "source"
    _check(manifest.role == role, "role", "le rôle n'est pas celui de la convention")
    _check_risk(agreement, manifest, now)
    payload = payload_width(comparison.payload_bytes) if role == "source" else 0
    _check_shape(manifest, plan, payload)
    declared = _declared(comparison.sizes, role)
    # Controls stand in both files, canaries in the source's, which alone knows how many.
    invented = agreement.controls + (agreement.guards.canaries if role == "source" else 0)
    if (manifest.count - invented) * 100 > declared * (100 + _TOLERANCE_PERCENT):
        sentence = (
            f"le fichier dépasse de plus de {_TOLERANCE_PERCENT} % l'effectif déclaré dans la convention ; "
            "réduisez-le ou signez une convention avec le bon effectif."
        )
        raise ServiceError("E_EFFECTIF_DEPASSE", sentence, source={"pointer": "/statement/count"})


def _check_risk(agreement: Agreement, manifest: Manifest, now: datetime) -> None:
    """What the sender says of its risk report, held to the profile and to the largest size that it declares."""
    risk, where = manifest.risk, {"pointer": "/statement/risk"}
    if risk is None:
        sentence = "cet envoi n'a pas de rapport de risque : lancez « allervers risk » sur le fichier, puis encodez."
        raise ServiceError("E_RAPPORT_RISQUE_ABSENT", sentence, source=where)
    if lacking := risk.lacks(agreement.profile, agreement.declared(manifest.party)):
        sentence = f"le rapport de risque ne vaut pas pour cette convention ({', '.join(lacking)}) : refaites-le."
        raise ServiceError("E_RAPPORT_RISQUE_DIFFERENT", sentence, source=where)
    if not risk.is_current(now):
        raise ServiceError(
            "E_RAPPORT_RISQUE_ANCIEN", "le rapport de risque a plus d'un an : refaites-le.", source=where
        )


def _check_shape(manifest: Manifest, plan: PassPlan, payload: int) -> None:
    size = row_bytes(plan.length, payload)
    _check(manifest.row_bytes == size, "row_bytes", f"une ligne de cette passe a {size} octets")
    pieces = len(manifest.chunks)
    rows = (MAX_CHUNK_BYTES - CHUNK_OVERHEAD) // size  # of the largest chunk
    # A pass that no record enters is one empty chunk.
    least, most = max(1, -(-manifest.count // rows)), max(1, manifest.count)
    _check(least <= pieces <= most, "chunks", "le nombre de morceaux ne convient pas")
    _check(len(manifest.appendix) == APPENDIX_BYTES, "appendix", "l'annexe n'a pas la taille de toutes les annexes")
    _check(len(manifest.wrapped_key) == _KEY_BYTES + SEAL_OVERHEAD, "wrapped_key", "la clé d'envoi est mal scellée")


def _declared(sizes: Sizes, role: str) -> int:
    return sizes.recipient if role == "recipient" else sizes.source


def _check(condition: bool, member: str, sentence: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise ServiceError("E_MESSAGE", f"{sentence}.", source={"pointer": f"/statement/{member}"})


def _record(site: Site, connection: Connection, actor: str, action: str, upload: Upload, run: Run) -> None:
    digest = statement_digest(unstored(upload.manifest))
    site.record(connection, actor, action, agreement=run.agreement, run=run.run, digest=digest)
