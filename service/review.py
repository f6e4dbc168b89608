"""The review of a run whose results are held: why, who may know it, and what a party signs to release them.

The third party holds a run when a guard has something to say (`Reason`). It writes one signed `Hold` for each comparison
concerned. A hold goes to the source of that comparison alone: the recipient learns that a review is on, and nothing of what
made it so, since a prober would learn from it how to probe. The log has the digest of each hold, whose nonce keeps anybody
from guessing it; whoever is given the hold later, an auditor for instance, can check it against the log.

Nothing is delivered before every party has signed a `Release`. A refusal is the `Cancellation` of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from crypto.framing import Label
from service.counts import Band
from service.forms import (
    BOOLEAN,
    OBJECT,
    PARTY,
    AgreementId,
    Message,
    PartyId,
    RunId,
    Text,
    enumerated,
    hexadecimal,
    listed,
    nested,
    optional,
)
from service.messages import Statement

__all__ = ["SENTENCES", "Hold", "Reason", "Release", "ReviewView", "Sighting", "SizeSeen"]


class Reason(StrEnum):
    """Why results are held: a closed list."""

    DECLARED_SIZE = "effectif_declare"
    PREVIOUS_SIZE = "effectif_precedent"
    NEAR_DUPLICATES = "quasi_doublons"
    LINK_RATE = "taux_de_liens"
    CANARY = "leurre"


SENTENCES = {
    Reason.DECLARED_SIZE: "l'effectif envoyé s'écarte de celui que la convention déclare",
    Reason.PREVIOUS_SIZE: "l'effectif envoyé s'écarte de celui du croisement précédent",
    Reason.NEAR_DUPLICATES: "le fichier contient trop de personnes presque identiques entre elles",
    Reason.LINK_RATE: "la part de personnes retrouvées s'écarte de celle des croisements précédents",
    Reason.CANARY: "une identité fictive que la source a cachée dans son fichier a été retrouvée",
}


@dataclass(frozen=True, kw_only=True)
class Sighting(Message):
    """One reason, and the party whose file it is about."""

    reason: Annotated[Reason, enumerated(Reason)]
    party: PartyId


@dataclass(frozen=True, kw_only=True)
class SizeSeen(Message):
    """The size of a party's file in this run and in the one before, in bands."""

    party: PartyId
    now: Annotated[Band, nested(Band)]
    before: Annotated[Band | None, optional(nested(Band))]


@dataclass(frozen=True, kw_only=True)
class Hold(Statement):
    """Why the results of one comparison are held, by the third party."""

    FORMAT: ClassVar[str] = "allervers/hold/v1"
    LABEL: ClassVar[Label] = Label.HOLD
    agreement: AgreementId
    run: RunId
    comparison: Text
    sightings: Annotated[tuple[Sighting, ...], listed(nested(Sighting), 20)]
    sizes: Annotated[tuple[SizeSeen, ...], listed(nested(SizeSeen), 2)]
    nonce: Annotated[str, hexadecimal(16)]


@dataclass(frozen=True, kw_only=True)
class Release(Statement):
    """A party agrees that held results are delivered."""

    FORMAT: ClassVar[str] = "allervers/release/v1"
    LABEL: ClassVar[Label] = Label.RELEASE
    agreement: AgreementId
    run: RunId
    party: PartyId


@dataclass(frozen=True, kw_only=True)
class ReviewView(Message):
    """GET /runs/RUN/review: where the review of a run stands, as the caller may know it."""

    run: RunId
    held: Annotated[bool, BOOLEAN]  # results wait for the parties, now
    released: Annotated[tuple[str, ...], listed(PARTY)]  # by whom, so far
    waiting: Annotated[tuple[str, ...], listed(PARTY)]  # for whom
    holds: Annotated[tuple[dict[str, Any], ...], listed(OBJECT)]  # signed `Hold`s of the comparisons whose source it is
