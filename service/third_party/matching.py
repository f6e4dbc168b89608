"""What the worker does with the encodings of a run: open, judge, compare, seal what is disclosed.

An opened pass lives in memory while it is used and is never written anywhere. Uploads are all judged before
anything is compared, so that one answer names every upload to be sent again. Comparing is pure work on two
passes; its result leaves this module only as a delivery sealed to its recipient.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from crypto.errors import CryptoError
from crypto.sealing import SealingKey, seal, unseal, unseal_chunk
from linkage.errors import LinkageError
from linkage.linker import check_pass, link_pass
from linkage.plan import PassPlan
from linkage.wire import EncodedPass, rows_from_bytes
from service.agreement import MIN_SIZE, Agreement, Comparison
from service.errors import ServiceError
from service.messages import Delivery, Manifest, UploadState, chunk_context, delivery_context, upload_key_context
from service.third_party.disclosure import RecipientLinks, disclose, uses_grey
from service.third_party.parcels import Upload, uploads_of
from service.third_party.site import Site
from service.third_party.store import find_party, stored, unstored

__all__ = ["LEAST_PASS_PERCENT", "LEAST_SIZE_PERCENT", "Step", "compare", "judge", "open_upload", "steps_of"]

LEAST_PASS_PERCENT = 25  # of its largest pass: one that holds a handful of chosen people is a question about them
LEAST_SIZE_PERCENT = 80  # of the declared size: in a subtraction, a truncated file would award its missing people
_FILL_TOLERANCE_PERMILLE = 2  # rounding, on either side


@dataclass(frozen=True, kw_only=True)
class Step:
    """One pass of one comparison of a run, with both uploads."""

    agreement: Agreement
    run: str
    comparison: Comparison
    plan: PassPlan
    recipient: Upload
    source: Upload

    @property
    def name(self) -> tuple[str, str]:
        """(comparison, pass)."""
        return self.comparison.id, self.plan.name


def steps_of(site: Site, run: str, agreement: Agreement) -> list[Step]:
    """The passes of a run whose uploads are complete, in a fixed order."""
    with site.database.read() as connection:
        held = {(one.comparison, one.pass_, one.party): one for one in uploads_of(connection, run)}
    complete = {name: one for name, one in held.items() if one.state == UploadState.COMPLETE}
    return [
        Step(agreement=agreement, run=run, comparison=one, plan=plan, recipient=recipient, source=source)
        for one in agreement.comparisons
        for plan in one.plan.passes
        if (recipient := complete.get((one.id, plan.name, one.recipient)))
        and (source := complete.get((one.id, plan.name, one.source)))
    ]


def judge(site: Site, key: SealingKey, steps: list[Step], alive: Callable[[], None]) -> dict[str, str]:
    """Open every upload once and check what is inside.

    Args:
        site: whose.
        key: of the run.
        steps: of the run.
        alive: called between uploads; raises to stop.

    Returns:
        Upload identifier → code, for each upload that must be sent again.
    """
    refused: dict[str, str] = {}
    largest: dict[tuple[str, str], int] = {}
    for step, upload in _uploads(steps):
        alive()
        side = (upload.comparison, upload.party)
        largest[side] = max(largest.get(side, 0), _manifest(upload).count)
        try:
            _check_content(open_upload(site, key, upload, step.plan), _manifest(upload), step.plan)
        except (CryptoError, LinkageError, ServiceError) as error:
            refused[upload.upload] = error.code
    for step, upload in _uploads(steps):
        most, declared = largest[upload.comparison, upload.party], _declared(step, upload)
        if most < MIN_SIZE or 100 * _manifest(upload).count < LEAST_PASS_PERCENT * most:
            refused.setdefault(upload.upload, "E_EFFECTIF_FAIBLE")
        elif 100 * most < LEAST_SIZE_PERCENT * declared:
            refused.setdefault(upload.upload, "E_EFFECTIF_INSUFFISANT")
    return refused


def _declared(step: Step, upload: Upload) -> int:
    sizes = step.comparison.sizes
    return sizes.recipient if upload.party == step.comparison.recipient else sizes.source


def open_upload(site: Site, key: SealingKey, upload: Upload, plan: PassPlan) -> EncodedPass:
    """The rows of an upload.

    Raises:
        CryptoError: something does not open.
        ServiceError: `E_MORCEAU_ALTERE`, a chunk is gone or is not the one that was received.
        LinkageError: the bytes are not whole rows.
    """
    manifest = _manifest(upload)
    one = manifest
    info = upload_key_context(one.agreement, one.run, one.comparison, one.pass_, one.party)
    upload_key = unseal(key, one.wrapped_key, info)
    context, rows = chunk_context(one), bytearray()
    for number, digest in enumerate(one.chunks):
        sealed = site.blobs.read(upload.run, upload.upload, number)
        if sealed is None or hashlib.sha256(sealed).hexdigest() != digest:
            raise ServiceError("E_MORCEAU_ALTERE", "un morceau reçu n'est plus lisible ; envoyez-le de nouveau.")
        rows += unseal_chunk(upload_key, context, number, number == len(one.chunks) - 1, sealed)
    return rows_from_bytes(bytes(rows), plan.length)


def compare(site: Site, key: SealingKey, step: Step, alive: Callable[[], None]) -> bytes:
    """Compare both sides of a pass, and seal to the recipient what it may learn.

    Args:
        site: whose.
        key: of the run.
        step: judged before.
        alive: called during the work; raises to stop.

    Returns:
        The signed `Delivery`, as the tables hold it.

    Raises:
        CryptoError, LinkageError, ServiceError: as `open_upload` and `link_pass`.
    """
    recipient = open_upload(site, key, step.recipient, step.plan)
    source = open_upload(site, key, step.source, step.plan)
    links = link_pass(recipient, source, step.plan, progress=lambda *_: alive())
    mine = RecipientLinks(rows=links.left_rows, strict=links.strict)
    plaintext = disclose(recipient.ids, mine, grey=uses_grey(step.agreement))
    with site.database.read() as connection:
        receiver = find_party(connection, step.comparison.recipient)
    if receiver is None:
        raise ServiceError("E_PARTIE_INCONNUE", "le destinataire n'est plus inscrit.")
    names = (step.agreement.identifier, step.run, *step.name, receiver.party)
    delivery = Delivery(
        agreement=step.agreement.identifier,
        run=step.run,
        comparison=step.comparison.id,
        pass_=step.plan.name,
        recipient=receiver.party,
        sealed=seal(receiver.sealing_key, plaintext, delivery_context(*names)),
    )
    return stored(delivery.signed(site.identity.signing_key))


def _uploads(steps: list[Step]) -> Iterator[tuple[Step, Upload]]:
    for step in steps:
        yield step, step.recipient
        yield step, step.source


def _manifest(upload: Upload) -> Manifest:
    return Manifest.from_json(unstored(upload.manifest)["statement"])


def _check_content(encoded: EncodedPass, manifest: Manifest, plan: PassPlan) -> None:
    check_pass(encoded, plan)
    fill = round(1000 * float(np.bitwise_count(encoded.filters).mean()) / 64) if len(encoded) else 0
    if len(encoded) != manifest.count or abs(fill - manifest.mean_fill_permille) > _FILL_TOLERANCE_PERMILLE:
        raise ServiceError("E_CONTENU_MANIFESTE", "le contenu n'est pas celui que le manifeste annonce.")
