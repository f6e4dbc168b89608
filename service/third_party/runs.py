"""What parties do to a run: open it, approve it, exchange keys, end it. Each function is one request, one transaction.

A statement must name the agreement, the run and the party that the request is about; sending the same one
again is answered as the first time. Whatever ends a run decides the destruction of all it holds in the same
transaction, and the destruction itself follows (see `purge`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from service.agreement import Agreement, Comparison
from service.answers import Progress, RunView, UploadView
from service.errors import ServiceError, absent
from service.messages import (
    Acknowledgement,
    Approval,
    Cancellation,
    Confirmation,
    RunRequest,
    RunState,
    SealedShare,
    Statement,
    UploadState,
    statement_digest,
)
from service.third_party.authentication import Caller
from service.third_party.authorisation import check_right, roles_in
from service.third_party.idempotency import opened_before, remember, same_request
from service.third_party.lifecycle import (
    Action,
    Event,
    after,
    check_action,
    encodings_deadline,
    expected_confirmations,
    recipients,
    total_passes,
)
from service.third_party.parcels import acknowledged_by, add_acknowledgement
from service.third_party.party_keys import signing_keys
from service.third_party.purge import decide, decide_all
from service.third_party.relay_store import owes_hits
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
    dealings_of,
    load_run_and_agreement,
    runs_of,
    set_run,
    share_of,
    shares_for,
)
from service.third_party.site import Site
from service.third_party.store import agreement_of, is_active, stored, unstored

__all__ = [
    "MOST_OPENED",
    "acknowledge",
    "approve",
    "cancel",
    "check_asked",
    "list_confirmations",
    "list_runs",
    "list_shares",
    "load_for",
    "move",
    "open_run",
    "open_statement_of",
    "own_comparison",
    "send_confirmation",
    "send_share",
    "view",
    "view_with",
    "worker_key",
]

S = TypeVar("S", bound=Statement)

MOST_OPENED = (
    100  # live runs that one party asked for: keys of runs share one file, which parties must not fill together
)


def open_run(site: Site, caller: Caller, body: object) -> str:
    """Open a run under an active agreement; the caller approves it by asking. The same request again opens no other.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_CONVENTION_INACTIVE`, `E_VALIDITE`, `E_QUOTA_CROISEMENTS`,
            `E_IDEMPOTENCE`.
    """
    identifier = RunRequest.from_json(body).agreement
    once = same_request(caller.idempotency_key, body)
    now = site.clock().replace(microsecond=0)
    with site.database.write() as connection:
        agreement = agreement_of(connection, identifier)
        check_right(Action.READ_AGREEMENT, roles_in(agreement, caller.party))
        if (before := opened_before(connection, caller.party, once)) is not None:
            return before
        if not is_active(connection, identifier):
            sentence = "toutes les parties n'ont pas encore signé cette convention."
            raise ServiceError("E_CONVENTION_INACTIVE", sentence, 409)
        if not agreement.valid.not_before <= now < agreement.valid.not_after:
            raise ServiceError("E_VALIDITE", "cette convention n'est pas en cours de validité.", 409)
        if count_runs(connection, identifier) >= agreement.max_runs:
            sentence = f"cette convention permet {agreement.max_runs} croisement(s) ; signez-en une autre."
            raise ServiceError("E_QUOTA_CROISEMENTS", sentence, 409)
        if count_opened(connection, caller.party) >= MOST_OPENED:
            sentence = f"vous avez ouvert {MOST_OPENED} croisements qui sont encore en cours ; closez-en ou annulez-en."
            raise ServiceError("E_QUOTA_CROISEMENTS", sentence, 409)
        run = _fresh_run(agreement, now)
        add_run(connection, run)
        add_approval(connection, run.run, caller.party, None)
        remember(connection, caller.party, once, run.run)
        site.record(connection, caller.party, "run_opened", agreement=identifier, run=run.run)
    return run.run


def approve(site: Site, caller: Caller, run_id: str, signed: object) -> RunView:
    """Store a party's approval; the last one lets the parties join.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`, `E_MESSAGE`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.APPROVE_RUN)
        open_statement_of(connection, Approval, caller, signed, run)
        if caller.party not in approvals_of(connection, run_id):
            add_approval(connection, run_id, caller.party, stored(_object(signed)))
            _record(site, connection, caller.party, "run_approved", run, signed)
            if set(approvals_of(connection, run_id)) == agreement.members:
                run = move(site, connection, run, Event.APPROVED, site.party)
        return view(connection, run)


