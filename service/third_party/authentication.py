"""Who sent this request: RFC 9421 signatures by an active Ed25519 key of an enrolled party.

Accepted: exactly one signature, of tag ``allervers-v1``, key id = the party; covering "@method", "@target-uri" and, as
soon as they are there, "content-digest" (SHA-256, due with any body) and "idempotency-key"; created at most 60 s
ahead and, with the same tolerance, at most 300 s ago; expires at most 300 s after created and not past; a nonce of
at least 16 bytes that the party has never used. Whatever is missing or wrong gets one and the same answer.

All of it is read from the headers: a request is refused before its body is read, and the body is then held to
the digest that was signed. Public keys are remembered, because a key never changes; whether it is still active is
asked of the database each time, in the commit that spends the nonce (`turnstile`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.framing import from_base64
from crypto.keys import PublicIdentity
from crypto.signatures import check_verify_key
from service.errors import ServiceError
from service.messages import MAX_REQUEST_SECONDS, NONCE_BYTES, REQUEST_TAG
from service.third_party.party_keys import active_keys
from service.third_party.readings import Readings
from service.third_party.signature_input import Fields, SignedHead, Unreadable, read_signed_head
from service.third_party.site import Site
from service.third_party.store import find_party
from service.third_party.turnstile import Passage, Ticket, Turnstile

__all__ = [
    "MAX_HEADER_BYTES",
    "Caller",
    "Doorkeeper",
    "Request",
    "authenticate",
    "check_body",
    "check_headers",
    "refused",
]

MAX_HEADER_BYTES = 32 << 10
_SKEW = 60  # seconds
_REMEMBERED = timedelta(seconds=2 * (MAX_REQUEST_SECONDS + 2 * _SKEW))
_LEAST_NONCE = -(-NONCE_BYTES * 8 // 6)  # characters of 16 bytes in the densest usual writing, base64 without padding
_SIGNATURE_HEADERS = {
    b"signature": 1024,
    b"signature-input": 2048,
    b"content-digest": 512,
    b"idempotency-key": 256,
}  # bytes
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_KNOWN_PARTIES = 4096  # remembered in a process


@dataclass(frozen=True, kw_only=True)
class Request:
    """The part of an HTTP request that signatures speak of."""

    method: str
    url: str  # absolute, as the party wrote it
    fields: Fields  # names in lower case
    announces_body: bool


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An authenticated party, and the digest its body must have."""

    public: PublicIdentity
    content_digest: str | None  # the covered header, as sent
    idempotency_key: str | None = None  # the covered header, as sent

    @property
    def party(self) -> str:
        """Its identifier."""
        return self.public.party


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A party as it is remembered."""

    public: PublicIdentity
    keys: tuple[tuple[str, Ed25519PublicKey], ...]  # name, and the key ready to verify


class Doorkeeper:
    """Authenticates the requests of one process."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._turnstile = Turnstile(site.database)
        self._parties: OrderedDict[str, _Known] = OrderedDict()
        self._looking: dict[str, asyncio.Event] = {}  # names whose keys are being asked for

    def read(self, request: Request) -> SignedHead:
        """The signature of a request, once it says all that it must, for this moment; nobody has verified it yet.

        Raises:
            ServiceError: `E_REQUETE_NON_SIGNEE` (401).
        """
        try:
            head = read_signed_head(request.method, request.url, request.fields)
        except Unreadable:
            raise refused() from None
        there = {name for name, _ in request.fields}
        needed = {"@method", "@target-uri", *(there & {"content-digest", "idempotency-key"})}
        needed |= {"content-digest"} if request.announces_body else set()
        now = int(self._site.clock().timestamp())
        if (
            head.tag != REQUEST_TAG
            or not needed <= set(head.covered)
            or not 0 < head.expires - head.created <= MAX_REQUEST_SECONDS
            or head.created > now + _SKEW
            or head.expires < now - _SKEW
            or len(head.nonce) < _LEAST_NONCE
        ):
            raise refused()
        return head

    def remembered(self, head: SignedHead) -> tuple[Caller, Ticket] | None:
        """Verify a signature with the keys that are remembered; None when none of them made it."""
        known = self._parties.get(head.key_id)
        return None if known is None else self._verify(head, known)

    async def joined(self, head: SignedHead) -> tuple[Caller, Ticket] | None:
        """As `remembered`, once the keys of this name that another request asks for are there.

        A service that starts under load asks once for each party, not once for each client.
        """
        found = self.remembered(head)
        if found is None and (looking := self._looking.get(head.key_id)) is not None:
            await looking.wait()
            found = self.remembered(head)
        return found

    async def look_up(self, head: SignedHead, readings: Readings) -> tuple[Caller, Ticket]:
        """As `looked_up`, in the event loop, together with other readings; requests of the same name may join.

        Raises:
            ServiceError: `E_REQUETE_NON_SIGNEE` (401).
            SQLAlchemyError: the database does not answer.
        """
        looking = self._looking.setdefault(head.key_id, asyncio.Event())
        try:
            return await readings.run(lambda _: self.looked_up(head))
        finally:
            looking.set()
            if self._looking.get(head.key_id) is looking:
                del self._looking[head.key_id]

    def looked_up(self, head: SignedHead) -> tuple[Caller, Ticket]:
        """Verify a signature with the keys that the database holds now; called from a thread.

        Raises:
            ServiceError: `E_REQUETE_NON_SIGNEE` (401).
            SQLAlchemyError: the database does not answer.
        """
        with self._site.database.read() as connection:
            public = find_party(connection, head.key_id)
            keys = active_keys(connection, head.key_id)
        if public is None:
            raise refused()
        known = _Known(public=public, keys=tuple((one.name, check_verify_key(one.public)) for one in keys))
        self._parties[head.key_id] = known
        while len(self._parties) > _KNOWN_PARTIES:
            self._parties.popitem(last=False)
        if (found := self._verify(head, known)) is None:
            raise refused()
        return found

    async def prepare(self) -> None:
        """Spend nothing, once: the first request finds a connection and its statement ready.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        await self._turnstile.prepare()

    async def enter(self, ticket: Ticket) -> None:
        """Spend a nonce, in the event loop.

        Raises:
            ServiceError: `E_REQUETE_NON_SIGNEE` (401).
            SQLAlchemyError: the database does not answer; nothing was spent.
        """
        self._judge(ticket, await self._turnstile.enter(ticket))

    def authenticate(self, request: Request) -> Caller:
        """All of it at once, from a thread.

        Raises:
            ServiceError: `E_REQUETE_NON_SIGNEE` (401).
            SQLAlchemyError: the database does not answer.
        """
        head = self.read(request)
        caller, ticket = self.remembered(head) or self.looked_up(head)
        self._judge(ticket, self._turnstile.enter_now(ticket))
        return caller

    def _verify(self, head: SignedHead, known: _Known) -> tuple[Caller, Ticket] | None:
        for name, key in known.keys:
            try:
                key.verify(head.signature, head.base)
            except InvalidSignature:
                continue
            caller = Caller(
                public=known.public,
                content_digest=head.covered.get("content-digest"),
                idempotency_key=head.covered.get("idempotency-key"),
            )
            now = self._site.clock()
            # Kept for longer than any clock within the tolerance could accept the request again.
            spent = Ticket(party=caller.party, key=name, nonce=head.nonce, now=now, forget_at=now + _REMEMBERED)
            return caller, spent
        return None

    def _judge(self, ticket: Ticket, passage: Passage) -> None:
        if passage is Passage.ENDED:
            self._parties.pop(ticket.party, None)
        if passage is not Passage.FRESH:
            raise refused()


def authenticate(site: Site, request: Request) -> Caller:
    """Verify the signature of one request and spend its nonce.

    Raises:
        ServiceError: `E_REQUETE_NON_SIGNEE` (401).
    """
    return Doorkeeper(site).authenticate(request)


def check_body(caller: Caller, body: bytes, digest: bytes | None = None) -> None:
    """Hold a body to the digest that was signed.

    Args:
        caller: who signed.
        body: what was received.
        digest: its SHA-256, when it was computed already.

    Raises:
        ServiceError: `E_REQUETE_NON_SIGNEE` (401), it is another body, or its digest was not signed.
    """
    if not body and caller.content_digest is None:
        return
    found = _DIGEST.fullmatch(caller.content_digest or "")
    if found is None:
        raise refused()
    received = hashlib.sha256(body).digest() if digest is None else digest
    if not hmac.compare_digest(from_base64(found[1]), received):
        raise refused()


def check_headers(fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse headers that are too large to be those of a party's tool, before anything reads them.

    Args:
        fields: as received, names in lower case.

    Raises:
        ServiceError: `E_EN_TETES` (413).
    """
    total, left = 0, dict(_SIGNATURE_HEADERS)
    for name, value in fields:
        total += len(name) + len(value)
        if name in left:
            left[name] -= len(value)
    if total > MAX_HEADER_BYTES or min(left.values()) < 0:
        raise ServiceError("E_EN_TETES", "les en-têtes de la requête sont trop grands ; utilisez l'outil.", 413)


def refused() -> ServiceError:
    """The one answer to whoever is not authenticated."""
    return ServiceError(
        "E_REQUETE_NON_SIGNEE",
        "la requête n'est pas signée par une partie inscrite, ou sa signature n'est plus acceptable ; "
        "vérifiez l'horloge du poste et que la partie est inscrite auprès du tiers de confiance.",
        401,
    )
