"""A third party and administrations in one process, on a chosen day."""

from __future__ import annotations

from datetime import date

import pytest

from service.administration.app import open_office
from service.demonstration.premises import CommandRefused, Office, premises

DAY = date(2027, 2, 28)


def test_everybody_goes_by_the_chosen_day(tmp_path, monkeypatch):
    """Within the block an administration's clock is on that day, and the third party answers it; afterwards it is not.

    A database in use, which the environment names, is not touched.
    """
    monkeypatch.setenv("ALLERVERS_DATABASE", f"sqlite:///{tmp_path}/real.sqlite")
    with premises(tmp_path, DAY) as place:
        assert DAY == open_office(str(tmp_path)).clock().date()
        one = place.office("cnaf")
        place.introduce(["cnaf", "cnam"])
        assert one is place.office("cnaf")
        with pytest.raises(CommandRefused) as caught:
            one.run("run", "show", "ab" * 16)
        assert caught.value.code.startswith("E_")
    assert DAY != open_office(str(tmp_path)).clock().date()
    assert not (tmp_path / "real.sqlite").exists()


def test_a_refused_command_holds_what_it_printed(tmp_path):
    """Its code is the last one printed; a code of exit that is expected is no refusal."""
    one = Office(party="cnaf", home=tmp_path / "home")
    with pytest.raises(CommandRefused) as caught:
        one.run("identity")
    assert caught.value.code in str(caught.value)
    assert caught.value.code in one.run("identity", allowed=(1,))
    with pytest.raises(CommandRefused):
        one.try_run("identity")
    assert "?" == CommandRefused("nothing").code
