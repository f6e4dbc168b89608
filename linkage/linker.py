"""The third party's half: two encoded passes in, links out. It holds no key and sees no record.

A pass is checked (`check_pass`) when it is opened, so that a fault is told to the party that sent it. Then, block by
block, rows with equal tags are compared at the plan's information threshold, candidates are solved one-to-one, and the links
at or above the plan's strict threshold are marked. A pass whose rows all carry one tag is compared all against all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.blocks import block_sizes, check_block_sizes, shared_blocks
from linkage.errors import LinkageError
from linkage.match import Progress, match_blocks
from linkage.plan import PassPlan
from linkage.solve import solve_one_to_one
from linkage.wire import ID_BYTES, TAG_BYTES, EncodedPass

__all__ = ["PassLinks", "check_pass", "link_pass"]

_LEAST_FILL, _MOST_FILL = 20, 80  # percent of the bits of a diffused row


@dataclass(frozen=True, kw_only=True)
class PassLinks:
    """The links of one pass, by score descending, then left row, then right row.

    Attributes:
        left_rows: (h,) int64 rows of the left pass.
        right_rows: (h,) int64 rows of the right pass.
        score: (h,) float64, 1 - H/L or Dice.
        strict: (h,) bool, whether the score reaches the strict threshold.
        compared: pairs compared.
        candidates: pairs at or above the information threshold, before solving.
        blocks: blocks that both sides hold.
        largest_block: rows of the largest block of either side.
    """

    left_rows: NDArray[np.int64]
    right_rows: NDArray[np.int64]
    score: NDArray[np.float64]
    strict: NDArray[np.bool_]
    compared: int
    candidates: int
    blocks: int
    largest_block: int


def link_pass(
    left: EncodedPass,
    right: EncodedPass,
    plan: PassPlan,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> PassLinks:
    """Link the rows of two passes.

    Args:
        left: rows sorted by (tag, id).
        right: rows sorted by (tag, id).
        plan: of this pass.
        progress: told the pairs compared and their total; what it raises stops the work.
        threads: as `linkage.match.match`; never changes the result.

    Raises:
        LinkageError: `E_LARGEURS`, `E_ORDRE_LIGNES`, `E_IDENTIFIANT_LIGNE`, `E_BLOC_TROP_GRAND` as `check_pass`.
    """
    for side in (left, right):
        _check_form(side, plan)
    blocks = shared_blocks(left.tags, right.tags)
    compared = int(((blocks[:, 1] - blocks[:, 0]) * (blocks[:, 3] - blocks[:, 2])).sum())
    candidates = match_blocks(
        left.filters,
        right.filters,
        blocks,
        plan.information_score,
        plan.measure,
        progress=progress,
        threads=threads,
    )
    links = solve_one_to_one(candidates)
    return PassLinks(
        left_rows=links.left,
        right_rows=links.right,
        score=links.score,
        strict=links.score >= plan.strict_score,
        compared=compared,
        candidates=len(candidates),
        blocks=len(blocks),
        largest_block=max(int(block_sizes(side.tags).max(initial=0)) for side in (left, right)),
    )


def check_pass(encoded: EncodedPass, plan: PassPlan) -> None:
    """Refuse a pass that its own plan could not have produced.

    Raises:
        LinkageError: `E_LARGEURS` for filters of another length than the plan's, `E_TABLEAU` for columns of different
            heights, `E_ORDRE_LIGNES` for rows not sorted by (tag, id), `E_IDENTIFIANT_LIGNE` for an id used twice,
            `E_BLOC_TROP_GRAND` for a block over 1.5 times the cap, `E_REMPLISSAGE` for a row without any bit, with all
            bits, or, in a diffused pass, with less than 20 % or more than 80 % of them.
    """
    _check_form(encoded, plan)
    bits = np.bitwise_count(encoded.filters).sum(axis=1, dtype=np.int64)
    lowest, highest = (_LEAST_FILL, _MOST_FILL) if plan.degree else (0, 100)
    empty_or_full = (bits == 0) | (bits == plan.length)
    if (empty_or_full | (100 * bits < lowest * plan.length) | (100 * bits > highest * plan.length)).any():
        raise LinkageError(
            "E_REMPLISSAGE",
            "des filtres sont vides, pleins ou trop éloignés d'un remplissage de moitié ; encodez de nouveau le fichier",
        )


def _check_form(encoded: EncodedPass, plan: PassPlan) -> None:
    if encoded.filters.ndim != 2 or 64 * encoded.filters.shape[1] != plan.length:
        raise LinkageError("E_LARGEURS", f"les filtres de la passe « {plan.name} » doivent avoir {plan.length} bits")
    rows = len(encoded.filters)
    if encoded.ids.shape != (rows, ID_BYTES) or encoded.tags.shape != (rows, TAG_BYTES):
        raise LinkageError("E_TABLEAU", "identifiants, étiquettes et filtres doivent décrire les mêmes lignes")
    names = np.concatenate([encoded.tags, encoded.ids], axis=1).view(f"S{TAG_BYTES + ID_BYTES}").reshape(rows)
    if (names[1:] < names[:-1]).any():
        raise LinkageError(
            "E_ORDRE_LIGNES", "les lignes doivent être triées par étiquette de bloc puis par identifiant"
        )
    ids = np.sort(np.ascontiguousarray(encoded.ids).view(f"S{ID_BYTES}").reshape(rows))
    if (ids[1:] == ids[:-1]).any():
        raise LinkageError("E_IDENTIFIANT_LIGNE", "un même identifiant de ligne est employé deux fois")
    check_block_sizes(encoded.tags, plan.cap)
