"""Any history of a run: whatever parties, clock and worker do, in any order, the promises hold at each step."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from crypto.audit import Checkpoint, open_checkpoint, verify_consistency
from service.answers import RunView
from service.messages import (
    Acknowledgement,
    Approval,
    Cancellation,
    Confirmation,
    Receipt,
    RunState,
    SealedShare,
    log_origin,
)
from service.third_party.lifecycle import DEAD, HOLDS_ENCODINGS
from service.third_party.purge import PURGED
from tests.simulator import PASSES, Administration, Rows, Run, rows_for, simulation

PARTIES = st.sampled_from(["caf", "cnous"])
ROWS = {name: rows_for(number) for number, name in enumerate(PASSES)}
EXPECTED = {200, 201, 204, 401, 403, 404, 409, 422}
ORDER = [RunState.OPENED, RunState.JOINING, RunState.SENDING, RunState.MATCHING, RunState.DELIVERED]


class Histories(RuleBasedStateMachine):
    """One run under one agreement; rules are what parties, time and the worker may do."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = tempfile.mkdtemp(prefix="histories-")
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.sim = self.stack.enter_context(simulation(Path(folder) / "data"))
        self.approved: set[str] = set()
        self.seen: Checkpoint | None = None
        self.state = RunState.OPENED

    @initialize(steps=st.sampled_from([4, 4, 4, 3, 2, 1, 0]))
    def open(self, steps: int) -> None:
        """A run that the recipient has opened, and that has gone some steps of its way."""
        self.run_names: Run = self.sim.opened()
        self.approved.add("caf")
        for _ in range(steps):
            self.go_on()

    def teardown(self) -> None:
        self.stack.close()

    def party(self, name: str) -> Administration:
        return self.sim.caf if name == "caf" else self.sim.cnous

    def post(self, one: Administration, path: str, body: Any) -> int:
        data = None if body is None else json.dumps(body).encode()
        status = one.send("POST", f"/runs/{self.run_names.run}/{path}", data).status_code
        assert status in EXPECTED
        return status

    def declare(self, one: Administration, kind: Any, path: str, **members: Any) -> int:
        name = "from_" if kind in (SealedShare, Confirmation) else "party"
        about = {"agreement": self.run_names.agreement, "run": self.run_names.run, name: one.party}
        return self.post(one, path, kind(**about, **members).signed(one.identity.signing_key))

    @rule(name=PARTIES)
    def approve(self, name: str) -> None:
        if self.declare(self.party(name), Approval, "approval") == 200:
            self.approved.add(name)

    @rule(name=PARTIES)
    def share(self, name: str) -> None:
        other = "cnous" if name == "caf" else "caf"
        members = {"comparison": "caf.cnous", "to": other, "sealed": b"share"}
        self.declare(self.party(name), SealedShare, "shares", **members)

    @rule()
    def confirm_both(self) -> None:
        for one in self.sim.pair:
            self.declare(one, Confirmation, "confirmations", comparison="caf.cnous", tag="0" * 64)

    @rule(name=PARTIES, pass_name=st.sampled_from(PASSES), good=st.booleans())
    def upload(self, name: str, pass_name: str, *, good: bool) -> None:
        """A whole upload; a bad one holds an empty filter."""
        one, run = self.party(name), self.run_names
        ready = one.send("GET", f"/runs/{run.run}/worker-key").status_code == 200
        if not ready or self.view().state != RunState.SENDING:
            assert self.post(one, "uploads", {}) in {409, 422}
            return
        side = ROWS[pass_name][0 if name == "caf" else 1]
        rows = side if good else _spoilt(side)
        manifest, sealed = one.manifest(run, self.sim.third_party, pass_name, rows.encoded, chunks=1)
        response = one.send(
            "POST", f"/runs/{run.run}/uploads", json.dumps(manifest.signed(one.identity.signing_key)).encode()
        )
        assert response.status_code in {201, 409}
        if response.status_code == 201:
            upload = response.json()["data"]["upload"]
            path = f"/runs/{run.run}/uploads/{upload}"
            assert 204 == one.send("PUT", f"{path}/chunks/0", sealed[0]).status_code
            assert 200 == one.send("POST", f"{path}/complete").status_code

    @rule()
    def send_what_is_missing(self) -> None:
        """Both parties send good uploads for all that is not complete."""
        for name in ("caf", "cnous"):
            for pass_name in PASSES:
                self.upload(name, pass_name, good=True)

    @rule()
    def work(self) -> None:
        self.sim.work()

    @rule(hours=st.sampled_from([1, 30, 80, 800]))
    def wait(self, hours: int) -> None:
        self.sim.clock.advance(hours=hours)

    @rule(name=PARTIES)
    def acknowledge(self, name: str) -> None:
        status = self.declare(self.party(name), Acknowledgement, "acknowledgement")
        assert name == "caf" or status in {403, 409}

    @rule(name=PARTIES, sure=st.integers(0, 4))
    def cancel(self, name: str, sure: int) -> None:
        if sure == 0:  # seldom, so that histories go on
            self.declare(self.party(name), Cancellation, "cancellation")

    @rule()
    def go_on(self) -> None:
        """What well-behaved parties do next, so that histories reach their end."""
        state = self.view().state
        if state == RunState.OPENED:
            self.approve("cnous")
        elif state == RunState.JOINING:
            self.sim.work()
            self.confirm_both()
        elif state == RunState.SENDING:
            self.send_what_is_missing()
        elif state == RunState.MATCHING:
            self.sim.work()

    def view(self) -> RunView:
        return RunView.from_json(self.sim.caf.get(f"/runs/{self.run_names.run}"))

    @invariant()
    def promises_hold(self) -> None:
        """After every step, in this order."""
        self.the_state_goes_forward()
        self.nothing_goes_on_without_both()
        self.results_are_the_planted_ones_and_for_the_recipient()
        self.the_log_only_grows()
        self.what_is_over_is_destroyed()

    def the_state_goes_forward(self) -> None:
        """Never back, but from matching to sending; never out of a dead state."""
        state = self.view().state
        if self.state in DEAD:
            assert self.state == state
        elif state in ORDER:
            back = (self.state, state) == (RunState.MATCHING, RunState.SENDING)
            assert back or ORDER.index(self.state) <= ORDER.index(state)
        self.state = state

    def nothing_goes_on_without_both(self) -> None:
        """No key, no encoding and no result before both parties have approved."""
        if self.approved != {"caf", "cnous"}:
            assert self.state in {RunState.OPENED, RunState.CANCELLED, RunState.EXPIRED}
            assert not self.sim.site.vault.holds_run_key(self.run_names.run)

    def results_are_the_planted_ones_and_for_the_recipient(self) -> None:
        """Fetched in one state only, by one party only, and always the same."""
        path = f"/runs/{self.run_names.run}/deliveries/caf.cnous/jour"
        assert self.sim.cnous.send("GET", path).status_code in {403, 404}
        status = self.sim.caf.send("GET", path).status_code
        late = self.sim.clock() >= self.view().deadline
        assert (self.state == RunState.DELIVERED and not late) == (status == 200)
        if status == 200:
            expected = ROWS["jour"][0]
            fetched = self.sim.caf.fetch(self.run_names, self.sim.third_party, "jour")
            assert (set(expected.certain), set(expected.grey)) == fetched

    def the_log_only_grows(self) -> None:
        """Each checkpoint is the beginning of the next."""
        key, name = self.sim.site.log.public_key, log_origin(self.sim.third_party.party)
        now = open_checkpoint(self.sim.caf.get("/log/checkpoint")["checkpoint"], key, name)
        if self.seen is not None:
            query = f"/log/consistency?first={self.seen.size}&second={now.size}"
            proof = [bytes.fromhex(one) for one in self.sim.cnous.get(query)["proof"]]
            verify_consistency(self.seen.size, now.size, proof, self.seen.root, now.root)
        self.seen = now

    def what_is_over_is_destroyed(self) -> None:
        """A run that no longer needs its encodings holds none, and its receipt says so; the same for deliveries."""
        receipts = self.sim.cnous.get(f"/runs/{self.run_names.run}/receipts")
        kinds = [Receipt.opened(self.sim.third_party.signing_key, one["receipt"]).kind for one in receipts]
        assert len(kinds) == len(set(kinds))
        if self.state in HOLDS_ENCODINGS:
            assert [] == kinds
            return
        assert "encodings" in kinds
        assert not self.sim.site.vault.holds_run_key(self.run_names.run)
        assert not self.sim.site.blobs.holds(self.run_names.run)
        tables = list(PURGED["encodings"]) + (list(PURGED["deliveries"]) if self.state in DEAD else [])
        with self.sim.site.database.read() as connection:
            for table in tables:
                assert 0 == connection.scalar(select(func.count()).select_from(table))


def _spoilt(rows: Rows) -> Rows:
    filters = rows.encoded.filters.copy()
    filters[0] = 0
    return Rows(encoded=type(rows.encoded)(ids=rows.encoded.ids, tags=rows.encoded.tags, filters=filters))


# A step costs a second: the whole failing history is printed, and not shortened by trying hundreds of others.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
TestHistories = Histories.TestCase
TestHistories.settings = settings(CALM, max_examples=6, stateful_step_count=12)


@pytest.mark.soak
class TestLongHistories(Histories.TestCase):  # type: ignore[valid-type,misc]
    """Many more, and longer."""

    settings = settings(CALM, max_examples=400, stateful_step_count=40)
