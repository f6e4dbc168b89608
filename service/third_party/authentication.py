"""Who sent this request: RFC 9421 signatures, with rules stricter than those of the library.

Accepted: exactly one signature of tag ``allervers-v1``, Ed25519, key id = an enrolled party; covering
"@method", "@target-uri" and, as soon as a body is announced, "content-digest" (SHA-256); created at most 60 s
ahead and, with the same tolerance, at most 300 s ago; expires at most 300 s after created and not past; a
nonce of at least 16 bytes that the party has never used. Whatever is missing or wrong gets one and the same
answer.

All of it is read from the headers: a request is refused before its body is read, and the body is then held to
the digest that was signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.algorithms import ED25519

from crypto.keys import PublicIdentity
from crypto.signatures import check_verify_key
from service.errors import ServiceError
from service.messages import MAX_REQUEST_SECONDS, NONCE_BYTES, REQUEST_TAG
from service.third_party.site import Clock, Site
from service.third_party.store import find_party, forget_nonces, spend_nonce

__all__ = ["MAX_HEADER_BYTES", "Caller", "Headers", "Request", "authenticate", "check_body", "check_headers"]

Headers = Sequence[tuple[str, str]]

MAX_HEADER_BYTES = 32 << 10
_SKEW = 60  # seconds
_REMEMBERED = timedelta(seconds=2 * (MAX_REQUEST_SECONDS + 2 * _SKEW))
_LONGEST_NONCE = 128  # characters
_SIGNATURE_HEADERS = {"signature": 1024, "signature-input": 2048, "content-digest": 512}  # bytes


@dataclass(frozen=True, kw_only=True)
class Request:
    """The part of an HTTP request that signatures speak of."""

    method: str
    url: str  # absolute, as the party wrote it
    fields: Headers
    announces_body: bool

    @property
    def headers(self) -> _Fields:
        """The fields in the shape that the library reads."""
        return _Fields(self.fields)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An authenticated party, and the digest its body must have."""

    public: PublicIdentity
    content_digest: str | None  # the covered header, as sent

    @property
    def party(self) -> str:
        """Its identifier."""
        return self.public.party


class _Fields:
    def __init__(self, fields: Headers) -> None:
        self._fields = fields

    def items(self) -> Headers:
        return self._fields


class _Keys(HTTPSignatureKeyResolver):
    """The keys of enrolled parties; remembers whose it gave."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.found: PublicIdentity | None = None

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        with self._site.database.read() as connection:
            self.found = find_party(connection, key_id)
        return check_verify_key(self.found.signing_key) if self.found else None


class _Verifier(HTTPMessageVerifier):
    """The library's verifier, with our clock and our window in place of its own."""

    def __init__(self, keys: _Keys, clock: Clock) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=keys)
        self._clock = clock

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:  # noqa: ARG002 - overridden
        now = int(self._clock().timestamp())
        created, expires = (sig_input.params.get(name) for name in ("created", "expires"))
        if type(created) is not int or type(expires) is not int:
            raise InvalidSignature("times")
        if not 0 < expires - created <= MAX_REQUEST_SECONDS:
            raise InvalidSignature("validity")
        if created > now + _SKEW or expires < now - _SKEW:
            raise InvalidSignature("window")


def authenticate(site: Site, request: Request) -> Caller:
    """Verify the signature of a request and spend its nonce.

    Raises:
        ServiceError: `E_REQUETE_NON_SIGNEE` (401).
    """
    keys = _Keys(site)
    covered = ["@method", "@target-uri", *(["content-digest"] if request.announces_body else [])]
    try:
        results = _Verifier(keys, site.clock).verify(request, expect_tag=REQUEST_TAG, require_components=covered)
    except HTTPMessageSignaturesException:
        raise _refused() from None
    public, nonce = keys.found, results[0].nonce or ""
    # 16 bytes take 22 characters in the densest usual writing (base64 without padding).
    if public is None or len(results) != 1 or not -(-NONCE_BYTES * 8 // 6) <= len(nonce) <= _LONGEST_NONCE:
        raise _refused()
    with site.database.write() as connection:
        now = site.clock()
        forget_nonces(connection, now)
        # Kept for longer than any clock within the tolerance could accept the request again.
        if not spend_nonce(connection, public.party, nonce, now + _REMEMBERED):
            raise _refused()
    return Caller(public=public, content_digest=results[0].covered_components.get('"content-digest"'))


def check_body(caller: Caller, body: bytes) -> None:
    """Hold a body to the digest that was signed.

    Raises:
        ServiceError: `E_REQUETE_NON_SIGNEE` (401), it is another body, or its digest was not signed.
    """
    if not body and caller.content_digest is None:
        return
    try:
        ContentDigest.verify(caller.content_digest or "", body)
    except HTTPMessageSignaturesException:
        raise _refused() from None


def check_headers(fields: Headers) -> None:
    """Refuse headers that are too large to be those of a party's tool, before anything reads them.

    Raises:
        ServiceError: `E_EN_TETES` (413).
    """
    total = sum(len(name) + len(value) for name, value in fields)
    by_name = dict.fromkeys(_SIGNATURE_HEADERS, 0)
    for name, value in fields:
        if name.lower() in by_name:
            by_name[name.lower()] += len(value)
    if total > MAX_HEADER_BYTES or any(size > _SIGNATURE_HEADERS[name] for name, size in by_name.items()):
        raise ServiceError("E_EN_TETES", "les en-têtes de la requête sont trop grands ; utilisez l'outil.", 413)


def _refused() -> ServiceError:
    return ServiceError(
        "E_REQUETE_NON_SIGNEE",
        "la requête n'est pas signée par une partie inscrite, ou sa signature n'est plus acceptable ; "
        "vérifiez l'horloge du poste et que la partie est inscrite auprès du tiers de confiance.",
        401,
    )
