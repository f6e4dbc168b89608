"""Keys enter with their fingerprint, and nothing replaces them by surprise."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import CryptoError, KeyRefused
from crypto.keys import Identity
from crypto.signatures import SigningKey
from service.administration.keyring import Keyring, ThirdParty, check_url, read_public
from service.errors import ServiceError


@pytest.fixture
def keyring(tmp_path):
    found = Keyring(tmp_path / "home")
    found.create("cnaf", "Caisse nationale des allocations familiales")
    return found


def third_party(url: Any = "https://tiers.example") -> Any:
    identity = Identity.generate("tiers", "Tiers de confiance")
    return ThirdParty(url=url, identity=identity.public, log_key=SigningKey.generate().verify_bytes())


def test_the_public_file_is_the_public_half(keyring):
    """What is sent to partners reads back as this administration's public identity."""
    assert keyring.identity().public == read_public(keyring.public_path("cnaf"))


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_private_keys_are_for_their_owner(keyring):
    """The identity file is 0600 and the home folder 0700; a readable key is refused."""
    path = keyring.home / "identity.json"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(keyring.home.stat().st_mode)) == (0o600, 0o700)
    path.chmod(0o640)
    with pytest.raises(CryptoError, match="E_CLE_LISIBLE"):
        keyring.identity()


def test_an_identity_is_never_replaced(keyring):
    """A second init is refused and leaves the keys as they were."""
    before = keyring.identity().public
    with pytest.raises(ServiceError, match="E_IDENTITE_EXISTE"):
        keyring.create("cnaf", "Autre")
    assert before == keyring.identity().public


def test_no_identity_is_said(tmp_path):
    """A command in an empty home says what to run."""
    with pytest.raises(ServiceError, match=r"E_IDENTITE_ABSENTE.*init"):
        Keyring(tmp_path).identity()


def test_a_pin_needs_the_right_fingerprint(keyring):
    """Another fingerprint pins nothing."""
    partner, other = (Identity.generate("cnam", name).public for name in ("CNAM", "Autre"))
    with pytest.raises(KeyRefused):
        keyring.pin(partner, other.fingerprint)
    with pytest.raises(ServiceError, match="E_CLE_NON_EPINGLEE"):
        keyring.pinned("cnam")
    keyring.pin(partner, partner.fingerprint.replace(" ", "  "))
    assert partner == keyring.pinned("cnam")
    assert [partner] == keyring.pins()


def test_another_key_is_refused_until_replaced_on_purpose(keyring):
    """Once pinned, a party's key changes only by an explicit replacement, fingerprint checked again."""
    first, second = (Identity.generate("cnam", "CNAM").public for _ in range(2))
    keyring.pin(first, first.fingerprint)
    with pytest.raises(ServiceError, match="E_CLE_DEJA_EPINGLEE"):
        keyring.pin(second, second.fingerprint)
    assert first == keyring.pinned("cnam")
    with pytest.raises(KeyRefused):
        keyring.pin(second, first.fingerprint, replace=True)
    keyring.pin(second, second.fingerprint, replace=True)
    assert second == keyring.pinned("cnam")


def test_ones_own_key_is_pinned_by_nature(keyring):
    """A party knows itself, whatever the pins say."""
    assert keyring.identity().public == keyring.pinned("cnaf")


def test_the_third_party_is_pinned_with_its_log_key(keyring):
    """Address, identity and log key read back; another log key is another third party."""
    known = third_party()
    keyring.pin_third_party(known, known.identity.fingerprint)
    assert known == keyring.third_party()
    moved = ThirdParty(url="https://autre.example", identity=known.identity, log_key=known.log_key)
    keyring.pin_third_party(moved, known.identity.fingerprint)
    assert keyring.third_party().url == "https://autre.example"
    forged = ThirdParty(url=known.url, identity=known.identity, log_key=bytes(32))
    with pytest.raises(ServiceError, match="E_CLE_DEJA_EPINGLEE"):
        keyring.pin_third_party(forged, known.identity.fingerprint)


def test_a_damaged_pin_is_refused(keyring):
    """A file that was altered is not guessed at."""
    known = third_party()
    keyring.pin_third_party(known, known.identity.fingerprint)
    path = keyring.home / "third_party.json"
    path.write_bytes(path.read_bytes().replace(b"https", b"ftp"))
    with pytest.raises(ServiceError, match="E_ADRESSE"):
        keyring.third_party()
    path.write_bytes(b"{}")
    with pytest.raises(ServiceError, match="E_FICHIER_LOCAL"):
        keyring.third_party()


@pytest.mark.parametrize("url", ["https://tiers.example/", "http://127.0.0.1:8443", "http://localhost"])
def test_addresses_that_are_safe(url):
    """TLS anywhere, clear text on this very machine only."""
    assert url.rstrip("/") == check_url(url)


@pytest.mark.parametrize(
    "url", ["http://tiers.example", "ftp://x", "https://", "https://u@x.example", "https://x.example/?a=1", "tiers"]
)
def test_addresses_that_are_not(url):
    """Clear text over a network, credentials and queries are refused."""
    with pytest.raises(ServiceError, match="E_ADRESSE"):
        check_url(url)


def test_a_public_file_that_is_not_one(tmp_path: Path):
    """A missing file and a file of something else have their own codes."""
    with pytest.raises(ServiceError, match="E_FICHIER_ABSENT"):
        read_public(tmp_path / "absent.json")
    (tmp_path / "autre.json").write_bytes(b"{}")
    with pytest.raises(CryptoError, match="E_FORMAT"):
        read_public(tmp_path / "autre.json")
