"""Rows of reviews: each once, of one run; earlier runs are examples only once they were delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from crypto.keys import Identity
from service.messages import RunState
from service.third_party.review_store import (
    Past,
    add_finding,
    add_hold,
    add_past,
    add_release,
    drop_findings,
    findings_of,
    forget_pasts,
    holds_of,
    pasts_of,
    releases_of,
)
from service.third_party.run_store import Run, add_run, set_run
from service.third_party.store import add_agreement, add_party
from tests.simulator import START
from tests.test_agreement import AGREEMENT


def run_of(number: int, state: RunState) -> Run:
    """A run of the agreement, delivered so many hours after the start."""
    at = START + timedelta(hours=number) if state in (RunState.HELD, RunState.DELIVERED, RunState.CLOSED) else None
    return Run(
        run=f"{number:032x}",
        agreement=AGREEMENT.identifier,
        state=state,
        opened_at=START,
        encodings_deadline=START + timedelta(hours=72),
        delivered_at=at,
        hits_deadline=None if at is None else at + timedelta(days=30),
        failure=None,
        passes_done=0,
        passes_total=2,
        worker_key=None,
    )


@pytest.fixture
def known(database):
    """A database with the agreement and four runs of it."""
    states = (RunState.CLOSED, RunState.HELD, RunState.DELIVERED, RunState.MATCHING)
    with database.write() as connection:
        for party in sorted(AGREEMENT.members):
            add_party(connection, Identity.generate(party, party.upper()).public, START)
        add_agreement(connection, AGREEMENT, START)
        for number, state in enumerate(states, 1):
            add_run(connection, run_of(number, state))
    return database


RUNS = [f"{number:032x}" for number in range(1, 5)]
PAST = Past(recipient_step=4, source_step=40, rate_step=70)


def test_only_delivered_runs_are_examples_and_in_their_order(known):
    """Neither a held one nor the one that asks; the last delivered comes last."""
    with known.write() as connection:
        for number, run in enumerate(RUNS):
            add_past(connection, run, "caf.cnous", replace(PAST, rate_step=number), START + timedelta(days=90))
        assert [0, 2] == [one.rate_step for one in pasts_of(connection, AGREEMENT.identifier, "caf.cnous", RUNS[3])]
        assert [0] == [one.rate_step for one in pasts_of(connection, AGREEMENT.identifier, "caf.cnous", RUNS[2])]
        assert [] == pasts_of(connection, AGREEMENT.identifier, "caf.other", RUNS[3])
        assert [] == pasts_of(connection, "f" * 64, "caf.cnous", RUNS[3])


def test_a_run_that_was_given_is_an_example_though_it_was_cancelled_after(known):
    """Else a recipient that cancels once it has read would never be compared with anything; one that was refused is none."""
    with known.write() as connection:
        for number, run in enumerate(RUNS):
            add_past(connection, run, "caf.cnous", replace(PAST, rate_step=number), START + timedelta(days=90))
        set_run(connection, RUNS[2], state=RunState.CANCELLED)
        set_run(connection, RUNS[1], state=RunState.CANCELLED)
        add_hold(connection, RUNS[1], "caf.cnous", b"{}")
        assert [0, 2] == [one.rate_step for one in pasts_of(connection, AGREEMENT.identifier, "caf.cnous", RUNS[3])]
        add_release(connection, RUNS[1], "caf", b"{}")
        assert [0, 2] == [one.rate_step for one in pasts_of(connection, AGREEMENT.identifier, "caf.cnous", RUNS[3])]
        add_release(connection, RUNS[1], "cnous", b"{}")
        assert [0, 1, 2] == [one.rate_step for one in pasts_of(connection, AGREEMENT.identifier, "caf.cnous", RUNS[3])]


def test_pasts_are_forgotten_when_their_agreement_ends(known):
    """At its very second, not before."""
    end = START + timedelta(days=90)
    with known.write() as connection:
        add_past(connection, RUNS[0], "caf.cnous", PAST, end)
        add_past(connection, RUNS[0], "caf.other", PAST, end + timedelta(days=1))
        assert [0, 1, 0, 1] == [
            forget_pasts(connection, at) for at in (end - timedelta(seconds=1), end, end, end + timedelta(days=1))
        ]


def test_a_finding_is_stored_once_and_dropped_with_its_round(known):
    """A worker that was thought dead changes nothing."""
    with known.write() as connection:
        for sealed in (b"first", b"second"):
            add_finding(connection, RUNS[3], "caf.cnous", "jour", sealed)
        add_finding(connection, RUNS[3], "caf.cnous", "noms", b"third")
        expected = [("caf.cnous", "jour", b"first"), ("caf.cnous", "noms", b"third")]
        assert expected == findings_of(connection, RUNS[3])
        drop_findings(connection, RUNS[3])
        assert [] == findings_of(connection, RUNS[3])


def test_holds_and_releases_are_of_one_run_and_one_party(known):
    """A second one of the same is a fault, not a change."""
    with known.write() as connection:
        add_hold(connection, RUNS[1], "caf.cnous", b"why")
        add_release(connection, RUNS[1], "caf", b"yes")
        assert [("caf.cnous", b"why")] == holds_of(connection, RUNS[1])
        assert (["caf"], []) == (releases_of(connection, RUNS[1]), releases_of(connection, RUNS[2]))
    for again in (
        lambda connection: add_hold(connection, RUNS[1], "caf.cnous", b"else"),
        lambda connection: add_release(connection, RUNS[1], "caf", b"else"),
    ):
        with pytest.raises(IntegrityError), known.write() as connection:
            again(connection)
