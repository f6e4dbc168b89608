"""Whoever objects: left out of what is asked for, kept in what is excluded, hidden among invented people where sent apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linkage.columns import Texts
from linkage.records import MISSING, Column, Records
from service.administration.conventions import StoredAgreement
from service.administration.objectors import Attached, sent_in
from service.administration.run_folder import RunFolder
from service.administration.seat import Seat
from service.demarche import load_demarche
from service.errors import ServiceError
from tests.test_agreement import AGREEMENT, CAF, CNOUS

COUNT = 12
OBJECTING = np.isin(np.arange(COUNT), [0, 5, 11])
(ASKED,) = AGREEMENT.comparisons
SENT = replace(ASKED, id="caf.cnous.oppositions", subject="oppositions", sizes=replace(ASKED.sizes, source=10))


def place(party: str, *, excluded: bool = False, folder: Path = Path("no such run")) -> Seat:
    """The seat of a party, whose output asks for a link or excludes one."""
    (output,) = AGREEMENT.outputs
    other = replace(output, requires=(), excludes=output.requires) if excluded else output
    agreement, identity = replace(AGREEMENT, outputs=(other,)), {"caf": CAF, "cnous": CNOUS}[party]
    stored = StoredAgreement(agreement=agreement, demarche=load_demarche("c2s-rsa"), signatures={})
    known = {one.party: one.public for one in (CAF, CNOUS)}
    return Seat(identity=identity, stored=stored, folder=RunFolder(folder), pins=known.__getitem__)


@pytest.fixture(scope="module")
def records():
    """Twelve people, each with a surname of its own; one has no sex."""
    names = [one.name for one in load_demarche("c2s-rsa").sheet().attributes]
    empty = np.full(COUNT, MISSING, dtype=np.int32)
    columns = {name: Column(values=Texts.of([]), codes=empty) for name in names}
    columns["nom_naissance"] = Column(
        values=Texts.of([f"NOM{number}" for number in range(COUNT)]), codes=np.arange(COUNT, dtype=np.int32)
    )
    return Records(ids=[f"D{number}" for number in range(COUNT)], columns=columns)


PAYLOADS = [bytes([number]) for number in range(COUNT)]
LEFT = [number for number in range(COUNT) if not OBJECTING[number]]


@pytest.mark.parametrize("party", ["cnous", "caf"])
def test_they_are_left_out_where_people_are_asked_for(records, party):
    """At the source and at the recipient; those who stay keep their numbers, values and payloads."""
    sent = sent_in(place(party), ASKED, records, Attached(payloads=PAYLOADS, objecting=OBJECTING))
    assert LEFT == sent.numbers.tolist()
    assert [PAYLOADS[number] for number in LEFT] == list(sent.payloads)
    assert [f"D{number}" for number in LEFT] == list(sent.records.ids) == sent.records.ids[:]
    column = sent.records.columns["nom_naissance"]
    assert [f"NOM{number}" for number in LEFT] == [column.values[code] for code in column.codes]
    assert LEFT[3:6] == column.part(3, 6).tolist()
    assert [] == column.part(4, 4).tolist()


def test_they_stay_where_whoever_is_linked_is_excluded(records):
    """To leave them out would make hits of them; the recipient leaves out its own all the same."""
    attached = Attached(objecting=OBJECTING)
    assert COUNT == len(sent_in(place("cnous", excluded=True), ASKED, records, attached).records)
    assert len(LEFT) == len(sent_in(place("caf", excluded=True), ASKED, records, attached).records)


UNDECIDED = np.isin(np.arange(COUNT), [1, 5])


def both_ways(party: str) -> Seat:
    """The seat of a party, one of whose outputs asks for a link that another excludes."""
    seat = place(party)
    (output,) = seat.agreement.outputs
    other = replace(output, name="autres", requires=(), excludes=output.requires)
    agreement = replace(seat.agreement, outputs=(other, output))
    return replace(seat, stored=replace(seat.stored, agreement=agreement))


def test_whoever_cannot_be_judged_only_takes_away(records):
    """Sent where the file only excludes, left out wherever somebody is asked for, at the recipient too."""
    attached, left = Attached(undecided=UNDECIDED), np.flatnonzero(~UNDECIDED).tolist()
    assert COUNT == len(sent_in(place("cnous", excluded=True), ASKED, records, attached).records)
    for seat in (place("cnous"), both_ways("cnous"), place("caf"), place("caf", excluded=True)):
        assert left == sent_in(seat, ASKED, records, attached).numbers.tolist()
    mixed = replace(attached, objecting=OBJECTING)
    assert [0, 1, 5, 11] == mixed.withheld.tolist()
    assert [] == Attached().withheld.tolist()
    everybody = sent_in(place("cnous", excluded=True), ASKED, records, mixed)
    assert list(range(COUNT)) == everybody.numbers.tolist()
    assert np.flatnonzero(~UNDECIDED).tolist() == sent_in(both_ways("cnous"), ASKED, records, mixed).numbers.tolist()
    assert [2, 3, 4, 6, 7, 8, 9, 10] == sent_in(place("cnous"), ASKED, records, mixed).numbers.tolist()


@pytest.mark.parametrize("attached", [Attached(payloads=PAYLOADS), Attached(objecting=np.zeros(COUNT, dtype=bool))])
def test_without_objections_the_file_goes_as_it_is(records, attached):
    """The very same records."""
    sent = sent_in(place("cnous"), ASKED, records, attached)
    assert records is sent.records
    assert attached.payloads is sent.payloads
    assert list(range(COUNT)) == sent.numbers.tolist()


@pytest.mark.parametrize("objecting", [OBJECTING, np.zeros(COUNT, dtype=bool), None])
def test_objections_are_sent_among_invented_people(records, objecting, tmp_path):
    """As many rows whether three object or nobody; those invented have everything filled in, and are others in each run.

    Encoded a second time in a run they are the same: two uploads of a pass under the same keys tell nobody who is invented.
    """
    attached = Attached(payloads=PAYLOADS, objecting=objecting)
    seats = [place("cnous", folder=tmp_path / name) for name in ("run", "other")]
    for seat in seats:
        seat.folder.create("0" * 64)
    sent, same, again = (sent_in(seat, SENT, records, attached) for seat in (seats[0], seats[0], seats[1]))
    for name, column in sent.records.columns.items():
        other = same.records.columns[name]
        values, others = (
            [one.values[code] if code != MISSING else None for code in one.codes] for one in (column, other)
        )
        assert values == others
    assert 10 == len(sent.records) == len(sent.numbers)
    assert () == sent.payloads
    real = np.flatnonzero(objecting).tolist() if objecting is not None else []
    assert [*real, *range(COUNT, COUNT + 10 - len(real))] == sent.numbers.tolist()
    column, other = sent.records.columns["nom_naissance"], again.records.columns["nom_naissance"]
    names = [column.values[code] for code in column.codes]
    assert [f"NOM{number}" for number in real] == names[: len(real)]
    assert len(set(names)) > 8
    assert names[len(real) :] != [other.values[code] for code in other.codes][len(real) :]
    assert (sent.records.columns["sexe"].codes[len(real) :] != MISSING).all()


def test_more_objections_than_were_declared_are_refused(records):
    """The number that hides them must hold them."""
    with pytest.raises(ServiceError, match="E_EFFECTIF_DEPASSE"):
        sent_in(place("cnous"), SENT, records, Attached(objecting=np.ones(COUNT, dtype=bool)))
