"""Folding (rules 1 and 2), words that mean nothing (rules 3 and 4)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.cells import BadValue, fold, fold_character, is_placeholder
from tests import oracle

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


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


@pytest.mark.parametrize("raw", ["Cœur", "Æ", "ß", "Łódź", "Ørsted", "Þór"])
def test_rule_1_dropping_what_is_not_ascii_is_not_folding(raw):
    """What decomposition and dropping would give is another name."""
    dropped = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode().upper()
    assert fold(raw) != dropped


@pytest.mark.parametrize("invisible", ["\u200b", "\ufeff", "\u200e", "\u2060", "\u00ad"])
def test_invisible_signs_do_not_cut_a_word(invisible):
    """What nobody sees, copied from a web page, does not make two words."""
    assert fold(f"DU{invisible}PONT") == "DUPONT"


@pytest.mark.parametrize("letters", ["DUPONT", "dupont", "12 BIS", "ΑΒΓ", "Дмитрий", "中文", "_", "٣"])
def test_other_alphabets_are_kept(letters):
    """A name in another alphabet is still a name."""
    assert fold(letters) == oracle.bare(letters)


@pytest.mark.parametrize(
    "name", ["NA", "NULL", "NAN", "NONE", "NIL", "TRUE", "INF", "N A", "XU", "SANS", "SPINOZA", ""]
)
def test_rule_3_no_ordinary_word_is_a_placeholder(name):
    """NA and NULL are surnames."""
    assert not is_placeholder(name)


@pytest.mark.parametrize("name", ["X", "XX", "XXXXXXXX", "SNP", "SANS PRENOM", "INCONNU", "NON RENSEIGNE"])
def test_rule_4_placeholders_are_whole_cells(name):
    """What is written when nobody knows."""
    assert is_placeholder(name)
    assert not is_placeholder(f"{name} MARTIN")


def test_a_bad_value_holds_its_rule_and_nothing_else():
    """A code and a sentence."""
    fault = BadValue("E_ESSAI", "une règle")
    assert (fault.code, fault.rule, str(fault)) == ("E_ESSAI", "une règle", "une règle")


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
def test_folding_is_that_of_the_oracle(raw):
    """The table and the slow second reading agree on every text."""
    assert fold(raw) == oracle.bare(raw)


@settings(deadline=None)
@given(anything)
def test_spellings_that_are_the_same_text_fold_alike(raw):
    """Composed or decomposed."""
    assert fold(unicodedata.normalize("NFC", raw)) == fold(unicodedata.normalize("NFD", raw))


@settings(deadline=None)
@given(st.characters(exclude_categories=["Cs"]))
def test_one_character_folds_alone_as_in_a_text(character):
    """The table goes character by character: that is what makes it right."""
    assert " ".join(fold_character(character).split()) == fold(character)
