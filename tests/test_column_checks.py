"""Columns beside what their kind expects: moved ones are refused by name, odd ones are said with their count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attribute import Attribute, parse_attribute
from linkage.column_checks import EXCEL_RULE, Oddities, is_serial_date, refuse_moved
from linkage.errors import Finding, LinkageError
from tests.invented import cells_of_kind

SECRET = "QUIDAMSECRET"
NAMES = ["Martin", "de La Tour", "O'Brien", "Éloïse", "Nguyễn"]
DATES = ["1980-02-29", "29/02/1980", "19800229", "00000000", "35000"]
COLUMNS = {
    "noms": NAMES,
    "dates": DATES,
    "sexes": ["M", "F", "1", "Féminin", ""],
    "communes": ["8480", "2A004", "75056"],
}


def attribute(kind: str, **keys: Any) -> Attribute:
    """An attribute of a kind."""
    return parse_attribute("colonne", {"kind": kind, "bits": 1, **keys})


def column(cells: list[str], rows: int = 60) -> list[str]:
    """These cells again and again."""
    return (cells * rows)[:rows]


def oddities(one: Attribute, cells: list[str], first: int, *, pieces: int = 1) -> list[Finding]:
    """What is found in rows that begin at a line and come in some pieces, all forgotten between two of them."""
    found, size = Oddities(one), -(-len(cells) // pieces)
    for start in range(0, len(cells), size):
        some = cells[start : start + size]
        distinct = list(dict.fromkeys(some))
        found.forget()
        found.learn(distinct[:1])
        found.learn(distinct[1:])
        numbers = np.array([distinct.index(cell) for cell in some], dtype=np.int32)
        found.add(numbers, np.arange(first + start, first + start + len(some)))
    return found.findings()


@pytest.mark.parametrize(
    ("kind", "right"),
    [("name", "noms"), ("given_names", "noms"), ("date", "dates"), ("sex", "sexes"), ("cog", "communes")],
)
def test_a_column_of_another_kind_is_refused(kind, right):
    """Each kind takes its own cells; a column of names where dates should be is named, its cells are not."""
    refuse_moved("f.csv", attribute(kind), column(COLUMNS[right]))
    others = {"date": ["noms"], "cog": ["noms"], "sex": ["dates", "communes", "noms"]}.get(kind, ["dates", "communes"])
    for other in others:
        cells = [SECRET, *COLUMNS[other]] if other == "noms" else COLUMNS[other]
        with pytest.raises(LinkageError) as refusal:
            refuse_moved("f.csv", attribute(kind), column(cells))
        assert ("E_COLONNES_DECALEES", True) == (refusal.value.code, "« colonne »" in refusal.value.message)
        assert not any(cell in str(refusal.value) for cell in cells if len(cell) > 2)


def test_few_cells_or_few_strangers_say_nothing(tmp_path):
    """Nineteen cells, or one name in ten among the dates, or cells that the sheet calls gaps."""
    refuse_moved("f.csv", attribute("date"), column(NAMES, 19))
    refuse_moved("f.csv", attribute("date"), column(["A", *["1980-01-02"] * 9], 600))
    refuse_moved("f.csv", attribute("date", missing=["INCONNUE"]), column(["INCONNUE", "INCONNUE", "1980-01-02"], 600))


def test_communes_in_the_place_of_countries_are_refused():
    """Exchanged columns would leave everybody without a birthplace; Algeria's old codes, zeros and islands are no communes."""
    with pytest.raises(LinkageError) as refusal:
        refuse_moved("f.csv", attribute("country"), column(["01004", "2a004", "75112", "99352"]))
    assert "E_COLONNES_DECALEES" == refusal.value.code
    for cells in (["92352", "91352"], ["99100", "100", "FR", "00100"], ["98735"], ["01004", "99100", "99100"]):
        refuse_moved("f.csv", attribute("country"), column(cells))


def test_honest_oddities_are_no_other_column():
    """Sexes nobody knows, sexes of a dataframe, boys and girls; names of other alphabets, and a few with digits."""
    for cells in (["INCONNU"], ["1.0", "2.0", ""], ["Garçon", "Fille"], ["NON RENSEIGNE", "X"]):
        refuse_moved("f.csv", attribute("sex"), column(cells))
    refuse_moved("f.csv", attribute("date"), column(["INCONNUE", "1980-01-02", "non renseigné"]))
    for cells in (["محمد", "王", "Παπαδόπουλος"], [*NAMES, "4321"], ["L4CR01X", "M1CHEL"]):
        refuse_moved("f.csv", attribute("name"), column(cells))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_cells_of_each_kind_are_not_taken_for_another(data):
    """Names and dates as they are met, oddities included, stay in their columns."""
    for kind, strange in (("name", st.just("Durand")), ("date", st.just("01/02/1980"))):
        cells = data.draw(st.lists(cells_of_kind[kind], min_size=1, max_size=2)) + [data.draw(strange)] * 18
        refuse_moved("f.csv", attribute(kind), cells * 2)


def test_lost_zeros_are_counted():
    """Numbers shorter than the code, a float too; letters, zeros and full codes are right as they are."""
    cells = ["8480", "08480", "", "0", "8480.0", "2A04", " 1001 ", "75056.0"]
    for pieces in (1, 3):
        found = oddities(attribute("cog", pad=5), cells, 10, pieces=pieces)
        assert [("I_ZEROS_PERDUS", "colonne", 3, 10)] == [(o.code, o.column, o.count, o.first_row) for o in found]
    assert [] == oddities(attribute("cog"), cells, 10)


def test_dates_written_in_several_ways_are_said():
    """With how many of each; one way alone, gaps and times of day say nothing."""
    cells = ["1980-02-29", "1980-02-29 04:00:00", "29/02/1980", "", "1/2/1980", "inconnue"]
    for pieces in (1, 4):
        found = oddities(attribute("date"), cells, 2, pieces=pieces)
        assert [("I_FORMATS_DATES", 4, 2)] == [(one.code, one.count, one.first_row) for one in found]
        assert "AAAA-MM-JJ (2), JJ/MM/AAAA (2)" in found[0].rule
    assert [] == oddities(attribute("date"), cells[:2], 2)


def test_days_as_spreadsheets_number_them_are_said():
    """What to declare where the sheet does not admit them; that they are read where it does."""
    cells = ["1980-02-29", "29280", "29280.5"]
    for formats in (["AAAA-MM-JJ"], ["AAAA-MM-JJ", "EXCEL"]):
        found = oddities(attribute("date", format=formats), cells, 2)
        assert [("I_FORMATS_DATES", 3, 2), ("I_DATES_EXCEL", 2, 3)] == [(o.code, o.count, o.first_row) for o in found]
        assert (EXCEL_RULE == found[1].rule) == ("EXCEL" not in formats)
    assert [True, True, False, False] == [is_serial_date(cell) for cell in ("29280", " 29280,5 ", "2928", "1980-02-29")]
