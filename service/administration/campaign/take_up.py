"""How far people got: eligible → linked → contacted → answered → right opened, in figures that may be shown to others.

Rounded up to a multiple of five, nothing under eleven. What can be computed from two figures is judged too: in a breakdown
(channels, reasons), one hidden part takes the next smallest with it, so that no total minus the rest tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.administration.campaign.roll import Campaign, Roll, rolls
from service.administration.journal.ledger import Ledger
from service.counts import LEAST

__all__ = ["HIDDEN", "TakeUp", "broken_down", "shown_count", "take_up"]

HIDDEN = f"moins de {LEAST}"
_STEP = 5


@dataclass(frozen=True, kw_only=True)
class TakeUp:
    """The figures of a campaign, as they are shown.

    Attributes:
        stages: (words, figure) from the first to the last.
        channels: channel → figure.
        stopped: reason → figure.
    """

    stages: Sequence[tuple[str, str]]
    channels: Mapping[str, str]
    stopped: Mapping[str, str]


def take_up(ledger: Ledger, one: Campaign, least: int = LEAST) -> TakeUp:
    """The figures of a campaign; nothing under `least` people, which a démarche may raise."""
    collection = ledger.collection(one.collection)
    query = "SELECT count(*) FROM trace WHERE collection = ? AND what = 'hit'"
    (linked,) = ledger.database.execute(query, (one.collection,)).fetchone()
    known = list(rolls(ledger, one).values())
    answers = ("reponse", "deja_fait", "plus_proposer", "opposition", "droit_ouvert")
    counts = (
        ("personnes du fichier comparé", collection.eligible),
        ("personnes retenues", int(linked)),
        ("personnes contactées", sum(bool(roll.sent) for roll in known)),
        ("personnes qui ont répondu", sum(any(name in roll.events for name in answers) for roll in known)),
        ("droits ouverts", sum("droit_ouvert" in roll.events for roll in known)),
    )
    return TakeUp(
        stages=tuple((words, shown_count(count, least)) for words, count in counts),
        channels=broken_down(_by_channel(known), least),
        stopped=broken_down(
            {
                name: sum(name in roll.events for roll in known)
                for name in ("opposition", "plus_proposer", "deja_fait", "deces")
            },
            least,
        ),
    )


def shown_count(count: int, least: int = LEAST) -> str:
    """A count as it is shown."""
    return f"moins de {least}" if count < least else str(_STEP * -(-count // _STEP))


def broken_down(parts: Mapping[str, int], least: int = LEAST) -> dict[str, str]:
    """The parts of a whole, as they are shown."""
    hidden = {name for name, count in parts.items() if count < least}
    if len(hidden) == 1 and len(parts) > 1:
        hidden.add(min((count, name) for name, count in parts.items() if name not in hidden)[1])
    return {name: f"moins de {least}" if name in hidden else shown_count(count, least) for name, count in parts.items()}


def _by_channel(known: Sequence[Roll]) -> dict[str, int]:
    channels = sorted({channel for roll in known for _, channel, _ in roll.sent})
    return {name: sum(any(channel == name for _, channel, _ in roll.sent) for roll in known) for name in channels}
