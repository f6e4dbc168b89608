"""One encoded pass into its folder of the outbox: who was added to the file, payloads, sealed chunks, the draft of the manifest.

The rows of a pass are those of the party's own records, then, told by their numbers alone, those of the positive controls of the
comparison (`controls`) and, for a source, of its canaries (`canaries`), whose rows stay in one pass only. Nothing of a pass that
is cut stays: the draft comes last.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey
from crypto.sealing import seal_chunk
from linkage.wire import payload_width, row_bytes
from service.administration.canaries import Assigned, assign, draw, only_assigned
from service.administration.chunks import Fill, chunks_of, rows_of
from service.administration.controls import controls
from service.administration.extra_people import extended
from service.administration.pass_folder import PassFolder
from service.administration.payload import SealRows, payload_key, payload_seal
from service.administration.seat import Seat
from service.agreement import Comparison
from service.messages import Manifest, chunk_context
from service.payload_cover import cover_key
from service.risk_terms import RiskClaim
from service.upload_appendix import seal_appendix

if TYPE_CHECKING:
    from linkage.records import Records
    from linkage.stream import PassStream, Piece

__all__ = ["Packing", "pack", "planted"]


@dataclass(frozen=True, kw_only=True)
class Packing:
    """What a party sends in one comparison.

    Attributes:
        comparison: which.
        records: its own, then the controls, then the canaries.
        own: how many are its own.
        controls: how many are controls.
        canaries: where the canaries stand.
        key: of the comparison.
        payloads: of the party's own records; empty without payload.
        numbers: (n,) int64, of all these records, in the party's file and beyond it.
        chunk_bytes: plaintext of a chunk at most; whole rows.
        risk: what the party's risk report claims.
    """

    comparison: Comparison
    records: Records
    own: int
    controls: int
    canaries: Assigned
    key: RunKey
    payloads: Sequence[bytes]
    numbers: NDArray[np.int64]
    chunk_bytes: int
    risk: RiskClaim

    def count(self, stream: PassStream) -> int:
        """Rows that are sent of a pass."""
        return stream.count - self.canaries.dropped.get(stream.plan.name, 0)

    def pieces(self, stream: PassStream, ids: list[bytes]) -> Iterator[Piece]:
        """The rows that are sent; `ids` is given those of the canaries."""
        return only_assigned(stream.pieces, self.own + self.controls, self.canaries, stream.plan.name, ids)

    def payload(self, seat: Seat, pass_name: str) -> SealRows | None:
        """What seals the payloads of a pass; None for a recipient, and without payload."""
        one = self.comparison
        if not one.payload_bytes or one.recipient == seat.party:
            return None
        about = (seat.agreement.identifier, seat.run, one.id, pass_name)
        return payload_seal(payload_key(self.key, pass_name), *about, one.payload_bytes).rows(self.payloads)


def planted(seat: Seat, comparison: Comparison, records: Records, key: RunKey) -> tuple[Records, int, Assigned]:
    """A party's records with those whom its tool adds.

    Returns:
        The records, how many are controls, and where the canaries stand.

    Raises:
        LinkageError: as `linkage.stream.stream_passes`.
    """
    sheet, source = seat.sheet_of(comparison), comparison.source == seat.party
    apart = sheet.twins if seat.alike(comparison) is False else ""
    known = controls(sheet, key, seat.agreement.controls, source=source, apart=apart)
    wanted = seat.agreement.guards.canaries if source and not comparison.of_objections else 0
    bait = draw(records, sheet, wanted)
    where = assign(bait, sheet, comparison.plan, key)
    together = extended(records, known) if len(known) else records
    return (extended(together, bait) if len(bait) else together), len(known), where


def pack(seat: Seat, packing: Packing, stream: PassStream, told: Callable[[int], None]) -> int:
    """Seal one pass into its folder as its rows come.

    Returns:
        How many of the rows are of the party's own records.
    """
    comparison, plan = packing.comparison, stream.plan
    name = f"{comparison.id}/{plan.name}"
    folder = PassFolder(seat.folder, comparison.id, plan.name)
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.clear()
    key = secrets.token_bytes(32)
    seat.folder.keep_secrets("upload", {name: key})
    draft = _draft(seat, packing, stream)
    if draft.role == "recipient" and comparison.payload_bytes:
        opening = {name: payload_key(packing.key, plan.name), f"{name}/cover": cover_key(key)}
        seat.folder.keep_secrets("payload", opening)
    fill, digests, bait, own = Fill(plan.length), list[str](), list[bytes](), 0
    try:
        with seat.folder.row_map(name) if draft.role == "recipient" else nullcontext() as noted:
            counted = _Own(packing, noted)
            pieces = rows_of(packing.pieces(stream, bait), counted, packing.payload(seat, plan.name), told)
            for number, last, rows in chunks_of(
                fill.counted(pieces), draft.count, draft.row_bytes, packing.chunk_bytes
            ):
                sealed = seal_chunk(key, chunk_context(draft), number, last, rows)
                folder.chunk(number).write_bytes(sealed)
                digests.append(hashlib.sha256(sealed).hexdigest())
            own = counted.rows
    except BaseException:
        folder.clear()
        raise
    appendix = seal_appendix(draft, key, bait)
    whole = replace(draft, chunks=tuple(digests), mean_fill_permille=fill.permille, appendix=appendix)
    folder.keep_draft(whole)
    return own


class _Own:
    """Notes rows, and counts those of the party's own records."""

    def __init__(self, packing: Packing, noted: Callable[..., None] | None) -> None:
        self._packing, self._noted, self.rows = packing, noted, 0

    def __call__(self, ids: NDArray[np.uint8], records: NDArray[np.int64]) -> None:
        self.rows += int((records < self._packing.own).sum())
        if self._noted is not None:
            self._noted(ids, self._packing.numbers[records])


def _draft(seat: Seat, packing: Packing, stream: PassStream) -> Manifest:
    comparison, plan = packing.comparison, stream.plan
    recipient = comparison.recipient == seat.party
    return Manifest(
        agreement=seat.agreement.identifier,
        run=seat.run,
        comparison=comparison.id,
        pass_=plan.name,
        party=seat.party,
        role="recipient" if recipient else "source",
        count=packing.count(stream),
        row_bytes=row_bytes(plan.length, 0 if recipient else payload_width(comparison.payload_bytes)),
        chunks=(),
        wrapped_key=b"",
        mean_fill_permille=0,
        nonce=secrets.token_hex(16),
        appendix=b"",
        risk=packing.risk,
    )
