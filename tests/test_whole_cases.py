"""Cases of several people: none is a hit unless all are."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linkage.formula import Hits
from service.administration.whole_cases import whole_cases

ROWS = st.lists(st.tuples(st.sampled_from(["", "T1", "T2", " T2", "T3"]), st.sampled_from("-ic")), max_size=12)


def as_hits(states: str) -> Hits:
    found = np.array(list(states), dtype=str)
    return Hits(certain=found == "c", information=found == "i")


def states(hits: Hits) -> str:
    return "".join("c" if c else "i" if i else "-" for c, i in zip(hits.certain, hits.information, strict=True))


def test_both_parents_or_neither():
    """A whole case stays, one that lacks somebody goes; a doubtful parent makes the case doubtful; a lone row is no case."""
    labels = ["T1", "T1", "T2", "T2", "T3", "T3", "T4", ""]
    assert "cc--ii--" == states(whole_cases(as_hits("ccc-cicc"), labels, 2))


@given(ROWS, st.integers(1, 3))
def test_every_row_of_a_case_decides(rows, members):
    """The same as case by case in plain Python."""
    cases = defaultdict(list)
    for label, state in rows:
        cases[label.strip()].append(state)
    expected = ""
    for label, state in rows:
        case = cases[label.strip()]
        whole = label.strip() and len(case) == members and "-" not in case
        expected += ("c" if set(case) == {"c"} else "i") if whole and state != "-" else "-"
    found = whole_cases(as_hits("".join(state for _, state in rows)), [label for label, _ in rows], members)
    assert expected == states(found)
