"""One attribute of a sheet: its keys, those of its kind only, and what one side's file may say of it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from linkage.attribute import (
    COMPARISONS,
    DATE_FORMATS,
    KINDS,
    Attribute,
    check_side,
    parse_attribute,
    several_strings,
    whole_number,
)
from linkage.errors import SheetError

ONE_SIDE = {"columns", "formats", "optional", "invalid", "missing"}  # what describes a file, not the people
OF_KIND: dict[str, dict[str, Any]] = {
    "name": {"longest": 25, "compare": "exact"},
    "given_names": {"longest": 13, "most": 1, "compare": "bigrams"},
    "date": {"format": list(DATE_FORMATS), "country": "pays"},
    "code": {"pad": 5, "compare": "positional"},
    "cog": {"pad": 5},
    "text": {"class": "adresse", "longest": 38, "compare": "positional", "address": "street"},
    "number": {"step": 10, "reach": 2},
}


def refusal(entry: Any, name: str = "a") -> SheetError:
    """What the parser says of a wrong table."""
    with pytest.raises(SheetError) as caught:
        parse_attribute(name, entry)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_knows_its_own_keys_and_no_other(kind):
    """The keys of a kind are read; those of another kind are refused by their name."""
    entry = {"kind": kind, "bits": 3, **OF_KIND.get(kind, {})}
    assert parse_attribute("a", entry).kind == kind
    foreign = {key: value for keys in OF_KIND.values() for key, value in keys.items()}
    for key in foreign.keys() - OF_KIND.get(kind, {}).keys():
        wrong = refusal({"kind": kind, "bits": 3, key: foreign[key]})
        assert (wrong.code, key in str(wrong)) == ("E_FEUILLE", True)


def test_defaults():
    """Nothing is cut, compared otherwise or taken for missing unless the sheet says so."""
    found = parse_attribute("prenoms", {"kind": "given_names", "bits": 3})
    assert (found.compare, found.longest, found.most, found.missing) == ("", 0, 0, ())
    number = parse_attribute("age", {"kind": "number", "bits": 3})
    assert (number.step, number.reach) == (1, 1)


def test_what_both_parties_share_is_everything_but_the_file():
    """A key added to an attribute is in the digest unless it is known to describe one side's file."""
    shared = parse_attribute("a", {"kind": "text", "bits": 3, "address": "street"}).shared()
    spelled = {"second": "second_form_of", "class": "token_class"}
    assert {spelled.get(key, key) for key in shared} == {field.name for field in fields(Attribute)} - ONE_SIDE
    assert "address" not in parse_attribute("a", {"kind": "name", "bits": 3}).shared()  # older digests stay


@pytest.mark.parametrize(
    ("code", "entry"),
    [
        ("E_FEUILLE", "name"),
        ("E_FEUILLE", {"kind": "nom", "bits": 3}),
        ("E_FEUILLE", {"bits": 3}),
        ("E_FEUILLE", {"kind": "name"}),
        ("E_FEUILLE", {"kind": "name", "bits": 0}),
        ("E_FEUILLE", {"kind": "name", "bits": True}),
        ("E_FEUILLE", {"kind": "name", "bits": 3, "optional": 1}),
        ("E_FEUILLE", {"kind": "name", "bits": 3, "invalid": "drop"}),
        ("E_FEUILLE", {"kind": "name", "bits": 3, "column": []}),
        ("E_FEUILLE", {"kind": "date", "bits": 3, "column": ["y", "m"]}),
        ("E_FORMAT_DATE", {"kind": "date", "bits": 3, "format": "DD/MM/YYYY"}),
        ("E_FEUILLE", {"kind": "number", "bits": 3, "step": 0}),
        ("E_FEUILLE", {"kind": "number", "bits": 3, "reach": 51}),
        ("E_CLE_INCONNUE", {"kind": "name", "bits": 3, "weight": 2}),
    ],
)
def test_refusals_name_the_place(code, entry):
    """Each fault has its code and says in which table it stands."""
    wrong = refusal(entry)
    assert (wrong.code, "[attributes.a]" in str(wrong)) == (code, True)


@pytest.mark.parametrize("name", ["id", "prénom", "1er", "", "a" * 65, "a b"])
def test_a_name_must_do_for_keys_and_messages(name):
    """`id` is taken; accents, spaces and a first digit are not allowed."""
    assert refusal({"kind": "name", "bits": 3}, name).code == "E_FEUILLE"


def test_comparisons_belong_to_kinds():
    """Only texts have another comparison."""
    assert set(COMPARISONS) < set(KINDS)


@pytest.mark.parametrize(
    ("code", "entries"),
    [
        ("E_CLE_INCONNUE", {"inconnu": "X"}),
        ("E_CLE_INCONNUE", {"nom": {"colonne": "X"}}),
        ("E_FEUILLE", {"id": []}),
        ("E_FEUILLE", {"id": 3}),
        ("E_FEUILLE", {"nom": 3}),
        ("E_FEUILLE", {"nom": {"missing": [0]}}),
        ("E_FORMAT_DATE", {"ne": {"column": "x", "format": "ISO"}}),
    ],
)
def test_a_side_speaks_of_its_columns_only(code, entries):
    """What one side's table may hold is checked with its place."""
    with pytest.raises(SheetError) as caught:
        check_side("[columns.droite]", entries, {"nom": "name", "ne": "date"})
    assert (caught.value.code, "[columns.droite]" in str(caught.value)) == (code, True)


def test_plain_values():
    """A string stands for a list of one; a number keeps to its bounds; a boolean is no number."""
    assert several_strings("a", "ici") == ("a",)
    assert whole_number(3, 3, 3, "ici") == 3
    for wrong in (2, 4, 3.0, True, "3"):
        with pytest.raises(SheetError):
            whole_number(wrong, 3, 3, "ici")
