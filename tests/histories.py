"""A third party driven by any history of requests, time and work, beside a model that says what each step must give.

`Histories` is a Hypothesis machine over the third party's own functions in this process (what stands between a request and them,
signatures and admission, has tests of its own; one rule spends and replays nonces all the same). The model is written
from the documents, not from the code: states, who may do what, deadlines, what is due to be destroyed. After every step the third
party is compared with the model: whatever was acknowledged is there, whatever is over is gone, the log goes on.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from crypto.audit import MerkleTree, leaf_hash, open_checkpoint, verify_consistency, verify_inclusion
from crypto.errors import CryptoError
from crypto.framing import to_base64
from crypto.sealing import unseal
from linkage.wire import delivery_from_bytes
from service.agreement import Agreement, Retention, Validity
from service.errors import ServiceError
from service.guard_terms import GuardTerms
from service.messages import (
    Acknowledgement,
    Approval,
    Cancellation,
    Confirmation,
    Delivery,
    Receipt,
    SealedShare,
    Statement,
    WorkerKey,
    delivery_context,
    log_origin,
    statement_digest,
)
from service.review import Release
from service.third_party import agreements, purge, reviews, runs, upkeep, uploads
from service.third_party.authentication import Request, authenticate
from service.third_party.purge import PURGED
from service.third_party.run_store import load_run
from service.third_party.schema import log_leaves, receipts
from service.third_party.site import Site, open_site
from service.third_party.storage import Storage
from service.third_party.worker import Worker
from tests.simulator import BASE, PASSES, Administration, HandClock, Rows, Run, Simulation, pass_plan, rows_for

PARTIES = st.sampled_from(["caf", "cnous"])
ANYBODY = st.sampled_from(["caf", "cnous", "dgfip"])
LIVE = {"opened", "joining", "sending", "matching", "held", "delivered"}
WAITS = {"held", "delivered"}  # for its recipients: encodings are gone
COMPARISON = "caf.cnous"

# What each action needs of a run; None: nothing.
ALLOWED: dict[str, set[str] | None] = {
    "approve": {"opened", "joining"},
    "cancel": LIVE | {"cancelled"},
    "key": {"joining", "sending", "matching"},
    "share": {"joining"},
    "confirm": {"joining", "sending"},
    "declare": {"sending"},
    "chunk": {"sending"},
    "complete": {"sending", "matching"},
    "status": {"sending", "matching"},
    "release": {"held", "delivered"},
    "fetch": {"delivered"},
    "list": {"delivered"},
    "acknowledge": {"delivered", "closed"},
    "receipts": None,
}
FOR_RECIPIENTS = {"fetch", "list", "acknowledge"}


class Party(Administration):
    """An administration that calls the third party's functions."""

    site: Site

    def worker_key(self, run: Run, third_party: Any) -> bytes:
        signed = runs.worker_key(self.site, self.caller, run.run)
        return WorkerKey.opened(third_party.signing_key, signed).sealing_key

    def signed(self, kind: type[Statement], run: Run, **members: Any) -> dict[str, Any]:
        """A statement of this party about a run."""
        name = "from_" if kind in (SealedShare, Confirmation) else "party"
        about = {"agreement": run.agreement, "run": run.run, name: self.party}
        return kind(**{**about, **members}).signed(self.identity.signing_key)


@dataclass
class World:
    """A third party that many histories share, one after the other; its clock only goes forward."""

    sim: Simulation
    database_url: str
    site: Site = field(init=False)
    parties: dict[str, Party] = field(init=False)
    tree: MerkleTree = field(default_factory=MerkleTree)  # of the leaves as they stand in the table
    seen: Any = None  # the last checkpoint
    spent: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)  # of workers: there is nothing to complain of

    def __post_init__(self) -> None:
        self.site = self.sim.site
        everybody = (self.sim.caf, self.sim.cnous, self.sim.dgfip)
        self.parties = {one.party: Party(identity=one.identity, http=one.http, clock=one.clock) for one in everybody}
        self._tell()
        self.spend_a_nonce()  # a rule that earlier histories make possible would make later ones differ for one seed

    def spend_a_nonce(self) -> None:
        """A signed request is taken; every history after it may send it again."""
        sent = self.parties["caf"].request("GET", "/runs")
        fields = [(name.lower(), value) for name, value in sent.headers.items()]
        request = Request(method="GET", url=f"{BASE}/v1/runs", fields=fields, announces_body=False)
        assert "caf" == authenticate(self.site, request).party
        self.spent.append(request)

    @property
    def clock(self) -> HandClock:
        return self.sim.clock

    def reopen(self) -> None:
        """What a restart leaves: the files and the database, nothing of the memory."""
        if self.site is not self.sim.site:
            self.site.database.close()
        self.site = open_site(self.sim.data, self.clock, Storage(database=self.database_url))
        self._tell()

    def _tell(self) -> None:
        for one in self.parties.values():
            one.site = self.site

    def close(self) -> None:
        if self.site is not self.sim.site:
            self.site.database.close()


