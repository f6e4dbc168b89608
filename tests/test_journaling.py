"""What a run writes down, and what an answer changes at once."""

from dataclasses import replace
from datetime import date

import pytest

from service.administration.journal.journaling import answer, note_hits, note_sent, retention_of, scope_of
from service.administration.journal.ledger import open_ledger, trace_use
from service.administration.journal.objections import ALL, journal_folder, objecting, read_register
from service.administration.journal.sent_people import sent_files
from service.demarche import load_demarche
from service.errors import ServiceError
from service.rule_sheet import Retention
from tests.desks import NAME, RUN, TODAY, Desk
from tests.partners import scene


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "desk")


@pytest.fixture(scope="module")
def agreement(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("scene")).agreement


def test_a_run_leaves_its_file_and_its_hits(desk, agreement):
    """With the clocks of the agreement, from today."""
    note_sent(desk.home, agreement, RUN, "rsa", ["P0", "P1"], TODAY)
    with open_ledger(desk.home) as ledger:
        hits: list[tuple[str, str, dict[str, str]]] = [("P0", "attribution", {})]
        assert 1 == note_hits(ledger, (agreement, RUN, "resultats"), 2, hits, TODAY)
        (one,) = ledger.collections()
    assert (NAME, "c2s-rsa", 2, TODAY, date(2027, 11, 20)) == (
        one.name,
        one.demarche,
        one.eligible,
        one.collected,
        one.until,
    )
    (sent,) = sent_files(journal_folder(desk.home))
    assert (RUN, "rsa", date(2029, 11, 20)) == (sent.run, sent.operand, sent.until)


@pytest.mark.parametrize("kind", ["opposition", "plus_proposer"])
def test_an_objection_takes_the_person_out_at_once(desk, kind):
    """Results destroyed, a trace kept, the register told; others stay."""
    desk.fill(4)
    with open_ledger(desk.home) as ledger:
        told = answer(ledger, desk.home, ["P2", "P9"], kind, "c2s-rsa", TODAY)
        assert (2, 1) == (told.people, told.results)
        assert ["P0", "P1", "P3"] == desk.identifiers(ledger)
        assert ["hit", kind] == [what for what, _ in ledger.traces(NAME, ledger.keys.token(trace_use(NAME), "P2"))]
    told_later = objecting(desk.home, "c2s-rsa", TODAY)
    assert told_later is not None
    assert [True, False, True] == told_later(["P2", "P3", "P9"]).tolist()


def test_already_done_is_not_an_objection(desk):
    """The person stays in the results and out of the register."""
    desk.fill(4)
    with open_ledger(desk.home) as ledger:
        answer(ledger, desk.home, ["P2"], "deja_fait", "c2s-rsa", TODAY)
        assert 4 == len(desk.identifiers(ledger))
    assert objecting(desk.home, "c2s-rsa", TODAY) is None


def test_an_objection_to_another_demarche_changes_nothing_here(desk):
    """One to all of them does."""
    desk.fill(3)
    desk.fill(3, name=f"{'cd' * 16}/resultats", demarche="ars")
    with open_ledger(desk.home) as ledger:
        answer(ledger, desk.home, ["P1"], "opposition", "ars", TODAY)
        assert ["P0", "P1", "P2"] == desk.identifiers(ledger)
        assert 1 == answer(ledger, desk.home, ["P1"], "opposition", ALL, TODAY).results
        assert ["P0", "P2"] == desk.identifiers(ledger)


def test_an_objection_is_forgotten_as_the_demarche_says(desk):
    """From twelve to twenty-four months."""
    with open_ledger(desk.home) as ledger:
        kept = Retention(results=3, traces=36, objection=18)
        answer(ledger, desk.home, ["P1"], "opposition", "c2s-rsa", TODAY, kept)
    assert [date(2028, 5, 20)] == [one.until for one in read_register(desk.home)]


def test_another_word_is_refused(desk):
    """The three answers are a closed list."""
    with open_ledger(desk.home) as ledger, pytest.raises(ServiceError) as caught:
        answer(ledger, desk.home, ["P1"], "peut_etre", ALL, TODAY)
    assert "E_REPONSE_INCONNUE" == caught.value.code


def test_an_objection_reaches_as_far_as_the_sheet_says():
    """To all démarches where it says so; a renouncement is never wider than its own."""
    here = load_demarche("c2s-rsa")
    assert here.objection is not None
    wide = replace(here, objection=replace(here.objection, scope="toutes"))
    assert ["c2s-rsa", ALL, "c2s-rsa"] == [
        scope_of(here, "opposition"), scope_of(wide, "opposition"), scope_of(wide, "plus_proposer"),
    ]  # fmt: skip
    assert here.retention == retention_of(here, "c2s-rsa")
    assert 24 == retention_of(wide, ALL).objection