def cancel(site: Site, caller: Caller, run_id: str, signed: object) -> RunView:
    """End a run; the destruction of all it holds is decided.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`, `E_MESSAGE`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, _ = load_for(site, connection, caller, run_id, Action.CANCEL_RUN)
        open_statement_of(connection, Cancellation, caller, signed, run)
        if run.state != RunState.CANCELLED:
            _record(site, connection, caller.party, "run_cancellation", run, signed)
            run = move(site, connection, run, Event.CANCELLED, caller.party)
            decide_all(site, connection, run, "annulation")
        return view(connection, run)


def acknowledge(site: Site, caller: Caller, run_id: str, signed: object) -> RunView:
    """A recipient holds its deliveries: their destruction is decided; the last one closes the run.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`, `E_MESSAGE`, `E_JONCTION_DUE`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.ACKNOWLEDGE)
        open_statement_of(connection, Acknowledgement, caller, signed, run)
        if caller.party not in acknowledged_by(connection, run_id):
            check_action(Action.READ_DELIVERY, run.state, run.deadline, site.clock())
            if owes_hits(connection, run_id, agreement, caller.party):
                sentence = "déposez d'abord les résultats du destinataire dont vous êtes le jointeur."
                raise ServiceError("E_JONCTION_DUE", sentence, 409)
            add_acknowledgement(connection, run_id, caller.party, stored(_object(signed)))
            _record(site, connection, caller.party, "run_acknowledged", run, signed)
            decide(site, connection, run, "deliveries", caller.party, "accuse_reception")
            if acknowledged_by(connection, run_id) == recipients(agreement):
                run = move(site, connection, run, Event.DONE, site.party)
        return view(connection, run)


def worker_key(site: Site, caller: Caller, run_id: str) -> dict[str, Any]:
    """The signed key to which uploads are sealed.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`; `E_PATIENTER` (409) until the worker has published it.
    """
    with site.database.read() as connection:
        run, _ = load_for(site, connection, caller, run_id, Action.READ_WORKER_KEY)
    if run.worker_key is None:
        raise ServiceError(
            "E_PATIENTER", "la clé de ce croisement n'est pas encore prête ; réessayez dans un instant.", 409
        )
    return unstored(run.worker_key)


def send_share(site: Site, caller: Caller, run_id: str, signed: object) -> None:
    """Relay a sealed share; it cannot be replaced, because its receiver may already have used it.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`, `E_MESSAGE`, `E_DEJA_DEPOSE`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.SEND_SHARE)
        share = open_statement_of(connection, SealedShare, caller, signed, run)
        comparison = own_comparison(agreement, share.comparison, caller)
        if {share.from_, share.to} != set(comparison.parties):
            sentence = "une part de clé s'adresse à l'autre partie de la comparaison."
            raise ServiceError("E_MESSAGE", sentence, source={"pointer": "/statement/to"})
        held = share_of(connection, run_id, comparison.id, caller.party)
        if _is_new(held, signed):
            add_share(connection, run_id, (comparison.id, share.from_, share.to), stored(_object(signed)))
            _record(site, connection, caller.party, "share_sent", run, signed)


def list_shares(site: Site, caller: Caller, run_id: str) -> list[dict[str, Any]]:
    """The signed shares addressed to the caller."""
    with site.database.read() as connection:
        load_for(site, connection, caller, run_id, Action.READ_SHARES)
        return [unstored(one) for one in shares_for(connection, run_id, caller.party)]


def send_confirmation(site: Site, caller: Caller, run_id: str, signed: object) -> RunView:
    """Relay a confirmation of the run key; the last one lets the parties send.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ETAT`, `E_MESSAGE`, `E_DEJA_DEPOSE`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.SEND_CONFIRMATION)
        one = open_statement_of(connection, Confirmation, caller, signed, run)
        comparison = own_comparison(agreement, one.comparison, caller)
        held = confirmation_of(connection, run_id, comparison.id, caller.party)
        if _is_new(held, signed):
            add_confirmation(connection, run_id, comparison.id, caller.party, stored(_object(signed)))
            _record(site, connection, caller.party, "key_confirmed", run, signed)
            if len(confirmations_of(connection, run_id)) == expected_confirmations(agreement):
                run = move(site, connection, run, Event.CONFIRMED, site.party)
        return view(connection, run)


def list_confirmations(site: Site, caller: Caller, run_id: str) -> list[dict[str, Any]]:
    """The signed confirmations of the caller's comparisons, its own included."""
    with site.database.read() as connection:
        _, agreement = load_for(site, connection, caller, run_id, Action.READ_CONFIRMATIONS)
        mine = {one.id for one in agreement.comparisons if caller.party in one.parties}
        return [unstored(one) for name, one in confirmations_of(connection, run_id) if name in mine]


def list_runs(site: Site, caller: Caller) -> list[RunView]:
    """The runs of the caller's agreements."""
    with site.database.read() as connection:
        return _views(connection, runs_of(connection, caller.party))


def view(connection: Connection, run: Run) -> RunView:
    """A run as the parties of its agreement see it."""
    return _views(connection, [run])[0]


