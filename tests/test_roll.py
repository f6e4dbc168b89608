"""What happened to each person, and what is due to whom."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.administration.campaign.contacts import Contact
from service.administration.campaign.roll import (
    Plan,
    campaign,
    campaigns,
    open_campaign,
    plan_dispatches,
    record,
    rolls,
)
from service.administration.journal.journaling import answer
from service.administration.journal.ledger import open_ledger, trace_use
from service.administration.journal.purging import destroy_results
from service.clauses import Step
from service.errors import ServiceError
from tests.desks import NAME, RUN, TODAY, Desk

JOURNEY = (
    Step(at="T0", condition=None, template="premier"),
    Step(at="+P30D", condition="sans_reponse", template="relance"),
)
PLAN = Plan(journey=JOURNEY, channels=("courriel", "sms"), fallback=("courrier",), household=False)
LATER = TODAY + timedelta(days=31)


def contact(number, **more):
    return Contact(
        identifier=f"P{number}",
        told=more.pop("told", f"P{number}"),
        **{"mail": "a@b.fr", "mobile": "0612345678", **more},
    )


@pytest.fixture
def desk(tmp_path):
    found = Desk(tmp_path)
    found.fill(4)
    return found


@pytest.fixture
def book():
    """Contacts of the four people."""
    return {f"P{number}": contact(number) for number in range(4)}


def opened(ledger):
    return open_campaign(ledger, RUN, {"letterhead": "x"}, TODAY)


def tokens(ledger, *identifiers):
    return ledger.keys.tokens(trace_use(NAME), identifiers)


def due(ledger, one, book, today=TODAY, plan=PLAN):
    dispatches, left = plan_dispatches(ledger, one, plan, book, today)
    return {tuple(hit.identifier for hit in each.hits): (each.due.place, each.channel) for each in dispatches}, left


def sent(ledger, one, book, today):
    for each in plan_dispatches(ledger, one, PLAN, book, today)[0]:
        record(ledger, one, [hit.token for hit in each.hits], "envoi", today, f"{each.due.place}:{each.channel}")


def test_everybody_gets_the_first_message_then_a_reminder(desk, book):
    """Once each, by the first channel that reaches them."""
    with open_ledger(desk.home) as ledger:
        one = opened(ledger)
        assert {(f"P{n}",): (0, "courriel") for n in range(4)} == due(ledger, one, book)[0]
        sent(ledger, one, book, TODAY)
        assert ({}, 4) == (due(ledger, one, book)[0], due(ledger, one, book)[1]["rien_du"])
        assert {(f"P{n}",): (1, "courriel") for n in range(4)} == due(ledger, one, book, LATER)[0]
        assert [one] == campaigns(ledger)


def test_answers_objections_and_deaths_stop_the_messages(desk, book):
    """Each for the person concerned; an objection takes her out of the results as well."""
    with open_ledger(desk.home) as ledger:
        one = opened(ledger)
        sent(ledger, one, book, TODAY)
        answer(ledger, desk.home, ["P0"], "opposition", "c2s-rsa", TODAY)
        answer(ledger, desk.home, ["P1"], "deja_fait", "c2s-rsa", TODAY)
        assert 1 == record(ledger, one, tokens(ledger, "P2", "P9"), "deces", TODAY)
        assert [("P3",)] == list(due(ledger, one, book, LATER)[0])
        assert {"opposition"} == set(rolls(ledger, one)[tokens(ledger, "P0")[0]].events)


def test_the_dead_of_the_contacts_get_nothing(desk, book):
    """Neither the person nor a contact who died."""
    book["P0"], book["P1"], book["P3"] = contact(0, dead=True), contact(1, told="P3"), contact(3, dead=True)
    with open_ledger(desk.home) as ledger:
        found, left = due(ledger, opened(ledger), book)
    assert ([("P2",)], 3) == (list(found), left["deces"])


def test_one_message_for_a_contact_and_for_a_household(desk, book):
    """Two children of one parent, four people of two households."""
    book["P0"], book["P1"] = contact(0, told="R"), contact(1, told="R")
    book["R"] = contact(9, mail="")
    with open_ledger(desk.home) as ledger:
        one = opened(ledger)
        found, _ = due(ledger, one, book)
        assert {("P0", "P1"): (0, "sms"), ("P2",): (0, "courriel"), ("P3",): (0, "courriel")} == found
        homes = {f"P{n}": contact(n, household=f"F{n // 2}") for n in range(4)}
        both = Plan(journey=JOURNEY, channels=("courriel",), fallback=(), household=True)
        assert {("P0", "P1"), ("P2", "P3")} == set(due(ledger, one, homes, plan=both)[0])


def test_an_excluded_household_gets_nothing(desk):
    """Counted, and the other household has its message."""
    homes = {f"P{n}": contact(n, household=f"F{n // 2}") for n in range(4)}
    plan = Plan(journey=JOURNEY, channels=("courriel",), fallback=(), household=True, excluded=frozenset({"F0"}))
    with open_ledger(desk.home) as ledger:
        found, left = due(ledger, opened(ledger), homes, plan=plan)
    assert ([("P2", "P3")], 2) == (list(found), left["foyer_exclu"])


def test_who_objected_is_not_told_about_others(desk, book):
    """Two children of a parent who objected; a third person has her message."""
    book["P0"], book["P1"], book["P2"] = contact(0, told="R"), contact(1, told="R"), contact(2)
    book["R"] = contact(9)
    plan = replace(PLAN, objecting=frozenset({"R"}))
    with open_ledger(desk.home) as ledger:
        found, left = due(ledger, opened(ledger), book, plan=plan)
    assert ([("P2",), ("P3",)], 2) == (sorted(found), left["contact_oppose"])


def test_a_doubtful_member_keeps_a_message_from_awarding(desk, book):
    """Even ones may be awarded, odd ones only informed."""
    book["P1"] = contact(1, told="P0")
    with open_ledger(desk.home) as ledger:
        dispatches, _ = plan_dispatches(ledger, opened(ledger), PLAN, book, TODAY)
    assert {"P0": False, "P2": True, "P3": False} == {one.contact.identifier: one.award for one in dispatches}


def test_who_moved_or_is_unknown_is_counted(desk, book):
    """Not in the contacts, and reached by nothing."""
    del book["P0"]
    book["P1"] = contact(1, mail="", mobile="")
    with open_ledger(desk.home) as ledger:
        found, left = due(ledger, opened(ledger), book)
    assert (2, 1, 1) == (len(found), left["sans_fiche"], left["sans_canal"])


def test_an_agent_holds_back_releases_and_sends_again(desk, book):
    """And a message that came back leaves by another channel."""
    with open_ledger(desk.home) as ledger:
        one = opened(ledger)
        record(ledger, one, tokens(ledger, "P0"), "suspendu", TODAY)
        assert ("P0",) not in due(ledger, one, book)[0]
        record(ledger, one, tokens(ledger, "P0"), "repris", TODAY)
        sent(ledger, one, book, TODAY)
        record(ledger, one, tokens(ledger, "P1"), "renvoi", TODAY)
        record(ledger, one, tokens(ledger, "P2"), "rebond", TODAY, "courriel")
        assert {("P1",): (0, "courriel"), ("P2",): (0, "sms")} == due(ledger, one, book)[0]
        sent(ledger, one, book, TODAY)
        assert {} == due(ledger, one, book)[0]
        assert {(1, "sms"), (1, "courriel")} == set(due(ledger, one, book, LATER)[0].values())


def test_a_campaign_needs_results_that_live(desk):
    """And a number that exists."""
    with open_ledger(desk.home) as ledger:
        one = opened(ledger)
        assert one == campaign(ledger, one.name)
        with pytest.raises(ServiceError) as late:
            open_campaign(ledger, RUN, {}, TODAY + timedelta(days=365))
        assert "E_RESULTATS_DETRUITS" == late.value.code
        destroy_results(ledger, ledger.collection(RUN), desk.signer, "demande")
        for call, code in (
            (lambda: opened(ledger), "E_RESULTATS_DETRUITS"),
            (lambda: campaign(ledger, one.name), "E_CAMPAGNE_INCONNUE"),
        ):
            with pytest.raises(ServiceError) as caught:
                call()
            assert code == caught.value.code


def test_a_doubtful_hit_waits_for_somebodys_eyes(desk, book):
    """Where the démarche says so: what may be awarded leaves, the rest once an agent has noted `revu`."""
    plan = replace(PLAN, review=True)
    with open_ledger(desk.home) as ledger:
        one = opened(ledger)
        found, left = plan_dispatches(ledger, one, plan, book, TODAY)
        assert (["P0", "P2"], 2) == ([each.contact.identifier for each in found], left["a_revoir"])
        record(ledger, one, tokens(ledger, "P1"), "revu", TODAY)
        found, left = plan_dispatches(ledger, one, plan, book, TODAY)
    assert (["P0", "P1", "P2"], 1) == ([each.contact.identifier for each in found], left["a_revoir"])


def test_nobody_writes_to_a_child(desk, book):
    """Where a démarche tells the parent, who is told must be named: nothing leaves to the child for want of a cell."""
    book = {**book, "P0": contact(0, told="P3", named=True)}
    with open_ledger(desk.home) as ledger:
        found, left = plan_dispatches(ledger, opened(ledger), replace(PLAN, contact="parent"), book, TODAY)
    assert (["P3"], 3) == ([each.contact.identifier for each in found], left["sans_contact"])
