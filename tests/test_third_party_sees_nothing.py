"""Everything that the third party received, stored or logged in a whole run is searched for anything that it must not know.

A forwarder stands between the administrations and the third party and keeps every byte of both directions; a watcher keeps
every state of every file of the third party and every secret that the administrations hold meanwhile.
"""

from __future__ import annotations

import base64
import contextlib
import json
import select
import socket
import string
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.demo_stage import Stage
from benchmarks.leak_scan import LEAST_BYTES, Scanner, in_all_spellings
from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE

PEOPLE = 1200
FIELDS = ("identifiant", "nom_naissance", "nom_usage", "prenoms", "cog_commune_naissance", "telephone")


class Forwarder:
    """Passes bytes between clients and the third party, and keeps them."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.seen: list[bytes] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        kept: dict[socket.socket, list[bytes]] = {}
        with client, socket.create_connection(("127.0.0.1", self._target)) as server, contextlib.suppress(OSError):
            peers = {client: server, server: client}
            kept = {client: [], server: []}
            while True:
                for ready in select.select(list(peers), [], [])[0]:
                    data = ready.recv(1 << 16)
                    kept[ready].append(data)
                    if not data:
                        return
                    peers[ready].sendall(data)
        self.seen.extend(b"".join(parts) for parts in kept.values())


class Watcher:
    """Keeps every content that files of some folders ever had."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._versions: dict[Path, tuple[int, int, int]] = {}
        self.contents: dict[Path, set[bytes]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self._look()

    def _look(self) -> None:
        for folder in self._folders:
            paths: list[Path] = []
            with contextlib.suppress(OSError):  # folders come and go
                paths.extend(folder.rglob("*"))
            for path in paths:
                with contextlib.suppress(OSError):  # files come and go
                    status = path.stat()
                    version = (status.st_mtime_ns, status.st_size, status.st_ino)
                    if path.is_file() and self._versions.get(path) != version:
                        self._versions[path] = version
                        self.contents.setdefault(path, set()).add(path.read_bytes())


def canary(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(string.ascii_uppercase), 16))


def planted(columns: dict[str, list[str]], rng: np.random.Generator) -> tuple[dict[str, list[str]], list[str]]:
    """The columns with a 16-byte canary of its own in every field of twenty rows, and the canaries.

    Identifiers get letters that no hexadecimal digest has: eight digits alone would be found by chance.
    """
    columns = {
        **columns,
        "identifiant": [f"DOS{name}" for name in columns["identifiant"]],
        "telephone": ["0600000000"] * len(columns["identifiant"]),
    }
    canaries = []
    for row in range(20):
        for field in FIELDS:
            columns[field][row] = canary(rng)
            canaries.append(columns[field][row])
    return columns, canaries


def forbidden_texts(columns: dict[str, list[str]]) -> Iterator[str]:
    """Every value of 8 bytes or more, and names with dates in the forms in which people write them."""
    yield from (value for column in columns.values() for value in column)
    rows = zip(columns["nom_naissance"], columns["prenoms"], columns["date_naissance"], strict=True)
    for name, given, born in rows:
        first, digits = given.split(" ")[0], born.replace("-", "")
        for text in (f"{name} {first}", f"{name};{first}", f"{name}{digits}", f"{name} {born}", f"{first} {born}"):
            yield text
            yield text.upper()


def held_keys(watched: dict[Path, set[bytes]]) -> set[bytes]:
    """Every secret of 16 bytes or more that the administrations kept in a file at some time."""
    keys: set[bytes] = set()
    for path, contents in watched.items():
        if path.name in ("identity.json", "secrets.json"):
            for content in contents:
                with contextlib.suppress(ValueError):  # seen while it was being overwritten
                    keys |= _secrets_in(json.loads(content))
    return keys


def _secrets_in(value: object) -> set[bytes]:
    if isinstance(value, dict):
        parts = (_secrets_in(part) for name, part in value.items() if name not in ("party", "worker"))
        return set().union(*parts)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            raw = base64.b64decode(value, validate=True)
            return {raw} if len(raw) >= 16 else set()
    return set()


@pytest.mark.flow
def test_no_value_no_canary_and_no_key_ever_reaches_the_third_party(tmp_path):
    """Values, name-and-date combinations, canaries and keys (raw, hex, base64): nothing found in all that it saw."""
    rng = np.random.default_rng(5)
    files = two_files(
        size_left=PEOPLE, size_right=PEOPLE, overlap=800, seed=3, profile_left=CERTIFIE, profile_right=CERTIFIE
    )
    left, canaries = planted(files.left, rng)
    right, more = planted(files.right, rng)
    with Stage(tmp_path) as stage:
        forwarder = Forwarder(int(stage.url.rpartition(":")[2]))
        stage.url = f"http://127.0.0.1:{forwarder.port}"
        cnaf, cnam = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
        stage.introduce(cnaf, cnam)
        watcher = Watcher(stage.third_party_data, cnaf.home, cnam.home)
        for path, columns in ((tmp_path / "l.csv", left), (tmp_path / "r.csv", right)):
            write_file(path, columns, encoding="utf-8")
        sides = (("rsa", cnaf, tmp_path / "l.csv"), ("c2s", cnam, tmp_path / "r.csv"))
        agreement = stage.agree("c2s-rsa", sides)
        stage.run_both(agreement, sides, tmp_path / "hits.csv")
        watcher.close()
        forwarder.close()
        own = {path: kept for path, kept in watcher.contents.items() if stage.third_party_data in path.parents}
        theirs = {path: kept for path, kept in watcher.contents.items() if path not in own}
        seen = [content for kept in own.values() for content in kept]
        seen += [*forwarder.seen, stage.third_party_log()]

    texts = {text for columns in (left, right) for text in forbidden_texts(columns)} | {*canaries, *more}
    values = {text.encode(code) for text in texts for code in ("utf-8", "cp1252")}
    keys = held_keys(theirs)
    assert len(keys) >= 2 * (
        2 + 1 + 1 + 3
    )  # a side: two identity keys, a share, a run key, upload keys of three passes
    patterns = {value for value in values if len(value) >= LEAST_BYTES}
    patterns |= {spelling for key in keys for spelling in in_all_spellings(key)}
    assert len(canaries) == 120
    assert sum(map(len, seen)) > 2 * 3 * PEOPLE * 288  # at least every sealed row was there to be searched
    scanner = Scanner(patterns)
    assert 0 == sum(len(scanner.found_in(content)) for content in seen)
