"""What the worker does with the encodings of a run: open, judge, compare, seal what is disclosed.

Uploads are opened chunk by chunk, a few chunks ahead of their use, and read twice: first judged, then compared, piece by piece
(`piecewise`). What is opened lives in memory, within a budget, and is never written anywhere. Uploads are all judged before
anything is compared, so that one answer names every upload to be sent again. Comparing is pure work on two passes; its result
leaves this module only as a delivery sealed to its recipient, beside sizes for the operator. Who does these steps, in which order
and what is kept between them is in `matching_job`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from crypto.errors import CryptoError
from crypto.framing import Json
from crypto.sealing import SealingKey, seal
from linkage.batch import Executor
from linkage.blocks import Skew, check_largest_block, runs
from linkage.errors import LinkageError
from linkage.linker import MEMORY, PassLinks, check_pieces
from linkage.plan import PassPlan
from linkage.wire import EncodedPass
from service.agreement import Agreement, Comparison
from service.errors import ServiceError
from service.messages import Delivery, Manifest, UploadState, delivery_context
from service.third_party.bait import caught as bait_caught
from service.third_party.bait import only
from service.third_party.disclosure import RecipientLinks, disclose
from service.third_party.opened import OpenedUpload, canaries_of, manifest_of, open_upload, told
from service.third_party.parcels import Upload, uploads_of
from service.third_party.payloads import covered_payloads, linked_payloads
from service.third_party.piecewise import PIECE_ROWS, Cursor, Work, assembled, pieces_for
from service.third_party.probing import Watch
from service.third_party.site import Site
from service.third_party.store import find_party, stored

__all__ = [
    "LEAST_PASS_PERCENT",
    "Compared",
    "Judgement",
    "Means",
    "Step",
    "caught",
    "compare",
    "counts_of",
    "cursor",
    "finish",
    "judge",
    "judge_upload",
    "pieces_of",
    "steps_of",
    "uploads_in",
    "verdict",
]

LEAST_PASS_PERCENT = 25  # of its largest pass: one that holds a handful of chosen people is a question about them
_FILL_TOLERANCE_PERMILLE = 2  # rounding, on either side


@dataclass(frozen=True, kw_only=True)
class Means:
    """What the work is done with.

    Attributes:
        memory: bytes to hold of opened rows.
        executor: where rows are compared; the threads of this process when absent.
        piece_rows: rows of both sides in one piece of a pass.
    """

    memory: int = MEMORY
    executor: Executor | None = None
    piece_rows: int = PIECE_ROWS

    def work(self, alive: Callable[[], None]) -> Work:
        """The same, for the comparison of a piece."""
        return Work(executor=self.executor, memory=self.memory, alive=alive)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was found of one upload when all of it was read.

    Attributes:
        code: of its fault; none when it is what its plan could have produced.
        counts: what else is kept of it until the run is concluded, by name.
    """

    code: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """As `from_json` reads it."""
        return {"code": self.code, "counts": dict(self.counts)}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Judgement:
        """What `to_json` has written."""
        counts = cast("dict[str, int]", value["counts"])
        return cls(code=cast("str | None", value["code"]), counts=counts)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A pass that was compared.

    Attributes:
        delivery: the signed `Delivery`, as the tables hold it.
        skew: sizes of its blocks, for the operator.
        links: how many there are, and
        shared: rows of the recipient, and
        crowd: others beside one of them, that share a candidate of the source (`linkage.batch.Found`): for the guards.
    """

    delivery: bytes
    skew: Skew
    links: int
    shared: int
    crowd: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One pass of one comparison of a run, with both uploads."""

    agreement: Agreement
    run: str
    comparison: Comparison
    plan: PassPlan
    recipient: Upload
    source: Upload

    @property
    def name(self) -> tuple[str, str]:
        """(comparison, pass)."""
        return self.comparison.id, self.plan.name


def steps_of(site: Site, run: str, agreement: Agreement) -> list[Step]:
    """The passes of a run whose uploads are complete, in a fixed order."""
    with site.database.read() as connection:
        held = {(one.comparison, one.pass_, one.party): one for one in uploads_of(connection, run)}
    complete = {name: one for name, one in held.items() if one.state == UploadState.COMPLETE}
    return [
        Step(agreement=agreement, run=run, comparison=one, plan=plan, recipient=recipient, source=source)
        for one in agreement.comparisons
        for plan in one.plan.passes
        if (recipient := complete.get((one.id, plan.name, one.recipient)))
        and (source := complete.get((one.id, plan.name, one.source)))
    ]


