"""The recipient's side of a joined run: its table names nobody, comes back to its records, and refuses what it did not send."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crypto.sealing import seal, unseal
from linkage.wire import delivery_to_bytes
from service.administration.controls import expectations
from service.administration.jetons import collect_joined, post_jetons, table_slices
from service.administration.joiner import joining_of
from service.answers import RelayView
from service.errors import ServiceError
from service.messages import Relay, relay_context
from tests.simulator import simulation
from tests.three_parties import ThreeParties

OWN = 40


class Post:
    """Relays as the third party keeps them."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, str, int], dict[str, Any]] = {}
        self.posted = 0

    def declare(self, run: str, kind: str, signed: dict[str, Any]) -> None:
        assert "relays" == kind
        one = signed["statement"]
        self.held[one["kind"], one["from"], one["to"], one["number"]] = signed
        self.posted += 1

    def relays(self, run: str) -> list[RelayView]:
        routes = sorted({(*name[:3], one["statement"]["pieces"]) for name, one in self.held.items()})
        return [
            RelayView(
                kind=kind, from_=sender, to=to, pieces=pieces,
                held=tuple(sorted(name[3] for name in self.held if name[:3] == (kind, sender, to))),
            )
            for kind, sender, to, pieces in routes
        ]  # fmt: skip

    def relay(self, run: str, kind: str, sender: str, number: int) -> dict[str, Any]:
        return next(one for name, one in self.held.items() if (name[0], name[1], name[3]) == (kind, sender, number))


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A recipient whose rows are named: record k has row k of every pass but the last, which the last record is not in."""
    folder = tmp_path_factory.mktemp("jetons")
    with simulation(folder / "data") as sim:
        one = ThreeParties(sim, folder)
        seat = one.seats["caf"]
        seat.folder.write_identifiers([f"D{number}" for number in range(OWN)])
        for place, (comparison, plan) in enumerate(seat.passes()):
            count = OWN + one.agreement.controls
            with seat.folder.row_map(f"{comparison.id}/{plan.name}") as add:
                kept = np.array([k for k in range(count) if k != OWN - 1], dtype=np.int64)
                add(ids_of(place, count)[kept], kept)
        yield one


def ids_of(place: int, count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(place).integers(0, 256, (count, 16), dtype=np.uint8)


def table(three: ThreeParties, step: int = 1000) -> NDArray[np.uint8]:
    seat = three.seats["caf"]
    formulas = {one.name: seat.formula(one) for one in seat.outputs}
    known = expectations(formulas, [one.id for one in seat.comparisons_of("caf")], three.agreement.controls)
    return np.concatenate(list(table_slices(seat, joining_of(seat, "caf"), OWN, known, step)))


def test_every_row_stands_once_in_the_table_beside_its_record(three):
    """Whatever the slices; jetons are sorted, and the rows of one record of one's own stand together."""
    whole = table(three)
    assert sorted(map(bytes, whole[:, 0])) == [bytes(one) for one in whole[:, 0]]
    passes = whole.shape[1] - 1
    for place in range(passes):
        rows = {bytes(one) for one in whole[:, 1 + place]}
        expected = ids_of(place, OWN + three.agreement.controls)
        assert {bytes(one) for k, one in enumerate(expected) if k != OWN - 1} <= rows
        assert len(rows) == len(whole)
    names = [[bytes(one) for one in ids_of(place, OWN)] for place in range(passes)]
    together = {tuple(bytes(one) for one in row[1:]) for row in whole}
    assert {tuple(names[place][k] for place in range(passes)) for k in range(OWN - 1)} <= together
    known = np.isin(whole.view("S16").reshape(len(whole), -1)[:, 1:], [one for column in names for one in column])
    assert np.array_equal(whole[:, 0], table(three, 7)[:, 0])
    assert np.array_equal(whole[:, 1:][known], table(three, 7)[:, 1:][known])


def test_a_record_without_a_row_cannot_be_told(three):
    """Its places hold random ids, drawn anew each time."""
    whole, again = table(three), table(three)
    changed = (whole != again).any(axis=2)
    assert not changed[:, 0].any()
    assert changed[:, 1:].all(axis=1).sum() == 1


def test_the_table_is_posted_once(three):
    """A second try posts nothing; the joiner opens what came."""
    post, seat = Post(), three.seats["caf"]
    post_jetons(seat, post)  # type: ignore[arg-type]
    post_jetons(seat, post)  # type: ignore[arg-type]
    assert 1 == post.posted
    one = Relay.from_json(post.relay(three.run, "jetons", "caf", 0)["statement"])
    plain = unseal(three.parties["dgfip"].identity.sealing_key, one.sealed, relay_context(one))
    assert (
        table(three)[:, 0].tobytes()
        == np.frombuffer(plain, dtype=np.uint8).reshape(-1, table(three).shape[1], 16)[:, 0].tobytes()
    )


def answered(three: ThreeParties, certain: NDArray[np.uint8], information: NDArray[np.uint8]) -> Post:
    """What a joiner posts."""
    post = Post()
    names = {"agreement": three.agreement.identifier, "run": three.run, "kind": "hits", "from_": "dgfip", "to": "caf"}
    about = Relay(**names, number=0, pieces=1, sealed=b"")
    caf, dgfip = (three.parties[name].identity for name in ("caf", "dgfip"))
    part = delivery_to_bytes(certain, information)
    sealed = seal(caf.public.sealing_key, len(part).to_bytes(8, "big") + part, relay_context(about))
    post.declare(three.run, "relays", Relay(**names, number=0, pieces=1, sealed=sealed).signed(dgfip.signing_key))
    return post


def jetons_of(three: ThreeParties, *records: int) -> NDArray[np.uint8]:
    """The jetons of these records, by their row in the first pass."""
    whole, first = table(three), ids_of(0, OWN)
    place = {bytes(row[1]): row[0] for row in whole}
    return np.array([place[bytes(first[k])] for k in records], dtype=np.uint8).reshape(-1, 16)


def test_hits_come_back_to_their_records(three):
    """Certain ones and those for information; controls are counted, and are nobody."""
    post = answered(three, jetons_of(three, 3, 7), jetons_of(three, 5))
    found = collect_joined(three.seats["caf"], post)  # type: ignore[arg-type]
    hits = found.found["resultats"].hits
    assert [3, 7] == np.flatnonzero(hits.certain).tolist()
    assert [5] == np.flatnonzero(hits.information).tolist()
    assert (OWN, OWN) == (len(hits.certain), len(hits.information))
    assert not found.recall.enough


def test_other_jetons_are_refused(three):
    """One that was never drawn, or the same one twice."""
    strange, known = ids_of(99, 1), jetons_of(three, 3)
    for certain, information in ((strange, strange[:0]), (known, known), (np.concatenate([known, known]), known[:0])):
        with pytest.raises(ServiceError, match="E_LIVRAISON"):
            collect_joined(three.seats["caf"], answered(three, certain, information))  # type: ignore[arg-type]


def test_a_source_has_no_joiner(three):
    """Nothing is posted for it."""
    with pytest.raises(ServiceError, match="E_ETAPE"):
        post_jetons(three.seats["cnous"], Post())  # type: ignore[arg-type]
