"""A probe of a real process's own memory: what a core file or a debugger would show, taken from inside, for tests.

`prepare` writes a `sitecustomize` module; every Python process that is started with its folder on ``PYTHONPATH`` and whose
command line has one of the given words opens its own memory before the program runs (later on, a hardened process may not), and
writes all of its writable memory but zeros to a file when asked. The program itself is the real one, unchanged.
"""

from __future__ import annotations

import time
from pathlib import Path

_PROBE = """
import os, sys, threading, time

FOLDER, WORDS = {folder!r}, {words!r}


def dump(maps, memory, target):
    maps.seek(0)
    with open(target + ".part", "wb") as out:
        for line in maps.read().decode().splitlines():
            bounds, rights = line.split()[:2]
            if rights.startswith("rw") and not line.endswith(("[vvar]", "[vsyscall]")):
                at, end = (int(one, 16) for one in bounds.split("-"))
                while at < end:  # some pages may be gone meanwhile
                    try:
                        part = os.pread(memory, min(1 << 16, end - at), at)
                    except OSError:
                        break
                    if not part:
                        break
                    if part.count(0) < len(part):
                        out.write(part)
                    at += len(part)
    os.replace(target + ".part", target)


def watch(maps, memory):
    done = set()
    while True:
        for name in set(os.listdir(FOLDER)) - done:
            if name.startswith("asked-"):
                done.add(name)
                dump(maps, memory, os.path.join(FOLDER, "dump-" + name[6:] + "-" + str(os.getpid())))
        time.sleep(0.05)


if set(WORDS) & set(sys.orig_argv):
    arguments = open("/proc/self/maps", "rb", buffering=0), os.open("/proc/self/mem", os.O_RDONLY)
    open(os.path.join(FOLDER, "probe-" + str(os.getpid())), "wb").close()
    threading.Thread(target=watch, args=arguments, daemon=True).start()
"""


class Probe:
    """Asks for dumps and collects them."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_PROBE.format(folder=str(folder), words=words), "utf-8")
        self._asked = 0

    @property
    def processes(self) -> set[int]:
        """Ids of the processes that carry the probe."""
        return {int(path.name.split("-")[1]) for path in self.folder.glob("probe-*")}

    def dumps(self, processes: set[int], seconds: float = 60) -> dict[int, bytes]:
        """The writable memory of these processes, now."""
        self._asked += 1
        paths = {number: self.folder / f"dump-{self._asked}-{number}" for number in processes}
        (self.folder / f"asked-{self._asked}").touch()
        limit = time.monotonic() + seconds
        while not all(path.exists() for path in paths.values()):
            assert time.monotonic() < limit, "a process does not answer its probe"
            time.sleep(0.02)
        found = {number: path.read_bytes() for number, path in paths.items()}
        for path in self.folder.glob(f"dump-{self._asked}-*"):
            path.unlink()
        return found
