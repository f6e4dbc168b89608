"""When each step of a journey is due."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.administration.campaign.steps import (
    FINAL,
    History,
    check_journey,
    due_step,
    events_of,
    journey_of,
    words_of,
)
from service.clauses import Step
from service.errors import ServiceError

OPENED = date(2026, 11, 20)


def step(at, condition=None, template="x"):
    return Step(at=at, condition=condition, template=template)


ORDINARY = [step("T0"), step("+P30D", "sans_reponse")]
PASSPORT = [step("J-180"), step("+P30D", "sans_reponse"), step("rdv-P1D"), step("titre_disponible")]


def place(steps, today, **known):
    due = due_step(steps, History(opened=OPENED, **known), today)
    return None if due is None else due.place


def days(number):
    return OPENED + timedelta(days=number)


def test_a_first_message_then_one_reminder():
    """The reminder thirty days after the message was really sent, not after the opening."""
    assert 0 == place(ORDINARY, OPENED)
    assert place(ORDINARY, days(-1)) is None
    sent = [(0, days(5))]
    assert [None, 1] == [place(ORDINARY, days(day), sent=sent) for day in (34, 35)]
    assert place(ORDINARY, days(80), sent=[*sent, (1, days(35))]) is None


@pytest.mark.parametrize("event", [*FINAL, "reponse"])
def test_an_answer_an_objection_or_a_death_ends_the_reminders(event):
    """Whatever was due."""
    assert place(ORDINARY, days(60), sent=[(0, OPENED)], events={event: days(10)}) is None


def test_a_due_date_is_ones_own():
    """180 days before it; late, the message leaves at once; without a date, never."""
    due = days(200)
    assert [None, 0, 0] == [place(PASSPORT, days(day), due=due) for day in (19, 20, 90)]
    assert place(PASSPORT, days(90)) is None


def test_appointments_follow_an_answer():
    """The eve of the appointment and the document at hand still come; reminders do not."""
    known = {"sent": [(0, OPENED)], "events": {"reponse": days(3), "rdv": days(40)}, "due": days(200)}
    assert [None, 2] == [place(PASSPORT, days(day), **known) for day in (38, 39)]
    known["events"] |= {"titre_disponible": days(60)}
    assert 3 == place(PASSPORT, days(60), **known)


def test_of_several_that_are_due_the_last_leaves():
    """Nobody gets two messages at once, nor one that is behind the times."""
    assert 2 == place([step("T0"), step("J-30"), step("J-7")], days(1), due=days(5))


def test_an_agent_holds_and_sends_again():
    """Held back until it is released; the last step once more."""
    sent = [(0, OPENED)]
    assert place(ORDINARY, days(31), sent=sent, held=True) is None
    assert 0 == place(ORDINARY, days(2), sent=sent, resend=True)
    assert 0 == place(ORDINARY, OPENED, resend=True)


@pytest.mark.parametrize(("at", "later"), [("+P2W", 14), ("+PT6H", 0), ("+PT48H", 2), ("+P1M", 30)])
def test_durations(at, later):
    """Weeks, hours (messages leave by the day), months."""
    assert [None, 1] == [place([step("T0"), step(at)], days(later + day), sent=[(0, OPENED)]) for day in (-1, 0)]


@pytest.mark.parametrize(
    "steps",
    [[step("+P30D")], [step("bientôt")], [step("T0", "si_possible")], [step("T0"), step("+30 jours")], [step("rdv-1")]],
)
def test_a_journey_that_does_not_hold_is_refused(steps):
    """A first step that follows another, a time that is none, an unknown condition."""
    with pytest.raises(ServiceError) as caught:
        check_journey(steps)
    assert "E_PARCOURS" == caught.value.code


def test_journeys_that_hold():
    """Those of the catalogue, and the ordinary ones."""
    for steps in (
        PASSPORT,
        [step("T0"), step("+PT6H"), step("fin")],
        journey_of((), award=True),
        journey_of((), award=False),
    ):
        check_journey(steps)
    assert ["attribution"] == [one.template for one in journey_of((), award=True)]
    assert tuple(PASSPORT) == journey_of(PASSPORT, award=True)


@given(
    st.lists(st.sampled_from(["J-180", "J-30", "J", "T0"]), min_size=1, max_size=4),
    st.integers(-10, 400),
    st.integers(0, 300),
)
def test_nothing_is_sent_twice(steps, today, due):
    """Sent day after day, each step leaves once at most, in order."""
    journey, sent = [step(one) for one in steps], list[tuple[int, date]]()
    for day in range(max(today, 0) + 1):
        found = due_step(journey, History(opened=OPENED, sent=sent, due=days(due)), days(day))
        if found is not None:
            sent.append((found.place, days(day)))
    places = [one for one, _ in sent]
    assert sorted(set(places)) == places


def test_an_alert_before_a_due_date_says_so_and_a_doubt_is_not_an_award():
    """Other steps have the words of their own name."""
    told = [words_of(step(at, template=name), award=award) for at, name, award in (
        ("J-180", "alerte", False), ("T0", "alerte", False), ("T0", "attribution", True), ("T0", "attribution", False),
    )]  # fmt: skip
    assert ["echeance", "alerte", "attribution", "premier"] == told


def test_the_events_of_a_journey_are_named_once():
    """Those that a step waits for; days and delays are none."""
    steps = [
        Step(at=at, condition=None, template="x") for at in ("T0", "+P30D", "J-180", "rdv-P1D", "rdv", "titre_pret")
    ]
    assert ("rdv", "titre_pret") == events_of(steps)
