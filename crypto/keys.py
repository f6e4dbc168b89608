"""Keys of people's tools: identities that last, and the keys of one run.

Identity. A party (an administration or the third party) is named by a lowercase identifier and holds two
private keys: Ed25519 to sign, hybrid HPKE to open what is sealed to it. Its public half is canonical JSON
``{"format":"allervers/identity/v1","name","party","sealing_key","signing_key"}``, keys in base64. The
fingerprint is the SHA-256 of these bytes, modulo 10^60, as 12 groups of 5 digits that two people can read to
each other.

Run key. Each party of a comparison draws a 32-byte share. With ``T`` the transcript, ``K = HKDF-SHA256(salt =
SHA-256(frame(T, run, comparison)), ikm = frame(party, share, …), info = frame(RUN_KEY))``, parties in sorted
order: fresh as soon as one share is. Every use of it is then ``HKDF-Expand-SHA256(K, frame(label,
context…))``.

Confirmation. ``HMAC-SHA256(derive(K, CONFIRMATION), frame(T, run, comparison, party, encoder digest))`` tells
a partner that both hold the same key and the same encoder, and tells nobody else anything.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from crypto.errors import FormatRefused, KeyRefused
from crypto.framing import Json, Label, canonical_json, frame, from_base64, parse_canonical_json, to_base64
from crypto.sealing import PUBLIC_BYTES, SealingKey, check_sealing_key
from crypto.signatures import VERIFY_BYTES, SigningKey, check_verify_key

__all__ = [
    "SHARE_BYTES",
    "Identity",
    "PassKey",
    "PublicIdentity",
    "RunKey",
    "Share",
    "check_confirmation",
    "check_fingerprint",
    "confirmation",
    "derive",
    "fresh_share",
    "parse_fingerprint",
    "run_key",
]

PassKey = NewType("PassKey", bytes)
Share = NewType("Share", bytes)

SHARE_BYTES = 32
KEY_BYTES = 32

PUBLIC_FORMAT = "allervers/identity/v1"
PRIVATE_FORMAT = "allervers/private-identity/v1"
LARGEST_IDENTITY = 8192  # bytes; the keys take about 1,700
LONGEST_NAME = 200
_PARTY = re.compile(r"[a-z][a-z0-9-]{1,31}")
_FINGERPRINT = re.compile(r"[0-9]{60}")


class RunKey(bytearray):
    """The key of a run: 32 bytes that `wipe` overwrites, never shown.

    ``with RunKey(…) as key:`` wipes it at the end. What Python copied on the way (the text of the file that it was
    read from, derived keys) is freed, not overwritten.
    """

    def __repr__(self) -> str:
        """Nothing of the key: it may stand in a trace."""
        return "RunKey(…)"

    __str__ = __repr__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def wipe(self) -> None:
        """Overwrite the key with zeros, in place."""
        self[:] = bytes(len(self))


def fresh_share() -> Share:
    """Draw one party's 32-byte part of a run key."""
    return Share(secrets.token_bytes(SHARE_BYTES))


def derive(key: bytes | RunKey, label: Label, *context: bytes | str, length: int = KEY_BYTES) -> bytes:
    """Derive the key of one use.

    Args:
        key: at least 32 bytes, already a key (uniform).
        label: the use.
        *context: what distinguishes several keys of the same use (pass, block…).
        length: number of bytes, at most 8,160.

    Raises:
        KeyRefused: the key is too short.
    """
    if len(key) < KEY_BYTES:
        raise KeyRefused("la clé de départ d'une dérivation est trop courte.")
    return HKDFExpand(algorithm=SHA256(), length=length, info=frame(label, *context)).derive(key)


