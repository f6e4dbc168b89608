"""A seat says with whom a party compares, by its agreement and its pins only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.keys import Identity
from service.errors import ServiceError
from tests.partners import RUN, scene


@pytest.fixture
def known(tmp_path):
    return scene(tmp_path)


def test_each_side_knows_its_place(known):
    """The recipient receives, the reference does not; each finds the other's pinned key."""
    ours, theirs = known.seat("cnaf"), known.seat("cnam")
    assert [("cnaf", "rsa", True), ("cnam", "c2s", False)] == [
        (one.party, one.operand, one.receives) for one in (ours, theirs)
    ]
    comparison = ours.comparisons[0]
    assert theirs.identity.public == ours.peer(comparison)
    assert ours.identity.public == theirs.peer(comparison)
    assert (RUN, known.agreement) == (ours.run, ours.agreement)


def test_passes_are_those_of_the_agreement(known):
    """Each pass of each comparison, once."""
    comparison = known.agreement.comparisons[0]
    expected = [(comparison, plan) for plan in comparison.plan.passes]
    assert expected == list(known.seat("cnam").passes())


def test_a_stranger_has_no_seat(known):
    """A party that the agreement does not name compares with nobody."""
    stranger = replace(known.seat("cnaf"), identity=Identity.generate("msa", "MSA"))
    with pytest.raises(ServiceError, match="E_CONVENTION_ETRANGERE"):
        _ = stranger.comparisons


def test_another_encoder_stops_the_seat(known):
    """A tool that was changed since the signature would encode differently: nothing goes on."""
    seat = known.seat("cnaf")
    seat.check_encoder()
    changed = replace(seat.stored, agreement=replace(seat.agreement, encoder_digest="00" * 32))
    with pytest.raises(ServiceError, match="E_ENCODEUR_DIFFERENT"):
        replace(seat, stored=changed).check_encoder()


def test_another_sheet_stops_the_seat(known):
    """A sheet that is not the one of the agreement would encode other attributes: nothing goes on."""
    seat = known.seat("cnaf")
    changed = replace(seat.stored, agreement=replace(seat.agreement, sheet_digest="00" * 32))
    with pytest.raises(ServiceError, match="E_ENCODEUR_DIFFERENT"):
        replace(seat, stored=changed).check_encoder()
