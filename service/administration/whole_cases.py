"""Cases of several people (`[regle.groupe]`): where all of them are required, none is a hit unless all are.

A case is the rows of the recipient's file that share a value of one column (the reference of a title); a démarche says which
people it has (creditor, debtor). The column is read when the file is encoded and waits, sealed like the local identifiers, in
the folder of the run: it never leaves this machine, and the rule is applied to the hits once objections are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from linkage.formula import Hits

__all__ = ["whole_cases"]


def whole_cases(hits: Hits, labels: Sequence[str], members: int) -> Hits:
    """The hits whose case is whole: as many rows as it has members, all of them hits; certain only if all are.

    A row without a label belongs to no case and is no hit: nobody could tell whose consent it needs.

    Args:
        hits: over the records, in their order.
        labels: of the records, in the same order.
        members: people of a case.
    """
    _, case = np.unique(np.array([one.strip() for one in labels], dtype=object).astype(str), return_inverse=True)
    labelled = np.array([bool(one.strip()) for one in labels], dtype=bool)
    rows = np.bincount(case)
    certain, told = _all_of(case, hits.certain), _all_of(case, hits.certain | hits.information)
    whole = labelled & told & (rows[case] == members)
    return replace(hits, certain=whole & certain, information=whole & ~certain)


def _all_of(case: NDArray[np.intp], flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each row, whether all rows of its case are flagged."""
    lacking = np.bincount(case, weights=~flags)
    found: NDArray[np.bool_] = lacking[case] == 0
    return found