def run_key(transcript: bytes, run: str, comparison: str, shares: Mapping[str, Share]) -> RunKey:
    """Combine the shares of the parties of a comparison.

    Args:
        transcript: the agreement's digest T, 32 bytes.
        run: identifier of the run.
        comparison: identifier of the comparison.
        shares: one share for each party, by party identifier.

    Raises:
        KeyRefused: fewer than two parties, a share of another size, or the same share twice.
    """
    if len(shares) < 2:
        raise KeyRefused("une clé de croisement réunit les parts d'au moins deux parties.")
    if any(len(share) != SHARE_BYTES for share in shares.values()):
        raise KeyRefused("une part de clé n'a pas la bonne taille ; demandez à la partie de la tirer de nouveau.")
    if len(set(shares.values())) != len(shares):  # a party that echoes another's share has drawn none
        raise KeyRefused("deux parties ont envoyé la même part de clé ; recommencez le croisement.")
    parts: list[bytes | str] = []
    for party in sorted(shares):
        parts += [_check_party(party), shares[party]]
    salt = hashlib.sha256(frame(transcript, run, comparison)).digest()
    expansion = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=frame(Label.RUN_KEY))
    key = RunKey(KEY_BYTES)
    expansion.derive_into(frame(*parts), key)  # no copy of the key that could not be wiped
    return key


def confirmation(key: RunKey, transcript: bytes, run: str, comparison: str, party: str, encoder_digest: bytes) -> bytes:
    """Return the 32-byte tag by which `party` shows that it holds the key and this encoder."""
    context = frame(transcript, run, comparison, party, encoder_digest)
    return hmac.digest(derive(key, Label.CONFIRMATION), context, "sha256")


def check_confirmation(
    key: RunKey, transcript: bytes, run: str, comparison: str, party: str, encoder_digest: bytes, tag: bytes
) -> None:
    """Check the tag received from `party`, in constant time.

    Raises:
        KeyRefused: the party holds another key, another encoder, or is not this party.
    """
    expected = confirmation(key, transcript, run, comparison, party, encoder_digest)
    if not hmac.compare_digest(expected, tag):
        raise KeyRefused(
            f"la partie « {party} » n'a pas la même clé de croisement ou le même encodeur ; "
            "comparez les empreintes et les versions, puis ouvrez un nouveau croisement."
        )


