"""The appendix of an upload: row ids that its party tells the worker alone, in as many bytes whatever they are.

Plaintext: ``b"AVX1" ‖ u32 count ‖ ids, sorted ‖ zeros``, `MOST_CANARIES` ids at most, always of the same length. Sealed as one
chunk under a key of its own, derived from the upload key and bound to the manifest it stands in (`appendix_context`); the upload
key is drawn for one upload, so that this key seals one appendix. Every upload has one, recipients' too: whether a file holds
canaries, and how many, does not show.
"""

from __future__ import annotations

from collections.abc import Iterable

from crypto.framing import Label, frame
from crypto.keys import derive
from crypto.sealing import CHUNK_OVERHEAD, seal_chunk, unseal_chunk
from linkage.wire import ID_BYTES
from service.errors import ServiceError
from service.messages import Manifest, chunk_context

__all__ = ["APPENDIX_BYTES", "MOST_CANARIES", "appendix_context", "open_appendix", "seal_appendix"]

MOST_CANARIES = 128

_MAGIC = b"AVX1"
_HEAD = 8  # bytes: magic and count
_PLAIN_BYTES = _HEAD + ID_BYTES * MOST_CANARIES
APPENDIX_BYTES = _PLAIN_BYTES + CHUNK_OVERHEAD  # sealed


def appendix_context(manifest: Manifest) -> bytes:
    """What binds an appendix to its upload."""
    return frame(Label.UPLOAD_APPENDIX, chunk_context(manifest))


def seal_appendix(manifest: Manifest, upload_key: bytes, canaries: Iterable[bytes] = ()) -> bytes:
    """Seal the ids of the canaries of an upload.

    Args:
        manifest: of the upload; its appendix may still be empty.
        upload_key: drawn for this upload; no second appendix is sealed under it.
        canaries: 16 bytes each, distinct, `MOST_CANARIES` at most.

    Raises:
        ValueError: other ids than that.
    """
    ids = sorted(set(canaries))
    if len(ids) > MOST_CANARIES or any(len(one) != ID_BYTES for one in ids):
        message = "canaries are distinct row ids, and few"
        raise ValueError(message)
    plain = (_MAGIC + len(ids).to_bytes(4, "big") + b"".join(ids)).ljust(_PLAIN_BYTES, b"\0")
    context = appendix_context(manifest)
    return seal_chunk(derive(upload_key, Label.UPLOAD_APPENDIX, context), context, 0, True, plain)


def open_appendix(manifest: Manifest, upload_key: bytes) -> frozenset[bytes]:
    """The ids of the canaries of an upload.

    Raises:
        CryptoError: the appendix is not of this upload, or was altered.
        ServiceError: `E_ANNEXE`, it does not hold what an appendix holds.
    """
    context = appendix_context(manifest)
    key = derive(upload_key, Label.UPLOAD_APPENDIX, context)
    plain = unseal_chunk(key, context, 0, True, manifest.appendix)
    count = int.from_bytes(plain[len(_MAGIC) : _HEAD], "big")
    end = _HEAD + ID_BYTES * count
    ids = [plain[start : start + ID_BYTES] for start in range(_HEAD, min(end, len(plain)), ID_BYTES)]
    sound = len(plain) == _PLAIN_BYTES and plain.startswith(_MAGIC) and count <= MOST_CANARIES
    if not sound or ids != sorted(set(ids)) or any(plain[end:]):
        raise ServiceError("E_ANNEXE", "l'annexe de cet envoi n'a pas la forme attendue ; encodez de nouveau.")
    return frozenset(ids)