def uploads_in(steps: list[Step]) -> Iterator[tuple[Step, Upload]]:
    """Every upload of some steps, in a fixed order."""
    for step in steps:
        yield step, step.recipient
        yield step, step.source


def judge_upload(
    site: Site, key: SealingKey, step: Step, upload: Upload, alive: Callable[[], None], means: Means | None = None
) -> Judgement:
    """Open an upload and check what is inside.

    Args:
        site: whose.
        key: of the run.
        step: of the run.
        upload: one of its two.
        alive: called between chunks; raises to stop.
        means: to work with.
    """
    manifest, memory = manifest_of(upload), (means or Means()).memory
    try:
        canaries = canaries_of(key, upload)
        if len(canaries) > (step.agreement.guards.canaries if upload.party == step.comparison.source else 0):
            return Judgement(code="E_ANNEXE")  # else a source could ask about people by calling them canaries
        with closing(told(open_upload(site, key, upload, step.plan), alive)) as pieces:
            if upload.party == step.comparison.source:
                _check_content(pieces, manifest, step.plan, memory)
                return Judgement(counts={"canaries": len(canaries)})
            watch = Watch(step.plan, alive)
            _check_content(watch.through(_capped(pieces, step.plan)), manifest, step.plan, memory)
            return Judgement(counts={"near": watch.seen().near, "most": watch.seen().most})
    except (CryptoError, LinkageError, ServiceError) as error:
        return Judgement(code=error.code)


def verdict(steps: list[Step], judgements: Mapping[str, Judgement]) -> dict[str, str]:
    """Upload identifier → code, for each upload that must be sent again.

    Sizes are of people: neither canaries nor the positive controls, which every pass holds, make a file larger.

    Args:
        steps: all passes of a run.
        judgements: by upload.
    """
    refused = {upload: one.code for upload, one in judgements.items() if one.code is not None}
    largest: dict[tuple[str, str], int] = {}
    people: dict[str, int] = {}
    for step, upload in uploads_in(steps):
        side = (upload.comparison, upload.party)
        invented = step.agreement.controls + judgements[upload.upload].counts.get("canaries", 0)
        people[upload.upload] = manifest_of(upload).count - invented
        largest[side] = max(largest.get(side, 0), people[upload.upload])
    for step, upload in uploads_in(steps):
        most, declared = largest[upload.comparison, upload.party], _declared(step, upload)
        guards = step.agreement.guards
        tolerance = guards.recipient if upload.party == step.comparison.recipient else guards.source
        few = 100 * people[upload.upload] < LEAST_PASS_PERCENT * most
        if most < guards.least_rows or (few and step.plan.measure != "exact"):  # few files know a number of everybody
            refused.setdefault(upload.upload, "E_EFFECTIF_FAIBLE")
        elif 100 * most < tolerance.shortest * declared:
            refused.setdefault(upload.upload, "E_EFFECTIF_INSUFFISANT")
    return refused


def judge(
    site: Site, key: SealingKey, steps: list[Step], alive: Callable[[], None], means: Means | None = None
) -> dict[str, str]:
    """Judge every upload once; arguments as `judge_upload`, answer as `verdict`."""
    judgements = {}
    for step, upload in uploads_in(steps):
        alive()
        judgements[upload.upload] = judge_upload(site, key, step, upload, alive, means)
    return verdict(steps, judgements)


def _declared(step: Step, upload: Upload) -> int:
    sizes = step.comparison.sizes
    return sizes.recipient if upload.party == step.comparison.recipient else sizes.source


def counts_of(step: Step) -> tuple[int, int]:
    """Rows of the recipient and of the source, as their manifests announce them."""
    return manifest_of(step.recipient).count, manifest_of(step.source).count


def pieces_of(step: Step, means: Means) -> int:
    """How many pieces a pass is compared in."""
    return pieces_for(sum(counts_of(step)), means.piece_rows)


