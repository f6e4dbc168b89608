"""Normalisation, rule by rule: each with what it must do and what it must not, and against the oracle."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.normalise import BadValue, fold, normaliser
from linkage.sheet import DATE_FORMATS, KINDS, Sheet
from tests import oracle
from tests.invented import cells_of_kind

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def read(kind: str, raw: str, **keys: Any) -> str | None:
    """The canonical value of a cell."""
    table = {"version": "linkage/v1", "attributes": {"a": {"kind": kind, "bits": 1, **keys}}}
    return normaliser(Sheet.from_table(table).attribute("a"))(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Cœur", "COEUR"), ("CŒUR", "COEUR"), ("Æ", "AE"), ("Ǽ", "AE"), ("ß", "SS"), ("Straße", "STRASSE"), ("Łódź", "LODZ"),
        ("Ðorđević", "DORDEVIC"), ("Þór", "THOR"), ("Ørsted", "ORSTED"), ("Éloïse", "ELOISE"), ("e\u0301", "E"),
        ("ﬁn", "FIN"), ("Iñès", "INES"), ("ısı", "ISI"), ("İzmir", "IZMIR"),
    ],
)  # fmt: skip
def test_rule_1_ligatures_are_opened_before_accents_go(raw, expected):
    """Cœur is COEUR, never CUR."""
    assert fold(raw) == expected


@pytest.mark.parametrize(
    "spelling", ["L'ABERGEMENT", "L’Abergement", "Lʼabergement", "l`abergement", "L ABERGEMENT", " l - abergement "]
)
def test_rule_2_apostrophes_and_hyphens_are_spaces(spelling):
    """Whatever the apostrophe, the surname is the same."""
    assert read("name", spelling) == "L ABERGEMENT"


def test_rule_2_hyphens_of_first_names_stay_and_spellings_still_meet():
    """A composed first name is one name; with a space it is two, and most bigrams are those of the joined form."""
    spellings = ["JEAN-PIERRE", "Jean‐Pierre", "jean–pierre", "JEAN\u2011PIERRE"]
    assert {read("given_names", spelling) for spelling in spellings} == {"JEAN-PIERRE"}
    assert read("given_names", "JEAN PIERRE") == "JEAN PIERRE"
    grams = [
        set().union(*oracle.tokens("given_names", one, set()).values())
        for one in ("JEAN-PIERRE", "JEAN PIERRE", "JEANPIERRE")
    ]
    assert grams[0] == grams[1]
    assert 2 * len(grams[0] & grams[2]) / (len(grams[0]) + len(grams[2])) > 0.8


@pytest.mark.parametrize("apostrophe", ["'", "’", "ʼ", "ʻ"])
def test_rule_2_a_first_name_with_an_apostrophe_is_one_word(apostrophe):
    """N'Golo is NGOLO, whoever typed it."""
    assert read("given_names", f"N{apostrophe}Golo") == "NGOLO"


@pytest.mark.parametrize("invisible", ["\u200b", "\ufeff", "\u200e", "\u2060"])
def test_invisible_signs_do_not_cut_a_name(invisible):
    """What nobody sees, copied from a web page, does not make two words."""
    assert read("name", f"DU{invisible}PONT") == "DUPONT"


@pytest.mark.parametrize("name", ["NA", "NULL", "NAN", "None", "Nil", "TRUE", "INF"])
def test_rule_3_no_word_is_a_gap(name):
    """NA and NULL are surnames."""
    assert read("name", name) == name.upper()
    assert read("given_names", name) == name.upper()


@pytest.mark.parametrize("kind", ["name", "given_names"])
@pytest.mark.parametrize(
    "cell", ["X", "xx", "SNP", "SP", "SPC", "SN", "SNC", "Inconnu", "SANS PRÉNOM", "sans-nom", "", " - ", "?"]
)
def test_rule_4_placeholders_are_gaps(kind, cell):
    """What is written when nobody knows the name is a missing value."""
    assert read(kind, cell) is None


