"""What the steps and states of a run are called in French, where an agent reads them.

The interface and the folder of a run keep their own short names; every sentence to a person takes its words from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from service.administration.run_folder import Step
from service.messages import RunState, UploadState

__all__ = ["STATES", "STEPS", "UPLOADS", "moment"]

STATES: Final[Mapping[RunState, str]] = {
    RunState.OPENED: "ouvert, une approbation manque",
    RunState.JOINING: "approuvé, les clés s'échangent",
    RunState.SENDING: "les envois sont attendus",
    RunState.MATCHING: "comparaison en cours",
    RunState.HELD: "résultats retenus pour examen",
    RunState.DELIVERED: "résultats à retirer",
    RunState.CLOSED: "clos, tout est détruit chez le tiers",
    RunState.CANCELLED: "annulé",
    RunState.EXPIRED: "hors délai",
    RunState.FAILED: "échoué",
}
UPLOADS: Final[Mapping[UploadState, str]] = {
    UploadState.RECEIVING: "en cours",
    UploadState.COMPLETE: "complet",
    UploadState.REFUSED: "refusé",
}
STEPS: Final[Mapping[Step, str]] = {
    "joined": "clés confirmées",
    "encoded": "fichier encodé",
    "sent": "encodages envoyés",
    "combined": "règle appliquée pour les autres parties",
    "delivered": "résultats retirés",
    "closed": "clos, clés effacées",
}


def moment(at: datetime) -> str:
    """A day and an hour, as they are written in France."""
    return f"{at:%d/%m/%Y à %H:%M} UTC"
