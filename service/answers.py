"""What the third party answers under ``data``, and the entries of its audit log.

Routes (all under /v1) and their answers:

=========================================  ===========================================================
GET /identity, /openapi.json               `IdentityView`, the description of all routes
POST /keys, GET /parties/PARTY/keys        `KeysView`
POST /agreements                           ``{"agreement": T}``
GET /agreements, /agreements/T             list of `AgreementView`, one
POST /runs                                 ``{"run": id}``
GET /runs, /runs/RUN                       list of `RunView`, one
GET /runs/RUN/worker-key                   signed `WorkerKey`
GET /runs/RUN/shares, confirmations        list of signed `SealedShare`, `Confirmation`
POST /runs/RUN/uploads                     ``{"upload": id}``
GET /runs/RUN/uploads/UPLOAD               `UploadStatus`
GET /runs/RUN/deliveries                   list of `DeliveryName`
GET /runs/RUN/deliveries/COMPARISON/PASS   signed `Delivery`
POST /runs/RUN/relays                      null
GET /runs/RUN/relays                       list of `RelayView`
GET /runs/RUN/relays/KIND/SENDER/NUMBER    signed `Relay`
GET /runs/RUN/receipts                     list of `ReceiptView`
GET /runs/RUN/review                       `service.review.ReviewView`
GET /runs/RUN/log                          `LogView`
GET /log/checkpoint                        ``{"checkpoint": signed note}``
GET, POST /log/witnesses                   list of `WitnessedView`; body `WitnessNote`
GET /healthz, /readyz (without /v1)        `HealthView`
GET /log/consistency?first=&second=        ``{"proof": [hex]}``
=========================================  ===========================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from crypto.framing import Label
from crypto.keys import Identity, PublicIdentity
from crypto.signatures import sign, verify
from service.agreement import Agreement
from service.forms import (
    BASE64,
    BOOLEAN,
    CODE,
    DIGEST,
    LINES,
    OBJECT,
    PARTY,
    RUN,
    TEXT,
    AgreementId,
    Bytes,
    Count,
    Digest,
    Message,
    Moment,
    PartyId,
    RunId,
    Signed,
    Text,
    by_party,
    choice,
    enumerated,
    integer,
    listed,
    nested,
    optional,
)
from service.messages import RunState, UploadState

__all__ = [
    "AgreementName",
    "AgreementView",
    "CheckpointView",
    "ConsistencyView",
    "DeliveryName",
    "HealthView",
    "IdentityView",
    "KeysView",
    "LogEntry",
    "LogLeaf",
    "LogView",
    "Progress",
    "ReceiptProof",
    "ReceiptView",
    "RelayView",
    "RunName",
    "RunView",
    "UploadName",
    "UploadStatus",
    "UploadView",
    "WitnessNote",
    "WitnessedView",
]

Hashes = Annotated[tuple[str, ...], listed(DIGEST, 64)]


@dataclass(frozen=True, kw_only=True)
class IdentityView(Message):
    """Who the third party says it is; to be pinned with a fingerprint received by another channel.

    The fingerprint covers the identity, and the identity signs the log's key: whoever relays cannot swap either.
    """

    identity: Bytes  # of `PublicIdentity.to_bytes`
    log_key: Bytes  # Ed25519, 32 bytes
    log_key_signature: Bytes  # by the identity, under Label.IDENTITY

    @classmethod
    def of(cls, identity: Identity, log_key: bytes) -> Self:
        """The view of an identity that vouches for its log's key."""
        signature = sign(identity.signing_key, Label.IDENTITY, log_key)
        return cls(identity=identity.public.to_bytes(), log_key=log_key, log_key_signature=signature)

    def vouched(self) -> PublicIdentity:
        """The identity, once it is checked that it signed the log's key.

        Raises:
            CryptoError: not an identity, or not its signature.
        """
        public = PublicIdentity.from_bytes(self.identity)
        verify(public.signing_key, Label.IDENTITY, self.log_key, self.log_key_signature)
        return public


@dataclass(frozen=True, kw_only=True)
class AgreementName(Message):
    """T of an agreement that was proposed."""

    agreement: AgreementId


@dataclass(frozen=True, kw_only=True)
class RunName(Message):
    """A run that was opened."""

    run: RunId


@dataclass(frozen=True, kw_only=True)
class UploadName(Message):
    """An upload that was declared."""

    upload: RunId


@dataclass(frozen=True, kw_only=True)
class KeysView(Message):
    """The signed successions of a party's signing key, the oldest first; to be followed from its pinned identity."""

    party: PartyId
    successions: Annotated[tuple[dict[str, Any], ...], listed(OBJECT, 1000)]


@dataclass(frozen=True, kw_only=True)
class CheckpointView(Message):
    """The log's latest checkpoint, a signed note."""

    checkpoint: Annotated[str, LINES]


