"""Sealed chunks in a bucket of an S3 service: ``PREFIX/RUN/UPLOAD/NUMBER``, one object each.

A chunk is one request that the service takes whole or not at all, asked for only if nothing has the name (If-None-Match):
a second copy is not written. An object of that name with other bytes can only be a damaged one, since the caller
checks the digest first; it is replaced. No upload in parts is ever begun, so none is left behind.

Versions of a bucket keep what is deleted: they must be off (see docs/operations.md). The digest of each chunk is
checked again when it is read, so nothing here rests on the service's own checksums.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store

from service.errors import ServiceError
from service.third_party.blobs import check_name

__all__ = ["BucketBlobs"]

_CLIENT: Any = {"timeout": "60s", "connect_timeout": "5s"}
_RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
_AT_ONCE = 1000  # objects removed by one request, the most that the service takes


class BucketBlobs:
    """The chunks under one prefix of a bucket."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    @classmethod
    def at(cls, url: str, bucket: Mapping[str, str]) -> BucketBlobs:
        """The store of a URL.

        Args:
            url: ``s3://BUCKET/PREFIX``.
            bucket: what the bucket asks for: access_key_id, secret_access_key, session_token, region, endpoint.

        Raises:
            ServiceError: `E_BLOBS_URL`, another kind of address, or an endpoint in clear on a network.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.hostname or parts.query or parts.username:
            raise ServiceError("E_BLOBS_URL", "une adresse s3://SEAU/PREFIXE est attendue.")
        clear = bucket.get("endpoint", "https://").startswith("http://")
        if clear and not _is_loopback(urlsplit(bucket["endpoint"]).hostname or ""):
            raise ServiceError("E_BLOBS_URL", "le service de stockage doit être en https.")
        config: Any = dict(bucket)
        client: Any = {**_CLIENT, "allow_http": clear}
        prefix = parts.path.strip("/") or None
        return cls(S3Store(parts.netloc, prefix=prefix, config=config, client_options=client, retry_config=_RETRIES))

    def write(self, run: str, upload: str, number: int, data: bytes) -> None:
        """Keep a chunk; writing it again changes nothing.

        Raises:
            OSError: the service refused or does not answer.
        """
        path = f"{_folder(run, upload)}{number}"
        with _told():
            try:
                obstore.put(self._store, path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                if self.read(run, upload, number) != data:
                    obstore.put(self._store, path, data, mode="overwrite", use_multipart=False)

    def read(self, run: str, upload: str, number: int) -> bytes | None:
        """A chunk, or None when it is not there.

        Raises:
            OSError: the service refused or does not answer.
        """
        with _told():
            try:
                return obstore.get(self._store, f"{_folder(run, upload)}{number}").bytes().to_bytes()
            except (NotFoundError, FileNotFoundError):
                return None

    def drop_upload(self, run: str, upload: str) -> None:
        """Remove the chunks of an upload; there may be none.

        Raises:
            OSError: the service refused or does not answer.
        """
        self._drop(_folder(run, upload))

    def drop_run(self, run: str) -> None:
        """Remove the chunks of a run; there may be none.

        Raises:
            OSError: the service refused or does not answer.
        """
        self._drop(_folder(run))

    def holds(self, run: str) -> bool:
        """Whether anything of a run is there.

        Raises:
            OSError: the service refused or does not answer.
        """
        with _told():
            return any(self._pages(_folder(run)))

    def held(self) -> set[tuple[str, str]]:
        """(run, upload) of everything that is there.

        Raises:
            OSError: the service refused or does not answer.
        """
        with _told():
            runs = self._folders(None)
            return {(run, upload) for run in runs for upload in self._folders(f"{run}/")}

    def _folders(self, prefix: str | None) -> list[str]:
        listed = obstore.list_with_delimiter(self._store, prefix=prefix)
        return [path.rstrip("/").rpartition("/")[2] for path in listed["common_prefixes"]]

    def _pages(self, prefix: str) -> Iterator[list[str]]:
        for page in obstore.list(self._store, prefix=prefix, chunk_size=_AT_ONCE):
            if page:
                yield [item["path"] for item in page]

    def _drop(self, prefix: str) -> None:
        with _told():
            for paths in list(self._pages(prefix)):
                obstore.delete(self._store, paths)


def _folder(*names: str) -> str:
    return "".join(f"{check_name(name)}/" for name in names)


@contextmanager
def _told() -> Iterator[None]:
    """Failures of the service as those of a disk, without their text: it names the bucket and the key."""
    try:
        yield
    except BaseError:
        raise OSError(errno.EIO, "the store of chunks does not answer") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
