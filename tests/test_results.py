"""Results on their way to the agent's file."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from linkage.formula import Hits
from service.administration.inbox import Found
from service.administration.journal.journaling import answer
from service.administration.journal.ledger import open_ledger
from service.administration.journal.results import kept_results
from tests.desks import TODAY
from tests.partners import RUN, run_key_of_test, scene

NAMES = [f"D{number}" for number in range(6)]


@pytest.fixture
def seat(tmp_path):
    found = scene(tmp_path).seat("cnaf", key=run_key_of_test())
    found.folder.write_identifiers(NAMES)
    return found


def found_of(certain, information, payloads=None):
    marks = [np.isin(np.arange(6), one) for one in (certain, information)]
    return Found(hits=Hits(certain=marks[0], information=marks[1]), payloads=payloads or {})


def told(found):
    return np.flatnonzero(found.hits.certain).tolist(), np.flatnonzero(found.hits.information).tolist()


def test_results_are_kept_by_output_as_they_are_written(tmp_path, seat):
    """Who may be awarded, who informed, and what was told of them."""
    demarche = replace(seat.stored.demarche, payload=("tranche",))
    with_payload = replace(seat, stored=replace(seat.stored, demarche=demarche))
    results = {"un": found_of([0, 1], [4], {1: ("B",)}), "deux": found_of([], [2])}
    kept = kept_results(tmp_path, with_payload, results, TODAY)
    assert {"un": ([0, 1], [4]), "deux": ([], [2])} == {name: told(one) for name, one in kept.items()}
    with open_ledger(tmp_path) as ledger:
        assert [(f"{RUN}/deux", 6), (f"{RUN}/un", 6)] == [(one.name, one.eligible) for one in ledger.collections()]
        held = {one.identifier: (one.usage, one.payload) for one in ledger.hits(f"{RUN}/un")}
    expected = {"D0": ("attribution", {}), "D1": ("attribution", {"tranche": "B"}), "D4": ("information", {})}
    assert expected == held


def test_who_objected_since_the_encoding_is_in_neither(tmp_path, seat):
    """Fetched once, then again after an objection."""
    results = {"resultats": found_of([0, 1], [4])}
    kept_results(tmp_path, seat, results, TODAY)
    with open_ledger(tmp_path) as ledger:
        answer(ledger, tmp_path, ["D1", "D2"], "opposition", seat.stored.demarche.id, TODAY)
    kept = kept_results(tmp_path, seat, results, date(2026, 11, 21))
    assert ([0], [4]) == told(kept["resultats"])
    with open_ledger(tmp_path) as ledger:
        assert ["D0", "D4"] == sorted(one.identifier for one in ledger.hits(f"{RUN}/resultats"))
