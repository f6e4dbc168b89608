"""The operator's journal says what happened and never what it was about."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linkage.blocks import Skew
from service.errors import ServiceError
from service.third_party.journal import ALLOWED, dropped, incident_line, line, pass_line

ROOT = Path(__file__).parent.parent
START = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)


def test_a_line_is_one_json_object():
    """Members that are None are left out."""
    text = line(START, method="GET", route="/v1/runs/{run}", status=200, party=None, event="request")
    assert 1 == len(text.splitlines())
    expected = {
        "at": "2026-11-20T08:00:00Z",
        "method": "GET",
        "route": "/v1/runs/{run}",
        "status": 200,
        "event": "request",
    }
    assert expected == json.loads(text)


@pytest.mark.parametrize("name", ["body", "query", "address", "run", "message", "exc_info", "stack"])
def test_what_is_not_allowed_is_dropped_and_counted(name):
    """The list is closed: the member goes, the line stays."""
    assert name not in ALLOWED
    before = dropped()
    assert {"at", "event"} == set(json.loads(line(START, event="request", **{name: "Dupont"})))
    assert before + 1 == dropped()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("route", "/v1/runs/0123?x=Dupont"),
        ("route", "/v1/runs/Dupont Marie"),
        ("event", 'a"\n'),
        ("party", "Dupont"),
        ("status", "Dupont"),
        ("status", True),
        ("error", "ValueError: Dupont"),
        ("place", "Dupont Marie"),
        ("code", "Dupont"),
        ("library", "dupont"),
    ],
)
def test_a_value_that_has_not_its_form_is_dropped(name, value):
    """An allowed member cannot carry a text of another kind."""
    before = dropped()
    assert name not in json.loads(line(START, **{name: value}))
    assert before + 1 == dropped()


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
    """In bands; smaller groups are not written down, nor anything about links."""
    skew = Skew(blocks=12, pairs=437, largest=10, largest_pairs=9, heaviest_share=0.253, median=11, ninth_decile=0,
                last_percentile=99)  # fmt: skip
    expected = {
        "event": "pass",
        "blocks": 11,
        "pairs": 200,
        "median": 11,
        "last_percentile": 50,
        "heaviest_percent": 25,
    }
    assert {"at": "2026-11-20T08:00:00Z", **expected} == json.loads(pass_line(START, skew))


@pytest.mark.S5
def test_no_word_of_a_library_nor_of_an_uncaught_exception_is_written():
    """In a process of its own: loggers of libraries, warnings, threads and the process's own end."""
    code = """
import logging, sys, threading, warnings
from datetime import UTC, datetime
from service.third_party.journal import take_over
lines = []
take_over(lambda text: print(text, flush=True), lambda: datetime(2026, 11, 20, tzinfo=UTC))
import dbos._logger
dbos._logger.init_logger()
logging.getLogger("uvicorn.error").error("Dupont %s", "Marie")
logging.getLogger("dbos").error("Dupont", exc_info=ValueError("Dupont"))
logging.getLogger("sqlalchemy.pool").critical("Dupont")
logging.getLogger("someone").warning("Dupont")
logging.getLogger("uvicorn").info("Dupont")
warnings.warn("Dupont")
def fail(): raise KeyError("Dupont")
thread = threading.Thread(target=fail); thread.start(); thread.join()
raise RuntimeError("Dupont")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (1, "") == (done.returncode, done.stderr)
    assert "Dupont" not in done.stdout
    lines = [json.loads(one) for one in done.stdout.splitlines()]
    told = [(one["event"], one.get("library"), one.get("level"), one.get("error")) for one in lines]
    assert [
        ("library", "uvicorn", "error", None),
        ("library", "dbos", "error", "ValueError"),
        ("library", "sqlalchemy", "critical", None),
        ("library", "other", "warning", None),
        ("library", "py", "warning", None),
        ("uncaught", None, None, "KeyError"),
        ("uncaught", None, None, "RuntimeError"),
    ] == told
