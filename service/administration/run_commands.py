"""Commands of a run, from its opening to its closing. Each can be stopped anywhere and run again.

The order is open or approve, join, encode, send, wait, combine (recipients of several comparisons and their joiners), hits
(recipients), close; `all` does what is left of it. What
a step needs from the step before is checked here, what the third party allows is for it to say.

A secret is destroyed as soon as no step needs it: shares when the keys are confirmed, run and upload keys when the run
is seen compared or dead, the local key when the results are acknowledged. Cancelling destroys them all before the
third party is even asked.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from service.administration import exchange, outbox
from service.administration.app import open_office
from service.administration.connection import DEAD, Connection, connect
from service.administration.conventions import StoredAgreement
from service.administration.inbox import collect_hits, write_hits
from service.administration.joining_commands import collect_from_joiner, combine_for_others, say_recall
from service.administration.journal.results import kept_results
from service.administration.local_commands import encode_file, take_seat
from service.administration.pending import Pending
from service.administration.proof_commands import settle
from service.administration.run_folder import RunFolder, unfinished_runs
from service.administration.run_words import STATES, STEPS, UPLOADS, moment
from service.administration.seat import Seat
from service.answers import RunView
from service.due_dates import last_due, next_runs
from service.errors import ServiceError
from service.forms import read_time, write_time
from service.messages import Acknowledgement, Approval, Cancellation, RunState, key_commitment

__all__ = ["approve", "cancel", "close", "hits", "join", "open_run", "run_all", "send", "show", "wait"]

_RUN = re.compile(r"[0-9a-f]{32}")
_LIVE = (
    RunState.OPENED,
    RunState.JOINING,
    RunState.SENDING,
    RunState.MATCHING,
    RunState.HELD,
    RunState.DELIVERED,
)
_BEFORE_KEYS = (RunState.OPENED, RunState.JOINING)
_AFTER_MATCHING = (RunState.DELIVERED, RunState.CLOSED)
_COMPARED_OR_DEAD = (RunState.HELD, *_AFTER_MATCHING, *DEAD)


def open_run(args: argparse.Namespace) -> None:
    """`allervers run open`: ask for a run under an active agreement."""
    with connect(open_office(args.home)) as online:
        run = _open(online, args.agreement)
        online.office.terminal.say(run)
        online.office.terminal.note(f"croisement ouvert ; chaque autre partie lance : allervers run approve {run}")


def approve(args: argparse.Namespace) -> None:
    """`allervers run approve`: approve a run that a partner asked for."""
    with connect(open_office(args.home)) as online:
        _approve(online, online.run(args.run))
        online.office.terminal.say(f"croisement {args.run} approuvé")


def join(args: argparse.Namespace) -> None:
    """`allervers run join`: exchange shares with the partners, derive the run keys, confirm them."""
    with connect(open_office(args.home)) as online:
        _join(online, take_seat(online.office, args.run), args.timeout)


def send(args: argparse.Namespace) -> None:
    """`allervers run send`: send what is encoded; after a cut, only what is missing."""
    with connect(open_office(args.home)) as online:
        _send(online, take_seat(online.office, args.run), args.timeout)


def wait(args: argparse.Namespace) -> None:
    """`allervers run wait`: wait until the third party has compared."""
    with connect(open_office(args.home)) as online:
        _wait(online, take_seat(online.office, args.run), args.timeout)


def hits(args: argparse.Namespace) -> None:
    """`allervers run hits`: open the deliveries, apply the rule, write the file of hits."""
    with connect(open_office(args.home)) as online:
        _hits(online, take_seat(online.office, args.run), args.out, args.timeout)


def close(args: argparse.Namespace) -> None:
    """`allervers run close`: acknowledge, verify the receipts of destruction, destroy the local keys."""
    with connect(open_office(args.home)) as online:
        _close(online, take_seat(online.office, args.run), args.timeout)


def cancel(args: argparse.Namespace) -> None:
    """`allervers run cancel`: end a run; everything is destroyed, here and there."""
    office = open_office(args.home)
    seat = take_seat(office, args.run)
    seat.folder.forget()
    Pending(home=office.home, agreement=seat.agreement.identifier).settle(seat.run, compared=False)
    office.terminal.note("clés et encodages de ce poste détruits")
    try:
        with connect(office) as online:
            _cancel(online, seat)
            settle(online, seat, args.timeout)
    except ServiceError as error:
        sentence = (
            f"les clés de ce poste sont détruites, mais le reçu de destruction du tiers manque : {error.message} ; "
            f"relancez : allervers run cancel {seat.run}"
        )
        raise ServiceError("E_RECU" if error.code == "E_PATIENTER" else error.code, sentence) from error
    office.terminal.say(f"croisement {args.run} annulé, clés et encodages détruits")


def show(args: argparse.Namespace) -> None:
    """`allervers run show`: the runs, or one of them."""
    office = open_office(args.home)
    with connect(office) as online:
        if args.run is None:
            for view in online.client.runs():
                office.terminal.say(f"{view.run} : {STATES[view.state]} (convention {view.agreement[:12]}…)")
            return
        view = online.run(args.run)
        office.terminal.say(f"croisement  : {view.run}, convention {view.agreement}")
        office.terminal.say(f"état        : {STATES[view.state]} ; délai : le {moment(view.deadline)}")
        office.terminal.say(f"approuvé par: {', '.join(view.approvals)} ; confirmations de clé : {view.confirmations}")
        for one in view.uploads:
            why = f" ({one.reason})" if one.reason else ""
            office.terminal.say(
                f"envoi       : {one.comparison}/{one.pass_} de {one.party} : {UPLOADS[one.state]}{why}"
            )
        folder = RunFolder(office.home / "runs" / view.run)
        for step, at in folder.steps().items() if folder.exists() else ():
            office.terminal.say(f"ici         : {STEPS[step]} le {moment(read_time(at))}")


def run_all(args: argparse.Namespace) -> None:
    """`allervers run all`: everything that is left of a run, in one go."""
    office = open_office(args.home)
    with connect(office) as online:
        stored = online.signed(args.agreement)
        run = args.run or _live_run(online, stored.agreement.identifier)
        office.terminal.note(f"croisement {run}")
        _take_part(online, run, stored.agreement.identifier)
        seat = take_seat(office, run)
        if seat.agreement.identifier != stored.agreement.identifier:
            raise ServiceError("E_CROISEMENT_INCONNU", "ce croisement relève d'une autre convention")
        if seat.receives and args.out is None:
            raise ServiceError("E_SORTIE", "vous recevez les résultats : indiquez où les écrire (--out FICHIER)")
        _join(online, seat, args.timeout)
        if not seat.folder.done("encoded"):
            encode_file(office, seat, args)
        if not seat.folder.done("sent"):
            _send(online, seat, args.timeout)
        _wait(online, seat, args.timeout)
        if (seat.joiner or seat.joins) and not seat.folder.done("combined"):
            combine_for_others(online, seat, args.timeout)
        if seat.receives and not seat.folder.done("delivered"):
            _hits(online, seat, args.out, args.timeout)
        _close(online, seat, args.timeout)


def _open(online: Connection, agreement: str) -> str:
    stored = online.active(agreement)
    online.check_quota(stored.agreement)
    _check_calendar(online, stored)
    identifier = stored.agreement.identifier
    run = online.client.open_run(identifier)
    if not _RUN.fullmatch(run):
        raise ServiceError("E_REPONSE", "le tiers de confiance a rendu un identifiant de croisement mal formé")
    RunFolder(online.office.home / "runs" / run).create(identifier)
    return run


def _check_calendar(online: Connection, stored: StoredAgreement, run: str | None = None) -> None:
    """One run for each day on which a démarche is due: nobody asks more often than its calendar says."""
    trigger = stored.demarche.trigger
    due = None if trigger is None else last_due(trigger, online.office.clock().date())
    if trigger is None or due is None:
        return
    others = [one for one in online.client.runs() if one.agreement == stored.agreement.identifier and one.run != run]
    live = [one for one in others if one.state not in DEAD]
    if len(live) >= stored.agreement.max_runs:
        return  # the third party refuses: no date helps
    if any(one.opened_at.date() >= due for one in live):
        following = next_runs(trigger, due + timedelta(days=1), 1)[0]
        sentence = (
            f"un croisement a déjà eu lieu pour l'échéance du {due:%d/%m/%Y} ; la prochaine est le {following:%d/%m/%Y}"
        )
        raise ServiceError("E_CALENDRIER", sentence)


def _approve(online: Connection, view: RunView) -> None:
    stored = online.active(view.agreement)
    online.check_quota(stored.agreement, view.run)
    _check_calendar(online, stored, view.run)
    agreement = stored.agreement.identifier
    statement = Approval(agreement=agreement, run=view.run, party=online.party)
    online.client.declare(view.run, "approval", statement.signed(online.office.keyring.identity().signing_key))
    RunFolder(online.office.home / "runs" / view.run).create(agreement)


def _live_run(online: Connection, agreement: str) -> str:
    """The run that is not over for this party, opened by itself or by a partner; else a new one."""
    own = unfinished_runs(online.office.home, agreement)
    run = own[0].run if own else _oldest(online, agreement)
    if run is None:
        try:
            _open(online, agreement)
        except ServiceError as error:
            run = _oldest(online, agreement)  # a partner may have opened it in the meantime
            if run is None:
                raise error from None
        run = run or _oldest(online, agreement)
    if run is None:
        raise ServiceError("E_CROISEMENT_TERMINE", "le croisement ouvert n'existe déjà plus ; recommencez")
    return run


def _oldest(online: Connection, agreement: str) -> str | None:
    live = [one for one in online.client.runs() if one.agreement == agreement and one.state in _LIVE]
    return min(live, key=lambda one: (one.opened_at, one.run)).run if live else None


def _take_part(online: Connection, run: str, agreement: str) -> None:
    view = online.run(run)
    if view.agreement != agreement:
        raise ServiceError("E_CROISEMENT_INCONNU", "ce croisement relève d'une autre convention")
    if view.state is RunState.OPENED and online.party not in view.approvals:
        _approve(online, view)
    elif online.party in view.approvals:
        RunFolder(online.office.home / "runs" / view.run).create(view.agreement)


def _join(online: Connection, seat: Seat, minutes: float | None) -> None:
    if seat.folder.done("joined"):
        return
    online.check_quota(online.active(seat.agreement.identifier).agreement, seat.run)
    seat.check_encoder()
    _watch(
        online,
        seat,
        "en attente de l'approbation des autres parties",
        lambda view: view.state is not RunState.OPENED,
        minutes,
    )
    posted = False

    def ready(view: RunView) -> bool:
        nonlocal posted
        if view.state is RunState.JOINING and not posted:
            exchange.post_shares(seat, online.client)
            posted = True
        if view.state in DEAD or not exchange.collect_keys(seat, online.client):
            return False
        return exchange.confirmed(seat, online.client)

    _watch(online, seat, "en attente des clés des autres parties", ready, minutes)
    seat.folder.drop_secrets("share")
    seat.folder.mark("joined", write_time(online.office.clock()))
    online.office.terminal.say("clés du croisement établies et confirmées avec chaque partie")


def _send(online: Connection, seat: Seat, minutes: float | None) -> None:
    seat.folder.require("encoded", f"rien n'est encodé : allervers run encode {seat.run} FICHIER")
    view = _watch(online, seat, "en attente des autres parties", lambda one: one.state not in _BEFORE_KEYS, minutes)
    if view.state is RunState.SENDING:
        outbox.check_refusals(seat, view)
        keys: list[object] = []

        def ready(_: RunView) -> bool:
            signed = online.client.worker_key(seat.run)
            if signed is not None:
                keys.append(signed)
            return signed is not None

        _watch(online, seat, "en attente de la clé de rapprochement du tiers de confiance", ready, minutes)
        worker = outbox.open_worker_key(seat, online.third_party.identity, keys[-1])
        seat.folder.keep_secrets("worker", {"commitment": bytes.fromhex(key_commitment(worker))})
        with online.office.terminal.progress("envoi") as report:
            outbox.send(seat, online.client, worker, report=report)
    seat.folder.mark("sent", write_time(online.office.clock()))
    online.office.terminal.say("encodages envoyés")


def _wait(online: Connection, seat: Seat, minutes: float | None) -> None:
    seat.folder.require("sent", f"rien n'est envoyé : allervers run send {seat.run}")
    with online.office.terminal.progress("rapprochement") as report:

        def ready(view: RunView) -> bool:
            if view.state not in DEAD:
                outbox.check_refusals(seat, view)
            if view.state is RunState.MATCHING and view.progress.total:
                report(view.progress.done, view.progress.total)
            if view.state is RunState.HELD:
                sentence = f"les résultats sont retenus pour examen par les parties : allervers run review {seat.run}"
                raise ServiceError("E_EXAMEN", sentence)
            return view.state in _AFTER_MATCHING

        _watch(online, seat, "en attente des autres parties et du rapprochement", ready, minutes)
    online.office.terminal.say("rapprochement terminé")


def _watch(
    online: Connection, seat: Seat, sentence: str, ready: Callable[[RunView], bool], minutes: float | None
) -> RunView:
    """Wait for a run; the keys that nothing will need again go as soon as it is seen compared or dead."""

    def seen(view: RunView) -> bool:
        _drop_spent(seat, view)
        return ready(view)

    return online.wait(seat.run, sentence, seen, minutes)


def _drop_spent(seat: Seat, view: RunView) -> None:
    if view.state in _COMPARED_OR_DEAD:
        seat.folder.drop_secrets("share", "key", "upload")


def _hits(online: Connection, seat: Seat, out: Path, minutes: float | None) -> None:
    view = online.run(seat.run)
    _drop_spent(seat, view)
    if view.state not in _results_in(seat):
        raise ServiceError("E_ETAPE", f"aucun résultat à retirer ; état du croisement : {STATES[view.state]}")
    if seat.joiner is not None:
        found = collect_from_joiner(online, seat, minutes)
    else:
        with online.office.terminal.progress("résultats") as report:
            found = collect_hits(seat, online.client, online.third_party.identity, report=report)
    say_recall(online.office.terminal, found.recall)
    told = kept_results(online.office.home, seat, found.found, online.office.clock().date())
    counts = write_hits(out, seat.folder.identifiers, told, seat.stored.demarche.payload)
    seat.folder.mark("delivered", write_time(online.office.clock()))
    for output, (award, information) in counts.items():
        name = f", « {output} »" if len(counts) > 1 else ""
        online.office.terminal.say(f"{out}{name} : {award} pour attribution, {information} pour information")
    if incomplete := sum(one.incomplete for one in told.values()):
        sentence = f"{incomplete} personne(s) laissée(s) : une autre personne du même dossier n'est pas retenue"
        online.office.terminal.note(sentence)


def _results_in(seat: Seat) -> tuple[RunState, ...]:
    """The states in which results can be had: whoever waits for no delivery has its own even after the others have closed."""
    waits = bool(seat.comparisons_of(seat.party))
    return (RunState.DELIVERED,) if waits else _AFTER_MATCHING


def _close(online: Connection, seat: Seat, minutes: float | None) -> None:
    view = online.run(seat.run)
    _drop_spent(seat, view)
    if view.state in _LIVE and view.state is not RunState.DELIVERED:
        raise ServiceError("E_ETAPE", f"attendez la fin du croisement, ou annulez-le ; son état : {STATES[view.state]}")
    if seat.receives and view.state in _results_in(seat):
        sentence = f"retirez d'abord les résultats : allervers run hits {seat.run} --out FICHIER"
        seat.folder.require("delivered", sentence)
    if seat.party in seat.agreement.receivers and view.state is RunState.DELIVERED:
        if seat.joins:
            seat.folder.require("combined", f"appliquez d'abord la règle : allervers run combine {seat.run}")
        statement = Acknowledgement(agreement=seat.agreement.identifier, run=seat.run, party=seat.party)
        online.client.declare(seat.run, "acknowledgement", statement.signed(seat.identity.signing_key))
    outbox.drop_refused(seat, view)
    seat.folder.forget()
    pending = Pending(home=online.office.home, agreement=seat.agreement.identifier)
    pending.settle(seat.run, compared=view.state in _AFTER_MATCHING)
    settle(online, seat, minutes)
    online.office.terminal.say(f"croisement {seat.run} clos : reçus vérifiés, clés locales détruites")


def _cancel(online: Connection, seat: Seat) -> None:
    statement = Cancellation(agreement=seat.agreement.identifier, run=seat.run, party=seat.party)
    online.client.declare(seat.run, "cancellation", statement.signed(seat.identity.signing_key))
