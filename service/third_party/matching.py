"""What the worker does with the encodings of a run: open, judge, compare, seal what is disclosed.

Uploads are opened chunk by chunk, a few chunks ahead of their use, and read twice: first judged, then compared. What is opened
lives in memory, within a budget, and is never written anywhere. Uploads are all judged before anything is compared, so that one
answer names every upload to be sent again. Comparing is pure work on two passes; its result leaves this module only as a delivery
sealed to its recipient, beside sizes for the operator.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from crypto.errors import CryptoError
from crypto.sealing import SealingKey, seal, unseal, unseal_chunk
from linkage.batch import Executor
from linkage.blocks import Skew
from linkage.errors import LinkageError
from linkage.linker import MEMORY, check_pieces, link_pieces
from linkage.plan import PassPlan
from linkage.wire import EncodedPass, rows_from_bytes
from service.agreement import MIN_SIZE, Agreement, Comparison
from service.errors import ServiceError
from service.messages import Delivery, Manifest, UploadState, chunk_context, delivery_context, upload_key_context
from service.third_party.disclosure import RecipientLinks, disclose, uses_grey
from service.third_party.parcels import Upload, uploads_of
from service.third_party.site import Site
from service.third_party.store import find_party, stored, unstored

__all__ = [
    "LEAST_PASS_PERCENT",
    "LEAST_SIZE_PERCENT",
    "Compared",
    "Means",
    "Step",
    "compare",
    "judge",
    "open_upload",
    "steps_of",
]

LEAST_PASS_PERCENT = 25  # of its largest pass: one that holds a handful of chosen people is a question about them
LEAST_SIZE_PERCENT = 80  # of the declared size: in a subtraction, a truncated file would award its missing people
_FILL_TOLERANCE_PERMILLE = 2  # rounding, on either side
_AHEAD = 3  # chunks opened ahead of their use, at most 16 MiB each


@dataclass(frozen=True, kw_only=True)
class Means:
    """What the work is done with.

    Attributes:
        memory: bytes to hold of opened rows.
        executor: where rows are compared; the threads of this process when absent.
    """

    memory: int = MEMORY
    executor: Executor | None = None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A pass that was compared.

    Attributes:
        delivery: the signed `Delivery`, as the tables hold it.
        skew: sizes of its blocks, for the operator.
    """

    delivery: bytes
    skew: Skew


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


def judge(
    site: Site, key: SealingKey, steps: list[Step], alive: Callable[[], None], means: Means | None = None
) -> dict[str, str]:
    """Open every upload once and check what is inside.

    Args:
        site: whose.
        key: of the run.
        steps: of the run.
        alive: called between chunks; raises to stop.
        means: to work with.

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
            with closing(_told(open_upload(site, key, upload, step.plan), alive)) as pieces:
                _check_content(pieces, _manifest(upload), step.plan, (means or Means()).memory)
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


def open_upload(site: Site, key: SealingKey, upload: Upload, plan: PassPlan) -> Generator[EncodedPass]:
    """The rows of an upload, chunk by chunk; the next chunks are opened meanwhile, by threads of its own.

    Raises:
        CryptoError: something does not open.
        ServiceError: `E_MORCEAU_ALTERE`, a chunk is gone or is not the one that was received.
        LinkageError: `E_FORMAT_LIGNES`, a chunk does not hold whole rows.
    """
    manifest = _manifest(upload)
    one = manifest
    info = upload_key_context(one.agreement, one.run, one.comparison, one.pass_, one.party)
    upload_key = unseal(key, one.wrapped_key, info)
    context, last = chunk_context(one), len(one.chunks) - 1

    def opened(number: int) -> EncodedPass:
        sealed = site.blobs.read(upload.run, upload.upload, number)
        if sealed is None or hashlib.sha256(sealed).hexdigest() != one.chunks[number]:
            raise ServiceError("E_MORCEAU_ALTERE", "un morceau reçu n'est plus lisible ; envoyez-le de nouveau.")
        return rows_from_bytes(unseal_chunk(upload_key, context, number, number == last, sealed), plan.length)

    with ThreadPoolExecutor(max_workers=_AHEAD, thread_name_prefix="open") as pool:
        coming: deque[Future[EncodedPass]] = deque()
        try:
            for number in range(len(one.chunks)):
                coming.append(pool.submit(opened, number))
                if len(coming) > _AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()


def compare(site: Site, key: SealingKey, step: Step, alive: Callable[[], None], means: Means | None = None) -> Compared:
    """Compare both sides of a pass, and seal to the recipient what it may learn.

    Args:
        site: whose.
        key: of the run.
        step: judged before.
        alive: called during the work; raises to stop.
        means: to work with.

    Raises:
        CryptoError, LinkageError, ServiceError: as `open_upload` and `link_pieces`.
    """
    means = means or Means()
    with (
        closing(_told(open_upload(site, key, step.recipient, step.plan), alive)) as recipient,
        closing(_told(open_upload(site, key, step.source, step.plan), alive)) as source,
    ):
        links = link_pieces(
            recipient,
            source,
            step.plan,
            executor=means.executor,
            memory=means.memory,
            progress=lambda *_: alive(),
        )
    # No row stands in two links, so that a linked row may be named by the place of its link.
    mine = RecipientLinks(rows=np.arange(len(links.left_ids)), strict=links.strict)
    plaintext = disclose(links.left_ids, mine, grey=uses_grey(step.agreement))
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
    return Compared(delivery=stored(delivery.signed(site.identity.signing_key)), skew=links.skew)


def _told(pieces: Generator[EncodedPass], alive: Callable[[], None]) -> Generator[EncodedPass]:
    """The pieces, asking before each whether to go on."""
    with closing(pieces):
        for piece in pieces:
            alive()
            yield piece


def _uploads(steps: list[Step]) -> Iterator[tuple[Step, Upload]]:
    for step in steps:
        yield step, step.recipient
        yield step, step.source


def _manifest(upload: Upload) -> Manifest:
    return Manifest.from_json(unstored(upload.manifest)["statement"])


def _check_content(pieces: Iterator[EncodedPass], manifest: Manifest, plan: PassPlan, memory: int) -> None:
    content = check_pieces(pieces, plan, memory=memory // 2)
    off = abs(content.fill_permille - manifest.mean_fill_permille)
    if content.rows != manifest.count or off > _FILL_TOLERANCE_PERMILLE:
        raise ServiceError("E_CONTENU_MANIFESTE", "le contenu n'est pas celui que le manifeste annonce.")
