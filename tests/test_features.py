"""Tokens: what each kind says, what a block value takes away, and that both agree with the oracle."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linkage.attribute import COMPARISONS, COMPONENTS, KINDS, Attribute
from linkage.features import (
    NAME_CLASS,
    block_part,
    groups,
    insertions_by_group,
    left_out_groups,
    parts_of,
    token_class,
    tokens,
)
from linkage.sheet import Sheet
from tests import oracle
from tests.invented import LETTERS, P1, cells_of_kind

PARTS = [(kind, part) for kind, parts in COMPONENTS.items() for part in parts]


def attribute(kind: str, **keys: object) -> Attribute:
    """An attribute of a kind, called `a`."""
    table = {"version": "linkage/v1", "attributes": {"a": {"kind": kind, "bits": 1, **keys}}}
    return Sheet.from_table(table).attribute("a")


def test_every_kind_shares_out_all_its_bits():
    """The groups of an attribute share a thousand, whichever way it is compared."""
    ways = [attribute(kind) for kind in KINDS]
    ways += [attribute(kind, compare=way) for kind, some in COMPARISONS.items() for way in some]
    ways.append(attribute("given_names", most=1))
    assert [sum(groups(one).values()) for one in ways] == [1000] * len(ways)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("name", "DE FOIX", {"grams": ["DE", "EF", "E_", "FO", "IX", "OI", "X_", "_D", "_F"]}),
        ("name", "O", {"grams": ["O_", "_O"]}),
        ("name", "ANNAN", {"grams": ["AN", "NA", "NN", "N_", "_A"]}),
        ("given_names", "JO-AL", {"first": ["AL", "JO", "L_", "OA", "O_", "_A", "_J"]}),
        ("given_names", "JO AL LI-SE", {"first": ["JO", "O_", "_J"],
                                        "others": ["AL", "E_", "I_", "LI", "L_", "SE", "_A", "_L", "_S"]}),
        ("text", "12 BIS", {"grams": ["12", "2_", "BI", "IS", "S_", "_1", "_B"]}),
        ("sex", "F", {"whole": ["=F"]}),
        ("category", "MARIE PACSE", {"whole": ["=MARIE PACSE"]}),
        ("code", "B7", {"whole": ["=B7"], "grams": ["0:B", "1:7"]}),
        ("cog", "2A004", {"whole": ["=2A004"], "grams": ["0:2", "1:A", "2:0", "3:0", "4:4"]}),
        ("country", "99100", {"whole": ["=99100"]}),
        (
            "date",
            "19800229",
            {
                "year": ["year=1980"],
                "month": ["month=02"],
                "day": ["day=29"],
                "day_month": ["day_month=0229"],
                "digits": ["2:8", "3:0", "4:0", "5:2", "6:2", "7:9"],
            },
        ),
        ("date", "19920000", {"year": ["year=1992"], "digits": ["2:9", "3:2"]}),
        ("date", "19920700", {"year": ["year=1992"], "month": ["month=07"],
                              "digits": ["2:9", "3:2", "4:0", "5:7"]}),
        ("date", "00000714", {"month": ["month=07"], "day": ["day=14"], "day_month": ["day_month=0714"],
                              "digits": ["4:0", "5:7", "6:1", "7:4"]}),
        ("date", "19921103", {"year": ["year=1992"], "month": ["month=11"], "day": ["day=03"], "day_month": ["day_month=0311"],
                              "digits": ["2:9", "3:2", "4:1", "5:1", "6:0", "7:3"]}),
        ("date", "19920101?", {"year": ["year=1992"], "day_month": ["day_month=0101"],
                               "digits": ["2:9", "3:2"]}),
        ("date", "19920501?", {"year": ["year=1992"], "month": ["month=05"], "day_month": ["day_month=0105"],
                               "digits": ["2:9", "3:2", "4:0", "5:5"]}),
        ("number", "-3", {"near": ["~-2", "~-3", "~-4"]}),
    ],
)  # fmt: skip
def test_tokens_of_each_kind(kind, value, expected):
    """Spelling and groups are those that the module writes down."""
    assert tokens(attribute(kind), value) == expected


@pytest.mark.parametrize(
    ("kind", "keys", "value", "expected"),
    [
        ("name", {"compare": "exact"}, "DE FOIX", {"whole": ["=DE FOIX"]}),
        ("given_names", {"compare": "bigrams"}, "AL-BO CY", {"grams": ["AL", "BO", "CY", "L_", "O_", "Y_", "_A", "_B", "_C"]}),
        ("text", {"compare": "positional"}, "12 B", {"grams": ["0:_1", "1:12", "2:2_", "3:_B", "4:B_"]}),
        ("code", {"compare": "positional"}, "B7", {"grams": ["0:_B", "1:B7", "2:7_"]}),
        ("code", {"compare": "bigrams"}, "B7", {"grams": ["7_", "B7", "_B"]}),
        ("code", {"compare": "exact"}, "B7", {"whole": ["=B7"]}),
        ("number", {"step": 10, "reach": 2}, "137", {"near": ["~11", "~12", "~13", "~14", "~15"]}),
        ("number", {"step": 10, "reach": 0}, "139", {"near": ["~13"]}),
    ],
)  # fmt: skip
def test_ways_of_comparing(kind, keys, value, expected):
    """A sheet may ask for another comparison than the kind's own; a number has its neighbours."""
    assert tokens(attribute(kind, **keys), value) == expected


