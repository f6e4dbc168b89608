"""Payloads: what a source joins to its rows for the recipient alone, sealed end to end and always of one size.

Plaintext: ``u16 length ‖ canonical JSON list of the values of the whitelisted columns ‖ zeros``. Sealed: `crypto.wrapping`, in
`linkage.wire.payload_width` bytes in all, under ``Expand(run key, payload, pass)`` in the context ``frame(T, run, comparison,
pass)``. Neither the third party nor a joiner holds the key. Each pass seals anew: no byte of the ciphertexts of one record in two
passes or comparisons is related to another. People whom the tool added (controls, canaries) carry an empty payload, which looks
like any other.

What is not bound is which row a payload belongs to: the third party, which makes the links, could exchange the payloads of two
hits of one pass. The threat model says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crypto.errors import FormatRefused, SealBroken
from crypto.framing import Label, canonical_json, frame, parse_canonical_json
from crypto.keys import RunKey, derive
from crypto.wrapping import unwrap, wrap
from linkage.wire import payload_width
from service.errors import ServiceError
from service.payload_cover import Cover

__all__ = ["PayloadSeal", "SealRows", "payload_key", "payload_seal", "read_payload", "written"]

SealRows = Callable[[NDArray[np.int64]], NDArray[np.uint8]]  # records → (n, width) sealed payloads

_LENGTH = 2  # bytes
_OVERHEAD = 28  # bytes: nonce and tag


def payload_key(key: RunKey, pass_name: str) -> bytes:
    """The key of the payloads of one pass."""
    return derive(key, Label.PAYLOAD, pass_name)


@dataclass(frozen=True, kw_only=True)
class PayloadSeal:
    """Seals and opens the payloads of one pass; what is delivered has a cover besides (`service.payload_cover`)."""

    width: int  # of a sealed payload, bytes
    context: bytes
    key: bytes = field(repr=False)
    cover: Cover | None = None

    def sealed(self, text: bytes) -> bytes:
        """One sealed payload; `text` is short enough (`written`)."""
        plain = (len(text).to_bytes(_LENGTH, "big") + text).ljust(self.width - _OVERHEAD, b"\0")
        return wrap(self.key, Label.PAYLOAD, self.context, plain)

    def opened(self, sealed: bytes) -> bytes | None:
        """What was sealed, and then covered where this seal has a cover; None when it was not sealed for this pass."""
        bare = self.cover.uncovered(sealed) if self.cover else sealed
        if bare is None:
            return None
        try:
            plain = unwrap(self.key, Label.PAYLOAD, self.context, bare)
        except SealBroken:
            return None
        size = int.from_bytes(plain[:_LENGTH], "big")
        return plain[_LENGTH : _LENGTH + size]

    def rows(self, texts: Sequence[bytes]) -> SealRows:
        """Seals rows of a pass by their records; records beyond the texts carry nothing."""

        def of(records: NDArray[np.int64]) -> NDArray[np.uint8]:
            sealed = [self.sealed(texts[one] if one < len(texts) else b"") for one in records.tolist()]
            return np.frombuffer(b"".join(sealed), dtype=np.uint8).reshape(len(sealed), self.width)

        return of


def payload_seal(key: bytes, agreement: str, run: str, comparison: str, pass_name: str, size: int) -> PayloadSeal:
    """The seal of the payloads of a pass.

    Args:
        key: from `payload_key`.
        agreement: T, in hexadecimal.
        run: identifier.
        comparison: identifier.
        pass_name: name of the pass.
        size: `payload_bytes` of the comparison.
    """
    context = frame(bytes.fromhex(agreement), run, comparison, pass_name)
    return PayloadSeal(width=payload_width(size), context=context, key=key)


def written(columns: Sequence[Sequence[str]], size: int) -> list[bytes]:
    """The payload of each record, from the columns of its values.

    Raises:
        ServiceError: `E_CHARGE_TROP_LONGUE`, a record whose values do not fit; which one, never what.
    """
    texts = [canonical_json(list(values)) for values in zip(*columns, strict=True)]
    for place, text in enumerate(texts):
        if len(text) > size:
            sentence = (
                f"la charge utile de la personne n° {place + 1} du fichier dépasse les {size} octets de la convention ; "
                "raccourcissez les valeurs ou concluez une nouvelle convention"
            )
            raise ServiceError("E_CHARGE_TROP_LONGUE", sentence)
    return texts


def read_payload(text: bytes, columns: int) -> tuple[str, ...] | None:
    """The values of a payload; None for anything but a list of as many texts, which no partner's tool seals."""
    try:
        values = parse_canonical_json(text, len(text))
    except FormatRefused:
        return None
    texts = [one for one in values if isinstance(one, str)] if isinstance(values, list) else []
    return tuple(texts) if isinstance(values, list) and len(texts) == len(values) == columns else None