@dataclass(frozen=True, kw_only=True)
class ConsistencyView(Message):
    """The proof that the log at one size is the beginning of the log at another."""

    proof: Hashes


@dataclass(frozen=True, kw_only=True)
class AgreementView(Message):
    """An agreement and who has signed it. Identities are relayed: the reader compares them with its pins."""

    document: Annotated[Agreement, nested(Agreement)]
    signatures: Annotated[Mapping[str, bytes], by_party(BASE64)]
    active: Annotated[bool, BOOLEAN]
    identities: Annotated[Mapping[str, bytes], by_party(BASE64)]


@dataclass(frozen=True, kw_only=True)
class UploadView(Message):
    """One upload of a run; `reason` is the code of a refused content."""

    comparison: Text
    pass_: Text
    party: PartyId
    state: Annotated[UploadState, enumerated(UploadState)]
    reason: Annotated[str | None, optional(CODE)]


@dataclass(frozen=True, kw_only=True)
class UploadStatus(Message):
    """One upload, and the numbers of the chunks still to send."""

    state: Annotated[UploadState, enumerated(UploadState)]
    missing: Annotated[tuple[int, ...], listed(integer())]


@dataclass(frozen=True, kw_only=True)
class Progress(Message):
    """Passes compared, of all the passes of the run."""

    done: Count
    total: Count


@dataclass(frozen=True, kw_only=True)
class RunView(Message):
    """Where a run stands. `deadline`: when it expires or, once delivered, when deliveries are destroyed."""

    run: RunId
    agreement: AgreementId
    state: Annotated[RunState, enumerated(RunState)]
    opened_at: Moment
    deadline: Moment
    approvals: Annotated[tuple[str, ...], listed(PARTY)]
    confirmations: Count
    uploads: Annotated[tuple[UploadView, ...], listed(nested(UploadView))]
    failure: Annotated[str | None, optional(CODE)]
    progress: Annotated[Progress, nested(Progress)]


@dataclass(frozen=True, kw_only=True)
class DeliveryName(Message):
    """A delivery that waits for the caller."""

    comparison: Text
    pass_: Text


@dataclass(frozen=True, kw_only=True)
class RelayView(Message):
    """A relay that the caller sends or receives, and the numbers of the pieces held."""

    kind: Annotated[str, choice("jetons", "hits")]
    from_: PartyId
    to: PartyId
    pieces: Count
    held: Annotated[tuple[int, ...], listed(integer())]


@dataclass(frozen=True, kw_only=True)
class LogLeaf(Message):
    """One entry of the audit log: who did what, when, about which object, to which end. No count, no personal data.

    `digest` is the SHA-256 of the signed statement that caused the entry (T itself for a proposed agreement). `purpose` is
    the agreement's, null where there is none. `salt` is random: without it the hash of an erased entry could be guessed.
    """

    FORMAT: ClassVar[str] = "allervers/log/v2"
    seq: Count
    at: Moment
    actor: PartyId
    action: Text
    agreement: Annotated[str | None, optional(DIGEST)]
    run: Annotated[str | None, optional(RUN)]
    digest: Annotated[str | None, optional(DIGEST)]
    purpose: Annotated[str | None, optional(TEXT)]
    salt: Digest


@dataclass(frozen=True, kw_only=True)
class LogEntry(Message):
    """A leaf and its inclusion proof in the checkpoint it comes with."""

    index: Count
    leaf: Bytes  # canonical JSON of a LogLeaf
    proof: Hashes


@dataclass(frozen=True, kw_only=True)
class LogView(Message):
    """All the leaves about a run and its agreement."""

    entries: Annotated[tuple[LogEntry, ...], listed(nested(LogEntry))]
    size: Count
    checkpoint: Annotated[str, LINES]


@dataclass(frozen=True, kw_only=True)
class ReceiptProof(Message):
    """Where a receipt stands in the log: a leaf of action `receipt`, digest of the signed receipt."""

    index: Count
    leaf: Bytes
    size: Count
    proof: Hashes
    checkpoint: Annotated[str, LINES]


@dataclass(frozen=True, kw_only=True)
class ReceiptView(Message):
    """A signed receipt of destruction with its place in the log."""

    receipt: Signed
    log: Annotated[ReceiptProof, nested(ReceiptProof)]


@dataclass(frozen=True, kw_only=True)
class WitnessNote(Message):
    """Body of POST /log/witnesses: a checkpoint with the caller's cosignature."""

    note: Annotated[str, LINES]


@dataclass(frozen=True, kw_only=True)
class WitnessedView(Message):
    """The largest checkpoint that a party says it has seen, with its cosignature."""

    party: PartyId
    note: Annotated[str, LINES]


@dataclass(frozen=True, kw_only=True)
class HealthView(Message):
    """What was tried and works."""

    works: Annotated[tuple[str, ...], listed(TEXT, 16)]
