"""The operator's journal says what happened and never what it was about."""

from __future__ import annotations

import json

import pytest

from linkage.blocks import Skew
from service.errors import ServiceError
from service.third_party.journal import ALLOWED, incident_line, line, pass_line
from tests.simulator import START


def test_a_line_is_one_json_object():
    """Members that are None are left out; text cannot break the line."""
    text = line(START, method="GET", route="/v1/runs/{run}", status=200, party=None, event='a"\n')
    assert 1 == len(text.splitlines())
    expected = {
        "at": "2026-11-20T08:00:00Z",
        "method": "GET",
        "route": "/v1/runs/{run}",
        "status": 200,
        "event": 'a"\n',
    }
    assert expected == json.loads(text)


@pytest.mark.parametrize("name", ["body", "query", "address", "run", "message"])
def test_what_is_not_allowed_cannot_be_written(name):
    """The list is closed."""
    assert name not in ALLOWED
    with pytest.raises(ValueError, match="journal"):
        line(START, **{name: "x"})


def failing(error: Exception) -> str:
    """The line about an exception raised here."""
    try:
        raise error  # noqa: TRY301 - for its place
    except Exception as caught:  # noqa: BLE001 - as the HTTP handler does
        return incident_line(START, "request", caught)


def test_an_incident_tells_type_place_and_code_but_no_sentence():
    """Sentences of exceptions may hold anything: they stay out."""
    ours = json.loads(failing(ServiceError("E_ETAT", "Dupont Marie 1985")))
    assert ("ServiceError", "E_ETAT") == (ours["error"], ours["code"])
    assert ours["place"].startswith("test_journal.py:")
    theirs = json.loads(failing(KeyError("Dupont Marie")))
    assert {"at", "event", "error", "place"} == set(theirs)
    assert "Dupont" not in failing(KeyError("Dupont Marie")) + failing(ServiceError("E_ETAT", "Dupont"))


def test_an_incident_without_a_place_is_told_too():
    """An exception that was never raised has no frame."""
    assert "place" not in json.loads(incident_line(START, "worker", ValueError("x")))


def test_a_pass_tells_sizes_of_eleven_or_more():
    """Smaller groups are not written down, nor anything about links."""
    skew = Skew(blocks=12, pairs=400, largest=10, largest_pairs=9, heaviest_share=0.253, median=11, ninth_decile=0,
                last_percentile=99)  # fmt: skip
    expected = {
        "event": "pass",
        "blocks": 12,
        "pairs": 400,
        "median": 11,
        "last_percentile": 99,
        "heaviest_percent": 25,
    }
    assert {"at": "2026-11-20T08:00:00Z", **expected} == json.loads(pass_line(START, skew))
