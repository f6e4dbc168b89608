"""How a party changes its signing key without changing its name: each new key is signed by one before it.

What partners and agreements pin is the identity, which stays. A succession names the identity, the key that signs it
and the key that follows, and carries a proof that the party holds the new one. A party has two active keys at most;
a chain is believed from the pinned identity on, and never forks: a second successor of one key is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from crypto.errors import CryptoError, KeyRefused
from crypto.framing import Label, frame
from crypto.keys import PublicIdentity
from crypto.signatures import VERIFY_BYTES, SigningKey, sign, verify
from service.errors import ServiceError
from service.forms import Bytes, Digest, Moment, PartyId
from service.messages import Statement

__all__ = ["LONGEST_CHAIN", "Succession", "followed", "key_digest"]

LONGEST_CHAIN = 1000


def key_digest(public: bytes) -> str:
    """How a signing key is named: the SHA-256 of its 32 bytes, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Succession(Statement):
    """A party's new signing key, signed by the key before it."""

    FORMAT: ClassVar[str] = "allervers/succession/v1"
    LABEL: ClassVar[Label] = Label.SUCCESSION
    party: PartyId
    identity: Digest  # SHA-256 of the public identity that partners pinned
    predecessor: Digest  # name of the key that signs this
    successor: Bytes  # Ed25519, 32 bytes
    possession: Bytes  # by the successor, over what it succeeds to
    at: Moment

    @classmethod
    def drawn(cls, public: PublicIdentity, key: SigningKey, successor: SigningKey, now: datetime) -> dict[str, Any]:
        """The signed succession of a party's key.

        Args:
            public: the identity that partners pinned.
            key: that signs now.
            successor: that will.
            now: the moment.
        """
        identity, before = hashlib.sha256(public.to_bytes()).hexdigest(), key_digest(key.verify_bytes())
        one = cls(
            party=public.party,
            identity=identity,
            predecessor=before,
            successor=successor.verify_bytes(),
            possession=sign(successor, Label.SUCCESSION, frame(public.party, identity, before)),
            at=now.replace(microsecond=0),
        )
        return one.signed(key)

    @classmethod
    def checked(cls, public: PublicIdentity, keys: tuple[bytes, ...], signed: object) -> Self:
        """A succession of a party, signed by one of these keys and by the new one.

        Raises:
            CryptoError: it is not.
            ServiceError: `E_MESSAGE`.
        """
        one = cls.opened(keys, signed)
        named = (one.party, one.identity)
        if named != (public.party, hashlib.sha256(public.to_bytes()).hexdigest()) or len(one.successor) != VERIFY_BYTES:
            raise KeyRefused("cette succession de clé est celle d'une autre identité.")
        signer = [key for key in keys if key_digest(key) == one.predecessor]
        if not signer:
            raise KeyRefused("cette succession de clé n'est pas signée par la clé qu'elle nomme.")
        cls.opened(signer[0], signed)
        verify(one.successor, Label.SUCCESSION, frame(one.party, one.identity, one.predecessor), one.possession)
        return one


def followed(public: PublicIdentity, chain: Sequence[object]) -> PublicIdentity:
    """An identity with the keys that followed its own, each signed by the one before it.

    Raises:
        ServiceError: `E_CLE_SUCCESSION`: a link does not hold.
    """
    keys = [public.signing_key]
    try:
        if len(chain) > LONGEST_CHAIN:
            raise KeyRefused("cette suite de clés est trop longue.")
        for signed in chain:
            keys.append(Succession.checked(public, (keys[-1],), signed).successor)
    except (CryptoError, ServiceError) as error:
        sentence = (
            f"les clés successives de « {public.party} » ne se suivent pas ; appelez cette administration, puis "
            "épinglez de nouveau son fichier public"
        )
        raise ServiceError("E_CLE_SUCCESSION", sentence) from error
    return replace(public, successors=tuple(keys[1:]))
