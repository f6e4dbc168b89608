"""The kinds of instructions are told in order, whatever the processor."""

from __future__ import annotations

from linkage import block_sums


def test_plain_vectors_are_always_there_and_the_best_comes_last():
    """Every processor has words; kinds come in the order of their rates, each once."""
    kinds = block_sums.supported()
    assert block_sums.WORDS == kinds[0]
    assert sorted(set(kinds)) == list(kinds)


def test_a_block_is_two_tiles_wide():
    """Biases of a block's right rows fill two vectors."""
    assert 2 * block_sums.TILE == block_sums.BLOCK
