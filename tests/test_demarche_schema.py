"""The schema for editors tells the grammar that the reader reads."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path

import jsonschema_rs
import pytest

from service.demarche import demarche_text, list_demarches, parse_demarche
from service.demarche_schema import demarche_schema
from service.errors import ServiceError
from tests.sheets import SHEET

VALIDATOR = jsonschema_rs.Draft202012Validator(demarche_schema())


def test_the_shipped_schema_is_this_one():
    """`service/demarches/demarche.schema.json` is written from here."""
    shipped = resources.files("service").joinpath("demarches", "demarche.schema.json").read_text("utf-8")
    assert demarche_schema() == json.loads(shipped)


@pytest.mark.parametrize("name", list_demarches())
def test_every_shipped_sheet_is_valid_and_names_the_schema(name):
    """What runs is what an editor accepts."""
    text = demarche_text(name)
    assert text.startswith("#:schema demarche.schema.json\n")
    assert [] == [str(error) for error in VALIDATOR.iter_errors(tomllib.loads(text))]


SCHEMA_REFUSES = {
    "an unknown key": ('titre = "Essai"', 'titre = "Essai"\ncouleur = "bleu"'),
    "an unknown key in a table": ('mode = "information"', 'mode = "information"\ncouleur = "bleu"'),
    "another version": ("demarche/v1", "demarche/v2"),
    "a purpose of control": ('finalite = "information"', 'finalite = "controle"'),
    "no fallback": ('repli_sans_numerique = ["courrier"]', "repli_sans_numerique = []"),
    "an unknown channel": ('canaux = ["courrier"]', 'canaux = ["pigeon"]'),
    "a missing entry": ('resultats = "P12M"\n', ""),
    "a mistyped entry": ("publication_liste = true", 'publication_liste = "oui"'),
    "an unknown rule": ('"intersection"', '"oracle"'),
    "a duration without a unit": ('"P12M"', '"12"'),
    "an operand of a bad name": ("[parties.a]", "[parties.A]"),
    "a step of another form": (
        'mode = "information"',
        'mode = "information"\n[[parcours]]\na = "Demain"\ngabarit = "x"',
    ),
}


@pytest.mark.parametrize("name", SCHEMA_REFUSES)
def test_what_the_schema_refuses_the_reader_refuses(name):
    """Neither lets through what the other stops, where a schema can tell."""
    old, new = SCHEMA_REFUSES[name]
    assert old in SHEET
    text = SHEET.replace(old, new)
    assert not VALIDATOR.is_valid(tomllib.loads(text))
    with pytest.raises(ServiceError):
        parse_demarche(text)
    assert VALIDATOR.is_valid(tomllib.loads(SHEET))


def test_every_key_of_a_shipped_sheet_is_described():
    """Editors show a sentence for each key at the top."""
    keys = {key for name in list_demarches() for key in tomllib.loads(demarche_text(name))}
    assert keys <= set(demarche_schema()["properties"])
    assert Path("service/demarches").is_dir()
