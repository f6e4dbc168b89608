"""From deliveries to hits: verify, open, translate row ids into one's own records, apply the rule, write a file.

Every pass of the comparison must be there, signed by the pinned third party for this very run, and may name only rows
that this party sent; anything else is refused with `E_LIVRAISON`. A record is linked if some pass links it (the union is
made here, where the records are). What is not a hit leaves no trace: links live in memory until the rule is applied. A
party of several comparisons receives from its joiner instead (`jetons`).

Rows of positive controls are counted, and never become hits. A record that no pass could compare (too little is known of
it) is not shown to be absent elsewhere: it is kept from automatic award.

The file of hits is ``identifiant;usage``, then one column for each value of the payload, in the order of the party's own
file, UTF-8. `usage` is ``attribution`` for a hit that may be awarded, ``information`` for one that may only be written to.
A payload is that of the certain links of a record, and nothing when its passes do not agree on it.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from linkage.wire import ID_BYTES, Delivered, delivery_from_bytes
from service.administration.controls import Recall
from service.administration.payload import PayloadSeal, payload_seal, read_payload
from service.administration.seat import Seat
from service.agreement import Comparison
from service.errors import ServiceError
from service.messages import Delivery, delivery_context

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = [
    "Collected",
    "Payloads",
    "collect_hits",
    "open_delivery",
    "open_sealed",
    "payloads_of",
    "restrained",
    "seal_of",
    "write_hits",
]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Report = Callable[[int, int], None]
Payloads = Mapping[int, tuple[str, ...]]  # record → values


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a recipient has of a run.

    Attributes:
        hits: over its records, in their order.
        recall: of the positive controls.
        payloads: of hits that have one.
    """

    hits: Hits
    recall: Recall
    payloads: Payloads = field(default_factory=dict)


def collect_hits(seat: Seat, client: Client, third_party: PublicIdentity, *, report: Report | None = None) -> Collected:
    """The hits of this party, from all its deliveries; it is in one comparison.

    Raises:
        ServiceError: `E_LIVRAISON`, `E_SANS_RESULTATS`, `E_LIGNES_LOCALES`.
    """
    if not seat.receives or seat.joiner is not None:
        raise ServiceError("E_SANS_RESULTATS", "votre administration ne reçoit pas de résultats dans ce croisement")
    own, passes = sum(1 for _ in seat.folder.identifiers()), list(seat.passes())
    count = own + seat.agreement.controls
    linked: dict[str, list[Linked]] = {}
    sealed: dict[int, list[tuple[PayloadSeal, bytes]]] = {}
    compared = np.zeros(count, dtype=bool)
    for done, (comparison, plan) in enumerate(passes):
        signed = client.delivery(seat.run, comparison.id, plan.name)
        links, rows, carried = open_delivery(seat, comparison, plan, third_party, signed, count)
        linked.setdefault(seat.operand_of(comparison.source), []).append(links)
        compared |= rows
        seal = seal_of(seat, comparison, plan.name)
        for record, one in carried.items() if seal else ():
            sealed.setdefault(record, []).append((seal, one))  # type: ignore[arg-type]
        if report:
            report(done + 1, len(passes))
    unions = {operand: union(parts) for operand, parts in linked.items()}
    demarche = seat.stored.demarche
    hits = apply_rule(demarche.rule(), unions, count, demarche.grey_policy)
    hits = restrained(Hits(certain=hits.certain[:own], information=hits.information[:own]), compared[:own], seat)
    found = np.logical_or.reduce([one.certain | one.grey for one in unions.values()])[own:]
    told = np.flatnonzero(hits.certain | hits.information).tolist()
    columns = len(demarche.payload)
    return Collected(
        hits=hits,
        recall=Recall(found=int(found.sum()), expected=len(found)),
        payloads=payloads_of({record: sealed[record] for record in told if record in sealed}, columns),
    )


def seal_of(seat: Seat, comparison: Comparison, pass_name: str) -> PayloadSeal | None:
    """What opens the payloads of a pass; None when it has none."""
    key = seat.folder.secret("payload", f"{comparison.id}/{pass_name}")
    if not comparison.payload_bytes or key is None:
        return None
    about = (seat.agreement.identifier, seat.run, comparison.id, pass_name)
    return payload_seal(key, *about, comparison.payload_bytes)


def payloads_of(sealed: Mapping[int, Sequence[tuple[PayloadSeal, bytes]]], columns: int) -> Payloads:
    """The values of each record whose links agree on them.

    Args:
        sealed: record → what its links carry, each with what opens it.
        columns: values of a payload.
    """
    found = {}
    for record, parts in sealed.items():
        texts = {text for seal, one in parts if (text := seal.opened(one)) is not None}
        values = read_payload(texts.pop(), columns) if len(texts) == 1 else None
        if values is not None:
            found[record] = values
    return found


