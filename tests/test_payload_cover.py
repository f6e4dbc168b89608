"""Covered payloads: opened by whoever shares the key of the pass, and alike to nothing that was covered."""

from __future__ import annotations

import secrets

import numpy as np
import pytest

from linkage.wire import payload_width
from service.payload_cover import COVER_BYTES, Cover, cover_key, delivered_width

ABOUT = ("a" * 64, "b" * 32, "caf.cnous", "jour")
UPLOAD_KEY = bytes(range(32))


def test_a_cover_comes_off_with_the_key_of_the_upload():
    """Each payload by itself, at its place, 28 bytes longer."""
    sealed = np.random.default_rng(1).integers(0, 256, (5, 72), dtype=np.uint8)
    covered = Cover(cover_key(UPLOAD_KEY), ABOUT).rows(sealed)
    assert (5, 72 + COVER_BYTES) == covered.shape
    cover = Cover(cover_key(UPLOAD_KEY), ABOUT)
    assert [one.tobytes() for one in sealed] == [cover.uncovered(one.tobytes()) for one in covered]
    assert (0, 72 + COVER_BYTES) == cover.rows(sealed[:0]).shape


def test_nothing_of_what_is_covered_can_be_seen():
    """The same payload twice is two strangers, and no eight bytes of it are found in either."""
    sealed = np.tile(np.random.default_rng(2).integers(0, 256, 72, dtype=np.uint8), (2, 1))
    first, second = (one.tobytes() for one in Cover(cover_key(UPLOAD_KEY), ABOUT).rows(sealed))
    bare = sealed[0].tobytes()
    for start in range(len(bare) - 8):
        assert bare[start : start + 8] not in first
        assert bare[start : start + 8] not in second
        assert first[start : start + 8] not in second


@pytest.mark.parametrize("place", range(len(ABOUT)))
def test_a_cover_of_elsewhere_does_not_come_off(place):
    """Of another agreement, run, comparison or pass; under another key; altered; too short."""
    covered = Cover(cover_key(UPLOAD_KEY), ABOUT).rows(np.zeros((1, 72), dtype=np.uint8))[0].tobytes()
    other = tuple("c" * len(part) if number == place else part for number, part in enumerate(ABOUT))
    assert None is Cover(cover_key(UPLOAD_KEY), other).uncovered(covered)  # type: ignore[arg-type]
    assert None is Cover(cover_key(secrets.token_bytes(32)), ABOUT).uncovered(covered)
    altered = bytes([covered[place] ^ 1]) + covered[1:] if place == 0 else covered[:-place]
    assert None is Cover(cover_key(UPLOAD_KEY), ABOUT).uncovered(altered)
    assert None is Cover(cover_key(UPLOAD_KEY), ABOUT).uncovered(b"")


@pytest.mark.parametrize(("told", "expected"), [(0, 0), (1, payload_width(1) + 28), (1024, payload_width(1024) + 28)])
def test_the_width_that_is_delivered(told, expected):
    """That of the sealed payload and its cover; nothing without payload."""
    assert expected == delivered_width(told)
