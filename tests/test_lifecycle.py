"""The life of a run: every state with every event and every action, and deadlines to the second."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ServiceError
from service.messages import RunState
from service.third_party.lifecycle import (
    DEAD,
    HOLDS_ENCODINGS,
    LIVE,
    Action,
    Event,
    after,
    check_action,
    encodings_deadline,
    expected_confirmations,
    expected_uploads,
    hits_deadline,
    over,
    recipients,
    total_passes,
)
from tests.simulator import START
from tests.test_agreement import AGREEMENT

# The whole machine, written out: state, event → state. What is not here is refused.
MOVES = """
opened approved joining
opened cancelled cancelled
opened expired expired
opened failed failed
joining confirmed sending
joining cancelled cancelled
joining expired expired
joining failed failed
sending completed matching
sending cancelled cancelled
sending expired expired
sending failed failed
matching content_refused sending
matching delivered delivered
matching held held
held released delivered
held cancelled cancelled
held expired expired
matching cancelled cancelled
matching expired expired
matching failed failed
delivered done closed
delivered expired closed
delivered cancelled cancelled
"""
TABLE = {tuple(line.split()[:2]): line.split()[2] for line in MOVES.split("\n") if line}


@pytest.mark.parametrize(("state", "event"), list(product(RunState, Event)))
def test_each_event_moves_as_written_or_not_at_all(state, event):
    """The machine is the table above, no more and no less."""
    expected = TABLE.get((str(state), str(event)))
    if expected is None:
        with pytest.raises(ServiceError) as caught:
            after(state, event)
        assert ("E_ETAT", 409) == (caught.value.code, caught.value.status)
    else:
        assert expected == after(state, event)


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_a_run_that_ended_never_comes_back(events):
    """Whatever happens, in any order: nothing leaves a dead state, and encodings are held only before delivery."""
    state, seen = RunState.OPENED, [RunState.OPENED]
    for event in events:
        try:
            state = after(state, event)
        except ServiceError:
            continue
        assert seen[-1] in LIVE
        seen.append(state)
    if RunState.DELIVERED in seen:
        rest = seen[seen.index(RunState.DELIVERED) :]
        assert set() == set(rest) & HOLDS_ENCODINGS


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_held_results_are_delivered_by_a_release_only(events):
    """Between a hold and a delivery there is a release; nothing that was compared is ever opened again."""
    state, released = RunState.MATCHING, False
    for event in events:
        before = state
        try:
            state = after(state, event)
        except ServiceError:
            continue
        released = released or event is Event.RELEASED
        if before is RunState.HELD:
            assert state in {RunState.CANCELLED, RunState.EXPIRED} or (state, released) == (RunState.DELIVERED, True)
        if before in {RunState.HELD, RunState.DELIVERED}:
            assert state not in HOLDS_ENCODINGS


@pytest.mark.parametrize("state", sorted(LIVE))
def test_every_live_state_ends_by_itself_and_at_will(state):
    """A deadline or a party ends any live run, at once and for ever."""
    for event in (Event.EXPIRED, Event.CANCELLED):
        assert after(state, event) in DEAD


def test_states_are_live_or_dead():
    """Every state is one or the other; encodings are held in live states before delivery only."""
    assert set(RunState) == LIVE | DEAD
    assert set() == LIVE & DEAD
    assert {RunState.OPENED, RunState.JOINING, RunState.SENDING, RunState.MATCHING} == HOLDS_ENCODINGS


ALLOWED = {
    Action.APPROVE_RUN: "opened joining",
    Action.CANCEL_RUN: "opened joining sending matching held delivered cancelled",
    Action.READ_WORKER_KEY: "joining sending matching",
    Action.SEND_SHARE: "joining",
    Action.READ_SHARES: "joining sending matching",
    Action.SEND_CONFIRMATION: "joining sending",
    Action.READ_CONFIRMATIONS: "joining sending matching",
    Action.DECLARE_UPLOAD: "sending",
    Action.READ_UPLOAD: "sending matching",
    Action.SEND_CHUNK: "sending",
    Action.COMPLETE_UPLOAD: "sending matching",
    Action.RELEASE_RUN: "held delivered",
    Action.SEND_RELAY: "delivered",
    Action.READ_RELAYS: "delivered",
    Action.LIST_DELIVERIES: "delivered",
    Action.READ_DELIVERY: "delivered",
    Action.ACKNOWLEDGE: "delivered closed",
}


def allowed(action: Action, state: RunState, *, late: bool) -> bool:
    """Whether `check_action` lets an action through, one second before or at the deadline."""
    now = START if late else START - timedelta(seconds=1)
    try:
        check_action(action, state, START, now)
    except ServiceError as error:
        return (error.code, error.status) != ("E_ETAT", 409)
    return True


@pytest.mark.parametrize(("action", "state"), list(product(Action, RunState)))
def test_each_state_allows_its_actions(action, state):
    """The table above in time; past its deadline a live run allows nothing that depends on its state."""
    states = ALLOWED[action].split() if action in ALLOWED else list(RunState)
    assert (state in states) == allowed(action, state, late=False)
    expected = state in states and (state in DEAD or action not in ALLOWED)
    assert expected == allowed(action, state, late=True)


def test_a_deadline_is_over_at_its_second():
    """Not one second early, not one second late."""
    assert [False, True, True] == [over(START, START + timedelta(seconds=step)) for step in (-1, 0, 1)]


def test_deadlines_follow_the_agreement():
    """Hours from the opening, days from the delivery, across the end of a month."""
    retention = AGREEMENT.retention
    assert START + timedelta(hours=72) == encodings_deadline(START, retention)
    assert START + timedelta(days=30) == hits_deadline(START, retention)


def test_what_an_agreement_makes_expected():
    """Two confirmations a comparison, one upload a pass and a side, deliveries to recipients."""
    assert 2 == expected_confirmations(AGREEMENT)
    expected = {("caf.cnous", name, party) for name in ("jour", "noms") for party in ("caf", "cnous")}
    assert expected == expected_uploads(AGREEMENT)
    assert 2 == total_passes(AGREEMENT)
    assert frozenset({"caf"}) == recipients(AGREEMENT)
