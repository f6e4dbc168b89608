"""The audit log: in the transaction of the change, provable, and silent about people."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from crypto.audit import leaf_hash, open_checkpoint, verify_consistency, verify_inclusion
from crypto.errors import ProofRefused
from crypto.signatures import SigningKey
from service.answers import LogLeaf, LogView
from service.messages import log_origin
from service.third_party.log import AuditLog, Fact
from service.third_party.schema import log_head, log_leaves
from tests.simulator import START

KEY = SigningKey.generate()
RUN, T = "a" * 32, "b" * 64


@pytest.fixture
def log():
    """The log of a third party called `tiers`."""
    return AuditLog(KEY, "tiers")


def fact(action: str, **about: Any) -> Fact:
    return Fact(at=START, actor="caf", action=action, **about)


def check(view: LogView) -> None:
    """Verify every entry of a view as a party does, with the log's public key only."""
    checkpoint = open_checkpoint(view.checkpoint, KEY.verify_bytes(), log_origin("tiers"))
    assert view.size == checkpoint.size
    for entry in view.entries:
        proof = [bytes.fromhex(one) for one in entry.proof]
        verify_inclusion(leaf_hash(entry.leaf), entry.index, view.size, proof, checkpoint.root)


def test_leaves_are_numbered_and_proved(database, log):
    """Each leaf is at its index, in the checkpoint, for any size of the log."""
    for number in range(20):
        with database.write() as connection:
            assert number == log.append(connection, fact(f"step{number}", run=RUN, agreement=T))
        with database.read() as connection:
            view = log.about(connection, RUN, T)
        check(view)
        leaves = [LogLeaf.from_json(json.loads(entry.leaf)) for entry in view.entries]
        assert [(n, f"step{n}") for n in range(number + 1)] == [(one.seq, one.action) for one in leaves]


def test_a_leaf_lives_and_dies_with_its_transaction(database, log):
    """A change that is rolled back leaves no leaf, and the next one takes its number."""

    def lose() -> None:
        with database.write() as connection:
            log.append(connection, fact("lost"))
            raise KeyError

    with pytest.raises(KeyError):
        lose()
    with database.write() as connection:
        assert 0 == log.append(connection, fact("kept"))
    with database.read() as connection:
        assert 1 == log.checkpoint(connection)[1]


def test_checkpoints_are_consistent_and_deterministic(database, log):
    """Every earlier checkpoint is the beginning of every later one; a size has one text, also after a restart."""
    notes = []
    for number in range(9):
        with database.read() as connection:
            notes.append(log.checkpoint(connection)[0])
        with database.write() as connection:
            log.append(connection, fact(f"step{number}"))
    with database.read() as connection:
        assert notes[-1] != log.checkpoint(connection)[0]
        opened = [open_checkpoint(note, KEY.verify_bytes(), log_origin("tiers")) for note in notes]
        for first in opened:
            for second in opened[first.size :]:
                proof = [bytes.fromhex(one) for one in log.consistency(connection, first.size, second.size)]
                verify_consistency(first.size, second.size, proof, first.root, second.root)
        again = AuditLog(KEY, "tiers")
        assert log.checkpoint(connection) == again.checkpoint(connection)


def test_impossible_sizes_are_refused(database, log):
    """There is no proof about a log that never was."""
    with database.write() as connection:
        log.append(connection, fact("one"))
    with database.read() as connection:
        for first, second in ((0, 2), (1, 0), (2, 2)):
            with pytest.raises(ProofRefused):
                log.consistency(connection, first, second)


@pytest.mark.parametrize("tamper", ["change", "remove"])
def test_a_rewritten_history_does_not_verify(database, log, tamper):
    """Whoever changes or removes a row of the database cannot prove the log to a party any more."""
    for number in range(5):
        with database.write() as connection:
            log.append(connection, fact(f"step{number}", run=RUN))
    with database.read() as connection:
        kept = open_checkpoint(log.checkpoint(connection)[0], KEY.verify_bytes(), log_origin("tiers"))
    forged = LogLeaf(seq=2, at=START, actor="caf", action="other", agreement=None, run=RUN, digest=None,
                     purpose=None, salt="0" * 64).to_bytes()  # fmt: skip
    with database.write() as connection:
        for rule, table in (("leaf_stays", "log_leaves"), ("leaf_remains", "log_leaves"), ("log_grows", "log_head")):
            connection.exec_driver_sql(f"DROP TRIGGER {rule}" + ("" if database.on_sqlite else f" ON {table}"))
        if tamper == "change":
            values = {"leaf": forged, "hash": leaf_hash(forged)}
            connection.execute(update(log_leaves).where(log_leaves.c.seq == 2).values(values))
        else:
            connection.execute(delete(log_leaves).where(log_leaves.c.seq == 4))
            connection.execute(update(log_head).values(size=4))
    restarted = AuditLog(KEY, "tiers")
    with database.write() as connection:
        restarted.append(connection, fact("next"))
    with database.read() as connection:
        now = open_checkpoint(restarted.checkpoint(connection)[0], KEY.verify_bytes(), log_origin("tiers"))
        proof = [bytes.fromhex(one) for one in restarted.consistency(connection, min(kept.size, now.size), now.size)]
    with pytest.raises(ProofRefused):
        verify_consistency(kept.size, now.size, proof, kept.root, now.root)


def test_a_run_sees_its_leaves_and_those_of_its_agreement(database, log):
    """Nothing of another run, even under the same agreement."""
    facts = [("agreed", {"agreement": T}), ("mine", {"agreement": T, "run": RUN}), ("enrolled", {}),
             ("theirs", {"agreement": T, "run": "c" * 32}), ("other", {"agreement": "d" * 64})]  # fmt: skip
    with database.write() as connection:
        for action, about in facts:
            log.append(connection, fact(action, **about))
    with database.read() as connection:
        view = log.about(connection, RUN, T)
        leaves = connection.scalars(select(log_leaves.c.leaf)).all()
    check(view)
    assert ["agreed", "mine"] == [json.loads(entry.leaf)["action"] for entry in view.entries]
    assert 5 == len(leaves)


def test_many_writers_make_one_sequence(database, log):
    """Numbers have no hole and no double, whatever the threads do, and proofs are asked for meanwhile."""

    def write() -> None:
        for _ in range(5):
            with database.write() as connection:
                log.append(connection, fact("step", run=RUN))
            with database.read() as connection:
                check(log.about(connection, RUN, T))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert list(range(30)) == list(connection.scalars(select(log_leaves.c.seq).order_by(log_leaves.c.seq)))
