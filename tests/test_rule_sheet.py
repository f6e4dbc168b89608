"""A démarche, once read, gives its linkage sheet and its rule, and loads nothing before it is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service.demarche import load_demarche


def test_sheet_and_rule_belong_to_the_demarche():
    """The profile's sheet with the démarche's columns; the parsed expression."""
    demarche = load_demarche("c2s-rsa")
    assert ("P1", ("rsa", "c2s")) == (demarche.sheet().name, demarche.rule().operands)
    assert {"rsa", "c2s"} == set(demarche.sheet().columns)


def test_a_demarche_cannot_be_changed():
    """What was reviewed stays what it is."""
    with pytest.raises(AttributeError):
        load_demarche("c2s-rsa").purpose = "information"  # type: ignore[misc]


def test_importing_it_loads_nothing_of_the_encoder():
    """The third party may import this module."""
    code = "import sys, service.rule_sheet; print([m for m in sys.modules if m.startswith('linkage.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()
