"""What an operator types to look after the service: each command as it is typed, on both databases."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from crypto.keys import Identity
from service.administration.log_file import read_export
from service.cli import main
from service.third_party import app
from service.third_party.clocks import CLOCK, mark, marked
from service.third_party.party_keys import active_keys
from service.third_party.site import Site
from service.third_party.storage import StorageOptions
from service.third_party.store import add_party
from service.third_party.upkeep import sign_log, tend


@dataclass
class Desk:
    """An operator before one third party, whose last command said this."""

    data: Path
    url: str
    capture: pytest.CaptureFixture[str]
    said: str = ""
    complained: str = ""
    sites: list[Site] = field(default_factory=list)

    def types(self, *words: str | Path, data: Path | None = None, url: str | None = None) -> int:
        options = ["--data", str(data or self.data), "--database", url or self.url]
        status = main([*map(str, words), *options])
        self.said, self.complained = self.capture.readouterr()
        return status

    def site(self, data: Path | None = None, url: str | None = None) -> Site:
        """The same third party, as its processes open it."""
        self.sites.append(app.open_chosen(data or self.data, StorageOptions(database=url or self.url)))
        return self.sites[-1]

    def faults(self) -> set[str]:
        """Names of what the last `doctor --json` found wrong; room on this machine's disk is not the test's."""
        return {one["name"] for one in json.loads(self.said)["findings"] if not one["works"]} - {"disk"}


@pytest.fixture
def desk(tmp_path, database_url, capsys) -> Iterator[Desk]:
    """A third party with one party, whose log was signed and which a worker looks after."""
    mask = os.umask(0o077)
    one = Desk(tmp_path / "data", database_url, capsys)
    main(["third-party", "--data", str(one.data), "--name", "Essai"])
    capsys.readouterr()
    one.data.chmod(0o700)
    site = one.site()
    with site.database.write() as connection:
        add_party(connection, Identity.generate("caf", "CAF").public, site.clock())
        site.record(connection, site.party, "party_enrolled")
    tend(site, _fail)
    yield one
    for site in one.sites:
        site.database.close()
    os.umask(mask)


def _fail(error: Exception) -> None:
    raise error


def actions(site: Site) -> list[str]:
    with site.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT leaf FROM log_leaves ORDER BY seq").scalars().all()
    return [json.loads(bytes(one))["action"] for one in rows]


def test_doctor_finds_nothing_wrong(desk: Desk):
    """One line for each thing; on one line of JSON, the same."""
    desk.types("doctor")  # what is tried makes the folders of keys and chunks
    status = desk.types("doctor", "--json")
    told = json.loads(desk.said)
    assert (1, set()) == (desk.said.count("\n"), desk.faults())
    assert (status == 0) == told["works"] == all(one["works"] for one in told["findings"])
    names = [one["name"] for one in told["findings"] if one["name"] != "disk"]
    desk.types("doctor")
    lines = [line for line in desk.said.splitlines() if " disk : " not in line]
    assert [f"ok    {name}" for name in names] == [line.partition(" : ")[0] for line in lines]


def test_doctor_has_a_status(desk: Desk):
    """1 when something does not work, which is said with what to do about it."""
    (desk.data / "log_key").chmod(0o640)
    assert 1 == desk.types("doctor")
    assert [line for line in desk.said.splitlines() if line.startswith("FAUTE rights log_key : retirez les droits")]
    assert 1 == desk.types("doctor", "--json")
    assert "rights log_key" in desk.faults()
    assert not json.loads(desk.said)["works"]


def test_doctor_of_a_folder_that_is_none(desk: Desk, tmp_path):
    """Findings and a status, no stack of calls."""
    assert 1 == desk.types("doctor", "--json", data=tmp_path / "nowhere")
    assert {"open", "rights identity.json", "rights log_key"} <= desk.faults()
    assert "" == desk.complained


def test_the_clock_is_believed_when_the_operator_says_so(desk: Desk):
    """The highest moment that was shown is forgotten, and the log says who decided it."""
    site = desk.site()
    with site.database.write() as connection:
        mark(connection, CLOCK, site.clock() - timedelta(hours=1))
    desk.types("doctor", "--json", "--accept-clock")
    with site.database.read() as connection:
        assert None is marked(connection, CLOCK)
    assert "clock_accepted" == actions(site)[-1]
    assert set() == desk.faults()
    desk.types("doctor")
    assert 1 == actions(site).count("clock_accepted")


def test_a_backup_is_written_and_taken_back(desk: Desk, tmp_path):
    """With the keys, on a machine that has nothing: the party is there, and the log says what happened."""
    assert 0 == desk.types("backup", tmp_path / "copy", "--keys")
    assert f"{tmp_path / 'copy'} (1 entrées du journal)" in desk.said
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "copy").iterdir()}
    assert {"database.sqlite", "checkpoint", "manifest.json", "identity.json", "log_key"} == set(files)
    assert {0o600} == set(files.values())
    fresh, url = tmp_path / "fresh", f"sqlite:///{tmp_path / 'fresh' / 'database.sqlite'}"
    assert 1 == desk.types("restore", tmp_path / "copy", data=fresh, url=url)
    assert "E_SAUVEGARDE : « key_changes » ne dit pas quelles clés" in desk.complained
    assert 1 == desk.types("restore", tmp_path / "copy", "--revoked", "f" * 12, data=fresh, url=url)
    assert desk.complained.startswith("E_CLE_REVOQUEE")
    assert 0 == desk.types("restore", tmp_path / "copy", "--none-revoked", data=fresh, url=url)
    assert ("1 entrées" in desk.said, "prévenez-les toutes" in desk.said) == (True, True)
    site = desk.site(fresh, url)
    with site.database.read() as connection:
        (key,) = active_keys(connection, "caf")
    assert f"clés actives de caf : {key.name[:16]}\n" in desk.said
    assert ["party_enrolled", "log_restored"] == actions(site)
    assert "backup_made" == actions(desk.site())[-1]
    assert site.public == desk.site().public
    assert sign_log(site)


def test_a_backup_without_keys_needs_those_of_the_service(desk: Desk, tmp_path):
    """On a machine that has none, the command says so and makes no identity of its own."""
    assert 0 == desk.types("backup", tmp_path / "copy")
    assert {"database.sqlite", "checkpoint", "manifest.json"} == {path.name for path in (tmp_path / "copy").iterdir()}
    fresh, url = tmp_path / "fresh", f"sqlite:///{tmp_path / 'fresh' / 'database.sqlite'}"
    assert 1 == desk.types("restore", tmp_path / "copy", data=fresh, url=url)
    assert desk.complained.startswith("E_DONNEES_ABSENTES")
    for name in ("identity.json", "log_key"):
        shutil.copy(desk.data / name, fresh)
    assert 0 == desk.types("restore", tmp_path / "copy", "--none-revoked", data=fresh, url=url)


def test_nothing_is_overwritten(desk: Desk, tmp_path):
    """A backup's folder, a log's file, a database that holds a log: refused with one code, left as they are."""
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("kept")
    desk.types("backup", tmp_path / "copy")
    before = actions(desk.site())
    for words in (
        ("backup", tmp_path / "there"),
        ("backup", tmp_path / "file"),
        ("export-log", tmp_path / "file"),
        ("export-log", tmp_path / "there"),
        ("restore", tmp_path / "copy"),
        ("restore", tmp_path / "there"),
    ):
        assert 1 == desk.types(*words), words
        assert desk.complained.startswith("E_SAUVEGARDE : "), desk.complained
        assert 1 == desk.complained.count("\n")
    assert ("kept", []) == ((tmp_path / "file").read_text(), list((tmp_path / "there").iterdir()))
    assert before == actions(desk.site())


def test_a_place_that_cannot_be_written_is_told(desk: Desk, tmp_path):
    """One line with the system's words."""
    (tmp_path / "file").write_text("no folder")
    for words in (("backup", tmp_path / "file" / "copy"), ("export-log", tmp_path / "missing" / "log")):
        assert 1 == desk.types(*words), words
        assert desk.complained.startswith("E_SYSTEME : "), desk.complained


