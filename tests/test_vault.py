"""The key files of the third party."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from crypto.errors import KeyAbsent, KeyReadable, SealBroken
from service.errors import ServiceError
from service.third_party.vault import THIRD_PARTY_ID, Vault

RUN, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def vault(tmp_path):
    vault = Vault(tmp_path / "data")
    vault.create("Tiers")
    return vault


def test_the_identity_is_drawn_once(vault):
    """Asking again gives the same identity; asking under another name is refused."""
    first = vault.identity().public
    assert (THIRD_PARTY_ID, "Tiers") == (first.party, first.name)
    assert first == vault.create("Tiers").public
    with pytest.raises(ServiceError) as caught:
        vault.create("Autre")
    assert "E_IDENTITE_EXISTANTE" == caught.value.code


def test_no_identity_is_a_sentence(tmp_path):
    """A directory that was never prepared says what to do."""
    with pytest.raises(ServiceError) as caught:
        Vault(tmp_path).identity()
    assert "E_DONNEES_ABSENTES" == caught.value.code


def test_the_log_key_is_another_key(vault):
    """A checkpoint can never be taken for a statement: the keys differ."""
    assert vault.log_key().verify_bytes() != vault.identity().public.signing_key


def test_key_files_are_for_the_owner_only(vault):
    """Every file has mode 0600, and one that others can read is refused."""
    vault.make_run_key(RUN)
    files = [path for path in vault.data.rglob("*") if path.is_file()]
    assert {"identity.json", "log_key", "epoch.key", "wrapped-1.json", "lock"} == {path.name for path in files}
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in files}
    vault.data.joinpath("log_key").chmod(0o644)
    with pytest.raises(KeyReadable):
        vault.log_key()


def test_the_key_of_a_run_is_drawn_once_and_destroyed_for_good(vault):
    """The same key until it is destroyed; then none, and destroying again is fine."""
    key = vault.make_run_key(RUN)
    assert key.to_bytes() == vault.make_run_key(RUN).to_bytes() == vault.run_key(RUN).to_bytes()
    assert key.to_bytes() != vault.make_run_key(OTHER).to_bytes()
    assert [RUN, OTHER] == vault.run_keys()
    for _ in range(2):
        vault.destroy_run_key(RUN)
    assert (False, True, [OTHER]) == (vault.holds_run_key(RUN), vault.holds_run_key(OTHER), vault.run_keys())
    with pytest.raises(KeyAbsent):
        vault.run_key(RUN)


def test_a_half_written_key_is_seen_and_destroyed(vault):
    """What a crash in the middle of a write leaves counts as held, and goes with the key."""
    left = vault.data / "keystore" / ".wrapped-1.json.abc.tmp"
    vault.make_run_key(OTHER)
    left.write_bytes(b"half")
    assert vault.holds_run_key(RUN)
    vault.destroy_run_key(RUN)
    assert (False, False) == (vault.holds_run_key(RUN), left.exists())


def test_what_waits_for_a_party_opens_until_its_key_is_destroyed(vault):
    """Each party of a run has a key of its own; another party's, or none, opens nothing."""
    sealed = vault.seal_parcel(RUN, "caf", b"for caf")
    assert b"for caf" == vault.open_parcel(RUN, "caf", sealed)
    vault.seal_parcel(RUN, "msa", b"for msa")
    with pytest.raises(SealBroken):
        vault.open_parcel(RUN, "msa", sealed)
    assert [(RUN, "caf"), (RUN, "msa")] == vault.parcel_keys()
    vault.destroy_parcel_key(RUN, "caf")
    assert (False, True) == (vault.holds_parcel_key(RUN, "caf"), vault.holds_parcel_key(RUN, "msa"))
    with pytest.raises(KeyAbsent):
        vault.open_parcel(RUN, "caf", sealed)


def test_two_workers_at_once_hold_one_key(vault):
    """However many draw the key of a run at the same moment, they all get the same, and no draft is left."""
    for number in range(20):
        run = f"{number:032x}"
        with ThreadPoolExecutor(8) as pool:
            keys = {key.public_bytes() for key in pool.map(vault.make_run_key, [run] * 8)}
        assert {vault.run_key(run).public_bytes()} == keys
    files = {path.name for path in (vault.data / "keystore").iterdir()}
    assert {"epoch.key", "wrapped-1.json", "lock"} == files
