"""Held runs: guards hold on real uploads, nothing is given before every party has released, only the source knows why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from crypto.framing import from_base64, parse_canonical_json
from linkage.wire import EncodedPass
from service.answers import LogLeaf
from service.guard_terms import ORDINARY, GuardTerms, Tolerance
from service.messages import Receipt, statement_digest
from service.review import Hold, Reason, Release, ReviewView
from service.third_party import reviews
from service.third_party.review_store import forget_pasts, pasts_of
from service.third_party.schema import findings, histories, holds, releases
from tests.simulator import PASSES, Administration, Rows, Run, Simulation, rows_for, simulation

ROWS = {name: rows_for(number) for number, name in enumerate(PASSES)}
Sides = Mapping[str, tuple[Rows, Rows]]


@pytest.fixture
def sim(tmp_path):
    """A fresh third party."""
    with simulation(tmp_path / "data") as one:
        yield one


@pytest.fixture
def both(tmp_path, database_url):
    """The same, on either database: for tests whose point is what SQL holds."""
    with simulation(tmp_path / "data", database_url) as one:
        yield one


def changed(rows: Rows, filters: Any) -> Rows:
    """The same rows with other filters."""
    return replace(rows, encoded=EncodedPass(ids=rows.encoded.ids, tags=rows.encoded.tags, filters=filters))


def unlinked(rows: Rows, block: int = 0) -> list[int]:
    """Rows of the recipient in one block that are linked to nothing."""
    known = rows.certain | rows.grey
    tag = rows.encoded.tags[block * 30]
    same = np.flatnonzero((rows.encoded.tags == tag).all(axis=1))
    return [place for place in same.tolist() if rows.encoded.ids[place].tobytes() not in known]


def crowded() -> Sides:
    """The recipient's file holds one person six times over, in one pass."""
    recipient, source = ROWS["noms"]
    filters = recipient.encoded.filters.copy()
    first, *others = unlinked(recipient)[:6]
    for number, place in enumerate(others):
        filters[place] = filters[first]
        filters[place, 0] ^= np.uint64(1 << number)
    return {**ROWS, "noms": (changed(recipient, filters), source)}


