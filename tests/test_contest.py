"""Players in processes of their own, and the comparison of their pairs."""

import numpy as np
import pytest

from benchmarks.contest import Contestant, Outcome, Player, Stopped, Task, compared, play
from benchmarks.match_data import on_disk


@pytest.fixture
def task(tmp_path):
    left, right = on_disk(tmp_path, "names", 300)
    return Task(
        left=left, right=right, rows=300, threshold=0.8, measure="dice", threads=1, peer_pairs=300_000, own_pairs=None
    )


def test_the_ceiling_takes_part(task):
    """What the processor could do is a rate of pairs of these rows, beyond what numpy does."""
    ceiling, numpy = Contestant(name="ceiling", tool="ceiling"), Contestant(name="numpy", tool="numpy")
    with Player(ceiling) as one, Player(numpy) as other:
        outcomes = play([one, other], task, 1)
    assert outcomes["ceiling"].runs[0].core_rate > 2 * outcomes["numpy"].runs[0].core_rate


def outcome(pairs, left_rows):
    return Outcome(runs=[], left_rows=left_rows, pairs=np.array(pairs, dtype=np.int64), peak=1, said="")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (outcome([1, 5, 12], 2), outcome([1, 5, 12], 2), (0, 0)),
        (outcome([1, 5, 12, 25], 3), outcome([1, 5, 12], 2), (0, 0)),
        (outcome([1, 5, 12], 2), outcome([1, 6], 2), (2, 1)),
        (outcome([], 1), outcome([3, 11], 2), (0, 1)),
    ],
)
def test_compared_on_the_rows_that_both_had(one, other, expected):
    """Pairs of left rows that only one was given do not count; here ten right rows."""
    assert expected == compared(one, other, 10)


def test_slices(task):
    """A peer gets a slice, a slow one a tenth of it, ours everything unless it is told how much."""
    assert (300, 100, 300) == tuple(task.left_rows(tool) for tool in ("anonlink", "numpy", "allervers"))
    small = Task(**{**vars(task), "peer_pairs": 3000, "own_pairs": 30_000})
    assert (10, 1, 100) == tuple(small.left_rows(tool) for tool in ("anonlink", "numpy", "allervers"))


def test_turns(task):
    """Ours and numpy take turns and find the same."""
    told: list[str] = []
    ours, numpy = Contestant(name="ours", tool="allervers"), Contestant(name="numpy", tool="numpy")
    with Player(ours) as one, Player(numpy) as other:
        outcomes = play([one, other], task, 2, told.append)
    assert [] == told
    assert ["ours", "numpy"] == list(outcomes)
    assert (0, 0) == compared(outcomes["ours"], outcomes["numpy"], 300)
    assert [0, 1] == [run.turn for run in outcomes["ours"].runs]
    assert [30_000, 30_000] == [run.pairs for run in outcomes["numpy"].runs]
    assert 100 < len(outcomes["ours"].pairs)
    assert 20 < outcomes["ours"].peak


def test_a_player_that_stops_is_left_out(task):
    """A tool that is not there says so and the others go on."""
    told: list[str] = []
    with Player(Contestant(name="faiss", tool="faiss")) as absent, Player(Contestant(name="us", tool="numpy")) as here:
        outcomes = play([absent, here], task, 1, told.append)
    assert ["us"] == list(outcomes)
    assert ["faiss: ModuleNotFoundError: No module named 'faiss'"] == told


def test_nothing_more_is_asked_of_who_has_stopped(task):
    """Each question to a dead process is refused."""
    with Player(Contestant(name="faiss", tool="faiss")) as absent:
        for _ in range(2):
            with pytest.raises(Stopped, match="faiss"):
                absent.ask(task, left_rows=1)
