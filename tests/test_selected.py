"""People whom an administration selects on its own."""

from datetime import date

import pytest

from linkage.errors import LinkageError
from service.administration.campaign.selected import selected_people
from service.administration.journal.objections import Entry, enter, people
from service.demarche import load_demarche
from service.errors import ServiceError
from tests.desks import TODAY

KITS = load_demarche("cnaf-kits")
HEAD = "identifiant;declaration_faite;date_limite\n"


def written(tmp_path, rows, head=HEAD):
    path = tmp_path / "people.csv"
    path.write_text(head + rows, "utf-8")
    return path


def test_the_selection_of_the_demarche_is_applied(tmp_path):
    """Who is not concerned is left out; what messages may use comes along."""
    rows = "A;non;25/11/2026\nB;oui;25/11/2026\nC;non;25/01/2027\nD;non;24/11/2026\n"
    found = selected_people(KITS, written(tmp_path, rows), tmp_path, TODAY)
    assert [("A", {"date_limite": "25/11/2026"}), ("D", {"date_limite": "24/11/2026"})] == found.people
    assert (4, 2, 0) == (found.rows, found.tally.kept, found.objecting)


def test_who_objected_or_renounced_is_left_out(tmp_path):
    """Of this démarche; not who did so of another."""
    until = date(2028, 1, 1)
    (first, second) = people(tmp_path, ["A", "D"])
    enter(tmp_path, [Entry(first, "cnaf-kits", "plus_proposer", until), Entry(second, "ars", "opposition", until)])
    rows = "A;non;25/11/2026\nD;non;24/11/2026\n"
    found = selected_people(KITS, written(tmp_path, rows), tmp_path, TODAY)
    assert (["D"], 1) == ([identifier for identifier, _ in found.people], found.objecting)


def test_parameters_are_the_administrations_own(tmp_path):
    """The districts of an event, given in a file."""
    event = load_demarche("avertir-evenement")
    rows = written(tmp_path, "A;oui;Centre\nB;oui;Nord\n", "identifiant;abonnement_actif;quartier\n")
    (tmp_path / "own.toml").write_text('quartiers_touches = ["Nord"]\n', "utf-8")
    for own, expected in ((None, ["A"]), (tmp_path / "own.toml", ["B"])):
        found = selected_people(event, rows, tmp_path, TODAY, own)
        assert expected == [identifier for identifier, _ in found.people]


def test_people_without_an_identifier_or_with_the_same_are_refused(tmp_path):
    """And so is a selection that leaves nobody."""
    for rows in ("A;non;25/11/2026\nA;non;25/11/2026\n", ";non;25/11/2026\n"):
        with pytest.raises(ServiceError) as caught:
            selected_people(KITS, written(tmp_path, rows), tmp_path, TODAY)
        assert "E_CONTACTS" == caught.value.code
    with pytest.raises(LinkageError) as empty:
        selected_people(KITS, written(tmp_path, "B;oui;25/11/2026\n"), tmp_path, TODAY)
    assert "E_SELECTION_VIDE" == empty.value.code
