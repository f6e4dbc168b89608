"""The life of a run, without any input or output: states, events, what each state allows, deadlines.

::

    opened ─APPROVED→ joining ─CONFIRMED→ sending ─COMPLETED→ matching ─DELIVERED→ delivered ─DONE→ closed
                                             ↑─────CONTENT_REFUSED─────┘   │              ↑
                                                                          HELD → held ─RELEASED
    every live state ─CANCELLED→ cancelled        opened … matching ─EXPIRED→ expired, ─FAILED→ failed
    held ─EXPIRED→ expired        delivered ─EXPIRED→ closed (what was not fetched in time is destroyed)

Deadlines are fixed once: encodings die `encodings_hours` after the opening (72 h at most), deliveries
`hits_days` after they were stored (30 days at most), held or not: a review that lasts takes the time from the
recipient. A deadline is over at its very second, and nothing moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum, auto

from service.agreement import Agreement, Retention
from service.errors import ServiceError
from service.messages import RunState

__all__ = [
    "DEAD",
    "HOLDS_ENCODINGS",
    "LIVE",
    "Action",
    "Event",
    "after",
    "check_action",
    "depends_on_state",
    "encodings_deadline",
    "expected_confirmations",
    "expected_uploads",
    "hits_deadline",
    "over",
    "recipients",
    "total_passes",
]


class Action(StrEnum):
    """Everything that a request may ask for; each route declares one."""

    READ_IDENTITY = auto()
    READ_INTERFACE = auto()
    READ_KEYS = auto()
    SUCCEED_KEY = auto()
    PROPOSE_AGREEMENT = auto()
    LIST_AGREEMENTS = auto()
    READ_AGREEMENT = auto()
    SIGN_AGREEMENT = auto()
    OPEN_RUN = auto()
    LIST_RUNS = auto()
    READ_RUN = auto()
    APPROVE_RUN = auto()
    CANCEL_RUN = auto()
    READ_WORKER_KEY = auto()
    SEND_SHARE = auto()
    READ_SHARES = auto()
    SEND_CONFIRMATION = auto()
    READ_CONFIRMATIONS = auto()
    DECLARE_UPLOAD = auto()
    READ_UPLOAD = auto()
    SEND_CHUNK = auto()
    COMPLETE_UPLOAD = auto()
    LIST_DELIVERIES = auto()
    READ_DELIVERY = auto()
    ACKNOWLEDGE = auto()
    SEND_RELAY = auto()
    READ_RELAYS = auto()
    READ_RECEIPTS = auto()
    READ_RUN_LOG = auto()
    READ_CHECKPOINT = auto()
    READ_CONSISTENCY = auto()
    READ_WITNESSES = auto()
    WITNESS = auto()
    READ_HEALTH = auto()
    READ_REVIEW = auto()
    RELEASE_RUN = auto()


class Event(StrEnum):
    """What moves a run."""

    APPROVED = auto()  # by every party
    CONFIRMED = auto()  # by both parties of every comparison
    COMPLETED = auto()  # every upload of every pass
    CONTENT_REFUSED = auto()  # an upload does not hold what it should
    DELIVERED = auto()  # every delivery is stored
    HELD = auto()  # the same, and a guard has something to say
    RELEASED = auto()  # by every party
    DONE = auto()  # every recipient has acknowledged
    CANCELLED = auto()
    EXPIRED = auto()
    FAILED = auto()


_S, _E = RunState, Event
LIVE = frozenset({_S.OPENED, _S.JOINING, _S.SENDING, _S.MATCHING, _S.HELD, _S.DELIVERED})
HOLDS_ENCODINGS = LIVE - {_S.HELD, _S.DELIVERED}
DEAD = frozenset(_S) - LIVE

_MOVES: Mapping[tuple[RunState, Event], RunState] = {
    (_S.OPENED, _E.APPROVED): _S.JOINING,
    (_S.JOINING, _E.CONFIRMED): _S.SENDING,
    (_S.SENDING, _E.COMPLETED): _S.MATCHING,
    (_S.MATCHING, _E.CONTENT_REFUSED): _S.SENDING,
    (_S.MATCHING, _E.DELIVERED): _S.DELIVERED,
    (_S.MATCHING, _E.HELD): _S.HELD,
    (_S.HELD, _E.RELEASED): _S.DELIVERED,
    (_S.HELD, _E.EXPIRED): _S.EXPIRED,
    (_S.DELIVERED, _E.DONE): _S.CLOSED,
    (_S.DELIVERED, _E.EXPIRED): _S.CLOSED,
    **{(state, _E.CANCELLED): _S.CANCELLED for state in LIVE},
    **{(state, _E.EXPIRED): _S.EXPIRED for state in HOLDS_ENCODINGS},
    **{(state, _E.FAILED): _S.FAILED for state in HOLDS_ENCODINGS},
}

# What a request may ask in each state; an action that is not here does not depend on the state of a run.
# Sending again what was already taken is answered, not refused: a party whose connection broke must be able to.
_ALLOWED: Mapping[Action, frozenset[RunState]] = {
    Action.APPROVE_RUN: frozenset({_S.OPENED, _S.JOINING}),
    Action.CANCEL_RUN: LIVE | {_S.CANCELLED},
    Action.READ_WORKER_KEY: frozenset({_S.JOINING, _S.SENDING, _S.MATCHING}),
    Action.SEND_SHARE: frozenset({_S.JOINING}),
    Action.READ_SHARES: frozenset({_S.JOINING, _S.SENDING, _S.MATCHING}),
    Action.SEND_CONFIRMATION: frozenset({_S.JOINING, _S.SENDING}),
    Action.READ_CONFIRMATIONS: frozenset({_S.JOINING, _S.SENDING, _S.MATCHING}),
    Action.DECLARE_UPLOAD: frozenset({_S.SENDING}),
    Action.READ_UPLOAD: frozenset({_S.SENDING, _S.MATCHING}),
    Action.SEND_CHUNK: frozenset({_S.SENDING}),
    Action.COMPLETE_UPLOAD: frozenset({_S.SENDING, _S.MATCHING}),
    Action.RELEASE_RUN: frozenset({_S.HELD, _S.DELIVERED}),
    Action.LIST_DELIVERIES: frozenset({_S.DELIVERED}),
    Action.READ_DELIVERY: frozenset({_S.DELIVERED}),
    Action.ACKNOWLEDGE: frozenset({_S.DELIVERED, _S.CLOSED}),
    Action.SEND_RELAY: frozenset({_S.DELIVERED}),
    Action.READ_RELAYS: frozenset({_S.DELIVERED}),
}

_NOW: Mapping[RunState, str] = {
    _S.OPENED: "il attend l'approbation de toutes les parties",
    _S.JOINING: "les parties échangent leurs parts de clé",
    _S.SENDING: "les parties envoient leurs encodages",
    _S.MATCHING: "le rapprochement est en cours",
    _S.HELD: "ses résultats sont retenus jusqu'à l'examen des parties",
    _S.DELIVERED: "les résultats attendent leurs destinataires",
    _S.CLOSED: "il est clos",
    _S.CANCELLED: "il a été annulé",
    _S.EXPIRED: "son délai est dépassé",
    _S.FAILED: "il a échoué",
}


def after(state: RunState, event: Event) -> RunState:
    """The state that an event leads to.

    Raises:
        ServiceError: `E_ETAT` (409), the event means nothing in this state.
    """
    try:
        return _MOVES[state, event]
    except KeyError:
        raise _not_now(state) from None


def check_action(action: Action, state: RunState, deadline: datetime, now: datetime) -> None:
    """Refuse what the state of the run, or its deadline, does not allow.

    Args:
        action: what is asked.
        state: of the run.
        deadline: of this state; a live run past it has expired, even if nobody has written it down yet.
        now: the moment of the request.

    Raises:
        ServiceError: `E_ETAT` (409).
    """
    allowed = _ALLOWED.get(action)
    if allowed is None:
        return
    if state in LIVE and over(deadline, now):
        raise _not_now(_S.EXPIRED)
    if state not in allowed:
        raise _not_now(state)


def depends_on_state(action: Action) -> bool:
    """Whether an action is allowed in some states of a run only."""
    return action in _ALLOWED


def over(deadline: datetime, now: datetime) -> bool:
    """Whether a deadline is reached."""
    return now >= deadline


def encodings_deadline(opened_at: datetime, retention: Retention) -> datetime:
    """When encodings die at the latest."""
    return opened_at + timedelta(hours=retention.encodings_hours)


def hits_deadline(delivered_at: datetime, retention: Retention) -> datetime:
    """When deliveries die at the latest."""
    return delivered_at + timedelta(days=retention.hits_days)


def expected_confirmations(agreement: Agreement) -> int:
    """Two for each comparison."""
    return 2 * len(agreement.comparisons)


def expected_uploads(agreement: Agreement) -> frozenset[tuple[str, str, str]]:
    """(comparison, pass, party) of every upload of a run."""
    return frozenset(
        (one.id, step.name, party) for one in agreement.comparisons for step in one.plan.passes for party in one.parties
    )


def total_passes(agreement: Agreement) -> int:
    """Passes over all comparisons."""
    return sum(len(one.plan.passes) for one in agreement.comparisons)


def recipients(agreement: Agreement) -> frozenset[str]:
    """The parties that receive something: recipients, and joiners for them."""
    return agreement.receivers


def _not_now(state: RunState) -> ServiceError:
    return ServiceError("E_ETAT", f"ce croisement ne permet pas cette action : {_NOW[state]}.", 409)
