"""Signing keys of parties as requests: a successor deposited, the chain of a partner read, keys revoked by the operator."""

from __future__ import annotations

from sqlalchemy import select

from service.answers import KeysView
from service.errors import ServiceError, absent
from service.messages import statement_digest
from service.successions import Succession
from service.third_party import party_keys
from service.third_party.authentication import Caller
from service.third_party.key_changes import note_end, note_succession
from service.third_party.schema import agreement_members
from service.third_party.site import Site
from service.third_party.store import find_party, stored, unstored

__all__ = ["keys_of", "revoke", "succeed"]


def succeed(site: Site, caller: Caller, signed: object) -> KeysView:
    """Add a signing key to the caller's; the same statement again changes nothing.

    The chain is one line: the newest key signs, so partners who know the chain never see it fork.

    Raises:
        ServiceError: `E_MESSAGE`; `E_CLE_SUCCESSION` (409): the key was used before, or the newest did not sign.
        CryptoError: not signed by the caller, or without proof of the new key.
    """
    with site.database.write() as connection:
        active = tuple(one.public for one in party_keys.active_keys(connection, caller.party))
        one = Succession.checked(caller.public, active, signed)
        statement = stored(signed if isinstance(signed, dict) else {})
        chain = party_keys.successions(connection, caller.party)
        if statement not in chain:
            if party_keys.newest(connection, caller.party) != one.predecessor:
                sentence = "la clé la plus récente de la partie signe sa succession ; reprenez cette clé."
                raise ServiceError("E_CLE_SUCCESSION", sentence, 409)
            note_succession(site, connection, caller.party, unstored(statement))
            party_keys.succeed(connection, caller.party, one.successor, statement, site.clock())
            digest = statement_digest(unstored(statement))
            site.record(connection, caller.party, "key_succeeded", digest=digest)
            chain = party_keys.successions(connection, caller.party)
        return KeysView(party=caller.party, successions=tuple(map(unstored, chain)))


def keys_of(site: Site, caller: Caller, party: str) -> KeysView:
    """The successions of a party: one's own, or of a partner in an agreement.

    Raises:
        ServiceError: `E_INTROUVABLE`, also for a party that the caller has nothing to do with.
    """
    with site.database.read() as connection:
        mine = select(agreement_members.c.agreement).where(agreement_members.c.party == caller.party)
        shared = select(agreement_members.c.party).where(
            agreement_members.c.agreement.in_(mine), agreement_members.c.party == party
        )
        if party != caller.party and connection.scalar(shared.limit(1)) is None:
            raise absent()
        return KeysView(party=party, successions=tuple(map(unstored, party_keys.successions(connection, party))))


def revoke(site: Site, party: str, key: str | None) -> tuple[str, ...]:
    """End a key of a party, or all of them, for the operator; nothing that they sign is admitted any more.

    Returns:
        The names of the keys that ended.

    Raises:
        ServiceError: `E_PARTIE_INCONNUE`; `E_CLE_REVOQUEE`, no active key is meant.
    """
    with site.database.write() as connection:
        if find_party(connection, party) is None:
            raise ServiceError("E_PARTIE_INCONNUE", f"« {party} » n'est pas inscrite.", 404)
        ended = party_keys.revoke(connection, party, key, site.clock())
        if not ended:
            sentence = f"« {party} » n'a pas de clé active de ce nom ; allervers revoke {party} les révoque toutes."
            raise ServiceError("E_CLE_REVOQUEE", sentence, 409)
        for name in ended:
            note_end(site, connection, party, name)
            site.record(connection, site.party, "key_revoked", digest=name)
    return ended