def test_a_name_written_as_one_word_or_two_keeps_nearly_all_its_tokens():
    """JEANPIERRE has one token that JEAN-PIERRE lacks without the joint, none with it."""
    apart, together = (set(tokens(attribute("given_names"), one)["first"]) for one in ("JEAN-PIERRE", "JEANPIERRE"))
    assert together - apart == set()
    assert apart - together == {"N_", "_P"}


def test_day_and_month_swapped_still_agree_on_the_pair():
    """A date read in the wrong order keeps its year and its unordered pair."""
    right, swapped = (tokens(attribute("date"), one) for one in ("19920311", "19921103"))
    assert [group for group in right if right[group] == swapped[group]] == ["year", "day_month"]


@pytest.mark.parametrize(
    ("kind", "value", "left_out", "gone"),
    [
        ("name", "MARTIN", ["initial"], {"_M"}),
        ("name", "MARTIN", ["two"], {"_M", "MA"}),
        ("name", "DE LA TOUR", ["initial"], {"_T"}),
        ("name", "DE LA TOUR", ["two"], {"_T", "TO"}),
        ("name", "ANNAN", ["two"], {"_A", "AN"}),
        ("name", "MARTIN", ["three", "initial"], {"_M", "MA", "AR"}),
        ("given_names", "J-PIERRE", ["three"], {"_J", "JP", "PI"}),
        ("given_names", "JEAN-PIERRE ANDRE", ["two"], {"_J", "JE"}),
        ("given_names", "JEAN JULES", ["initial"], {"_J"}),
    ],
)
def test_leading_bigrams_leave_with_the_block(kind, value, left_out, gone):
    """What an initial or two letters fix is left out, wherever it stands in the first name or surname."""
    whole, rest = tokens(attribute(kind), value), tokens(attribute(kind), value, left_out)
    group = "first" if kind == "given_names" else "grams"
    assert set(whole[group]) - set(rest[group]) == gone
    assert {key: whole[key] for key in whole if key != group} == {key: rest[key] for key in rest if key != group}


@pytest.mark.parametrize(
    ("left_out", "kept", "places"),
    [
        (["year"], {"month", "day", "day_month"}, "4567"),
        (["month"], {"year", "day"}, "2367"),
        (["day"], {"year", "month"}, "2345"),
        (["day_month"], {"year"}, "23"),
        (["day", "month"], {"year"}, "23"),
        (["year", "month"], {"day"}, "67"),
        (["year", "day_month"], set(), ""),
        (["decade"], {"year", "month", "day", "day_month"}, "34567"),
        (["unit"], {"year", "month", "day", "day_month"}, "24567"),
        (["decade", "unit", "month"], {"day"}, "67"),
    ],
)
def test_dates_lose_what_the_block_fixes(left_out, kept, places):
    """The named parts, the day with its month, and the digits they fix; a group without a word left gives its bits away."""
    found = tokens(attribute("date"), "19800229", left_out)
    digits = {token[0] for token in found.pop("digits", [])}
    assert (set(found), digits) == (kept, set(places))
    assert set(groups(attribute("date"))) - left_out_groups(attribute("date"), left_out) == {
        *kept,
        *(["digits"] if places else []),
    }


@pytest.mark.parametrize("kind", [kind for kind, part in PARTS if part == "value"])
def test_a_whole_value_leaves_whole(kind):
    """A code, category, text or sex that makes the block leaves no token and no bits."""
    assert tokens(attribute(kind), "F", ["value"]) == {}
    assert left_out_groups(attribute(kind), ["value"]) == set(groups(attribute(kind)))


def test_classes():
    """All names share one class, texts share one where the sheet says so, every other attribute has its own."""
    assert token_class(attribute("name")) == token_class(attribute("given_names")) == NAME_CLASS
    assert token_class(attribute("text", **{"class": "name"})) == "text/name"
    assert token_class(attribute("text")) == "attribute/a"
    assert {token_class(attribute(kind)) for kind in KINDS if "name" not in kind} == {"attribute/a"}