def cursor(
    site: Site, key: SealingKey, step: Step, place: tuple[int, int, tuple[int, int]], alive: Callable[[], None]
) -> Cursor:
    """A pass that was judged, read from the beginning of one of its pieces.

    Args:
        site: whose.
        key: of the run.
        step: judged before.
        place: pieces in all, the piece to begin with, rows of either side before it.
        alive: called between chunks; raises to stop.
    """
    of, number, rows = place
    sides = (
        OpenedUpload(site, key, step.recipient, step.plan, alive),
        OpenedUpload(site, key, step.source, step.plan, alive),
    )
    return Cursor(sides, step.plan, of=of, number=number, rows=rows)


def compare(site: Site, key: SealingKey, step: Step, alive: Callable[[], None], means: Means | None = None) -> Compared:
    """Compare both sides of a pass from beginning to end, as `matching_job` does piece by piece.

    Raises:
        CryptoError, LinkageError, ServiceError: as `open_upload` and `linkage.linker.link_pieces`.
    """
    means = means or Means()
    of = pieces_of(step, means)
    with cursor(site, key, step, (of, 0, (0, 0)), alive) as reading:
        found = [reading.next(means.work(alive)) for _ in range(of)]
    return finish(site, key, step, assembled(found, step.plan), alive)


def caught(site: Site, key: SealingKey, step: Step, alive: Callable[[], None], means: Means) -> int:
    """How many canaries of the source are linked to a row of the recipient; arguments as `compare`."""
    hidden = canaries_of(key, step.source)
    if not hidden:
        return 0
    canaries = only(told(open_upload(site, key, step.source, step.plan), alive), hidden)
    with closing(told(open_upload(site, key, step.recipient, step.plan), alive)) as rows:
        return bait_caught(rows, canaries, step.plan, alive, means.executor, means.memory)


def finish(site: Site, key: SealingKey, step: Step, links: PassLinks, alive: Callable[[], None]) -> Compared:
    """Seal to its receiver what it may learn of the links of a pass, with the payloads of certain ones.

    Raises:
        ServiceError: `E_PARTIE_INCONNUE`; as `open_upload`, where there are payloads.
        CryptoError: as `open_upload`.
    """
    payloads = covered_payloads(linked_payloads(site, key, step.source, step.plan, links, alive), key, step.recipient)
    # No row stands in two links, so that a linked row may be named by the place of its link.
    mine = RecipientLinks(rows=np.arange(len(links.left_ids)), strict=links.strict)
    plaintext = disclose(links.left_ids, mine, grey=step.agreement.tells_grey(step.comparison), payloads=payloads)
    with site.database.read() as connection:
        receiver = find_party(connection, step.agreement.receiver_of(step.comparison))
    if receiver is None:
        raise ServiceError("E_PARTIE_INCONNUE", "le destinataire n'est plus inscrit.")
    names = (step.agreement.identifier, step.run, *step.name, receiver.party)
    delivery = Delivery(
        agreement=step.agreement.identifier,
        run=step.run,
        comparison=step.comparison.id,
        pass_=step.plan.name,
        recipient=receiver.party,
        sealed=seal(receiver.sealing_key, plaintext, delivery_context(*names)),
    )
    signed = stored(delivery.signed(site.identity.signing_key))
    counted = {"links": len(links.left_ids), "shared": links.shared, "crowd": links.crowd}
    return Compared(delivery=signed, skew=links.skew, **counted)


def _capped(pieces: Iterator[EncodedPass], plan: PassPlan) -> Generator[EncodedPass]:
    """The pieces, refused as soon as a block is over its cap: whoever looks at them holds a whole block at a time."""
    tag, rows = b"", 0
    for piece in pieces:
        _, bounds = runs(piece.tags)
        if len(piece):
            sizes = np.diff(bounds)
            sizes[0] += rows if bytes(piece.tags[0]) == tag else 0
            check_largest_block(int(sizes.max()), plan.cap)
            tag, rows = bytes(piece.tags[-1]), int(sizes[-1])
        yield piece


def _check_content(pieces: Iterator[EncodedPass], manifest: Manifest, plan: PassPlan, memory: int) -> None:
    content = check_pieces(pieces, plan, memory=memory // 2)
    off = abs(content.fill_permille - manifest.mean_fill_permille)
    if content.rows != manifest.count or off > _FILL_TOLERANCE_PERMILLE:
        raise ServiceError("E_CONTENU_MANIFESTE", "le contenu n'est pas celui que le manifeste annonce.")
