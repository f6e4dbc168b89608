"""Features by distinct value: dates cut in two, large columns not kept, room for what stays cut."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import feature_table
from linkage.attribute import COMPONENTS
from linkage.feature_table import FeatureTable, features_of
from linkage.features import groups, tokens
from linkage.sheet import Sheet
from tests.invented import P1, people, records_of

DATE = P1.attribute("date_naissance")
dates = st.dates(date(1850, 1, 1), date(2100, 12, 31)).map(lambda day: f"{day:%Y%m%d}") | st.sampled_from(
    ["19920000", "19920700", "00000512", "19920101?", "19920501?", "20000229", "00000101?"]
)


@given(
    st.lists(dates, unique=True, max_size=12), st.lists(st.sampled_from(COMPONENTS["date"]), max_size=3, unique=True)
)
@settings(max_examples=120, deadline=None)
def test_dates_cut_in_two_have_the_tokens_of_the_whole(values, left_out):
    """Groups, sizes, places and spelling are those of the date cut at once."""
    found = features_of(DATE, values, left_out)
    order = list(groups(DATE))
    for number, value in enumerate(values):
        held: dict[str, list[str]] = {}
        for entry in range(found.offsets[number], found.offsets[number + 1]):
            group = order[found.group[entry]]
            held.setdefault(group, []).append(found.names[found.token[entry]])
            assert found.place[entry] == len(held[group]) - 1
            assert found.size[entry] == len(tokens(DATE, value, left_out)[group])
        assert tokens(DATE, value, left_out) == held
    assert [sum(1 << order.index(group) for group in tokens(DATE, one, left_out)) for one in values] == (
        found.present().tolist()
    )


def test_features_are_cut_once():
    """A second pass that leaves out the same finds what the first made."""
    table = FeatureTable(records_of(P1, people(5)))
    assert table.features(DATE, ("day",)) is table.features(DATE, ("day",))
    first, second = (table.survey(P1.attribute("prenoms"), ()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.survey is second.survey


@pytest.mark.parametrize(("room", "kept"), [(0, False), (1 << 20, True)])
def test_cut_values_stay_while_there_is_room(room, kept):
    """Without room, values are cut again when their records come."""
    table = FeatureTable(records_of(P1, people(5)), room=room)
    found = table.survey(P1.attribute("nom_naissance"), ())
    assert found is not None
    assert kept == (found.whole is not None)


def test_a_column_of_too_many_values_is_not_listed(monkeypatch):
    """More values than may be listed: cut when they come."""
    monkeypatch.setattr(feature_table, "MOST_LISTED", 3)
    sheet = Sheet.from_table({"version": "linkage/v1", "attributes": {"no": {"kind": "code", "bits": 1}}})
    table = FeatureTable(records_of(sheet, [{"no": f"A{number}"} for number in range(4)]))
    assert table.features(sheet.attributes[0], ()) is None
    assert 4 == len(np.unique(table.records.columns["no"].codes))
