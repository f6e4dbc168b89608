"""The only place where links become what a party may learn.

What is told of one pass is which rows of the recipient are linked: a list *certain* (at or above the strict
threshold) and, if an output of the agreement uses it, a list *grey* (between the two
thresholds). No score, no row of the other party, no order but that of the recipient's own random ids, and no
exact number (padded size). The source learns nothing. Where the agreement has a payload, the source's sealed
bytes for a certain link go with it; a doubtful link never shows anybody's payload.

It is told to the recipient, which joins the passes of its one comparison; or, when the recipient has several, to its
joiner, to which these ids are random names: the recipient then learns which of its records satisfy the rule, and
nothing of each comparison.

Non-interference: rows of the source that are linked to nothing leave every byte unchanged, whatever they hold
and however many they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.wire import delivery_to_bytes

__all__ = ["RecipientLinks", "disclose"]


@dataclass(frozen=True, kw_only=True)
class RecipientLinks:
    """What remains of the links of a pass once the other side is left out.

    Attributes:
        rows: (k,) int64, rows of the recipient that are linked.
        strict: (k,) bool, whether the link reaches the strict threshold.
    """

    rows: NDArray[np.int64]
    strict: NDArray[np.bool_]


def disclose(
    ids: NDArray[np.uint8], links: RecipientLinks, *, grey: bool, payloads: NDArray[np.uint8] | None = None
) -> bytes:
    """The plaintext of a delivery.

    Args:
        ids: (n, 16) uint8, the recipient's row ids of the pass.
        links: of these rows.
        grey: whether the grey list is part of it.
        payloads: (k, width) uint8, of the source's row of each link; none when absent.

    Returns:
        `linkage.wire.delivery_to_bytes` of both lists: sorted by id, each id once, padded.
    """
    strict = np.flatnonzero(links.strict)
    certain, first = np.unique(links.rows[strict], return_index=True)
    doubtful = np.setdiff1d(links.rows[~links.strict], certain) if grey else np.empty(0, dtype=np.int64)
    told = None if payloads is None else payloads[strict[first]]
    return delivery_to_bytes(ids[certain], ids[doubtful], told)