@pytest.mark.parametrize("name", ["XU", "SPINOZA", "SNEL", "INCONNUS", "SANS", "MARTIN X"])
def test_rule_4_names_that_only_begin_alike_stay(name):
    """A placeholder is a whole cell."""
    assert read("name", name) == name


@pytest.mark.parametrize(
    "title", ["M ", "M. ", "M.", "Mr ", "MME ", "Mme. ", "Mlle ", "MONSIEUR ", "madame ", "Mademoiselle ", "Mme  M. "]
)
def test_rule_5_titles_are_taken_out(title):
    """MME DUPONT is DUPONT."""
    assert read("name", f"{title}Dupont") == "DUPONT"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("M'Baye", "M BAYE"), ("M’Bappé", "M BAPPE"), ("M-Dupont", "M DUPONT"), ("Mmadi", "MMADI"), ("MRABET", "MRABET"),
        ("MADAMET", "MADAMET"), ("ADAM MARTIN", "ADAM MARTIN"), ("DUPONT MME", "DUPONT MME"), ("M", "M"), ("MME", "MME"),
    ],
)  # fmt: skip
def test_rule_5_the_beginning_of_a_name_is_no_title(raw, expected):
    """M'Baye keeps his M; a title alone or at the end stays."""
    assert read("name", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ST EXUPERY", "SAINT EXUPERY"), ("St-Exupéry", "SAINT EXUPERY"), ("Ste Croix", "SAINTE CROIX"), ("LE ST", "LE SAINT"),
        ("STEPHAN", "STEPHAN"), ("EST", "EST"), ("DE LA TOUR", "DE LA TOUR"), ("D'Œuvre de La Tour", "D OEUVRE DE LA TOUR"),
    ],
)  # fmt: skip
def test_rule_8_st_is_saint_and_particles_stay(raw, expected):
    """ST as a word is SAINT; particles stay in the name (the block value looks past them)."""
    assert read("name", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("JEAN PHILIPPE ARNAUD", "JEAN PHILIPPE ARNAUD"), ("Jean, Marie;Anne", "JEAN MARIE ANNE"), ("Marie--Ève", "MARIE-EVE"),
        ("-Jean-", "JEAN"), ("J.-P.", "J-P"), ("Anne\tMarie", "ANNE MARIE"), (" , ", None), ("-", None),
    ],
)  # fmt: skip
def test_first_names_are_an_ordered_list(raw, expected):
    """Spaces and commas separate first names, hyphens join."""
    assert read("given_names", raw) == expected


@pytest.mark.parametrize("cell", ["1", "M", "m", "H", "M.", "Mr", "MONSIEUR", "Masculin", "homme", "male"])
def test_rule_12_spellings_of_a_man(cell):
    """All the ways of the State's own files."""
    assert read("sex", cell) == "M"


@pytest.mark.parametrize("cell", ["2", "F", "f", "Mme", "MLLE", "Madame", "Féminin", "FÉMININ", "femme", "Female"])
def test_rule_12_spellings_of_a_woman(cell):
    """All the ways of the State's own files."""
    assert read("sex", cell) == "F"


@pytest.mark.parametrize("cell", ["", " ", "0", "9", "inconnu", "U"])
def test_rule_12_an_unknown_sex_is_missing(cell):
    """Unknown is a gap, not a third value."""
    assert read("sex", cell) is None


@pytest.mark.parametrize("cell", ["3", "MF", "X", "1980", "Marie"])
def test_rule_12_anything_else_is_refused(cell):
    """A column of something else is noticed."""
    with pytest.raises(BadValue) as refusal:
        read("sex", cell)
    assert refusal.value.code == "E_SEXE"
    assert cell not in str(refusal.value).split()


