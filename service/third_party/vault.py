"""The private keys of the third party, each a file of mode 0600 in its data directory.

::

    DATA/identity.json    Ed25519 and HPKE keys by which parties know the third party
    DATA/log_key          Ed25519 key that signs checkpoints of the audit log and nothing else
    DATA/worker/RUN.key   HPKE key of one run: every upload of the run is sealed to it, so destroying this one
                          file makes all of them unreadable, copies and backups of the uploads included

The web process never reads a run's key; it may only destroy one. `worker/` stays out of backups.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crypto.errors import KeyAbsent
from crypto.key_files import destroy, read_secret, write_secret, write_secret_once
from crypto.keys import Identity
from crypto.sealing import SealingKey
from crypto.signatures import SigningKey
from service.errors import ServiceError

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
        (self.data / "worker").mkdir(mode=0o700, parents=True, exist_ok=True)
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

    def make_run_key(self, run: str) -> SealingKey:
        """The key of a run, drawn at first use; a crash before its publication finds the same one again."""
        path = self._run_path(run)
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_secret_once(path, SealingKey.generate().to_bytes())  # another worker may be doing the same
        return SealingKey.from_bytes(read_secret(path))

    def run_key(self, run: str) -> SealingKey:
        """The key of a run.

        Raises:
            KeyAbsent: it was destroyed, or never made.
        """
        return SealingKey.from_bytes(read_secret(self._run_path(run)))

    def holds_run_key(self, run: str) -> bool:
        """Whether the key of a run is still there, or a half-written copy of it."""
        return self._run_path(run).exists() or any(self._leftovers(run))

    def destroy_run_key(self, run: str) -> None:
        """Overwrite and remove the key of a run; it may be gone already."""
        for path in (self._run_path(run), *self._leftovers(run)):
            destroy(path)

    def run_keys(self) -> list[str]:
        """The runs whose key is there."""
        return sorted(path.stem for path in (self.data / "worker").glob("*.key"))

    def _leftovers(self, run: str) -> list[Path]:
        return list((self.data / "worker").glob(f".{run}.key.*.tmp"))

    def _run_path(self, run: str) -> Path:
        return self.data / "worker" / f"{run}.key"

    @property
    def _identity_path(self) -> Path:
        return self.data / "identity.json"

    @property
    def _log_path(self) -> Path:
        return self.data / "log_key"
