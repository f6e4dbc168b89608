"""Commands of a review: why the results of a run are held, and the agreement to deliver them all the same.

The source of a comparison is shown the reasons, each in words, with the sizes of both files in bands. The recipient is shown
that a review is on and who has released. Refusing is cancelling (`allervers run cancel`): everything is destroyed.
"""

from __future__ import annotations

import argparse

from crypto.errors import CryptoError
from service.administration.app import open_office
from service.administration.connection import Connection, connect
from service.administration.run_words import STATES
from service.administration.terminal import Terminal
from service.answers import RunView
from service.counts import spelled
from service.errors import ServiceError
from service.messages import RunState
from service.review import SENTENCES, Hold, Release, ReviewView

__all__ = ["release", "review"]


def review(args: argparse.Namespace) -> None:
    """`allervers run review`: where the review of a run stands, and what this party may know of its reasons."""
    office = open_office(args.home)
    with connect(office) as online:
        seen, holds = _read(online, online.run(args.run))
    terminal = office.terminal
    if not seen.held and not seen.released:
        terminal.say(f"croisement {args.run} : aucun examen en cours")
        return
    terminal.say(f"croisement {args.run} : {'résultats retenus pour examen' if seen.held else 'examen terminé'}")
    for hold in holds:
        _say_hold(terminal, hold)
    terminal.say(f"accord de   : {', '.join(seen.released) or 'personne'}")
    if seen.held:
        terminal.say(f"attendu de  : {', '.join(seen.waiting)}")
        terminal.note(
            f"pour livrer : allervers run release {args.run} ; pour refuser : allervers run cancel {args.run}"
        )


def release(args: argparse.Namespace) -> None:
    """`allervers run release`: agree, by a signature, that held results are delivered."""
    office = open_office(args.home)
    with connect(office) as online:
        view = online.run(args.run)
        if view.state is not RunState.HELD:
            raise ServiceError("E_ETAPE", f"aucun résultat n'est retenu ; état du croisement : {STATES[view.state]}")
        seen, holds = _read(online, view)
        for hold in holds:
            _say_hold(office.terminal, hold)
        statement = Release(agreement=view.agreement, run=args.run, party=online.party)
        online.client.declare(args.run, "release", statement.signed(office.keyring.identity().signing_key))
    others = [party for party in seen.waiting if party != statement.party]
    rest = f" ; encore attendu : {', '.join(others)}" if others else " ; les résultats sont livrés"
    office.terminal.say(f"accord donné pour le croisement {args.run}{rest}")


def _read(online: Connection, view: RunView) -> tuple[ReviewView, list[Hold]]:
    """The review, and the holds that the third party has signed for this very run."""
    seen, holds = online.client.review(view.run), []
    for signed in seen.holds:
        try:
            hold = Hold.opened(online.third_party.identity.signing_key, signed)
        except (CryptoError, ServiceError) as error:
            raise ServiceError("E_REPONSE", "un motif n'est pas signé par le tiers de confiance épinglé") from error
        if (seen.run, hold.run, hold.agreement) != (view.run, view.run, view.agreement):
            raise ServiceError("E_REPONSE", "un motif reçu est celui d'un autre croisement")
        holds.append(hold)
    return seen, holds


def _say_hold(terminal: Terminal, hold: Hold) -> None:
    terminal.say(f"comparaison : {hold.comparison}")
    for one in hold.sightings:
        terminal.say(f"motif       : {one.reason} ({one.party}) : {SENTENCES[one.reason]}")
    for size in hold.sizes:
        before = f", au croisement précédent {spelled(size.before)}" if size.before else ""
        terminal.say(f"effectif    : {size.party}, {spelled(size.now)}{before}")
