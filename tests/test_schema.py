"""What must never be false is refused by the database itself, whatever the code does."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from service.third_party.schema import (
    agreement_members,
    agreements,
    chunks,
    log_head,
    nonces,
    parties,
    runs,
    uploads,
)

HOUR, DAY = 3600, 86_400
RUN: dict[str, Any] = {
    "run": "r1", "agreement": "t1", "state": "opened", "opened_at": 1000, "encodings_deadline": 1000 + 72 * HOUR,
    "delivered_at": None, "hits_deadline": None, "failure": None, "passes_done": 0, "passes_total": 2, "worker_key": None,
    "received": 0,
}  # fmt: skip
UPLOAD: dict[str, Any] = {
    "upload": "u1", "run": "r1", "comparison": "caf.cnous", "pass": "jour", "party": "caf", "state": "receiving",
    "reason": None, "manifest": b"{}",
}  # fmt: skip


@pytest.fixture
def connection(database):
    """A connection with a party, an agreement, a run and an upload."""
    with database.write() as connection:
        connection.execute(insert(parties).values(party="caf", identity=b"{}", enrolled_at=0))
        connection.execute(insert(agreements).values(agreement="t1", document=b"{}", proposed_at=0))
        connection.execute(insert(agreement_members).values(agreement="t1", party="caf"))
        connection.execute(insert(runs).values(RUN))
        connection.execute(insert(uploads).values(UPLOAD))
        yield connection


def refused(connection: Any, statement: Any) -> bool:
    """Whether the database refuses a statement."""
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"state": "lost"}, True),
        ({"encodings_deadline": 1000 + 72 * HOUR + 1}, True),
        ({"encodings_deadline": 1000}, True),
        ({"state": "delivered", "delivered_at": 2000, "hits_deadline": 2000 + 30 * DAY}, False),
        ({"state": "delivered", "delivered_at": 2000, "hits_deadline": 2000 + 30 * DAY + 1}, True),
        ({"state": "matching", "delivered_at": 2000, "hits_deadline": 2000 + 30 * DAY}, True),
        ({"state": "delivered", "delivered_at": 2000}, True),
        ({"passes_done": 3}, True),
        ({"agreement": "t2"}, True),
        ({"received": 2}, True),
    ],
)
def test_a_run_within_its_bounds_only(connection, change, expected):
    """States are closed, encodings live 72 h at most, deliveries 30 days at most."""
    assert expected == refused(connection, insert(runs).values({**RUN, "run": "r2", **change}))


def test_a_deadline_cannot_be_extended_past_the_cap(connection):
    """An update is held to the same bounds."""
    assert refused(connection, update(runs).values(encodings_deadline=1000 + 73 * HOUR))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"upload": "u2"}, True),
        ({"upload": "u2", "pass": "noms"}, False),
        ({"pass": "noms"}, True),
        ({"upload": "u2", "pass": "noms", "state": "lost"}, True),
        ({"upload": "u2", "pass": "noms", "state": "refused"}, True),
        ({"upload": "u2", "pass": "noms", "state": "refused", "reason": "E_REMPLISSAGE"}, False),
        ({"upload": "u2", "pass": "noms", "reason": "E_REMPLISSAGE"}, True),
        ({"upload": "u2", "pass": "noms", "run": "r9"}, True),
    ],
)
def test_one_upload_for_each_pass_and_party(connection, change, expected):
    """A second upload of the same pass is refused, and only a refused one has a reason."""
    assert expected == refused(connection, insert(uploads).values({**UPLOAD, **change}))


def test_a_chunk_has_a_number_a_size_and_an_upload(connection):
    """Once each."""
    assert not refused(connection, insert(chunks).values(upload="u1", number=0, size=10))
    for values in ((("u1", 0, 10)), ("u1", 1, 0), ("u1", -1, 10), ("u9", 0, 10)):
        row = dict(zip(("upload", "number", "size"), values, strict=True))
        assert refused(connection, insert(chunks).values(row))


def test_a_nonce_is_spent_once_by_a_party_that_exists(connection):
    """The same nonce of another party is another nonce."""
    assert not refused(connection, insert(nonces).values(party="caf", nonce="n", forget_at=1))
    assert refused(connection, insert(nonces).values(party="caf", nonce="n", forget_at=2))
    assert refused(connection, insert(nonces).values(party="zoo", nonce="n", forget_at=2))


def test_the_log_has_one_head(connection):
    """Nothing can start a second log."""
    assert refused(connection, insert(log_head).values(one=2, size=0))
    assert refused(connection, insert(log_head).values(one=1, size=0))
