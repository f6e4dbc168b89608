"""Records passed on to the body that acts."""

import csv
from dataclasses import replace
from datetime import timedelta

import pytest

from service.administration.journal.ledger import open_ledger, trace_use
from service.administration.journal.passing_on import Homes, pass_on
from service.demarche import load_demarche
from service.errors import ServiceError
from tests.desks import NAME, TODAY, Desk

DEMARCHE = load_demarche("c2s-rsa")


@pytest.fixture
def desk(tmp_path):
    found = Desk(tmp_path)
    found.fill(4)
    return found


def identifiers(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["identifiant"] for row in csv.DictReader(file, delimiter=";")]


def test_only_what_may_be_awarded_is_passed_on(desk, tmp_path):
    """Noted for those people, and for nobody else; the fields are those of the démarche."""
    with open_ledger(desk.home) as ledger:
        passed = pass_on(ledger, NAME, DEMARCHE, "c2s", tmp_path / "out.csv", TODAY)
        traces = [
            [what for what, _ in ledger.traces(NAME, ledger.keys.token(trace_use(NAME), one))] for one in ("P0", "P1")
        ]
    assert ["P0", "P2"] == identifiers(tmp_path / "out.csv")
    assert [["hit", "transmission:c2s"], ["hit"]] == traces
    assert "identite" in passed.fields
    assert (2, 0) == (passed.people, passed.kept)


def test_an_information_passes_everybody(desk, tmp_path):
    """Where the output awards nothing."""
    informing = replace(DEMARCHE, outputs=(replace(DEMARCHE.outputs[0], use="information"),))
    with open_ledger(desk.home) as ledger:
        pass_on(ledger, NAME, informing, "c2s", tmp_path / "out.csv", TODAY)
    assert ["P0", "P1", "P2", "P3"] == identifiers(tmp_path / "out.csv")


def test_what_the_demarche_does_not_foresee_is_refused(desk, tmp_path):
    """Another body, or another output; nothing is written nor noted."""
    only = replace(DEMARCHE, onward=tuple(replace(one, only=("autre",)) for one in DEMARCHE.onward))
    for demarche, receiver in ((DEMARCHE, "rsa"), (only, "c2s"), (replace(DEMARCHE, onward=()), "c2s")):
        with open_ledger(desk.home) as ledger, pytest.raises(ServiceError) as caught:
            pass_on(ledger, NAME, demarche, receiver, tmp_path / "out.csv", TODAY)
        assert "E_TRANSMISSION" == caught.value.code
    assert not (tmp_path / "out.csv").exists()


def test_the_file_is_its_owners_alone(desk, tmp_path):
    """It lists people who have a right."""
    with open_ledger(desk.home) as ledger:
        pass_on(ledger, NAME, DEMARCHE, "c2s", tmp_path / "out.csv", TODAY)
    assert 0o600 == (tmp_path / "out.csv").stat().st_mode & 0o777


def test_results_whose_time_is_over_are_not_passed_on(desk, tmp_path):
    """Though no purge has destroyed them yet."""
    with open_ledger(desk.home) as ledger, pytest.raises(ServiceError) as caught:
        pass_on(ledger, NAME, DEMARCHE, "c2s", tmp_path / "out.csv", ledger.collection(NAME).until)
    assert "E_RESULTATS_DETRUITS" == caught.value.code
    assert not (tmp_path / "out.csv").exists()


def test_who_acts_knows_until_when_a_person_may_refuse(desk, tmp_path):
    """Thirty days from the first message; nothing runs for somebody who got none; without a delay, no such column."""
    with open_ledger(desk.home) as ledger:
        ledger.trace(NAME, [ledger.keys.token(trace_use(NAME), "P0")], "message:courrier", TODAY)
        ledger.trace(NAME, [ledger.keys.token(trace_use(NAME), "P0")], "message:sms", TODAY + timedelta(days=9))
        pass_on(ledger, NAME, DEMARCHE, "c2s", tmp_path / "out.csv", TODAY)
        direct = replace(DEMARCHE, action=replace(DEMARCHE.action, refusal_days=None))
        pass_on(ledger, NAME, direct, "c2s", tmp_path / "direct.csv", TODAY)
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    until = (TODAY + timedelta(days=30)).isoformat()
    assert [["identifiant", "refus_possible_jusqu_au"], ["P0", until], ["P2", ""]] == rows
    assert "refus_possible" not in (tmp_path / "direct.csv").read_text("utf-8-sig")


def households(**homes):
    return {name: home or f"personne {name}" for name, home in homes.items()}


def family(demarche):
    return replace(demarche, identity_terms=replace(demarche.identity_terms, entity="foyer"))


def test_a_household_is_passed_on_once_and_whole(desk, tmp_path):
    """P0 and P2 live together: one number; a member who is excluded, or a doubtful hit, keeps a household back."""
    homes = households(P0="F1", P1="F2", P2="F1", P3="F3")
    with open_ledger(desk.home) as ledger:
        passed = pass_on(
            ledger, NAME, family(DEMARCHE), "c2s", tmp_path / "out.csv", TODAY, Homes(of=homes, excluded=())
        )
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["identifiant"], row["foyer"]) for row in csv.DictReader(file, delimiter=";")]
    assert ([("P0", "1"), ("P2", "1")], 2, 0) == (rows, passed.people, passed.kept)
    for of, excluded in ((homes, {"F1"}), (homes | {"P1": "F1"}, set())):
        with open_ledger(desk.home) as ledger:
            told = Homes(of=of, excluded=excluded)
            passed = pass_on(ledger, NAME, family(DEMARCHE), "c2s", tmp_path / "out.csv", TODAY, told)
        assert (0, 2) == (passed.people, passed.kept)


def test_nobody_is_passed_on_whose_household_is_unknown(desk, tmp_path):
    """Without contacts the file is refused, and not written; whom the contacts do not know stays behind."""
    with open_ledger(desk.home) as ledger:
        with pytest.raises(ServiceError) as caught:
            pass_on(ledger, NAME, family(DEMARCHE), "c2s", tmp_path / "out.csv", TODAY)
        assert ("E_FOYERS", False) == (caught.value.code, (tmp_path / "out.csv").exists())
        told = Homes(of=households(P0="F1"), excluded=())
        pass_on(ledger, NAME, family(DEMARCHE), "c2s", tmp_path / "out.csv", TODAY, told)
    assert ["P0"] == identifiers(tmp_path / "out.csv")
