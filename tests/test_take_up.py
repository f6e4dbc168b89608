"""Figures that may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.administration.campaign.roll import open_campaign, record
from service.administration.campaign.take_up import HIDDEN, broken_down, shown_count, take_up
from service.administration.journal.ledger import open_ledger, trace_use
from tests.desks import NAME, RUN, TODAY, Desk


@pytest.mark.parametrize(
    ("count", "shown"), [(0, HIDDEN), (10, HIDDEN), (11, "15"), (15, "15"), (16, "20"), (400, "400")]
)
def test_counts_are_rounded_and_small_ones_hidden(count, shown):
    """Nobody, one person and ten look alike."""
    assert shown == shown_count(count)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 60), min_size=2))
def test_one_hidden_part_is_never_alone(parts):
    """Else the whole minus the others would tell it."""
    shown = broken_down(parts)
    hidden = [name for name, figure in shown.items() if figure == HIDDEN]
    assert 1 != len(hidden)
    assert all(parts[name] >= 11 for name in shown if shown[name] != HIDDEN)


def test_the_stages_of_a_campaign(tmp_path):
    """From the file that was compared to the rights that are open."""
    desk = Desk(tmp_path)
    desk.fill(60)
    with open_ledger(desk.home) as ledger:
        one = open_campaign(ledger, RUN, {}, TODAY)
        tokens = ledger.keys.tokens(trace_use(NAME), [f"P{n}" for n in range(60)])
        record(ledger, one, tokens[:40], "envoi", TODAY, "0:courriel")
        record(ledger, one, tokens[40:43], "envoi", TODAY, "0:sms")
        record(ledger, one, tokens[:22], "reponse", TODAY)
        record(ledger, one, tokens[:5], "droit_ouvert", TODAY)
        found, coarser = take_up(ledger, one), take_up(ledger, one, 30)
    assert ["400", "60", "45", "25", HIDDEN] == [figure for _, figure in found.stages]
    assert {"courriel": HIDDEN, "sms": HIDDEN} == found.channels
    assert {HIDDEN} == set(found.stopped.values())
    assert ["400", "60", "45", "moins de 30", "moins de 30"] == [figure for _, figure in coarser.stages]
