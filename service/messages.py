"""What the administrations and the third party declare to each other, and what seals are for.

Every class here is one JSON object, read strictly (`service.forms`) and written back unchanged. Pure: no
network, no clock, no framework. In JSON, ``pass_`` is written ``pass`` and ``from_`` is written ``from``. The
agreement document is in `service.agreement`, answers and log entries in `service.answers`.

Statements. What a party declares travels as ``{"statement": {…}, "signature": base64}`` under the label of
the class of the statement: ``Approval(…).signed(key)`` makes it, ``Approval.opened(public, signed)`` verifies
and reads it.

Contexts. Whatever is sealed is bound to its agreement, run, comparison and parties by the ``…_context``
functions below, and sealer and opener call the same one.

HTTP. Requests are signed with RFC 9421 (Ed25519, key id = the party); "@method", "@target-uri" and, with a
body, "content-digest" are covered; created, expires, nonce and tag ``allervers-v1`` are set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from crypto.framing import Label, canonical_json, frame
from crypto.signatures import SigningKey, open_statement, sign_statement
from service.agreement import (
    Agreement,
)
from service.forms import (
    DIGEST,
    TEXT,
    AgreementId,
    Bytes,
    Count,
    Digest,
    Message,
    Moment,
    PartyId,
    RunId,
    Text,
    choice,
    hexadecimal,
    integer,
    listed,
    nested,
    optional,
)
from service.risk_terms import RiskClaim

__all__ = [
    "MAX_CHUNK_BYTES",
    "MAX_JSON_BYTES",
    "MAX_RELAY_BYTES",
    "MAX_RELAY_PIECES",
    "MAX_REQUEST_SECONDS",
    "NONCE_BYTES",
    "REQUEST_TAG",
    "Acknowledgement",
    "AgreementProposal",
    "AgreementSignature",
    "Approval",
    "Cancellation",
    "Confirmation",
    "Delivery",
    "Destroyed",
    "Manifest",
    "Receipt",
    "Relay",
    "RunRequest",
    "RunState",
    "SealedShare",
    "Statement",
    "UploadState",
    "WorkerKey",
    "chunk_context",
    "delivery_context",
    "key_commitment",
    "log_origin",
    "relay_context",
    "share_context",
    "statement_digest",
    "upload_key_context",
    "witness_name",
]

REQUEST_TAG = "allervers-v1"
MAX_REQUEST_SECONDS = 300  # between created and expires
NONCE_BYTES = 16
MAX_JSON_BYTES = 4 << 20
MAX_CHUNK_BYTES = 16 << 20  # sealed
MAX_RELAY_BYTES = 2 << 20  # of a piece before it is sealed
MAX_RELAY_PIECES = 1 << 16


class RunState(StrEnum):
    """Where a run stands."""

    OPENED = "opened"  # one party asked, the others have not all approved
    JOINING = "joining"  # shares and confirmations travel
    SENDING = "sending"  # uploads travel
    MATCHING = "matching"  # the worker compares
    HELD = "held"  # compared, encodings destroyed; nobody may fetch before every party has released
    DELIVERED = "delivered"  # encodings destroyed, recipients may fetch
    CLOSED = "closed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


class UploadState(StrEnum):
    """Where an upload stands."""

    RECEIVING = "receiving"
    COMPLETE = "complete"
    REFUSED = "refused"  # its content was at fault; another manifest may replace it


class Statement(Message):
    """A message that is signed under the label of its class."""

    LABEL: ClassVar[Label]

    def signed(self, key: SigningKey) -> dict[str, Any]:
        """``{"statement": …, "signature": base64}``."""
        return sign_statement(key, self.LABEL, self.to_json())

    @classmethod
    def opened(cls, public: bytes | tuple[bytes, ...], signed: object) -> Self:
        """Verify a signed statement and read it.

        Raises:
            CryptoError: the signature or the format is not the expected one.
            ServiceError: `E_MESSAGE`, the statement is malformed.
        """
        return cls.from_json(open_statement(public, cls.LABEL, signed, cls.FORMAT), "/statement")


def statement_digest(signed: Mapping[str, Any]) -> str:
    """SHA-256 of a signed statement (signature included), as the audit log and the receipts name it."""
    return hashlib.sha256(canonical_json(dict(signed))).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Approval(Statement):
    """A party approves a run."""

    FORMAT: ClassVar[str] = "allervers/approval/v1"
    LABEL: ClassVar[Label] = Label.APPROVAL
    agreement: AgreementId
    run: RunId
    party: PartyId


@dataclass(frozen=True, kw_only=True)
class Cancellation(Statement):
    """A party ends a run; everything is destroyed."""

    FORMAT: ClassVar[str] = "allervers/cancellation/v1"
    LABEL: ClassVar[Label] = Label.CANCELLATION
    agreement: AgreementId
    run: RunId
    party: PartyId


@dataclass(frozen=True, kw_only=True)
class Acknowledgement(Statement):
    """A recipient holds its deliveries; the third party may destroy them."""

    FORMAT: ClassVar[str] = "allervers/acknowledgement/v1"
    LABEL: ClassVar[Label] = Label.ACKNOWLEDGEMENT
    agreement: AgreementId
    run: RunId
    party: PartyId


@dataclass(frozen=True, kw_only=True)
class WorkerKey(Statement):
    """The key to which the uploads of a run are sealed, by the third party."""

    FORMAT: ClassVar[str] = "allervers/worker-key/v1"
    LABEL: ClassVar[Label] = Label.WORKER_KEY
    agreement: AgreementId
    run: RunId
    sealing_key: Bytes


@dataclass(frozen=True, kw_only=True)
class SealedShare(Statement):
    """One party's share of a run key, sealed to its partner in a comparison."""

    FORMAT: ClassVar[str] = "allervers/share/v1"
    LABEL: ClassVar[Label] = Label.SHARE_SIGNATURE
    agreement: AgreementId
    run: RunId
    comparison: Text
    from_: PartyId
    to: PartyId
    sealed: Bytes


