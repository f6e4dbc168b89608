"""A recipient and its joiner, on the recipient's side: the table of jetons sealed to the joiner, and the hits that come back.

A jeton is 16 random bytes that name a record in one run, for the recipient and its joiner only. They are drawn once, kept
sealed on this machine (``rows/jetons.sealed``), and sorted, so that their order is a shuffle of the records. The table is made
slice by slice from the row maps of all passes: no more than some hundred thousand records of it are in memory. Where a record
has no row in a pass, the joiner is given a random id, and cannot tell.

Positive controls stand in the table like anybody: `controls.expectations` says which of their rows share a jeton, and what
must become of it. What comes back are, output by output, jetons that satisfy the rule; any other is refused. A record that could
not be compared where the rule excludes links is kept from automatic award, as without a joiner.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError
from linkage.formula import Hits
from linkage.wire import ID_BYTES, Delivered, delivery_from_bytes, places_among
from service.administration import relaying
from service.administration.controls import Expectation, Recall, expectations
from service.administration.inbox import Collected, Found, Payloads, compared_in, payloads_of, restrained, seal_of
from service.administration.joiner import Joining, Told, joining_of, parts_of
from service.administration.payload import PayloadSeal
from service.administration.seat import Seat
from service.errors import ServiceError
from service.messages import MAX_RELAY_BYTES

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = ["collect_joined", "post_jetons", "table_slices"]

_NAME = "jetons"  # of the row map: jeton → entry of the table
_AT_ONCE = 1 << 18  # records of the table in memory


def post_jetons(seat: Seat, client: Client) -> None:
    """Seal the table to the joiner and post what is not there yet.

    Raises:
        ServiceError: `E_LIGNES_LOCALES`, `E_RELAIS`; whatever the third party refuses.
    """
    joiner, joining = _joiner(seat), joining_of(seat, seat.party)
    own, controls = _records(seat)
    total = own + len(controls)
    each = MAX_RELAY_BYTES // (ID_BYTES * (1 + len(joining.columns)))  # whole records
    pieces = max(1, -(-total // each))
    done = relaying.held(seat, client, "jetons", joiner, pieces)
    if len(done) < pieces:
        left = (one for one in _pieces(seat, joining, own, controls, each) if one[0] not in done)
        relaying.post(seat, client, "jetons", joiner, left, pieces)


def collect_joined(seat: Seat, client: Client) -> Collected:
    """The hits of this party, from its joiner.

    Raises:
        ServiceError: `E_RELAIS`, `E_LIVRAISON`, `E_LIGNES_LOCALES`; `E_PATIENTER` before the joiner has posted them.
    """
    joiner, (own, controls), joining = _joiner(seat), _records(seat), joining_of(seat, seat.party)
    parts = parts_of(b"".join(relaying.fetch(seat, client, "hits", joiner)), len(joining.outputs))
    found: dict[str, Found] = {}
    came: dict[str, NDArray[np.bool_]] = {}  # output → which controls came back as certain
    for told, output, part in zip(joining.outputs, seat.outputs, parts, strict=True):
        try:
            delivered = delivery_from_bytes(part)
        except LinkageError as error:
            raise _refused("n'ont pas la forme attendue") from error
        marks, entries = _marked(seat, delivered, own + len(controls))
        hits = Hits(certain=marks[0][:own], information=marks[1][:own])
        came[told.name] = marks[0][own:]
        sealed = {entry: one for entry, one in zip(entries, delivered.payloads, strict=True) if entry < own}
        found[told.name] = Found(
            hits=restrained(hits, compared_in(seat, output.excludes, own), seat, output),
            payloads=_payloads(seat, joining, told, sealed) if delivered.payloads.shape[1] else {},
        )
    telling = [(place, one) for place, one in enumerate(controls) if one.telling]
    right = sum({name for name, marks in came.items() if marks[place]} == one.hits for place, one in telling)
    return Collected(found=found, recall=Recall(found=right, expected=len(telling)))


def table_slices(
    seat: Seat, joining: Joining, own: int, controls: list[Expectation], step: int
) -> Iterator[NDArray[np.uint8]]:
    """The table for the joiner, `step` records at a time: (n, 1 + columns, 16) uint8, sorted by jeton."""
    jetons, entries = _jetons(seat, own + len(controls))
    rank = np.empty(len(entries), dtype=np.int64)
    rank[entries] = np.arange(len(entries))
    of_control = {(name, one.number): own + place for place, one in enumerate(controls) for name in one.comparisons}
    for start in range(0, len(entries), step):
        some = jetons[start : start + step]
        shape = (len(some), 1 + len(joining.columns), ID_BYTES)
        table = np.frombuffer(os.urandom(int(np.prod(shape))), dtype=np.uint8).reshape(shape).copy()
        table[:, 0] = some
        for place, column in enumerate(joining.columns):
            theirs = [of_control[column.comparison, number] for number in range(seat.agreement.controls)]
            moved = np.concatenate([np.arange(own), np.array(theirs, dtype=np.int64)]).astype(np.int64)
            for ids, records in seat.folder.rows(f"{column.comparison}/{column.pass_name}"):
                ranks = rank[moved[records]] - start
                here = (ranks >= 0) & (ranks < len(some))
                table[ranks[here], 1 + place] = ids[here]
        yield table


def _pieces(
    seat: Seat, joining: Joining, own: int, controls: list[Expectation], each: int
) -> Iterator[tuple[int, bytes]]:
    number = 0
    for table in table_slices(seat, joining, own, controls, each * max(1, _AT_ONCE // each)):
        for start in range(0, len(table), each):
            yield number, table[start : start + each].tobytes()
            number += 1


def _records(seat: Seat) -> tuple[int, list[Expectation]]:
    """How many records this party has, and the jetons of controls that follow them."""
    formulas = {one.name: seat.formula(one) for one in seat.outputs}
    comparisons = [one.id for one in seat.comparisons_of(seat.party)]
    known = expectations(formulas, comparisons, seat.agreement.controls)
    return sum(1 for _ in seat.folder.identifiers()), known


def _jetons(seat: Seat, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The jetons, sorted, and the entry that each names: drawn once, and read again after."""
    if not seat.folder.has_rows(_NAME):
        drawn = np.frombuffer(os.urandom(ID_BYTES * count), dtype=np.uint8).reshape(-1, ID_BYTES)
        halves = drawn.view(">u8").reshape(-1, 2)
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        with seat.folder.row_map(_NAME) as add:
            add(drawn[order], order.astype(np.int64))
    parts = list(seat.folder.rows(_NAME))
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([entries for _, entries in parts])


