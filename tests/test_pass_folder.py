"""The folder of a pass: how far it went never goes back, and what is dropped is no pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from service.administration import pass_folder
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
    assert folder.is_signed
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


class Stopped(Exception):
    """The process ends here."""


def stopping_at(times: int, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the n-th call of some functions of the module be the last thing that happens."""
    left = [times]

    def counted(done: Callable[..., None]) -> Callable[..., None]:
        def call(*given: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stopped
            done(*given)

        return call

    for name in names:
        monkeypatch.setattr(pass_folder, name, counted(getattr(pass_folder, name)))


@pytest.mark.parametrize("times", range(6))
def test_dropped_in_part_it_is_no_pass(folder: PassFolder, monkeypatch: pytest.MonkeyPatch, times: int):
    """The draft goes first: what a crash leaves is dropped the next time, and is never sent."""
    folder.keep_draft(any_manifest())
    folder.keep_manifest("worker", {}, "complete")
    for number in range(3):
        folder.chunk(number).write_bytes(b"sealed")
    stopping_at(times, monkeypatch, "destroy")
    with suppress(Stopped):
        folder.clear()
    assert (folder.draft() is None) == (times > 0)
    monkeypatch.undo()
    folder.clear()
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("times", range(5))
def test_chunks_are_there_until_it_is_noted_that_they_are_held(
    folder: PassFolder, monkeypatch: pytest.MonkeyPatch, times: int
):
    """Stopped anywhere, either everything can be sent again or nothing needs to be."""
    for number in range(3):
        folder.chunk(number).write_bytes(b"sealed")
    stopping_at(times, monkeypatch, "destroy", "write_secret")
    with suppress(Stopped):
        folder.hand_over({"statement": {}, "signature": "AA=="}, 3)
    assert folder.held or all(folder.chunk(number).exists() for number in range(3))
    assert (times > 0) == folder.held


def test_dropped_it_is_no_pass_and_leaves_nothing(folder: PassFolder):
    """A second time changes nothing."""
    folder.keep_draft(any_manifest())
    folder.chunk(0).write_bytes(b"sealed")
    folder.clear()
    folder.clear()
    assert folder.draft() is None
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("content", [b'["Durand"]', b'{"signed":{},"stage":"Durand"}'])
def test_a_damaged_manifest_is_told(folder: PassFolder, content):
    """With the file, and nothing of what is in it."""
    (folder.path / "manifest.json").write_bytes(content)
    with pytest.raises(ServiceError) as told:
        folder.manifest()
    assert ("E_FICHIER_LOCAL", f"{folder.path / 'manifest.json'} est abîmé") == (told.value.code, told.value.message)
