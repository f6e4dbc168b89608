"""What must happen even when nobody asks: keys published, deadlines kept, destructions finished, the log signed.

Every function here can run at any moment, in any number, after any crash: each looks at what is, and does what is missing.
A worker calls `tend` at least every few seconds, also while it compares: what is due is destroyed within a minute of its
deadline, never before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import CryptoError
from service.errors import ServiceError
from service.messages import RunState, WorkerKey, statement_digest
from service.third_party.clocks import CLOCK, mark, marked
from service.third_party.lifecycle import HOLDS_ENCODINGS, LIVE, Event, over
from service.third_party.log import erase_bodies
from service.third_party.parcels import deliveries_of, live_uploads
from service.third_party.purge import decide_all, pending, resume
from service.third_party.relay_store import addressees
from service.third_party.review_store import forget_pasts
from service.third_party.run_store import Run, load_run, runs_in, set_run
from service.third_party.runs import move
from service.third_party.site import Site
from service.third_party.store import stored

__all__ = [
    "SIGNED",
    "TENDED",
    "end_run",
    "end_unreadable",
    "expire_runs",
    "forget_traces",
    "publish_keys",
    "sign_log",
    "sweep_files",
    "tend",
]

SIGNED = "log_signed"
"""Name of the mark of the last signature of the log."""

TENDED = "tended"
"""Name of the mark of the last time that a worker looked after all this."""

_SIGN_EVERY = timedelta(seconds=10)
_MOST_BODIES = 2000  # erased in one transaction
_WANTS_KEY = (RunState.JOINING, RunState.SENDING)


def tend(site: Site, complain: Callable[[Exception], None]) -> bool:
    """All of it, once; returns whether anything was done for a run."""
    done = [
        expire_runs(site, complain),
        end_unreadable(site, complain),
        resume(site, complain),
        publish_keys(site, complain),
    ]
    try:
        _now_and_then(site)
    except (CryptoError, ServiceError, OSError, SQLAlchemyError) as error:
        complain(error)
    return any(done)


def _now_and_then(site: Site) -> None:
    """What has not to be done at once: every ten seconds, by whichever worker comes first."""
    now = site.clock()
    with site.database.read() as connection:
        tended = marked(connection, TENDED)
    if tended is not None and now - tended < _SIGN_EVERY:
        return
    sign_log(site)
    forget_traces(site)
    with site.database.write() as connection:
        forget_pasts(connection, now)
        mark(connection, TENDED, now)


def end_unreadable(site: Site, complain: Callable[[Exception], None]) -> bool:
    """End the runs whose keys are gone though nobody destroyed them: the database or the keystore is another's copy.

    Nothing of them can be opened any more; what is left is destroyed, with a receipt. `complain` is told of each run that
    cannot be ended; the others are not held up.
    """
    with site.database.read() as connection:
        live = runs_in(connection, *LIVE)
        waiting = {run.run: _receivers(connection, run) for run in live}
    if not live:
        return False
    lost = [run for run in live if _unreadable(site, run, waiting[run.run])]
    ended = False
    for old in lost:
        with _each(complain), site.database.write() as connection:
            run = load_run(connection, old.run)
            if run.state in LIVE and _unreadable(site, run, _receivers(connection, run)):
                end_run(site, connection, run)
                ended = True
    return ended


def end_run(site: Site, connection: Connection, run: Run) -> None:
    """End a live run that cannot go on; the destruction of what is left of it is decided."""
    event = Event.FAILED if run.state in HOLDS_ENCODINGS else Event.EXPIRED
    if event is Event.FAILED:
        set_run(connection, run.run, failure="E_TRAITEMENT")
    decide_all(site, connection, move(site, connection, run, event, site.party), "echec")


@contextmanager
def _each(complain: Callable[[Exception], None]) -> Iterator[None]:
    """What is done for one run: its failure is told, and what is due for the others is done all the same."""
    try:
        yield
    except (CryptoError, ServiceError, OSError, SQLAlchemyError) as error:
        complain(error)


def _receivers(connection: Connection, run: Run) -> set[str]:
    """For whom something waits whose destruction is not decided yet."""
    decided = {one.party for one in pending(connection) if one.run == run.run and one.kind == "deliveries"}
    waiting = {party for _, _, party in deliveries_of(connection, run.run)} | addressees(connection, run.run)
    return waiting - decided


def _unreadable(site: Site, run: Run, receivers: set[str]) -> bool:
    """Whether a key is not there to be used, whatever files of other epochs may lie about."""
    if run.state in HOLDS_ENCODINGS and run.worker_key and run.run not in site.vault.run_keys():
        return True
    return bool({(run.run, party) for party in receivers} - set(site.vault.parcel_keys() if receivers else ()))


def sign_log(site: Site) -> bool:
    """Sign the log and keep the highest moment shown, every ten seconds; returns whether it was time.

    Raises:
        ServiceError: `E_JOURNAL_RECULE`, the database is an older copy; nothing is signed.
    """
    now = site.clock()
    with site.database.read() as connection:
        signed = marked(connection, SIGNED)
        if signed is not None and now - signed < _SIGN_EVERY:
            return False
        site.log.sign(connection)
    with site.database.write() as connection:
        for name in (SIGNED, CLOCK):
            mark(connection, name, now)
    return True


def forget_traces(site: Site) -> int:
    """Erase the bodies of the log's leaves whose retention is over; returns how many."""
    erased = 0
    while True:
        with site.database.write() as connection:
            some = erase_bodies(connection, site.clock(), _MOST_BODIES)
        erased += some
        if some < _MOST_BODIES:
            return erased