@pytest.mark.parametrize(
    ("raw", "formats"),
    [
        ("29/11/1992", "JJ/MM/AAAA"), ("29/11/1992", ["AAAA-MM-JJ", "JJ/MM/AAAA"]), ("19921129", "AAAAMMJJ"),
        ("1992-11-29", "AAAA-MM-JJ"), ("1992-11-29 04:00:00", "AAAA-MM-JJ"), ("1992-11-29T04:00:00.000+01:00", "AAAA-MM-JJ"),
        ("1992-11-29T00:00Z", "AAAA-MM-JJ"), ("29/11/1992 4:00", "JJ/MM/AAAA"), ("29.11.1992", "JJ.MM.AAAA"),
        ("29-11-1992", "JJ-MM-AAAA"), ("29111992", "JJMMAAAA"), ("11/29/1992", "MM/JJ/AAAA"), (" 1992-11-29 ", "AAAA-MM-JJ"),
        ("33937", "EXCEL"), ("33937.166", "EXCEL"), ("33937", ["AAAAMMJJ", "EXCEL"]), ("19921129", ["EXCEL", "AAAAMMJJ"]),
    ],
)  # fmt: skip
def test_rule_13_formats_of_dates_and_no_time(raw, formats):
    """Each format reads the day; a time after it is dropped, with its zone, without moving the day."""
    assert read("date", raw, format=formats) == "19921129"


@pytest.mark.parametrize(
    ("serial", "expected"), [("1", "19000101"), ("59", "19000228"), ("61", "19000301"), ("29221", "19800101")]
)
def test_rule_13_serial_numbers_count_the_day_that_never_was(serial, expected):
    """Spreadsheets believe in 29 February 1900, number 60."""
    assert read("date", serial, format="EXCEL") == expected


@pytest.mark.parametrize("serial", ["60", "99999"])
def test_rule_13_impossible_serial_numbers_are_refused(serial):
    """The day that never was, and days after 2100."""
    with pytest.raises(BadValue) as refusal:
        read("date", serial, format="EXCEL")
    assert refusal.value.code == "E_DATE_IMPOSSIBLE"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1992-00-00", "19920000"),
        ("1992-07-00", "19920700"),
        ("0000-07-14", "00000714"),
        ("0000-02-29", "00000229"),
        ("0000-00-00", None),
    ],
)
def test_rule_14_partial_dates_are_zeros(raw, expected):
    """An unknown part is zero in the canonical form; all unknown is a gap."""
    assert read("date", raw) == expected


def test_rule_14_a_partial_date_shares_the_tokens_of_its_known_parts():
    """1992-00-00 meets 1992-01-01 on the year and its digits, and on nothing else."""
    partial, whole = (oracle.tokens("date", value, set()) for value in ("19920000", "19920101"))
    assert partial == {"year": {"year=1992"}, "digits": {"0:1", "1:9", "2:9", "3:2"}}
    assert partial["year"] == whole["year"]
    assert partial["digits"] < whole["digits"]


@pytest.mark.parametrize("cell", ["00000000", "0", "", " ", "//", "00/00/0000", "--"])
def test_rule_15_a_date_of_zeros_is_a_gap(cell):
    """Zeros alone say nothing."""
    assert read("date", cell, format=["AAAAMMJJ", "JJ/MM/AAAA"]) is None


@pytest.mark.parametrize(
    "cell",
    ["31/02/1980", "29/02/1981", "29/02/1900", "13/13/1980", "32/01/1980", "12/00/1980", "01/01/1849", "01/01/2101"],
)
def test_rule_15_impossible_dates_are_refused_not_repaired(cell):
    """No day is guessed, no inversion tried: links that count need true dates."""
    with pytest.raises(BadValue) as refusal:
        read("date", cell, format="JJ/MM/AAAA")
    assert refusal.value.code == "E_DATE_IMPOSSIBLE"
    assert cell not in str(refusal.value)


@pytest.mark.parametrize(
    "cell", ["1980", "29/02/80", "29 02 1980", "19 février 1980", "1980-2-9", "1980-02-29x", "x1980-02-29", "4:00"]
)
def test_other_dates_are_refused_with_the_formats_expected(cell):
    """The sentence says how the date must be written, not how it was."""
    with pytest.raises(BadValue) as refusal:
        read("date", cell)
    assert (refusal.value.code, "AAAA-MM-JJ" in refusal.value.rule) == ("E_DATE_ILLISIBLE", True)
    assert cell not in str(refusal.value)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("8480", "08480"), ("08480", "08480"), ("2a004", "2A004"), ("2B033", "2B033"), ("75056", "75056"), ("8480.0", "08480"),
        (" 8 480 ", "08480"), ("", None), ("0", None), ("00000", None), ("inconnu", None), ("SNC", None),
    ],
)  # fmt: skip
def test_rule_16_communes_have_five_signs(raw, expected):
    """Lost zeros come back, Corsica in capitals, zeros alone are a gap."""
    assert read("cog", raw, pad=5) == expected


