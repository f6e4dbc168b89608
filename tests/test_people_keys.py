"""A person is a keyed token, and a destroyed key opens nothing."""

import stat

import pytest

from crypto.errors import SealBroken
from service.administration.journal.people_keys import TOKEN_BYTES, PeopleKeys
from service.errors import ServiceError


def test_tokens_are_the_same_for_one_use_and_others_elsewhere(tmp_path):
    """The same person of the same use meets; of another use or another journal, no."""
    keys, others = PeopleKeys(tmp_path / "a"), PeopleKeys(tmp_path / "b")
    again = PeopleKeys(tmp_path / "a").tokens("objections", ["P1", "P2"])
    assert keys.tokens("objections", ["P1", "P2"]) == again
    assert {TOKEN_BYTES} == {len(one) for one in again}
    assert 4 == len({*again, keys.token("sent", "P1"), others.token("objections", "P1")})


def test_blanks_around_an_identifier_are_not_part_of_it(tmp_path):
    """A padded cell of an export and what somebody types are one person; blanks within are kept."""
    keys = PeopleKeys(tmp_path)
    assert 1 == len(set(keys.tokens("objections", ["P 1", " P 1", "P 1   ", "\u00a0P 1\t"])))
    assert keys.token("objections", "P 1") != keys.token("objections", "P1")


def test_the_file_of_keys_is_its_owners_alone(tmp_path):
    """Nobody else on the machine reads it."""
    before = PeopleKeys(tmp_path).drawn
    PeopleKeys(tmp_path).index("x")
    assert [False, True] == [before, PeopleKeys(tmp_path).drawn]
    assert 0o600 == stat.S_IMODE((tmp_path / "keys.json").stat().st_mode)


def test_what_is_sealed_opens_until_its_key_is_destroyed(tmp_path):
    """Destroying the key of a collection leaves the others readable."""
    keys = PeopleKeys(tmp_path)
    token = b"t" * TOKEN_BYTES
    sealed = {name: list(keys.seal(name, [(token, b"P1")])) for name in ("one", "two")}
    assert [b"P1"] == list(keys.unseal("one", [(token, sealed["one"][0])]))
    keys.destroy("one")
    keys.destroy("one")
    assert keys.commitment("one") is None
    assert keys.commitment("two") is not None
    with pytest.raises(SealBroken):
        list(keys.unseal("one", [(token, sealed["one"][0])]))
    assert [b"P1"] == list(keys.unseal("two", [(token, sealed["two"][0])]))


def test_a_sealed_content_belongs_to_one_person(tmp_path):
    """What was sealed for somebody is not accepted for another."""
    keys = PeopleKeys(tmp_path)
    (sealed,) = keys.seal("one", [(b"a" * TOKEN_BYTES, b"P1")])
    with pytest.raises(SealBroken):
        list(keys.unseal("one", [(b"b" * TOKEN_BYTES, sealed)]))


def test_a_damaged_file_is_refused(tmp_path):
    """It is said, and not drawn anew over what it kept."""
    keys = PeopleKeys(tmp_path)
    keys.index("x")
    (tmp_path / "keys.json").write_bytes(b"{}")
    with pytest.raises(ServiceError) as caught:
        keys.index("x")
    assert "E_FICHIER_LOCAL" == caught.value.code
