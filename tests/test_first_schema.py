"""The first step is what the tables and rules say, word for word."""

from __future__ import annotations

import pytest

from service.third_party.database import SCHEMA_VERSION
from service.third_party.migrations.first_schema import revision
from tests.first_schema_writer import path, written


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_the_step_was_written_again_after_the_last_change(name):
    """Else: ``python -m tests.first_schema_writer``."""
    assert written(name) == path(name).read_text("utf-8")


def test_there_is_one_step_until_the_first_release():
    """Its revision is the program's."""
    assert SCHEMA_VERSION == revision
