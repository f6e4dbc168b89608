"""The database: its mode, its transactions, parties, nonces and agreements."""

from __future__ import annotations

import pytest

from crypto.keys import Identity
from service.errors import ServiceError
from service.third_party.store import (
    activate,
    add_agreement,
    add_party,
    agreement_of,
    agreements_of,
    from_seconds,
    is_active,
    is_known,
    sign_agreement,
    signatures_of,
    stored,
    to_seconds,
    unstored,
)
from tests.simulator import START
from tests.test_agreement import AGREEMENT, CAF, CNOUS

DGFIP = Identity.generate("dgfip", "DGFIP").public


@pytest.fixture
def database(database):
    """A fresh database with two parties."""
    with database.write() as connection:
        for identity in (CAF.public, CNOUS.public):
            add_party(connection, identity, START)
    return database


def test_moments_and_statements_come_back():
    """Whole seconds, canonical JSON."""
    assert START == from_seconds(to_seconds(START))
    assert {"statement": {"b": 1, "a": [True]}, "signature": "x"} == unstored(
        stored({"signature": "x", "statement": {"a": [True], "b": 1}})
    )
    assert {} == unstored(b"[]")


def test_an_agreement_is_proposed_signed_and_active(database):
    """From nothing to active; nobody else sees it."""
    name = AGREEMENT.identifier
    with database.write() as connection:
        assert not is_known(connection, name)
        with pytest.raises(ServiceError):
            agreement_of(connection, name)
        add_agreement(connection, AGREEMENT, START)
        assert is_known(connection, name)
        assert AGREEMENT == agreement_of(connection, name)
        assert [[AGREEMENT], [AGREEMENT], []] == [agreements_of(connection, one) for one in ("caf", "cnous", "dgfip")]
        assert {} == signatures_of(connection, name)
        sign_agreement(connection, name, "cnous", b"s")
        assert {"cnous": b"s"} == signatures_of(connection, name)
        assert not is_active(connection, name)
        activate(connection, name, START)
        assert is_active(connection, name)
