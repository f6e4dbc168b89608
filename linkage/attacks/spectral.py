"""A5 again, by eigenvectors: GRAMPA, a second opinion on seedless matching.

All pairs of eigenvectors of the two tables of agreements vote for pairs of records: X = Σ_kl (u_kᵀ 1)(1ᵀ v_l) · u_k v_lᵀ /
((λ_k − μ_l)² + η²), eigenvalues scaled alike. The votes are a start that the same rounds as in `seedless` refine. On their own
they find few people even in plain filters: a tool that attacked by eigenvectors only would call safe what is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.balance import balance
from linkage.attacks.outcome import Guesses
from linkage.attacks.propagation import Evidence
from linkage.attacks.scene import View
from linkage.attacks.seedless import annealed

__all__ = ["spectral", "votes"]

Matrix = NDArray[np.float32]

_WIDTH = 0.2  # η, of eigenvalues scaled to deviation 1
_GAIN = 2.0  # log-likelihood of a vote of one standard deviation


def spectral(view: View, rng: np.random.Generator) -> Guesses:
    """One guess for each row; known pairs, if there are any, are used.

    Args:
        view: of the block.
        rng: settles ties.
    """
    evidence = Evidence(view.measured, view.expected, view.weight, view.known)
    if min(evidence.known.shape) < 2:
        nothing = np.empty(0, dtype=np.int64)
        return Guesses(rows=nothing, candidates=nothing, confidence=np.empty(0))
    found = votes(evidence.measured, evidence.expected)
    found *= np.float32(_GAIN)
    found += rng.normal(0, 1e-3, found.shape).astype(np.float32)
    found += evidence.known
    return annealed(evidence, balance(found))[1]


def votes(measured: Matrix, expected: Matrix) -> Matrix:
    """(n, n') votes of all pairs of eigenvectors, scaled to deviation 1.

    Args:
        measured: (n, n) symmetric.
        expected: (n', n') symmetric.
    """
    values, vectors = np.linalg.eigh(measured)
    others, basis = np.linalg.eigh(expected)
    apart = (values / max(values.std(), 1e-9))[:, None] - (others / max(others.std(), 1e-9))[None, :]
    shared = vectors.sum(axis=0)[:, None] * basis.sum(axis=0)[None, :] / (apart**2 + _WIDTH**2)
    found: Matrix = (vectors @ shared.astype(np.float32) @ basis.T).astype(np.float32)
    found -= found.mean()
    found /= np.float32(max(float(found.std()), 1e-9))
    return found