def test_other_codes_are_padded_only_where_the_sheet_says():
    """A plain code keeps its length, its letters and its leading zeros."""
    assert [read("code", raw) for raw in ("007", "b 7", "12.0", "1.5", "000", "N/A")] == [
        "007",
        "B7",
        "12",
        "15",
        None,
        "NA",
    ]
    assert read("code", "7", pad=3) == "007"
    assert read("code", "12345", pad=3) == "12345"


@pytest.mark.parametrize("raw", ["99352", "99100", " 99 352"])
def test_rule_18_a_country_is_no_commune(raw):
    """Born abroad: the country only, the commune is dropped."""
    assert read("cog", raw, pad=5) is None


@pytest.mark.parametrize("raw", ["0", "00000", "100", "FR", "fra", "France", "99100", "100.0"])
def test_rule_18_ways_of_writing_france(raw):
    """All are 99100."""
    assert read("country", raw) == "99100"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("352", "99352"), ("99352", "99352"), ("", None), ("inconnu", None), ("DZ", "DZ"), ("1352", "1352")],
)
def test_rule_18_other_countries(raw, expected):
    """Three digits want their 99; what is not INSEE's code stays what it is."""
    assert read("country", raw) == expected


def test_categories_and_texts_are_folded():
    """Case, accents, signs and runs of them do not count."""
    for kind in ("category", "text"):
        assert read(kind, " 12_bis,  rue  de l'Œuvre ") == "12 BIS RUE DE L OEUVRE"
        assert read(kind, "a _ b") == "A B"
        assert read(kind, "--") is None


@settings(deadline=None)
@given(anything)
def test_folding_is_stable_and_of_one_form(raw):
    """Folding twice changes nothing; what comes out is capitals and digits with single spaces."""
    once = fold(raw)
    assert fold(once) == once
    assert once == once.upper() == " ".join(once.split())
    assert all(char == " " or char.isalnum() for char in once)
    assert not any(unicodedata.combining(char) for char in once)


@settings(deadline=None)
@given(anything)
def test_spellings_that_are_the_same_text_fold_alike(raw):
    """Composed or decomposed, as it came or in lower case first (where that loses nothing)."""
    assert fold(unicodedata.normalize("NFC", raw)) == fold(unicodedata.normalize("NFD", raw))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_canonical_values_are_those_of_the_oracle(kind, data):
    """Every kind, on ordinary and hostile cells, gives what the slow second normaliser gives."""
    raw = data.draw(cells_of_kind[kind])
    pad = 5 if kind == "cog" else 0
    assert read(kind, raw, pad=pad) == oracle.canonical({"kind": kind, "pad": pad}, raw)


def told(kind: str, raw: str) -> str:
    """The sentence of a refusal, or nothing."""
    try:
        value = read(kind, raw, **({"format": list(DATE_FORMATS)} if kind == "date" else {}))
    except BadValue as refusal:
        return f"{refusal.code} {refusal}"
    assert value is None or (value and value == value.strip())
    return ""


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(raw=anything)
def test_any_cell_is_a_value_a_gap_or_a_bad_value(kind, raw):
    """Nothing else can come out, and the sentence of a refusal is one of a few that do not depend on the cell."""
    assert told(kind, raw) in {"", told(kind, "zz"), told(kind, "31/02/1980")}


@settings(deadline=None)
@given(anything)
def test_a_canonical_name_is_its_own_canonical_form(raw):
    """Normalising twice changes nothing: a file already normalised by another tool meets one that is not."""
    once = read("given_names", raw)
    assert once is None or read("given_names", once) == once
