"""The catalogue end to end, as far as it takes a second: a selection without comparison, the sheets that must be refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from service.administration.app import real_time
from service.demonstration.catalogue import Catalogue, Tools, refused_sheets, run_catalogue
from service.errors import ServiceError
from tests.test_score import LINE


def test_a_local_demarche_from_its_file_to_its_messages():
    """Everybody who swims in danger is found, and messages by channel are counted."""
    told: list[str] = []
    tools = Tools(clock=real_time, say=told.append)
    found = run_catalogue(1500, 2026, ["avertir-evenement"], tools)
    (line,) = found.lines
    assert (0, 0, True) == (line.lost, line.useless, found.well)
    assert line.eligible == line.hits > 20
    assert 0 < sum(line.messages.values()) <= line.hits
    assert {} == found.refused
    assert told[0].startswith("département inventé : ")
    assert told[-1].startswith("1 démarches, 1 résultats, 0 en échec")
    assert "avertir-evenement" == json.loads(json.dumps(found.to_json()))["lines"][0]["demarche"]


def test_an_unknown_demarche_is_refused_before_anything_is_built():
    """With the tool's own code."""
    with pytest.raises(ServiceError) as caught:
        run_catalogue(1500, 2026, ["nulle-part"], Tools(clock=real_time, say=print))
    assert caught.value.code.startswith("E_DEMARCHE")


def test_the_sheets_that_must_be_refused_are():
    """Each for its reason."""
    expected = {
        "NEG-controle": "E_FINALITE_INTERDITE",
        "NEG-defense": "E_DEFENSE_NATIONALE",
        "NEG-veille-medicale": "E_SECRET_MEDICAL",
    }
    assert expected == refused_sheets()


def test_what_falls_short_is_not_well():
    """A floor, a failure, a sheet that was accepted."""
    assert Catalogue(lines=[LINE], refused={"NEG-x": "E_X"}).well
    assert not Catalogue(lines=[replace(LINE, floor="rappel")]).well
    assert not Catalogue(failed={"x": "E_X"}).well
    assert not Catalogue(refused={"NEG-x": ""}).well
    assert (
        "1 démarches, 1 résultats, 0 en échec, 1 sous un plancher" in Catalogue(lines=[replace(LINE, floor="x")]).text
    )
