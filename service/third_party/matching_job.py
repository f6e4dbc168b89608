"""The work of one job: every upload of a run judged, every pass compared piece by piece, deliveries stored, the run moved on.

It is a sequence of small steps, each of which looks first whether it was done before and keeps what it finds, sealed (`pieces`),
in a transaction that checks the lease. So the work can be killed between any two instructions, begun again by anybody, and done
twice by a worker that was thought dead: the result is the same bytes, and nothing is stored twice. What a step answers holds
counts only, and decides alone which steps come next, so that an engine may keep the answers and not take the same steps again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeAlias, cast

from sqlalchemy import Connection

from crypto.errors import KeyAbsent
from crypto.sealing import SealingKey
from service.agreement import Agreement
from service.errors import ServiceError
from service.messages import UploadState, statement_digest
from service.third_party import guards, jobs, matching, sealed_deliveries
from service.third_party.guards import PassFinding
from service.third_party.journal import Emit, pass_line
from service.third_party.leases import Lease
from service.third_party.lifecycle import Event, hits_deadline
from service.third_party.parcels import (
    Upload,
    deliveries_of,
    drop_deliveries,
    set_upload,
    uploads_of,
)
from service.third_party.pieces import (
    BAIT,
    LINKS,
    LinksPiece,
    PieceName,
    count_pieces,
    drop_links,
    drop_pieces,
    keep_piece,
    load_piece,
    open_judgement,
    open_links,
    seal_judgement,
    seal_links,
)
from service.third_party.piecewise import Cursor, assembled
from service.third_party.purge import decide, decide_all
from service.third_party.review_store import drop_findings
from service.third_party.run_store import load_run, set_run
from service.third_party.runs import move
from service.third_party.site import Site
from service.third_party.store import agreement_of, unstored

__all__ = ["MOST_ATTEMPTS", "Answer", "Checkpoint", "MatchingJob"]

MOST_ATTEMPTS = 5  # failures without any progress before the run fails

Answer: TypeAlias = dict[str, int]
Checkpoint: TypeAlias = Callable[[str, Callable[[], Answer]], Answer]


@dataclass(frozen=True, kw_only=True)
class MatchingJob:
    """How the jobs of one third party are worked on.

    Attributes:
        site: whose.
        emit: takes journal lines.
        means: to compare with.
    """

    site: Site
    emit: Emit
    means: matching.Means = field(default_factory=matching.Means)

    def perform(self, lease: Lease, step: Checkpoint) -> None:
        """Carry out a job whose lease was just claimed.

        Args:
            lease: of the job.
            step: runs a step, or answers what the same step has answered before; the name says which kind of step it is.

        Raises:
            JobLost, Stopped: the work stops here, whatever is finished stays.
        """
        found = self._begin(lease)
        if found is None:
            self._fail(lease)
            return
        with found as work:
            for one in work.steps:
                step("judge", partial(work.judge, one))
            if step("verdict", work.verdict)["refused"]:
                return
            for one in work.steps:
                number, of = 0, 1
                while number < of:
                    of = step("compare", partial(work.compare, one, number))["of"]
                    number += 1
                step("deliver", partial(work.deliver, one, of))
            step("conclude", work.conclude)

    def _begin(self, lease: Lease) -> _Work | None:
        """What is needed to work; None when the run can only fail."""
        with self.site.database.read() as connection:
            job = jobs.progress(connection, lease.run)
        if job is None or job.attempts > MOST_ATTEMPTS:
            return None
        try:
            key = self.site.vault.run_key(lease.run)
        except KeyAbsent:
            return None
        work = _Work(self, lease, key)
        work.count()
        return work

    def _fail(self, lease: Lease) -> None:
        with self.site.database.write() as connection:
            run = lease.owned(connection)
            set_run(connection, run.run, failure="E_TRAITEMENT")
            run = move(self.site, connection, run, Event.FAILED, self.site.party)
            decide_all(self.site, connection, run, "echec")
            jobs.drop(connection, run.run)


class _Work:
    """One execution of a job: the steps, and the place that it has reached in the uploads."""

    def __init__(self, job: MatchingJob, lease: Lease, key: SealingKey) -> None:
        self._site, self._means, self._emit = job.site, job.means, job.emit
        self._lease, self._key = lease, key
        self._reading: tuple[tuple[str, str], Cursor] | None = None
        self._done = 0
        with self._site.database.read() as connection:
            run = load_run(connection, lease.run)
            self._agreement: Agreement = agreement_of(connection, run.agreement)
        self.steps = matching.steps_of(self._site, lease.run, self._agreement)

    def count(self) -> None:
        """Write down how much there is to do and how much of it is done."""
        with self._site.database.write() as connection:
            self._lease.owned(connection)
            delivered = self._delivered(connection)
            for one in self.steps:
                kept = (self._judged(one, one.recipient), self._judged(one, one.source))
                self._done += sum(load_piece(connection, name) is not None for name in kept)
                whole = one.name in delivered
                self._done += self._parts(one) if whole else count_pieces(connection, self._links(one, 0))
            self._advance(connection, 0)

    def judge(self, one: matching.Step) -> Answer:
        """Judge both uploads of a pass, each once."""
        for upload in (one.recipient, one.source):
            self._lease.check()
            if self._judgement(one, upload) is None:
                found = matching.judge_upload(self._site, self._key, one, upload, self._lease.check, self._means)
                name = self._judged(one, upload)
                self._keep(name, seal_judgement(self._key, name, {"upload": upload.upload, **found.to_json()}))
        return {}

    def verdict(self) -> Answer:
        """Send back the uploads that are at fault; the run goes on with what replaces them."""
        judgements = {}
        for one, upload in matching.uploads_in(self.steps):
            found = self._judgement(one, upload)
            if found is None:
                raise _missing()
            judgements[upload.upload] = found
        refused = matching.verdict(self.steps, judgements)
        if refused:
            self._refuse(refused)
        return {"refused": len(refused)}

    def compare(self, one: matching.Step, number: int) -> Answer:
        """Compare a piece of a pass, once."""
        self._lease.check()
        with self._site.database.read() as connection:
            if one.name in self._delivered(connection):
                return {"of": 0}
            stored = count_pieces(connection, self._links(one, 0))
        if number > stored:
            raise _missing()
        if number < stored:
            return {"of": self._piece(one, number).head["of"]}
        reading = self._cursor(one, number)
        found = reading.next(self._means.work(self._lease.check))
        name = self._links(one, number)
        self._keep(name, seal_links(self._key, name, found))
        return {"of": reading.of}

    def deliver(self, one: matching.Step, of: int) -> Answer:
        """Store the delivery of a pass that is compared, once; nobody can fetch it before the run is delivered."""
        self._lease.check()
        with self._site.database.read() as connection:
            if one.name in self._delivered(connection):
                return {}
        self._count_canaries(one)
        found = [self._piece(one, number) for number in range(of)]
        if not found or found[0].head["of"] != of:
            raise _missing()
        compared = matching.finish(self._site, self._key, one, assembled(found, one.plan), self._lease.check)
        self._store(one, compared, self._finding(one, compared))
        self._emit(pass_line(self._site.clock(), compared.skew))
        return {}

    def conclude(self) -> Answer:
        """Deliver the run, or hold it for people to look at; either way its encodings are to be destroyed at once."""
        now = self._site.clock().replace(microsecond=0)
        with self._site.database.write() as connection:
            run = self._lease.owned(connection)
            if self._delivered(connection) != {one.name for one in self.steps}:
                raise _missing()
            for comparison, name, receiver in deliveries_of(connection, run.run):
                signed = unstored(
                    sealed_deliveries.statement(self._site, connection, run.run, (comparison, name, receiver))
                )
                about = {"agreement": run.agreement, "run": run.run, "digest": statement_digest(signed)}
                self._site.record(connection, self._site.party, "delivery_stored", **about)
            event = guards.judge(self._site, connection, run, self._agreement, self._key)
            run = move(self._site, connection, run, event, self._site.party)
            deadline = hits_deadline(now, self._agreement.retention)
            set_run(connection, run.run, delivered_at=now, hits_deadline=deadline)
            decide(self._site, connection, run, "encodings", self._site.party, "rapprochement_termine")
            drop_pieces(connection, run.run)
            jobs.drop(connection, run.run)
        return {}

    def _count_canaries(self, one: matching.Step) -> None:
        """Count the canaries that the recipient has sent, once."""
        name, source = self._baited(one), self._judgement(one, one.source)
        if source is None or not source.counts["canaries"]:
            return
        with self._site.database.read() as connection:
            done = load_piece(connection, name) is not None
        if not done:
            count = matching.caught(self._site, self._key, one, self._lease.check, self._means)
            self._keep(name, seal_judgement(self._key, name, {"caught": count}))

    def _store(self, one: matching.Step, compared: matching.Compared, finding: PassFinding) -> None:
        with self._site.database.write() as connection:
            run = self._lease.owned(connection)
            names = (one.comparison.id, one.plan.name, one.agreement.receiver_of(one.comparison))
            sealed_deliveries.keep(self._site, connection, run.run, names, compared.delivery)
            guards.keep(connection, run, self._key, finding)
            set_run(connection, run.run, passes_done=run.passes_done + 1)
            drop_links(connection, run.run, *one.name)
            self._advance(connection, 1)

    def _refuse(self, refused: dict[str, str]) -> None:
        with self._site.database.write() as connection:
            run = self._lease.owned(connection)
            for upload in uploads_of(connection, run.run):
                if upload.upload in refused:
                    set_upload(connection, upload.upload, UploadState.REFUSED, refused[upload.upload])
                    digest = statement_digest(unstored(upload.manifest))
                    about = {"agreement": run.agreement, "run": run.run, "digest": digest}
                    self._site.record(connection, self._site.party, "upload_refused", **about)
            # What was found with an upload that is replaced is worth nothing any more.
            drop_deliveries(connection, run.run)
            drop_pieces(connection, run.run)
            drop_findings(connection, run.run)
            set_run(connection, run.run, passes_done=0)
            move(self._site, connection, run, Event.CONTENT_REFUSED, self._site.party)
            jobs.drop(connection, run.run)
        # A crash here leaves chunks that no row names; the sweep drops them.
        for upload_id in refused:
            self._site.blobs.drop_upload(self._lease.run, upload_id)

    def _keep(self, name: PieceName, sealed: bytes) -> None:
        with self._site.database.write() as connection:
            self._lease.owned(connection)
            self._advance(connection, int(keep_piece(connection, name, sealed)))

    def _advance(self, connection: Connection, parts: int) -> None:
        self._done += parts
        total = sum(2 + self._parts(one) for one in self.steps)
        jobs.advance(connection, self._lease.run, self._lease.owner, done=min(self._done, total), total=total)

    def _parts(self, one: matching.Step) -> int:
        return matching.pieces_of(one, self._means) + 1

    def _cursor(self, one: matching.Step, number: int) -> Cursor:
        """Where the uploads are read on; they are opened anew when the piece before was not compared here."""
        if self._reading is not None and self._reading[0] == one.name and self._reading[1].number == number:
            return self._reading[1]
        self.__exit__()
        before = self._piece(one, number - 1).head if number else None
        rows = (before["left"], before["right"]) if before else (0, 0)
        of = before["of"] if before else matching.pieces_of(one, self._means)
        reading = matching.cursor(self._site, self._key, one, (of, number, rows), self._lease.check)
        self._reading = one.name, reading
        return reading

    def _finding(self, one: matching.Step, compared: matching.Compared) -> PassFinding:
        """What the guards are told of a pass."""
        recipient, source = self._judgement(one, one.recipient), self._judgement(one, one.source)
        with self._site.database.read() as connection:
            sealed = load_piece(connection, self._baited(one))
        if recipient is None or source is None or (sealed is None and source.counts["canaries"]):
            raise _missing()
        rows = matching.counts_of(one)
        caught = open_judgement(self._key, self._baited(one), sealed)["caught"] if sealed else 0
        return PassFinding(
            comparison=one.comparison.id,
            pass_=one.plan.name,
            rows=rows[0],
            source_rows=rows[1] - source.counts["canaries"],
            near=recipient.counts["near"],
            most=recipient.counts["most"],
            shared=compared.shared,
            crowd=compared.crowd,
            links=compared.links,
            canaries=cast("int", caught),
        )

    def _judgement(self, one: matching.Step, upload: Upload) -> matching.Judgement | None:
        name = self._judged(one, upload)
        with self._site.database.read() as connection:
            sealed = load_piece(connection, name)
        if sealed is None:
            return None
        found = open_judgement(self._key, name, sealed)
        return matching.Judgement.from_json(found) if found["upload"] == upload.upload else None

    def _piece(self, one: matching.Step, number: int) -> LinksPiece:
        name = self._links(one, number)
        with self._site.database.read() as connection:
            sealed = load_piece(connection, name)
        if sealed is None:
            raise _missing()
        return open_links(self._key, name, sealed)

    def _delivered(self, connection: Connection) -> set[tuple[str, str]]:
        return {(comparison, name) for comparison, name, _ in deliveries_of(connection, self._lease.run)}

    def _judged(self, one: matching.Step, upload: Upload) -> PieceName:
        return PieceName(run=one.run, comparison=one.comparison.id, pass_=one.plan.name, part=upload.party)

    def _baited(self, one: matching.Step) -> PieceName:
        return PieceName(run=one.run, comparison=one.comparison.id, pass_=one.plan.name, part=BAIT)

    def _links(self, one: matching.Step, number: int) -> PieceName:
        return PieceName(run=one.run, comparison=one.comparison.id, pass_=one.plan.name, part=LINKS, number=number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading[1].close()
        self._reading = None


def _missing() -> ServiceError:
    return ServiceError(
        "E_TRAITEMENT", "un résultat intermédiaire manque ; le travail reprend depuis ce qui est là.", 500
    )
