"""Disks that fail on purpose: one that is small and can be filled, files that may not grow, calls that end in EIO.

A small disk is a file system in memory, mounted. Without the right to mount, it is a folder of /dev/shm where that is small
itself (as in a container), and else `own_namespace` runs the test again where the same account may mount.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

_C = ctypes.CDLL(None, use_errno=True)
_SYS_ADMIN = 21  # the right to mount
_DETACH = 2
_MEMORY = Path("/dev/shm")
_SMALL = 1 << 30  # bytes

Trouble = Callable[[], AbstractContextManager[None]]


def has_small_disk() -> bool:
    """Whether this process can have a small disk without a namespace of its own."""
    return _may_mount() or _is_small(_MEMORY)


def _is_small(place: Path) -> bool:
    return os.access(place, os.W_OK) and shutil.disk_usage(place).total <= _SMALL


def _may_mount() -> bool:
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("CapEff:"))
    return bool(int(line.split()[1], 16) >> _SYS_ADMIN & 1)


def own_namespace(test: str) -> None:
    """Run one test again where mounting is allowed."""
    enter = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]
    command = [*enter, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class SmallDisk:
    """A file system of its own, of a few mebibytes."""

    def __init__(self, mebibytes: int) -> None:
        self._mounted = _may_mount()
        self.place = Path(tempfile.mkdtemp(prefix="disk-", dir=None if self._mounted else _MEMORY))
        if not self._mounted:
            return
        options = f"size={mebibytes}m,mode=0755"
        if _C.mount(b"tmpfs", os.fsencode(self.place), b"tmpfs", 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), "mount")

    @contextmanager
    def filled(self, room: int) -> Iterator[None]:
        """No more than `room` bytes are free; all of them again at the end."""
        state = os.statvfs(self.place)
        filler = self.place / ".filler"
        descriptor = os.open(filler, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, max(1, state.f_bavail * state.f_frsize - room))
            yield
        finally:
            os.close(descriptor)
            filler.unlink()

    def close(self) -> None:
        """Take it away."""
        if not self._mounted:
            shutil.rmtree(self.place)
            return
        if _C.umount2(os.fsencode(self.place), _DETACH) != 0:
            raise OSError(ctypes.get_errno(), "umount")
        self.place.rmdir()


@contextmanager
def short_files(most: int) -> Iterator[None]:
    """No file of this process can be written past `most` bytes: the call fails, as on a disk that is broken there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def broken_calls(after: int) -> Iterator[None]:
    """After some calls that went well, those that flush or name a file end in EIO."""
    real = {name: getattr(os, name) for name in ("fsync", "replace", "rename", "link")}
    done = 0

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done > after:
                raise OSError(errno.EIO, "broken")
            return call(*arguments, **named)

        return run

    for name, call in real.items():
        setattr(os, name, failing(call))
    try:
        yield
    finally:
        for name, call in real.items():
            setattr(os, name, call)
