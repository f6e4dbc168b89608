"""A run's folder keeps its secrets sealed, and leaves nothing when it is destroyed."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest

from crypto.errors import CryptoError
from service.administration import sealed_file
from service.administration.run_folder import RunFolder
from service.errors import ServiceError
from tests.partners import RUN


@pytest.fixture
def folder(tmp_path):
    found = RunFolder(tmp_path / "runs" / RUN)
    found.create("ab" * 32)
    return found


def test_steps_are_kept(folder):
    """Steps that are over survive a new process; undone ones come back."""
    folder.mark("joined", "2026-11-20T09:30:00Z")
    folder.mark("encoded", "2026-11-20T09:31:00Z")
    again = RunFolder(folder.path)
    assert again.steps() == {"joined": "2026-11-20T09:30:00Z", "encoded": "2026-11-20T09:31:00Z"}
    again.undo("encoded", "sent")
    assert (folder.done("joined"), folder.done("encoded")) == (True, False)
    assert (again.agreement, again.run) == ("ab" * 32, RUN)


def test_creating_twice_changes_nothing(folder):
    """A second creation keeps the state."""
    folder.mark("joined", "2026-11-20T09:30:00Z")
    folder.create("cd" * 32)
    assert (folder.agreement, folder.done("joined")) == ("ab" * 32, True)


def test_an_unknown_run_is_said(tmp_path):
    """A run that this machine never opened nor approved has its code."""
    stranger = RunFolder(tmp_path / RUN)
    assert not stranger.exists()
    with pytest.raises(ServiceError, match="E_CROISEMENT_INCONNU"):
        stranger.done("joined")


def test_a_step_that_is_required(folder):
    """Going on too early says what to run."""
    with pytest.raises(ServiceError, match="E_ETAPE : rejoignez"):
        folder.require("joined", "rejoignez d'abord")


def test_secrets_read_back_and_are_private(folder):
    """Each secret by kind and name, in one file for its owner only."""
    folder.keep_secrets("share", {"a.b": b"\x01" * 32})
    folder.keep_secrets("share", {"a.c": b"\x02" * 32})
    again = RunFolder(folder.path)
    assert [again.secret("share", name) for name in ("a.b", "a.c", "a.d")] == [b"\x01" * 32, b"\x02" * 32, None]
    if os.name == "posix":
        assert stat.S_IMODE((folder.path / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("count", [0, 1, 5, 6])
def test_row_maps_read_back(folder, monkeypatch, count):
    """Any number of rows, over any number of sealed pieces."""
    monkeypatch.setattr(sealed_file, "PIECE", 40)  # a row and two thirds
    ids = np.arange(16 * count, dtype=np.uint8).reshape(count, 16)
    records = np.arange(count, dtype=np.int64)[::-1].copy()
    with folder.row_map("a.b/jour") as add:
        add(ids, records)
    back = list(RunFolder(folder.path).rows("a.b/jour"))
    assert ids.tolist() == [row for piece, _ in back for row in piece.tolist()]
    assert records.tolist() == [record for _, piece in back for record in piece.tolist()]


def test_identifiers_read_back_and_are_not_in_clear(folder):
    """What names people is never readable on the disk."""
    names = ["Matricule-0001", 'Matricule-0002 ;\n"é"']
    folder.write_identifiers(names)
    folder.write_cases(names[::-1])
    assert names == list(RunFolder(folder.path).identifiers())
    assert names[::-1] == list(RunFolder(folder.path).cases())
    stored = b"".join(path.read_bytes() for path in folder.path.rglob("*") if path.is_file())
    assert b"Matricule" not in stored


def test_sealing_again_never_repeats_a_key(folder):
    """The same content written twice is two unrelated files: no key meets a nonce twice."""
    folder.write_identifiers(["un", "deux"])
    first = (folder.path / "records.sealed").read_bytes()
    folder.write_identifiers(["un", "deux"])
    second = (folder.path / "records.sealed").read_bytes()
    assert first[:16] != second[:16]
    assert first[16:] != second[16:]


def test_a_sealed_file_belongs_to_its_name(folder):
    """A row map put in the place of another does not open; an altered one neither."""
    ids, records = np.zeros((3, 16), dtype=np.uint8), np.arange(3, dtype=np.int64)
    with folder.row_map("a.b/jour") as add:
        add(ids, records)
    with folder.row_map("a.b/noms") as add:
        add(ids, records)
    jour, noms = (folder.path / "rows" / "a.b" / f"{name}.sealed" for name in ("jour", "noms"))
    jour.replace(noms)
    with pytest.raises(CryptoError, match="E_SCELLEMENT"):
        list(folder.rows("a.b/noms"))
    with pytest.raises(ServiceError, match="E_LIGNES_LOCALES"):
        list(folder.rows("a.b/jour"))


def test_destroying_leaves_the_state_only(folder):
    """Keys, row maps and chunks are gone; what happened is still told; destroying twice is fine."""
    folder.write_identifiers(["un"])
    folder.write_cases(["dossier"])
    with folder.row_map("a.b/jour") as add:
        add(np.zeros((1, 16), dtype=np.uint8), np.zeros(1, dtype=np.int64))
    (folder.path / "outbox" / "a.b" / "jour").mkdir(parents=True)
    (folder.path / "outbox" / "a.b" / "jour" / "0").write_bytes(b"chunk")
    folder.destroy_secrets()
    folder.destroy_secrets()
    assert [path.name for path in folder.path.iterdir()] == ["state.json"]
    assert folder.secret("local", "key") is None


def test_secrets_are_dropped_by_kind(folder):
    """A kind that nothing needs any more is gone from the file, and the file that held it is overwritten."""
    for kind in ("share", "key", "worker"):
        folder.keep_secrets(kind, {"a.b": kind.encode() * 8})
    with (folder.path / "secrets.json").open("rb") as held:
        folder.drop_secrets("share", "key", "upload")
        if os.name == "posix":
            assert set(held.read()) == {0}
    again = RunFolder(folder.path)
    assert [None, None, b"worker" * 8] == [again.secret(kind, "a.b") for kind in ("share", "key", "worker")]
    before = (folder.path / "secrets.json").stat().st_ino
    folder.drop_secrets("share")
    assert before == (folder.path / "secrets.json").stat().st_ino


def test_drafts_of_a_crash_are_destroyed(folder):
    """A write that was cut leaves a copy of the secrets: it goes with them."""
    for act in (folder.destroy_secrets, lambda: folder.drop_secrets("share")):
        (folder.path / ".secrets.json.x1y2.tmp").write_bytes(b"secret")
        act()
        assert [path.name for path in folder.path.iterdir()] == ["state.json"]


def test_forgetting_keeps_what_judges_receipts(folder):
    """No key, identifier, row map or chunk is left; manifests and the worker's commitment are."""
    folder.write_identifiers(["un"])
    with folder.row_map("a.b/jour") as add:
        add(np.zeros((1, 16), dtype=np.uint8), np.zeros(1, dtype=np.int64))
    for kind in ("share", "key", "upload", "records", "worker"):
        folder.keep_secrets(kind, {"a.b": b"\x01" * 32})
    passing = folder.path / "outbox" / "a.b" / "jour"
    passing.mkdir(parents=True)
    for name in ("0", "1", "manifest.json"):
        (passing / name).write_bytes(b"x")
    folder.forget()
    files = {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file()}
    assert {"state.json", "secrets.json", "outbox/a.b/jour/manifest.json"} == files
    kinds = ("share", "key", "upload", "local", "records", "worker")
    assert ["worker"] == [kind for kind in kinds if folder.secret(kind, "key" if kind == "local" else "a.b")]


def test_an_undone_step_was_done_once(folder):
    """Undoing does not make a step forgotten."""
    assert not folder.ever("encoded")
    folder.mark("encoded", "2026-11-20T09:31:00Z")
    folder.undo("encoded", "sent")
    assert [(False, True), (False, False)] == [(folder.done(one), folder.ever(one)) for one in ("encoded", "sent")]
