"""Each token hashed once a pass, as often as its largest k asks, and masks that agree with positions."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from crypto.keys import PassKey
from linkage import positions
from linkage.bits import STEP
from linkage.positions import Positions
from tests import oracle

KEY = PassKey(hashlib.sha256(b"pass").digest())


def words_of(name: str, token: str, count: int, length: int) -> list[int]:
    """The oracle's positions."""
    return [word % length for word in oracle.words(oracle.expand(KEY, "tokens", name), token, count)]


@pytest.mark.parametrize("room", [0, 1 << 12, 1 << 20])
def test_positions_are_the_oracle_s_with_any_room_for_masks(monkeypatch, room):
    """Tokens asked for twice are drawn once, for the larger k; masks are the union of whole steps."""
    monkeypatch.setattr(positions, "_MASK_BYTES", room)
    drawing = Positions(KEY, 1024)
    drawing.want("name", ["_M", "MA"], np.array([5, 40]), np.array([1, 9]))
    drawing.want("name", ["MA", "A_", "_𝔸"], np.array([3, 17, 0]), np.array([2, 1, 1]))
    index, drawn = drawing.draw("name")
    assert {"_M": 0, "MA": 1, "A_": 2, "_𝔸": 3} == index
    for token, count in (("_M", 5), ("MA", 40), ("A_", 17), ("_𝔸", 0)):
        place = index[token]
        found = drawn.places[drawn.starts[place] : drawn.starts[place + 1]].tolist()
        assert words_of("name", token, count, 1024) == found
        if drawn.first[place] >= 0:
            for step in range(count // STEP):
                mask = drawn.masks[drawn.first[place] + step]
                bits = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little")).tolist()
                assert sorted(set(found[: (step + 1) * STEP])) == bits
    assert drawn.masks.nbytes <= room
    assert drawing.draw("name")[1] is drawn


def test_tokens_drawn_apart_are_the_same():
    """Values cut when they come have the positions they would have had."""
    drawn = Positions(KEY, 2048).apart("attribute/no", ["=12", "0:1"], np.array([30, 4]))
    assert words_of("attribute/no", "=12", 30, 2048) == drawn.places[:30].tolist()
    assert words_of("attribute/no", "0:1", 4, 2048) == drawn.places[30:34].tolist()
