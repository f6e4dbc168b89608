"""From records to the third party: encode, seal, keep on disk, send, and go on after a cut.

Encoding is offline. Each pass becomes numbered chunks of whole rows, sealed under a fresh upload key as they are
made: no clear encoding ever lies on the disk. What lies there, and until when, is in `pass_folder`.

Sending asks what is missing and sends that: it can be stopped anywhere and started again. An upload that the
third party refused for its content must be encoded again; passes that were announced are left alone, since it
may hold their rows: that is why a second encoding takes the same file. No path is built from what it answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crypto.errors import CryptoError
from crypto.keys import PublicIdentity, RunKey
from crypto.sealing import seal
from linkage.memory import MEMORY
from linkage.plan import PassPlan
from linkage.wire import ID_BYTES
from service.administration.inbox import OBJECTING
from service.administration.objectors import Attached, sent_in
from service.administration.packing import Packing, pack, planted
from service.administration.pass_folder import PassFolder
from service.administration.run_folder import digest_of
from service.administration.seat import Seat
from service.agreement import Comparison
from service.answers import RunView
from service.errors import ServiceError
from service.messages import Manifest, UploadState, WorkerKey, statement_digest, upload_key_context
from service.risk_terms import RiskClaim

if TYPE_CHECKING:
    from linkage.records import Records
    from service.administration.client import Client

__all__ = [
    "CHUNK_BYTES",
    "Encoded",
    "check_refusals",
    "drop_refused",
    "encode",
    "open_worker_key",
    "send",
    "sent_manifests",
]

CHUNK_BYTES = 8 << 20  # of rows; sealed, it stays under what the third party takes
_UNPROCESSABLE = 422
_UNHEARD = ("E_CONNEXION", "E_REPONSE")  # no answer of the third party, so no refusal
_NOTHING = Attached()
Report = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """One encoded pass, for the agent's eyes.

    Attributes:
        name: ``COMPARISON/PASS``.
        rows: encoded of this party's own records.
        left_aside: records without what this pass divides by.
    """

    name: str
    rows: int
    left_aside: int


def encode(
    seat: Seat,
    records: Records,
    *,
    risk: RiskClaim,
    chunk_bytes: int = CHUNK_BYTES,
    memory: int = MEMORY,
    report: Report | None = None,
    attached: Attached = _NOTHING,
) -> list[Encoded]:
    """Encode all passes that are not on their way yet. No network.

    Args:
        seat: in a joined run.
        records: of this party's file.
        risk: what this party's risk report claims (`service.administration.risk_report`).
        chunk_bytes: plaintext of a chunk at most; whole rows.
        memory: bytes that the process should not exceed.
        report: progress, in records × passes.
        attached: payloads, when the agreement has this party tell one, and who objects.

    Raises:
        ServiceError: `E_ENCODEUR_DIFFERENT`, `E_EFFECTIF_DEPASSE`, `E_EFFECTIF_INSUFFISANT`, `E_FICHIER_DIFFERENT`,
            `E_CHARGE_ABSENTE`, `E_ETAPE`.
        LinkageError: whatever the encoder refuses.
    """
    seat.check_encoder()
    for one in seat.comparisons:
        _run_key(seat, one).wipe()  # all are there
    _check_size(seat, len(records) - (0 if attached.undecided is None else int(attached.undecided.sum())))
    _check_same_file(seat, records)
    tells = any(one.payload_bytes and one.source == seat.party for one in seat.comparisons)
    if tells and len(attached.payloads) != len(records):
        raise ServiceError("E_CHARGE_ABSENTE", "la convention prévoit une charge utile : elle manque dans ce fichier")
    if seat.receives:
        seat.folder.write_identifiers(records.ids)
        _note_objections(seat, attached)
    left = [(one, plan) for one, plan in seat.passes() if not _folder(seat, one, plan).is_signed]
    made: list[Encoded] = []
    for comparison in seat.comparisons:
        passes = tuple(plan for one, plan in left if one.id == comparison.id)
        if not passes:
            continue
        one = replace(comparison, plan=replace(comparison.plan, passes=passes))
        with _run_key(seat, one) as key:
            sent = sent_in(seat, one, records, attached)
            together, known, canaries = planted(seat, one, sent.records, key)
            added = len(records) + np.arange(len(together) - len(sent.records))
            packing = Packing(
                comparison=one, records=together, own=len(sent.records), controls=known, canaries=canaries, key=key,
                payloads=sent.payloads, numbers=np.concatenate([sent.numbers, added]), chunk_bytes=chunk_bytes, risk=risk,
            )  # fmt: skip
            made += _packed(seat, packing, memory, (report, len(made), len(left)))
    return made


def _note_objections(seat: Seat, attached: Attached) -> None:
    """Keep who may be no hit until the hits are there; a file that is encoded again says it anew."""
    numbers = attached.withheld
    with seat.folder.row_map(OBJECTING) as add:
        add(np.zeros((len(numbers), ID_BYTES), dtype=np.uint8), numbers)


def _packed(seat: Seat, packing: Packing, memory: int, telling: tuple[Report | None, int, int]) -> list[Encoded]:
    """The passes of one comparison, in their folders; `telling` is a report, passes that are done, and all of them."""
    report, done, passes = telling
    from linkage.stream import stream_passes  # noqa: PLC0415 - compiled code: only where people are encoded

    made: list[Encoded] = []
    sheet = seat.sheet_of(packing.comparison)
    with closing(stream_passes(packing.records, sheet, packing.comparison.plan, packing.key, memory=memory)) as streams:
        for stream in streams:
            told = _share(report, done + len(made), passes, packing.own, packing.count(stream))
            own = pack(seat, packing, stream, told)
            name = f"{packing.comparison.id}/{stream.plan.name}"
            made.append(Encoded(name=name, rows=own, left_aside=packing.own - own))
    return made


def _share(report: Report | None, done: int, passes: int, records: int, count: int) -> Callable[[int], None]:
    """Rows of a pass, of so many, as progress in records × passes."""

    def told(rows: int) -> None:
        if report:
            report(done * records + (records * rows // count if count else records), passes * records)

    return told


def send(seat: Seat, client: Client, worker: bytes, *, report: Report | None = None) -> None:
    """Send every pass that the third party does not hold: only the chunks it lacks.

    Args:
        seat: in a run whose passes are encoded.
        client: connected.
        worker: the checked public sealing key of the run's worker.
        report: progress, in chunks.

    Raises:
        ServiceError: `E_ETAPE` when a pass is not encoded; whatever the third party refuses.
    """
    waiting = [one for one in (_folder(seat, *one) for one in seat.passes()) if not one.held]
    drafts = [_draft(seat, folder) for folder in waiting]
    told = _counted(report, sum(len(draft.chunks) for draft in drafts))
    for folder, draft in zip(waiting, drafts, strict=True):
        signed = _signed_manifest(seat, folder, draft, worker)
        upload = _announce(seat, client, folder, signed)
        missing = sorted(set(range(len(draft.chunks))) & set(client.upload(seat.run, upload).missing))
        told(len(draft.chunks) - len(missing))
        client.send_chunks(seat.run, upload, missing, folder.sealed, told)
        folder.reached("complete")  # before: the answer may be lost
        client.complete(seat.run, upload)
        folder.hand_over(signed, len(draft.chunks))


def _counted(report: Report | None, total: int) -> Callable[[int], None]:
    """Progress that is told what more was done."""
    done = 0

    def told(more: int) -> None:
        nonlocal done
        done += more
        if report:
            report(done, total)

    return told


def open_worker_key(seat: Seat, third_party: PublicIdentity, signed: object) -> bytes:
    """The public key of the run's worker, signed by the pinned third party.

    Raises:
        ServiceError: `E_CLE_RAPPROCHEMENT`.
    """
    try:
        one = WorkerKey.opened(third_party.signing_key, signed)
    except (CryptoError, ServiceError) as error:
        sentence = "la clé de rapprochement n'est pas signée par le tiers de confiance épinglé ; n'envoyez rien"
        raise ServiceError("E_CLE_RAPPROCHEMENT", sentence) from error
    if (one.agreement, one.run) != (seat.agreement.identifier, seat.run):
        raise ServiceError("E_CLE_RAPPROCHEMENT", "la clé de rapprochement reçue est celle d'un autre croisement")
    return one.sealing_key


def check_refusals(seat: Seat, view: RunView) -> None:
    """Give up an upload that the third party refused: it must be encoded again.

    Raises:
        ServiceError: the code of the refusal, with what to do.
    """
    refused = drop_refused(seat, view)
    for comparison, plan, reason in refused[:1]:
        seat.folder.undo("encoded", "sent")
        sentence = (
            f"l'envoi de la passe « {plan.name} » ({comparison.id}) a été refusé pour son contenu ; vérifiez le "
            f"fichier, puis relancez : allervers run encode {seat.run} FICHIER et run send {seat.run}"
        )
        raise ServiceError(reason, sentence)


def drop_refused(seat: Seat, view: RunView) -> list[tuple[Comparison, PassPlan, str]]:
    """Destroy here the uploads that the third party refused, and destroyed there.

    Returns:
        Their comparison, their pass and the code of the refusal.
    """
    reasons = {
        (one.comparison, one.pass_): one.reason or "E_ENVOI_REFUSE"
        for one in view.uploads
        if one.party == seat.party and one.state is UploadState.REFUSED
    }
    refused = []
    for comparison, plan in seat.passes():
        reason = reasons.get((comparison.id, plan.name))
        folder = _folder(seat, comparison, plan)
        kept = folder.manifest()
        # Otherwise it was encoded again since, and sending replaces it.
        if reason is not None and kept is not None and kept["stage"] == "complete":
            folder.clear()
            refused.append((comparison, plan, reason))
    return refused


def sent_manifests(seat: Seat) -> dict[str, tuple[str, int | None]]:
    """What the third party has of this party, or must have had: every pass whose manifest it took.

    Returns:
        ``COMPARISON/PASS`` → (digest of the signed manifest, chunks; None when only some were sent).
    """
    found: dict[str, tuple[str, int | None]] = {}
    for comparison, plan in seat.passes():
        kept = _folder(seat, comparison, plan).manifest()
        if kept is not None and kept["stage"] != "signed":
            pieces = len(kept["signed"]["statement"]["chunks"]) if kept["stage"] == "complete" else None
            found[f"{comparison.id}/{plan.name}"] = (statement_digest(kept["signed"]), pieces)
    return found


def _run_key(seat: Seat, comparison: Comparison) -> RunKey:
    key = seat.folder.secret("key", comparison.id)
    if key is None:
        raise ServiceError("E_ETAPE", f"les clés de ce croisement manquent : allervers run join {seat.run}")
    return RunKey(key)


def _check_size(seat: Seat, people: int) -> None:
    """Hold the people whom the selection has chosen to what the agreement declares."""
    sides = [
        (one.sizes.recipient, seat.agreement.guards.recipient)
        if one.recipient == seat.party
        else (one.sizes.source, seat.agreement.guards.source)
        for one in seat.comparisons
        if one.recipient == seat.party or not one.of_objections
    ]
    declared = sides[0][0]  # the same on every side
    if people > declared:
        sentence = (
            f"le fichier compte {people} personnes et la convention en déclare {declared} au plus ; corrigez "
            "la sélection ou concluez une nouvelle convention"
        )
        raise ServiceError("E_EFFECTIF_DEPASSE", sentence)
    guards = seat.agreement.guards
    if people < guards.least_rows:
        sentence = f"le fichier compte moins de {guards.least_rows} personnes, le moins que la convention permet"
        raise ServiceError("E_EFFECTIF_FAIBLE", sentence)
    least = max(tolerance.shortest for _, tolerance in sides)
    if 100 * people < least * declared:
        sentence = (
            f"le fichier compte {people} personnes, moins de {least} % des {declared} que la convention "
            "déclare ; complétez l'extraction ou concluez une nouvelle convention"
        )
        raise ServiceError("E_EFFECTIF_INSUFFISANT", sentence)


def _check_same_file(seat: Seat, records: Records) -> None:
    digest = digest_of(records.ids)
    known = seat.folder.secret("records", "digest")
    if known not in (None, digest) and any(_folder(seat, *one).is_signed for one in seat.passes()):
        sentence = (
            "une partie d'un autre fichier est déjà envoyée : reprenez ce fichier, ou annulez le croisement "
            f"(allervers run cancel {seat.run}) et ouvrez-en un autre"
        )
        raise ServiceError("E_FICHIER_DIFFERENT", sentence)
    seat.folder.keep_secrets("records", {"digest": digest})


def _folder(seat: Seat, comparison: Comparison, plan: PassPlan) -> PassFolder:
    return PassFolder(seat.folder, comparison.id, plan.name)


def _draft(seat: Seat, folder: PassFolder) -> Manifest:
    draft = folder.draft()
    if draft is None:
        sentence = f"la passe « {folder.name} » n'est pas encodée : allervers run encode {seat.run} FICHIER"
        raise ServiceError("E_ETAPE", sentence)
    return draft


def _signed_manifest(seat: Seat, folder: PassFolder, draft: Manifest, worker: bytes) -> dict[str, Any]:
    """The manifest as it was first signed for this worker: wrapping is random, and must not change on a second try."""
    kept, digest = folder.manifest(), hashlib.sha256(worker).hexdigest()
    if kept is not None and kept["worker"] == digest:
        signed: dict[str, Any] = kept["signed"]
        return signed
    key = seat.folder.secret("upload", f"{folder.comparison}/{folder.name}")
    if key is None:
        raise ServiceError("E_ETAPE", f"la clé d'envoi manque : allervers run encode {seat.run} FICHIER")
    info = upload_key_context(seat.agreement.identifier, seat.run, folder.comparison, folder.name, seat.party)
    fresh = replace(draft, wrapped_key=seal(worker, key, info)).signed(seat.identity.signing_key)
    folder.keep_manifest(digest, fresh, "signed")
    return fresh


def _announce(seat: Seat, client: Client, folder: PassFolder, signed: dict[str, Any]) -> str:
    try:
        upload = client.announce(seat.run, signed)
    except ServiceError as error:
        kept = folder.manifest()
        itself = error.status == _UNPROCESSABLE and error.code not in _UNHEARD
        if itself and kept is not None and kept["stage"] == "signed":
            folder.withdraw()  # it was refused, never taken
        raise
    folder.reached("announced")
    return upload
