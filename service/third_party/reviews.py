"""Reviews as requests: what a party may know of a run that is held, and its release.

The source of a comparison reads why its results are held. Whoever only receives reads that a review is on, who has released
and who has not. The last release delivers; a refusal is the cancellation of the run (`runs.cancel`).
"""

from __future__ import annotations

from service.answers import RunView
from service.errors import ServiceError
from service.messages import RunState, statement_digest
from service.review import Release, ReviewView
from service.third_party.authentication import Caller
from service.third_party.lifecycle import Action, Event
from service.third_party.review_store import add_release, holds_of, releases_of
from service.third_party.runs import load_for, move, open_statement_of, view
from service.third_party.site import Site
from service.third_party.store import stored, unstored

__all__ = ["read_review", "release"]


def read_review(site: Site, caller: Caller, run_id: str) -> ReviewView:
    """The review of a run, as the caller may know it.

    Raises:
        ServiceError: `E_INTROUVABLE`.
    """
    with site.database.read() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.READ_REVIEW)
        released = releases_of(connection, run_id)
        mine = {one.id for one in agreement.comparisons if one.source == caller.party}
        held = run.state is RunState.HELD
        return ReviewView(
            run=run_id,
            held=held,
            released=tuple(released),
            waiting=tuple(sorted(agreement.members - set(released))) if held else (),
            holds=tuple(unstored(one) for comparison, one in holds_of(connection, run_id) if comparison in mine),
        )


def release(site: Site, caller: Caller, run_id: str, signed: object) -> RunView:
    """Store a party's release; the last one delivers. Sending it again is answered as the first time.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`, `E_MESSAGE`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.RELEASE_RUN)
        open_statement_of(connection, Release, caller, signed, run)
        released = releases_of(connection, run_id)
        if caller.party not in released:
            if run.state is not RunState.HELD:
                raise ServiceError("E_ETAT", "les résultats de ce croisement n'ont pas été retenus.", 409)
            held = dict(signed) if isinstance(signed, dict) else {}
            add_release(connection, run_id, caller.party, stored(held))
            about = {"agreement": run.agreement, "run": run_id, "digest": statement_digest(held)}
            site.record(connection, caller.party, "run_release", **about)
            if {*released, caller.party} == agreement.members:
                run = move(site, connection, run, Event.RELEASED, site.party)
        return view(connection, run)
