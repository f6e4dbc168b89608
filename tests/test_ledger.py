"""The journal's database: results by token, sealed, in one transaction a command."""

import sqlite3
import stat
from datetime import date

import pytest

from service.administration.journal.ledger import open_ledger, trace_use
from service.errors import ServiceError
from tests.desks import NAME, RUN, TODAY, Desk, collection


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_hits_come_back_with_what_was_told(desk):
    """Identifier, usage and payload of each."""
    desk.fill(5)
    with open_ledger(desk.home) as ledger:
        held = {one.identifier: (one.usage, one.payload) for one in ledger.hits(NAME)}
        assert {f"P{n}": (("attribution", "information")[n % 2], {"rang": str(n)}) for n in range(5)} == held
        token = ledger.keys.token(trace_use(NAME), "P3")
        assert ledger.has(NAME, token)
        assert [("hit", TODAY)] == ledger.traces(NAME, token)


def test_a_padded_identifier_is_kept_bare(desk):
    """As contacts and answers name the person; one that a file has twice, padded and not, is one person."""
    with open_ledger(desk.home) as ledger:
        ledger.add_collection(
            collection(), [("P1  ", "attribution", {}), (" P2", "information", {}), ("P2", "attribution", {})]
        )
        assert ["P1", "P2"] == desk.identifiers(ledger)
        assert ledger.has(NAME, ledger.keys.token(trace_use(NAME), "P1"))


def test_results_written_again_replace_those_before(desk):
    """`run hits` may run twice."""
    desk.fill(5, until=date(2027, 1, 1))
    desk.fill(3)
    with open_ledger(desk.home) as ledger:
        assert date(2027, 1, 1) == ledger.collection(RUN).until  # fetched again, the clock goes on
        assert ["P0", "P1", "P2"] == desk.identifiers(ledger)
        assert 1 == len(ledger.collections())
        assert [] == ledger.traces(NAME, ledger.keys.token(trace_use(NAME), "P4"))


def test_a_run_with_one_output_is_enough_to_name_it(desk):
    """With two, the output must be said."""
    desk.fill(2)
    with open_ledger(desk.home) as ledger:
        assert NAME == ledger.collection(RUN).name
        ledger.add_collection(collection(f"{RUN}/autre"), [])
        for name in (RUN, "f" * 32):
            with pytest.raises(ServiceError) as caught:
                ledger.collection(name)
            assert "E_COLLECTE_INCONNUE" == caught.value.code


def test_nothing_in_the_folder_names_anybody(desk):
    """Neither the identifier nor the payload is readable, before and after a removal."""
    with open_ledger(desk.home) as ledger:
        ledger.add_collection(collection(), [("DOSSIER-0815", "information", {"secteur": "SECTEUR-NORD"})])
        ledger.remove(NAME, [ledger.keys.token(trace_use(NAME), "DOSSIER-0815")])
    for path in desk.home.rglob("*"):
        if path.is_file():
            assert b"DOSSIER-0815" not in path.read_bytes()
            assert b"SECTEUR-NORD" not in path.read_bytes()
            assert 0 == stat.S_IMODE(path.stat().st_mode) & 0o077


def test_removed_content_is_overwritten(desk):
    """The sealed bytes of somebody who objected are nowhere in the file of the database."""
    desk.fill(50)
    with open_ledger(desk.home) as ledger:
        token = ledger.keys.token(trace_use(NAME), "P7")
        query = "SELECT sealed FROM hit WHERE token = ?"
        (sealed,) = ledger.database.execute(query, (token,)).fetchone()
        assert 1 == ledger.remove(NAME, [token])
        assert 0 == ledger.remove(NAME, [token])
    path = desk.home / "journal" / "journal.sqlite"
    assert all(sealed not in one.read_bytes() for one in path.parent.glob("journal.sqlite*"))


def test_a_command_that_fails_changes_nothing(desk):
    """All of it or none of it."""
    desk.fill(3)

    def half_done():
        with open_ledger(desk.home) as ledger:
            ledger.add_collection(collection(), [])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_done()
    with open_ledger(desk.home) as ledger:
        assert ["P0", "P1", "P2"] == desk.identifiers(ledger)


@pytest.mark.parametrize("damage", ["text", "version"])
def test_a_foreign_file_is_refused(desk, damage):
    """A file that is no database, or one of another version."""
    path = desk.home / "journal" / "journal.sqlite"
    path.parent.mkdir()
    if damage == "text":
        path.write_text("no database" * 100)
    else:
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 99")
        database.close()
    with pytest.raises(ServiceError) as caught, open_ledger(desk.home):
        pass
    assert "E_FICHIER_LOCAL" == caught.value.code


def test_two_commands_wait_for_each_other(desk):
    """The second one says so when the first does not end."""
    with open_ledger(desk.home), pytest.raises(ServiceError) as caught, open_ledger(desk.home, patience=0):
        pass
    assert "E_JOURNAL_OCCUPE" == caught.value.code
