"""Deliveries become hits on one's own records, and nothing that was not sent is believed."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from crypto.framing import canonical_json
from crypto.keys import Identity
from crypto.sealing import seal
from linkage.formula import Hits, Linked
from linkage.wire import delivery_to_bytes
from service.administration.inbox import (
    OBJECTING,
    Found,
    came_back,
    collect_hits,
    compared_in,
    open_delivery,
    payloads_of,
    together,
    write_hits,
)
from service.administration.payload import payload_seal
from service.errors import ServiceError
from service.messages import Delivery, delivery_context
from service.payload_cover import Cover
from tests.partners import RUN, run_key_of_test, scene

COUNT = 6  # records; the last takes part in no pass
NAMES = [f"D{number}" for number in range(COUNT)]


def shelf_of(*parts: Any) -> Any:
    return Shelf(*parts)


@pytest.fixture
def known(tmp_path):
    return scene(tmp_path)


@pytest.fixture
def seat(known):
    """A recipient with row maps as an encoding leaves them: row k of a pass stands for record 4 - k."""
    found = known.seat("cnaf", key=run_key_of_test())
    found.folder.write_identifiers(NAMES)
    for number, (_, plan) in enumerate(found.passes()):
        with found.folder.row_map(f"cnaf.cnam/{plan.name}") as add:
            add(ids_of(number), np.arange(5, dtype=np.int64)[::-1].copy())
    return found


def ids_of(number: Any) -> Any:
    return np.array([[number * 16 + k] * 16 for k in range(5)], dtype=np.uint8)


def rows(number: Any, *records: Any) -> Any:
    """Ids of the rows that stand for these records in a pass."""
    return ids_of(number)[[4 - record for record in records]]


def delivered(known: Any, seat: Any, number: Any, certain: Any = (), grey: Any = (), **changes: Any) -> Any:
    """What the third party would deliver for a pass, with some members changed."""
    plan = [plan for _, plan in seat.passes()][number]
    named = {"comparison": "cnaf.cnam", "pass_": plan.name, "recipient": "cnaf", "run": RUN}
    named |= {name: value for name, value in changes.items() if name in named}
    info = delivery_context(seat.agreement.identifier, named["run"], named["comparison"], named["pass_"], "cnaf")
    plaintext = delivery_to_bytes(rows(number, *certain), rows(number, *grey))
    sealed = seal(seat.identity.public.sealing_key, changes.get("plaintext", plaintext), info)
    signer = changes.get("signer", known.third_party)
    return Delivery(agreement=seat.agreement.identifier, sealed=sealed, **named).signed(signer.signing_key)


class Shelf:
    """Deliveries by pass."""

    def __init__(self, known: Any, seat: Any, *contents: Any) -> None:
        self.held = {
            plan.name: delivered(known, seat, number, *(contents[number] if number < len(contents) else ()))
            for number, (_, plan) in enumerate(seat.passes())
        }

    def delivery(self, run: Any, comparison: Any, pass_name: Any) -> Any:
        return self.held[pass_name]


def test_links_are_united_over_passes_and_the_rule_applied(known, seat):
    """`rsa - c2s`: a strict link anywhere subtracts, a doubtful one keeps from award, none at all is a hit."""
    shelf = shelf_of(known, seat, ([0], [1]), ([], [2]), ([1], []))
    hits = collect_hits(seat, shelf, known.third_party.public).found["resultats"].hits
    assert hits.certain.tolist() == [False, False, False, True, True, False]
    # Record 2 is linked doubtfully; record 5 could be compared nowhere, so its absence proves nothing.
    assert hits.information.tolist() == [False, False, True, False, False, True]


def test_controls_are_counted_and_are_nobody(known, seat):
    """Rows of records after one's own are controls: linked, they count as found, and never stand in the hits."""
    count = known.agreement.controls
    for number, (_, plan) in enumerate(seat.passes()):
        with seat.folder.row_map(f"cnaf.cnam/{plan.name}") as add:
            extra = np.array([[number * 16 + 6 + k] * 16 for k in range(count)], dtype=np.uint8)
            add(np.concatenate([ids_of(number), extra]), np.r_[np.arange(5)[::-1], np.arange(COUNT, COUNT + count)])
    plaintext = delivery_to_bytes(
        np.full((3, 16), 6, dtype=np.uint8) + np.arange(3, dtype=np.uint8)[:, None], ids_of(0)[:1]
    )
    shelf = shelf_of(known, seat, ([],), ([],), ([],))
    first = next(plan for _, plan in seat.passes())
    shelf.held[first.name] = delivered(known, seat, 0, plaintext=plaintext)
    found = collect_hits(seat, shelf, known.third_party.public)
    assert (3, count) == (found.recall.found, found.recall.expected)
    assert not found.recall.enough
    certain = found.found["resultats"].hits.certain
    assert COUNT == len(certain)
    assert [True, True, True, True, False, False] == certain.tolist()


