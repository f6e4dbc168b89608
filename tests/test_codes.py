"""Sexes, communes, countries, other codes and numbers, rule by rule: each with what it must do and what it must not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.cells import BadValue
from linkage.codes import code_of, commune_of, country_of, number_of, sex_of

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
code_like = st.text("0123456789AB. -'’,+", max_size=10)


@pytest.mark.parametrize(
    "cell", ["1", "1.0", "M", "m", "H", "M.", "Mr", "Garçon", "MONSIEUR", "Masculin", "homme", "male"]
)
def test_rule_12_spellings_of_a_man(cell):
    """All the ways of the State's own files."""
    assert sex_of(cell) == "M"


@pytest.mark.parametrize(
    "cell", ["2", "2.0", "F", "f", "Mme", "MLLE", "fille", "Madame", "Féminin", "FÉMININ", "femme", "Female"]
)
def test_rule_12_spellings_of_a_woman(cell):
    """All the ways of the State's own files."""
    assert sex_of(cell) == "F"


@pytest.mark.parametrize("cell", ["", " ", "0", "9", "inconnu", "U", "Non renseigné", "X", "0.0"])
def test_rule_12_an_unknown_sex_is_missing(cell):
    """Unknown is a gap, not a third value."""
    assert sex_of(cell) is None


@pytest.mark.parametrize("cell", ["3", "MF", "Y", "1980", "Marie", "1.5"])
def test_rule_12_anything_else_is_refused(cell):
    """A column of something else is noticed."""
    with pytest.raises(BadValue) as refusal:
        sex_of(cell)
    assert refusal.value.code == "E_SEXE"
    assert cell not in str(refusal.value).split()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("8480", "08480"), ("08480", "08480"), ("2a004", "2A004"), ("2B033", "2B033"), ("75056", "75056"), ("8480.0", "08480"),
        (" 8 480 ", "08480"), ("", None), ("0", None), ("00000", None), ("inconnu", None), ("SNC", None),
        ("S.N.C.", None), ("xxxxxx\ufffd\x08xxxxxxxxxxx", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("pad", [0, 5])
def test_rule_16_communes_have_five_signs(raw, expected, pad):
    """Lost zeros come back whatever the sheet says, Corsica in capitals, zeros alone are a gap."""
    assert commune_of(raw, pad) == expected


@pytest.mark.parametrize("raw", ["75", "A004", "123", "750560"])
def test_rule_16_nothing_else_is_made_a_commune(raw):
    """A département, or a code of another length, stays what it is: `is_known` tells."""
    assert commune_of(raw, 0) == raw


def test_rule_16_the_epoch_of_a_code_is_kept():
    """Normalisation does not rewrite history: features do, on both sides alike."""
    assert [commune_of(code, 5) for code in ("75036", "92036", "20004")] == ["75036", "92036", "20004"]


def test_other_codes_are_padded_only_where_the_sheet_says():
    """A plain code keeps its length, its letters and its leading zeros."""
    raws = ("007", "b 7", "12.0", "1.5", "000", "N/A")
    assert [code_of(raw, 0) for raw in raws] == ["007", "B7", "12", "15", None, "NA"]
    assert code_of("7", 3) == "007"
    assert code_of("12345", 3) == "12345"


@pytest.mark.parametrize("raw", ["99352", "99100", " 99 352"])
def test_rule_18_a_country_is_no_commune(raw):
    """Born abroad: the country only, the commune is dropped."""
    assert commune_of(raw, 5) is None


@pytest.mark.parametrize("raw", ["98735", "97411", "91352"])
def test_rule_18_overseas_is_not_abroad(raw):
    """Overseas communes stay, and so does what Algeria's départements numbered."""
    assert commune_of(raw, 5) == raw


@pytest.mark.parametrize("raw", ["0", "00000", "100", "FR", "fra", "France", "99100", "100.0"])
def test_rule_18_ways_of_writing_france(raw):
    """All are 99100."""
    assert country_of(raw) == "99100"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("352", "99352"), ("99352", "99352"), ("91352", "99352"), ("94352", "99352"), ("", None), ("inconnu", None),
        ("XXX", None), ("X.X", None), ("S.N.P.", None), ("S.N.", "99341"),
    ],
)  # fmt: skip
def test_rule_18_three_digits_want_their_99(raw, expected):
    """As the State's files shorten it; Algeria before 1962 is Algeria."""
    assert country_of(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("DZ", "99352"), ("dza", "99352"), ("Algérie", "99352"), ("SN", "99341"), ("NA", "99311"), ("Royaume du Maroc", "99350"),
        ("Côte d'Ivoire", "99326"), ("République de Corée", "99239"), ("COG", "99324"), ("Saint-Siège", "99129"),
    ],
)  # fmt: skip
def test_rule_18_iso_codes_and_names_of_countries(raw, expected):
    """CNOUS writes ISO codes; SN is Senegal here and NA Namibia, not gaps."""
    assert country_of(raw) == expected


@pytest.mark.parametrize("raw", ["1352", "95352", "ZZ", "99", "ATLANTIDE", "COREE"])
def test_rule_18_what_is_no_known_country_stays_what_it_is(raw):
    """Two files that write the same unknown word still agree."""
    assert country_of(raw) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("12", "12"), ("007", "7"), ("0", "0"), ("-0", "0"), ("000", "0"), ("+5", "5"), ("-3", "-3"), ("−3", "-3"),
        ("12.0", "12"), ("12,00", "12"), ("12.", "12"), ("1 234", "1234"),
        ("1\u00a0234\u202f567", "1234567"), ("1'234", "1234"), (" 7 ", "7"),
        ("", None), (" ", None), ("inconnu", None), ("999999999999999", "999999999999999"),
    ],
)  # fmt: skip
def test_numbers_are_whole_and_in_figures(raw, expected):
    """Zeros before and after go, spaces between thousands too; zero is a number, an empty cell is none."""
    assert number_of(raw) == expected


@pytest.mark.parametrize(
    "raw", ["12,5", "1.234,00", "1 23", "12 34", "12 €", "douze", "1e5", "--3", "1000000000000000", "٣", "²"]
)
def test_other_numbers_are_refused(raw):
    """No rounding is guessed, no unit dropped."""
    with pytest.raises(BadValue) as refusal:
        number_of(raw)
    assert refusal.value.code == "E_NOMBRE"
    assert raw not in str(refusal.value)


READERS = {
    "sex": sex_of,
    "code": lambda raw: code_of(raw, 0),
    "padded code": lambda raw: code_of(raw, 7),
    "commune": lambda raw: commune_of(raw, 0),
    "country": country_of,
    "number": number_of,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("cells", [anything, code_like])
def test_any_cell_is_a_code_a_gap_or_a_bad_value(name, cells):
    """Nothing else comes out, and a canonical value is its own canonical form."""

    @settings(deadline=None, max_examples=200)
    @given(cells)
    def canonical(raw):
        try:
            value = READERS[name](raw)
        except BadValue:
            return
        assert value is None or (value and READERS[name](value) == value)

    canonical()
