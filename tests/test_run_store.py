"""Rows of runs and of what parties declare in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.errors import ServiceError
from service.messages import RunState
from service.third_party.run_store import (
    Run,
    add_approval,
    add_confirmation,
    add_run,
    add_share,
    approvals_of,
    confirmation_of,
    confirmations_of,
    count_opened,
    count_runs,
    load_run,
    runs_in,
    runs_of,
    set_run,
    share_of,
    shares_for,
)
from service.third_party.store import add_agreement, add_party
from tests.simulator import START
from tests.test_agreement import AGREEMENT, CAF, CNOUS

RUN = Run(
    run="a" * 32,
    agreement=AGREEMENT.identifier,
    state=RunState.OPENED,
    opened_at=START,
    encodings_deadline=START + timedelta(hours=72),
    delivered_at=None,
    hits_deadline=None,
    failure=None,
    passes_done=0,
    passes_total=2,
    worker_key=None,
)


@pytest.fixture
def connection(database):
    """A connection with an agreement and one run."""
    with database.write() as connection:
        for identity in (CAF.public, CNOUS.public):
            add_party(connection, identity, START)
        add_agreement(connection, AGREEMENT, START)
        add_run(connection, RUN)
        yield connection


def test_a_run_comes_back_as_it_was(connection):
    """Every member, moments included, also after a change."""
    assert RUN == load_run(connection, RUN.run)
    later = START + timedelta(hours=5)
    changes = {
        "state": RunState.DELIVERED,
        "delivered_at": later,
        "hits_deadline": later + timedelta(days=30),
        "failure": "E_TRAITEMENT",
        "passes_done": 2,
        "worker_key": b"{}",
    }
    set_run(connection, RUN.run, **changes)
    assert replace(RUN, **changes) == load_run(connection, RUN.run)  # type: ignore[arg-type]


def test_the_deadline_is_that_of_the_state():
    """Of the encodings, then of the deliveries."""
    assert RUN.encodings_deadline == RUN.deadline
    assert START == replace(RUN, hits_deadline=START).deadline


def test_a_run_that_does_not_exist_is_absent(connection):
    """404, as for a run of others."""
    with pytest.raises(ServiceError) as caught:
        load_run(connection, "b" * 32)
    assert "E_INTROUVABLE" == caught.value.code


def test_runs_are_found_by_party_and_by_state(connection):
    """Oldest first, and only those of the party's agreements."""
    second = replace(RUN, run="0" * 32, opened_at=START + timedelta(hours=1), state=RunState.SENDING)
    add_run(connection, second)
    assert [RUN, second] == runs_of(connection, "caf")
    assert [] == runs_of(connection, "dgfip")
    assert [second] == runs_in(connection, RunState.SENDING, RunState.MATCHING)


@pytest.mark.parametrize(
    ("state", "received", "expected"),
    [
        (RunState.OPENED, False, 1),
        (RunState.MATCHING, False, 1),
        (RunState.CANCELLED, False, 0),
        (RunState.EXPIRED, False, 0),
        (RunState.CLOSED, True, 1),
        (RunState.CANCELLED, True, 1),
    ],
)
def test_what_counts_against_the_maximum(connection, state, received, expected):
    """Live runs, and runs for which an upload was ever complete: an encoding that was handed over cannot be taken back."""
    set_run(connection, RUN.run, state=state, received=received)
    assert expected == count_runs(connection, RUN.agreement)


def test_approvals_are_counted_once(connection):
    """Twice the same party is one approval."""
    for party in ("cnous", "caf", "cnous"):
        add_approval(connection, RUN.run, party, None)
    assert ["caf", "cnous"] == approvals_of(connection, RUN.run)


def test_shares_reach_their_receiver_only(connection):
    """Each party sees what is addressed to it."""
    add_share(connection, RUN.run, ("caf.cnous", "caf", "cnous"), b"{}")
    assert (b"{}", None) == tuple(share_of(connection, RUN.run, "caf.cnous", one) for one in ("caf", "cnous"))
    assert ([b"{}"], []) == (shares_for(connection, RUN.run, "cnous"), shares_for(connection, RUN.run, "caf"))


def test_confirmations_are_listed_in_a_fixed_order(connection):
    """By comparison, then party, whatever the order of arrival."""
    for party in ("cnous", "caf"):
        add_confirmation(connection, RUN.run, "caf.cnous", party, party.encode())
    assert [("caf.cnous", b"caf"), ("caf.cnous", b"cnous")] == confirmations_of(connection, RUN.run)
    assert (b"caf", None) == tuple(confirmation_of(connection, RUN.run, "caf.cnous", one) for one in ("caf", "x"))


def test_live_runs_are_counted_for_who_asked(connection):
    """The opener's approval is its request; a partner's approval and an ended run do not count."""
    add_approval(connection, RUN.run, "caf", None)
    add_approval(connection, RUN.run, "cnous", b"{}")
    assert (1, 0) == (count_opened(connection, "caf"), count_opened(connection, "cnous"))
    set_run(connection, RUN.run, state=RunState.CANCELLED)
    assert 0 == count_opened(connection, "caf")
