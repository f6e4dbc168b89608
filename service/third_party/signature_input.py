"""The two headers of a signed request (RFC 9421), read in the one form that signers write, and in no other.

::

    Signature-Input: LABEL=("@method" "@target-uri" …);created=N;expires=N;nonce="…";keyid="…";tag="allervers-v1"
    Signature: LABEL=:BASE64:

One signature. Components are derived ones of a closed list or names of header fields, without parameters, each once;
parameters are these five, each once, in any order, and ``alg="ed25519"`` where a signer adds it. This is what RFC 9421
signers produce: the general syntax of structured fields allows much more, which nobody needs and which a parser can
stumble over. What is verified is rebuilt from the text that was received, never from a second writing of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from crypto.errors import CryptoError
from crypto.framing import from_base64
from crypto.signatures import SIGNATURE_BYTES

__all__ = ["Fields", "SignedHead", "Unreadable", "read_signed_head"]

Fields = Sequence[tuple[str, str]]

_LABEL = r"[a-z*][a-z0-9_.*-]{0,63}"
_COMPONENTS = r'\(("[@a-z0-9_-]{1,64}"(?: "[@a-z0-9_-]{1,64}"){0,15})\)'
_INPUT = re.compile(rf"({_LABEL})=({_COMPONENTS}((?:;[a-z]+=(?:[0-9]{{1,15}}|\"[ !#-\[\]-~]{{0,128}}\")){{5,6}}))")
_SIGNATURE = re.compile(rf"({_LABEL})=:([A-Za-z0-9+/=]{{88}}):")
_PARAMETER = re.compile(r';([a-z]+)=(?:([0-9]+)|"([^"]*)")')
_NUMBERS = {"created", "expires"}
_TEXTS = {"nonce", "keyid", "tag", "alg"}


class Unreadable(Exception):
    """The headers are not those of one signature; nobody is told why."""


@dataclass(frozen=True, kw_only=True)
class SignedHead:
    """What a signature says and covers, before anybody has verified it."""

    key_id: str
    tag: str
    nonce: str
    created: int  # seconds since 1970
    expires: int
    covered: Mapping[str, str]  # component → value, as received
    base: bytes  # what is signed
    signature: bytes  # 64 bytes


def read_signed_head(method: str, url: str, fields: Fields) -> SignedHead:
    """Read the signature of a request from its headers.

    Args:
        method: as received.
        url: absolute, as the signer must have written it.
        fields: every header field, in order, names in lower case.

    Raises:
        Unreadable: no signature, several, or one of another form; a covered component that is not there once.
    """
    written = _INPUT.fullmatch(_only(fields, "signature-input"))
    proof = _SIGNATURE.fullmatch(_only(fields, "signature"))
    if written is None or proof is None or written[1] != proof[1]:
        raise Unreadable
    names = [name.strip('"') for name in written[3].split(" ")]
    if len(set(names)) != len(names):
        raise Unreadable
    covered = {name: _value(name, method, url, fields) for name in names}
    lines = [f'"{name}": {value}' for name, value in covered.items()]
    numbers, texts = _parameters(written[4])
    try:
        base = "\n".join([*lines, f'"@signature-params": {written[2]}']).encode("ascii")
        signature = from_base64(proof[2], SIGNATURE_BYTES)
    except (UnicodeError, CryptoError):
        raise Unreadable from None
    return SignedHead(
        key_id=texts["keyid"],
        tag=texts["tag"],
        nonce=texts["nonce"],
        created=numbers["created"],
        expires=numbers["expires"],
        covered=covered,
        base=base,
        signature=signature,
    )


def _parameters(text: str) -> tuple[dict[str, int], dict[str, str]]:
    numbers: dict[str, int] = {}
    texts: dict[str, str] = {}
    for name, number, quoted in _PARAMETER.findall(text):
        if name in _NUMBERS and number and name not in numbers:
            numbers[name] = int(number)
        elif name in _TEXTS and not number and name not in texts:
            texts[name] = quoted
        else:
            raise Unreadable
    if texts.pop("alg", "ed25519") != "ed25519" or len(numbers) + len(texts) != 5:
        raise Unreadable
    return numbers, texts


def _only(fields: Fields, name: str) -> str:
    values = [value for field, value in fields if field == name]
    if len(values) != 1:
        raise Unreadable
    return values[0].strip(" \t")


def _value(name: str, method: str, url: str, fields: Fields) -> str:
    if not name.startswith("@"):
        value = _only(fields, name)
        if not value.replace("\t", " ").isprintable():
            raise Unreadable
        return value
    if name == "@method":
        return method
    if name == "@target-uri":
        return url
    if name == "@authority":
        return _authority(url)
    raise Unreadable


def _authority(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Unreadable from None
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.netloc.lower().removesuffix(usual) if usual else parts.netloc.lower()
