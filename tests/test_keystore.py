"""The keystore: keys end for good, with every copy that was taken of them, wherever a crash falls."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import CryptoError, KeyAbsent, SealBroken
from crypto.framing import Label, frame
from crypto.key_files import destroy, write_secret
from crypto.wrapping import unwrap
from service.third_party import keystore as module
from service.third_party.keystore import Keystore

RUN, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def store(tmp_path) -> Keystore:
    """An empty keystore."""
    return Keystore(tmp_path / "keystore")


def copied(store: Keystore, to: Path, *, without_epoch_key: bool) -> Path:
    """A backup of the whole keystore, with or without the one key that is in clear."""
    shutil.copytree(store.folder, to)
    if without_epoch_key:
        (to / "epoch.key").unlink()
    return to


def test_a_key_is_drawn_once_and_carries_the_first_secret(store):
    """The second call gives what the first one kept."""
    first = store.make(RUN, b"secret")
    assert first == store.make(RUN, b"other") == (store.key(RUN), store.secret(RUN))
    assert (32, b"secret") == (len(first[0]), first[1])
    assert [RUN] == store.names()


def test_names_have_one_form(store):
    """No name can reach another file or another key."""
    for name in ("", "../x", RUN.upper(), f"{RUN}/", f"{RUN}/../x", f"{RUN}/CAF", f"{RUN}/caf/x"):
        with pytest.raises(ValueError, match="name"):
            store.make(name)


@pytest.mark.S6
def test_a_destruction_ends_the_epoch(store):
    """Survivors keep their keys, the epoch is another, and no file of the old one is left."""
    store.make(RUN, b"secret")
    kept = store.make(OTHER, b"kept")
    epoch = store.epoch()
    store.destroy(RUN)
    assert (epoch + 1, kept, [OTHER]) == (store.epoch(), (store.key(OTHER), store.secret(OTHER)), store.names())
    assert {"epoch.key", f"wrapped-{epoch + 1}.json", "lock"} == {path.name for path in store.folder.iterdir()}
    with pytest.raises(KeyAbsent):
        store.key(RUN)


@pytest.mark.S6
def test_an_old_copy_opens_nothing_with_what_remains(store, tmp_path):
    """Yesterday's wrapped keys under today's epoch key: not the destroyed one, not even the survivors."""
    store.make(RUN, b"secret")
    store.make(OTHER, b"kept")
    old = copied(store, tmp_path / "old", without_epoch_key=True)
    stolen = copied(store, tmp_path / "stolen", without_epoch_key=False)
    store.destroy(RUN)
    assert b"secret" == Keystore(stolen).secret(RUN)  # the copy was a good one
    today = store._load()
    entries = module._entries(next(old.glob("wrapped-*.json")))
    assert {RUN, OTHER} == set(entries)
    for name, entry in entries.items():
        for epoch in range(today.number + 2):
            with pytest.raises(SealBroken):
                unwrap(today.key, Label.KEY_WRAP, frame(str(epoch), name), entry.key)
    # Put back beside today's key, the old file is not even read.
    shutil.copy(next(old.glob("wrapped-*.json")), store.folder)
    with pytest.raises(KeyAbsent):
        store.secret(RUN)
    assert b"kept" == store.secret(OTHER)


def test_destroying_what_is_not_there_changes_nothing(store):
    """No epoch is spent on it, and it may be done before the first key."""
    store.destroy(RUN)
    store.make(OTHER)
    store.destroy(RUN)
    assert (1, False, True) == (store.epoch(), store.holds(RUN), store.holds(OTHER))


class Crash(BaseException):
    """The process dies here; no handler of the code may catch it."""


def steps(monkeypatch, fail_at: int) -> Iterator[None]:
    """Let the writes and removals of a destruction die at the step of this number."""
    count = 0

    def counted(real: Any) -> Any:
        def call(*args: Any) -> None:
            nonlocal count
            count += 1
            if count == fail_at:
                raise Crash
            real(*args)

        return call

    monkeypatch.setattr(module, "write_secret", counted(write_secret))
    monkeypatch.setattr(module, "destroy", counted(destroy))
    yield
    monkeypatch.undo()


@pytest.mark.S6
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_crash_anywhere_loses_no_survivor_and_is_finished_by_destroying_again(store, monkeypatch, step):
    """Before the new epoch begins, all is as before; after it, the key is gone; in between there is nothing."""
    store.make(RUN, b"secret")
    kept = store.make(OTHER, b"kept")
    run = steps(monkeypatch, step)
    next(run)
    with pytest.raises(Crash):
        store.destroy(RUN)
    next(run, None)
    assert kept == (store.key(OTHER), store.secret(OTHER))
    assert store.holds(RUN)  # not proved to be gone: its receipt is not signed
    store.destroy(RUN)
    assert (kept, False, [OTHER]) == ((store.key(OTHER), store.secret(OTHER)), store.holds(RUN), store.names())
    assert 3 == len(list(store.folder.iterdir()))


def test_threads_that_make_and_destroy_do_not_harm_each_other(store):
    """Twelve at once: every survivor opens, every destroyed one is gone."""
    names = [f"{number:032x}" for number in range(12)]

    def one(name: str) -> None:
        store.make(name, name.encode())
        if int(name, 16) % 2:
            store.destroy(name)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, names))
    assert names[::2] == store.names()
    assert [name.encode() for name in names[::2]] == [store.secret(name) for name in names[::2]]


def test_a_damaged_keystore_is_refused(store):
    """Bytes that are not a keystore are an error with a code, and an altered key does not open."""
    store.make(RUN, b"secret")
    path = next(store.folder.glob("wrapped-*.json"))
    path.write_bytes(b"{}")
    with pytest.raises(CryptoError):
        store.key(RUN)
    assert store.holds("wrapped-1.json")
