"""A sample is spread over all that went by."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.lexicon import laid_out
from linkage.sample import Sample

MOST = 2000


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["", "x", " "]), max_size=9000), max_size=4))
def test_the_sample_is_spread_whatever_the_blocks(blocks):
    """Every 1st, 2nd, 4th… of the cells that are not empty, the first stride that keeps to the limit."""
    sample = Sample(MOST)
    numbered = [[cell and f"{cell}{place}" for place, cell in enumerate(block)] for block in blocks]
    for block in numbered:
        sample.add(laid_out(block))
    held = [cell for block in numbered for cell in block if cell]
    stride = 1
    while len(held[::stride]) > MOST:
        stride *= 2
    assert held[::stride] == sample.cells
