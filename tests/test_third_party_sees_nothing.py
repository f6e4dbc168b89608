"""Everything that the third party received, stored or logged in a whole run is searched for anything that it must not know.

A forwarder stands between the administrations and the third party and keeps every byte of both directions; a watcher keeps
every state of every file of the third party and every secret that the administrations hold meanwhile.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import select
import socket
import string
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE
from service.demonstration.leak_scan import LEAST_BYTES, Scanner, in_all_spellings
from service.demonstration.stage import Stage, selected
from tests.risk_reports import by_hand

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


def with_payload(folder: Path) -> str:
    """A démarche like the built-in one, whose source tells the telephone number of each hit."""
    text = (Path(__file__).parent.parent / "service" / "demarches" / "c2s-rsa.toml").read_text("utf-8")
    text = text.replace("charge_utile = []", 'charge_utile = ["telephone"]').replace('"rsa - c2s"', '"rsa & c2s"')
    text = text.replace('"anti_jointure"', '"intersection"').replace('id = "c2s-rsa"', 'id = "essai-charge"')
    text = re.sub(r"\[regle.fraicheur.c2s\].*?\n\n", "", text, flags=re.DOTALL)
    granted = '[habilitation]\ntexte = "décret d\'essai"\noperande = "c2s"\nchamps = ["telephone"]\noctets = 32\n\n'
    path = folder / "essai-charge.toml"
    path.write_text(text.replace("[parties.rsa]", f"{granted}[parties.rsa]", 1), "utf-8")
    return str(path)


class Gauge:
    """Asks for the metrics again and again while a run goes on, and keeps the processes' environments."""

    def __init__(self, stage: Stage, port: int) -> None:
        self._stage = stage
        self._url = f"http://127.0.0.1:{port}/metrics"
        self.seen: set[bytes] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            with contextlib.suppress(OSError), urllib.request.urlopen(self._url, timeout=5) as answer:  # noqa: S310
                self.seen.add(answer.read())
            for process in (self._stage.server_process(), *self._stage.worker_processes()):
                for name in ("environ", "cmdline"):
                    with contextlib.suppress(OSError):  # processes come and go
                        self.seen.add(Path(f"/proc/{process}/{name}").read_bytes())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.mark.S5
@pytest.mark.flow
def test_no_value_no_canary_no_payload_and_no_key_ever_reaches_the_third_party(tmp_path):
    """Values, names with dates, canaries, payloads, keys (raw, hex, base64): none in files, logs, metrics, environments."""
    rng = np.random.default_rng(5)
    files = two_files(
        size_left=PEOPLE, size_right=PEOPLE, overlap=800, seed=3, profile_left=CERTIFIE, profile_right=CERTIFIE
    )
    left, canaries = planted(files.left, rng)
    right, more = planted(files.right, rng)
    right["telephone"] = [canary(rng) for _ in right["telephone"]]  # the payload: each one of its own
    port = free_port()
    with Stage(tmp_path, "--metrics", f"127.0.0.1:{port}", assess=by_hand) as stage:
        forwarder, gauge = Forwarder(int(stage.url.rpartition(":")[2])), Gauge(stage, port)
        stage.url = f"http://127.0.0.1:{forwarder.port}"
        cnaf, cnam = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
        stage.introduce(cnaf, cnam)
        watcher = Watcher(stage.third_party_data, cnaf.home, cnam.home)
        for path, columns in ((tmp_path / "l.csv", left), (tmp_path / "r.csv", right)):
            write_file(path, selected(columns), encoding="utf-8")
        sides = (("rsa", cnaf, tmp_path / "l.csv"), ("c2s", cnam, tmp_path / "r.csv"))
        agreement = stage.agree(with_payload(tmp_path), sides)
        stage.run_both(agreement, sides, tmp_path / "hits.csv")
        watcher.close()
        gauge.close()
        forwarder.close()
        own = {path: kept for path, kept in watcher.contents.items() if stage.third_party_data in path.parents}
        theirs = {path: kept for path, kept in watcher.contents.items() if path not in own}
        seen = [content for kept in own.values() for content in kept]
        seen += [*forwarder.seen, stage.third_party_log(), *gauge.seen]

    told = (tmp_path / "hits.csv").read_text("utf-8")
    assert (
        sum(number in told for number in right["telephone"]) > 600
    )  # the payload did arrive, and was there to be found
    names = {path.name for path in own}
    assert {"database.sqlite", "jobs.sqlite", "epoch.key"} <= names
    assert any(b"allervers_requests_total" in one for one in gauge.seen)
    assert any(b"--data" in one for one in gauge.seen)
    assert any(b"PATH=" in one for one in gauge.seen) or os.geteuid() != 0  # others are not allowed to look
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
