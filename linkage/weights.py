"""Bits of attributes from how well they tell people apart: a proposal for a better sheet, before anything is signed.

An attribute whose values collide with probability u among strangers (u = Σ p² over its values) and agree with probability
m on one person is worth, between full agreement and full disagreement, log₂ m(1 − u) / u(1 − m) bits of evidence (Fellegi
and Sunter 1969). Bits are proposed in proportion to that, times the share of records that have the attribute, for a gap costs
more than half of what a wrong value does.

No attribute gets more than `LARGEST_SHARE` of the filter. At the information threshold of the diffused profiles two filters
may differ by about a third of their insertions (Dice .78): an attribute with a larger share would sink every pair in which it
alone is wrong. What is cut off goes to the others, in proportion.

u is measured on one file and stays with its holder; m is assumed by kind (`AGREEMENT`), never measured. In a run the weights
are those of the agreed sheet, whatever the files say.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np

from linkage.records import MISSING, Column, Records
from linkage.sheet import Sheet

__all__ = ["AGREEMENT", "LARGEST_SHARE", "Proposal", "collision_rate", "evidence", "propose_bits"]

LARGEST_SHARE = 0.30
_TOTAL = 100  # of the proposed bits
_MOST_EVIDENCE = 24.0  # bits: beyond, a file is too small to tell how rare its values are

# How often one person's value agrees in two files, by kind. Assumptions (context: no field-level error table of French
# files is published), rounded; a sex or a country is nearly always right, an address seldom written twice alike.
AGREEMENT = {
    "name": 0.94,
    "given_names": 0.93,
    "date": 0.95,
    "code": 0.92,
    "cog": 0.94,
    "country": 0.97,
    "category": 0.95,
    "sex": 0.99,
    "text": 0.85,
    "number": 0.95,
}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a file suggests for one attribute.

    Attributes:
        name: of the attribute.
        fill: share of records that have it.
        effective_values: 1 / u, as many values as frequent ones would be.
        evidence: bits between full agreement and full disagreement.
        bits: in the sheet today, scaled to 100 for the sheet.
        proposed: out of 100.
    """

    name: str
    fill: float
    effective_values: float
    evidence: float
    bits: int
    proposed: int

    def to_json(self) -> dict[str, str | int]:
        """As a report prints it."""
        values = round(self.effective_values)
        return {"attribute": self.name, "bits": self.bits, "proposed": self.proposed, "effective_values": values}


def propose_bits(records: Records, sheet: Sheet) -> list[Proposal]:
    """A proposal for each attribute of the sheet, in its order; an attribute that no record has gets none."""
    total = sum(attribute.bits for attribute in sheet.compared)
    found = []
    for attribute in sheet.compared:
        column = records.columns[attribute.name]
        rate, fill = collision_rate(column), float(np.mean(column.codes != MISSING)) if len(records) else 0.0
        found.append((attribute, rate, fill, evidence(attribute.kind, rate) if fill else 0.0))
    shares = _capped([fill * worth for _, _, fill, worth in found])
    return [
        Proposal(
            name=attribute.name,
            fill=fill,
            effective_values=1 / rate if rate else 0.0,
            evidence=worth,
            bits=round(_TOTAL * attribute.bits / total),
            proposed=max(1, round(_TOTAL * share)) if fill else 0,
        )
        for (attribute, rate, fill, worth), share in zip(found, shares, strict=True)
    ]


def collision_rate(column: Column) -> float:
    """The unbiased chance that two different records with a value have the same one; 0 when there are no two."""
    counts = np.bincount(column.codes[column.codes != MISSING], minlength=1).astype(np.float64)
    known = counts.sum()
    return float((counts * (counts - 1)).sum() / (known * (known - 1))) if known > 1 else 0.0


def evidence(kind: str, rate: float) -> float:
    """Bits of evidence between agreement and disagreement of an attribute whose values collide at that rate.

    Args:
        kind: of the attribute.
        rate: u, 0 … 1; 0 stands for rarer than the file can tell.
    """
    agree = AGREEMENT[kind]
    if rate <= 0:
        return _MOST_EVIDENCE
    if rate >= agree:
        return 0.0
    return min(_MOST_EVIDENCE, log2(agree * (1 - rate) / (rate * (1 - agree))))


def _capped(weights: list[float]) -> list[float]:
    """Shares in proportion to the weights, none over the cap; the cap rises where too few attributes could share."""
    total = sum(weights)
    if not total:
        return weights
    cap = max(LARGEST_SHARE, 1.1 / sum(weight > 0 for weight in weights))
    shares = [weight / total for weight in weights]
    while max(shares) > cap + 1e-9:
        full = [share >= cap for share in shares]
        rest = sum(share for share, held in zip(shares, full, strict=True) if not held)
        left = 1 - cap * sum(full)
        shares = [cap if held else share * left / rest for share, held in zip(shares, full, strict=True)]
    return shares
