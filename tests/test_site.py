"""A data directory, opened."""

from __future__ import annotations

import pytest

from service.errors import ServiceError
from service.third_party.site import open_site
from service.third_party.vault import Vault
from tests.simulator import HandClock


def test_a_directory_without_an_identity_is_not_opened(tmp_path):
    """Nothing is created by opening."""
    with pytest.raises(ServiceError) as caught:
        open_site(tmp_path, HandClock())
    assert "E_DONNEES_ABSENTES" == caught.value.code
    assert [] == list(tmp_path.iterdir())


def test_a_site_records_at_its_clock(tmp_path):
    """The same identity and the same log at each opening; leaves carry the moment of the clock."""
    public, clock = Vault(tmp_path).create("Tiers").public, HandClock()
    for number in range(2):
        site = open_site(tmp_path, clock)
        assert (public, public.party) == (site.public, site.party)
        with site.database.write() as connection:
            assert number == site.record(connection, "caf", "step", run="a" * 32)
        with site.database.read() as connection:
            leaf = site.log.entries(connection, [number]).entries[0].leaf
        assert b'"at":"2026-11-20T08:00:00Z"' in leaf
        site.database.close()