@dataclass(frozen=True, kw_only=True)
class PublicIdentity:
    """What everybody may know of a party; valid by construction."""

    party: str  # stable identifier, `[a-z][a-z0-9-]{1,31}`
    name: str  # for people, at most 200 characters
    signing_key: bytes  # Ed25519, 32 bytes
    sealing_key: bytes  # hybrid HPKE, 1,216 bytes
    successors: tuple[bytes, ...] = field(
        default=(), compare=False
    )  # signing keys that came after, each signed by one before

    def __post_init__(self) -> None:
        """Refuse what could not be an identity."""
        _check_party(self.party)
        _check_name(self.name)
        check_verify_key(self.signing_key)
        check_sealing_key(self.sealing_key)

    def to_bytes(self) -> bytes:
        """Return the canonical JSON that is exchanged and fingerprinted."""
        return canonical_json(
            {
                "format": PUBLIC_FORMAT,
                "name": self.name,
                "party": self.party,
                "sealing_key": to_base64(self.sealing_key),
                "signing_key": to_base64(self.signing_key),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> PublicIdentity:
        """Read what `to_bytes` wrote, and nothing else.

        Raises:
            FormatRefused: not an identity of this format.
            KeyRefused: a key, the identifier or the name is not valid.
        """
        party, name, members = _read_identity(data, PUBLIC_FORMAT)
        return cls(
            party=party,
            name=name,
            signing_key=from_base64(members["signing_key"], VERIFY_BYTES),
            sealing_key=from_base64(members["sealing_key"], PUBLIC_BYTES),
        )

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys with which the party signs now: two at most."""
        return self.all_signing_keys[-2:]

    @property
    def all_signing_keys(self) -> tuple[bytes, ...]:
        """Every key with which the party has ever signed, the oldest first."""
        return (self.signing_key, *self.successors)

    @property
    def fingerprint(self) -> str:
        """60 digits in 12 groups, for people to compare by another channel."""
        number = int.from_bytes(hashlib.sha256(self.to_bytes()).digest(), "big") % 10**60
        return _in_groups(f"{number:060d}")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A party's private keys. Lives in one key file; shows no key material."""

    party: str
    name: str
    signing_key: SigningKey = field(repr=False)
    sealing_key: SealingKey = field(repr=False)
    enrolled: PublicIdentity | None = None  # under which the party is known, once its signing key has a successor

    def __post_init__(self) -> None:
        """Refuse what could not be an identity."""
        _check_party(self.party)
        _check_name(self.name)

    @classmethod
    def generate(cls, party: str, name: str) -> Identity:
        """Draw both keys of a new identity.

        Raises:
            KeyRefused: the identifier or the name is not valid.
        """
        composed = unicodedata.normalize("NFC", name.strip())
        return cls(party=party, name=composed, signing_key=SigningKey.generate(), sealing_key=SealingKey.generate())

    @property
    def public(self) -> PublicIdentity:
        """The public half; the one that partners pinned, whatever key signs now."""
        if self.enrolled is not None:
            return self.enrolled
        return PublicIdentity(
            party=self.party,
            name=self.name,
            signing_key=self.signing_key.verify_bytes(),
            sealing_key=self.sealing_key.public_bytes(),
        )

    def to_bytes(self) -> bytes:
        """Return the private canonical JSON, for `key_files.write_secret` only."""
        return canonical_json(
            {
                "format": PRIVATE_FORMAT,
                "name": self.name,
                "party": self.party,
                "sealing_key": to_base64(self.sealing_key.to_bytes()),
                "signing_key": to_base64(self.signing_key.to_bytes()),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Identity:
        """Read what `to_bytes` wrote, and nothing else.

        Raises:
            FormatRefused: not a private identity of this format.
            KeyRefused: a key, the identifier or the name is not valid.
        """
        party, name, members = _read_identity(data, PRIVATE_FORMAT)
        return cls(
            party=party,
            name=name,
            signing_key=SigningKey.from_bytes(from_base64(members["signing_key"])),
            sealing_key=SealingKey.from_bytes(from_base64(members["sealing_key"])),
        )


def parse_fingerprint(text: str) -> str:
    """Read a fingerprint typed or pasted by a person, with any spacing.

    Returns:
        The 60 digits as 12 groups of 5 separated by a space.

    Raises:
        KeyRefused: not 60 digits.
    """
    digits = "".join(character for character in text if not character.isspace())
    if not _FINGERPRINT.fullmatch(digits):
        raise KeyRefused("une empreinte compte 60 chiffres, en 12 groupes de 5 ; recopiez-la en entier.")
    return _in_groups(digits)


def check_fingerprint(public: PublicIdentity, text: str) -> None:
    """Check an identity against the fingerprint received by another channel.

    Raises:
        KeyRefused: the text is not a fingerprint, or is another one.
    """
    if not hmac.compare_digest(public.fingerprint, parse_fingerprint(text)):
        raise KeyRefused(
            f"l'empreinte ne correspond pas à la clé de « {public.party} » ; "
            "n'utilisez pas cette clé et appelez votre correspondant."
        )


def _in_groups(digits: str) -> str:
    return " ".join(digits[start : start + 5] for start in range(0, len(digits), 5))


def _check_party(party: str) -> str:
    if not _PARTY.fullmatch(party):
        raise KeyRefused("un identifiant de partie a 2 à 32 caractères : minuscules, chiffres, tirets.")
    return party


def _check_name(name: str) -> None:
    # Two names that look alike must be the same bytes: one composition, no invisible character.
    composed = unicodedata.is_normalized("NFC", name)
    if not (composed and name.isprintable() and name == name.strip() and 1 <= len(name) <= LONGEST_NAME):
        raise KeyRefused(f"un nom de partie a 1 à {LONGEST_NAME} caractères visibles, sans espace au bord.")


def _read_identity(data: bytes, form: str) -> tuple[str, str, dict[str, Json]]:
    members = parse_canonical_json(data, LARGEST_IDENTITY)
    expected = {"format", "name", "party", "sealing_key", "signing_key"}
    if not isinstance(members, dict) or members.keys() != expected or members["format"] != form:
        raise FormatRefused(f"ce fichier n'est pas une identité au format « {form} ».")
    party, name = members["party"], members["name"]
    if not isinstance(party, str) or not isinstance(name, str):
        raise FormatRefused("le nom et l'identifiant d'une identité sont des textes.")
    return party, name, members
