"""Pieces between two parties: whole, in order, from the pinned sender, and for this run alone."""

from __future__ import annotations

from typing import Any

import pytest

from crypto.keys import Identity
from service.administration import relaying
from service.errors import ServiceError
from service.messages import MAX_RELAY_BYTES, MAX_RELAY_PIECES, Relay
from tests.simulator import simulation
from tests.test_jetons import Post
from tests.three_parties import ThreeParties


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Two parties of a run."""
    folder = tmp_path_factory.mktemp("relaying")
    with simulation(folder / "data") as sim:
        yield ThreeParties(sim, folder)


def posted(three: ThreeParties, data: bytes) -> Any:
    post, parts = Post(), relaying.cut(data)
    relaying.post(three.seats["caf"], post, "jetons", "dgfip", list(enumerate(parts)), len(parts))  # type: ignore[arg-type]
    return post


@pytest.mark.parametrize("size", [0, 1, MAX_RELAY_BYTES, MAX_RELAY_BYTES + 1])
def test_what_is_posted_is_fetched(three, size):
    """Cut where it must be, and joined again."""
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    post = posted(three, data)
    assert max(1, -(-size // MAX_RELAY_BYTES)) == post.posted
    assert data == b"".join(relaying.fetch(three.seats["dgfip"], post, "jetons", "caf"))
    assert relaying.is_complete(post.relays(three.run), "jetons", "caf", "dgfip")
    assert frozenset(range(post.posted)) == relaying.held(three.seats["caf"], post, "jetons", "dgfip", post.posted)


def test_a_relay_that_is_not_complete_is_waited_for(three):
    """Nothing of it is opened."""
    post = posted(three, bytes(2 * MAX_RELAY_BYTES))
    post.held.pop(("jetons", "caf", "dgfip", 0))
    assert not relaying.is_complete(post.relays(three.run), "jetons", "caf", "dgfip")
    with pytest.raises(ServiceError, match="E_PATIENTER"):
        relaying.fetch(three.seats["dgfip"], post, "jetons", "caf")


def test_another_relay_under_the_same_name_is_refused(three):
    """What was posted first cannot be replaced by a longer one."""
    with pytest.raises(ServiceError, match="E_RELAIS"):
        relaying.held(three.seats["caf"], posted(three, b"one"), "jetons", "dgfip", 2)


def test_a_relay_has_a_longest(three):
    """More pieces than that are never begun."""
    with pytest.raises(ServiceError, match="E_EFFECTIF_DEPASSE"):
        relaying.post(three.seats["caf"], Post(), "jetons", "dgfip", [], MAX_RELAY_PIECES + 1)  # type: ignore[arg-type]


FAULTS: dict[str, dict[str, Any]] = {
    "signed by somebody else": {},
    "of another run": {"run": "0" * 32},
    "of another place": {"number": 1, "pieces": 2},
    "sealed for another kind": {"kind": "hits"},
}


@pytest.mark.parametrize("name", FAULTS)
def test_pieces_of_anybody_else_are_refused(three, name):
    """The third party cannot make one, nor move one."""
    post = posted(three, b"data")
    place = ("jetons", "caf", "dgfip", 0)
    members = Relay.from_json(post.held[place]["statement"])
    signer = three.parties["caf"].identity if FAULTS[name] else Identity.generate("caf", "CAF")
    moved = Relay(**{**vars(members), **FAULTS[name]}).signed(signer.signing_key)
    post.held = {place: moved}
    view = posted(three, b"data").relays(three.run)
    post.relays = lambda _: view
    with pytest.raises(ServiceError, match="E_RELAIS"):
        relaying.fetch(three.seats["dgfip"], post, "jetons", "caf")