def test_an_altered_backup_is_refused(desk: Desk, tmp_path):
    """Nothing of it is taken, and the folder can be used for a good one."""
    desk.types("backup", tmp_path / "copy", "--keys")
    shutil.copytree(tmp_path / "copy", tmp_path / "bad")
    data = bytearray((tmp_path / "bad" / "database.sqlite").read_bytes())
    data[-1] ^= 1
    (tmp_path / "bad" / "database.sqlite").write_bytes(bytes(data))
    fresh, url = tmp_path / "fresh", f"sqlite:///{tmp_path / 'fresh' / 'database.sqlite'}"
    assert 1 == desk.types("restore", tmp_path / "bad", data=fresh, url=url)
    assert desk.complained.startswith("E_SAUVEGARDE")
    assert 0 == desk.types("restore", tmp_path / "copy", "--none-revoked", data=fresh, url=url)


def test_the_log_is_exported(desk: Desk, tmp_path):
    """A file for the owner only that holds against the log's key."""
    assert 0 == desk.types("export-log", tmp_path / "log")
    assert f"{tmp_path / 'log'} (1 entrées)" in desk.said
    site = desk.site()
    with (tmp_path / "log").open("rb") as file:
        assert 1 == read_export(file, site.log.public_key, site.log.name).size
    assert 0o600 == stat.S_IMODE((tmp_path / "log").stat().st_mode)
    assert "log_exported" == actions(site)[-1]


@pytest.mark.parametrize(
    "words", [("doctor", "--accept-clock"), ("backup", "x"), ("restore", "x"), ("export-log", "x")]
)
def test_a_password_on_the_command_line_is_refused(desk: Desk, words, tmp_path, monkeypatch):
    """Everybody on the machine could read it."""
    monkeypatch.chdir(tmp_path)
    assert 1 == desk.types(*words, url="postgresql+psycopg://a:secret@127.0.0.1:1/x")
    assert desk.complained.startswith("E_MOT_DE_PASSE")
    assert "secret" not in desk.said + desk.complained


@pytest.mark.parametrize("words", [("doctor",), ("backup", "copy"), ("export-log", "log")])
def test_a_database_that_does_not_answer_is_told(desk: Desk, words, tmp_path, monkeypatch):
    """A sentence and a status; nothing is left half written."""
    monkeypatch.chdir(tmp_path)
    assert 1 == desk.types(*words, url="postgresql+psycopg://nobody@127.0.0.1:1/x")
    assert "Traceback" not in desk.said + desk.complained
    assert "E_INDISPONIBLE" in desk.complained or "FAUTE open" in desk.said
    assert ["data"] == [path.name for path in tmp_path.iterdir()]
