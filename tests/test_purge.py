"""Destruction: complete, restartable at every step, proved, and impossible to forget for a new table."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from crypto.audit import leaf_hash, open_checkpoint, verify_inclusion
from crypto.errors import CryptoError, KeyAbsent
from crypto.sealing import SealingKey, unseal
from service.answers import LogLeaf, ReceiptView
from service.errors import ServiceError
from service.messages import Manifest, Receipt, key_commitment, log_origin, statement_digest, upload_key_context
from service.third_party import parcels, purge
from service.third_party.parcels import uploads_of
from service.third_party.purge import PURGED, Decision, carry_out, decide_all, pending, receipts_of, resume
from service.third_party.run_store import load_run
from service.third_party.schema import chunks, metadata
from service.third_party.store import unstored
from service.third_party.vault import Vault
from tests.simulator import PASSES, Run, Simulation, rows_for, simulation, stored_key

# Why each table that no purge empties may stay: what it holds is about parties, never about people.
KEPT = {
    "parties": "public identities of administrations",
    "nonces": "random, forgotten after some minutes",
    "party_keys": "public keys of administrations, as long as the statements they signed",
    "openings": "names of runs and digests of requests",
    "agreements": "public between their parties",
    "agreement_members": "signatures of administrations",
    "runs": "states, deadlines, a public key",
    "approvals": "statements of administrations",
    "acknowledgements": "statements of administrations",
    "purges": "decisions, dropped when they are proved",
    "receipts": "proofs",
    "log_head": "a number",
    "log_leaves": "names, identifiers, digests",
    "marks": "moments of the service itself",
    "holds": "why results are held, sizes in bands",
    "releases": "statements of administrations",
    "histories": "steps of coarse scales, until the agreement ends",
    "witnesses": "checkpoints that administrations have seen",
}
# Every column of these tables, frozen: a new one fails the test below until somebody has said why it may stay.
KEPT_COLUMNS = {
    "parties": "party identity enrolled_at",
    "nonces": "party nonce forget_at",
    "party_keys": "party key public slot number added_at ended_at statement",
    "openings": "party key digest run",
    "agreements": "agreement document proposed_at active_at",
    "agreement_members": "agreement party signature",
    "runs": "run agreement state opened_at encodings_deadline delivered_at hits_deadline failure passes_done "
    "passes_total worker_key received",
    "approvals": "run party statement",
    "acknowledgements": "run party statement",
    "purges": "run kind party cause inventory",
    "receipts": "run kind party statement leaf",
    "log_head": "one size",
    "log_leaves": "seq leaf hash at agreement run",
    "marks": "name at",
    "holds": "run comparison statement",
    "releases": "run party statement",
    "histories": "run comparison recipient_step source_step rate_step forget_at",
    "witnesses": "party size note",
}


@pytest.fixture
def on_file(tmp_path):
    """A third party whose database is a file of its data directory, to be searched byte by byte."""
    with simulation(tmp_path / "data") as one:
        yield one


def loaded(sim: Simulation) -> Run:
    """A run with everything a run can hold before its matching."""
    run = sim.sending()
    sim.upload_all(run, {name: rows_for(number) for number, name in enumerate(PASSES)})
    return run


def decided(sim: Simulation, run: Run) -> list[Decision]:
    """The cancellation of a run, decided and not carried out."""
    with sim.site.database.write() as connection:
        decide_all(sim.site, connection, load_run(connection, run.run), "annulation")
        return pending(connection)


def left(sim: Simulation, run: Run) -> dict[str, int]:
    """Rows of purged tables, and files, that still hold something of a run."""
    found = {}
    with sim.site.database.read() as connection:
        for table in (table for tables in PURGED.values() for table in tables):
            rows = connection.scalar(select(func.count()).select_from(table)) or 0
            if rows:
                found[table.name] = rows
    if sim.site.blobs.holds(run.run):
        found["blobs"] = 1
    if sim.site.vault.holds_run_key(run.run):
        found["key"] = 1
    return found


def receipts(sim: Simulation, run: Run) -> list[Receipt]:
    """The receipts of a run, each verified with the pinned keys of the third party, log included."""
    opened = []
    for view in (ReceiptView.from_json(one) for one in sim.cnous.get(f"/runs/{run.run}/receipts")):
        receipt = Receipt.opened(sim.third_party.signing_key, view.receipt)
        name = log_origin(sim.third_party.party)
        checkpoint = open_checkpoint(view.log.checkpoint, sim.site.log.public_key, name)
        proof = [bytes.fromhex(one) for one in view.log.proof]
        verify_inclusion(leaf_hash(view.log.leaf), view.log.index, view.log.size, proof, checkpoint.root)
        leaf = LogLeaf.from_json(json.loads(view.log.leaf))
        assert ("receipt", run.run, statement_digest(view.receipt)) == (leaf.action, leaf.run, leaf.digest)
        opened.append(receipt)
    return opened


def test_every_table_is_purged_or_says_why_it_is_kept():
    """A new table or column with personal or derived data cannot be forgotten."""
    emptied = {table.name for tables in PURGED.values() for table in tables}
    assert set(metadata.tables) == emptied | set(KEPT)
    assert set() == emptied & set(KEPT)
    columns = {name: " ".join(column.name for column in metadata.tables[name].columns) for name in KEPT}
    assert KEPT_COLUMNS == columns


def test_a_cancelled_run_leaves_nothing_but_its_receipt(sim: Simulation):
    """Key, files and rows are gone at the answer; the receipt lists them all."""
    run = loaded(sim)
    digests = {
        (one.comparison, one.pass_, one.party): statement_digest(unstored(one.manifest)) for one in _uploads(sim, run)
    }
    commitment = key_commitment(sim.caf.worker_key(run, sim.third_party))
    assert {"uploads", "chunks", "shares", "confirmations", "jobs", "blobs", "key"} == set(left(sim, run))
    sim.cnous.cancel(run)
    assert {} == left(sim, run)
    (receipt,) = receipts(sim, run)
    assert ("encodings", "annulation", commitment) == (receipt.kind, receipt.cause, receipt.key_commitment)
    assert digests == {
        (one.comparison, one.pass_, one.party): one.digest for one in receipt.destroyed if one.kind == "upload"
    }
    assert {2} == {one.pieces for one in receipt.destroyed if one.kind == "upload"}
    assert [(sim.third_party.party, commitment)] == [
        (one.party, one.digest) for one in receipt.destroyed if one.kind == "run_key"
    ]


def _uploads(sim: Simulation, run: Run) -> Any:
    with sim.site.database.read() as connection:
        return uploads_of(connection, run.run)


@pytest.mark.S6
def test_what_a_thief_copied_before_does_not_open_with_what_remains(sim: Simulation):
    """A backup of files and database taken before the purge, with every key that remains: nothing opens."""
    run = loaded(sim)
    upload = _uploads(sim, run)[0]
    manifest = Manifest.from_json(unstored(upload.manifest)["statement"])
    info = upload_key_context(run.agreement, run.run, run.comparison, upload.pass_, upload.party)
    stolen = SealingKey.from_bytes(stored_key(sim.data, run.run))
    assert 32 == len(unseal(stolen, manifest.wrapped_key, info))
    sim.caf.cancel(run)
    with pytest.raises(KeyAbsent):
        stored_key(sim.data, run.run)
    with pytest.raises(CryptoError):
        unseal(sim.site.identity.sealing_key, manifest.wrapped_key, info)
    assert [] == [path for path in sim.data.rglob("*") if path.is_file() and stolen.to_bytes() in path.read_bytes()]
    # The receipt's commitment tells whether a key found anywhere is the one that should be gone.
    (receipt,) = receipts(sim, run)
    assert key_commitment(stolen.public_bytes()) == receipt.key_commitment


def test_no_byte_of_a_purged_row_stays_in_the_database(on_file: Simulation):
    """The wrapped key of an upload is found in the file before, and nowhere after."""
    run = loaded(on_file)
    wrapped = Manifest.from_json(unstored(_uploads(on_file, run)[0].manifest)["statement"]).to_bytes()
    marker = json.loads(wrapped)["wrapped_key"].encode()[:60]
    path = on_file.data / "database.sqlite"
    assert marker in path.read_bytes()
    on_file.caf.cancel(run)
    assert marker not in path.read_bytes()


@pytest.mark.S6
def test_an_old_copy_of_the_database_holds_no_delivery_that_anybody_can_open(on_file: Simulation, tmp_path):
    """Yesterday's table, today's keystore, every key of every party: the deliveries of an acknowledged run stay shut."""
    run, _ = on_file.delivered()
    with on_file.site.database.read() as connection:
        rows = {name: parcels.load_delivery(connection, run.run, run.comparison, name) or b"" for name in PASSES}
    opened = {name: on_file.site.vault.open_parcel(run.run, "caf", data) for name, data in rows.items()}
    shutil.copytree(on_file.data, tmp_path / "yesterday", ignore=shutil.ignore_patterns("epoch.key"))
    on_file.caf.acknowledge(run)
    markers = [data[-80:] for data in opened.values()]
    for path in tmp_path.rglob("*"):  # the copy too: what is sealed to the party lies under another seal
        assert not path.is_file() or not any(marker in path.read_bytes() for marker in markers)
    with pytest.raises(KeyAbsent):
        on_file.site.vault.open_parcel(run.run, "caf", rows[PASSES[0]])
    shutil.copy(on_file.data / "keystore" / "epoch.key", tmp_path / "yesterday" / "keystore")
    with pytest.raises(CryptoError):
        Vault(tmp_path / "yesterday").open_parcel(run.run, "caf", rows[PASSES[0]])
    for party in (on_file.caf, on_file.cnous):
        with pytest.raises(CryptoError):
            unseal(party.identity.sealing_key, rows[PASSES[0]], b"")


@pytest.mark.R8
def test_a_run_of_many_chunks_is_purged_some_rows_at_a_time(on_file: Simulation, monkeypatch):
    """100,000 rows: no transaction deletes more than its share, no other writer waits long, the receipt counts them all."""
    run = on_file.sending()
    upload = next(iter(on_file.upload_all(run, {PASSES[0]: rows_for(1)}).values()))
    with on_file.site.database.write() as connection:
        more = [{"upload": upload, "number": number, "size": 1} for number in range(2, 100_002)]
        connection.execute(insert(chunks), more)
    deleted: list[int] = []
    some = purge._delete_some

    def counted(*args: Any) -> int:
        deleted.append(some(*args))
        return deleted[-1]

    monkeypatch.setattr(purge, "_delete_some", counted)
    on_file.caf.cancel(run)
    assert max(deleted) <= purge.MOST_ROWS
    assert len(deleted) >= 20
    assert {} == left(on_file, run)
    (receipt,) = receipts(on_file, run)
    assert 100_002 == max(one.pieces for one in receipt.destroyed)


class Crash(Exception):
    """The process dies here."""


Stop = Callable[[Simulation, Run], None]


def after_decision(sim: Simulation, run: Run) -> None:
    """Nothing is destroyed yet."""


def after_key(sim: Simulation, run: Run) -> None:
    sim.site.vault.destroy_run_key(run.run)


def in_files(sim: Simulation, run: Run) -> None:
    after_key(sim, run)
    next((sim.data / "blobs" / run.run).glob("*/*")).unlink()


def after_files(sim: Simulation, run: Run) -> None:
    after_key(sim, run)
    sim.site.blobs.drop_run(run.run)


def in_the_last_transaction(sim: Simulation, run: Run) -> None:
    after_files(sim, run)

    def die() -> None:
        with sim.site.database.write() as connection:
            for table in PURGED["encodings"]:
                connection.execute(table.delete())
            raise Crash

    with pytest.raises(Crash):
        die()


def after_everything(sim: Simulation, run: Run) -> None:
    resume(sim.site, _fail)


def _fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "crash", [after_decision, after_key, in_files, after_files, in_the_last_transaction, after_everything]
)
def test_a_crash_anywhere_is_finished_by_doing_it_again(sim: Simulation, crash: Stop):
    """Wherever the process died, resuming ends with nothing left and one receipt that lists everything."""
    run = loaded(sim)
    assert 1 == len(decided(sim, run))
    crash(sim, run)
    resume(sim.site, _fail)
    assert {} == left(sim, run)
    (receipt,) = receipts(sim, run)
    assert 5 == len(receipt.destroyed)
    assert not resume(sim.site, _fail)


def test_a_receipt_is_signed_only_when_nothing_is_left(sim: Simulation):
    """Something comes back after it was removed: no receipt, the decision stays, and the next try finishes."""
    run = loaded(sim)
    decided(sim, run)
    sim.site.vault.destroy_run_key(run.run)
    intruder = sim.data / "keystore" / "wrapped-9.json"
    intruder.mkdir()  # something that cannot be overwritten as a file is
    complaints: list[Exception] = []
    assert not resume(sim.site, complaints.append)
    assert 1 == len(complaints)
    assert [] == sim.caf.get(f"/runs/{run.run}/receipts")
    intruder.rmdir()
    assert resume(sim.site, _fail)
    assert 1 == len(receipts(sim, run))


def test_the_proof_looks_at_every_place(sim: Simulation):
    """Each thing that may be left is found by the check."""
    run = loaded(sim)
    decision = decided(sim, run)[0]
    with sim.site.database.write() as connection, pytest.raises(ServiceError) as caught:
        purge._prove(sim.site, connection, decision)
    assert "E_DESTRUCTION_INCOMPLETE" == caught.value.code
    for name in ("chunks", "uploads", "shares", "confirmations", "jobs", "keystore", "blobs"):
        assert name in caught.value.message


def test_deciding_twice_decides_once(sim: Simulation):
    """Two causes at once, or a repeated request, make one receipt."""
    run = loaded(sim)
    assert decided(sim, run) == decided(sim, run)
    for decision in decided(sim, run) * 2:
        carry_out(sim.site, decision)
    assert [] == decided(sim, run)
    assert 1 == len(receipts(sim, run))


def test_deliveries_are_destroyed_at_the_acknowledgement(sim: Simulation):
    """A second receipt names each of them; the first one named the encodings."""
    run, _ = sim.delivered()
    sealed = [sim.caf.get(f"/runs/{run.run}/deliveries/{run.comparison}/{name}") for name in PASSES]
    sim.caf.acknowledge(run)
    assert {} == left(sim, run)
    first, second = receipts(sim, run)
    assert ("encodings", "rapprochement_termine") == (first.kind, first.cause)
    assert ("deliveries", "accuse_reception") == (second.kind, second.cause)
    assert first.key_commitment == second.key_commitment
    assert sorted(map(statement_digest, sealed)) == sorted(one.digest for one in second.destroyed)


def test_a_run_that_never_had_a_key_has_a_receipt_too(sim: Simulation):
    """It says that nothing was there."""
    run = sim.opened()
    sim.caf.cancel(run)
    (receipt,) = receipts(sim, run)
    assert ((), None) == (receipt.destroyed, receipt.key_commitment)


def test_receipts_of_another_run_are_not_shown(sim: Simulation):
    """Each run shows its own."""
    first, second = sim.opened(), sim.opened()
    sim.caf.cancel(first)
    with sim.site.database.read() as connection:
        assert [1, 0] == [len(receipts_of(sim.site, connection, run.run)) for run in (first, second)]


def test_the_database_file_passes_its_own_check_after_all(sim: Simulation):
    """Integrity and references hold after purges."""
    run, _ = sim.delivered()
    sim.caf.acknowledge(run)
    if not sim.site.database.on_sqlite:  # a server checks references at each change, unless a constraint says otherwise
        with sim.site.database.read() as connection:
            count = text("SELECT count(*) FILTER (WHERE convalidated), count(*) FROM pg_constraint WHERE contype = 'f'")
            valid, every = connection.execute(count).one()
        assert valid == every > 0
        return
    sim.site.database.close()
    with sqlite3.connect(Path(sim.data) / "database.sqlite") as raw:
        assert ("ok",) == raw.execute("PRAGMA integrity_check").fetchone()
        assert None is raw.execute("PRAGMA foreign_key_check").fetchone()
    raw.close()
