"""What this package refuses, one class and one stable code for each kind of fault.

Sentences are French because agents read them; codes are what programs test. A message never holds key
material, nor a byte of what was being opened. Whoever fails a check of authenticity is told that it failed,
never how far it got.
"""

from __future__ import annotations

__all__ = [
    "CryptoError",
    "FormatRefused",
    "KeyAbsent",
    "KeyReadable",
    "KeyRefused",
    "ProofRefused",
    "SealBroken",
    "SignatureRefused",
]


class CryptoError(Exception):
    """A refusal by this package.

    Attributes:
        code: stable identifier, `E_…`, fixed by the class.
        message: French sentence that says what to change.
    """

    code = "E_CRYPTO"

    def __init__(self, message: str) -> None:
        super().__init__(f"{self.code} : {message}")
        self.message = message


class FormatRefused(CryptoError):
    """Bytes that do not have the one accepted form (not canonical, too long, unknown version)."""

    code = "E_FORMAT"


class KeyRefused(CryptoError):
    """A key, share, identity or fingerprint that is malformed or not the expected one."""

    code = "E_CLE"


class KeyAbsent(KeyRefused):
    """A key file that is not there."""

    code = "E_CLE_ABSENTE"


class KeyReadable(KeyRefused):
    """A key file that other accounts of the machine can read."""

    code = "E_CLE_LISIBLE"


class SealBroken(CryptoError):
    """A sealed object that does not open: altered, for another key, or for another use."""

    code = "E_SCELLEMENT"


class SignatureRefused(CryptoError):
    """A signature that is not the signer's over this message under this label."""

    code = "E_SIGNATURE"


class ProofRefused(CryptoError):
    """A proof of the audit log that does not lead to the root it is checked against."""

    code = "E_PREUVE"
