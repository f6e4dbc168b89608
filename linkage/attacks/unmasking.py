"""A1 and A3 again, against the secret word under which the rows of a block are complemented (decision 0040).

What the attacker knows: the rows. Without the word, all of them lean towards 0, each by (1 − 2f)^t, f being its fill before
diffusion; with it, each bit leans to one side or the other, the same in all rows. So rows vote: the side on which most of them
are is a guess of the word (`voted`), right more often than not by the mean lean against noise of 1/√n a bit.

Nobody needs the word for what it hides. Weighed under the word that all *other* rows vote for, in proportion to their votes, a
row weighs its mean agreement with all others (`unmasked`): two rows that lean agree by the product of their leans. It says what
pairs of rows say, and that every attack on agreements takes into account already.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.positions_learned import bits_of
from linkage.attacks.scene import Scene
from linkage.attacks.weight import WeightLeak, weight_leak

__all__ = ["unmasked", "unmasked_leak", "voted"]

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


def voted(filters: NDArray[np.uint64]) -> Flags:
    """The bits that most rows have at 1, (L,); of half of the rows none."""
    share: Flags = bits_of(filters).mean(axis=0) > 0.5
    return share


def unmasked(filters: NDArray[np.uint64]) -> Numbers:
    """The mean agreement of each row with all others, (n,): how far it leans where they do."""
    signs = 1.0 - 2.0 * bits_of(filters).astype(np.float64)
    others = signs.sum(axis=0) - signs
    found: Numbers = np.einsum("ij,ij->i", signs, others) / (signs.shape[1] * max(1, len(signs) - 1))
    return found


def unmasked_leak(scene: Scene) -> WeightLeak:
    """What is told by the rows' leans once the others have voted, as `weight_leak` tells it of their weights."""
    return weight_leak(scene, seen=-unmasked(scene.view.filters))
