"""The joiner: a party that applies the rules of a recipient with several comparisons, and sees jetons and links only.

It is neither the recipient nor the third party, and holds no key of a comparison it is not in. The recipient seals to it a table,
record by record: a random jeton and the names that the record's rows have in each pass of each comparison. The third party seals
to it which of these rows are linked. It joins the two, applies each rule with the very code of a recipient (`linkage.formula`),
and seals to the recipient the jetons that satisfy it: what was linked to whom, in which pass, and what did not satisfy a rule,
the recipient does not learn.

Table (``jetons``): records ``jeton (16) ‖ row id (16) of each pass of each comparison``, in the order of the agreement, sorted by
jeton; where a record has no row, the id is random, and names nothing. A piece holds whole records.

Hits (``hits``): for each output of the recipient, in the order of the agreement, ``length (8)`` and a `linkage.wire` delivery
of jetons, `certain` and `information` in the place of grey, padded. Where an output asks for a link in comparisons that have
payloads, each of its certain jetons carries for each of these the sealed payload of its first certain link that counts (not one
of which a twin says otherwise); of a holder with whom it is not linked, random bytes of that size. The joiner opens none of
it, and keeps nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from crypto.keys import PublicIdentity
from linkage.formula import Flags, Formula, GreyPolicy, Linked, counted, hits_of, said, union
from linkage.wire import ID_BYTES, Delivered, delivery_to_bytes, places_among
from service.administration import relaying
from service.administration.inbox import open_sealed
from service.administration.seat import Seat
from service.agreement import Comparison
from service.errors import ServiceError
from service.payload_cover import delivered_width

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = ["Column", "Joining", "Told", "combine", "joined", "joining_of", "parts_of", "table_of"]

_MOST_PERCENT = 120  # of the declared size, controls apart: as many records as the third party takes
_LENGTH = 8  # bytes


@dataclass(frozen=True, kw_only=True)
class Column:
    """One pass of one comparison: a column of the table."""

    comparison: str
    pass_name: str
    width: int  # of the payloads of its certain links; 0 for none
    twin: str = ""  # the pass whose twin it is


@dataclass(frozen=True, kw_only=True)
class Told:
    """One output of a recipient.

    Attributes:
        name: in the agreement.
        formula: over the recipient's comparisons.
        grey_policy: of the output.
        requires: comparisons in which it asks for a link, in the order of the agreement: those whose payloads it carries.
    """

    name: str
    formula: Formula
    grey_policy: GreyPolicy
    requires: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Joining:
    """What a joiner knows of a recipient's rules, from the agreement.

    Attributes:
        outputs: in the order of the agreement.
        columns: in the order of the agreement.
        most: records that the table may hold.
        alike: comparison → what is asked of the attribute that twins divide by, where it matters (`linkage.formula.said`).
    """

    outputs: tuple[Told, ...]
    columns: tuple[Column, ...]
    most: int
    alike: Mapping[str, bool | None] = field(default_factory=dict)

    def places(self, comparison: str) -> list[int]:
        """The columns of a comparison."""
        return [place for place, column in enumerate(self.columns) if column.comparison == comparison]

    def passes(self, comparison: str) -> list[tuple[str, str]]:
        """(name, whose twin) of the passes of a comparison."""
        return [(self.columns[place].pass_name, self.columns[place].twin) for place in self.places(comparison)]

    def slots(self, output: Told) -> list[tuple[str, int]]:
        """(comparison, width) of the payloads that one hit of an output carries, in their order."""
        widths = {column.comparison: column.width for column in self.columns}
        return [(name, widths[name]) for name in output.requires if widths[name]]


def joining_of(seat: Seat, recipient: str) -> Joining:
    """The joining of a recipient, as every party of the run understands it."""
    comparisons = seat.comparisons_of(recipient)
    columns = tuple(
        Column(comparison=one.id, pass_name=plan.name, width=delivered_width(one.payload_bytes), twin=plan.twin)
        for one in comparisons
        for plan in one.plan.passes
    )
    outputs = tuple(
        Told(
            name=one.name,
            formula=seat.formula(one),
            grey_policy=cast("GreyPolicy", one.grey_policy),
            requires=one.requires,
        )
        for one in seat.agreement.outputs_of(recipient)
    )
    declared = comparisons[0].sizes.recipient * _MOST_PERCENT // 100
    return Joining(
        outputs=outputs,
        columns=columns,
        most=declared + len(comparisons) * seat.agreement.controls,
        alike={one.id: seat.alike(one) for one in comparisons},
    )


def combine(seat: Seat, client: Client, third_party: PublicIdentity, recipient: str) -> None:
    """Fetch the table of a recipient and the links, apply the rules, post the hits. Everything stays in memory.

    Raises:
        ServiceError: `E_RELAIS`, `E_LIVRAISON`; `E_PATIENTER` before the recipient has posted its table.
    """
    joining = joining_of(seat, recipient)
    pieces = [table_of(one, len(joining.columns)) for one in relaying.fetch(seat, client, "jetons", recipient)]
    plans = [(one, plan) for one in seat.comparisons_of(recipient) for plan in one.plan.passes]
    told = [_delivered(seat, client, third_party, one, plan.name) for one, plan in plans]
    parts = relaying.cut(joined(pieces, told, joining))
    done = relaying.held(seat, client, "hits", recipient, len(parts))
    left = [(number, part) for number, part in enumerate(parts) if number not in done]
    relaying.post(seat, client, "hits", recipient, left, len(parts))


def table_of(piece: bytes, columns: int) -> NDArray[np.uint8]:
    """The records of a piece of the table: (n, 1 + columns, 16) uint8.

    Raises:
        ServiceError: `E_RELAIS`, not whole records.
    """
    size = ID_BYTES * (1 + columns)
    if len(piece) % size:
        raise _refused("la table des jetons n'a pas la forme attendue")
    return np.frombuffer(piece, dtype=np.uint8).reshape(-1, 1 + columns, ID_BYTES)


def joined(pieces: Iterable[NDArray[np.uint8]], told: Sequence[Delivered], joining: Joining) -> bytes:
    """The plaintext of the hits of a recipient.

    Args:
        pieces: of its table, (n, 1 + columns, 16) uint8 each.
        told: what was delivered of each column.
        joining: rules and columns.

    Raises:
        ServiceError: `E_RELAIS` for a table that names a jeton or a row twice, or too many records; `E_LIVRAISON` for links of
            rows that are not in it.
    """
    lookups = [_Lookup(one, column.width) for one, column in zip(told, joining.columns, strict=True)]
    found = [_Found(one, joining) for one in joining.outputs]
    seen: set[bytes] = set()
    for table in pieces:
        names = _names(table[:, 0]).tolist()
        if len(seen) + len(names) > joining.most or len(set(names)) != len(names) or not seen.isdisjoint(names):
            raise _refused("la table des jetons nomme deux fois un jeton ou compte trop de personnes")
        seen.update(names)
        links: dict[str, list[Linked]] = {}
        for place, (lookup, column) in enumerate(zip(lookups, joining.columns, strict=True)):
            links.setdefault(column.comparison, []).append(lookup.links(table[:, 1 + place]))
        unions: dict[str, Linked] = {}
        counts: dict[int, Flags | None] = {}  # column → the records that its links count for
        for name, linked in links.items():
            parts = said(joining.passes(name), linked, alike=joining.alike.get(name))
            unions[name] = union(parts)
            counts.update(zip(joining.places(name), counted(parts, unions[name]), strict=True))
        for one in found:
            one.add(table, unions, [(lookup, counts[place]) for place, lookup in enumerate(lookups)])
    for lookup in lookups:
        lookup.check()
    deliveries = [one.delivery() for one in found]
    return b"".join(len(one).to_bytes(_LENGTH, "big") + one for one in deliveries)


def parts_of(data: bytes, count: int) -> list[bytes]:
    """The deliveries of the outputs of a recipient, as `joined` puts them together.

    Raises:
        ServiceError: `E_LIVRAISON`, other than so many whole parts.
    """
    parts, place = list[bytes](), 0
    while place + _LENGTH <= len(data) and len(parts) < count:
        stop = place + _LENGTH + int.from_bytes(data[place : place + _LENGTH], "big")
        parts.append(data[place + _LENGTH : stop])
        place = stop
    if place != len(data) or len(parts) != count:
        sentence = "les résultats du jointeur n'ont pas la forme attendue ; n'utilisez aucun résultat et signalez-le"
        raise ServiceError("E_LIVRAISON", sentence)
    return parts


class _Found:
    """The hits of one output, while the table goes by."""

    def __init__(self, output: Told, joining: Joining) -> None:
        self._output, self._joining = output, joining
        self._width = sum(width for _, width in joining.slots(output))
        self._certain, self._information = [_no_id()], [_no_id()]
        self._payloads = [np.empty((0, self._width), dtype=np.uint8)]

    def add(self, table: NDArray[np.uint8], unions: Mapping[str, Linked], columns: Sequence[_Counted]) -> None:
        """Apply the rule to some records; of each column, which of them its links count for."""
        hits = hits_of(self._output.formula, unions, len(table), self._output.grey_policy)
        self._certain.append(table[hits.certain, 0])
        self._information.append(table[hits.information, 0])
        rows = [(lookup, None if counts is None else counts[hits.certain]) for lookup, counts in columns]
        self._payloads.append(_payloads(table[hits.certain], rows, self._joining, self._output))

    def delivery(self) -> bytes:
        """What the recipient is told of this output."""
        certain, information = np.concatenate(self._certain), np.concatenate(self._information)
        return delivery_to_bytes(certain, information, np.concatenate(self._payloads) if self._width else None)


class _Lookup:
    """What was delivered of one column, to be found by row id; each linked row stands once in the table."""

    def __init__(self, told: Delivered, width: int) -> None:
        if told.payloads.shape[1] not in (0, width) or (width and len(told.certain) and not told.payloads.shape[1]):
            raise _broken("n'a pas la charge utile de la convention")
        self._certain, self._grey = told.certain, told.grey  # sorted, as deliveries are
        names = [*_names(told.certain).tolist(), *_names(told.grey).tolist()]
        if len(set(names)) != len(names):
            raise _broken("nomme deux fois une même ligne")
        self._payloads = told.payloads
        self._met = [np.zeros(len(among), dtype=bool) for among in (told.certain, told.grey)]

    def links(self, ids: NDArray[np.uint8]) -> Linked:
        """Which rows are linked.

        Raises:
            ServiceError: `E_LIVRAISON`, a linked row stands in the table a second time.
        """
        marks = []
        for among, met in zip((self._certain, self._grey), self._met, strict=True):
            places = places_among(ids, among)
            here = places[places >= 0]
            # Each on its own, and not by their number: one that is left out must not make up for one that is there twice.
            if met[here].any() or len(np.unique(here)) != len(here):
                raise _broken("nomme une ligne que le destinataire présente deux fois")
            met[here] = True
            marks.append(places >= 0)
        return Linked(certain=marks[0], grey=marks[1])

    def payloads(self, ids: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """Which rows have a certain link, and the payloads of these."""
        places = places_among(ids, self._certain)
        return places >= 0, self._payloads[places[places >= 0]]

    def check(self) -> None:
        """Refuse links of rows that the table does not hold."""
        if not all(met.all() for met in self._met):
            raise _broken("nomme des lignes que le destinataire n'a pas envoyées")


_Counted = tuple[_Lookup, Flags | None]


def _payloads(
    table: NDArray[np.uint8], columns: Sequence[_Counted], joining: Joining, output: Told
) -> NDArray[np.uint8]:
    """For each record, for each comparison with payloads, that of the first certain link that counts, by the order of passes."""
    slots = [np.empty((len(table), 0), dtype=np.uint8)]
    for comparison, width in joining.slots(output):
        slot = np.frombuffer(os.urandom(len(table) * width), dtype=np.uint8).reshape(-1, width).copy()
        for place in reversed(joining.places(comparison)):
            lookup, counts = columns[place]
            if counts is not None:
                have, payloads = lookup.payloads(table[counts, 1 + place])
                slot[np.flatnonzero(counts)[have]] = payloads
        slots.append(slot)
    return np.concatenate(slots, axis=1)


def _no_id() -> NDArray[np.uint8]:
    return np.empty((0, ID_BYTES), dtype=np.uint8)


def _names(ids: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Ids as byte strings; all being sixteen bytes long, dropped final zeros change no equality."""
    return np.ascontiguousarray(ids).view(f"S{ID_BYTES}").reshape(-1)


def _delivered(seat: Seat, client: Client, third_party: PublicIdentity, comparison: Comparison, name: str) -> Delivered:
    return open_sealed(seat, comparison, name, third_party, client.delivery(seat.run, comparison.id, name))


def _refused(what: str) -> ServiceError:
    return ServiceError("E_RELAIS", f"{what} ; n'allez pas plus loin et signalez-le au destinataire")


def _broken(what: str) -> ServiceError:
    sentence = f"une livraison du tiers de confiance {what} ; ne transmettez rien et signalez-le"
    return ServiceError("E_LIVRAISON", sentence)
