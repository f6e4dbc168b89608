"""A5 to A12 look at pairs of rows: is there more to see in four at a time? How strong an attack on quartets could be.

The output bits of a block are drawings of one vector of n signs, each the product of t columns of the plain filters' signs.
All its moments of even order are the attacker's to compute (odd ones are 0, since blocks are complemented): of four records the
mean of the product of their signs is e^t, with e = Σ_T (−1)^(4−|T|) 2^|T| q^K(T) over the subsets T of the four, K(T) being the
insertions of their union. Measured on L bits it has noise of 1/√L, whatever its order.

Whoever knows s pairs has s landmarks to compare a row with, and s(s − 1)(s − 2)/6 triples of them. κ₄ is to triples what κ
is to landmarks: √L times the root mean square, over triples and candidates, of what the product with a candidate is beyond
the mean over candidates. So triples are a signal of κ₄·√(s³/6) standard deviations beside κ·√s (`signals`), if products with
different triples were independent: an upper bound, as they are products of the same bits. Most of κ₄ comes from triples with
relatives of the candidate among them, whom pairs show already; the median triple is given beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.ceiling import kappa
from linkage.attacks.scene import View

__all__ = ["Quartets", "quartets", "triple_products"]

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]

_SUBSETS = range(8)  # of three


@dataclass(frozen=True, kw_only=True)
class Quartets:
    """How much there is to see.

    Attributes:
        pairs: κ of the block.
        fours: κ₄, of all triples looked at.
        usual: the same of the median triple.
    """

    pairs: float
    fours: float
    usual: float

    def signals(self, known: int) -> tuple[float, float, float]:
        """Standard deviations of the signal of so many known pairs: by pairs of rows, by fours, by fours of the median."""
        triples = sqrt(comb(known, 3))
        return self.pairs * sqrt(known), self.fours * triples, self.usual * triples


def quartets(view: View, rng: np.random.Generator, *, triples: int = 150) -> Quartets:
    """Looks at some triples of the candidates of a block, each with all other candidates.

    Args:
        view: of a block with four candidates or more.
        rng: draws triples.
        triples: how many.
    """
    count = len(view.candidates)
    if count < 5:
        return Quartets(pairs=kappa(view), fours=0.0, usual=0.0)
    squares = np.empty(triples)
    for number in range(triples):
        three = rng.choice(count, 3, replace=False)
        products = np.delete(triple_products(view, three), three)
        squares[number] = np.square(products - products.mean()).mean()
    return Quartets(
        pairs=kappa(view),
        fours=sqrt(view.length * float(squares.mean())),
        usual=sqrt(view.length * float(np.median(squares))),
    )


def triple_products(view: View, three: Rows) -> Numbers:
    """The expected product of the signs of three candidates and each candidate, (n',), after diffusion."""
    counts = view.sets.counts.toarray()
    keep = np.log1p(-1.0 / view.length)
    found = np.zeros(len(counts))
    for subset in _SUBSETS:
        some = [three[place] for place in range(3) if subset >> place & 1]
        union = counts[some].max(axis=0) if some else np.zeros(counts.shape[1], dtype=counts.dtype)
        with_it = np.exp(keep * np.maximum(union, counts).sum(axis=1))
        found += (-1.0) ** (3 - len(some)) * 2.0 ** len(some) * (2.0 * with_it - np.exp(keep * union.sum()))
    after: Numbers = np.sign(found) ** max(1, view.degree) * np.abs(found) ** max(1, view.degree)
    return after
