"""Keys of the journal: a person is a keyed token there, and what leads back to a file is sealed under keys that can be destroyed.

``HOME/journal/keys.json`` (0600) is canonical JSON ``{"format", "index", "collections"}``. A token is the first 16 bytes of
``HMAC-SHA256(derive(index, LOCAL_JOURNAL, use), local identifier)``, without the blanks that a file may have around it: without
the index nobody can tell whose it is, and those of two uses (two runs, objections) cannot be compared. Each collection of
results has a key of its own; destroying it makes them unreadable in every copy of the database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto.errors import CryptoError
from crypto.framing import Label, canonical_json, frame, from_base64, parse_canonical_json, to_base64
from crypto.key_files import LARGEST_SECRET, read_secret, write_secret
from crypto.keys import derive
from crypto.wrapping import unwrap, wrap
from service.errors import ServiceError

__all__ = ["TOKEN_BYTES", "PeopleKeys"]

TOKEN_BYTES = 16
_FORMAT = "allervers/journal-keys/v1"
_KEY_BYTES = 32


@dataclass(frozen=True)
class PeopleKeys:
    """The keys of one administration's journal.

    Attributes:
        folder: of the journal.
    """

    folder: Path

    @property
    def drawn(self) -> bool:
        """Whether there are any."""
        return self._path.exists()

    def index(self, use: str) -> bytes:
        """The key of the tokens of one use; drawn when there is none."""
        held = self._held()
        return derive(from_base64(held["index"], _KEY_BYTES), Label.LOCAL_JOURNAL, "index", use)

    def each_token(self, use: str, identifiers: Iterable[str]) -> Iterator[bytes]:
        """The token of each local identifier, for one use, one after the other."""
        key = self.index(use)
        return (_token(key, one) for one in identifiers)

    def tokens(self, use: str, identifiers: Iterable[str]) -> list[bytes]:
        """The token of each local identifier, for one use."""
        return list(self.each_token(use, identifiers))

    def token(self, use: str, identifier: str) -> bytes:
        """The token of one local identifier."""
        return _token(self.index(use), identifier)

    def collection(self, name: str) -> bytes:
        """The key of a collection of results; drawn when there is none."""
        held = self._held()
        if name not in held["collections"]:
            held["collections"][name] = to_base64(secrets.token_bytes(_KEY_BYTES))
            write_secret(self._path, canonical_json(held))
        return from_base64(held["collections"][name], _KEY_BYTES)

    def seal(self, name: str, contents: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Seal what is kept of people of a collection: (token, content) each."""
        key = self.collection(name)
        return (wrap(key, Label.LOCAL_JOURNAL, frame(name, token), content) for token, content in contents)

    def unseal(self, name: str, sealed: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Open what `seal` made: (token, sealed) each.

        Raises:
            SealBroken: altered, or its key is destroyed.
        """
        kept = self._held()["collections"].get(name)
        key = from_base64(kept, _KEY_BYTES) if kept else bytes(_KEY_BYTES)  # which opens nothing
        return (unwrap(key, Label.LOCAL_JOURNAL, frame(name, token), one) for token, one in sealed)

    def commitment(self, name: str) -> str | None:
        """The SHA-256 by which any copy of a collection's key can be told; None when there is none."""
        kept = self._held()["collections"].get(name)
        return None if kept is None else hashlib.sha256(frame(Label.LOCAL_JOURNAL, from_base64(kept))).hexdigest()

    def destroy(self, name: str) -> None:
        """Destroy the key of a collection: the file is written without it, its old bytes overwritten."""
        held = self._held()
        if held["collections"].pop(name, None) is not None:
            write_secret(self._path, canonical_json(held))

    @property
    def _path(self) -> Path:
        return self.folder / "keys.json"

    def _held(self) -> dict[str, Any]:
        if not self._path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = {"format": _FORMAT, "index": to_base64(secrets.token_bytes(_KEY_BYTES)), "collections": {}}
            write_secret(self._path, canonical_json(fresh))
        try:
            held = parse_canonical_json(read_secret(self._path), LARGEST_SECRET)
        except CryptoError as error:
            raise _damaged(self._path) from error
        if not isinstance(held, dict) or held.get("format") != _FORMAT:
            raise _damaged(self._path)
        return held


def _token(key: bytes, identifier: str) -> bytes:
    # Exports pad their cells; whoever types an identifier does not: an objection must find its person all the same.
    return hmac.digest(key, identifier.strip().encode("utf-8", "surrogatepass"), "sha256")[:TOKEN_BYTES]


def _damaged(path: Path) -> ServiceError:
    return ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé")
