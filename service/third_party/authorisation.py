"""Who may do what: one table, role by action, and nothing that is not in it.

Roles follow from the agreement, never from a claim of the caller. Whoever has no part in an object is told
that it does not exist, with the same words as for an object that never did; a party of the object that lacks
the role is told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto

from service.agreement import Agreement
from service.errors import ServiceError, absent
from service.third_party.lifecycle import Action

__all__ = ["RIGHTS", "Role", "check_right", "roles_in"]


class Role(StrEnum):
    """What a caller is to the object it asks for."""

    ANYONE = auto()  # no signature needed
    ENROLLED = auto()  # a party whose key the operator has enrolled
    MEMBER = auto()  # a party of the agreement
    RECIPIENT = auto()  # receives something under the agreement: hits, or links to join for another


_ENROLLED = frozenset({Role.ENROLLED})
_MEMBER = frozenset({Role.MEMBER})
_RECIPIENT = frozenset({Role.RECIPIENT})

RIGHTS: Mapping[Action, frozenset[Role]] = {
    Action.READ_IDENTITY: frozenset({Role.ANYONE}),
    Action.READ_INTERFACE: frozenset({Role.ANYONE}),
    Action.READ_KEYS: _ENROLLED,  # and of a party with which the caller has an agreement
    Action.SUCCEED_KEY: _ENROLLED,  # of the caller itself
    Action.PROPOSE_AGREEMENT: _ENROLLED,
    Action.LIST_AGREEMENTS: _ENROLLED,
    Action.READ_AGREEMENT: _MEMBER,
    Action.SIGN_AGREEMENT: _MEMBER,
    Action.OPEN_RUN: _ENROLLED,  # the body names the agreement; its membership is checked there
    Action.LIST_RUNS: _ENROLLED,
    Action.READ_RUN: _MEMBER,
    Action.APPROVE_RUN: _MEMBER,
    Action.CANCEL_RUN: _MEMBER,
    Action.READ_WORKER_KEY: _MEMBER,
    Action.SEND_SHARE: _MEMBER,
    Action.READ_SHARES: _MEMBER,
    Action.SEND_CONFIRMATION: _MEMBER,
    Action.READ_CONFIRMATIONS: _MEMBER,
    Action.DECLARE_UPLOAD: _MEMBER,
    Action.READ_UPLOAD: _MEMBER,  # and the upload must be the caller's own
    Action.SEND_CHUNK: _MEMBER,
    Action.COMPLETE_UPLOAD: _MEMBER,
    Action.LIST_DELIVERIES: _RECIPIENT,
    Action.READ_DELIVERY: _RECIPIENT,
    Action.ACKNOWLEDGE: _RECIPIENT,
    Action.SEND_RELAY: _RECIPIENT,  # and to one's joiner, or to the recipient that one joins for
    Action.READ_RELAYS: _RECIPIENT,
    Action.READ_RECEIPTS: _MEMBER,
    Action.READ_RUN_LOG: _MEMBER,
    Action.READ_CHECKPOINT: _ENROLLED,
    Action.READ_CONSISTENCY: _ENROLLED,
    Action.READ_WITNESSES: _ENROLLED,
    Action.WITNESS: _ENROLLED,
    Action.READ_HEALTH: frozenset({Role.ANYONE}),
    Action.READ_REVIEW: _MEMBER,  # what a member reads of it depends on its side
    Action.RELEASE_RUN: _MEMBER,
}


def roles_in(agreement: Agreement | None, party: str) -> frozenset[Role]:
    """The roles of an authenticated party, in an agreement or outside any."""
    roles = {Role.ANYONE, Role.ENROLLED}
    if agreement is not None and party in agreement.members:
        roles.add(Role.MEMBER)
        if party in agreement.receivers:
            roles.add(Role.RECIPIENT)
    return frozenset(roles)


def check_right(action: Action, roles: frozenset[Role]) -> None:
    """Refuse what the table does not grant.

    Raises:
        ServiceError: `E_INTROUVABLE` (404) to whoever has no part in the object, `E_ACCES_REFUSE` (403) to a
        member that
            lacks the role.
    """
    granted = RIGHTS.get(action, frozenset())
    if granted & roles:
        return
    if Role.MEMBER in roles:
        raise ServiceError("E_ACCES_REFUSE", "cette action est réservée au destinataire des résultats.", 403)
    raise absent()