@pytest.mark.parametrize(
    ("kind", "part", "value", "expected"),
    [
        ("name", "initial", "DE LA TOUR", "T"), ("name", "two", "D AUBIGNE", "AU"), ("name", "initial", "DE", "D"),
        ("name", "initial", "LE DU", "D"), ("name", "two", "O", None), ("name", "two", "OE", "OE"),
        ("given_names", "two", "J-PIERRE", "JP"), ("given_names", "initial", "MARIE ANNE", "M"),
        ("given_names", "two", "J ANNE", None), ("name", "three", "DE LA TOUR", "TOU"), ("name", "three", "LE DU", None),
        ("date", "decade", "19800229", "198"), ("date", "unit", "19800229", "0"), ("date", "unit", "00000229", None),
        ("date", "decade", "19920101?", "199"), ("date", "decade", "00000229", None), ("date", "unit", "20000000", "0"),
        ("date", "year", "19800229", "1980"), ("date", "month", "19800229", "02"), ("date", "day", "19800229", "29"),
        ("date", "day_month", "19800229", "0229"), ("date", "day_month", "19800200", None), ("date", "day", "19800200", None),
        ("date", "month", "19800200", "02"), ("date", "year", "00000229", None), ("date", "year", "19000000", "1900"),
        ("date", "year", "20000000", "2000"), ("date", "month", "19001000", "10"), ("date", "day", "19001010", "10"),
        ("date", "year", "19920101?", "1992"), ("date", "month", "19920101?", None), ("date", "day", "19920101?", None),
        ("date", "month", "19920501?", "05"), ("date", "day", "19920501?", None), ("date", "day_month", "19920501?", None),
        ("sex", "value", "F", "F"), ("code", "value", "0012", "0012"),
    ],
)  # fmt: skip
def test_block_parts(kind, part, value, expected):
    """Particles are passed over; a part that the value does not tell is None; 1900 and October are told."""
    assert block_part(attribute(kind), part, value) == expected


def other_value(kind: str, part: str, value: str) -> str:
    """Another value with the same block part and nothing else in common."""
    if kind == "date":
        fixed = {"year": "0123", "decade": "012", "unit": "3", "month": "45", "day": "67", "day_month": "4567"}[part]
        digits = enumerate(value[:8])
        return "".join(char if str(place) in fixed else str((int(char) + 1) % 10) for place, char in digits)
    letter = next(char for char in LETTERS if char not in value)
    return f"{oracle.part_of(kind, part, value)}{letter * 3}"


canonical_of_kind = {
    kind: st.builds(lambda raw, kind=kind: oracle.canonical({"kind": kind}, raw), cells).filter(bool)
    for kind, cells in cells_of_kind.items()
}


@pytest.mark.parametrize(("kind", "part"), [(kind, part) for kind, part in PARTS if part != "value"])
@settings(deadline=None)
@given(data=st.data())
def test_no_token_is_fixed_by_the_block_value(kind, part, data):
    """Condition 1: of two values that share only their block part, no token is left in common."""
    value = data.draw(canonical_of_kind[kind])
    assume(block_part(attribute(kind), part, value))
    other = other_value(kind, part, value)
    assert block_part(attribute(kind), part, other) == block_part(attribute(kind), part, value)
    left, right = (set().union(*tokens(attribute(kind), one, [part]).values()) for one in (value, other))
    assert left & right == set()
    whole = [set().union(*tokens(attribute(kind), one).values()) for one in (value, other)]
    assert whole[0] & whole[1] != set()


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_tokens_are_those_of_the_oracle(kind, data):
    """Any value, any parts left out: the same tokens, sorted, in groups that have bits; the same block parts."""
    value = data.draw(canonical_of_kind[kind])
    parts = data.draw(st.sets(st.sampled_from(COMPONENTS[kind])))
    expected = {group: sorted(found) for group, found in oracle.tokens({"kind": kind}, value, parts).items() if found}
    assert tokens(attribute(kind), value, parts) == expected
    kept = set(groups(attribute(kind))) - left_out_groups(attribute(kind), parts)
    assert set(expected) <= kept == set(oracle.present({"kind": kind}, parts))
    for part in COMPONENTS[kind]:
        assert block_part(attribute(kind), part, value) == oracle.part_of(kind, part, value)


def test_components_are_told_apart_by_attribute():
    """Those of one attribute, in their order; others', and those of a longer name, are not taken."""
    parts = ["a.day", "ab.year", "b.value", "a.month"]
    assert parts_of(attribute("date"), parts) == ("day", "month")


def test_insertions_share_what_a_filter_has():
    """Every pass spends its insertions on what stays, in proportion, and never more; what is left out leaves its part."""
    whole = 1400
    for left_out in ([], ["date_naissance.day"], ["date_naissance.day_month", "sexe.value"], ["nom_naissance.two"]):
        shares = insertions_by_group(P1.attributes, whole, left_out)
        spent = sum(bits for groups in shares.values() for bits in groups.values())
        assert whole - 30 <= spent <= whole
    bits = {one.name: one.bits for one in P1.attributes}
    assert shares["nom_naissance"]["grams"] == whole * bits["nom_naissance"] // sum(bits.values())
    assert insertions_by_group(P1.attributes, whole, ["sexe.value"])["sexe"] == {}
    assert not any(insertions_by_group([attribute("sex")], whole, ["a.value"]).values())
