"""The processor's matrix registers are asked for once, and a refusal is an answer."""

from __future__ import annotations

from linkage import block_sums, sketch
from linkage.matrix_unit import granted


def test_the_answer_stays():
    """Asking again gives what the first call gave."""
    first = granted()
    assert isinstance(first, bool)
    assert first is granted()


def test_a_processor_without_vector_code_has_no_matrix_kernel():
    """Words are always there; matrices only beside bytes, and where they were granted."""
    kinds = sketch.kinds()
    assert block_sums.WORDS == kinds[0]
    assert (block_sums.MATRIX not in kinds) or (block_sums.BYTES in kinds and granted())