def expire_runs(site: Site, complain: Callable[[Exception], None]) -> bool:
    """End the runs whose deadline is over, and decide the destruction of what they hold.

    `complain` is told of each one that cannot be ended; the others are not held up.
    """
    with site.database.read() as connection:
        due = [run for run in runs_in(connection, *LIVE) if over(run.deadline, site.clock())]
    ended = False
    for old in due:
        with _each(complain), site.database.write() as connection:
            run = load_run(connection, old.run)
            if run.state in LIVE and over(run.deadline, site.clock()):
                run = move(site, connection, run, Event.EXPIRED, site.party)
                decide_all(site, connection, run, "expiration")
                ended = True
    return ended


def publish_keys(site: Site, complain: Callable[[Exception], None]) -> bool:
    """Draw and publish the key of each run that waits for one.

    Args:
        site: whose.
        complain: told of each run whose key cannot be made; the others are not held up.

    Returns:
        Whether any was published.
    """
    with site.database.read() as connection:
        waiting = [run for run in runs_in(connection, *_WANTS_KEY) if run.worker_key is None]
    published = False
    for run in waiting:
        try:
            _publish_key(site, run)
            published = True
        except (CryptoError, OSError, SQLAlchemyError) as error:
            complain(error)
    return published


def _publish_key(site: Site, waiting: Run) -> None:
    key = site.vault.make_run_key(waiting.run)
    statement = WorkerKey(agreement=waiting.agreement, run=waiting.run, sealing_key=key.public_bytes())
    signed = statement.signed(site.identity.signing_key)
    # A crash here leaves a key that nobody has seen; the next pass publishes that same one.
    with site.database.write() as connection:
        run = load_run(connection, waiting.run)
        if run.state in _WANTS_KEY and run.worker_key is None:
            set_run(connection, run.run, worker_key=stored(signed))
            about = {"agreement": run.agreement, "run": run.run, "digest": statement_digest(signed)}
            site.record(connection, site.party, "worker_key_published", **about)
    if run.state not in HOLDS_ENCODINGS:
        site.vault.destroy_run_key(run.run)


def sweep_files(site: Site) -> None:
    """Remove the files that a crash has left and that no row names."""
    with site.database.read() as connection:
        live = {run.run for run in runs_in(connection, *LIVE)}
        holding = {run.run for run in runs_in(connection, *HOLDS_ENCODINGS)}
        decided = {decision.run for decision in pending(connection)}
        kept = live_uploads(connection)
    for run in site.vault.run_keys():
        if run not in holding | decided:
            site.vault.destroy_run_key(run)
    for run, party in site.vault.parcel_keys():
        if run not in live | decided:
            site.vault.destroy_parcel_key(run, party)
    for run, upload in site.blobs.held():
        if run not in holding | decided:
            site.blobs.drop_run(run)
        elif upload and (run, upload) not in kept:
            site.blobs.drop_upload(run, upload)
