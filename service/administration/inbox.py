"""From deliveries to hits: verify, open, translate row ids into one's own records, apply the rule, write a file.

Every pass of every comparison must be there, signed by the pinned third party for this very run, and may name
only rows that this party sent; anything else is refused with `E_LIVRAISON`. A record is linked to an operand if
some pass of some holder of that operand links it (the union is made here, where the records are). What is not a
hit leaves no trace: links live in memory until the rule is applied.

A record that no pass could compare (too little is known of it) is not shown to be absent elsewhere: it is kept
from automatic award.

The file of hits is ``identifiant;usage``, in the order of the party's own file, UTF-8. `usage` is
``attribution`` for a hit that may be awarded, ``information`` for one that may only be written to.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crypto.errors import CryptoError
from crypto.key_files import destroy
from crypto.keys import PublicIdentity
from crypto.sealing import unseal
from linkage.errors import LinkageError
from linkage.plan import PassPlan
from linkage.rules import Hits, Linked, apply_rule, union
from linkage.wire import ID_BYTES, delivery_from_bytes
from service.administration.seat import Seat
from service.agreement import Comparison
from service.errors import ServiceError
from service.messages import Delivery, delivery_context

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = ["collect_hits", "open_delivery", "write_hits"]

Report = Callable[[int, int], None]


def collect_hits(seat: Seat, client: Client, third_party: PublicIdentity, *, report: Report | None = None) -> Hits:
    """The hits of this party, from all its deliveries.

    Returns:
        Over the records of this party, in their order.

    Raises:
        ServiceError: `E_LIVRAISON`, `E_SANS_RESULTATS`, `E_LIGNES_LOCALES`.
    """
    if not seat.receives:
        raise ServiceError("E_SANS_RESULTATS", "votre administration ne reçoit pas de résultats dans ce croisement")
    count, passes = sum(1 for _ in seat.folder.identifiers()), list(seat.passes())
    linked: dict[str, list[Linked]] = {}
    compared = {comparison.id: np.zeros(count, dtype=bool) for comparison, _ in passes}
    for done, (comparison, plan) in enumerate(passes):
        signed = client.delivery(seat.run, comparison.id, plan.name)
        links, rows = open_delivery(seat, comparison, plan, third_party, signed, count)
        linked.setdefault(seat.operand_of(comparison.source), []).append(links)
        compared[comparison.id] |= rows
        if report:
            report(done + 1, len(passes))
    unions = {operand: union(parts) for operand, parts in linked.items()}
    demarche = seat.stored.demarche
    hits = apply_rule(demarche.rule(), unions, count, demarche.grey_policy)
    return _restrained(hits, np.logical_and.reduce(list(compared.values())), award=demarche.purpose == "attribution")


def open_delivery(
    seat: Seat, comparison: Comparison, plan: PassPlan, third_party: PublicIdentity, signed: object, count: int
) -> tuple[Linked, NDArray[np.bool_]]:
    """The links of one delivery, and which records took part in its pass.

    Args:
        seat: of the recipient.
        comparison: the one asked for.
        plan: of the pass asked for.
        third_party: pinned.
        signed: what was received.
        count: records of this party.

    Raises:
        ServiceError: `E_LIVRAISON`.
    """
    agreement = seat.agreement.identifier
    info = delivery_context(agreement, seat.run, comparison.id, plan.name, seat.party)
    try:
        one = Delivery.opened(third_party.signing_key, signed)
        certain, grey = delivery_from_bytes(unseal(seat.identity.sealing_key, one.sealed, info))
    except (CryptoError, LinkageError, ServiceError) as error:
        raise _refused(plan, "n'est pas authentique ou ne s'ouvre pas") from error
    named = (one.agreement, one.run, one.comparison, one.pass_, one.recipient)
    if named != (agreement, seat.run, comparison.id, plan.name, seat.party):
        raise _refused(plan, "est celle d'un autre croisement")
    place, took_part = _places(seat, f"{comparison.id}/{plan.name}", np.concatenate([certain, grey]), count)
    parts = []
    seen: set[bytes] = set()
    for delivered in (_names(certain), _names(grey)):
        if not seen.isdisjoint(delivered) or len(set(delivered)) != len(delivered):
            raise _refused(plan, "nomme deux fois une même ligne")
        if any(name not in place for name in delivered):
            raise _refused(plan, "nomme des lignes qui n'ont pas été envoyées")
        seen.update(delivered)
        mark = np.zeros(count, dtype=bool)
        mark[[place[name] for name in delivered]] = True
        parts.append(mark)
    return Linked(certain=parts[0], grey=parts[1] & ~parts[0]), took_part


def _places(
    seat: Seat, name: str, delivered: NDArray[np.uint8], count: int
) -> tuple[dict[bytes, int], NDArray[np.bool_]]:
    """The record of each delivered row that was sent, and which records took part: the row map goes by piece by piece."""
    heads = np.unique(_heads(delivered))
    places: dict[bytes, int] = {}
    took_part = np.zeros(count, dtype=bool)
    for ids, records in seat.folder.rows(name):
        took_part[records] = True
        some = np.flatnonzero(np.isin(_heads(ids), heads))  # few others share half an id
        places.update(zip(_names(ids[some]), records[some].tolist(), strict=True))
    return places, took_part


def _heads(ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The first half of each row id, as a number."""
    return np.ascontiguousarray(ids[:, : ID_BYTES // 2]).view(np.uint64).ravel()


def write_hits(path: Path, identifiers: Iterable[str], hits: Hits) -> tuple[int, int]:
    """Write the file of hits, readable by its owner only, in one step.

    Returns:
        (hits that may be awarded, hits for information only).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["identifiant", "usage"])
            for identifier, certain, information in zip(
                identifiers, hits.certain.tolist(), hits.information.tolist(), strict=True
            ):
                if certain or information:
                    writer.writerow([identifier, "attribution" if certain else "information"])
        Path(name).replace(path)
    finally:
        destroy(Path(name))  # still there only when something above failed
    return int(hits.certain.sum()), int(hits.information.sum())


def _restrained(hits: Hits, compared: NDArray[np.bool_], *, award: bool) -> Hits:
    """Hits as the démarche may use them: none is awarded when it only informs, nor when it was never compared."""
    certain = hits.certain & compared if award else np.zeros_like(hits.certain)
    return replace(hits, certain=certain, information=(hits.information | hits.certain) & ~certain)


def _names(ids: NDArray[np.uint8]) -> list[bytes]:
    data = ids.tobytes()
    return [data[start : start + ID_BYTES] for start in range(0, len(data), ID_BYTES)]


def _refused(plan: PassPlan, what: str) -> ServiceError:
    sentence = f"la livraison de la passe « {plan.name} » {what} ; n'utilisez aucun résultat et signalez-le"
    return ServiceError("E_LIVRAISON", sentence)
