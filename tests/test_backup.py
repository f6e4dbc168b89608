"""Backups hold nothing that must be destroyed; what comes back is complete, and everybody notices it."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crypto.errors import CryptoError
from crypto.signatures import SigningKey
from service.errors import ServiceError
from service.successions import Succession, key_digest
from service.third_party.app import third_party_identity
from service.third_party.backup import LEFT_OUT, back_up, restore, restore_keys
from service.third_party.key_changes import KEY_CHANGES, is_complete
from service.third_party.log import AuditLog
from service.third_party.party_keys import active_keys
from service.third_party.purge import resume
from service.third_party.schema import log_leaves, metadata
from service.third_party.site import Site, open_site
from service.third_party.successors import revoke
from service.third_party.upkeep import SIGNED, sign_log, tend
from tests.simulator import PASSES, Administration, Run, Simulation, rows_for, simulation


def loaded(sim: Simulation) -> Run:
    """A run with all that a run holds before its matching."""
    run = sim.sending()
    sim.upload_all(run, {name: rows_for(number) for number, name in enumerate(PASSES)})
    return run


def fail(error: Exception) -> None:
    raise error


def rows(site: Site) -> dict[str, int]:
    with site.database.read() as connection:
        counted = {
            name: connection.scalar(select(func.count()).select_from(one)) for name, one in metadata.tables.items()
        }
    return {name: count for name, count in counted.items() if count}


def elsewhere(sim: Simulation, folder: Path) -> Site:
    """The same service with an empty database: its keys, and nothing else."""
    folder.mkdir(exist_ok=True)
    for name in ("identity.json", "log_key"):
        shutil.copy(sim.data / name, folder)
    return open_site(folder, sim.clock)


def test_a_backup_holds_nothing_that_a_purge_destroys(sim, tmp_path):
    """Not a row, not a byte of an upload's manifest; and the service's own keys only when they are asked for."""
    run = loaded(sim)
    size = back_up(sim.site, tmp_path / "copy")
    assert {"database.sqlite", "checkpoint", "manifest.json"} == {one.name for one in (tmp_path / "copy").iterdir()}
    raw = sqlite3.connect(tmp_path / "copy" / "database.sqlite")
    counts = {one.name: raw.execute(f"SELECT count(*) FROM {one.name}").fetchone()[0] for one in metadata.sorted_tables}  # noqa: S608
    raw.close()
    assert {} == {one.name: counts[one.name] for one in LEFT_OUT if counts[one.name]}
    assert (3, 1, size) == (counts["parties"], counts["runs"], counts["log_leaves"])
    assert run.run.encode() in (tmp_path / "copy" / "database.sqlite").read_bytes()
    back_up(sim.site, tmp_path / "keys", keys=True)
    assert (sim.data / "log_key").read_bytes() == (tmp_path / "keys" / "log_key").read_bytes()
    with pytest.raises(ServiceError, match="existe"):
        back_up(sim.site, tmp_path / "copy")


def test_a_backup_comes_back_whole_and_ends_what_was_alive(sim, tmp_path):
    """Kept rows are the same; live runs end with a receipt; the log goes on and says that it was restored."""
    ended = sim.opened()
    sim.caf.cancel(ended)
    live = loaded(sim)
    before = rows(sim.site)
    size = back_up(sim.site, tmp_path / "copy", keys=True)
    fresh = tmp_path / "fresh"
    restore_keys(fresh, tmp_path / "copy")
    site = open_site(fresh, sim.clock)
    assert size == restore(site, tmp_path / "copy", sim.clock(), ()).size
    resume(site, fail)
    after = rows(site)
    for name in ("parties", "agreements", "agreement_members", "runs", "approvals"):
        assert before[name] == after[name], name
    assert {one.name for one in LEFT_OUT} & set(after) == set()
    with site.database.read() as connection:
        actions = [one.action for one in _leaves(site)]
        states = {run: state for run, state in connection.exec_driver_sql("SELECT run, state FROM runs")}  # noqa: C416
    assert {ended.run: "cancelled", live.run: "failed"} == states
    assert ["log_restored", "run_failed", "receipt"] == actions[size:]
    with pytest.raises(ServiceError, match="vide"):
        restore(site, tmp_path / "copy", sim.clock(), ())
    site.database.close()


def _leaves(site: Site):
    import json

    from service.answers import LogLeaf

    with site.database.read() as connection:
        found = connection.scalars(select(log_leaves.c.leaf).order_by(log_leaves.c.seq)).all()
    return [LogLeaf.from_json(json.loads(one)) for one in found]


@pytest.mark.parametrize("file", ["database.sqlite", "checkpoint", "manifest.json"])
def test_an_altered_backup_is_refused(sim, tmp_path, file):
    """One byte of any of its files."""
    sim.caf.cancel(sim.opened())
    back_up(sim.site, tmp_path / "copy")
    path = tmp_path / "copy" / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    site = elsewhere(sim, tmp_path / "fresh")
    with pytest.raises(ServiceError) as caught:
        restore(site, tmp_path / "copy", sim.clock(), ())
    assert "E_SAUVEGARDE" == caught.value.code
    assert 0 == rows(site).get("log_leaves", 0)
    site.database.close()


def test_a_backup_of_another_service_is_refused(sim, tmp_path):
    """Its log was signed by another key."""
    back_up(sim.site, tmp_path / "copy")
    with simulation(tmp_path / "other") as other:
        (tmp_path / "fresh").mkdir()
        for name in ("identity.json", "log_key"):
            shutil.copy(other.data / name, tmp_path / "fresh")
    site = open_site(tmp_path / "fresh", sim.clock)
    with pytest.raises(ServiceError, match="autre service"):
        restore(site, tmp_path / "copy", sim.clock(), ())
    site.database.close()


@pytest.mark.R9
@pytest.mark.S6
def test_yesterdays_disk_brings_no_purged_run_back(tmp_path):
    """All files of yesterday but the epoch's key, put back over today's: the purged run ends unread, and the log stops."""
    with simulation(tmp_path / "data") as sim:
        run = loaded(sim)
        sign_log(sim.site)
        shutil.copytree(sim.data, tmp_path / "yesterday")
        key = sim.site.vault.run_key(run.run).to_bytes()
        sim.caf.cancel(run)
        sim.clock.advance(minutes=1)
        sign_log(sim.site)
        for path in (tmp_path / "yesterday").rglob("*"):  # the backup of a disk, whose keystore key was left out
            target = sim.data / path.relative_to(tmp_path / "yesterday")
            if path.is_file() and path.name not in ("epoch.key", "log_checkpoint"):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        site = open_site(sim.data, sim.clock)
        complaints: list[Exception] = []
        assert tend(site, complaints.append)
        assert ["E_JOURNAL_RECULE"] == [getattr(one, "code", None) for one in complaints]
        with pytest.raises(CryptoError):
            site.vault.run_key(run.run)
        with site.database.read() as connection:
            state = connection.exec_driver_sql("SELECT state FROM runs").scalar()
        assert "failed" == state
        assert not site.blobs.holds(run.run)
        files = [path for path in sim.data.rglob("*") if path.is_file()]
        assert [] == [path for path in files if key in path.read_bytes()]
        site.database.close()


@pytest.mark.R9
def test_the_service_itself_notices_an_older_database(sim, tmp_path):
    """The checkpoint kept beside the database is longer than the log: nothing is signed, by any process."""
    sim.opened()
    sign_log(sim.site)
    older = AuditLog(sim.site.vault.log_key(), sim.site.party, sim.data / "log_checkpoint")
    with simulation(tmp_path / "other") as other, other.site.database.read() as connection:
        with pytest.raises(ServiceError) as caught:
            older.checkpoint(connection)
        assert ("E_JOURNAL_RECULE", 503) == (caught.value.code, caught.value.status)


@pytest.mark.R9
def test_a_declared_restoration_lets_the_service_go_on(sim, tmp_path):
    """The memory of the lost log is put aside, not destroyed; the new one is signed again."""
    back_up(sim.site, tmp_path / "copy")
    sim.opened()
    sign_log(sim.site)
    site = elsewhere(sim, tmp_path / "fresh")
    shutil.copy(sim.data / "log_checkpoint", tmp_path / "fresh")
    restore(site, tmp_path / "copy", sim.clock(), ())
    tend(site, fail)
    assert 2 == len(list((tmp_path / "fresh").glob("log_checkpoint*")))
    with site.database.read() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM marks WHERE name = '{SIGNED}'").scalar() == 1  # noqa: S608
    site.database.close()


def rotated(sim: Simulation, one: Administration) -> Administration:
    """The same party with a new signing key that it has deposited."""
    key = SigningKey.generate()
    one.post("/keys", Succession.drawn(one.identity.public, one.identity.signing_key, key, sim.clock()))
    identity = replace(one.identity, signing_key=key, enrolled=one.identity.public)
    return Administration(identity=identity, http=one.http, clock=one.clock)


def name_of(one: Administration) -> str:
    return key_digest(one.identity.signing_key.verify_bytes())


def active(site: Site) -> dict[str, list[str]]:
    with site.database.read() as connection:
        return {party: [one.name for one in active_keys(connection, party)] for party in ("caf", "cnous", "dgfip")}


@pytest.fixture
def changed(sim, tmp_path):
    """A backup, then: caf has taken two keys, cnous lost its only one, dgfip one of two that the backup has."""
    kept = rotated(sim, sim.dgfip)
    back_up(sim.site, tmp_path / "copy")
    last = rotated(sim, rotated(sim, sim.caf))
    revoke(sim.site, "cnous", None)
    revoke(sim.site, "dgfip", name_of(sim.dgfip))
    now = active(sim.site)
    assert (2, name_of(last)) == (len(now["caf"]), now["caf"][-1])
    assert ([], [name_of(kept)]) == (now["cnous"], now["dgfip"])
    return now


@pytest.mark.S6
def test_keys_that_ended_after_the_backup_stay_ended(sim, tmp_path, changed):
    """By what is remembered beside the database: every party has the keys of the last moment, and the log says so again."""
    site = elsewhere(sim, tmp_path / "fresh")
    shutil.copy(sim.data / KEY_CHANGES, tmp_path / "fresh")
    done = restore(site, tmp_path / "copy", sim.clock())
    assert () == done.strange
    assert changed == active(site)
    assert ["log_restored", "key_succeeded", "key_succeeded", "key_revoked", "key_revoked"] == [
        one.action for one in _leaves(site)[done.size :]
    ]
    back_up(site, tmp_path / "second")  # of a shorter log, with all of them
    assert is_complete(site, 0)
    site.database.close()


@pytest.mark.S6
def test_nothing_is_restored_while_nobody_says_which_keys_ended(sim, tmp_path, changed):
    """Without that memory the operator names them; those of a name that is none are refused, and so is silence."""
    site = elsewhere(sim, tmp_path / "fresh")
    named = [name_of(sim.dgfip), "f" * 64]
    for said, code in ((None, "E_SAUVEGARDE"), (named, "E_CLE_REVOQUEE"), (None, "E_SAUVEGARDE")):
        with pytest.raises(ServiceError) as caught:
            restore(site, tmp_path / "copy", sim.clock(), said)
        assert code == caught.value.code
        assert 0 == rows(site).get("log_leaves", 0)
    (only,) = (key_digest(sim.cnous.identity.public.signing_key),)
    done = restore(site, tmp_path / "copy", sim.clock(), [only[:12], name_of(sim.dgfip)])
    assert (changed["cnous"], changed["dgfip"]) == (active(site)["cnous"], active(site)["dgfip"])
    # From now on it is remembered, the ones that were named included.
    assert not is_complete(site, done.size - 1)
    assert is_complete(site, done.size)
    assert 2 == (tmp_path / "fresh" / KEY_CHANGES).read_bytes().count(b'"ended"')
    site.database.close()


@pytest.mark.S6
def test_what_was_begun_for_other_keys_says_nothing_of_a_backup(sim, tmp_path, changed):
    """A folder that was made anew, then given the keys of the service: it knows of no key that ended, and is asked for them."""
    third_party_identity(tmp_path / "fresh", "Tiers")
    site = elsewhere(sim, tmp_path / "fresh")
    with pytest.raises(ServiceError, match="E_SAUVEGARDE"):
        restore(site, tmp_path / "copy", sim.clock())
    assert changed != active(site)
    site.database.close()