def open_sealed(
    seat: Seat, comparison: Comparison, pass_name: str, third_party: PublicIdentity, signed: object
) -> Delivered:
    """What the third party sealed to this party of one pass, as the recipient or as its joiner.

    Raises:
        ServiceError: `E_LIVRAISON`.
    """
    agreement = seat.agreement.identifier
    info = delivery_context(agreement, seat.run, comparison.id, pass_name, seat.party)
    try:
        one = Delivery.opened(third_party.signing_key, signed)
        found = delivery_from_bytes(unseal(seat.identity.sealing_key, one.sealed, info))
    except (CryptoError, LinkageError, ServiceError) as error:
        raise _refused(pass_name, "n'est pas authentique ou ne s'ouvre pas") from error
    named = (one.agreement, one.run, one.comparison, one.pass_, one.recipient)
    if named != (agreement, seat.run, comparison.id, pass_name, seat.party):
        raise _refused(pass_name, "est celle d'un autre croisement")
    return found


def open_delivery(
    seat: Seat, comparison: Comparison, plan: PassPlan, third_party: PublicIdentity, signed: object, count: int
) -> tuple[Linked, NDArray[np.bool_], dict[int, bytes]]:
    """The links of one delivery, which records took part in its pass, and the sealed payloads of certain links.

    Args:
        seat: of the recipient.
        comparison: the one asked for.
        plan: of the pass asked for.
        third_party: pinned.
        signed: what was received.
        count: records of this party, controls included.

    Raises:
        ServiceError: `E_LIVRAISON`.
    """
    certain, grey, payloads = open_sealed(seat, comparison, plan.name, third_party, signed)
    place, took_part = _places(seat, f"{comparison.id}/{plan.name}", np.concatenate([certain, grey]), count)
    parts = []
    seen: set[bytes] = set()
    for delivered in (_names(certain), _names(grey)):
        if not seen.isdisjoint(delivered) or len(set(delivered)) != len(delivered):
            raise _refused(plan.name, "nomme deux fois une même ligne")
        if any(name not in place for name in delivered):
            raise _refused(plan.name, "nomme des lignes qui n'ont pas été envoyées")
        seen.update(delivered)
        mark = np.zeros(count, dtype=bool)
        mark[[place[name] for name in delivered]] = True
        parts.append(mark)
    carried = {place[name]: one.tobytes() for name, one in zip(_names(certain), payloads, strict=True) if len(one)}
    return Linked(certain=parts[0], grey=parts[1] & ~parts[0]), took_part, carried


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


def write_hits(
    path: Path, identifiers: Iterable[str], hits: Hits, columns: Sequence[str] = (), payloads: Payloads | None = None
) -> tuple[int, int]:
    """Write the file of hits, readable by its owner only, in one step.

    Args:
        path: of the file.
        identifiers: of the records, in their order.
        hits: over the records.
        columns: names of the values of a payload.
        payloads: of records.

    Returns:
        (hits that may be awarded, hits for information only).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    empty = ("",) * len(columns)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["identifiant", "usage", *columns])
            marks = zip(identifiers, hits.certain.tolist(), hits.information.tolist(), strict=True)
            for record, (identifier, certain, information) in enumerate(marks):
                if certain or information:
                    usage = "attribution" if certain else "information"
                    writer.writerow([identifier, usage, *map(_as_text, (payloads or {}).get(record, empty))])
        Path(name).replace(path)
    finally:
        destroy(Path(name))  # still there only when something above failed
    return int(hits.certain.sum()), int(hits.information.sum())


def _as_text(value: str) -> str:
    """A partner's value that a spreadsheet will not take for a formula."""
    return f"'{value}" if value[:1] in _FORMULA else value


def restrained(hits: Hits, compared: NDArray[np.bool_], seat: Seat) -> Hits:
    """Hits as the démarche may use them: none is awarded when it only informs, nor when it was never compared."""
    award = seat.stored.demarche.purpose == "attribution"
    certain = hits.certain & compared if award else np.zeros_like(hits.certain)
    return replace(hits, certain=certain, information=(hits.information | hits.certain) & ~certain)


def _names(ids: NDArray[np.uint8]) -> list[bytes]:
    data = ids.tobytes()
    return [data[start : start + ID_BYTES] for start in range(0, len(data), ID_BYTES)]


def _refused(pass_name: str, what: str) -> ServiceError:
    sentence = f"la livraison de la passe « {pass_name} » {what} ; n'utilisez aucun résultat et signalez-le"
    return ServiceError("E_LIVRAISON", sentence)
