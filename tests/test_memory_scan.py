"""The memory of the third party's real processes is searched for keys of people's tools and for what is in their files."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from crypto.framing import Label
from crypto.keys import derive
from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE
from service.demonstration.leak_scan import LEAST_BYTES, Scanner, in_all_spellings
from service.demonstration.stage import Stage, selected
from tests.memory_probe import Probe
from tests.risk_reports import by_hand
from tests.test_third_party_sees_nothing import Watcher, planted

PEOPLE = 600
KINDS = ("share", "key", "payload", "local")  # secrets of a run that its parties never tell the third party
PASSES = ("jour", "annee", "noms")


def private_keys(contents: dict[Path, set[bytes]]) -> set[bytes]:
    """Identity keys, shares, run keys, payload and local keys that the administrations ever kept in a file."""
    found: set[bytes] = set()
    for path, versions in contents.items():
        for content in versions if path.name in ("identity.json", "secrets.json") else ():
            with contextlib.suppress(ValueError):  # seen while it was being overwritten
                held = json.loads(content)
                texts = [value for kind in KINDS for value in held.get(kind, {}).values()]
                texts += [held[name] for name in ("signing_key", "sealing_key") if name in held]
                found |= {base64.b64decode(text) for text in texts}
    return found


def run_keys(contents: dict[Path, set[bytes]]) -> set[bytes]:
    found: set[bytes] = set()
    for path, versions in contents.items():
        for content in versions if path.name == "secrets.json" else ():
            with contextlib.suppress(ValueError):
                found |= {base64.b64decode(text) for text in json.loads(content).get("key", {}).values()}
    return found


def test_the_probe_sees_what_a_process_holds(tmp_path):
    """Bytes that a hardened process makes at run time, and that its program does not contain, are in its dump."""
    probe = Probe(tmp_path / "probe", "held-back")
    program = (
        "import hashlib, sys\n"
        "from service.third_party.hardening import harden\n"
        "harden()\n"
        "kept = hashlib.sha256(b'held').digest()\n"
        "print(flush=True)\n"
        "sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(probe.folder), str(Path.cwd())])}
    words = [sys.executable, "-c", program, "held-back"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (dump,) = probe.dumps({process.pid}).values()
        process.communicate(b"")
    assert hashlib.sha256(b"held").digest() in dump
    assert hashlib.sha256(b"not held").digest() not in dump


@pytest.mark.flow
def test_no_key_and_no_value_is_in_the_memory_of_the_third_party(tmp_path, monkeypatch):
    """While uploads are there and after the delivery: no key of a run or a party, no value, in either process."""
    probe = Probe(tmp_path / "probe", "serve", "work")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(probe.folder), str(Path.cwd())]))
    files = two_files(
        size_left=PEOPLE, size_right=PEOPLE, overlap=400, seed=8, profile_left=CERTIFIE, profile_right=CERTIFIE
    )
    (left, canaries), (right, more) = (planted(one, np.random.default_rng(6)) for one in (files.left, files.right))
    seen: list[bytes] = []
    with Stage(tmp_path, assess=by_hand) as stage:
        cnaf, cnam = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
        stage.introduce(cnaf, cnam)
        for name, columns in (("l.csv", left), ("r.csv", right)):
            write_file(tmp_path / name, selected(columns), encoding="utf-8")
        sides = (("rsa", cnaf, tmp_path / "l.csv"), ("c2s", cnam, tmp_path / "r.csv"))
        agreement = stage.agree("c2s-rsa", sides)
        watcher = Watcher(cnaf.home, cnam.home)
        processes = {stage.server_process(), *stage.worker_processes()}

        def look() -> None:
            while not any(path.is_file() for path in (stage.third_party_data / "blobs").rglob("*")):
                time.sleep(0.02)
            seen.extend(probe.dumps(processes).values())

        looking = threading.Thread(target=look)
        looking.start()
        stage.run_both(agreement, sides, tmp_path / "hits.csv")
        looking.join()
        watcher.close()
        seen.extend(probe.dumps(processes).values())

    assert 2 == len(processes)
    assert processes <= probe.processes
    assert 4 == len(seen)
    assert all(agreement.encode() in dump for dump in seen)  # what it does know is found
    keys = private_keys(watcher.contents)
    (run_key,) = run_keys(watcher.contents)
    assert len(keys) >= 2 * 2 + 2 + 1 + 1  # identities, shares, the run key, the recipient's local key
    keys |= {derive(run_key, Label.PASS, name.encode()) for name in PASSES}
    values = {v.encode() for table in (left, right) for column in table.values() for v in column}
    values |= {one.encode() for one in (*canaries, *more)}
    patterns = {value for value in values if len(value) >= LEAST_BYTES and not value.isdigit()}
    scanner = Scanner({*patterns, *(spelling for key in keys for spelling in in_all_spellings(key))})
    assert 0 == sum(len(scanner.found_in(dump)) for dump in seen)