def test_controls_that_are_the_same_in_both_files_come_back_certainly():
    """A doubtful link to one of them is none: only those with a mistake may be doubtful."""
    no, yes = np.zeros(6, dtype=bool), np.ones(6, dtype=bool)
    certain = np.array([True, True, True, True, False, False])
    assert [True] * 4 == came_back(Linked(certain=yes, grey=no), 2).tolist()
    assert [False, True, False, True] == came_back(Linked(certain=no, grey=yes), 2).tolist()
    assert [True, True, False, True] == came_back(Linked(certain=certain, grey=~certain), 2).tolist()


@pytest.mark.parametrize(
    ("alike", "kinds", "last"),
    [
        (None, ("hamming", "hamming", "hamming"), True),
        (None, ("hamming", "exact", "hamming"), False),
        (None, ("exact", "exact", "exact"), True),
        (False, ("hamming", "hamming", "twin"), False),
    ],
    ids=["usual", "number", "numbers", "twins"],
)
def test_whoever_was_in_no_pass_that_could_tell_is_not_compared(seat, alike, kinds, last):
    """The last record is in the second pass only: by a number that the partner may not have, or without a twin."""
    comparison = seat.comparisons[0]
    first, second, third, *_ = comparison.plan.passes
    with seat.folder.row_map(f"{comparison.id}/{second.name}") as add:
        add(ids_of(1)[:1], np.array([5], dtype=np.int64))
    passes = tuple(
        replace(one, twin=first.name) if kind == "twin" else replace(one, measure=kind)
        for one, kind in zip((first, second, third), kinds, strict=True)
    )
    changed = replace(comparison, plan=replace(comparison.plan, passes=passes))
    agreement = replace(seat.agreement, comparisons=(changed,))
    place: Any = SimpleNamespace(agreement=agreement, folder=seat.folder, alike=lambda _: alike)
    assert [*([True] * 5), last] == compared_in(place, [comparison.id], COUNT).tolist()


def test_whoever_objects_is_no_hit(known, seat):
    """Neither for award nor for information, whether the record was sent or not."""
    with seat.folder.row_map(OBJECTING) as add:
        add(np.zeros((3, 16), dtype=np.uint8), np.array([2, 3, 5]))
    found = collect_hits(seat, shelf_of(known, seat, ([0], [1, 2])), known.third_party.public).found["resultats"]
    assert [False, False, False, False, True, False] == found.hits.certain.tolist()
    assert [False, True, False, False, False, False] == found.hits.information.tolist()


def test_a_payload_on_which_passes_disagree_is_left_out():
    """Two passes that link a record to two people say nothing of either."""
    seals = [payload_seal(bytes([k]) * 32, "a" * 64, "b" * 32, "caf.cnous", name, 20) for k, name in enumerate("xy")]
    one, other = (canonical_json([text]) for text in ("2027", "2028"))
    sealed = {
        0: [(seals[0], seals[0].sealed(one)), (seals[1], seals[1].sealed(one))],
        1: [(seals[0], seals[0].sealed(one)), (seals[1], seals[1].sealed(other))],
        2: [(seals[0], seals[1].sealed(one)), (seals[1], seals[1].sealed(other))],
        3: [(seals[0], seals[0].sealed(b""))],
    }
    assert {0: ("2027",), 2: ("2028",)} == payloads_of(sealed, 1)


@pytest.mark.parametrize(
    ("alike", "expected"),
    [(False, {0: "a", 1: "b", 3: "b"}), (True, {0: "b", 1: "a"}), (None, {0: "a", 1: "a", 2: "a"})],
)
def test_a_payload_is_that_of_a_link_that_counts(alike, expected):
    """Where an attribute must differ, the pass whose twin is linked as well tells of somebody else; so does that twin."""
    names = [("x", ""), ("y", ""), ("x-jumelle", "x"), ("y-jumelle", "y")]
    linked = {"x": [0, 1, 2], "y": [1, 2, 3, 0], "x-jumelle": [1, 2], "y-jumelle": [0, 2]}
    texts = {"x": "a", "y": "b", "x-jumelle": "c", "y-jumelle": "d"}
    if alike is None:
        linked["y"] = []
    about = ("a" * 64, "b" * 32, "caf.cnous")
    keys = {name: bytes([place]) * 32 for place, (name, _) in enumerate(names)}
    seat: Any = SimpleNamespace(
        alike=lambda _: alike,
        agreement=SimpleNamespace(identifier=about[0]),
        run=about[1],
        folder=SimpleNamespace(secret=lambda _, name: keys[name.split("/")[1]]),
    )
    plans = [SimpleNamespace(name=name, twin=twin) for name, twin in names]
    comparison: Any = SimpleNamespace(id=about[2], payload_bytes=20, plan=SimpleNamespace(passes=plans))
    opened = []
    for name, _ in names:
        marks = np.isin(np.arange(4), linked[name])
        told = payload_seal(keys[name], *about, name, 20).sealed(canonical_json([texts[name]]))
        covered = Cover(keys[name], (*about, name)).rows(np.frombuffer(told, dtype=np.uint8)[None])[0].tobytes()
        carried = dict.fromkeys(linked[name], covered)
        opened.append((Linked(certain=marks, grey=np.zeros(4, dtype=bool)), carried))
    whole, sealed = together(seat, comparison, opened)
    found = {record: value for record, (value,) in payloads_of(sealed, 1).items()}
    assert expected == found
    assert set(expected) <= set(np.flatnonzero(whole.certain).tolist())


