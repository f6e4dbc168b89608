"""What the parties of an agreement fix against probing: least sizes, tolerated differences, near duplicates, canaries.

They are part of the agreement that every party signs, so that neither the third party nor one side alone can loosen them.
What an agreement may never loosen is a bound of the form here: a run is about `MIN_SIZE` people at least, on either side.
The defaults are those of an ordinary démarche; one of events, whose files are what has accumulated, tolerates any size
between the least and the declared one on the recipient's side (`EVENTS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from service.errors import ServiceError
from service.forms import Message, integer, nested

__all__ = ["EVENTS", "GUARDS", "MIN_SIZE", "MOST_CANARIES", "ORDINARY", "GuardTerms", "Tolerance", "changed"]

MIN_SIZE = 100  # people; below, a run would be about persons
MOST_CANARIES = 100  # known anchors help whoever attacks the encodings: a hundred do not
_LARGEST = 1_000_000_000  # people
_ANY = 1000  # percent: nothing is said about this difference


@dataclass(frozen=True, kw_only=True)
class Tolerance(Message):
    """How far the file of one side may be from what is expected, in percent; beyond, the results are held for review."""

    declared: Annotated[int, integer(0, _ANY)] = 5  # from the declared size
    previous: Annotated[int, integer(0, _ANY)] = 20  # from the previous run of the agreement

    @property
    def shortest(self) -> int:
        """Percent of the declared size under which a file is refused, not held: 80, or less where the terms say so."""
        return max(0, 100 - max(20, self.declared))


@dataclass(frozen=True, kw_only=True)
class GuardTerms(Message):
    """The guards of an agreement."""

    least_rows: Annotated[int, integer(MIN_SIZE, _LARGEST)] = MIN_SIZE  # people of either side
    recipient: Annotated[Tolerance, nested(Tolerance)] = Tolerance()
    source: Annotated[Tolerance, nested(Tolerance)] = Tolerance()
    near_permille: Annotated[int, integer(0, 1000)] = 30  # rows of a file that resemble another one of it; 1000: any
    canaries: Annotated[int, integer(0, MOST_CANARIES)] = 0  # bait identities that each source hides in its uploads

    def loosens(self, other: GuardTerms) -> bool:
        """Whether these terms let something through that others hold."""
        sides = ((self.recipient, other.recipient), (self.source, other.source))
        return (
            self.least_rows < other.least_rows
            or any(own.declared > its.declared or own.previous > its.previous for own, its in sides)
            or self.near_permille > other.near_permille
            or self.canaries < other.canaries
        )


ORDINARY = GuardTerms()
EVENTS = GuardTerms(recipient=Tolerance(declared=100, previous=_ANY))

# What people write, in a démarche's [gardes] and in `agreement propose --guard NOM=VALEUR` → member, or side and member.
GUARDS: Mapping[str, tuple[str, ...]] = {
    "effectif_minimum": ("least_rows",),
    "ecart_destinataire": ("recipient", "declared"),
    "ecart_source": ("source", "declared"),
    "evolution_destinataire": ("recipient", "previous"),
    "evolution_source": ("source", "previous"),
    "quasi_doublons": ("near_permille",),
    "leurres": ("canaries",),
}


def changed(terms: GuardTerms, values: Mapping[str, str]) -> GuardTerms:
    """The same terms with some values replaced, as people name them.

    Args:
        terms: to begin with.
        values: name → whole number in digits.

    Raises:
        ServiceError: `E_GARDE`, a name or a value that is not one.
    """
    for name, text in values.items():
        place = GUARDS.get(name)
        if place is None:
            raise ServiceError("E_GARDE", f"une garde est l'une de : {', '.join(GUARDS)}")
        if not (text.isascii() and text.isdigit()) or len(text) > 10:
            raise ServiceError("E_GARDE", f"la garde « {name} » attend un nombre entier")
        if len(place) == 1:
            terms = replace(terms, **{place[0]: int(text)})  # type: ignore[arg-type]
        else:
            side: Tolerance = getattr(terms, place[0])
            terms = replace(terms, **{place[0]: replace(side, **{place[1]: int(text)})})  # type: ignore[arg-type]
    try:
        return GuardTerms.from_json(terms.to_json())
    except ServiceError as error:
        raise ServiceError("E_GARDE", f"une garde sort de ses bornes : {error.message}") from None