def gathered() -> Sides:
    """Seven rows of the recipient near one row of the source, and far from each other, in one pass."""
    recipient, source = ROWS["noms"]
    filters = recipient.encoded.filters.copy()
    mine = unlinked(recipient)[:7]
    aim = source.encoded.filters[unlinked(source)[0]]
    for number, place in enumerate(mine):
        filters[place] = aim
        filters[place, number // 3] ^= np.uint64(((1 << 20) - 1) << (20 * (number % 3)))
    apart = [
        int(np.bitwise_count(filters[one] ^ filters[other]).sum()) for one in mine for other in mine if one != other
    ]
    assert {40} == set(apart)  # twice the strict distance
    return {**ROWS, "noms": (changed(recipient, filters), source)}


def send(sim: Simulation, run: Run, sides: Sides, canaries: Mapping[str, list[bytes]] | None = None) -> None:
    """All uploads, the source's with canaries in some passes."""
    for name, pair in sides.items():
        for one, side in zip(sim.pair, pair, strict=True):
            hidden = (canaries or {}).get(name, []) if one is sim.cnous else []
            manifest, sealed = one.manifest(run, sim.third_party, name, side.encoded, canaries=hidden)
            one.upload(run, manifest, sealed)


def held(sim: Simulation, sides: Sides | None = None, **changes: Any) -> Run:
    """A run that a guard holds."""
    run = sim.sending(**changes)
    send(sim, run, sides or crowded())
    sim.work()
    assert "held" == sim.state(run)
    return run


def review(one: Administration, run: Run) -> ReviewView:
    return ReviewView.from_json(one.get(f"/runs/{run.run}/review"))


def release(one: Administration, run: Run, status: int = 200) -> Any:
    return one.declare(Release, run, "release", status)


def leaves(sim: Simulation, run: Run) -> list[LogLeaf]:
    entries = sim.caf.get(f"/runs/{run.run}/log")["entries"]
    return [LogLeaf.from_json(parse_canonical_json(from_base64(one["leaf"]), 1 << 20)) for one in entries]


def reasons(sim: Simulation, run: Run) -> list[Reason]:
    """What the source reads."""
    (signed,) = review(sim.cnous, run).holds
    return [one.reason for one in Hold.opened(sim.third_party.signing_key, signed).sightings]


def test_nothing_is_given_before_every_party_has_released(both: Simulation):
    """Encodings are gone at once, deliveries wait, each release is a leaf, the last one delivers what was found."""
    sim = both
    run = held(sim)
    assert not sim.site.vault.holds_run_key(run.run)
    (receipt,) = sim.cnous.get(f"/runs/{run.run}/receipts")
    assert "encodings" == Receipt.opened(sim.third_party.signing_key, receipt["receipt"]).kind
    path = f"/runs/{run.run}/deliveries/caf.cnous/jour"
    assert ["E_ETAT"] * 2 == [sim.caf.get(one, 409) for one in (path, f"/runs/{run.run}/deliveries")]
    release(sim.caf, run)
    assert "held" == sim.state(run)
    assert "E_ETAT" == sim.caf.get(path, 409)
    seen = review(sim.caf, run)
    assert (True, ("caf",), ("cnous",)) == (seen.held, seen.released, seen.waiting)
    release(sim.cnous, run)
    assert "delivered" == sim.state(run)
    recipient, _ = ROWS["jour"]
    assert (set(recipient.certain), set(recipient.grey)) == sim.caf.fetch(run, sim.third_party, "jour")
    actions = [(one.actor, one.action) for one in leaves(sim, run)]
    expected = [
        (sim.site.party, "run_held"),
        ("caf", "run_release"),
        ("cnous", "run_release"),
        (sim.site.party, "run_delivered"),
    ]
    assert expected == [one for one in actions if one in expected]


def test_only_the_source_reads_why(sim: Simulation):
    """The recipient sees that a review is on; the log has a digest that nobody can guess, and that the source can check."""
    run = held(sim)
    assert () == review(sim.caf, run).holds
    (signed,) = review(sim.cnous, run).holds
    hold = Hold.opened(sim.third_party.signing_key, signed)
    assert [("quasi_doublons", "caf")] == [(one.reason, one.party) for one in hold.sightings]
    assert [(100, 199, None)] * 2 == [(one.now.least, one.now.most, one.before) for one in hold.sizes]
    recorded = [one.digest for one in leaves(sim, run) if one.action == "hold_stored"]
    assert [statement_digest(signed)] == recorded
    assert all(reason not in str(leaves(sim, run)) for reason in Reason)
    assert "E_INTROUVABLE" == sim.dgfip.get(f"/runs/{run.run}/review", 404)
    assert "E_INTROUVABLE" == release(sim.dgfip, run, 404)


def test_rows_that_gather_around_a_row_of_the_source_hold_the_run(sim: Simulation):
    """Variants that were made so as not to resemble each other: the source reads what it reads of near duplicates."""
    assert [Reason.NEAR_DUPLICATES] == reasons(sim, held(sim, gathered()))


def test_releasing_again_is_answered_and_changes_nothing(sim: Simulation):
    """Before and after the delivery; a run that was never held has nothing to release."""
    run = held(sim)
    for one in (sim.caf, sim.caf, sim.cnous, sim.caf, sim.cnous):
        release(one, run)
    with sim.site.database.read() as connection:
        assert 2 == connection.scalar(select(func.count()).select_from(releases))
    assert (False, ()) == (review(sim.caf, run).held, review(sim.caf, run).waiting)
    free, _ = sim.delivered()
    assert "E_ETAT" == release(sim.caf, free, 409)
    assert (False, ()) == (review(sim.cnous, free).held, review(sim.cnous, free).holds)


def test_a_release_is_of_this_run_by_this_party(sim: Simulation):
    """Neither another's statement nor one about another run counts."""
    run, other = held(sim), sim.opened()
    assert "E_MESSAGE" == sim.caf.declare(Release, replace(other, run=run.run), "release", 422)
    statement = Release(agreement=run.agreement, run=run.run, party="cnous").signed(sim.caf.identity.signing_key)
    sim.cnous.post(f"/runs/{run.run}/release", statement, 422)
    assert () == review(sim.caf, run).released


def test_a_refusal_destroys_what_was_held(sim: Simulation):
    """By either party; both receipts are there, and no release brings anything back."""
    run = held(sim)
    release(sim.caf, run)
    sim.cnous.cancel(run)
    assert "cancelled" == sim.state(run)
    views = sim.caf.get(f"/runs/{run.run}/receipts")
    receipts = [Receipt.opened(sim.third_party.signing_key, view["receipt"]) for view in views]
    causes = {(receipt.kind, receipt.cause) for receipt in receipts}
    assert {("encodings", "rapprochement_termine"), ("deliveries", "annulation")} == causes
    assert "E_ETAT" == release(sim.cnous, run, 409)


def test_a_review_does_not_move_the_deadline(sim: Simulation):
    """Deliveries die thirty days after they were made, held or released, and a held run that nobody decided expires."""
    first = held(sim)
    sim.clock.advance(days=29)
    deadline = sim.caf.get(f"/runs/{first.run}")["deadline"]
    for one in sim.pair:
        release(one, first)
    assert deadline == sim.caf.get(f"/runs/{first.run}")["deadline"]
    second = held(sim)
    sim.clock.advance(days=30)
    assert "E_ETAT" == release(sim.caf, second, 409)
    sim.work()
    assert ["closed", "expired"] == [sim.state(run) for run in (first, second)]
    views = sim.caf.get(f"/runs/{second.run}/receipts")
    receipts = [Receipt.opened(sim.third_party.signing_key, view["receipt"]) for view in views]
    causes = [(receipt.kind, receipt.cause) for receipt in receipts]
    assert ("deliveries", "expiration") in causes


class Killed(BaseException):
    """The process is killed."""


def test_a_kill_between_the_decision_and_the_delivery_loses_and_gives_nothing(both: Simulation, monkeypatch):
    """The last release and the delivery are one transaction: killed in it, there is neither; sent again, there are both."""
    sim = both
    run = held(sim)
    release(sim.caf, run)
    signed = Release(agreement=run.agreement, run=run.run, party="cnous").signed(sim.cnous.identity.signing_key)

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(reviews, "move", killed)
        with pytest.raises(Killed):
            reviews.release(sim.site, sim.cnous.caller, run.run, signed)
    assert ("held", ("caf",)) == (sim.state(run), review(sim.caf, run).released)
    assert 1 == sum(one.action == "run_release" for one in leaves(sim, run))
    release(sim.cnous, run)
    assert "delivered" == sim.state(run)


CANARIES = GuardTerms(canaries=5)


def baited(*, caught: bool) -> tuple[Sides, dict[str, list[bytes]]]:
    """A source's file with a canary in one pass, which the recipient has sent or not; and the canary's id."""
    recipient, source = ROWS["jour"]
    bait = unlinked(recipient)[0]
    extra = source.encoded.filters[:1] * np.uint64(7919)
    if caught:
        extra = recipient.encoded.filters[bait : bait + 1]
    ids = np.concatenate([source.encoded.ids, np.full((1, 16), 9, dtype=np.uint8)])
    tags = np.concatenate([source.encoded.tags, recipient.encoded.tags[bait : bait + 1]])
    filters = np.concatenate([source.encoded.filters, extra])
    order = sorted(range(len(ids)), key=lambda row: (tags[row].tobytes(), ids[row].tobytes()))
    rows = EncodedPass(ids=ids[order], tags=tags[order], filters=np.ascontiguousarray(filters[order]))
    return {**ROWS, "jour": (recipient, Rows(encoded=rows))}, {"jour": [bytes([9] * 16)]}


@pytest.mark.parametrize("caught", [True, False])
def test_a_canary_holds_the_run_that_hits_it_and_changes_no_result(sim: Simulation, caught):
    """Hit or not, the recipient gets what it would have got without any canary."""
    run = sim.sending(guards=CANARIES)
    sides, canaries = baited(caught=caught)
    send(sim, run, sides, canaries)
    sim.work()
    assert ("held" if caught else "delivered") == sim.state(run)
    if caught:
        assert [Reason.CANARY] == reasons(sim, run)
        for one in sim.pair:
            release(one, run)
    for name in PASSES:
        recipient, _ = ROWS[name]
        assert (set(recipient.certain), set(recipient.grey)) == sim.caf.fetch(run, sim.third_party, name)


@pytest.mark.parametrize("whose", ["caf", "cnous"])
def test_canaries_that_were_not_agreed_are_refused(sim: Simulation, whose):
    """Else a source could call people canaries to learn whether the recipient has them."""
    run = sim.sending(guards=CANARIES if whose == "caf" else ORDINARY)
    for name, pair in ROWS.items():
        for one, side in zip(sim.pair, pair, strict=True):
            hidden = [side.encoded.ids[0].tobytes()] if (one.party, name) == (whose, "jour") else []
            manifest, sealed = one.manifest(run, sim.third_party, name, side.encoded, canaries=hidden)
            one.upload(run, manifest, sealed)
    sim.work()
    refused = [(one["party"], one["reason"]) for one in sim.caf.get(f"/runs/{run.run}")["uploads"] if one["reason"]]
    assert ("sending", [(whose, "E_ANNEXE")]) == (sim.state(run), refused)


def again(sim: Simulation, agreement: str) -> Run:
    """Another run of an agreement, ready for uploads."""
    name = sim.caf.post("/runs", {"agreement": agreement}, 201)["run"]
    run = Run(agreement=agreement, run=name, comparison="caf.cnous")
    sim.cnous.approve(run)
    sim.work()
    return sim.keyed(run)


def test_a_file_is_compared_with_the_last_run_that_was_delivered(both: Simulation):
    """Held when it shrinks; the same size again is held too as long as the parties have refused, not once they agreed."""
    sim = both
    terms = GuardTerms(recipient=Tolerance(declared=40, previous=5), source=Tolerance(declared=40))
    first = sim.sending(guards=terms, max_runs=5)
    send(sim, first, ROWS)
    sim.work()
    assert "delivered" == sim.state(first)
    smaller = {name: rows_for(number, 100, certain=8, grey=4) for number, name in enumerate(PASSES)}
    states = []
    for decide in ("cancel", "release", None):
        run = again(sim, first.agreement)
        send(sim, run, smaller)
        sim.work()
        states.append(sim.state(run))
        if decide == "cancel":
            assert [Reason.PREVIOUS_SIZE] == reasons(sim, run)
            (signed,) = review(sim.cnous, run).holds
            sizes = Hold.opened(sim.third_party.signing_key, signed).sizes
            assert [(100, 199), (100, 199)] == [(one.before.least, one.before.most) for one in sizes if one.before]
            sim.caf.cancel(run)
        elif decide == "release":
            for one in sim.pair:
                release(one, run)
        sim.clock.advance(seconds=1)
    assert ["held", "held", "delivered"] == states


def test_no_count_stays_in_clear(both: Simulation):
    """What guards count is sealed, and gone with the run; what is remembered is three small numbers, until the agreement ends."""
    sim = both
    run = held(sim)
    with sim.site.database.write() as connection:
        assert 0 == connection.scalar(select(func.count()).select_from(findings))
        assert 1 == connection.scalar(select(func.count()).select_from(holds))
        (row,) = connection.execute(select(histories)).mappings()
        assert (run.run, "caf.cnous", 4, 4) == (
            row["run"],
            row["comparison"],
            row["recipient_step"],
            row["source_step"],
        )
        assert [] == pasts_of(connection, run.agreement, "caf.cnous", "another")  # held: not an example yet
    for one in sim.pair:
        release(one, run)
    with sim.site.database.write() as connection:
        assert 1 == len(pasts_of(connection, run.agreement, "caf.cnous", "another"))
        assert [] == pasts_of(connection, run.agreement, "caf.cnous", run.run)
        assert 0 == forget_pasts(connection, sim.clock())
        sim.clock.advance(days=91)
        assert 1 == forget_pasts(connection, sim.clock())
        assert 0 == forget_pasts(connection, sim.clock())
