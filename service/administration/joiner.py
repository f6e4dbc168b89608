"""The joiner: a party that applies the rule of a recipient with several comparisons, and sees jetons and links only.

It is neither the recipient nor the third party, and holds no key of a comparison it is not in. The recipient seals to it a table,
record by record: a random jeton and the names that the record's rows have in each pass of each comparison. The third party seals
to it which of these rows are linked. It joins the two, applies the rule with the very code of a recipient (`linkage.rules`), and
seals to the recipient the jetons that satisfy it: what was linked to whom, in which pass, and what did not satisfy the rule, the
recipient does not learn.

Table (``jetons``): records ``jeton (16) ‖ row id (16) of each pass of each comparison``, in the order of the agreement, sorted by
jeton; where a record has no row, the id is random, and names nothing. A piece holds whole records.

Hits (``hits``): a `linkage.wire` delivery of jetons, `certain` and `information` in the place of grey, padded. With payloads,
each certain jeton carries for each comparison that has one the sealed payload of its first certain link; of a holder with whom
it is not linked, random bytes of that size. The joiner opens none of it, and keeps nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crypto.keys import PublicIdentity
from linkage.rules import GreyPolicy, Linked, Rule, apply_rule, union
from linkage.wire import ID_BYTES, Delivered, delivery_to_bytes, payload_width, places_among
from service.administration import relaying
from service.administration.inbox import open_sealed
from service.administration.seat import Seat
from service.agreement import Comparison
from service.errors import ServiceError

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = ["Column", "Joining", "combine", "joined", "joining_of", "table_of"]

_MOST_PERCENT = 120  # of the declared size, controls apart: as many records as the third party takes


@dataclass(frozen=True, kw_only=True)
class Column:
    """One pass of one comparison: a column of the table."""

    comparison: str
    pass_name: str
    operand: str
    width: int  # of the payloads of its certain links; 0 for none


@dataclass(frozen=True, kw_only=True)
class Joining:
    """What a joiner knows of a recipient's rule, from the agreement.

    Attributes:
        rule: of the recipient.
        grey_policy: of the agreement.
        columns: in the order of the agreement.
        most: records that the table may hold.
    """

    rule: Rule
    grey_policy: GreyPolicy
    columns: tuple[Column, ...]
    most: int

    @property
    def width(self) -> int:
        """Of the payloads of one hit, one for each comparison that has one."""
        return sum({column.comparison: column.width for column in self.columns}.values())


def joining_of(seat: Seat, recipient: str) -> Joining:
    """The joining of a recipient, as every party of the run understands it."""
    comparisons = seat.comparisons_of(recipient)
    columns = tuple(
        Column(
            comparison=one.id,
            pass_name=plan.name,
            operand=seat.operand_of(one.source),
            width=payload_width(one.payload_bytes),
        )
        for one in comparisons
        for plan in one.plan.passes
    )
    declared = comparisons[0].sizes.recipient * _MOST_PERCENT // 100
    demarche = seat.stored.demarche
    return Joining(
        rule=demarche.rule(),
        grey_policy=demarche.grey_policy,
        columns=columns,
        most=declared + len(comparisons) * seat.agreement.controls,
    )


def combine(seat: Seat, client: Client, third_party: PublicIdentity, recipient: str) -> None:
    """Fetch the table of a recipient and the links, apply the rule, post the hits. Everything stays in memory.

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
        joining: rule and columns.

    Raises:
        ServiceError: `E_RELAIS` for a table that names a jeton or a row twice, or too many records; `E_LIVRAISON` for links of
            rows that are not in it.
    """
    lookups = [_Lookup(one, column.width) for one, column in zip(told, joining.columns, strict=True)]
    certain, information, payloads, count = [_no_id()], [_no_id()], [np.empty((0, joining.width), dtype=np.uint8)], 0
    seen: set[bytes] = set()
    for table in pieces:
        count += len(table)
        jetons = table[:, 0]
        names = _names(jetons).tolist()
        if count > joining.most or len(set(names)) != len(names) or not seen.isdisjoint(names):
            raise _refused("la table des jetons nomme deux fois un jeton ou compte trop de personnes")
        seen.update(names)
        links = [one.links(table[:, 1 + place]) for place, one in enumerate(lookups)]
        unions = {
            operand: union(
                [link for link, column in zip(links, joining.columns, strict=True) if column.operand == operand]
            )
            for operand in dict.fromkeys(column.operand for column in joining.columns)
        }
        hits = apply_rule(joining.rule, unions, len(table), joining.grey_policy)
        certain.append(jetons[hits.certain])
        information.append(jetons[hits.information])
        payloads.append(_payloads(table[hits.certain], lookups, joining))
    for one in lookups:
        one.check()
    sealed = np.concatenate(payloads)
    return delivery_to_bytes(np.concatenate(certain), np.concatenate(information), sealed if sealed.shape[1] else None)


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


def _payloads(table: NDArray[np.uint8], lookups: Sequence[_Lookup], joining: Joining) -> NDArray[np.uint8]:
    """For each record, for each comparison with payloads, that of the first certain link in the order of the passes."""
    slots = [np.empty((len(table), 0), dtype=np.uint8)]
    for comparison in dict.fromkeys(column.comparison for column in joining.columns if column.width):
        places = [place for place, column in enumerate(joining.columns) if column.comparison == comparison]
        width = joining.columns[places[0]].width
        slot = np.frombuffer(os.urandom(len(table) * width), dtype=np.uint8).reshape(-1, width).copy()
        for place in reversed(places):
            have, payloads = lookups[place].payloads(table[:, 1 + place])
            slot[have] = payloads
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
