"""What must happen even when nobody asks: run keys published, deadlines kept, decided destructions finished.

Every function here can run at any moment, in any number, after any crash: each looks at what is, and does
what is missing.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import CryptoError
from service.messages import RunState, WorkerKey, statement_digest
from service.third_party.lifecycle import HOLDS_ENCODINGS, LIVE, Event, over
from service.third_party.parcels import live_uploads
from service.third_party.purge import decide_all, pending, resume
from service.third_party.run_store import Run, load_run, runs_in, set_run
from service.third_party.runs import move
from service.third_party.site import Site
from service.third_party.store import stored

__all__ = ["expire_runs", "publish_keys", "sweep_files", "tend"]

_WANTS_KEY = (RunState.JOINING, RunState.SENDING)


def tend(site: Site, complain: Callable[[Exception], None]) -> bool:
    """All of it, once; returns whether anything was done."""
    done = [expire_runs(site), resume(site, complain), publish_keys(site, complain)]
    return any(done)


def expire_runs(site: Site) -> bool:
    """End the runs whose deadline is over, and decide the destruction of what they hold."""
    with site.database.read() as connection:
        due = [run for run in runs_in(connection, *LIVE) if over(run.deadline, site.clock())]
    for old in due:
        with site.database.write() as connection:
            run = load_run(connection, old.run)
            if run.state in LIVE and over(run.deadline, site.clock()):
                run = move(site, connection, run, Event.EXPIRED, site.party)
                decide_all(site, connection, run, "expiration")
    return bool(due)


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
        holding = {run.run for run in runs_in(connection, *HOLDS_ENCODINGS)}
        decided = {decision.run for decision in pending(connection)}
        kept = live_uploads(connection)
    for run in site.vault.run_keys():
        if run not in holding | decided:
            site.vault.destroy_run_key(run)
    for run, upload in site.blobs.held():
        if run not in holding | decided:
            site.blobs.drop_run(run)
        elif upload and (run, upload) not in kept:
            site.blobs.drop_upload(run, upload)
