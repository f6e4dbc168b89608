"""Dates of birth, rule by rule: each with what it must do and what it must not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attribute import DATE_FORMATS
from linkage.cells import BadValue
from linkage.dates import WEAK, date_of, weaken_day

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
date_like = st.text("0123456789/-.: T?Z+,", max_size=22)
days = st.dates(date(1850, 1, 1), date(2100, 12, 31))
PATTERNS = {
    "AAAA-MM-JJ": "%Y-%m-%d", "AAAAMMJJ": "%Y%m%d", "JJ/MM/AAAA": "%d/%m/%Y", "JJ.MM.AAAA": "%d.%m.%Y", "JJ-MM-AAAA": "%d-%m-%Y",
    "JJMMAAAA": "%d%m%Y", "MM/JJ/AAAA": "%m/%d/%Y",
}  # fmt: skip


def refused(raw: str, *formats: str) -> str:
    """The code of a refusal; its sentence must not hold the cell."""
    with pytest.raises(BadValue) as refusal:
        date_of(raw, formats)
    assert raw not in str(refusal.value)
    return refusal.value.code


@pytest.mark.parametrize(
    ("raw", "formats"),
    [
        ("29/11/1992", "JJ/MM/AAAA"), ("29/11/1992", "AAAA-MM-JJ JJ/MM/AAAA"), ("19921129", "AAAAMMJJ"),
        ("1992-11-29", "AAAA-MM-JJ"), ("29.11.1992", "JJ.MM.AAAA"), ("29-11-1992", "JJ-MM-AAAA"), ("29111992", "JJMMAAAA"),
        ("11/29/1992", "MM/JJ/AAAA"), (" 1992-11-29 ", "AAAA-MM-JJ"), ("33937", "EXCEL"), ("33937", "AAAAMMJJ EXCEL"),
        ("19921129", "EXCEL AAAAMMJJ"),
    ],
)  # fmt: skip
def test_rule_13_formats_of_dates(raw, formats):
    """Each format reads the day."""
    assert date_of(raw, tuple(formats.split())) == "19921129"


@pytest.mark.parametrize(
    ("raw", "formats"),
    [
        ("1992-11-29 04:00:00", "AAAA-MM-JJ"), ("1992-11-29T04:00:00.000+01:00", "AAAA-MM-JJ"),
        ("1992-11-29T00:00Z", "AAAA-MM-JJ"), ("29/11/1992 4:00", "JJ/MM/AAAA"), ("1992-11-29 23:59:59", "AAAA-MM-JJ"),
        ("11/29/1992 12:00:00 AM", "MM/JJ/AAAA"),
        ("1992-11-29 22:00:00+00:00", "AAAA-MM-JJ"), ("33937.166", "EXCEL"), ("33937,99", "EXCEL"),
        ("1992-11-29 04:00:00,0", "AAAA-MM-JJ"),
    ],
)  # fmt: skip
def test_rule_13_time_parts_are_dropped_and_never_move_the_day(raw, formats):
    """Four in the morning or ten at night, with a zone or without: the day is the one that is written."""
    assert date_of(raw, (formats,)) == "19921129"


@pytest.mark.parametrize(
    ("serial", "expected"), [("2", "19000102"), ("59", "19000228"), ("61", "19000301"), ("29222", "19800102")]
)
def test_rule_13_serial_numbers_count_the_day_that_never_was(serial, expected):
    """Spreadsheets believe in 29 February 1900, number 60."""
    assert date_of(serial, ("EXCEL",)) == expected


@pytest.mark.parametrize("year", ["1850", "1992", "2100", "1992.0"])
def test_rule_13_a_year_alone_is_no_serial_number(year):
    """1992 among days of a spreadsheet is somebody whose day is unknown, not 14 June 1905."""
    assert refused(year, "EXCEL") == "E_DATE_ILLISIBLE"
    assert [date_of(serial, ("EXCEL",)) for serial in ("1849", "2101")] == ["19050122", "19051001"]


@pytest.mark.parametrize("serial", ["60", "99999"])
def test_rule_13_impossible_serial_numbers_are_refused(serial):
    """The day that never was, and days after 2100."""
    assert refused(serial, "EXCEL") == "E_DATE_IMPOSSIBLE"


@pytest.mark.parametrize("cell", ["INCONNUE", "non renseigné", "xx", "X"])
def test_rule_4_placeholders_are_gaps(cell):
    """What is written when nobody knows the date is a missing value, in whatever format the others are."""
    assert date_of(cell, ("JJ/MM/AAAA", "EXCEL")) is None


@pytest.mark.parametrize(
    "cell",
    [
        "1980",
        "29/02/80",
        "29 02 1980",
        "19 février 1980",
        "1980-2-9",
        "1980-02-29x",
        "x1980-02-29",
        "4:00",
        "33937",
        "1980-02",
    ],
)
def test_rule_13_other_spellings_are_refused_with_the_formats_expected(cell):
    """The sentence says how the date must be written, not how it was; a serial number only counts where the sheet says so."""
    assert refused(cell, "AAAA-MM-JJ") == "E_DATE_ILLISIBLE"
    with pytest.raises(BadValue, match="AAAA-MM-JJ"):
        date_of(cell, ("AAAA-MM-JJ",))


@pytest.mark.parametrize(
    "digits", ["\u0661\u0669\u0668\u0660-\u0660\u0662-\u0662\u0669", "１９８０-０２-２９", "²²²²-²²-²²"]
)
def test_rule_13_only_plain_figures_make_a_date(digits):
    """Figures of other scripts are refused, not read and not a crash."""
    assert refused(digits, *DATE_FORMATS) == "E_DATE_ILLISIBLE"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1992-00-00", "19920000"), ("1992-07-00", "19920700"), ("0000-07-14", "00000714"), ("0000-02-29", "00000229"),
        ("0000-00-00", None), ("0000-07-00", "00000700"),
    ],
)  # fmt: skip
def test_rule_14_partial_dates_are_zeros(raw, expected):
    """An unknown part is zero in the canonical form; all unknown is a gap."""
    assert date_of(raw, ("AAAA-MM-JJ",)) == expected


@pytest.mark.parametrize("cell", ["1992-00-14", "0000-00-14"])
def test_rule_14_a_day_without_its_month_is_refused(cell):
    """AAAA-00-JJ is no date of the State's either."""
    assert refused(cell, "AAAA-MM-JJ") == "E_DATE_IMPOSSIBLE"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1992-01-01", "19920101?"), ("0000-01-01", "00000101?"), ("1992-01-02", "19920102"), ("1992-05-01", "19920501"),
        ("1992-10-10", "19921010"), ("1992-01-00", "19920100"), ("1992-11-01", "19921101"),
    ],
)  # fmt: skip
def test_rule_14_every_1_january_is_weak(raw, expected):
    """Files write 1 January when they know the year: AAAA-01-01 is marked, AAAA-00-00 is not there at all."""
    assert date_of(raw, ("AAAA-MM-JJ",)) == expected


