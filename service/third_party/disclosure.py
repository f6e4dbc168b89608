"""The only place where links become what a party may learn.

A recipient learns, for one pass, which of its own rows are linked: a list *certain* (at or above the strict
threshold) and, if the agreement's policy for the grey zone uses it, a list *grey* (between the two
thresholds). It learns no score, no row of the other party, no order but that of its own random ids, and no
exact number (padded size). The source learns nothing.

Non-interference: rows of the source that are linked to nothing leave every byte unchanged, whatever they hold
and however many they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.wire import delivery_to_bytes
from service.agreement import Agreement

__all__ = ["RecipientLinks", "disclose", "uses_grey"]


@dataclass(frozen=True, kw_only=True)
class RecipientLinks:
    """What remains of the links of a pass once the other side is left out.

    Attributes:
        rows: (k,) int64, rows of the recipient that are linked.
        strict: (k,) bool, whether the link reaches the strict threshold.
    """

    rows: NDArray[np.int64]
    strict: NDArray[np.bool_]


def uses_grey(agreement: Agreement) -> bool:
    """Whether recipients may learn of links in the grey zone at all.

    A rule that subtracts always needs them: whoever is not told of a doubtful link would award on it (design §3).
    """
    return agreement.grey_policy != "ecarter" or "-" in agreement.expression


def disclose(ids: NDArray[np.uint8], links: RecipientLinks, *, grey: bool) -> bytes:
    """The plaintext of a delivery.

    Args:
        ids: (n, 16) uint8, the recipient's row ids of the pass.
        links: of these rows.
        grey: whether the grey list is part of it.

    Returns:
        `linkage.wire.delivery_to_bytes` of both lists: sorted by id, each id once, padded.
    """
    certain = np.unique(links.rows[links.strict])
    doubtful = np.setdiff1d(links.rows[~links.strict], certain) if grey else np.empty(0, dtype=np.int64)
    return delivery_to_bytes(ids[certain], ids[doubtful])