def _views(connection: Connection, runs: Sequence[Run]) -> list[RunView]:
    done: dict[str, list[tuple[Any, ...]]] = {}
    for dealing in dealings_of(connection, [one.run for one in runs]):
        done.setdefault(dealing[1], []).append(dealing)
    return [view_with(run, done.get(run.run, ())) for run in runs]


def view_with(run: Run, dealings: Sequence[tuple[Any, ...]]) -> RunView:
    """A run as the parties of its agreement see it, with what `dealings_of` tells of it."""
    done: dict[str, list[tuple[Any, ...]]] = {"approval": [], "confirmation": [], "upload": []}
    for kind, _, *dealing in dealings:
        done[kind].append(tuple(dealing))
    return RunView(
        run=run.run,
        agreement=run.agreement,
        state=run.state,
        opened_at=run.opened_at,
        deadline=run.deadline,
        approvals=tuple(sorted(one[0] for one in done["approval"])),
        confirmations=len(done["confirmation"]),
        uploads=tuple(
            UploadView(comparison=comparison, pass_=pass_, party=party, state=UploadState(state), reason=reason)
            for party, comparison, pass_, state, reason in sorted(
                done["upload"], key=lambda one: (one[1], one[2], one[0])
            )
        ),
        failure=run.failure,
        progress=Progress(done=run.passes_done, total=run.passes_total),
    )


def load_for(site: Site, connection: Connection, caller: Caller, run_id: str, action: Action) -> tuple[Run, Agreement]:
    """A run and its agreement, once the caller is allowed this action on it, now.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`.
    """
    run, agreement = load_run_and_agreement(connection, run_id)
    check_asked(site, caller, run, agreement, action)
    return run, agreement


def check_asked(site: Site, caller: Caller, run: Run, agreement: Agreement, action: Action) -> None:
    """Refuse what the caller may not ask of a run, or not now.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`.
    """
    check_right(action, roles_in(agreement, caller.party))
    check_action(action, run.state, run.deadline, site.clock())


def own_comparison(agreement: Agreement, name: str, caller: Caller) -> Comparison:
    """A comparison of the caller; what others compare does not exist for it.

    Raises:
        ServiceError: `E_INTROUVABLE`.
    """
    comparison = agreement.comparison(name)
    if comparison is None or caller.party not in comparison.parties:
        raise absent()
    return comparison


def open_statement_of(connection: Connection, kind: type[S], caller: Caller, signed: object, run: Run) -> S:
    """Verify a statement of the caller about this very run, under a key that is active in the transaction that keeps it.

    Raises:
        ServiceError: `E_MESSAGE`, malformed or about something else.
        CryptoError: not signed by the caller under this statement's label.
    """
    statement = kind.opened(signing_keys(connection, caller.party), signed)
    named = {"agreement": run.agreement, "run": run.run}
    named["from" if hasattr(statement, "from_") else "party"] = caller.party
    written = statement.to_json()
    for name, expected in named.items():
        if written[name] != expected:
            sentence = "la déclaration signée ne porte pas sur ce croisement ou sur cette partie."
            raise ServiceError("E_MESSAGE", sentence, source={"pointer": f"/statement/{name}"})
    return statement


def move(site: Site, connection: Connection, run: Run, event: Event, actor: str) -> Run:
    """Change the state of a run and record it.

    Raises:
        ServiceError: `E_ETAT`.
    """
    state = after(run.state, event)
    set_run(connection, run.run, state=state)
    site.record(connection, actor, f"run_{state}", agreement=run.agreement, run=run.run)
    return replace(run, state=state)


def _fresh_run(agreement: Agreement, now: datetime) -> Run:
    return Run(
        run=secrets.token_hex(16),
        agreement=agreement.identifier,
        state=RunState.OPENED,
        opened_at=now,
        encodings_deadline=encodings_deadline(now, agreement.retention),
        delivered_at=None,
        hits_deadline=None,
        failure=None,
        passes_done=0,
        passes_total=total_passes(agreement),
        worker_key=None,
    )


def _object(signed: object) -> dict[str, Any]:
    """A signed statement that `open_statement_of` has read: it is an object."""
    return dict(signed) if isinstance(signed, dict) else {}


def _is_new(held: bytes | None, signed: object) -> bool:
    if held is None:
        return True
    if held != stored(_object(signed)):
        sentence = "une déclaration différente a déjà été déposée ; annulez le croisement pour recommencer."
        raise ServiceError("E_DEJA_DEPOSE", sentence, 409)
    return False


def _record(site: Site, connection: Connection, actor: str, action: str, run: Run, signed: object) -> None:
    digest = statement_digest(_object(signed))
    site.record(connection, actor, action, agreement=run.agreement, run=run.run, digest=digest)