def test_rule_14_the_mark_does_not_depend_on_the_format():
    """Every spelling of a 1 January is marked, and the mark is read again."""
    spellings = {name: date(1992, 1, 1).strftime(pattern) for name, pattern in PATTERNS.items()}
    assert {date_of(text, (name,)) for name, text in spellings.items()} == {"19920101?"}
    assert date_of("33604", ("EXCEL",)) == "19920101?"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("19920501", "19920501?"), ("19920101?", "19920101?"), ("19920501?", "19920501?"), ("19920502", "19920502"),
        ("19920500", "19920500"), ("19920000", "19920000"), ("00000501", "00000501?"), ("19921011", "19921011"),
    ],
)  # fmt: skip
def test_rule_14_abroad_every_first_of_the_month_is_weak(value, expected):
    """The day alone is weak; other days and partial dates stay; weakening twice changes nothing."""
    assert weaken_day(value) == expected
    assert weaken_day(expected) == expected


@pytest.mark.parametrize("cell", ["00000000", "0", "", " ", "//", "00/00/0000", "--", "0000-00-00 04:00:00"])
def test_rule_15_a_date_of_zeros_is_a_gap(cell):
    """Zeros alone say nothing."""
    assert date_of(cell, ("AAAAMMJJ", "JJ/MM/AAAA")) is None


