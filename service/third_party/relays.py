"""What a recipient and its joiner seal to each other, as requests: pieces in any order, read by their addressee alone.

The third party carries ciphertext. It checks who may write to whom (`service.agreement.Agreement.joiners`), that pieces of one
relay agree on how many they are, and that nobody fills its disk: no relay is longer than the declared sizes can make it. A
piece is never replaced, because its addressee may have read it. Pieces are destroyed with the deliveries of their addressee.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from crypto.sealing import SEAL_OVERHEAD
from linkage.wire import ID_BYTES
from service.agreement import Agreement
from service.answers import RelayView
from service.errors import ServiceError, absent
from service.messages import MAX_RELAY_BYTES, Relay
from service.payload_cover import delivered_width
from service.third_party.authentication import Caller
from service.third_party.lifecycle import Action
from service.third_party.parcels import acknowledged_by
from service.third_party.relay_store import (
    add_piece,
    announced,
    digests_of,
    is_complete,
    load_piece,
    pieces_about,
    relay_digest,
    route_of,
)
from service.third_party.runs import load_for, open_statement_of
from service.third_party.site import Site
from service.third_party.store import stored, unstored

__all__ = ["list_relays", "read_relay", "send_relay"]

_SPARE = 2  # a padded list takes at most twice its length, and files may exceed their declared size a little


def send_relay(site: Site, caller: Caller, run_id: str, signed: object) -> None:
    """Keep a piece for its addressee; sending the same one again changes nothing.

    Raises:
        ServiceError: `E_INTROUVABLE`, also when the parties are not a recipient and its joiner; `E_ETAT`, `E_MESSAGE`,
            `E_CORPS_TROP_GRAND`, `E_DEJA_DEPOSE`.
        CryptoError: not the caller's statement.
    """
    with site.database.write() as connection:
        run, agreement = load_for(site, connection, caller, run_id, Action.SEND_RELAY)
        relay = open_statement_of(connection, Relay, caller, signed, run)
        _check_piece(agreement, relay)
        if relay.to in acknowledged_by(connection, run_id):
            sentence = "le destinataire a déjà accusé réception ; plus rien ne peut lui être transmis."
            raise ServiceError("E_ETAT", sentence, 409)
        data = stored(signed if isinstance(signed, dict) else {})
        if _is_held(site, connection, relay, data):
            return
        add_piece(site, connection, relay, data)
        if is_complete(connection, run_id, route_of(relay)):
            digest = relay_digest(digests_of(connection, run_id, route_of(relay)))
            about = {"agreement": run.agreement, "run": run_id, "digest": digest}
            site.record(connection, caller.party, "relay_complete", **about)


def list_relays(site: Site, caller: Caller, run_id: str) -> list[RelayView]:
    """The relays that the caller sends or receives, and the pieces held of each.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`.
    """
    with site.database.read() as connection:
        load_for(site, connection, caller, run_id, Action.READ_RELAYS)
        held = pieces_about(connection, run_id, caller.party)
    return [
        RelayView(kind=kind, from_=sender, to=recipient, pieces=pieces, held=tuple(numbers))
        for ((kind, sender, recipient), pieces), numbers in held.items()
    ]


def read_relay(site: Site, caller: Caller, run_id: str, kind: str, sender: str, number: str) -> dict[str, Any]:
    """One signed piece that is addressed to the caller.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`.
    """
    place = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else -1
    with site.database.read() as connection:
        load_for(site, connection, caller, run_id, Action.READ_RELAYS)
        data = load_piece(site, connection, run_id, (kind, sender, caller.party), place)
    if data is None or str(place) != number:
        raise absent()
    return unstored(data)


def _is_held(site: Site, connection: Connection, relay: Relay, data: bytes) -> bool:
    route = route_of(relay)
    held = load_piece(site, connection, relay.run, route, relay.number)
    if held == data:
        return True
    if held is not None or announced(connection, relay.run, route) - {relay.pieces}:
        sentence = "un autre morceau a déjà été déposé sous ce numéro, ou en annonçait un autre nombre."
        raise ServiceError("E_DEJA_DEPOSE", sentence, 409)
    return False


def _check_piece(agreement: Agreement, relay: Relay) -> None:
    recipient, joiner = (relay.from_, relay.to) if relay.kind == "jetons" else (relay.to, relay.from_)
    if agreement.joiner_of(recipient) != joiner:
        raise absent()
    if relay.number >= relay.pieces:
        sentence = "le numéro d'un morceau est inférieur à leur nombre."
        raise ServiceError("E_MESSAGE", sentence, source={"pointer": "/statement/number"})
    size = len(relay.sealed) - SEAL_OVERHEAD
    if not 0 < size <= MAX_RELAY_BYTES or relay.pieces > _most_pieces(agreement, recipient):
        sentence = "ce relais est plus long que les effectifs de la convention ne le permettent."
        raise ServiceError("E_CORPS_TROP_GRAND", sentence, 413)


def _most_pieces(agreement: Agreement, recipient: str) -> int:
    """Pieces that the longer of the two relays may take: ids of every record in every pass, or hits with payloads, padded."""
    mine = [one for one in agreement.comparisons if one.recipient == recipient]
    records = _SPARE * (mine[0].sizes.recipient + len(mine) * agreement.controls)
    outputs = len(agreement.outputs_of(recipient))
    record = ID_BYTES * (outputs + sum(len(one.plan.passes) for one in mine))
    record += outputs * sum(delivered_width(one.payload_bytes) for one in mine)
    return 1 + _SPARE * -(-records * record // MAX_RELAY_BYTES)
