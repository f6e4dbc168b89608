"""The guards of an agreement: bounds that nothing loosens, defaults, and what people write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.administration.conventions import build_agreement
from service.demarche import demarche_text, parse_demarche
from service.errors import ServiceError
from service.guard_terms import EVENTS, GUARDS, MIN_SIZE, ORDINARY, GuardTerms, Tolerance, changed
from tests.partners import scene, terms


def test_the_ordinary_guards():
    """A hundred people, 5 % from the declared size, 20 % from the run before, three rows in a hundred, no canary."""
    assert (100, 30, 0) == (ORDINARY.least_rows, ORDINARY.near_permille, ORDINARY.canaries)
    assert Tolerance(declared=5, previous=20) == ORDINARY.recipient == ORDINARY.source


@pytest.mark.parametrize(
    "change", [{"least_rows": 99}, {"near_permille": 1001}, {"canaries": 101}, {"least_rows": True}, {"other": 1}]
)
def test_what_is_out_of_bounds_is_refused(change):
    """An agreement never goes under a hundred people nor over a hundred canaries."""
    with pytest.raises(ServiceError) as caught:
        GuardTerms.from_json({**ORDINARY.to_json(), **change})
    assert "E_MESSAGE" == caught.value.code


def test_every_guard_has_a_name_that_people_write():
    """Each name changes one number, and all numbers have one."""
    seen = set()
    for name in GUARDS:
        terms = changed(ORDINARY, {name: "100"})
        assert terms != ORDINARY or name == "effectif_minimum"
        seen.add(tuple(GUARDS[name]))
    sides = {(side, member) for side in ("recipient", "source") for member in ("declared", "previous")}
    assert {("least_rows",), ("near_permille",), ("canaries",), *sides} == seen
    assert replace(ORDINARY, canaries=50, source=Tolerance(declared=10)) == changed(
        ORDINARY, {"leurres": "50", "ecart_source": "10"}
    )


@pytest.mark.parametrize(
    "values", [{"inconnue": "1"}, {"leurres": "-1"}, {"leurres": "1.5"}, {"leurres": "²"}, {"leurres": "101"},
               {"effectif_minimum": "99"}, {"quasi_doublons": "9" * 11}]
)  # fmt: skip
def test_a_guard_that_is_none_is_refused(values):
    """The name, the form and the bounds."""
    with pytest.raises(ServiceError) as caught:
        changed(ORDINARY, values)
    assert "E_GARDE" == caught.value.code


def test_looser_terms_are_known_as_such():
    """In any of its numbers; stricter ones are not looser."""
    looser = [
        replace(ORDINARY, near_permille=31),
        replace(ORDINARY, recipient=Tolerance(declared=6)),
        replace(ORDINARY, source=Tolerance(previous=21)),
        EVENTS,
    ]
    assert [True] * 4 == [one.loosens(ORDINARY) for one in looser]
    stricter = replace(ORDINARY, least_rows=MIN_SIZE + 1, canaries=10, near_permille=20)
    assert not stricter.loosens(ORDINARY)
    assert ORDINARY.loosens(stricter)


def test_the_shortest_file_follows_the_tolerance():
    """Refused under 80 % of what is declared, unless the agreement says that less may come."""
    assert [80, 80, 70, 0, 0] == [Tolerance(declared=one).shortest for one in (0, 20, 30, 100, 1000)]


def fiche(table: str) -> str:
    """The shipped démarche with a table of guards."""
    return f"{demarche_text('c2s-rsa')}\n{table}"


def test_a_demarche_may_ask_for_guards_of_its_own():
    """An agreement that follows from it has them, and may only be stricter."""
    asked = parse_demarche(fiche("[gardes]\neffectif_minimum = 120\nleurres = 10\n"))
    assert (120, 10) == (asked.guards().least_rows, asked.guards().canaries)
    assert asked.own_guards == asked.guards()
    assert None is parse_demarche(fiche("")).own_guards
    assert ORDINARY == parse_demarche(fiche("")).guards()


@pytest.mark.parametrize(
    "table", ["leurres = 101", "effectif_minimum = 99", "autre = 1", 'leurres = "10"', "leurres = true"]
)
def test_guards_of_a_demarche_are_read_strictly(table):
    """The same bounds and names as everywhere."""
    with pytest.raises(ServiceError) as caught:
        parse_demarche(fiche(f"[gardes]\n{table}\n"))
    assert "E_GARDE" == caught.value.code


def test_a_demarche_of_events_tolerates_any_number_of_them():
    """Between the least and the declared size; the file that it is compared with is a file like others."""
    events = parse_demarche(fiche("").replace('type = "anti_jointure"', 'type = "evenement"'))
    assert events.of_events
    assert EVENTS == events.guards()
    assert (0, 80) == (EVENTS.recipient.shortest, EVENTS.source.shortest)
    assert EVENTS.least_rows >= MIN_SIZE


def test_several_rows_of_a_person_are_no_probing():
    """Where the recipient's file holds several, they resemble each other."""
    text = demarche_text("c2s-rsa").replace('role = "source"\n', 'role = "source"\nlignes_par_personne = "plusieurs"\n')
    assert 1000 == parse_demarche(text).guards().near_permille


def test_an_agreement_never_loosens_its_demarche(tmp_path):
    """Stricter terms are taken, looser ones refused, on both sides."""
    place = scene(tmp_path)
    asked = parse_demarche(fiche("[gardes]\nleurres = 5\n"))
    keyring = place.keyring("cnaf")

    def build(guards: GuardTerms | None) -> GuardTerms:
        return build_agreement(asked, terms(guards=guards), keyring.pinned, place.third_party.public).guards

    assert 5 == build(None).canaries
    assert 9 == build(replace(asked.guards(), canaries=9)).canaries
    with pytest.raises(ServiceError) as caught:
        build(replace(asked.guards(), canaries=4))
    assert "E_GARDE" == caught.value.code
