"""What a run with joiners adds to the commands: tables go to joiners, joiners apply rules, hits come back.

Every step can be done again: what the third party holds is not sent twice, and a joiner keeps nothing of what it sees.
"""

from __future__ import annotations

import argparse

from service.administration import jetons, joiner, relaying
from service.administration.app import open_office
from service.administration.connection import Connection, connect
from service.administration.controls import LEAST_PERCENT, Recall
from service.administration.inbox import Collected
from service.administration.local_commands import take_seat
from service.administration.run_words import STATES
from service.administration.seat import Seat
from service.administration.terminal import Terminal
from service.answers import RunView
from service.errors import ServiceError
from service.forms import write_time
from service.messages import RunState

__all__ = ["collect_from_joiner", "combine", "combine_for_others", "say_recall"]


def combine(args: argparse.Namespace) -> None:
    """`allervers run combine`: a recipient sends its table to its joiner; a joiner applies the rules of its recipients."""
    with connect(open_office(args.home)) as online:
        seat = take_seat(online.office, args.run)
        if seat.joiner is None and not seat.joins:
            raise ServiceError("E_ETAPE", "ce croisement n'a pas de jointeur : passez à run hits ou run close")
        if online.run(seat.run).state is not RunState.DELIVERED:
            raise ServiceError("E_ETAPE", f"attendez la fin du rapprochement : allervers run wait {seat.run}")
        combine_for_others(online, seat, args.timeout)


def combine_for_others(online: Connection, seat: Seat, minutes: float | None) -> None:
    """Send one's own table first, so that nobody waits for two; then join for each recipient that named this party."""
    if seat.joiner is not None:
        jetons.post_jetons(seat, online.client)
        online.office.terminal.say(f"table des jetons transmise à votre jointeur « {seat.joiner} »")
    for recipient in seat.joins:
        _wait_for(online, seat, ("jetons", recipient, seat.party), minutes)
        joiner.combine(seat, online.client, online.third_party.identity, recipient)
        online.office.terminal.say(f"règle appliquée pour « {recipient} » ; jetons transmis")
    seat.folder.mark("combined", write_time(online.office.clock()))


def collect_from_joiner(online: Connection, seat: Seat, minutes: float | None) -> Collected:
    """The hits of a recipient of several comparisons, once its joiner has applied the rule."""
    assert seat.joiner is not None  # noqa: S101 - the caller asked
    jetons.post_jetons(seat, online.client)
    _wait_for(online, seat, ("hits", seat.joiner, seat.party), minutes)
    return jetons.collect_joined(seat, online.client)


def say_recall(terminal: Terminal, recall: Recall) -> None:
    """Tell how many positive controls came back; too few of them mean results that cannot be relied on."""
    if not recall.expected:
        return
    terminal.say(f"contrôles   : {recall.found} sur {recall.expected} retrouvés")
    if not recall.enough:
        terminal.note(
            f"moins de {LEAST_PERCENT} % des contrôles sont revenus : des liens manquent, par une panne ou par la faute du "
            "tiers de confiance ou du jointeur ; n'utilisez pas ces résultats et signalez-le"
        )


def _wait_for(online: Connection, seat: Seat, route: tuple[relaying.Kind, str, str], minutes: float | None) -> None:
    kind, sender, receiver = route

    def ready(view: RunView) -> bool:
        if view.state is not RunState.DELIVERED:
            raise ServiceError(
                "E_ETAPE", f"rien ne peut plus être transmis ; état du croisement : {STATES[view.state]}"
            )
        return relaying.is_complete(online.client.relays(seat.run), kind, sender, receiver)

    online.wait(seat.run, f"en attente de « {sender} »", ready, minutes)
