"""Files of a démarche out of the invented département."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from service.administration.selecting import PeopleFile, read_people
from service.demonstration.catalogue import DAY
from service.demonstration.town_files import write_parameters
from tests.small_town import files


@pytest.mark.parametrize("name", ["transport-solidaire", "aides-renovation", "pass-sport"])
def test_the_tool_reads_of_each_file_whom_it_selects(name, tmp_path):
    """In its administration's form, with the columns that the sheet asks for; each row has its person and its contacts."""
    demarche, parts, parameters = files(name, tmp_path)
    for operand, part in parts.items():
        held = demarche.operands[operand]
        own = parameters if held.local_filter or held.computations else None
        read, _ = read_people(demarche, operand, PeopleFile(path=part.path, parameters=own), DAY)
        selected = [one for one, there in zip(part.ids, part.selected.tolist(), strict=True) if there]
        assert sorted(selected) == sorted(read.ids), operand
        assert {len(part.ids)} == {len(part.entity), len(part.taken), *map(len, part.contacts.values())}, operand


def test_parameters_are_written_as_an_agent_would(tmp_path):
    """Texts, numbers and lists of texts."""
    values: dict[str, Any] = {"ressort": ["96001", "96002"], "plafond": 15000, "zone": "Q1"}
    assert values == tomllib.loads(write_parameters(tmp_path / "p.toml", values).read_text("utf-8"))
