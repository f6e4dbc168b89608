"""What known and guessed pairs say about all others: the evidence that graph matching goes by.

If row j is candidate l, row i agrees with row j like candidate k with candidate l, up to noise of variance 1/W, if and only if
i is k. With probabilities P of all pairs, the log-likelihood that i is k is W·(A P B − ½ Σ_l p_l B²)_ik, A being the measured
agreements and B the expected ones, both without their mean and without a diagonal. Pairs that are known stay out of P and are
added once.

The output bits of a diffused block are drawings of one vector of n signs whose covariance is B with ones on its diagonal. So the
agreements of many rows are not independent, and the likelihood of a whole matching is that of B's inverse: −L/2·tr(B⁻¹ P'AP).
With `precise`, guessed pairs speak through −B⁻¹ in B's place. It makes no difference to a first guess, nor where B is weak;
where self-training is about to ignite it finds half as many people again (t = 3, L = 1024, 500 known of 2,500: 44 % against
31 %; of 5,000: 63 % after 16 rounds, from 8 % at once).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.balance import balance

__all__ = ["Evidence", "centred"]

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]

_RIDGE = 0.01


def centred(agreements: Matrix) -> Matrix:
    """Agreements without the mean of all pairs of different records, the diagonal zero."""
    count = len(agreements)
    pairs = max(1, count * (count - 1))
    mean = (float(agreements.sum(dtype=np.float64)) - float(np.trace(agreements, dtype=np.float64))) / pairs
    found = agreements - np.float32(mean)
    np.fill_diagonal(found, 0.0)
    return found


def _inverted(expected: Matrix) -> Matrix:
    """−B⁻¹, with a little on the diagonal for those whom B cannot tell apart."""
    ridged = expected + np.float32(_RIDGE) * np.eye(len(expected), dtype=np.float32)
    found: Matrix = np.negative(np.linalg.inv(ridged))
    return found


class Evidence:
    """Agreements of the free rows and candidates, and what the known pairs say of them.

    Args:
        measured: (n, n) agreements of the rows.
        expected: (n', n') agreements of the candidates.
        weight: W.
        known: (s, 2) pairs.
        precise: guessed pairs speak through the inverse, for diffused filters.

    Attributes:
        rows: (f,) rows that are in no known pair.
        candidates: (f',) the same.
        known: (f, f') log-likelihoods from known pairs alone; zero without any.
        measured: (f, f) and
        expected: (f', f') agreements without their mean.
        table: (f', f') what guessed pairs speak through.
    """

    def __init__(
        self, measured: Matrix, expected: Matrix, weight: float, known: Rows, *, precise: bool = False
    ) -> None:
        self.rows = np.setdiff1d(np.arange(len(measured)), known[:, 0])
        self.candidates = np.setdiff1d(np.arange(len(expected)), known[:, 1])
        self._weight = np.float32(weight)
        ours, theirs = centred(measured), centred(expected)
        landmarks = theirs[np.ix_(self.candidates, known[:, 1])]
        self.known = ours[np.ix_(self.rows, known[:, 0])] @ landmarks.T
        self.known -= 0.5 * np.square(landmarks).sum(axis=1)
        self.known *= self._weight
        free = np.ix_(self.candidates, self.candidates)
        self.measured, self.expected = ours[np.ix_(self.rows, self.rows)], theirs[free]
        self.table = centred(_inverted(expected))[free] if precise else self.expected
        self._squares = np.square(self.table)

    def logits(self, chances: Matrix) -> Matrix:
        """The log-likelihoods of all free pairs, (f, f'), given probabilities of them."""
        found: Matrix = self.measured @ (chances @ self.table)
        found -= 0.5 * (self._squares @ chances.sum(axis=0))
        found *= self._weight
        found += self.known
        return found

    def start(self) -> Matrix:
        """Probabilities from the known pairs alone."""
        return balance(self.known.copy())

    def onsager(self, before: Matrix, chances: Matrix) -> Matrix:
        """How much of the log-likelihoods is the echo of what rows said in the round before (Onsager's correction)."""
        spread = chances @ self.table
        echo = (self.table * chances.sum(axis=0)) @ self.table - spread.T @ spread
        found: Matrix = before @ echo
        found *= self._weight
        return found
