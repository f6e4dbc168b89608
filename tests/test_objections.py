"""Who objected never becomes a hit, and adding an objection never adds one."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.administration.journal.objections import (
    ALL,
    Entry,
    enter,
    late,
    objecting,
    people,
    read_register,
    withdraw,
    write_register,
)
from tests.desks import TODAY

LATER = date(2028, 11, 20)
IDS = [f"P{number}" for number in range(6)]


def entries(home, *identifiers, scope="c2s-rsa", kind="opposition", until=LATER):
    return [Entry(token, scope, kind, until) for token in people(home, identifiers)]


def test_a_padded_identifier_is_the_same_person(tmp_path):
    """Files of fixed width have blanks; an answer that is typed in has none, nor the other way round."""
    enter(tmp_path, entries(tmp_path, "P1", "P2  "))
    told = objecting(tmp_path, "c2s-rsa", TODAY)
    assert told is not None
    assert [False, True, True, False] == told(["P0   ", " P1  ", "P2", "P3"]).tolist()


def test_nobody_objects_at_first(tmp_path):
    """Without a register nothing is asked, and nothing is created."""
    assert objecting(tmp_path, "c2s-rsa", TODAY) is None
    assert [] == list(tmp_path.iterdir())


def test_an_entry_counts_for_its_demarche_and_until_its_end(tmp_path):
    """Another démarche, or a day too late, and it does not."""
    enter(tmp_path, [*entries(tmp_path, "P1"), *entries(tmp_path, "P3", scope=ALL, kind="plus_proposer")])
    told = objecting(tmp_path, "c2s-rsa", TODAY)
    assert told is not None
    assert [False, True, False, True, False, False] == told(IDS).tolist()
    elsewhere = objecting(tmp_path, "ars", TODAY)
    assert elsewhere is not None
    assert [3] == np.flatnonzero(elsewhere(IDS)).tolist()
    assert objecting(tmp_path, "c2s-rsa", LATER) is None


def test_an_objection_repeated_lasts_until_the_later_end(tmp_path):
    """Whichever comes first."""
    enter(tmp_path, entries(tmp_path, "P1"))
    enter(tmp_path, entries(tmp_path, "P1", until=date(2027, 1, 1)))
    assert [LATER] == [one.until for one in read_register(tmp_path)]


def test_who_withdraws_is_forgotten(tmp_path):
    """Their entries for that démarche, and no other."""
    enter(tmp_path, [*entries(tmp_path, "P1", "P2"), *entries(tmp_path, "P1", scope=ALL)])
    assert 1 == withdraw(tmp_path, "P1", "c2s-rsa")
    assert 0 == withdraw(tmp_path, "P1", "c2s-rsa")
    assert [ALL, "c2s-rsa"] == sorted(one.scope for one in read_register(tmp_path))


def test_the_file_holds_no_identifier(tmp_path):
    """Neither the register nor the keys say who."""
    enter(tmp_path, entries(tmp_path, "DOSSIER-0815"))
    assert not any(b"DOSSIER-0815" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_late_objections_take_hits_away(tmp_path):
    """Only hits are marked, whoever else objected."""
    enter(tmp_path, entries(tmp_path, "P1", "P2"))
    hits = np.array([True, True, False, True, False, False])
    assert [1] == np.flatnonzero(late(IDS, hits, objecting(tmp_path, "c2s-rsa", TODAY))).tolist()
    assert not late(IDS, hits, None).any()


@settings(max_examples=25)
@given(st.lists(st.booleans(), min_size=6, max_size=6), st.sets(st.integers(0, 5)), st.integers(0, 5))
def test_one_more_objection_never_adds_a_hit(tmp_path_factory, marks, objectors, another):
    """Whatever the hits and whoever objected before."""
    home = tmp_path_factory.mktemp("home")
    hits = np.array(marks)
    write_register(home, entries(home, *(IDS[number] for number in objectors)))
    before = hits & ~late(IDS, hits, objecting(home, "c2s-rsa", TODAY))
    enter(home, entries(home, IDS[another]))
    after = hits & ~late(IDS, hits, objecting(home, "c2s-rsa", TODAY))
    assert not (after & ~before).any()
    assert not after[another]


def test_encoding_can_ask_without_a_database():
    """What encoding imports brings neither a database nor a network along."""
    names = "service.administration.journal.objections, service.administration.journal.journaling"
    code = f"import sys, {names}; print([m for m in ('sqlite3', 'httpx2', 'uvicorn') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()
