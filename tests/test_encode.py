"""Plain filters: the fast encoder against the slow one, and what block values leave in them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crypto.keys import PassKey
from linkage.attribute import COMPARISONS, COMPONENTS, KINDS
from linkage.encode import _RECORDS_AT_ONCE, encode
from linkage.errors import SheetError
from linkage.features import groups, left_out_groups, tokens
from linkage.planner import plan_passes
from linkage.profiles import PROFILES
from linkage.sheet import Sheet
from tests import oracle
from tests.invented import FEBRL4, P1, P1_TABLE, Cells, born, cells_of_kind, people, person, records_of, word

KEY = PassKey(hashlib.sha256(b"pass").digest())
PLAIN = replace(PROFILES["standard"], length=2048)


def bits_of(filters: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """(n, m) zeros and ones."""
    return np.unpackbits(filters.astype("<u8").view(np.uint8), axis=1, bitorder="little")


def slow(table: Any, cells: Cells, length: int, left_out: list[str], key: bytes = KEY) -> bytes:
    """The oracle's plain filter of a record."""
    plan = {"length": length, "blocks": left_out, "finer": []}
    return oracle.filter_bytes(oracle.plain_filter(table, plan, oracle.values(table, cells), key), length)


@st.composite
def sheets(draw: st.DrawFn) -> dict[str, Any]:
    """Any sheet of one to five attributes, one of them perhaps a second form of another."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    attributes: dict[str, Any] = {}
    for place, kind in enumerate(kinds):
        attributes[f"a{place}"] = {"kind": kind, "bits": draw(st.integers(1, 60))}
        if kind == "text" and draw(st.booleans()):
            attributes[f"a{place}"]["class"] = "adresse"
        if kind in ("code", "cog"):
            attributes[f"a{place}"]["pad"] = draw(st.integers(0, 6))
        if kind in COMPARISONS and draw(st.booleans()):
            attributes[f"a{place}"]["compare"] = draw(st.sampled_from(COMPARISONS[kind]))
        if kind == "number":
            attributes[f"a{place}"] |= {"step": draw(st.integers(1, 9)), "reach": draw(st.integers(0, 3))}
    if "name" in kinds and draw(st.booleans()):
        attributes["autre"] = {"kind": "name", "bits": 7, "second_form_of": f"a{kinds.index('name')}"}
    return {"version": "linkage/v1", "attributes": attributes}


def cells_for(draw: st.DrawFn, table: Any) -> Cells:
    """A record of a sheet."""
    return {name: draw(cells_of_kind[entry["kind"]]) for name, entry in table["attributes"].items()}


@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_the_fast_encoder_is_the_oracle_bit_for_bit(data):
    """Random people, sheets, profiles, keys and left-out components give the oracle's filters."""
    table = data.draw(sheets())
    sheet = Sheet.from_table(table)
    crowd = [cells_for(data.draw, table) for _ in range(data.draw(st.integers(1, 4)))]
    components = [f"{name}.{part}" for name, one in table["attributes"].items() for part in COMPONENTS[one["kind"]]]
    left_out = data.draw(st.lists(st.sampled_from(components), max_size=3, unique=True))
    profile = data.draw(st.sampled_from(list(PROFILES.values())))
    key = PassKey(data.draw(st.binary(min_size=32, max_size=32)))
    if all(left_out_groups(a, parts_of(a.name, left_out)) >= set(groups(a)) for a in sheet.attributes):
        with pytest.raises(SheetError):
            encode(records_of(sheet, crowd), sheet.attributes, profile, left_out, key)
        return
    filters = encode(records_of(sheet, crowd), sheet.attributes, profile, left_out, key)
    assert filters.dtype == np.uint64
    assert filters.shape == (len(crowd), profile.length // 64)
    assert filters.flags.c_contiguous
    for row, cells in zip(filters, crowd, strict=True):
        assert row.astype("<u8").tobytes() == slow(table, cells, profile.length, left_out, key)


def parts_of(name: str, left_out: list[str]) -> list[str]:
    """Parts of an attribute among components."""
    return [one.split(".")[1] for one in left_out if one.split(".")[0] == name]


@pytest.mark.parametrize("profile", PROFILES)
def test_people_of_sheet_p1_are_encoded_like_the_oracle(profile):
    """Complete identities through all passes of the shipped sheet."""
    crowd = people(6)
    plan = plan_passes(P1, profile, (20_000, 20_000))
    for one in plan.passes:
        filters = encode(records_of(P1, crowd), P1.attributes, PROFILES[profile], (*one.blocks, *one.finer), KEY)
        expected = [slow(P1_TABLE, cells, one.length, [*one.blocks, *one.finer]) for cells in crowd]
        assert [row.astype("<u8").tobytes() for row in filters] == expected


def test_more_records_than_are_encoded_at_once():
    """Records beyond the first batch are encoded like those in it."""
    table = {
        "version": "linkage/v1",
        "attributes": {"no": {"kind": "code", "bits": 10}, "nom": {"kind": "name", "bits": 1000}},
    }
    sheet = Sheet.from_table(table)
    crowd = [{"no": f"{number:05}"} for number in range(1, _RECORDS_AT_ONCE + 40)]
    filters = encode(records_of(sheet, crowd), sheet.attributes, PROFILES["reference"], (), KEY)
    for row in (0, _RECORDS_AT_ONCE - 1, _RECORDS_AT_ONCE, len(crowd) - 1):
        assert filters[row].astype("<u8").tobytes() == slow(table, crowd[row], 1024, [])


def test_a_record_without_any_value_has_no_bit():
    """Nothing known, nothing set."""
    filters = encode(records_of(P1, [{}, *people(1)]), P1.attributes, PLAIN, (), KEY)
    assert bits_of(filters).sum(axis=1).tolist()[0] == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_complete_identities_fill_one_half(profile):
    """The mean fill of complete people is near one half in every pass: what is left out gives its bits to the rest."""
    crowd = [{**one, "nom_usage": word(np.random.default_rng(place))} for place, one in enumerate(people(300))]
    for one in plan_passes(P1, profile, (20_000, 20_000)).passes:
        filters = encode(records_of(P1, crowd), P1.attributes, PROFILES[profile], (*one.blocks, *one.finer), KEY)
        assert 0.44 <= bits_of(filters).mean() <= 0.53


def test_a_pass_that_leaves_nothing_is_refused():
    """A sheet whose only attribute makes the block has nothing to compare."""
    sheet = Sheet.from_table({"version": "linkage/v1", "attributes": {"sexe": {"kind": "sex", "bits": 1}}})
    records = records_of(sheet, [{"sexe": "F"}])
    with pytest.raises(SheetError) as refusal:
        encode(records, sheet.attributes, PLAIN, ["sexe.value"], KEY)
    assert refusal.value.code == "E_PASSES"


def test_passes_and_classes_share_no_positions():
    """Another pass key, or another class, puts the same token elsewhere; names of one class meet at the same positions."""
    table = {
        "version": "linkage/v1",
        "attributes": {kind: {"kind": kind, "bits": 10} for kind in ("name", "given_names", "text", "category")},
    }
    sheet = Sheet.from_table(table)
    crowd = [{kind: "MARTIN"} for kind in table["attributes"]]
    names = bits_of(encode(records_of(sheet, crowd), sheet.attributes, PLAIN, (), KEY)).astype(bool)
    assert (names[0] & names[1]).sum() >= 0.9 * names[0].sum() * 0.75
    for other in (names[2], names[3]):
        assert (names[0] & other).sum() < 0.4 * names[0].sum()
    second = PassKey(hashlib.sha256(b"another pass").digest())
    moved = bits_of(encode(records_of(sheet, crowd), sheet.attributes, PLAIN, (), second)).astype(bool)
    for before, after in zip(names, moved, strict=True):
        common = before.mean() * after.mean() * len(before)
        assert abs((before & after).sum() - common) < 6 * common**0.5


# --- condition 1: nothing of the block value stays in its filters -----------------------------------------------------


def neighbours(sheet: Sheet, blocks: tuple[str, ...], count: int, *, usage: str) -> list[Cells]:
    """People of one block who share nothing but the block value: each other part is drawn on its own."""
    rng = np.random.default_rng(11)
    crowd = [person(rng) if sheet is P1 else stranger(rng) for _ in range(count)]
    for component in blocks:
        name, part = component.split(".")
        for one in crowd:
            one[name] = with_part(sheet.attribute(name).kind, part, one[name], rng)
    for one in crowd if sheet is P1 else ():
        one["nom_usage"] = {"none": "", "equal": one["nom_naissance"].lower(), "other": word(rng)}[usage]
    return crowd


def stranger(rng: np.random.Generator) -> Cells:
    """A complete identity of the FEBRL sheet, every attribute drawn on its own."""
    return {
        "given_name": word(rng), "surname": word(rng), "street_number": str(rng.integers(1, 10_000)),
        "address_1": f"{word(rng)} {word(rng)}", "address_2": word(rng), "suburb": f"{word(rng)} {word(rng)}",
        "postcode": str(rng.integers(1000, 10_000)), "state": word(rng, least=3, most=3),
        "date_of_birth": born(rng).replace("-", ""),
    }  # fmt: skip


def with_part(kind: str, part: str, value: str, rng: np.random.Generator) -> str:
    """A value whose block part is that of everybody, the rest random."""
    if kind == "date":
        year, month, day = (value.replace("-", "")[a:b] for a, b in ((0, 4), (4, 6), (6, 8)))
        year, month, day = (
            {"year": "1984"}.get(part, year),
            {"month": "07"}.get(part, month),
            {"day": "14"}.get(part, day),
        )
        month, day = ("07", "14") if part == "day_month" else (month, day)
        return f"{year}-{month}-{day}" if "-" in value else year + month + day
    if part == "value":
        return "F" if kind == "sex" else "2604"
    rest = word(rng, least=3, most=8)
    return {"initial": "D", "two": "DU"}[part] + rest


SHEETS = {"P1": P1, "febrl4": FEBRL4}
CROWDS = [
    (name, level, usage)
    for name, sheet in SHEETS.items()
    for rule in sheet.passes
    for level in rule.ladder
    for usage in (("none", "equal", "other") if name == "P1" else ("none",))  # FEBRL has no usage names
]


@pytest.mark.parametrize(("name", "blocks", "usage"), CROWDS)
def test_no_bit_is_constant_because_of_the_block(name, blocks, usage):
    """Inside a block of any level of any pass, no plain bit is the same for everybody; with the block kept, some are."""
    sheet = SHEETS[name]
    records = records_of(sheet, neighbours(sheet, blocks, 150, usage=usage))
    bits = bits_of(encode(records, sheet.attributes, PLAIN, blocks, KEY))
    assert int((bits.sum(axis=0) == len(records)).sum()) == 0
    assert int((bits.sum(axis=0) == 0).sum()) == 0
    kept = bits_of(encode(records, sheet.attributes, PLAIN, (), KEY))
    assert int((kept.sum(axis=0) == len(records)).sum()) > 0


@pytest.mark.parametrize(("name", "blocks", "usage"), CROWDS)
def test_no_token_is_common_to_a_block(name, blocks, usage):
    """Token by token: nothing that every member of a block has, in any attribute, after its block's parts are left out."""
    sheet = SHEETS[name]
    records = records_of(sheet, neighbours(sheet, blocks, 100, usage=usage))
    for attribute in sheet.attributes:
        column = records.columns[attribute.name]
        parts = parts_of(attribute.name, list(blocks))
        held = [tokens(attribute, column.values[code], parts) if code >= 0 else {} for code in column.codes]
        common = set.intersection(*(set().union(*groups.values()) for groups in held))
        assert common == set(), attribute.name
