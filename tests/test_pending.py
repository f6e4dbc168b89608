"""People who wait for a run of events: sealed, whole, taken once, given back when the run came to nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crypto.errors import CryptoError
from service.administration.extra_people import records_of
from service.administration.pending import Pending
from service.errors import ServiceError
from tests.test_extra_people import told

T, RUN, OTHER = "ab" * 32, "1" * 32, "2" * 32


@pytest.fixture
def pending(tmp_path):
    return Pending(home=tmp_path, agreement=T)


def arrive(pending: Pending, *numbers: int, name: str = "Dupont") -> None:
    """Some people, each with a name of its own."""
    people = [{"nom": f"{name}{number}"} for number in numbers]
    pending.add(records_of(people, ["nom", "date"], [f"id{number}" for number in numbers]))


def taken(pending: Pending, run: str, least: int = 1) -> dict[str, str]:
    """Identifier → name of those whom a run takes."""
    records = pending.take(run, ["nom", "date"], least)
    return {one: values["nom"] for one, values in zip(records.ids, told(records), strict=True)}


def test_people_wait_until_they_are_enough(pending):
    """The refusal says how many are missing, in a band."""
    arrive(pending, *range(60))
    arrive(pending, *range(60, 99))
    with pytest.raises(ServiceError) as caught:
        taken(pending, RUN, 100)
    assert ("E_ATTENTE", True) == (caught.value.code, "moins de 11 personnes" in caught.value.message)
    arrive(pending, 99)
    assert {f"id{number}": f"Dupont{number}" for number in range(100)} == taken(pending, RUN, 100)


def test_somebody_who_arrives_twice_is_there_once(pending):
    """As written down last."""
    arrive(pending, 1, 2)
    arrive(pending, 2, name="Martin")
    assert 2 == pending.count()
    assert {"id1": "Dupont1", "id2": "Martin2"} == taken(pending, RUN)


def test_a_run_takes_the_same_people_each_time_it_is_encoded(pending):
    """Whoever arrives meanwhile waits for the next run, and no run takes what another has."""
    arrive(pending, 1, 2)
    first = taken(pending, RUN)
    arrive(pending, 3)
    assert first == taken(pending, RUN)
    assert 1 == pending.count()
    assert {"id3": "Dupont3"} == taken(pending, OTHER)
    assert 0 == pending.count()


def test_who_comes_after_a_kill_while_a_run_is_settled_is_not_destroyed_with_it(pending):
    """The arrivals of the run are gone and its mark is still there: a new one must not take their name."""
    arrive(pending, 1, 2)
    taken(pending, RUN)
    mark = (pending.home / "pending" / T / f"{RUN}.taken").read_bytes()
    pending.settle(RUN, compared=True)
    (pending.home / "pending" / T / f"{RUN}.taken").write_bytes(mark)
    arrive(pending, 3)
    pending.settle(RUN, compared=True)
    assert {"id3": "Dupont3"} == taken(pending, OTHER)


def test_two_who_arrive_at_once_are_both_there(pending, monkeypatch):
    """Two commands see the same folder: neither writes over the other."""
    monkeypatch.setattr(Pending, "_sealed", lambda _: [])
    arrive(pending, 1)
    arrive(pending, 2)
    monkeypatch.undo()
    assert {"id1": "Dupont1", "id2": "Dupont2"} == taken(pending, OTHER)


def test_a_run_that_was_compared_ends_the_waiting_and_another_does_not(pending):
    """Destroyed, or back among those who wait; settling again changes nothing."""
    arrive(pending, 1, 2)
    taken(pending, RUN)
    arrive(pending, 3)
    pending.settle(RUN, compared=False)
    assert 3 == pending.count()
    assert 3 == len(taken(pending, RUN))
    for _ in range(2):
        pending.settle(RUN, compared=True)
    assert 0 == pending.count()
    assert [] == list(pending.home.rglob("*.sealed"))


def test_nothing_of_anybody_lies_in_clear(pending):
    """Names and identifiers are sealed under a key that only the owner reads; without it nothing opens."""
    arrive(pending, 7)
    files = [path for path in pending.home.rglob("*") if path.is_file()]
    assert all(b"Dupont" not in path.read_bytes() and b"id7" not in path.read_bytes() for path in files)
    key = next(path for path in files if path.name == "keys.json")
    assert 0o600 == key.stat().st_mode & 0o777
    key.unlink()
    with pytest.raises(CryptoError):
        pending.count()


def test_clearing_destroys_all(pending):
    """And the next arrival begins anew."""
    arrive(pending, 1)
    taken(pending, RUN)
    pending.clear()
    assert [] == [path for path in pending.home.rglob("*") if path.is_file()]
    arrive(pending, 2)
    assert {"id2": "Dupont2"} == taken(pending, OTHER)


def test_agreements_wait_apart(tmp_path: Path):
    """The people of one agreement are not those of another."""
    one, other = (Pending(home=tmp_path, agreement=name * 64) for name in "ab")
    arrive(one, 1)
    assert (1, 0) == (one.count(), other.count())


def test_the_case_of_each_person_waits_with_them(pending):
    """Sealed like the rest, and given back under the name of its column; not at all where the démarche has no cases."""
    records = records_of([{"nom": "Dupont"}, {"nom": "Martin"}], ["nom"], ["id1", "id2"])
    pending.add(replace(records, extra={"reference": ["T1", "T2"]}), case="reference")
    found = pending.take(RUN, ["nom"], 1, case="reference")
    assert {"id1": "T1", "id2": "T2"} == dict(zip(found.ids, found.extra["reference"], strict=True))
    assert {} == pending.take(RUN, ["nom"], 1).extra
