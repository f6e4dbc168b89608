"""Statements of a review: signed, read strictly, each under its own label."""

from __future__ import annotations

import json

import pytest

from crypto.errors import SignatureRefused
from crypto.keys import Identity
from service.counts import band_of
from service.errors import ServiceError
from service.review import SENTENCES, Hold, Reason, Release, ReviewView, Sighting, SizeSeen

KEY = Identity.generate("tiers", "Tiers").signing_key
HOLD = Hold(
    agreement="a" * 64,
    run="b" * 32,
    comparison="caf.cnous",
    sightings=tuple(Sighting(reason=one, party="caf") for one in Reason),
    sizes=(
        SizeSeen(party="caf", now=band_of(1234), before=None),
        SizeSeen(party="cnous", now=band_of(5), before=band_of(12)),
    ),
    nonce="c" * 32,
)
RELEASE = Release(agreement="a" * 64, run="b" * 32, party="caf")


@pytest.mark.parametrize("statement", [HOLD, RELEASE], ids=["hold", "release"])
def test_a_statement_is_signed_sent_and_opened(statement):
    """Through any JSON writer, the same statement comes back."""
    received = json.loads(json.dumps(statement.signed(KEY)))
    assert statement == type(statement).opened(KEY.verify_bytes(), received)


def test_no_statement_passes_for_another():
    """Labels and formats differ: what releases one run is no hold, and no other party's."""
    signed = RELEASE.signed(KEY)
    with pytest.raises(SignatureRefused):
        Release.opened(Identity.generate("caf", "CAF").signing_key.verify_bytes(), signed)
    with pytest.raises(Exception, match="E_"):
        Hold.opened(KEY.verify_bytes(), signed)


@pytest.mark.parametrize(
    "change",
    [
        {"sightings": [{"reason": "autre", "party": "caf"}]},
        {"sizes": [{"party": "caf", "now": 12, "before": None}]},
        {"count": 12},
    ],
)
def test_a_hold_says_nothing_but_what_is_listed(change):
    """Reasons are a closed list, sizes are bands, no member is added."""
    with pytest.raises(ServiceError):
        Hold.from_json({**HOLD.to_json(), **change})


def test_every_reason_has_its_sentence():
    """In French, without a number."""
    assert set(Reason) == set(SENTENCES)
    assert not any(character.isdigit() for sentence in SENTENCES.values() for character in sentence)


def test_a_view_is_read_as_it_is_written():
    """What the client reads is what the third party says."""
    view = ReviewView(run="b" * 32, held=True, released=("caf",), waiting=("cnous",), holds=(HOLD.signed(KEY),))
    assert view == ReviewView.from_json(json.loads(json.dumps(view.to_json())))
