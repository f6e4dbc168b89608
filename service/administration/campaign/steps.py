"""When each step of a journey is due for one person: pure, days in, a step out.

A step is anchored at something: ``T0`` the opening of the campaign, ``+P30D`` the step before it, ``J-180`` the person's own due
date, ``rdv-P1D`` an event that was recorded for the person (an appointment), ``titre_disponible`` an event itself. Steps go
forward: once one is sent, none before it is; of several that are due, the last is sent. ``sans_reponse`` asks for no answer.

What ends a journey: an objection, a renouncement, "already done", a right that is open, a death. An answer ends what is
anchored at time; what is anchored at an event of the person's own (the eve of the appointment) still comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from service.administration.journal.legal_clocks import plus_months
from service.clauses import Step
from service.errors import ServiceError

__all__ = ["FINAL", "Due", "History", "check_journey", "due_step", "events_of", "journey_of", "words_of"]

FINAL = ("opposition", "plus_proposer", "deja_fait", "droit_ouvert", "deces")
CONDITIONS = (None, "sans_reponse")
_DURATION = re.compile(r"P(?:(\d{1,4})([DWM])|T(\d{1,4})H)")
_DUE_DATE = re.compile(r"J(?:([+-])(\d{1,4}))?")
_EVENT = re.compile(r"([a-z][a-z0-9_]*)(?:([+-])(P\w+))?")
_ORDINARY = (
    Step(at="T0", condition=None, template="premier"),
    Step(at="+P30D", condition="sans_reponse", template="relance"),
)


@dataclass(frozen=True, kw_only=True)
class History:
    """What is known of one person in a campaign.

    Attributes:
        opened: day of the campaign.
        sent: (place of the step, day), in the order of sending.
        events: event → its latest day.
        due: the person's own due date (`J`), where the journey has one.
        held: whether an agent holds everything back.
        resend: whether the last step is to be sent again.
    """

    opened: date
    sent: Sequence[tuple[int, date]] = ()
    events: Mapping[str, date] = field(default_factory=dict)
    due: date | None = None
    held: bool = False
    resend: bool = False


@dataclass(frozen=True, kw_only=True)
class Due:
    """A step that is due.

    Attributes:
        place: in the journey.
        step: itself.
        since: the day from which it is.
    """

    place: int
    step: Step
    since: date


def journey_of(steps: Sequence[Step], *, award: bool) -> tuple[Step, ...]:
    """The journey of a démarche, or the ordinary one: a first message, one reminder."""
    if steps:
        return tuple(steps)
    first, reminder = _ORDINARY
    return (Step(at="T0", condition=None, template="attribution"),) if award else (first, reminder)


def check_journey(steps: Sequence[Step]) -> None:
    """Judge what the steps say of their time.

    Raises:
        ServiceError: `E_PARCOURS`.
    """
    for place, step in enumerate(steps):
        relative = step.at.startswith("+")
        form = _DURATION.fullmatch(step.at[1:]) if relative else (_DUE_DATE.fullmatch(step.at) or _anchored(step.at))
        if step.at != "T0" and form is None:
            raise _refused(place, "« a » s'écrit T0, +P30D, J-180, rdv-P1D ou le nom d'un événement")
        if relative and place == 0:
            raise _refused(place, "une première étape ne suit aucune autre : écrivez T0")
        if step.condition not in CONDITIONS:
            raise _refused(place, "« si » ne peut être que sans_reponse")


def events_of(steps: Sequence[Step]) -> tuple[str, ...]:
    """The events of a person's own that some step waits for, each once."""
    anchors = [_anchored(step.at) for step in steps if _of_event(step.at)]
    return tuple(dict.fromkeys(one[0] for one in anchors if one is not None))


def words_of(step: Step, *, award: bool) -> str:
    """The name of the phrases of a step: an alert before a due date says so; what may not be awarded is not announced."""
    if step.template == "alerte" and _DUE_DATE.fullmatch(step.at):
        return "echeance"
    return "premier" if step.template == "attribution" and not award else step.template


def due_step(steps: Sequence[Step], history: History, today: date) -> Due | None:
    """The step that a person is due today, if any."""
    if history.held or any(name in history.events for name in FINAL):
        return None
    if history.resend and history.sent:
        place, _ = history.sent[-1]
        return Due(place=place, step=steps[place], since=today)
    last = max((place for place, _ in history.sent), default=-1)
    found = None
    for place, step in enumerate(steps[last + 1 :], last + 1):
        since = _since(steps, place, history)
        answered = "reponse" in history.events
        stopped = answered and (step.condition == "sans_reponse" or not _of_event(step.at))
        if since is not None and since <= today and not stopped:
            found = Due(place=place, step=step, since=since)
    return found


def _since(steps: Sequence[Step], place: int, history: History) -> date | None:
    """The day from which a step is due; None while that is not known."""
    at = steps[place].at
    if at == "T0":
        return history.opened
    if at.startswith("+"):
        before = [day for number, day in history.sent if number == place - 1]
        return _later(before[-1], at[1:]) if before else None
    if (found := _DUE_DATE.fullmatch(at)) is not None:
        if history.due is None:
            return None
        return history.due + timedelta(days=int(f"{found[1]}{found[2]}") if found[2] else 0)
    event, sign, duration = _anchored(at) or ("", None, None)
    day = history.events.get(event)
    if day is None or duration is None:
        return day
    return _later(day, duration, backwards=sign == "-")


def _later(day: date, duration: str, *, backwards: bool = False) -> date:
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ServiceError("E_PARCOURS", "une durée s'écrit P30D, P2W, P1M ou PT6H")
    way = -1 if backwards else 1
    if found[3]:
        return day + timedelta(days=way * (int(found[3]) // 24))  # messages leave by the day
    if found[2] == "M":
        return plus_months(day, way * int(found[1]))
    return day + timedelta(days=way * int(found[1]) * (7 if found[2] == "W" else 1))


def _anchored(at: str) -> tuple[str, str | None, str | None] | None:
    found = _EVENT.fullmatch(at)
    if found is None or (found[3] and _DURATION.fullmatch(found[3]) is None):
        return None
    return found[1], found[2], found[3]


def _of_event(at: str) -> bool:
    return at != "T0" and not at.startswith("+") and _DUE_DATE.fullmatch(at) is None


def _refused(place: int, rule: str) -> ServiceError:
    return ServiceError("E_PARCOURS", f"parcours, étape {place + 1} : {rule}")
