"""Guards: what makes the third party hold the results of a run until people have looked at it.

Counted pass by pass while a run is matched (`PassFinding`), judged once all is compared (`judge`):

* the size of a file against the declared one, and against the run before, within what the agreement tolerates;
* rows of the recipient's file that resemble each other (`probes`, figures in docs/decisions/0033): more than the agreement's
  share and three standard deviations, or one row that `_CROWD` others resemble;
* rows of it that resemble one row of the source's, whether or not they resemble each other (`besets`, docs/decisions/0053);
* the share of the recipient's rows that are linked, against the earlier runs of the agreement (`unusual`);
* a canary of the source that a row of the recipient is linked to, at the strict threshold.

No count leaves a pass in clear: findings are sealed to the run's own worker and destroyed with it. What is remembered for the
next runs of the agreement is a step of a scale: sizes by sixteenths of a doubling (4.4 %), rates of links by quarters of a
doubling (19 %), fewer than eleven links counting as eleven. A run is remembered as soon as it is compared and serves as an
example only once it is delivered: a run that a party refused teaches nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log2, sqrt
from typing import ClassVar, Protocol

from sqlalchemy import Connection

from crypto.framing import Label, frame, parse_canonical_json
from crypto.sealing import SealingKey, seal, unseal
from service.agreement import Agreement, Comparison
from service.counts import LEAST, band_of
from service.forms import Count, Message, Text
from service.guard_terms import MIN_SIZE, GuardTerms
from service.messages import MAX_JSON_BYTES, statement_digest
from service.review import Hold, Reason, Sighting, SizeSeen
from service.third_party.lifecycle import Event
from service.third_party.review_store import Past, add_finding, add_hold, add_past, findings_of, pasts_of
from service.third_party.run_store import Run
from service.third_party.site import Site
from service.third_party.store import stored

__all__ = [
    "PassFinding",
    "besets",
    "judge",
    "keep",
    "past_of",
    "probes",
    "rate_step",
    "sightings",
    "size_step",
    "strays",
    "unusual",
]

_ALL = 1000  # per mille: the agreement says nothing about rows that resemble each other
_BESET = 6  # rows beside one, before solving, grey ones included: of families of a hundred thousand people, three
_CROWD = 4  # rows that resemble one row; people who are there twice and have a twin make two or three
_DEVIATIONS = 3
_SIZE_STEPS, _RATE_STEPS = 16, 4  # of a doubling
_PARTS = 1_000_000  # rates are links of so many rows
_USUAL_SPREAD = 1.0  # steps of a rate from one run to the next, when there are too few to tell


class _Resembling(Protocol):
    """What was seen of the rows of an upload; see `probing.NearDuplicates`."""

    @property
    def rows(self) -> int: ...
    @property
    def near(self) -> int: ...
    @property
    def most(self) -> int: ...


class _Besetting(Protocol):
    """What was seen of the candidates of a pass."""

    @property
    def rows(self) -> int: ...
    @property
    def shared(self) -> int: ...
    @property
    def crowd(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class PassFinding(Message):
    """What was counted in one pass; numbers of rows."""

    FORMAT: ClassVar[str] = "allervers/finding/v1"
    comparison: Text
    pass_: Text
    rows: Count  # of the recipient
    source_rows: Count  # without its canaries
    near: Count  # rows of the recipient that resemble another one of its own
    most: Count  # of its own rows that resemble one
    shared: Count  # rows of the recipient with a strict candidate that another row of its own has too
    crowd: Count  # of its own rows that have a candidate in common with one, grey ones included
    links: Count
    canaries: Count  # of the source that are linked strictly


def keep(connection: Connection, run: Run, key: SealingKey, finding: PassFinding) -> None:
    """Store what was found in a pass, in the transaction that stores its delivery; once."""
    info = _context(run, finding.comparison, finding.pass_)
    sealed = seal(key.public_bytes(), finding.to_bytes(), info)
    add_finding(connection, run.run, finding.comparison, finding.pass_, sealed)


def judge(site: Site, connection: Connection, run: Run, agreement: Agreement, key: SealingKey) -> Event:
    """What the end of the matching is for a run: `DELIVERED`, or `HELD` with the reasons stored and recorded.

    Args:
        site: whose.
        connection: of the transaction that moves the run.
        run: whose every pass is compared, its findings kept.
        agreement: of the run.
        key: of the run's worker.

    Raises:
        CryptoError: a finding is not this run's.
    """
    found = _opened(connection, run, key)
    held = False
    for comparison in agreement.comparisons:
        mine = [one for one in found if one.comparison == comparison.id]
        pasts = pasts_of(connection, agreement.identifier, comparison.id, run.run)
        reasons = sightings(comparison, agreement.guards, agreement.controls, mine, pasts)
        add_past(connection, run.run, comparison.id, past_of(mine), agreement.valid.not_after)
        if reasons:
            held = True
            signed = _hold(run, comparison, reasons, _sizes(comparison, mine, pasts)).signed(site.identity.signing_key)
            add_hold(connection, run.run, comparison.id, stored(signed))
            about = {"agreement": run.agreement, "run": run.run, "digest": statement_digest(signed)}
            site.record(connection, site.party, "hold_stored", **about)
    return Event.HELD if held else Event.DELIVERED


def sightings(
    comparison: Comparison, guards: GuardTerms, controls: int, found: Sequence[PassFinding], pasts: Sequence[Past]
) -> tuple[Sighting, ...]:
    """Every reason to hold the results of a comparison. Pure.

    Args:
        comparison: of the agreement.
        guards: of the agreement.
        controls: rows that both sides add to each pass.
        found: in its passes.
        pasts: the same comparison in earlier runs, oldest first.
    """
    recipient, source = comparison.parties
    now = past_of(found)
    reasons = []
    sizes, tolerated = comparison.sizes, {recipient: guards.recipient, source: guards.source}
    for party, rows, declared in (
        (recipient, [one.rows for one in found], sizes.recipient),
        (source, [one.source_rows for one in found], sizes.source),
    ):
        if strays(max(rows, default=0) - controls, declared, tolerated[party].declared):
            reasons.append(Sighting(reason=Reason.DECLARED_SIZE, party=party))
    for past in pasts[-1:]:
        for party, step, before in (
            (recipient, now.recipient_step, past.recipient_step),
            (source, now.source_step, past.source_step),
        ):
            if _drifts(step, before, tolerated[party].previous):
                reasons.append(Sighting(reason=Reason.PREVIOUS_SIZE, party=party))
    if any(probes(one, guards.near_permille) or besets(one, guards.near_permille) for one in found):
        reasons.append(Sighting(reason=Reason.NEAR_DUPLICATES, party=recipient))
    if unusual(_links(found), sum(one.rows for one in found), [past.rate_step for past in pasts]):
        reasons.append(Sighting(reason=Reason.LINK_RATE, party=recipient))
    if any(one.canaries for one in found):
        reasons.append(Sighting(reason=Reason.CANARY, party=recipient))
    return tuple(reasons)


def probes(seen: _Resembling, permille: int) -> bool:
    """Whether the rows of an upload look like variants of a few people.

    Args:
        seen: of one pass.
        permille: the share of rows with another one near that the agreement lets pass; 1000 for any.
    """
    if permille >= _ALL:
        return False
    usual = seen.rows * permille / 1000
    return seen.most >= _CROWD or seen.near > usual + _DEVIATIONS * sqrt(usual)


def besets(seen: _Besetting, permille: int) -> bool:
    """Whether rows of the recipient gather around rows of the source, as variants of a few people do however they are made.

    Args:
        seen: of one pass.
        permille: as in `probes`.
    """
    if permille >= _ALL:
        return False
    usual = seen.rows * permille / 1000
    return seen.crowd >= _BESET or seen.shared > usual + _DEVIATIONS * sqrt(usual)


def strays(people: int, declared: int, percent: int) -> bool:
    """Whether a file is further from its declared size than the agreement tolerates.

    Args:
        people: rows of its largest pass but those of nobody.
        declared: people.
        percent: tolerated, either way.
    """
    return not (100 - percent) * declared <= 100 * people <= (100 + percent) * declared


def unusual(links: int, rows: int, past: Sequence[int]) -> bool:
    """Whether a rate of links is far from those of earlier runs: more than three standard deviations.

    The deviation is that of the earlier rates once there are three, never less than one step, and the chance of
    counting few links comes on top of it.

    Args:
        links: in all passes.
        rows: of the recipient in all passes.
        past: steps of earlier runs.
    """
    if not past or not rows:
        return False
    mean = sum(past) / len(past)
    spread = _USUAL_SPREAD**2
    if len(past) >= 3:
        spread = max(spread, sum((one - mean) ** 2 for one in past) / (len(past) - 1))
    expected = max(LEAST, rows * 2 ** (mean / _RATE_STEPS) / _PARTS)
    chance = (_RATE_STEPS / log(2)) ** 2 * (1 / max(LEAST, links) + 1 / expected)
    return abs(rate_step(links, rows) - mean) > _DEVIATIONS * sqrt(spread + chance)


def past_of(found: Sequence[PassFinding]) -> Past:
    """What is remembered of a comparison."""
    rows = sum(one.rows for one in found)
    return Past(
        recipient_step=size_step(max((one.rows for one in found), default=0)),
        source_step=size_step(max((one.source_rows for one in found), default=0)),
        rate_step=rate_step(_links(found), rows),
    )


def size_step(rows: int) -> int:
    """The step of a size: sixteenths of a doubling from the least size of a file."""
    return round(_SIZE_STEPS * log2(max(rows, MIN_SIZE) / MIN_SIZE))


def rate_step(links: int, rows: int) -> int:
    """The step of a rate: quarters of a doubling from one link in a million rows; fewer than eleven count as eleven."""
    return round(_RATE_STEPS * log2(_PARTS * max(links, LEAST) / max(rows, LEAST)))


def _drifts(now: int, before: int, percent: int) -> bool:
    """Whether two steps of sizes differ by more than so many percent, beyond what steps leave open."""
    most = log2(1 + percent / 100)
    least = -log2(1 - percent / 100) if percent < 100 else float("inf")
    doublings = (now - before) / _SIZE_STEPS
    return doublings > most + 1 / _SIZE_STEPS or -doublings > least + 1 / _SIZE_STEPS


def _links(found: Sequence[PassFinding]) -> int:
    return sum(one.links for one in found)


def _opened(connection: Connection, run: Run, key: SealingKey) -> list[PassFinding]:
    found = []
    for comparison, name, sealed in findings_of(connection, run.run):
        plain = unseal(key, sealed, _context(run, comparison, name))
        found.append(PassFinding.from_json(parse_canonical_json(plain, MAX_JSON_BYTES)))
    return found


def _context(run: Run, comparison: str, pass_name: str) -> bytes:
    return frame(Label.FINDING, bytes.fromhex(run.agreement), run.run, comparison, pass_name)


def _hold(run: Run, comparison: Comparison, reasons: tuple[Sighting, ...], sizes: tuple[SizeSeen, ...]) -> Hold:
    return Hold(
        agreement=run.agreement,
        run=run.run,
        comparison=comparison.id,
        sightings=reasons,
        sizes=sizes,
        nonce=secrets.token_hex(16),
    )


def _sizes(comparison: Comparison, found: Sequence[PassFinding], pasts: Sequence[Past]) -> tuple[SizeSeen, ...]:
    """Sizes of both files in bands, as the source of a comparison may see them."""
    seen = []
    for party, rows, before in (
        (comparison.recipient, max((one.rows for one in found), default=0), [one.recipient_step for one in pasts]),
        (comparison.source, max((one.source_rows for one in found), default=0), [one.source_step for one in pasts]),
    ):
        last = band_of(round(MIN_SIZE * 2 ** (before[-1] / _SIZE_STEPS))) if before else None
        seen.append(SizeSeen(party=party, now=band_of(rows), before=last))
    return tuple(seen)
