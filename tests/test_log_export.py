"""What the operator writes of the log is what an auditor checks, erased bodies included."""

from __future__ import annotations

import base64
import io
import json
import shutil
import stat
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import update

from crypto.audit import open_checkpoint
from service.administration.log_file import LogFile, is_export, read_export
from service.errors import ServiceError
from service.third_party.log import erase_bodies
from service.third_party.log_export import LOG_EXPORT, export_log
from service.third_party.schema import log_leaves
from service.third_party.site import open_site
from service.third_party.upkeep import sign_log
from tests.simulator import Simulation


def read(sim: Simulation, data: bytes) -> LogFile:
    """The log that a file holds, judged with the key of this service."""
    return read_export(io.BytesIO(data), sim.site.log.public_key, sim.site.log.name)


def actions(sim: Simulation) -> list[str]:
    with sim.site.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT leaf FROM log_leaves ORDER BY seq").scalars()
        return [json.loads(bytes(one))["action"] for one in rows if one]


def test_an_empty_log_is_exported(sim: Simulation, tmp_path):
    """One line; that it was exported is the first leaf of the log."""
    assert 0 == export_log(sim.site, tmp_path / "log")
    assert 1 == len((tmp_path / "log").read_bytes().splitlines())
    assert 0 == read(sim, (tmp_path / "log").read_bytes()).size
    assert ["log_exported"] == actions(sim)


def test_the_form_of_the_file(sim: Simulation, tmp_path):
    """A head, then a line for each leaf in its order; for the owner only."""
    sim.opened()
    size = export_log(sim.site, tmp_path / "log")
    head, *rows = [json.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
    key, name = sim.site.log.public_key, sim.site.log.name
    assert (LOG_EXPORT, name, base64.b64encode(key).decode()) == (head["format"], head["origin"], head["log_key"])
    assert (size, list(range(size))) == (open_checkpoint(head["checkpoint"], key, name).size, _numbers(rows))
    assert actions(sim)[:size] == [one["leaf"]["action"] for one in rows]
    assert 0o600 == stat.S_IMODE((tmp_path / "log").stat().st_mode)


def _numbers(rows: list[Any]) -> list[int]:
    return [one["leaf"]["seq"] for one in rows]


@pytest.mark.S7
def test_the_export_of_a_service_is_read_back(sim: Simulation, tmp_path):
    """Bodies that were erased are null, and the rest still leads to the signed root."""
    sim.caf.cancel(sim.opened())
    sim.clock.advance(days=36 * 31)
    with sim.site.database.write() as connection:
        erased = erase_bodies(connection, sim.clock(), 3)
    size = export_log(sim.site, tmp_path / "log")
    assert is_export(tmp_path / "log")
    export = read(sim, (tmp_path / "log").read_bytes())
    assert (3, size, erased) == (erased, export.size, export.erased)


@pytest.mark.S7
def test_a_row_that_was_rewritten_is_found(sim: Simulation, tmp_path):
    """The operator changes a body in the database: what is exported is refused."""
    sim.opened()
    with sim.site.database.write() as connection:
        seq, leaf = connection.exec_driver_sql("SELECT seq, leaf FROM log_leaves ORDER BY seq DESC LIMIT 1").one()
        other = bytes(leaf).replace(b'"actor":"caf"', b'"actor":"cnav"')
        assert other != bytes(leaf)
        connection.execute(update(log_leaves).where(log_leaves.c.seq == seq).values(leaf=other))
    export_log(sim.site, tmp_path / "log")
    with pytest.raises(ServiceError) as caught:
        read(sim, (tmp_path / "log").read_bytes())
    assert "E_JOURNAL" == caught.value.code


def test_a_file_that_is_there_is_left_as_it_is(sim: Simulation, tmp_path):
    """Nor is anything written to the log; a link to another file is not followed either."""
    (tmp_path / "log").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("log", "link"):
        with pytest.raises(FileExistsError):
            export_log(sim.site, tmp_path / name)
    assert (b"kept", False, []) == ((tmp_path / "log").read_bytes(), (tmp_path / "nowhere").exists(), actions(sim))


@pytest.mark.R9
def test_a_log_that_became_shorter_is_not_exported(sim: Simulation, tmp_path):
    """The database is an older one, beside the note of a longer log: refused, and no file is made."""
    sim.opened()
    sign_log(sim.site)
    (tmp_path / "older").mkdir(mode=0o700)
    for name in ("identity.json", "log_key", "log_checkpoint"):
        shutil.copy(sim.data / name, tmp_path / "older")
    site = open_site(tmp_path / "older", sim.clock)
    with closing(site.database), pytest.raises(ServiceError) as caught:
        export_log(site, tmp_path / "log")
    assert ("E_JOURNAL_RECULE", False) == (caught.value.code, (tmp_path / "log").exists())


def test_another_export_holds_the_leaf_of_the_one_before(sim: Simulation, tmp_path):
    """Each continues the other."""
    first = export_log(sim.site, tmp_path / "first")
    second = export_log(sim.site, tmp_path / "second")
    assert (0, 1) == (first, second)
    export = read(sim, (tmp_path / "second").read_bytes())
    note = json.loads((tmp_path / "first").read_bytes().splitlines()[0])["checkpoint"]
    export.check_continues(open_checkpoint(note, sim.site.log.public_key, sim.site.log.name))
