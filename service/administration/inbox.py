"""From deliveries to hits: verify, open, translate row ids into one's own records, apply the rules, write a file.

Every pass of every comparison must be there, signed by the pinned third party for this very run, and may name only rows
that this party sent; anything else is refused with `E_LIVRAISON`. A record is linked if some pass links it (the union is
made here, where the records are). What is not a hit leaves no trace: links live in memory until the rules are applied. A
party of which some output depends on several comparisons receives from its joiner instead (`jetons`); one whose output depends on
none (the first of a `dedup`) has all its people, without asking anybody.

Rows of positive controls are counted, and never become hits. A record that no pass could compare (too little is known of
it) is not shown to be absent elsewhere: it is kept from automatic award. So are those who object to the démarche, from any hit.

The file of hits is ``identifiant;usage;resultat``, then one column for each value of the payload, output by output, each in the
order of the party's own file, UTF-8. `usage` is ``attribution`` for a hit that may be awarded, ``information`` for one that may
only be written to; `resultat` is the name of the output. A payload is that of the certain links of a record, in the
passes whose links count for it (of an attribute compared blindly: where the twin agrees), and nothing when these do not agree.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from crypto.errors import CryptoError
from crypto.key_files import destroy
from crypto.keys import PublicIdentity
from crypto.sealing import unseal
from linkage.errors import LinkageError
from linkage.formula import GreyPolicy, Hits, Linked, counted, hits_of, said, union
from linkage.plan import PassPlan
from linkage.wire import ID_BYTES, Delivered, delivery_from_bytes
from service.administration.controls import MISTAKEN, Recall
from service.administration.payload import PayloadSeal, payload_seal, read_payload
from service.administration.seat import Seat
from service.agreement import Comparison, Output
from service.errors import ServiceError
from service.messages import Delivery, delivery_context
from service.payload_cover import Cover

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = [
    "OBJECTING",
    "Collected",
    "Found",
    "Payloads",
    "came_back",
    "collect_hits",
    "compared_in",
    "objecting",
    "open_delivery",
    "open_sealed",
    "payloads_of",
    "restrained",
    "seal_of",
    "together",
    "write_hits",
]

OBJECTING = "objecting"  # of the row map: the records of those who object, and of those whom no selection could judge
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Report = Callable[[int, int], None]
Payloads = Mapping[int, tuple[str, ...]]  # record → values


@dataclass(frozen=True, kw_only=True)
class Found:
    """The hits of one output.

    Attributes:
        hits: over the party's records, in their order.
        payloads: of hits that have one.
        incomplete: people left out because somebody of their case is no hit.
    """

    hits: Hits
    payloads: Payloads = field(default_factory=dict)
    incomplete: int = 0


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a recipient has of a run.

    Attributes:
        found: by output, in the order of the agreement.
        recall: of the positive controls.
    """

    found: Mapping[str, Found]
    recall: Recall


def collect_hits(seat: Seat, client: Client, third_party: PublicIdentity, *, report: Report | None = None) -> Collected:
    """The hits of this party, from all its deliveries; none of its outputs depends on several comparisons.

    Raises:
        ServiceError: `E_LIVRAISON`, `E_SANS_RESULTATS`, `E_LIGNES_LOCALES`.
    """
    if not seat.receives or seat.joiner is not None:
        raise ServiceError("E_SANS_RESULTATS", "votre administration ne reçoit pas de résultats dans ce croisement")
    own = sum(1 for _ in seat.folder.identifiers())
    comparisons = seat.comparisons_of(seat.party)
    done, passes = 0, sum(len(one.plan.passes) for one in comparisons)
    unions: dict[str, Linked] = {}
    sealed: dict[str, dict[int, list[tuple[PayloadSeal, bytes]]]] = {}
    for comparison in comparisons:
        opened = []
        for plan in comparison.plan.passes:
            signed = client.delivery(seat.run, comparison.id, plan.name)
            opened.append(open_delivery(seat, comparison, plan, third_party, signed, own + seat.agreement.controls))
            done += 1
            if report:
                report(done, passes)
        unions[comparison.id], sealed[comparison.id] = together(seat, comparison, opened)
    mine = {name: Linked(certain=one.certain[:own], grey=one.grey[:own]) for name, one in unions.items()}
    controls = [came_back(one, own) for one in unions.values()]
    return Collected(
        found={output.name: _found(seat, output, mine, sealed, own) for output in seat.outputs},
        recall=Recall(found=sum(int(one.sum()) for one in controls), expected=sum(map(len, controls))),
    )