def _marked(seat: Seat, told: Delivered, count: int) -> tuple[list[NDArray[np.bool_]], list[int]]:
    """Which entries are told, as certain and as information, and the entries of the certain jetons in their order."""
    jetons, entries = _jetons(seat, count)
    places = [places_among(ids, jetons) for ids in (told.certain, told.grey)]
    together = np.concatenate(places)
    if (together < 0).any() or len(np.unique(together)) != len(together):
        raise _refused("nomment deux fois une même personne, ou quelqu'un qui n'a pas été transmis")
    marks = []
    for one in places:
        mark = np.zeros(count, dtype=bool)
        mark[entries[one]] = True
        marks.append(mark)
    return marks, entries[places[0]].tolist()


def _payloads(seat: Seat, joining: Joining, told: Told, sealed: dict[int, NDArray[np.uint8]]) -> Payloads:
    """The values of hits: of each holder its own slot, under the key of one of its passes."""
    parts: dict[int, list[tuple[PayloadSeal, bytes]]] = {record: [] for record in sealed}
    start, comparisons = 0, {one.id: one for one in seat.comparisons_of(seat.party)}
    for name, width in joining.slots(told):
        for plan in comparisons[name].plan.passes:
            seal = seal_of(seat, comparisons[name], plan.name)
            for record, one in sealed.items() if seal else ():
                parts[record].append((seal, one[start : start + width].tobytes()))  # type: ignore[arg-type]
        start += width
    return payloads_of(parts, len(seat.stored.demarche.payload))


def _joiner(seat: Seat) -> str:
    if seat.joiner is None:
        raise ServiceError("E_ETAPE", "ce croisement n'a pas de jointeur pour votre administration")
    return seat.joiner


def _refused(what: str) -> ServiceError:
    return ServiceError("E_LIVRAISON", f"les résultats du jointeur {what} ; n'utilisez aucun résultat et signalez-le")
