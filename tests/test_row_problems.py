"""Problems of rows and findings: many in little memory, told in the order of the file, counted by rule."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.errors import Finding, RowProblem, RowProblems, RowsRefused, TooManyBadRows

kinds = st.tuples(st.sampled_from(["E_A", "E_B"]), st.sampled_from(["nom", None]), st.sampled_from(["règle", "autre"]))
parts = st.lists(st.tuples(kinds, st.lists(st.integers(2, 30), max_size=6)), max_size=5)


@settings(deadline=None)
@given(parts, st.lists(st.integers(2, 30), max_size=5))
def test_problems_are_a_sequence_in_the_order_of_lines(given_parts, others):
    """As a sorted list of problems would be, whatever the parts they come in."""
    listed = [
        RowProblem(code=code, row=line, column=column, rule=rule)
        for (code, column, rule), lines in given_parts
        for line in lines
    ]
    listed.sort(key=lambda problem: problem.row)
    problems = RowProblems((*kind, np.array(lines, dtype=np.int64)) for kind, lines in given_parts)
    assert (listed, len(listed)) == (list(problems), len(problems))
    assert listed[1:3] == problems[1:3]
    assert sorted({one.row for one in listed}) == problems.lines.tolist()
    counts = Counter((one.code, one.column, one.rule) for one in listed)
    assert counts == problems.counts()
    assert counts == {kind: len(lines) for kind, lines in problems.by_kind()}
    assert [one for one in listed if one.row not in others] == problems.outside(np.array(others, dtype=np.int64))


def test_a_finding_says_where_and_how_many():
    """Column and first line where there are some."""
    whole = Finding(code="I_X", column=None, count=0, first_row=None, rule="fichier en UTF-8")
    some = Finding(code="I_X", column="cog", count=3, first_row=7, rule="zéros perdus")
    assert ["fichier en UTF-8", "colonne « cog » : zéros perdus (3, dès la ligne 7)"] == [str(whole), str(some)]


def test_refusals_of_rows_say_the_first_ones_or_the_counts():
    """The one lists lines, the other counts rules, most frequent first."""
    problems = RowProblems([("E_A", "nom", "règle", np.arange(2, 32)), ("E_B", None, "autre", np.array([5]))])
    error = RowsRefused(problems, "f.csv")
    assert ("E_A", True, True) == (error.code, "ligne 2" in error.message, "… et 11 autre(s)" in error.message)
    many = TooManyBadRows(problems, "f.csv", 40, 20)
    assert "f.csv : 30 lignes inutilisables sur 40 ; 20 pour mille" in many.message
    assert many.message.index("30 × E_A, colonne « nom » : règle") < many.message.index("1 × E_B : autre")