def came_back(links: Linked, own: int) -> NDArray[np.bool_]:
    """Which controls of a comparison are linked as they must be: those that are the same in both files certainly.

    A third party that told certain links as doubtful ones would else keep everybody from an award unseen.
    """
    found = links.certain[own:] | links.grey[own:]
    found[::MISTAKEN] = links.certain[own::MISTAKEN]
    return found


def together(
    seat: Seat, comparison: Comparison, opened: Sequence[tuple[Linked, dict[int, bytes]]]
) -> tuple[Linked, dict[int, list[tuple[PayloadSeal, bytes]]]]:
    """The links of a comparison, and the payloads of those that count, each with what opens it."""
    plans = comparison.plan.passes
    parts = said(
        [(plan.name, plan.twin) for plan in plans], [links for links, _ in opened], alike=seat.alike(comparison)
    )
    whole = union(parts)
    sealed: dict[int, list[tuple[PayloadSeal, bytes]]] = {}
    for plan, counts, (_, carried) in zip(plans, counted(parts, whole), opened, strict=True):
        seal = seal_of(seat, comparison, plan.name)
        if seal is None or counts is None:
            continue
        for record, one in carried.items():
            if counts[record]:
                sealed.setdefault(record, []).append((seal, one))
    return whole, sealed


def _found(
    seat: Seat,
    output: Output,
    linked: Mapping[str, Linked],
    sealed: Mapping[str, Mapping[int, list[tuple[PayloadSeal, bytes]]]],
    own: int,
) -> Found:
    """The hits of one output, and the payloads of the comparison in which it asks for a link."""
    hits = hits_of(seat.formula(output), linked, own, cast("GreyPolicy", output.grey_policy))
    hits = restrained(hits, compared_in(seat, output.excludes, own), seat, output)
    told, columns = np.flatnonzero(hits.certain | hits.information).tolist(), len(seat.stored.demarche.payload)
    carried = sealed.get(output.requires[0], {}) if output.requires else {}
    return Found(
        hits=hits, payloads=payloads_of({record: carried[record] for record in told if record in carried}, columns)
    )


