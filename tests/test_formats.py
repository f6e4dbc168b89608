"""Formats: the cells that clkhash accepts, and the words that it hashes for them."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.clkhash.clks import encode_rows
from linkage.clkhash.formats import DateFormat, IntegerFormat, TextFormat, is_date_format
from linkage.clkhash.linkage_schema import read_linkage_schema
from linkage.errors import RowsRefused
from tests.vectors import generate_clkhash as made

FROZEN = json.loads(made.FILE.read_text("utf-8"))
USUAL = ["%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%Y"]


@pytest.mark.parametrize("place", range(len(made.FORMATS)))
def test_cells_are_accepted_as_clkhash_accepts_them(place):
    """Each cell alone, under each format, frozen from clkhash; and all cells of a format at once name the same ones."""
    schema = read_linkage_schema(made._one(made.FORMATS[place]))
    verdicts = ""
    for cell in made.CELLS:
        try:
            encode_rows(schema, b"key", [[cell]])
            verdicts += "+"
        except RowsRefused:
            verdicts += "-"
    assert FROZEN["cells"][place] == verdicts
    with pytest.raises(RowsRefused) as caught:
        encode_rows(schema, b"key", [[cell] for cell in [*made.CELLS, *made.CELLS, "\ud800"]])
    wrong = [number for number, verdict in enumerate(verdicts * 2 + "-", start=1) if verdict == "-"]
    assert wrong == [one.row for one in caught.value.problems]


@given(st.sampled_from(USUAL), st.text("0123456789-/. ", max_size=10))
def test_usual_dates_read_at_once_are_those_of_strptime(form, cell):
    """The fast reading of a date either gives what `strptime` gives or leaves it to it."""
    words = DateFormat(format=form).plain_words([cell, "2020-01-01", cell])
    assert words[0] == words[2]
    if words[0]:
        assert words[0] == datetime.strptime(cell, form).strftime("%Y%m%d")  # noqa: DTZ007


@given(st.sampled_from(USUAL), st.dates())
def test_every_day_of_the_calendar_is_read_at_once(form, day):
    """From the year 1000 on; years before it have fewer figures in clkhash's words, and go the slow way."""
    written = form.replace("%Y", f"{day.year:04}").replace("%m", f"{day.month:02}").replace("%d", f"{day.day:02}")
    kind = DateFormat(format=form)
    assert kind.plain_words([written]) == [kind.word(written) if day.year >= 1000 else ""]


def test_integers_lose_what_means_nothing():
    """Signs, spaces and leading zeros."""
    assert ["13", "-4", "1000"] == [IntegerFormat().word(cell) for cell in (" +013 ", "-4", "1_000")]


@given(st.lists(st.text(max_size=4), max_size=5), st.sampled_from(["upper", "lower", "mixed"]))
def test_looking_at_all_cells_at_once_finds_what_looking_at_each_finds(cells, case):
    """One text of many cells is in a case if, and only if, each is."""
    kind = TextFormat(case=case, shortest=1, longest=3)
    assert all(kind.rule_broken(cell) is None for cell in cells) == kind.all_right(cells)


@pytest.mark.parametrize(("form", "known"), [("%Y", True), ("", True), ("day", True), ("%Q", False), ("%d%", False)])
def test_unknown_directives_are_known_before_any_row(form, known):
    """A format is judged without any date."""
    assert known == is_date_format(form)
