"""What steps and states of a run are called in French."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from service.administration.run_folder import Step
from service.administration.run_words import STATES, STEPS, UPLOADS, moment
from service.messages import RunState, UploadState


def test_every_state_and_step_has_words():
    """Nothing that the interface or the folder of a run can say is without words, and no two say the same."""
    assert set(RunState) == set(STATES)
    assert set(UploadState) == set(UPLOADS)
    assert set(get_args(Step)) == set(STEPS)
    for words in (STATES, UPLOADS, STEPS):
        assert len(words) == len(set(words.values()))


def test_no_word_is_the_programs():
    """An agent never reads the name that programs give to a state."""
    said = " ".join([*STATES.values(), *UPLOADS.values(), *STEPS.values()])
    assert [] == [one for one in (*RunState, *UploadState, *get_args(Step)) if one in said.split()]


def test_a_moment_is_written_as_in_france():
    """Day, month, year, hour and minute, with the zone."""
    assert "22/11/2026 à 17:05 UTC" == moment(datetime(2026, 11, 22, 17, 5, 59, tzinfo=UTC))