@pytest.mark.parametrize(
    "cell",
    ["31/02/1980", "29/02/1981", "29/02/1900", "13/13/1980", "32/01/1980", "12/00/1980", "01/01/1849", "01/01/2101"],
)
def test_rule_15_impossible_dates_are_refused_not_repaired(cell):
    """No day is guessed: links that count need true dates."""
    assert refused(cell, "JJ/MM/AAAA") == "E_DATE_IMPOSSIBLE"


@pytest.mark.parametrize("cell", ["11/29/1992", "02/13/1980", "12/31/1975", "01/20/1990"])
def test_rule_15_no_inversion_of_day_and_month_is_tried(cell):
    """An American date in a French column is refused, even where its day looks like a coded month."""
    assert refused(cell, "JJ/MM/AAAA") == "E_DATE_IMPOSSIBLE"


@pytest.mark.parametrize("month", [20, 29, 30, 42, 50, 77, 99])
def test_rule_22_coded_months_are_unknown_months(month):
    """The national number's codes for a month that nobody knows: the year alone is known, and no day without its month."""
    assert date_of(f"1992-{month}-00", ("AAAA-MM-JJ",)) == "19920000"
    assert date_of(f"1992{month}05", ("AAAAMMJJ",)) == "19920000"
    assert date_of(f"00/{month}/1992", ("JJ/MM/AAAA",)) == "19920000"


@pytest.mark.parametrize("month", [13, 19, 43, 49])
def test_rule_22_other_months_are_impossible(month):
    """What the national number does not use is a fault of the file."""
    assert refused(f"1992-{month}-00", "AAAA-MM-JJ") == "E_DATE_IMPOSSIBLE"


def test_rule_22_a_coded_month_beside_a_day_must_not_look_like_a_day():
    """Day first: 05/29/1992 may be an American 29 May, 05/32/1992 cannot; a day past 31 is impossible beside any month."""
    assert refused("05/29/1992", "JJ/MM/AAAA") == "E_DATE_IMPOSSIBLE"
    assert date_of("05/32/1992", ("JJ/MM/AAAA",)) == "19920000"
    assert refused("1992-50-32", "AAAA-MM-JJ") == "E_DATE_IMPOSSIBLE"
    assert refused("0000-50-00", "AAAA-MM-JJ") == "E_DATE_IMPOSSIBLE"


@settings(deadline=None)
@given(days, st.sampled_from(sorted(PATTERNS)))
def test_every_day_reads_alike_in_every_format(day, name):
    """What the calendar library writes is what we read, with the mark on 1 January."""
    expected = f"{day:%Y%m%d}".zfill(8) + (WEAK if (day.month, day.day) == (1, 1) else "")
    assert date_of(day.strftime(PATTERNS[name]).replace("%Y", f"{day.year:04}"), (name,)) == expected


@settings(deadline=None)
@given(st.integers(61, 73050).filter(lambda serial: not 1850 <= serial <= 2100))
def test_every_serial_number_is_a_day_after_the_one_before(serial):
    """Against the calendar: number 61 is 1 March 1900."""
    day = date(1900, 3, 1) + timedelta(days=serial - 61)
    assert (date_of(str(serial), ("EXCEL",)) or "").removesuffix(WEAK) == f"{day:%Y%m%d}"


@pytest.mark.parametrize("cells", [anything, date_like])
def test_any_cell_is_a_date_a_gap_or_a_bad_value(cells):
    """Nothing else comes out; the sentence is one of three; a canonical date is its own canonical form in AAAAMMJJ."""
    sentences = {None, "cette date n'existe pas au calendrier", f"la date doit s'écrire {' ou '.join(DATE_FORMATS)}"}
    sentences.add("une année seule n'est pas une date : complétez-la par des zéros (AAAA-00-00)")

    @settings(deadline=None, max_examples=400)
    @given(cells)
    def canonical(raw):
        value, sentence = None, None
        try:
            value = date_of(raw, DATE_FORMATS)
        except BadValue as fault:
            sentence = fault.rule
        assert sentence in sentences
        if value is not None:
            assert len(value.removesuffix(WEAK)) == 8
            assert date_of(value, ("AAAAMMJJ",)) == value
            assert date_of(weaken_day(value), ("AAAAMMJJ",)) == weaken_day(value)

    canonical()
