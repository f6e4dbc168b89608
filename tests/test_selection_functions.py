"""Each function of the selection language, on cells; results written as cells."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from linkage.columns import RawColumn
from linkage.selection import parse_computation
from linkage.selection_functions import FUNCTIONS, shown
from linkage.selection_values import Cells, Quantity, Sight, Truth

TODAY = date(2026, 10, 20)
CASES = {
    "age(a)": (["2000-10-20", "2000-10-21", "2000-00-00", ""], ["26", "25", "", ""]),
    "age(a, 2020-01-01)": (["2000-01-01", "2000-01-02", "2000-12-00"], ["20", "19", "19"]),
    "age_mois(a)": (["2026-08-20", "2026-08-21", "2026-10-20"], ["2", "1", "0"]),
    "annee(a)": (["31/12/1999", "1999-00-00"], ["1999", "1999"]),
    "mois(a)": (["31/12/1999", "1999-05-00", "1999-00-00"], ["12", "5", ""]),
    "mois_de(a)": (["31/12/1999", "1999-05-00", "1999-00-00"], ["1999-12", "1999-05", ""]),
    "jours_depuis(a)": (["2026-10-01", "2026-10-21"], ["19", "-1"]),
    "jours_avant(a)": (["2026-10-01", "2026-10-21"], ["-19", "1"]),
    "oui(a)": (["oui", "", "non"], ["oui", "non", "non"]),
    "vide(a)": (["x", " "], ["non", "oui"]),
    "rempli(a)": (["x", " "], ["oui", "non"]),
    "nombre(a)": (["1 234,5", "x"], ["1234.5", ""]),
    "date(a)": (["17/05/1990", "1990-05-00"], ["1990-05-17", ""]),
    "texte(a)": ([" Zoé ", ""], ["Zoé", ""]),
    "commence_par(a, 'É')": (["école", "lycée", ""], ["oui", "non", ""]),
    "contient(a, 'cee')": (["école", "lycée", ""], ["non", "oui", ""]),
    "departement(a)": (["1053", "2a004", "97411", "1", "75101"], ["01", "2A", "974", "", "75"]),
    "min(a, 3)": (["1", "5"], ["1", "3"]),
    "max(a, 3)": (["1", "5"], ["3", "5"]),
    "arrondi(a)": (["1,5", "-1,5", "2.4"], ["2", "-1", "2"]),
    "joint(a, 'x', a)": (["1", ""], ["1 x 1", "x"]),
    "premier_rempli(a, 'z')": (["1", ""], ["1", "z"]),
}


@pytest.mark.parametrize(("text", "cells"), CASES.items())
def test_a_function_gives_what_its_page_says(text, cells):
    """On full, partial and empty cells."""
    given, expected = cells
    raw = RawColumn.of(given)
    tree = parse_computation(text).tree
    assert tree.run is not None
    sight = Sight({"a": Cells(values=raw.values, codes=raw.codes)}, TODAY, len(given))
    assert expected == shown(tree.kind, tree.run(sight)).tolist()


def test_every_function_is_tried_here():
    """None is left out of the cases."""
    assert {text.split("(")[0] for text in CASES} == set(FUNCTIONS)


def test_results_that_nobody_knows_are_empty_cells():
    """An interval, nothing at all, and neither true nor false."""
    low, high = np.array([1.0, np.nan, 0.1]), np.array([2.0, np.nan, 0.1])
    assert ["", "", "0.1"] == shown("number", Quantity(low=low, high=high)).tolist()
    truth = Truth(yes=np.array([True, False]), no=np.array([False, False]))
    assert ["oui", ""] == shown("truth", truth).tolist()


def test_the_number_of_arguments_is_bounded_where_it_is():
    """A function says which it takes; some take any number."""
    assert (("day",), ("day", "day"), None) == tuple(FUNCTIONS["age"].kinds(count) for count in (1, 2, 3))
    assert ("text",) * 4 == FUNCTIONS["joint"].kinds(4)
    assert None is FUNCTIONS["joint"].kinds(0)
