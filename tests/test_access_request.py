"""What a person is told when they ask."""

import pytest

from service.administration.journal.access_request import answer_to_access
from service.administration.journal.journaling import answer
from service.administration.journal.ledger import open_ledger, trace_use
from service.administration.journal.legal_clocks import traces_end
from service.administration.journal.objections import ALL, journal_folder
from service.administration.journal.sent_people import write_sent
from tests.desks import NAME, RUN, TODAY, Desk


@pytest.fixture
def desk(tmp_path):
    found = Desk(tmp_path)
    found.fill(4)
    write_sent(journal_folder(tmp_path), RUN, "c2s-rsa", "rsa", (TODAY, traces_end(TODAY)), ["P1", "P7"])
    return found


def lines(desk, identifier):
    with open_ledger(desk.home) as ledger:
        return answer_to_access(ledger, desk.home, identifier, TODAY)


def test_who_is_a_hit_is_told_so_with_the_dates(desk):
    """The file, the result and its end."""
    text = "\n".join(lines(desk, "P1"))
    assert f"croisement {RUN}, trace effacée le 20/11/2029" in text
    assert "« Titre de la démarche » (conservé jusqu'au 20/11/2027)" in text
    assert "3. Oppositions enregistrées\n   aucune" in text


def test_who_was_compared_and_is_no_hit_is_told_that_alone(desk):
    """The trace is there, a result is not."""
    text = "\n".join(lines(desk, "P7"))
    assert f"croisement {RUN}" in text
    assert "suites données\n   aucun" in text


def test_who_objected_is_told_what_is_left(desk):
    """Effacé, and what the register keeps."""
    with open_ledger(desk.home) as ledger:
        answer(ledger, desk.home, ["P1"], "opposition", ALL, TODAY)
    text = "\n".join(lines(desk, "P1"))
    assert "(résultat effacé)" in text
    assert "le 20/11/2026 : vous vous êtes opposé(e) au traitement" in text
    assert "opposition, toutes les démarches, conservée jusqu'au 20/11/2028" in text


def test_a_stranger_is_told_that_nothing_is_known(desk):
    """Three times nothing, and no word of anybody else."""
    text = "\n".join(lines(desk, "P99"))
    assert 2 == text.count("   aucun\n")
    assert RUN not in text


def test_messages_and_transmissions_are_told(desk):
    """Each with its day."""
    with open_ledger(desk.home) as ledger:
        token = ledger.keys.token(trace_use(NAME), "P1")
        for what in ("message:courrier", "transmission:c2s", "droit_ouvert"):
            ledger.trace(NAME, [token], what, TODAY)
    text = "\n".join(lines(desk, "P1"))
    expected = ("message envoyé : courrier", "transmis à l'organisme qui agit (« c2s »)", "le droit a été ouvert")
    assert [] == [words for words in expected if f"le 20/11/2026 : {words}" not in text and words not in text]
