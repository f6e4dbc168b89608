"""The folder of a pass: how far it went never goes back, and what is dropped is no pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.administration.pass_folder import PassFolder, Stage
from service.administration.run_folder import RunFolder
from service.errors import ServiceError
from service.messages import Manifest
from tests.fuzz_bytes import any_manifest


@pytest.fixture
def folder(tmp_path: Path) -> PassFolder:
    """Of a pass that nothing is known of."""
    one = PassFolder(RunFolder(tmp_path), "caf.cnous", "jour")
    one.path.mkdir(parents=True)
    return one


def test_a_pass_is_encoded_once_its_draft_is_there(folder: PassFolder):
    """It reads back as it was written."""
    draft: Manifest = any_manifest()
    assert folder.draft() is None
    folder.keep_draft(draft)
    assert draft == folder.draft()


def test_how_far_it_went_never_goes_back(folder: PassFolder):
    """Announced again after it was complete, it stays complete."""
    folder.reached("announced")
    assert folder.manifest() is None
    folder.keep_manifest("worker", {"a": 1}, "signed")
    assert folder.announced
    went: tuple[tuple[Stage, Stage], ...] = (
        ("announced", "announced"),
        ("complete", "complete"),
        ("announced", "complete"),
    )
    for stage, kept in went:
        folder.reached(stage)
        assert folder.manifest() == {"worker": "worker", "signed": {"a": 1}, "stage": kept}


def test_a_manifest_that_was_never_taken_is_forgotten(folder: PassFolder):
    """The pass may be encoded again; its draft stays."""
    folder.keep_draft(any_manifest())
    folder.keep_manifest("worker", {}, "signed")
    folder.withdraw()
    assert folder.manifest() is None
    assert folder.draft() is not None


def test_chunks_go_once_the_third_party_holds_them(folder: PassFolder):
    """What stays says what was handed over."""
    for number in range(3):
        folder.chunk(number).write_bytes(bytes([number]))
    assert folder.sealed(2) == b"\2"
    folder.keep_manifest("worker", {}, "complete")
    folder.hand_over({"statement": {}, "signature": "AA=="}, 3)
    assert folder.held
    assert {path.name for path in folder.path.iterdir()} == {"manifest.json", "held.json"}


def test_dropped_it_is_no_pass_and_leaves_nothing(folder: PassFolder):
    """A second time changes nothing."""
    folder.keep_draft(any_manifest())
    folder.chunk(0).write_bytes(b"sealed")
    folder.clear()
    folder.clear()
    assert folder.draft() is None
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("content", [b"[]", b'{"signed":{},"stage":"signed"}'])
def test_a_damaged_manifest_is_told(folder: PassFolder, content):
    """With the file, and nothing of what is in it."""
    (folder.path / "manifest.json").write_bytes(content)
    with pytest.raises(ServiceError, match=r"manifest\.json est abîmé") as told:
        folder.manifest()
    assert told.value.code == "E_FICHIER_LOCAL"
