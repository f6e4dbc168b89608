"""The run keys: each party's share, sealed to its partner, signed, checked with pinned keys; then confirmed.

For each comparison of this party: draw a share once and keep it before it is sent; seal it to the partner's
pinned key under a context that names agreement, run, comparison, sender and receiver; sign it. With the
partner's share in hand, derive K_run, and show by a tag that both hold the same key and the same encoder. A
tag that does not fit stops everything with `E_CONFIRMATION`: either somebody stands in between, or the two
tools would encode differently.

Every function can be called again: what was drawn and what was posted is kept, and posted again unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crypto.errors import CryptoError, KeyRefused
from crypto.keys import RunKey, Share, check_confirmation, confirmation, fresh_share, run_key
from crypto.sealing import seal, unseal
from service.administration.seat import Seat
from service.agreement import Comparison
from service.errors import ServiceError
from service.messages import Confirmation, SealedShare, share_context

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = ["collect_keys", "confirmed", "open_share", "post_shares", "seal_share"]


def seal_share(seat: Seat, comparison: Comparison, share: Share) -> dict[str, Any]:
    """A share as it is posted: sealed to the partner, signed by this party."""
    peer, agreement = seat.peer(comparison), seat.agreement.identifier
    info = share_context(agreement, seat.run, comparison.id, seat.party, peer.party)
    statement = SealedShare(
        agreement=agreement,
        run=seat.run,
        comparison=comparison.id,
        from_=seat.party,
        to=peer.party,
        sealed=seal(peer.sealing_key, share, info),
    )
    return statement.signed(seat.identity.signing_key)


def open_share(seat: Seat, comparison: Comparison, signed: object) -> Share:
    """The partner's share, from what the third party relayed.

    Raises:
        ServiceError: `E_PART_REFUSEE`: not signed by the pinned key, for another run, or it does not open.
    """
    peer, agreement = seat.peer(comparison), seat.agreement.identifier
    info = share_context(agreement, seat.run, comparison.id, peer.party, seat.party)
    try:
        one = SealedShare.opened(peer.signing_keys, signed)
        named = (one.agreement, one.run, one.comparison, one.from_, one.to)
        if named != (agreement, seat.run, comparison.id, peer.party, seat.party):
            raise KeyRefused("cette part de clé appartient à un autre croisement.")
        return Share(unseal(seat.identity.sealing_key, one.sealed, info))
    except (CryptoError, ServiceError) as error:
        sentence = (
            f"la part de clé attribuée à « {peer.party} » n'est pas authentique ; ne continuez pas : annulez le "
            "croisement et comparez les empreintes de vive voix"
        )
        raise ServiceError("E_PART_REFUSEE", sentence) from error


def post_shares(seat: Seat, client: Client) -> None:
    """Draw, keep, seal and post this party's share of each comparison."""
    for comparison in seat.comparisons:
        # Sealing is random: what is posted a second time must be what was posted the first time.
        signed = seat.folder.posted(comparison.id)
        if signed is None:
            if seat.folder.secret("share", comparison.id) is None:
                seat.folder.keep_secrets("share", {comparison.id: fresh_share()})
            signed = seal_share(seat, comparison, Share(_held(seat, "share", comparison)))
            seat.folder.keep_posted(comparison.id, signed)
        client.declare(seat.run, "shares", signed)


def collect_keys(seat: Seat, client: Client) -> bool:
    """Derive the key of each comparison whose partner has posted its share, and post the confirmation.

    Returns:
        Whether every comparison has its key.
    """
    relayed: list[Any] | None = None
    for comparison in seat.comparisons:
        if seat.folder.secret("key", comparison.id) is None:
            relayed = client.statements(seat.run, "shares") if relayed is None else relayed
            theirs = [one for one in relayed if _about(one, comparison, "from", seat.peer(comparison).party)]
            if not theirs:
                continue
            shares = {
                seat.party: Share(_held(seat, "share", comparison)),
                seat.peer(comparison).party: open_share(seat, comparison, theirs[0]),
            }
            with run_key(bytes.fromhex(seat.agreement.identifier), seat.run, comparison.id, shares) as key:
                seat.folder.keep_secrets("key", {comparison.id: key})
        if seat.folder.secret("confirmed", comparison.id) is None:
            client.declare(seat.run, "confirmations", _confirmation(seat, comparison))
            seat.folder.keep_secrets("confirmed", {comparison.id: b""})
    return all(seat.folder.secret("key", one.id) is not None for one in seat.comparisons)


def confirmed(seat: Seat, client: Client) -> bool:
    """Check the partners' confirmations.

    Returns:
        Whether all of them are there, and right.

    Raises:
        ServiceError: `E_CONFIRMATION`.
    """
    relayed, ready = client.statements(seat.run, "confirmations"), True
    for comparison in seat.comparisons:
        peer = seat.peer(comparison).party
        theirs = [one for one in relayed if _about(one, comparison, "from", peer)]
        if theirs:
            _check_confirmation(seat, comparison, theirs[0])
        else:
            ready = False
    return ready


def _confirmation(seat: Seat, comparison: Comparison) -> dict[str, Any]:
    agreement = seat.agreement
    transcript, encoder = bytes.fromhex(agreement.identifier), bytes.fromhex(agreement.encoder_digest)
    with RunKey(_held(seat, "key", comparison)) as key:
        tag = confirmation(key, transcript, seat.run, comparison.id, seat.party, encoder)
    statement = Confirmation(
        agreement=agreement.identifier,
        run=seat.run,
        comparison=comparison.id,
        from_=seat.party,
        tag=tag.hex(),
    )
    return statement.signed(seat.identity.signing_key)


def _check_confirmation(seat: Seat, comparison: Comparison, signed: object) -> None:
    agreement, peer = seat.agreement, seat.peer(comparison)
    transcript, encoder = bytes.fromhex(agreement.identifier), bytes.fromhex(agreement.encoder_digest)
    try:
        one = Confirmation.opened(peer.signing_keys, signed)
        named = (one.agreement, one.run, one.comparison, one.from_)
        if named != (agreement.identifier, seat.run, comparison.id, peer.party):
            raise KeyRefused("cette confirmation appartient à un autre croisement.")
        with RunKey(_held(seat, "key", comparison)) as key:
            tag = bytes.fromhex(one.tag)
            check_confirmation(key, transcript, seat.run, comparison.id, peer.party, encoder, tag)
    except (CryptoError, ServiceError) as error:
        sentence = (
            f"« {peer.party} » ne confirme pas la même clé et le même encodeur ; n'envoyez rien : annulez le "
            "croisement, comparez les empreintes de vive voix et les versions de l'outil"
        )
        raise ServiceError("E_CONFIRMATION", sentence) from error


def _held(seat: Seat, kind: str, comparison: Comparison) -> bytes:
    value = seat.folder.secret(kind, comparison.id)
    if value is None:
        sentence = f"les clés de ce croisement manquent : allervers run join {seat.run}"
        raise ServiceError("E_ETAPE", sentence)
    return value


def _about(signed: object, comparison: Comparison, member: str, party: str) -> bool:
    """Whether an unverified statement claims to be the one looked for; what it says is judged afterwards."""
    statement = signed.get("statement") if isinstance(signed, dict) else None
    if not isinstance(statement, dict):
        return False
    return statement.get("comparison") == comparison.id and statement.get(member) == party
