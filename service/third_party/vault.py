"""The private keys of the third party: two that last, and those that die with what they protect.

::

    DATA/identity.json    Ed25519 and HPKE keys by which parties know the third party
    DATA/log_key          Ed25519 key that signs checkpoints of the audit log and nothing else
    DATA/keystore/        the keys of live runs (`keystore`), out of backups

A run has an HPKE key, to which its uploads are sealed, and one key for each party whose deliveries wait. Destroying one
makes what is under it unreadable wherever it was copied, backups of the whole data directory without `keystore/epoch.key`
included.

The web process never opens a run's HPKE key; it may destroy it, and opens the deliveries that it hands out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crypto.errors import KeyAbsent
from crypto.framing import Label
from crypto.key_files import read_secret, write_secret
from crypto.keys import Identity
from crypto.sealing import SealingKey
from crypto.signatures import SigningKey
from crypto.wrapping import unwrap, wrap
from service.errors import ServiceError
from service.third_party.keystore import Keystore

__all__ = ["THIRD_PARTY_ID", "Vault"]

THIRD_PARTY_ID = "tiers-de-confiance"


@dataclass(frozen=True)
class Vault:
    """The key files of one data directory."""

    data: Path

    def create(self, name: str) -> Identity:
        """The identity of the third party, drawn at first use with the log's key.

        Args:
            name: for people.

        Raises:
            ServiceError: `E_IDENTITE_EXISTANTE`, it exists under another name.
        """
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._identity_path.exists():
            # The log's key first: an identity never stands without one.
            if not self._log_path.exists():
                write_secret(self._log_path, SigningKey.generate().to_bytes())
            write_secret(self._identity_path, Identity.generate(THIRD_PARTY_ID, name).to_bytes())
        identity = self.identity()
        if identity.name != name:
            raise ServiceError(
                "E_IDENTITE_EXISTANTE",
                f"ce dossier appartient déjà à « {identity.name} » ; gardez ce nom ou prenez un autre dossier.",
            )
        return identity

    def identity(self) -> Identity:
        """The identity.

        Raises:
            ServiceError: `E_DONNEES_ABSENTES`, none was created.
            KeyReadable: other accounts can read the file.
        """
        try:
            return Identity.from_bytes(read_secret(self._identity_path))
        except KeyAbsent:
            raise ServiceError(
                "E_DONNEES_ABSENTES", "ce dossier n'a pas d'identité ; créez d'abord celle du tiers de confiance."
            ) from None

    def log_key(self) -> SigningKey:
        """The key of the audit log."""
        return SigningKey.from_bytes(read_secret(self._log_path))

    @property
    def keystore(self) -> Keystore:
        """The keys that are destroyed one day."""
        return Keystore(self.data / "keystore")

    def make_run_key(self, run: str) -> SealingKey:
        """The key of a run, drawn at first use; a crash before its publication finds the same one again."""
        return SealingKey.from_bytes(self.keystore.make(run, SealingKey.generate().to_bytes())[1])

    def run_key(self, run: str) -> SealingKey:
        """The key of a run.

        Raises:
            KeyAbsent: it was destroyed, or never made.
        """
        return SealingKey.from_bytes(self.keystore.secret(run))

    def holds_run_key(self, run: str) -> bool:
        """Whether the key of a run is still there, or anything that could hold a copy of it."""
        return self.keystore.holds(run)

    def destroy_run_key(self, run: str) -> None:
        """End the key of a run for good; it may be gone already."""
        self.keystore.destroy(run)

    def run_keys(self) -> list[str]:
        """The runs whose key is there."""
        return [name for name in self.keystore.names() if "/" not in name]

    def seal_parcel(self, run: str, party: str, data: bytes) -> bytes:
        """What waits for a party, as the database holds it: under a key of its own that dies when it is destroyed."""
        key, _ = self.keystore.make(f"{run}/{party}")
        return wrap(key, Label.STORED, f"{run}/{party}".encode(), data)

    def open_parcel(self, run: str, party: str, sealed: bytes) -> bytes:
        """What `seal_parcel` sealed.

        Raises:
            KeyAbsent: it was destroyed.
            SealBroken: altered, or another party's.
        """
        return unwrap(self.keystore.key(f"{run}/{party}"), Label.STORED, f"{run}/{party}".encode(), sealed)

    def holds_parcel_key(self, run: str, party: str) -> bool:
        """Whether the key of what waits for a party is still there."""
        return self.keystore.holds(f"{run}/{party}")

    def destroy_parcel_key(self, run: str, party: str) -> None:
        """End the key of what waits for a party; it may be gone already."""
        self.keystore.destroy(f"{run}/{party}")

    def parcel_keys(self) -> list[tuple[str, str]]:
        """(run, party) of the keys of what waits."""
        found = [name.partition("/") for name in self.keystore.names()]
        return [(run, party) for run, slash, party in found if slash]

    @property
    def _identity_path(self) -> Path:
        return self.data / "identity.json"

    @property
    def _log_path(self) -> Path:
        return self.data / "log_key"
