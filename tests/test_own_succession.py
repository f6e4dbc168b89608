"""One's own key replaced: stopped anywhere, the same key goes on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.administration.keyring import Keyring
from service.errors import ServiceError
from service.successions import key_digest

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def keyring(tmp_path):
    """A fresh home."""
    one = Keyring(tmp_path / "home")
    one.create("caf", "CAF")
    return one


def test_the_new_key_signs_and_the_identity_stays(keyring):
    """Once the third party has taken it."""
    before = keyring.identity()
    sent: list[object] = []
    name = keyring.succession.rotate(before, NOW, sent.append)
    after = keyring.identity()
    assert name == key_digest(after.signing_key.verify_bytes())
    assert before.public == after.public == keyring.pinned("caf")
    assert (before.public.signing_key, after.signing_key.verify_bytes()) == keyring.pinned("caf").signing_keys
    assert 1 == len(sent)
    keyring.succession.rotate(keyring.identity(), NOW, sent.append)
    assert 3 == len(keyring.pinned("caf").all_signing_keys)


def test_a_rotation_that_was_stopped_goes_on_with_the_same_key(keyring):
    """The third party may have taken it already."""
    sent: list[object] = []

    def lost(signed: object) -> None:
        sent.append(signed)
        raise ServiceError("E_CONNEXION", "x")

    with pytest.raises(ServiceError):
        keyring.succession.rotate(keyring.identity(), NOW, lost)
    assert 1 == len(keyring.pinned("caf").all_signing_keys)
    keyring.succession.rotate(keyring.identity(), NOW, sent.append)
    assert sent[0] == sent[1]


def test_a_partner_s_chain_only_grows(keyring, tmp_path):
    """What was known stays known; another line is refused."""
    partner = Keyring(tmp_path / "partner")
    sent: list[object] = []
    file = partner.create("cnous", "CNOUS")
    from service.administration.keyring import read_public

    public = read_public(file)
    keyring.pin(public, public.fingerprint)
    partner.succession.rotate(partner.identity(), NOW, sent.append)
    assert 2 == len(keyring.follow("cnous", sent).all_signing_keys)
    assert 2 == len(keyring.pinned("cnous").all_signing_keys)
    with pytest.raises(ServiceError, match="E_CLE_SUCCESSION"):
        keyring.follow("cnous", [])


def test_a_damaged_file_is_said(keyring, tmp_path):
    """Never used."""
    keyring.succession.rotate(keyring.identity(), NOW, lambda _: None)
    (tmp_path / "home" / "succession.json").write_bytes(b"{}")
    with pytest.raises(ServiceError, match="E_FICHIER_LOCAL"):
        keyring.identity()
