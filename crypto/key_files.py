"""Secrets on a disk: one file each, readable by its owner only.

Writing is atomic: the content goes to a fresh file of the same folder (mode 0600 from its creation), is
flushed to the disk, and takes the name in one step. A crash before that step leaves the old file whole, and
perhaps a file ``.NAME.….tmp`` with mode 0600; after it, the new one. On POSIX the bytes that were replaced are
overwritten through a descriptor that was opened before the step. Reading refuses a file that other
accounts may read. On Windows, files inherit the access list of the user's profile folder, so keys belong
under that folder.

Destroying overwrites the bytes in place, flushes, and removes the name. Flash disks and copy-on-write or
journalled file systems may still hold the old blocks: what must be unreadable at once is sealed under a key
that is itself destroyed, and the disk is encrypted.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from crypto.errors import FormatRefused, KeyAbsent, KeyReadable

__all__ = ["LARGEST_SECRET", "destroy", "read_secret", "write_secret"]

LARGEST_SECRET = 1 << 20  # bytes; a key file that is larger is not one
_PIECE = 1 << 20


def write_secret(path: Path, data: bytes) -> None:
    """Write a secret, or replace it, in one step.

    Args:
        path: the file; its folder must exist.
        data: the secret, at most `LARGEST_SECRET` bytes.

    Raises:
        FormatRefused: more bytes than `read_secret` would accept.
        OSError: the disk refused.
    """
    if len(data) > LARGEST_SECRET:
        raise FormatRefused("ce contenu est trop long pour un fichier de clé.")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with _replaced(path) as old:
            fresh.replace(path)
            _sync_folder(path.parent)  # the new name is on the disk before the old bytes go
            if old is not None:
                _overwrite(old)
    finally:
        destroy(fresh)  # still there only when something above failed


def read_secret(path: Path) -> bytes:
    """Read a secret.

    Raises:
        KeyAbsent: there is no such file.
        KeyReadable: on POSIX, its group or other accounts have some right on it.
        FormatRefused: it is not a plain file of at most `LARGEST_SECRET` bytes.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise KeyAbsent(f"le fichier de clé « {path} » n'existe pas ; vérifiez le dossier.") from None
    except IsADirectoryError:
        raise FormatRefused(f"« {path} » est un dossier, pas un fichier de clé.") from None
    with file:
        # The rights of what was opened, not of what the name points to by now.
        status = os.fstat(file.fileno())
        if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyReadable(
                f"d'autres comptes peuvent lire le fichier de clé « {path} » ; "
                "retirez leurs droits (chmod 600) et considérez la clé comme compromise s'ils ont pu la lire."
            )
        data = file.read(LARGEST_SECRET + 1)
        replaced = os.name == "posix" and os.fstat(file.fileno()).st_nlink == 0
    if replaced:  # meanwhile, and perhaps overwritten while it was read: the new one is whole
        return read_secret(path)
    if not stat.S_ISREG(status.st_mode) or len(data) > LARGEST_SECRET:
        raise FormatRefused(f"« {path} » n'est pas un fichier de clé.")
    return data


def destroy(path: Path) -> None:
    """Overwrite a file, flush it to the disk and remove it; a file that is not there is fine.

    A crash in the middle leaves a file of zeros, in part or whole: calling again finishes the work.

    Raises:
        OSError: the disk refused; the file may still be there.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            _overwrite(file)
        path.unlink()
    except FileNotFoundError:
        return
    _sync_folder(path.parent)


@contextmanager
def _replaced(path: Path) -> Iterator[FileIO | None]:
    """The file that a rename is about to replace, open for overwriting; None when there is none to overwrite.

    Never what a symbolic link points to, nor a file with another name: only the name is replaced there. Systems
    other than POSIX do not replace an open file.
    """
    if os.name != "posix":
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # absent, a folder, a link or not ours to write: the rename judges
        yield None
        return
    with FileIO(descriptor, "wb") as file:
        status = os.fstat(descriptor)
        yield file if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else None


def _overwrite(file: FileIO) -> None:
    left = os.fstat(file.fileno()).st_size
    file.seek(0)
    while left > 0:
        left -= file.write(bytes(min(left, _PIECE)))
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened; the file system orders its own updates
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
