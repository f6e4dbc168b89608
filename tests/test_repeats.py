"""Which runs count, and the ratios, exponents and tables made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.repeats import Run, exponent, kept, ratio_of, table


def run(turn, wall, *, cpu=None, pairs=1_000_000_000, taken=0.0, threads=1):
    return Run(
        turn=turn, pairs=pairs, found=0, wall=wall, cpu=wall if cpu is None else cpu, threads=threads, taken=taken
    )


def test_rates():
    """Thousand million pairs, by the clock and by processor second."""
    one = run(0, 2.0, cpu=4.0)
    assert (0.5, 0.25) == (one.rate, one.core_rate)


@pytest.mark.parametrize(
    ("taken", "threads", "expected"), [(0.0, 1, False), (0.07, 1, False), (0.2, 1, True), (0.12, 2, False)]
)
def test_disturbed(taken, threads, expected):
    """Others may take a twentieth of what a run needs, and three hundredths of a second that the system cannot tell."""
    assert expected == run(0, 1.0, taken=taken, threads=threads).disturbed


def test_disturbed_runs_are_dropped_unless_all_are():
    """One calm run is enough to drop the others."""
    calm, loud = run(0, 1.0), run(1, 9.0, taken=5.0)
    assert [calm] == kept([calm, loud])
    assert [loud] == kept([loud])


def test_ratio_is_of_the_same_turn():
    """Medians of ratios, not ratio of medians; a turn where either was disturbed does not count."""
    ours = [run(0, 1.0), run(1, 2.0), run(2, 1.0), run(3, 1.0)]
    theirs = [run(0, 4.0), run(1, 6.0), run(2, 7.0, taken=3.0), run(3, 5.0, cpu=10.0)]
    found = ratio_of(ours, theirs)
    assert (4.0, 3.0, 5.0, 3) == (found.median, found.least, found.most, found.turns)
    assert 4.0 == found.core
    assert "4 (3-5)" == str(found)


def test_ratio_of_disturbed_turns_only():
    """All turns count when none is calm."""
    found = ratio_of([run(0, 1.0, taken=1.0)], [run(0, 2.0)])
    assert (2.0, 1) == (found.median, found.turns)


def test_ratio_with_slices_is_of_rates():
    """A peer that compares a tenth of the pairs in the same time is ten times slower."""
    assert 10.0 == pytest.approx(ratio_of([run(0, 1.0)], [run(0, 1.0, pairs=100_000_000)]).median)


def test_no_common_turn():
    """Nothing to divide is refused."""
    with pytest.raises(ValueError, match="no turn"):
        ratio_of([run(0, 1.0)], [run(1, 1.0)])


@given(st.floats(-1, 3), st.floats(0.001, 1000))
def test_exponent_of_a_power(power, factor):
    """The exponent of an exact power is found."""
    sizes = [10_000, 30_000, 100_000, 1_000_000]
    assert power == pytest.approx(exponent(sizes, [factor * size**power for size in sizes]), abs=1e-6)


def test_exponent_needs_two_sizes():
    """One size has no growth."""
    with pytest.raises(ValueError, match="two sizes"):
        exponent([10, 10], [1.0, 2.0])


def test_table():
    """First and last columns to the left, the others to the right."""
    expected = "tool     rate  note\nours       12  fast\nanother     1"
    assert expected == table(["tool", "rate", "note"], [["ours", "12", "fast"], ["another", "1", ""]])
