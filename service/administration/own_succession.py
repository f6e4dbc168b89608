"""One's own signing key replaced by another: drawn, deposited with the third party, then used.

The identity that partners pinned stays in ``identity.json``. ``succession.next.json`` holds a new key until the third
party has taken its succession, ``succession.json`` from then on: a command that is stopped in between goes on with the
same key, and the third party takes the same succession twice. Both files are private, 0600::

    {"format": "allervers/own-succession/v1", "chain": [signed successions], "signing_key": base64}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from crypto.errors import CryptoError
from crypto.framing import canonical_json, from_base64, parse_canonical_json, to_base64
from crypto.key_files import read_secret, write_secret
from crypto.keys import Identity
from crypto.signatures import SigningKey
from service.errors import ServiceError
from service.successions import Succession, followed, key_digest

__all__ = ["OwnSuccession"]

FORMAT = "allervers/own-succession/v1"
_LIMIT = 4 << 20  # bytes


class OwnSuccession:
    """The signing keys of this party after the one of its identity."""

    def __init__(self, home: Path) -> None:
        self._path = home / "succession.json"
        self._next = home / "succession.next.json"

    def current(self, identity: Identity) -> Identity:
        """The identity with the key that signs now.

        Raises:
            ServiceError: `E_FICHIER_LOCAL`.
        """
        if not self._path.exists():
            return identity
        chain, key = self._read(self._path)
        enrolled = followed(identity.public, chain)
        if enrolled.all_signing_keys[-1] != key.verify_bytes():
            raise _damaged(self._path)
        return replace(identity, signing_key=key, enrolled=enrolled)

    def rotate(self, identity: Identity, now: datetime, deposit: Callable[[dict[str, Any]], None]) -> str:
        """Draw a new key, have its succession deposited, and use it from then on.

        Args:
            identity: as `current` gives it.
            now: the moment.
            deposit: sends the signed succession to the third party; signed by the key that signs now.

        Returns:
            The name of the new key.

        Raises:
            ServiceError: what the third party refuses; `E_FICHIER_LOCAL`.
        """
        if not self._next.exists():
            chain = self._read(self._path)[0] if self._path.exists() else []
            key = SigningKey.generate()
            chain.append(Succession.drawn(identity.public, identity.signing_key, key, now))
            document = {"format": FORMAT, "chain": chain, "signing_key": to_base64(key.to_bytes())}
            write_secret(self._next, canonical_json(document))
        chain, key = self._read(self._next)
        deposit(chain[-1])
        self._next.replace(self._path)
        return key_digest(key.verify_bytes())

    def _read(self, path: Path) -> tuple[list[dict[str, Any]], SigningKey]:
        try:
            document = parse_canonical_json(read_secret(path), _LIMIT)
            if not isinstance(document, dict) or document.get("format") != FORMAT:
                raise _damaged(path)
            chain: Any = document["chain"]
            return list(chain), SigningKey.from_bytes(from_base64(document["signing_key"]))
        except (CryptoError, KeyError, TypeError) as error:
            raise _damaged(path) from error


def _damaged(path: Path) -> ServiceError:
    return ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé : reprenez-le de la sauvegarde")