def test_a_demarche_that_informs_awards_nothing(known, seat):
    """Without an award in the use of the output every hit is for information."""
    (output,) = seat.agreement.outputs
    agreement = replace(seat.agreement, outputs=(replace(output, use="information"),))
    informing = replace(seat, stored=replace(seat.stored, agreement=agreement))
    shelf = shelf_of(known, informing, ([0],), ([],), ([],))
    hits = collect_hits(informing, shelf, known.third_party.public).found["resultats"].hits
    assert not hits.certain.any()
    assert hits.information.tolist() == [False, True, True, True, True, True]


def test_a_reference_receives_nothing(known):
    """A source asks for no hits."""
    with pytest.raises(ServiceError, match="E_SANS_RESULTATS"):
        collect_hits(known.seat("cnam"), shelf_of(known, known.seat("cnaf"), [], [], []), known.third_party.public)


def open_first(known: Any, seat: Any, signed: Any) -> Any:
    comparison, plan = next(seat.passes())
    return open_delivery(seat, comparison, plan, known.third_party.public, signed, COUNT)


def test_a_delivery_names_ones_own_records(known, seat):
    """Row ids are translated by the row map of their own pass."""
    links, carried = open_first(known, seat, delivered(known, seat, 0, [0, 3], [1]))
    assert {} == carried
    assert np.flatnonzero(links.certain).tolist() == [0, 3]
    assert np.flatnonzero(links.grey).tolist() == [1]


WRONG: dict[str, dict[str, Any]] = {
    "signed by somebody else": {"signer": Identity.generate("tiers", "Tiers de confiance")},
    "of another run": {"run": "ff" * 16},
    "of another pass": {"pass_": "noms"},
    "of another recipient": {"recipient": "msa"},
    "not a delivery inside": {"plaintext": b"\0" * 4096},
    "a row never sent": {"plaintext": delivery_to_bytes(np.full((1, 16), 250, dtype=np.uint8), ids_of(0)[:0])},
    "a row of another pass": {"plaintext": delivery_to_bytes(ids_of(1)[:1], ids_of(0)[:0])},
    "a row in both lists": {"plaintext": delivery_to_bytes(ids_of(0)[:1], ids_of(0)[:1])},
    "a row named twice": {"plaintext": delivery_to_bytes(ids_of(0)[[1, 1]], ids_of(0)[:0])},
}


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused(known, seat, name):
    """One fault, one refusal, no hit."""
    with pytest.raises(ServiceError, match="E_LIVRAISON"):
        open_first(known, seat, delivered(known, seat, 0, [0], **WRONG[name]))


def test_the_file_of_hits(tmp_path):
    """Own identifiers in file order with their usage, for the owner's eyes only, replaced in one step."""
    path = tmp_path / "sorties" / "hits.csv"
    certain = np.array([True, False, False, False, True, False])
    information = np.array([False, True, False, False, False, False])
    names = ["D0", 'D"1', "D2", "D3", "D4;x", "D5"]
    found = {
        "droits": Found(hits=Hits(certain=certain, information=information)),
        "relances": Found(hits=Hits(certain=np.zeros(6, dtype=bool), information=certain)),
    }
    assert {"droits": (2, 1), "relances": (0, 2)} == write_hits(path, lambda: iter(names), found)
    expected = (
        'identifiant;usage;resultat\r\nD0;attribution;droits\r\n"D""1";information;droits\r\n'
        '"D4;x";attribution;droits\r\nD0;information;relances\r\n"D4;x";information;relances\r\n'
    )
    assert expected.encode() == path.read_bytes()
    assert [path] == list(path.parent.iterdir())
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_payloads_are_columns_and_never_formulas(tmp_path):
    """What a partner tells is text for a spreadsheet, whatever it begins with."""
    path, certain = tmp_path / "hits.csv", np.array([True, True, True])
    payloads = {0: ("2027-01-01", "=1+1"), 2: ("-3", "@x")}
    found = {"r": Found(hits=Hits(certain=certain, information=~certain), payloads=payloads)}
    write_hits(path, lambda: ["A", "B", "C"], found, ("date_fin", "taux"))
    expected = [
        "identifiant;usage;resultat;date_fin;taux",
        "A;attribution;r;2027-01-01;'=1+1",
        "B;attribution;r;;",
        "C;attribution;r;'-3;'@x",
    ]
    assert expected == path.read_text("utf-8").splitlines()


def test_a_file_of_hits_that_cannot_be_named_leaves_nothing(tmp_path):
    """When the name is taken by a folder, no copy of the hits stays beside it."""
    path = tmp_path / "hits.csv"
    path.mkdir()
    certain = np.array([True])
    with pytest.raises(OSError, match="hits"):
        write_hits(path, lambda: ["D0"], {"r": Found(hits=Hits(certain=certain, information=~certain))})
    assert [path] == list(tmp_path.iterdir())