@dataclass(frozen=True, kw_only=True)
class Confirmation(Statement):
    """A party shows its partner that it holds the same run key."""

    FORMAT: ClassVar[str] = "allervers/confirmation/v1"
    LABEL: ClassVar[Label] = Label.CONFIRMATION_SIGNATURE
    agreement: AgreementId
    run: RunId
    comparison: Text
    from_: PartyId
    tag: Digest


@dataclass(frozen=True, kw_only=True)
class Manifest(Statement):
    """What an upload will hold."""

    FORMAT: ClassVar[str] = "allervers/manifest/v1"
    LABEL: ClassVar[Label] = Label.MANIFEST
    agreement: AgreementId
    run: RunId
    comparison: Text
    pass_: Text
    party: PartyId
    role: Annotated[str, choice("recipient", "source")]
    count: Count  # rows
    row_bytes: Count
    chunks: Annotated[tuple[str, ...], listed(DIGEST)]  # SHA-256 of each sealed chunk, in order
    wrapped_key: Bytes
    mean_fill_permille: Annotated[int, integer(0, 1000)]
    nonce: Annotated[str, hexadecimal(16)]
    appendix: Bytes  # sealed, of one length (`service.upload_appendix`)
    risk: Annotated[RiskClaim | None, optional(nested(RiskClaim))] = None  # an upload without is refused


@dataclass(frozen=True, kw_only=True)
class Delivery(Statement):
    """What is learnt from one pass, sealed to its recipient or to the joiner of its recipient, by the third party."""

    FORMAT: ClassVar[str] = "allervers/delivery/v1"
    LABEL: ClassVar[Label] = Label.DELIVERY
    agreement: AgreementId
    run: RunId
    comparison: Text
    pass_: Text
    recipient: PartyId  # to whom it is sealed
    sealed: Bytes


