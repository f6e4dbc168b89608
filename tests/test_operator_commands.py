"""What the operator types: an identity drawn once, a party let in."""

from __future__ import annotations

from service.cli import main
from service.third_party.vault import Vault


def test_the_identity_is_drawn_once(tmp_path, capsys):
    """The same fingerprint is shown again, whoever it was that drew it."""
    assert 0 == main(["third-party", "--data", str(tmp_path / "data"), "--name", "Essai"])
    first = capsys.readouterr().out
    assert 0 == main(["third-party", "--data", str(tmp_path / "data")])
    assert first == capsys.readouterr().out
    assert Vault(tmp_path / "data").identity().public.fingerprint in first


def test_a_party_is_let_in_with_its_fingerprint(tmp_path, capsys):
    """With another fingerprint it is refused."""
    main(["third-party", "--data", str(tmp_path / "data")])
    main(["init", "--home", str(tmp_path / "home"), "--party", "caf", "--name", "CAF"])
    file = tmp_path / "home" / "caf.identity.json"
    from crypto.keys import PublicIdentity

    fingerprint = PublicIdentity.from_bytes(file.read_bytes()).fingerprint
    words = ["enrol", "--data", str(tmp_path / "data"), str(file), "--fingerprint"]
    assert 1 == main([*words, "0" * 60])
    assert 0 == main([*words, fingerprint])
    assert "inscrite" in capsys.readouterr().out