class _EndsAfter(threading.Event):
    """Set once it has been asked a number of times: a worker that is told to stop in the middle of its work."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


@dataclass
class Sent:
    """An upload as its party knows it."""

    upload: str
    signed: dict[str, Any]
    chunks: list[bytes]
    kind: str  # good, spoilt, bait
    held: set[int] = field(default_factory=set)
    state: str = "receiving"


@dataclass
class Model:
    """What is known of one run."""

    names: Run
    opened_at: datetime
    hours: int
    days: int
    passes: tuple[str, ...]
    state: str = "opened"
    approvals: set[str] = field(default_factory=set)
    shares: dict[str, Any] = field(default_factory=dict)
    confirmations: dict[str, Any] = field(default_factory=dict)
    sent: dict[tuple[str, str], Sent] = field(default_factory=dict)
    has_key: bool = False
    delivered_at: datetime | None = None
    baited: bool = False
    released: set[str] = field(default_factory=set)
    acknowledged: bool = False
    due: set[tuple[str, str]] = field(default_factory=set)  # (kind, cause) decided, perhaps not carried out
    receipts: set[tuple[str, str]] = field(default_factory=set)  # (kind, cause)
    proved: set[tuple[str, str]] = field(default_factory=set)  # those of them whose truth was checked

    @property
    def deadline(self) -> datetime:
        if self.delivered_at is not None:
            return self.delivered_at + timedelta(days=self.days)
        return self.opened_at + timedelta(hours=self.hours)

    def refusal(self, action: str, who: str, now: datetime) -> str | None:
        """The code with which an action must be refused, before anything of it is looked at."""
        if who == "dgfip":
            return "E_INTROUVABLE"
        if action in FOR_RECIPIENTS and who != "caf":
            return "E_ACCES_REFUSE"
        allowed = ALLOWED[action]
        late = self.state in LIVE and now >= self.deadline
        if allowed is not None and (late or self.state not in allowed):
            return "E_ETAT"
        return None

    def end(self, state: str, cause: str) -> None:
        """The run is over: all it held is to be destroyed."""
        if self.delivered_at is not None and not self.acknowledged:
            self._due("deliveries", cause)
        if self.delivered_at is None:
            self._due("encodings", cause)
        self.state = state

    def deliver(self, now: datetime) -> None:
        """The comparison is over: encodings are to be destroyed, results wait or are held."""
        self.delivered_at, self.state = now.replace(microsecond=0), "held" if self.baited else "delivered"
        self._due("encodings", "rapprochement_termine")

    def _due(self, kind: str, cause: str) -> None:
        if kind not in {one for one, _ in self.due | self.receipts}:
            self.due.add((kind, cause))

    def destroy(self) -> None:
        """What was decided is carried out."""
        self.receipts |= self.due
        self.due = set()


@cache
def planted(pass_name: str) -> tuple[Rows, Rows, bytes, bytes]:
    """Both sides of a pass, and (recipient's id, source's id) of one certain link."""
    ours, theirs = rows_for(PASSES.index(pass_name))
    ids = [one.tobytes() for one in ours.encoded.ids]
    bait = min(ours.certain)
    row = ours.encoded.filters[ids.index(bait)]
    nearest = int(np.bitwise_count(theirs.encoded.filters ^ row).sum(axis=1).argmin())
    return ours, theirs, bait, theirs.encoded.ids[nearest].tobytes()


def spoilt(rows: Rows) -> Rows:
    """The same with an empty filter, which no encoder makes."""
    filters = rows.encoded.filters.copy()
    filters[0] = 0
    return Rows(encoded=type(rows.encoded)(ids=rows.encoded.ids, tags=rows.encoded.tags, filters=filters))


class Histories(RuleBasedStateMachine):
    """One agreement and its runs; rules are what parties, time, workers and accidents may do."""

    world: World  # set by whoever runs the machine

    @initialize(
        steps=st.integers(0, 7),
        passes=st.sampled_from([PASSES[:1], PASSES[:1], PASSES]),
        hours=st.sampled_from([1, 72]),
        days=st.sampled_from([1, 30]),
        grey=st.sampled_from(["information_seule", "ecarter"]),
    )
    def agree(self, steps: int, passes: tuple[str, ...], hours: int, days: int, grey: str) -> None:
        """An agreement of both, a run that the recipient opened, and some steps on its way."""
        self.models: list[Model] = []
        now = self.world.clock()
        agreement = self.world.sim.agreement(
            grey_policy=grey,
            max_runs=2,
            guards=GuardTerms(canaries=1),
            valid=Validity(
                not_before=now.replace(microsecond=0) - timedelta(days=1), not_after=now + timedelta(days=60)
            ),
            retention=Retention(
                encodings_hours=hours, hits_days=days, results_months=12, traces_months=36, objection_months=12
            ),
        )
        comparison = agreement.comparisons[0]
        plan = replace(comparison.plan, passes=tuple(map(pass_plan, passes)))
        self.agreement: Agreement = replace(agreement, comparisons=(replace(comparison, plan=plan),))
        self.grey = grey == "information_seule"
        self.propose_and_sign()
        self.open_run("caf")
        for _ in range(steps):
            self.go_on()

    # What the machine uses

    def at(self, name: str) -> Party:
        return self.world.parties[name]

    @property
    def site(self) -> Site:
        return self.world.site

    @property
    def model(self) -> Model:
        """The run that requests are about: the last one."""
        return self.models[-1]

    def ask(self, expected: str | None, call: Callable[[], Any]) -> Any:
        """Call, and compare what happens with what must; returns what was answered."""
        try:
            answer, code = call(), None
        except (ServiceError, CryptoError) as refusal:
            answer, code = None, refusal.code
        assert expected == code, f"expected {expected or 'an answer'}, got {code or 'an answer'}"
        return answer

    # The agreement

    @rule()
    def propose_and_sign(self) -> None:
        """As often as one wants: the second time changes nothing."""
        identifier, document = self.agreement.identifier, self.agreement.to_json()
        for name in ("caf", "cnous"):
            one = self.at(name)
            signature = to_base64(self.agreement.signature(one.identity.signing_key))
            if name == "caf":
                body = {"document": document, "signature": signature}
                assert identifier == agreements.propose(self.site, one.caller, body)
            view = agreements.sign(self.site, one.caller, identifier, {"signature": signature})
        assert view.active

    @rule(name=ANYBODY)
    def sign_for_somebody_else(self, name: str) -> None:
        """A signature of the other party, or of a stranger, is nobody's."""
        other = self.at("cnous" if name == "caf" else "caf")
        body = {"signature": to_base64(self.agreement.signature(other.identity.signing_key))}
        self.ask(
            "E_SIGNATURE", lambda: agreements.sign(self.site, self.at(name).caller, self.agreement.identifier, body)
        )

    @precondition(lambda self: len(self.models) < 2 or self.models[-1].state not in LIVE)
    @rule(name=ANYBODY)
    def open_run(self, name: str) -> None:
        """At most two of an agreement; one that ended before anybody's people were encoded does not count."""
        body, now = {"agreement": self.agreement.identifier}, self.world.clock()
        counted = sum(one.state in LIVE or self._received(one) for one in self.models)
        expected = None
        if name == "dgfip":
            expected = "E_INTROUVABLE"
        elif not self.agreement.valid.not_before <= now.replace(microsecond=0) < self.agreement.valid.not_after:
            expected = "E_VALIDITE"
        elif counted >= 2:
            expected = "E_QUOTA_CROISEMENTS"
        run = self.ask(expected, lambda: runs.open_run(self.site, self.at(name).caller, body))
        if run is not None:
            retention = self.agreement.retention
            names = Run(agreement=self.agreement.identifier, run=run, comparison=COMPARISON)
            passes = tuple(one.name for one in self.agreement.comparisons[0].plan.passes)
            model = Model(names, now.replace(microsecond=0), retention.encodings_hours, retention.hits_days, passes)
            model.approvals.add(name)
            self.models.append(model)

    def _received(self, model: Model) -> bool:
        return model.delivered_at is not None or any(one.state != "receiving" for one in model.sent.values())

    # Joining

    @rule(name=ANYBODY)
    def approve(self, name: str) -> None:
        model = self.model
        expected = model.refusal("approve", name, self.world.clock())
        signed = self.at(name).signed(Approval, model.names)
        self.ask(expected, lambda: runs.approve(self.site, self.at(name).caller, model.names.run, signed))
        if expected is None:
            model.approvals.add(name)
            if model.approvals == {"caf", "cnous"} and model.state == "opened":
                model.state = "joining"

    @rule(name=PARTIES, forged=st.booleans())
    def approve_for_the_other(self, name: str, *, forged: bool) -> None:
        """The other's approval sent by oneself, or one's own in the other's name."""
        model, other = self.model, self.at("cnous" if name == "caf" else "caf")
        signed = other.signed(Approval, model.names)
        if forged:
            signed = self.at(name).signed(Approval, model.names, party=other.party)
        expected = model.refusal("approve", name, self.world.clock()) or ("E_MESSAGE" if forged else "E_SIGNATURE")
        self.ask(expected, lambda: runs.approve(self.site, self.at(name).caller, model.names.run, signed))

    @rule(name=ANYBODY, again=st.booleans())
    def share(self, name: str, *, again: bool) -> None:
        """A sealed share; the same one again is taken, another is not."""
        model, other = self.model, "cnous" if name == "caf" else "caf"
        fresh = self.at(name).signed(
            SealedShare, model.names, comparison=COMPARISON, to=other, sealed=secrets.token_bytes(8)
        )
        held = model.shares.get(name)
        signed = held if again and held else fresh
        expected = model.refusal("share", name, self.world.clock())
        if expected is None and held not in (None, signed):
            expected = "E_DEJA_DEPOSE"
        self.ask(expected, lambda: runs.send_share(self.site, self.at(name).caller, model.names.run, signed))
        if expected is None:
            model.shares[name] = signed

    @rule(name=ANYBODY, again=st.booleans())
    def confirm(self, name: str, *, again: bool) -> None:
        """A confirmation of the run's key; the last one opens the way to uploads."""
        model, held = self.model, self.model.confirmations.get(name)
        fresh = self.at(name).signed(Confirmation, model.names, comparison=COMPARISON, tag=secrets.token_hex(32))
        signed = held if again and held else fresh
        expected = model.refusal("confirm", name, self.world.clock())
        if expected is None and held not in (None, signed):
            expected = "E_DEJA_DEPOSE"
        self.ask(expected, lambda: runs.send_confirmation(self.site, self.at(name).caller, model.names.run, signed))
        if expected is None:
            model.confirmations[name] = signed
            if len(model.confirmations) == 2 and model.state == "joining":
                model.state = "sending"

    @rule(name=ANYBODY)
    def read_the_key(self, name: str) -> None:
        model = self.model
        expected = model.refusal("key", name, self.world.clock()) or (None if model.has_key else "E_PATIENTER")
        self.ask(expected, lambda: runs.worker_key(self.site, self.at(name).caller, model.names.run))

    # Uploads

    @precondition(lambda self: self.model.has_key and self.model.state in {"joining", "sending", "matching"})
    @rule(name=PARTIES, index=st.integers(0, 1), kind=st.sampled_from(["good", "good", "good", "spoilt", "bait"]))
    def declare(self, name: str, index: int, kind: str) -> None:
        """A manifest: a first one, or one that replaces what is not complete or was refused."""
        self._declare(name, index, kind)

    def _declare(self, name: str, index: int, kind: str) -> Sent | None:
        model, one = self.model, self.at(name)
        pass_name = model.passes[index % len(model.passes)]
        expected, old = model.refusal("declare", name, self.world.clock()), model.sent.get((pass_name, name))
        if expected is None and old is not None and old.state == "complete":
            expected = "E_DEJA_DEPOSE"
        ours, theirs, _, bait = planted(pass_name)
        rows = ours if name == "caf" else theirs
        canaries = [bait] if kind == "bait" and name == "cnous" else []
        try:
            manifest, chunks = one.manifest(
                model.names,
                self.world.sim.third_party,
                pass_name,
                (spoilt(rows) if kind == "spoilt" else rows).encoded,
                canaries=canaries,
            )
        except ServiceError as refusal:
            assert ("E_ETAT", "E_ETAT") == (expected, refusal.code)  # noqa: PT017 - the run is late: both ends are right
            return None
        signed = manifest.signed(one.identity.signing_key)
        upload = self.ask(expected, lambda: uploads.declare(self.site, one.caller, model.names.run, signed))
        if upload is None:
            return None
        real = "good" if kind == "bait" and not canaries else kind  # only a source hides canaries
        model.sent[pass_name, name] = Sent(upload, signed, chunks, real)
        return model.sent[pass_name, name]

    @precondition(lambda self: bool(self.model.sent))
    @rule(data=st.data())
    def declare_again(self, data: st.DataObject) -> None:
        """The same manifest is the same upload, whatever was sent of it meanwhile."""
        (pass_name, name), sent = self._one_sent(data)
        expected = self.model.refusal("declare", name, self.world.clock())
        if sent.state == "refused":
            return
        upload = self.ask(
            expected, lambda: uploads.declare(self.site, self.at(name).caller, self.model.names.run, sent.signed)
        )
        assert upload in (None, sent.upload), pass_name

    @precondition(lambda self: bool(self.model.sent))
    @rule(data=st.data(), number=st.integers(0, 2), wrong=st.booleans())
    def put_chunk(self, data: st.DataObject, number: int, *, wrong: bool) -> None:
        """Any chunk in any order, as often as one wants; another content is not taken."""
        (_, name), sent = self._one_sent(data)
        self._put(name, sent, number, wrong=wrong)

    def _put(self, name: str, sent: Sent, number: int, *, wrong: bool = False) -> None:
        model, one = self.model, self.at(name)
        expected = model.refusal("chunk", name, self.world.clock())
        if expected is None and sent.state == "refused":
            expected = "E_ETAT"
        if expected is None and number >= len(sent.chunks):
            expected = "E_INTROUVABLE"
        content = secrets.token_bytes(9) if wrong or number >= len(sent.chunks) else sent.chunks[number]
        if expected is None and wrong:
            expected = "E_MORCEAU_ALTERE"

        def put() -> None:
            chunk = uploads.expect_chunk(self.site, one.caller, model.names.run, sent.upload, str(number))
            uploads.put_chunk(self.site, one.caller, chunk, content)

        self.ask(expected, put)
        if expected is None:
            sent.held.add(number)

    @precondition(lambda self: bool(self.model.sent))
    @rule(data=st.data())
    def put_into_the_other_ones(self, data: st.DataObject) -> None:
        """Somebody else's upload does not exist."""
        (_, name), sent = self._one_sent(data)
        model, other = self.model, "cnous" if name == "caf" else "caf"
        expected = model.refusal("chunk", other, self.world.clock()) or "E_INTROUVABLE"
        self.ask(
            expected, lambda: uploads.expect_chunk(self.site, self.at(other).caller, model.names.run, sent.upload, "0")
        )

    @precondition(lambda self: bool(self.model.sent))
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """The end of an upload; the last one of all asks for the matching."""
        (_, name), sent = self._one_sent(data)
        self._complete(name, sent)

    def _complete(self, name: str, sent: Sent) -> None:
        model = self.model
        expected = model.refusal("complete", name, self.world.clock())
        if expected is None and sent.state == "refused":
            expected = "E_ETAT"
        if expected is None and sent.state == "receiving" and len(sent.held) < len(sent.chunks):
            expected = "E_MORCEAUX_MANQUANTS"
        self.ask(expected, lambda: uploads.complete(self.site, self.at(name).caller, model.names.run, sent.upload))
        if expected is None:
            sent.state = "complete"
            whole = {(one, party) for one in model.passes for party in ("caf", "cnous")}
            if model.state == "sending" and {k for k, one in model.sent.items() if one.state == "complete"} == whole:
                model.state = "matching"

    @precondition(lambda self: self.model.has_key and self.model.state == "sending")
    @rule(kinds=st.lists(st.sampled_from(["good"] * 6 + ["spoilt", "bait"]), min_size=4, max_size=4))
    def send_what_is_missing(self, kinds: list[str]) -> None:
        """Both parties send all that is not complete."""
        for number, name in enumerate(("caf", "cnous")):
            for index, pass_name in enumerate(self.model.passes):
                held = self.model.sent.get((pass_name, name))
                if held is not None and held.state == "complete":
                    continue
                sent = self._declare(name, index, kinds[2 * number + index])
                for place in range(len(sent.chunks)) if sent else ():
                    self._put(name, sent, place)  # type: ignore[arg-type]
                if sent:
                    self._complete(name, sent)

    def _one_sent(self, data: st.DataObject) -> tuple[tuple[str, str], Sent]:
        names = sorted(self.model.sent)
        name = data.draw(st.sampled_from(names), label="upload")
        return name, self.model.sent[name]

    # Time, work, accidents

    @rule(span=st.sampled_from([1, 300, 1800, 3600, 3 * 3600, 80 * 3600, 800 * 3600]))
    def wait(self, span: int) -> None:
        self.world.clock.advance(seconds=span)

    @rule(off=st.sampled_from([-1, 0, 1]))
    def wait_until_the_deadline(self, off: int) -> None:
        """To the very second of the deadline, one before, one after."""
        if self.model.state in LIVE:
            moment = self.model.deadline + timedelta(seconds=off)
            self.world.clock.moment = max(self.world.clock.moment, moment)

    @rule()
    def tend(self) -> None:
        """What a worker does though nobody asks."""
        upkeep.tend(self.site, self._no_complaint)
        self._tended()

    @rule()
    def work(self) -> None:
        """A worker does all there is to do."""
        self._worker(threading.Event()).run(once=True)
        self._worked()

    @precondition(lambda self: self.model.state == "matching")
    @rule(after=st.integers(1, 40))
    def work_interrupted(self, after: int) -> None:
        """A worker that is stopped somewhere, then another one."""
        with suppress(StopIteration):
            self._worker(_EndsAfter(after)).run(once=True)
        self._worker(threading.Event()).run(once=True)
        self._worked()

    @rule()
    def restart(self) -> None:
        """The process is another: what it answered is still true."""
        self.world.reopen()

    @rule()
    def sweep(self) -> None:
        """Files that nothing names are dropped, and no other."""
        upkeep.sweep_files(self.site)

    def _worker(self, stop: threading.Event) -> Worker:
        return Worker(site=self.site, stop=stop, emit=self._emit)

    def _emit(self, line: str) -> None:
        if '"error"' in line:
            self.world.complaints.append(line)

    def _no_complaint(self, error: BaseException) -> None:
        raise AssertionError from error

    def _tended(self) -> None:
        """The model after `tend`."""
        now = self.world.clock()
        for model in self.models:
            if model.state in LIVE and now >= model.deadline:
                model.end("closed" if model.state == "delivered" else "expired", "expiration")
            model.destroy()
            if model.state in {"joining", "sending"}:
                model.has_key = True

    def _worked(self) -> None:
        """The model after a worker: what was due, then every job."""
        self._tended()
        for model in self.models:
            if model.state != "matching":
                continue
            faulty = [one for one in model.sent.values() if one.kind == "spoilt"]
            for one in faulty:
                one.state = "refused"
            if faulty:
                model.state = "sending"
            else:
                model.baited = any(one.kind == "bait" for one in model.sent.values())
                model.deliver(self.world.clock())
            model.destroy()

    # Results

    @rule(name=ANYBODY, index=st.integers(0, 1))
    def fetch(self, name: str, index: int) -> None:
        """The recipient gets the planted links of the pass and nothing else; nobody else gets anything, ever."""
        model, one = self.model, self.at(name)
        pass_name = model.passes[index % len(model.passes)]
        expected = model.refusal("fetch", name, self.world.clock())
        if expected is None and model.acknowledged:
            expected = "E_INTROUVABLE" if not model.due else expected
        try:
            signed = uploads.read_delivery(self.site, one.caller, model.names.run, COMPARISON, pass_name)
        except (ServiceError, CryptoError) as refusal:
            assert expected == refusal.code, refusal.code  # noqa: PT017 - both ends are right
            return
        assert expected is None, "fetched what nobody may fetch"
        delivery = Delivery.opened(self.world.sim.third_party.signing_key, signed)
        info = delivery_context(model.names.agreement, model.names.run, COMPARISON, pass_name, name)
        found = delivery_from_bytes(unseal(one.identity.sealing_key, delivery.sealed, info))
        certain, grey = ({row.tobytes() for row in rows} for rows in (found[0], found[1]))
        ours, _, bait, _ = planted(pass_name)
        with_bait = model.sent[pass_name, "cnous"].kind == "bait"
        assert certain - {bait} == ours.certain - {bait}
        assert with_bait or certain == ours.certain
        assert grey == (ours.grey if self.grey else frozenset())

    @rule(name=ANYBODY)
    def list_deliveries(self, name: str) -> None:
        model = self.model
        expected = model.refusal("list", name, self.world.clock())
        found = self.ask(expected, lambda: uploads.list_deliveries(self.site, self.at(name).caller, model.names.run))
        if found is not None:
            assert sorted(model.passes) == sorted(one.pass_ for one in found)

    @rule(name=ANYBODY, crash=st.booleans())
    def acknowledge(self, name: str, *, crash: bool) -> None:
        """The recipient has its results: they are destroyed here, at once or after a crash."""
        model = self.model
        signed = self.at(name).signed(Acknowledgement, model.names)
        expected = model.refusal("acknowledge", name, self.world.clock())
        if expected is None and not model.acknowledged and model.state != "delivered":
            expected = "E_ETAT"
        self.ask(expected, lambda: runs.acknowledge(self.site, self.at(name).caller, model.names.run, signed))
        if expected is None and not model.acknowledged:
            model._due("deliveries", "accuse_reception")
            model.acknowledged, model.state = True, "closed"
            self._then_destroy(crash=crash)

    @rule(name=ANYBODY)
    def release(self, name: str) -> None:
        """Both must release what was held."""
        model = self.model
        signed = self.at(name).signed(Release, model.names)
        expected = model.refusal("release", name, self.world.clock())
        if expected is None and model.state != "held" and name not in model.released:
            expected = "E_ETAT"
        self.ask(expected, lambda: reviews.release(self.site, self.at(name).caller, model.names.run, signed))
        if expected is None:
            model.released.add(name)
            if model.released == {"caf", "cnous"}:
                model.state = "delivered"

    @rule(name=ANYBODY)
    def read_the_review(self, name: str) -> None:
        """The source reads why; the recipient that there is a review, not why."""
        model = self.model
        expected = "E_INTROUVABLE" if name == "dgfip" else None
        view = self.ask(expected, lambda: reviews.read_review(self.site, self.at(name).caller, model.names.run))
        if view is not None:
            assert (model.state == "held") == view.held
            assert not view.holds or name == "cnous"

    @rule(name=ANYBODY, sure=st.integers(0, 3), crash=st.booleans())
    def cancel(self, name: str, sure: int, *, crash: bool) -> None:
        """Seldom, so that histories go on."""
        if sure:
            return
        model = self.model
        signed = self.at(name).signed(Cancellation, model.names)
        expected = model.refusal("cancel", name, self.world.clock())
        self.ask(expected, lambda: runs.cancel(self.site, self.at(name).caller, model.names.run, signed))
        if expected is None and model.state != "cancelled":
            model.end("cancelled", "annulation")
            self._then_destroy(crash=crash)

    def _then_destroy(self, *, crash: bool) -> None:
        """What a request does after its transaction, unless the process dies in between."""
        if not crash:
            purge.resume(self.site, self._no_complaint)
            for model in self.models:
                model.destroy()

    # Requests

    @rule()
    def spend_a_nonce(self) -> None:
        """A signed request is taken once."""
        self.world.spend_a_nonce()

    @rule(back=st.integers(1, 20))
    def replay(self, back: int) -> None:
        """And never again, whatever happened since."""
        request = self.world.spent[-min(back, len(self.world.spent))]
        self.ask("E_REQUETE_NON_SIGNEE", lambda: authenticate(self.site, request))

    @rule()
    def go_on(self) -> None:
        """What well-behaved parties do next, so that histories reach their end."""
        state = self.model.state
        if state == "opened":
            self.approve("caf")
            self.approve("cnous")
        elif state == "joining":
            self.tend()
            if self.model.state == "joining":
                self.confirm("caf", again=True)
                self.confirm("cnous", again=True)
        elif state == "sending":
            self.tend()
            if self.model.state == "sending":
                self.send_what_is_missing(["good"] * 4)
        elif state == "matching":
            self.work()
        elif state == "held":
            self.release("caf")
            self.release("cnous")
        elif state == "delivered":
            self.fetch("caf", 0)
            self.acknowledge("caf", crash=False)

    # Promises

    @invariant()
    def promises_hold(self) -> None:
        """After every step."""
        assert [] == self.world.complaints
        with self.site.database.read() as connection:
            for model in getattr(self, "models", ()):
                self._as_the_model(connection, model)
                if model.receipts != model.proved or not self._proofs(connection, model):
                    self._over_is_gone(connection, model)
                    model.proved = set(model.receipts)
            self._log_goes_on(connection)

    def _as_the_model(self, connection: Any, model: Model) -> None:
        """Nothing acknowledged is lost, nothing else happened, deadlines stand where they stood."""
        view = runs.view(connection, load_run(connection, model.names.run))
        assert (model.state, model.deadline) == (str(view.state), view.deadline)
        assert sorted(model.approvals) == list(view.approvals)
        if model.state in LIVE - WAITS:
            assert len(model.confirmations) == view.confirmations
            expected = {(*name, one.state) for name, one in model.sent.items()}
            assert expected == {(one.pass_, one.party, str(one.state)) for one in view.uploads}
        assert view.progress.total == len(model.passes)
        if model.approvals != {"caf", "cnous"}:
            assert not self.site.vault.holds_run_key(model.names.run), "a key before both approved"
            assert model.state in {"opened", "cancelled", "expired"}
        if model.state == "sending":
            for (_, name), sent in model.sent.items():
                if sent.state == "receiving" and self.world.clock() < model.deadline:
                    status = uploads.status(self.site, self.at(name).caller, model.names.run, sent.upload)
                    assert set(range(len(sent.chunks))) - sent.held == set(status.missing)

    def _proofs(self, connection: Any, model: Model) -> bool:
        """Whether there are as many receipts as were proved before."""
        return self._rows(connection, receipts, model.names.run) == len(model.proved)

    def _over_is_gone(self, connection: Any, model: Model) -> None:
        """Receipts are those of the model and true: signed, logged, and nothing of what they name is left."""
        run = model.names.run
        views = purge.receipts_of(self.site, connection, run)
        opened = [Receipt.opened(self.world.sim.third_party.signing_key, one.receipt) for one in views]
        found = sorted((one.kind, one.cause) for one in opened)
        assert sorted(model.receipts) == found, f"receipts {found} of a run {model.state}"
        for one in views:
            leaf, proof = leaf_hash(one.log.leaf), [bytes.fromhex(node) for node in one.log.proof]
            note = self._opened(one.log.checkpoint)
            verify_inclusion(leaf, one.log.index, note.size, proof, note.root)
            assert statement_digest(one.receipt).encode() in one.log.leaf
        for receipt in opened:
            tables = PURGED[receipt.kind]  # type: ignore[index]
            held = [table.name for table in tables if "run" in table.c and self._rows(connection, table, run)]
            assert [] == held
            if receipt.kind == "encodings":
                assert not self.site.vault.holds_run_key(run)
                assert not self.site.blobs.holds(run)
        if model.state in LIVE - WAITS and model.has_key:
            assert self.site.vault.holds_run_key(run), "a key destroyed too early"

    def _rows(self, connection: Any, table: Any, run: str) -> int:
        return int(connection.scalar(select(func.count()).select_from(table).where(table.c.run == run)))

    def _opened(self, text: str) -> Any:
        return open_checkpoint(text, self.site.log.public_key, log_origin(self.world.sim.third_party.party))

    def _log_goes_on(self, connection: Any) -> None:
        """Every leaf is what its hash says, the checkpoint is theirs, and the last one seen is its beginning."""
        world = self.world
        fresh = select(log_leaves.c.leaf, log_leaves.c.hash).where(log_leaves.c.seq >= world.tree.size)
        for leaf, hashed in connection.execute(fresh.order_by(log_leaves.c.seq)):
            assert leaf is None or leaf_hash(leaf) == hashed
            world.tree.append(hashed)
        note = self._opened(self.site.log.checkpoint(connection)[0])
        assert (world.tree.size, world.tree.root()) == (note.size, note.root)
        if world.seen is not None:
            proof = [bytes.fromhex(one) for one in self.site.log.consistency(connection, world.seen.size, note.size)]
            verify_consistency(world.seen.size, note.size, proof, world.seen.root, note.root)
        world.seen = note

    def teardown(self) -> None:
        """The next history finds nothing alive: what is left is ended, and everything is checked once more."""
        for model in getattr(self, "models", ()):
            if model.state in LIVE:
                self.world.clock.moment = max(self.world.clock.moment, model.deadline)
        if hasattr(self, "models"):
            self.tend()
            for model in self.models:
                model.proved = set()
            self.promises_hold()


OPERATIONS = sorted(name for name, one in vars(Histories).items() if hasattr(one, "hypothesis_stateful_rule"))


def run_histories(world: World, count: int, steps: int, seed: int) -> None:
    """Runs a number of histories, each of so many steps at most, that depend on the seed alone."""
    machine = type("Histories", (Histories,), {"world": world})
    # A failing history is printed as it was found: shortening it would try hundreds of others.
    calm = settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        database=None,
    )
    run_state_machine_as_test(with_seed(seed)(machine), settings=calm)