@dataclass(frozen=True, kw_only=True)
class Relay(Statement):
    """One piece of what a recipient and its joiner seal to each other (`service.administration.joiner`).

    `jetons` go from the recipient to the joiner, `hits` the other way.
    """

    FORMAT: ClassVar[str] = "allervers/relay/v1"
    LABEL: ClassVar[Label] = Label.RELAY
    agreement: AgreementId
    run: RunId
    kind: Annotated[str, choice("jetons", "hits")]
    from_: PartyId
    to: PartyId
    number: Count  # of the piece, from 0
    pieces: Annotated[int, integer(1, MAX_RELAY_PIECES)]
    sealed: Bytes


@dataclass(frozen=True, kw_only=True)
class Destroyed(Message):
    """One thing destroyed. `digest`: of the key commitment, the signed manifest or delivery; of all pieces of a relay."""

    kind: Annotated[str, choice("run_key", "upload", "delivery", "relay")]
    party: PartyId  # whose it was; the third party for the run key
    comparison: Annotated[str | None, optional(TEXT)]
    pass_: Annotated[str | None, optional(TEXT)]
    pieces: Count
    digest: Digest


@dataclass(frozen=True, kw_only=True)
class Receipt(Statement):
    """Proof of destruction, by the third party.

    `key_commitment` is the SHA-256 of the worker's public key of the run (null when none was made): any
    private key that still exists anywhere can be checked against it.
    """

    FORMAT: ClassVar[str] = "allervers/receipt/v1"
    LABEL: ClassVar[Label] = Label.RECEIPT
    agreement: AgreementId
    run: RunId
    kind: Annotated[str, choice("encodings", "deliveries")]
    cause: Annotated[str, choice("rapprochement_termine", "annulation", "expiration", "echec", "accuse_reception")]
    destroyed: Annotated[tuple[Destroyed, ...], listed(nested(Destroyed))]
    key_commitment: Annotated[str | None, optional(DIGEST)]
    destroyed_at: Moment


@dataclass(frozen=True, kw_only=True)
class AgreementProposal(Message):
    """Body of POST /agreements."""

    document: Annotated[Agreement, nested(Agreement)]
    signature: Bytes  # of T, by the proposer


@dataclass(frozen=True, kw_only=True)
class AgreementSignature(Message):
    """Body of POST /agreements/T/signatures."""

    signature: Bytes


@dataclass(frozen=True, kw_only=True)
class RunRequest(Message):
    """Body of POST /runs."""

    agreement: AgreementId


def share_context(agreement: str, run: str, comparison: str, sender: str, receiver: str) -> bytes:
    """HPKE info of a share."""
    return frame(Label.SHARE, bytes.fromhex(agreement), run, comparison, sender, receiver)


def upload_key_context(agreement: str, run: str, comparison: str, pass_name: str, party: str) -> bytes:
    """HPKE info of an upload key."""
    return frame(Label.UPLOAD_KEY, bytes.fromhex(agreement), run, comparison, pass_name, party)


def chunk_context(manifest: Manifest) -> bytes:
    """What binds a chunk to its upload."""
    one = manifest
    return frame(bytes.fromhex(one.agreement), one.run, one.comparison, one.pass_, one.party, one.nonce)


def delivery_context(agreement: str, run: str, comparison: str, pass_name: str, recipient: str) -> bytes:
    """HPKE info of a delivery."""
    return frame(Label.DELIVERY_SEAL, bytes.fromhex(agreement), run, comparison, pass_name, recipient)


def relay_context(relay: Relay) -> bytes:
    """HPKE info of a piece of a relay."""
    one = relay
    numbers = one.number.to_bytes(8, "big"), one.pieces.to_bytes(8, "big")
    return frame(Label.RELAY_SEAL, bytes.fromhex(one.agreement), one.run, one.kind, one.from_, one.to, *numbers)


def key_commitment(sealing_key: bytes) -> str:
    """What a receipt says of the worker's key of a run, from its public half."""
    return hashlib.sha256(sealing_key).hexdigest()


def log_origin(third_party: str) -> str:
    """Origin of the third party's log and name of its key in checkpoints."""
    return f"allervers/{third_party}"


def witness_name(party: str) -> str:
    """Name of a party's key where it signs checkpoints that it has seen."""
    return f"allervers/witness/{party}"
