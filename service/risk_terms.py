"""What a risk report must hold to before a file is sent, in the words of both sides.

The third party never sees a report. What it sees is what the sender's manifest says of it, signed: how many known pairs the
verdict is about, which share it tolerates, for how many people, when it was made, and whether it was favourable or accepted
all the same. It holds that to the profile and the declared size; whether it is true is between the sender and its own tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from service.forms import Count, Digest, Message, Moment, choice, integer

__all__ = ["CLAIMS", "LIMIT", "MILLION", "RiskClaim", "Share"]

MILLION = 1_000_000
LIMIT = 50_000  # parts per million of the people, at most, that the verdict tolerates
CLAIMS: Mapping[str, int] = {
    "standard": 50_000,
    "renforce": 100_000,
}  # parts per million known, at least, under which it holds
Share = Annotated[int, integer(0, MILLION)]

_YEAR = timedelta(days=366)
_CLOCKS = timedelta(days=1)  # that two machines may be apart


@dataclass(frozen=True, kw_only=True)
class RiskClaim(Message):
    """What a manifest says of the risk report of its sender."""

    digest: Digest  # of the report
    limit: Share
    claim: Share
    people: Count  # declared, up to whom it may serve
    made_at: Moment
    verdict: Annotated[
        str, choice("favorable", "accepte")
    ]  # accepted: unfavourable, and its head has taken it on himself

    def lacks(self, profile: str, declared: int) -> tuple[str, ...]:
        """What keeps it from serving a file, in French; empty when it serves.

        Args:
            profile: of the agreement.
            declared: people that the agreement declares of the sender.
        """
        checks = (
            ("ce que le profil promet", self.claim < CLAIMS.get(profile, MILLION) or self.limit > LIMIT),
            ("l'effectif déclaré", self.people < declared),
        )
        return tuple(name for name, holds in checks if holds)

    def is_current(self, now: datetime) -> bool:
        """Whether it is neither of tomorrow nor more than a year old."""
        return -_CLOCKS <= now - self.made_at <= _YEAR
