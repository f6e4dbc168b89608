"""Where a third party keeps what is not a key, as its operator says it.

==================  ==========================================================================================
``--database URL``  ``sqlite:///FILE`` or ``postgresql+psycopg://USER@HOST/NAME``; never with a password, which
                    everybody on the machine could read in the list of processes
``--database-file`` a file that holds the URL, password included, for its owner only (mode 0600)
environment         ``ALLERVERS_DATABASE``, the URL with its password, when neither option is given
``--blobs PLACE``   ``s3://BUCKET/PREFIX``; without it, files under the data directory
environment         ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_REGION``,
                    ``AWS_ENDPOINT_URL`` (a service that is not Amazon's): what the bucket asks for
==================  ==========================================================================================

With none of it, everything is in the data directory. The environment is handed over by the composition root.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crypto.key_files import read_secret
from service.errors import ServiceError
from service.third_party.database import parse_url

__all__ = ["DATABASE", "Storage", "StorageOptions", "read_storage"]

DATABASE = "ALLERVERS_DATABASE"
_BUCKET_MEMBERS = {
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_SESSION_TOKEN": "session_token",
    "AWS_REGION": "region",
    "AWS_ENDPOINT_URL": "endpoint",
}


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Where the database and the blobs are.

    Attributes:
        database: its URL, password included; a file in the data directory when absent.
        blobs: ``s3://BUCKET/PREFIX``; files in the data directory when absent.
        bucket: what the bucket asks for, by the names of the client; secrets are among them.
    """

    database: str | None = field(default=None, repr=False)
    blobs: str | None = None
    bucket: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """What the command line says; the same words start a worker with the same storage."""

    database: str | None = None
    database_file: Path | None = None
    blobs: str | None = None

    @classmethod
    def of(cls, args: argparse.Namespace) -> StorageOptions:
        """Those of a parsed command."""
        return cls(database=args.database, database_file=args.database_file, blobs=args.blobs)

    def words(self) -> list[str]:
        """Them again, as words of a command line."""
        members = {"--database": self.database, "--database-file": self.database_file, "--blobs": self.blobs}
        return [word for name, value in members.items() if value is not None for word in (name, str(value))]


def read_storage(options: StorageOptions, environ: Mapping[str, str]) -> Storage:
    """What was chosen, secrets included.

    Raises:
        ServiceError: `E_BASE_URL`, not an address of a database; `E_MOT_DE_PASSE`, a password on the command line.
        CryptoError: the file of the address is absent, or others can read it.
    """
    bucket = {name: environ[variable] for variable, name in _BUCKET_MEMBERS.items() if environ.get(variable)}
    return Storage(database=_database(options, environ), blobs=options.blobs, bucket=bucket)


def _database(options: StorageOptions, environ: Mapping[str, str]) -> str | None:
    url = options.database
    if url is not None:
        parsed = parse_url(url)
        if parsed.password is not None or "password" in parsed.query:
            sentence = f"l'adresse contient un mot de passe : mettez-la dans --database-file ou dans {DATABASE}."
            raise ServiceError("E_MOT_DE_PASSE", sentence)
    elif options.database_file is not None:
        url = read_secret(options.database_file).decode("utf-8", "replace").strip()
        parse_url(url)
    elif url := environ.get(DATABASE):
        parse_url(url)
    return url or None
