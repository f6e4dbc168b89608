"""Pieces that a recipient and its joiner seal to each other: posted once, fetched whole, believed only from pinned keys.

A relay is bytes cut into pieces of `MAX_RELAY_BYTES` at most. Each is sealed to the other party under a context that names the
agreement, the run, the direction and the place of the piece, and signed. The third party keeps what it was given first: after
a cut, only the pieces that it does not hold are sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from crypto.errors import CryptoError
from crypto.sealing import seal, unseal
from service.administration.seat import Seat
from service.answers import RelayView
from service.errors import ServiceError
from service.messages import MAX_RELAY_BYTES, MAX_RELAY_PIECES, Relay, relay_context

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = ["Kind", "cut", "fetch", "held", "is_complete", "post"]

Kind = Literal["jetons", "hits"]


def cut(data: bytes) -> list[bytes]:
    """Bytes as pieces; at least one."""
    starts = range(0, max(1, len(data)), MAX_RELAY_BYTES)
    return [data[start : start + MAX_RELAY_BYTES] for start in starts]


def is_complete(views: Sequence[RelayView], kind: Kind, sender: str, receiver: str) -> bool:
    """Whether the third party holds every piece of a relay."""
    return any(
        (one.kind, one.from_, one.to) == (kind, sender, receiver) and one.held == tuple(range(one.pieces))
        for one in views
    )


def held(seat: Seat, client: Client, kind: Kind, receiver: str, pieces: int) -> frozenset[int]:
    """The pieces of a relay of this party that the third party holds.

    Raises:
        ServiceError: `E_RELAIS`, it holds another relay of this party.
    """
    mine = [one for one in client.relays(seat.run) if (one.kind, one.from_, one.to) == (kind, seat.party, receiver)]
    if any(one.pieces != pieces for one in mine):
        raise _refused(receiver, "n'a plus la même longueur que ce qui a été déposé")
    return frozenset(number for one in mine for number in one.held)


def post(
    seat: Seat, client: Client, kind: Kind, receiver: str, pieces: Iterable[tuple[int, bytes]], total: int
) -> None:
    """Seal and post pieces to another party.

    Args:
        seat: of the sender.
        client: connected.
        kind: of the relay.
        receiver: to whom.
        pieces: (number, plaintext) of those that are not there yet.
        total: pieces of the relay.

    Raises:
        ServiceError: `E_EFFECTIF_DEPASSE`, more pieces than a relay has; whatever the third party refuses.
    """
    if total > MAX_RELAY_PIECES:
        raise ServiceError("E_EFFECTIF_DEPASSE", "trop de personnes pour un jointeur ; divisez la sélection")
    key = seat.pins(receiver).sealing_key
    for number, plain in pieces:
        names = {
            "agreement": seat.agreement.identifier,
            "run": seat.run,
            "kind": kind,
            "from_": seat.party,
            "to": receiver,
        }
        open_ = Relay(**names, number=number, pieces=total, sealed=b"")
        relay = Relay(**names, number=number, pieces=total, sealed=seal(key, plain, relay_context(open_)))
        client.declare(seat.run, "relays", relay.signed(seat.identity.signing_key))


def fetch(seat: Seat, client: Client, kind: Kind, sender: str) -> list[bytes]:
    """The pieces of a relay that is complete, in their order.

    Raises:
        ServiceError: `E_RELAIS`: not signed by the pinned sender, for another run, or a piece does not open.
    """
    views = [one for one in client.relays(seat.run) if (one.kind, one.from_, one.to) == (kind, sender, seat.party)]
    if len(views) != 1 or not is_complete(views, kind, sender, seat.party):
        raise ServiceError("E_PATIENTER", f"« {sender} » n'a pas encore tout transmis ; recommencez dans un instant")
    return [_opened(seat, client, kind, sender, (number, views[0].pieces)) for number in range(views[0].pieces)]


def _opened(seat: Seat, client: Client, kind: Kind, sender: str, place: tuple[int, int]) -> bytes:
    signed = client.relay(seat.run, kind, sender, place[0])
    try:
        one = Relay.opened(seat.pins(sender).signing_keys, signed)
        named = (one.agreement, one.run, one.kind, one.from_, one.to, one.number, one.pieces)
        if named != (seat.agreement.identifier, seat.run, kind, sender, seat.party, *place):
            raise _refused(sender, "est celui d'un autre croisement")
        return unseal(seat.identity.sealing_key, one.sealed, relay_context(one))
    except CryptoError as error:
        raise _refused(sender, "n'est pas authentique ou ne s'ouvre pas") from error


def _refused(party: str, what: str) -> ServiceError:
    sentence = f"le relais entre votre administration et « {party} » {what} ; n'allez pas plus loin et signalez-le"
    return ServiceError("E_RELAIS", sentence)
