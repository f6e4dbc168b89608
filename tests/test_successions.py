"""A chain of keys is believed from the pinned identity on, link by link."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crypto.keys import Identity
from crypto.signatures import SigningKey
from service.errors import ServiceError
from service.successions import Succession, followed, key_digest

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ME = Identity.generate("caf", "CAF")


def chain(length: int) -> tuple[list[object], list[bytes]]:
    key = ME.signing_key
    links: list[object] = []
    keys: list[bytes] = []
    for _ in range(length):
        successor = SigningKey.generate()
        links.append(Succession.drawn(ME.public, key, successor, NOW))
        keys.append(successor.verify_bytes())
        key = successor
    return links, keys


def test_a_chain_is_followed():
    """The last two keys sign now; the identity and its fingerprint stay."""
    links, keys = chain(3)
    found = followed(ME.public, links)
    assert (ME.public.signing_key, *keys) == found.all_signing_keys
    assert tuple(keys[1:]) == found.signing_keys
    assert (ME.public, ME.public.fingerprint) == (found, found.fingerprint)
    assert (ME.public.signing_key,) == followed(ME.public, []).signing_keys


def test_a_broken_chain_is_refused():
    """A link left out, in another order, of another party, or that is none."""
    links, _ = chain(3)
    other = replace(ME.public, name="Autre")
    for public, wrong in ((ME.public, links[1:]), (ME.public, links[::-1]), (other, links), (ME.public, [{}])):
        with pytest.raises(ServiceError, match="E_CLE_SUCCESSION"):
            followed(public, wrong)


def test_a_key_has_a_name():
    """64 hexadecimal digits."""
    assert 64 == len(key_digest(b"0" * 32))
