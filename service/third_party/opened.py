"""Uploads opened by the worker: chunk by chunk, a few chunks ahead of their use, from any chunk on.

What is opened lives in memory and is never written anywhere.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crypto.sealing import SealingKey, unseal, unseal_chunk
from linkage.plan import PassPlan
from linkage.wire import EncodedPass, payloads_from_bytes, row_bytes, rows_from_bytes
from service.errors import ServiceError
from service.messages import Manifest, chunk_context, upload_key_context
from service.third_party.bait import without
from service.third_party.parcels import Upload
from service.third_party.site import Site
from service.third_party.store import unstored
from service.upload_appendix import open_appendix

__all__ = [
    "OpenedUpload",
    "canaries_of",
    "manifest_of",
    "open_payloads",
    "open_upload",
    "payload_of",
    "told",
    "upload_key_of",
]

_T = TypeVar("_T")

_AHEAD = 3  # chunks opened ahead of their use, at most 16 MiB each


def open_upload(site: Site, key: SealingKey, upload: Upload, plan: PassPlan, first: int = 0) -> Generator[EncodedPass]:
    """The rows of an upload, chunk by chunk; the next chunks are opened meanwhile, by threads of its own.

    Args:
        site: whose.
        key: of the run.
        upload: complete.
        plan: of its pass.
        first: chunk to begin with.

    Raises:
        CryptoError: something does not open.
        ServiceError: `E_MORCEAU_ALTERE`, a chunk is gone or is not the one that was received.
        LinkageError: `E_FORMAT_LIGNES`, a chunk does not hold whole rows.
    """
    payload = payload_of(upload, plan)
    return _chunks(site, key, upload, lambda data: rows_from_bytes(data, plan.length, payload), first)


def open_payloads(
    site: Site, key: SealingKey, upload: Upload, plan: PassPlan
) -> Generator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """The row ids and sealed payloads of an upload, chunk by chunk; arguments and refusals as `open_upload`."""
    payload = payload_of(upload, plan)

    def read(data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        return rows_from_bytes(data, plan.length, payload).ids, payloads_from_bytes(data, plan.length, payload)

    return _chunks(site, key, upload, read, 0)


def payload_of(upload: Upload, plan: PassPlan) -> int:
    """Bytes of each row after its filter: what the third party checked against the agreement when it was declared."""
    return manifest_of(upload).row_bytes - row_bytes(plan.length)


def _chunks(site: Site, key: SealingKey, upload: Upload, read: Callable[[bytes], _T], first: int) -> Generator[_T]:
    manifest = manifest_of(upload)
    one, upload_key = manifest, _upload_key(key, manifest)
    context, last = chunk_context(one), len(one.chunks) - 1

    def opened(number: int) -> _T:
        sealed = site.blobs.read(upload.run, upload.upload, number)
        if sealed is None or hashlib.sha256(sealed).hexdigest() != one.chunks[number]:
            raise ServiceError("E_MORCEAU_ALTERE", "un morceau reçu n'est plus lisible ; envoyez-le de nouveau.")
        return read(unseal_chunk(upload_key, context, number, number == last, sealed))

    with ThreadPoolExecutor(max_workers=_AHEAD, thread_name_prefix="open") as pool:
        coming: deque[Future[_T]] = deque()
        try:
            for number in range(first, len(one.chunks)):
                coming.append(pool.submit(opened, number))
                if len(coming) > _AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()


@dataclass(frozen=True)
class OpenedUpload:
    """An upload that can be opened from any of its chunks."""

    site: Site
    key: SealingKey
    upload: Upload
    plan: PassPlan
    alive: Callable[[], None]

    @property
    def chunks(self) -> int:
        """How many it has."""
        return len(manifest_of(self.upload).chunks)

    def rows(self, first: int) -> Generator[EncodedPass]:
        """The rows from a chunk on, but for its canaries: they change nothing of what a recipient gets (`bait`)."""
        rows = open_upload(self.site, self.key, self.upload, self.plan, first)
        return told(without(rows, canaries_of(self.key, self.upload)), self.alive)


def told(pieces: Generator[EncodedPass], alive: Callable[[], None]) -> Generator[EncodedPass]:
    """The pieces, asking before each whether to go on."""
    with closing(pieces):
        for piece in pieces:
            alive()
            yield piece


def manifest_of(upload: Upload) -> Manifest:
    """What its party declared of an upload, signed when it was declared."""
    return Manifest.from_json(unstored(upload.manifest)["statement"])


def canaries_of(key: SealingKey, upload: Upload) -> frozenset[bytes]:
    """The row ids of the canaries of an upload.

    Raises:
        CryptoError, ServiceError: as `service.upload_appendix.open_appendix`.
    """
    manifest = manifest_of(upload)
    return open_appendix(manifest, _upload_key(key, manifest))


def upload_key_of(key: SealingKey, upload: Upload) -> bytes:
    """The key under which an upload is sealed.

    Raises:
        CryptoError: it was not wrapped to the run's worker.
    """
    return _upload_key(key, manifest_of(upload))


def _upload_key(key: SealingKey, one: Manifest) -> bytes:
    info = upload_key_context(one.agreement, one.run, one.comparison, one.pass_, one.party)
    return unseal(key, one.wrapped_key, info)
