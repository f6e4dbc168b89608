"""What was written once and may never change is refused by the database itself, on both systems."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import IntegrityError

from service.third_party.invariants import RULES
from service.third_party.schema import (
    agreement_members,
    agreements,
    chunks,
    deliveries,
    log_head,
    log_leaves,
    metadata,
    nonces,
    parties,
    receipts,
    runs,
    uploads,
)
from tests.test_schema import DAY, RUN, UPLOAD

ENDED = {**RUN, "run": "r2", "state": "closed", "received": 1}
DELIVERED = {**RUN, "run": "r3", "state": "delivered", "delivered_at": 2000, "hits_deadline": 2000 + DAY}
KEYED = {**RUN, "run": "r4", "state": "sending", "worker_key": b"k"}


@pytest.fixture
def connection(database):
    """A connection with a row in each table that a rule protects."""
    leaf = {column.name: None for column in log_leaves.columns} | {"seq": 0, "leaf": b"l", "hash": b"h"}
    for column in log_leaves.columns:
        if not column.nullable and leaf[column.name] is None:
            leaf[column.name] = 0
    with database.write() as connection:
        connection.execute(insert(parties).values(party="caf", identity=b"{}", enrolled_at=0))
        connection.execute(insert(agreements).values(agreement="t1", document=b"{}", proposed_at=0, active_at=5))
        connection.execute(insert(agreement_members).values(agreement="t1", party="caf", signature=b"s"))
        for row in (RUN, ENDED, DELIVERED, KEYED):
            connection.execute(insert(runs).values(row))
        connection.execute(insert(uploads).values(UPLOAD))
        connection.execute(insert(chunks).values(upload="u1", number=0, size=10))
        named = {"run": "r1", "comparison": "c", "pass": "p", "recipient": "caf"}
        connection.execute(insert(deliveries).values(**named, statement=b"d"))
        connection.execute(insert(nonces).values(party="caf", nonce="n", forget_at=1))
        connection.execute(insert(log_leaves).values(leaf))
        receipt = {"run": "r1", "kind": "encodings", "party": "caf", "statement": b"r", "leaf": 0}
        connection.execute(insert(receipts).values(receipt))
        connection.execute(update(log_head).values(size=1))
        yield connection


def verdict(connection: Any, statement: Any) -> str:
    """The rule that refuses a statement; empty when it is taken."""
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError as error:
        named = [rule.name for rule in RULES if rule.name in str(error.orig)]
        return named[0] if named else "a constraint"
    return ""


def of(run: str, **values: Any) -> Any:
    return update(runs).where(runs.c.run == run).values(values)


CASES = [
    (of("r1", encodings_deadline=1001), "run_deadlines_stay"),
    (of("r1", opened_at=999), "run_deadlines_stay"),
    (of("r3", hits_deadline=2000 + 2 * DAY), "run_deadlines_stay"),
    (of("r3", delivered_at=3000), "run_deadlines_stay"),
    (of("r3", delivered_at=None, hits_deadline=None), "run_deadlines_stay"),
    (of("r3", state="matching"), "a constraint"),
    (of("r3", state="closed"), ""),
    (of("r1", state="delivered", delivered_at=3000, hits_deadline=3000 + DAY), ""),
    (of("r1", state="joining"), ""),
    (of("r2", state="opened"), "run_ended"),
    (of("r2", failure="E_X"), ""),
    (of("r2", received=0), "run_received_stays"),
    (of("r1", received=1), ""),
    (of("r4", worker_key=b"other"), "run_key_stays"),
    (of("r1", worker_key=b"k"), ""),
    (of("r1", agreement="t2"), "run_names_stay"),
    (delete(runs).where(runs.c.run == "r2"), "run_remains"),
    (update(agreements).values(document=b"[]"), "agreement_stays"),
    (update(agreements).values(active_at=None), "agreement_stays"),
    (update(agreement_members).values(signature=b"other"), "signature_stays"),
    (update(chunks).values(size=11), "chunk_stays"),
    (update(deliveries).values(statement=b"other"), "delivery_stays"),
    (delete(deliveries), ""),
    (update(nonces).values(forget_at=0), "nonce_stays"),
    (delete(nonces), ""),
    (update(receipts).values(statement=b"other"), "receipt_stays"),
    (delete(receipts), "receipt_remains"),
    (update(log_leaves).values(hash=b"other"), "leaf_stays"),
    (update(log_leaves).values(seq=7), "leaf_stays"),
    (delete(log_leaves), "leaf_remains"),
    (update(log_head).values(size=0), "log_grows"),
    (delete(log_head), "log_head_remains"),
]


@pytest.mark.parametrize(("statement", "expected"), CASES)
def test_what_was_written_stays(connection, statement, expected):
    """A change against the past of a row is refused by the name of its rule; others are taken."""
    assert expected == verdict(connection, statement)


def test_every_rule_has_a_case():
    """And speaks of a table and of columns that exist: the database would else have refused to make it."""
    assert {rule.name for rule in RULES} == {expected for _, expected in CASES} - {"", "a constraint"}
    assert {rule.table for rule in RULES} <= set(metadata.tables)


def test_the_rules_are_those_of_the_database(database):
    """Every trigger of the program is there, and no other."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if not database.on_sqlite:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    with database.read() as connection:
        assert sorted(rule.name for rule in RULES) == sorted(connection.execute(text(query)).scalars())
