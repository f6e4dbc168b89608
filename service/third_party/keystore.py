"""The keystore: keys that must be destroyed one day, wrapped so that destroying one reaches its copies too.

::

    DATA/keystore/epoch.key        the wrapping key of the present epoch, 0600; the only key here that is in clear
    DATA/keystore/wrapped-N.json   the keys of epoch N, wrapped; each may carry a secret sealed under it
    DATA/keystore/lock             held by whoever reads or changes the two others

Every destruction ends an epoch: what survives is wrapped anew under a fresh key, and the key of the old epoch is
overwritten. A copy of `wrapped-N.json` taken at any time before then opens nothing any more, whatever else remains:
`epoch.key` stays out of backups.

Crash safety. `epoch.key` names its epoch, and its replacement, in one step, is the moment at which the next epoch begins: before
it the old file of keys holds, after it the new one. What a crash leaves beside is ciphertext under a key that is gone or was
never in use; it is removed before the next epoch is drawn.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from crypto.errors import CryptoError, FormatRefused, KeyAbsent
from crypto.framing import Json, Label, canonical_json, frame, from_base64, parse_canonical_json, to_base64
from crypto.key_files import LARGEST_SECRET, destroy, read_secret, write_secret
from crypto.wrapping import WRAPPING_BYTES, unwrap, wrap

__all__ = ["Keystore"]

_FORMAT = "allervers/keystore/v1"
_NAME = re.compile(r"[0-9a-f]{32}(?:/[a-z][a-z0-9-]{1,31})?")


@dataclass(frozen=True)
class _Entry:
    key: bytes  # wrapped under the epoch's key
    secret: bytes  # sealed under the key; empty where it carries none


@dataclass(frozen=True)
class _Epoch:
    number: int
    key: bytes
    entries: Mapping[str, _Entry]


@dataclass(frozen=True)
class Keystore:
    """The keystore of one data directory. Names are ``RUN`` or ``RUN/PARTY``."""

    folder: Path

    def epoch(self) -> int:
        """The number of the present epoch; 0 before the first key."""
        with self._locked(shared=True):
            return self._load().number

    def names(self) -> list[str]:
        """The names of the keys that are there, sorted."""
        with self._locked(shared=True):
            return sorted(self._load().entries)

    def key(self, name: str) -> bytes:
        """A key.

        Raises:
            KeyAbsent: it was destroyed, or never made.
            CryptoError: the keystore is damaged.
        """
        with self._locked(shared=True):
            return self._opened(self._load(), name)[0]

    def secret(self, name: str) -> bytes:
        """The secret that a key carries.

        Raises:
            KeyAbsent: it was destroyed, or never made.
        """
        with self._locked(shared=True):
            return self._opened(self._load(), name)[1]

    def make(self, name: str, secret: bytes = b"") -> tuple[bytes, bytes]:
        """A key and its secret, drawn and kept at first use.

        Args:
            name: whose.
            secret: what the key is to carry, unless it is there already.

        Returns:
            Key (32 bytes) and secret, those of the first call.
        """
        _check(name)
        with self._locked():
            epoch = self._load()
            if name in epoch.entries:
                return self._opened(epoch, name)
            if epoch.number == 0:
                epoch = self._begin(1, {})
            key = secrets.token_bytes(WRAPPING_BYTES)
            sealed = wrap(key, Label.STORED, name.encode(), secret) if secret else b""
            entry = _Entry(_wrap_key(epoch, name, key), sealed)
            self._write(epoch.number, {**epoch.entries, name: entry})
            return key, secret

    def holds(self, *names: str) -> bool:
        """Whether any trace of these keys is there, leftovers of a crash included."""
        with self._locked(shared=True):
            held = {name for path in self._key_files() for name in _names_in(path)}
            return not held.isdisjoint(names) or (bool(self._drafts()) and bool(names))

    def destroy(self, *names: str) -> None:
        """End these keys and the epoch with them; nothing happens when they are gone already."""
        with self._locked():
            epoch = self._load()
            self._sweep(epoch.number)
            if epoch.entries.keys().isdisjoint(names):
                return
            kept = {name: self._opened(epoch, name)[0] for name in epoch.entries if name not in names}
            self._begin(epoch.number + 1, kept, epoch.entries)
            self._sweep(epoch.number + 1)

    def _begin(self, number: int, keys: Mapping[str, bytes], old: Mapping[str, _Entry] | None = None) -> _Epoch:
        """Draw an epoch and wrap the surviving keys in it; secrets stay sealed as they are."""
        self._sweep(number - 1)
        fresh = _Epoch(number, secrets.token_bytes(WRAPPING_BYTES), {})
        entries = {name: _Entry(_wrap_key(fresh, name, key), (old or {})[name].secret) for name, key in keys.items()}
        self._write(number, entries)
        # A crash before this line leaves the old epoch whole; after it, the new one.
        key = canonical_json({"format": _FORMAT, "epoch": number, "key": to_base64(fresh.key)})
        write_secret(self.folder / "epoch.key", key)
        return _Epoch(number, fresh.key, entries)

    def _write(self, number: int, entries: Mapping[str, _Entry]) -> None:
        keys: dict[str, Json] = {
            name: [to_base64(one.key), to_base64(one.secret)] for name, one in sorted(entries.items())
        }
        write_secret(self._path(number), canonical_json({"format": _FORMAT, "keys": keys}))

    def _load(self) -> _Epoch:
        try:
            head = _document(read_secret(self.folder / "epoch.key"))
        except KeyAbsent:
            return _Epoch(0, b"", {})
        number, key = head.get("epoch"), from_base64(head.get("key"), WRAPPING_BYTES)
        if not isinstance(number, int):
            raise FormatRefused("le trousseau du service est endommagé.")
        return _Epoch(number, key, _entries(self._path(number)))

    @staticmethod
    def _opened(epoch: _Epoch, name: str) -> tuple[bytes, bytes]:
        entry = epoch.entries.get(name)
        if entry is None:
            raise KeyAbsent("la clé de ce croisement a été détruite, ou n'a pas encore été tirée.")
        key = unwrap(epoch.key, Label.KEY_WRAP, frame(str(epoch.number), name), entry.key)
        return key, unwrap(key, Label.STORED, name.encode(), entry.secret) if entry.secret else b""

    def _path(self, number: int) -> Path:
        return self.folder / f"wrapped-{number}.json"

    def _key_files(self) -> list[Path]:
        return sorted(self.folder.glob("wrapped-*.json"))

    def _drafts(self) -> list[Path]:
        return sorted(self.folder.glob(".*.tmp"))

    def _sweep(self, number: int) -> None:
        """Destroy what crashes have left: drafts, and files of other epochs."""
        for path in (*self._drafts(), *self._key_files()):
            if path != self._path(number):
                destroy(path)

    @contextmanager
    def _locked(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock among all processes and threads; it ends with its holder, however that happens."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.name == "posix":
                import fcntl  # noqa: PLC0415 - absent elsewhere

                fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("not the name of a key")


def _wrap_key(epoch: _Epoch, name: str, key: bytes) -> bytes:
    return wrap(epoch.key, Label.KEY_WRAP, frame(str(epoch.number), name), key)


def _document(data: bytes) -> dict[str, Json]:
    value = parse_canonical_json(data, LARGEST_SECRET)
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        raise FormatRefused("le trousseau du service est endommagé.")
    return value


def _entries(path: Path) -> dict[str, _Entry]:
    keys = cast("dict[str, list[Json]]", _document(read_secret(path))["keys"])
    return {name: _Entry(from_base64(key), from_base64(secret)) for name, (key, secret) in keys.items()}


def _names_in(path: Path) -> set[str]:
    """The keys that a file names; every name there could be, of one that cannot be read."""
    try:
        return set(_entries(path))
    except CryptoError:
        return {path.name}