def seal_of(seat: Seat, comparison: Comparison, pass_name: str) -> PayloadSeal | None:
    """What opens the payloads of a pass; None when it has none."""
    name = f"{comparison.id}/{pass_name}"
    key, cover = seat.folder.secret("payload", name), seat.folder.secret("payload", f"{name}/cover")
    if not comparison.payload_bytes or key is None or cover is None:
        return None
    about = (seat.agreement.identifier, seat.run, comparison.id, pass_name)
    return replace(payload_seal(key, *about, comparison.payload_bytes), cover=Cover(cover, about))


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
) -> tuple[Linked, dict[int, bytes]]:
    """The links of one delivery, and the sealed payloads of certain links.

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
    place = _places(seat, f"{comparison.id}/{plan.name}", np.concatenate([certain, grey]))
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
    return Linked(certain=parts[0], grey=parts[1] & ~parts[0]), carried


def _places(seat: Seat, name: str, delivered: NDArray[np.uint8]) -> dict[bytes, int]:
    """The record of each delivered row that was sent: the row map goes by piece by piece."""
    heads = np.unique(_heads(delivered))
    places: dict[bytes, int] = {}
    for ids, records in seat.folder.rows(name):
        some = np.flatnonzero(np.isin(_heads(ids), heads))  # few others share half an id
        places.update(zip(_names(ids[some]), records[some].tolist(), strict=True))
    return places


def _heads(ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The first half of each row id, as a number."""
    return np.ascontiguousarray(ids[:, : ID_BYTES // 2]).view(np.uint64).ravel()


def write_hits(
    path: Path, identifiers: Callable[[], Iterable[str]], found: Mapping[str, Found], columns: Sequence[str] = ()
) -> dict[str, tuple[int, int]]:
    """Write the file of hits, readable by its owner only, in one step.

    Args:
        path: of the file.
        identifiers: gives those of the records, in their order.
        found: by output.
        columns: names of the values of a payload.

    Returns:
        Output → (hits that may be awarded, hits for information only).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    empty, counts = ("",) * len(columns), {}
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["identifiant", "usage", "resultat", *columns])
            for output, one in found.items():
                counts[output] = int(one.hits.certain.sum()), int(one.hits.information.sum())
                marks = zip(identifiers(), one.hits.certain.tolist(), one.hits.information.tolist(), strict=True)
                for record, (identifier, certain, information) in enumerate(marks):
                    if certain or information:
                        usage = "attribution" if certain else "information"
                        told = map(_as_text, one.payloads.get(record, empty))
                        writer.writerow([identifier, usage, output, *told])
        Path(name).replace(path)
    finally:
        destroy(Path(name))  # still there only when something above failed
    return counts


def _as_text(value: str) -> str:
    """A partner's value that a spreadsheet will not take for a formula."""
    return f"'{value}" if value[:1] in _FORMULA else value


def compared_in(seat: Seat, comparisons: Iterable[str], own: int) -> NDArray[np.bool_]:
    """Which records of this party took part in some pass of each of these comparisons."""
    everywhere = np.ones(own, dtype=bool)
    for name in comparisons:
        comparison, took_part = seat.agreement.comparison(name), np.zeros(own + seat.agreement.controls, dtype=bool)
        for plan in _looking(seat, comparison) if comparison else ():
            for _, records in seat.folder.rows(f"{name}/{plan.name}"):
                took_part[records] = True
        everywhere &= took_part[:own]
    return everywhere


def _looking(seat: Seat, comparison: Comparison) -> list[PassPlan]:
    """The passes in which somebody who is not found is not there: a partner's file may know no number of somebody.

    Where an attribute is compared blindly, only passes that have a twin tell anything.
    """
    passes = comparison.plan.passes
    if seat.alike(comparison) is not None:
        told = {one.twin for one in passes}
        return [one for one in passes if one.name in told]
    return [one for one in passes if one.measure != "exact"] or list(passes)


def restrained(hits: Hits, compared: NDArray[np.bool_], seat: Seat, output: Output) -> Hits:
    """Hits as an output may use them.

    None of whoever objects, or could not be judged; none is awarded when the output only informs, nor when a link that it
    excludes was never looked for.
    """
    kept = ~objecting(seat, len(compared))
    certain = hits.certain & compared & kept if output.award else np.zeros_like(hits.certain)
    return replace(hits, certain=certain, information=(hits.information | hits.certain) & ~certain & kept)


def objecting(seat: Seat, own: int) -> NDArray[np.bool_]:
    """Which records of this party object to the démarche, as they were encoded."""
    found = np.zeros(own, dtype=bool)
    for _, records in seat.folder.rows(OBJECTING) if seat.folder.has_rows(OBJECTING) else ():
        found[records] = True
    return found


def _names(ids: NDArray[np.uint8]) -> list[bytes]:
    data = ids.tobytes()
    return [data[start : start + ID_BYTES] for start in range(0, len(data), ID_BYTES)]


def _refused(pass_name: str, what: str) -> ServiceError:
    sentence = f"la livraison de la passe « {pass_name} » {what} ; n'utilisez aucun résultat et signalez-le"
    return ServiceError("E_LIVRAISON", sentence)
