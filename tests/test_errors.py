"""Errors: stable codes, one French title each, one form over HTTP."""

from __future__ import annotations

import re
from pathlib import Path

from service.errors import TITLES, ServiceError, absent, error_body

ROOT = Path(__file__).parent.parent


def test_an_error_has_the_form_of_the_protocol():
    """Code, fixed title, sentence and source, in a list."""
    expected = {
        "errors": [
            {
                "code": "E_ETAT",
                "title": "Action impossible à cette étape",
                "detail": "trop tard.",
                "source": {"pointer": "/x"},
            }
        ]
    }
    assert expected == error_body("E_ETAT", "trop tard.", {"pointer": "/x"})


def test_an_error_carries_its_status_and_says_its_code():
    """The status defaults to 422, the one of a content that is wrong."""
    error = ServiceError("E_MESSAGE", "mal formé.")
    assert (422, {}, "E_MESSAGE : mal formé.") == (error.status, error.source, str(error))


def test_absent_is_always_the_same():
    """Whoever may not know learns nothing from the words."""
    first, second = absent(), absent()
    assert (first.code, first.message, first.status) == (second.code, second.message, 404)


def test_every_code_of_the_third_party_has_a_title():
    """A code written anywhere in the third party's half, or in what both sides read, is in the table."""
    paths = [*(ROOT / "service" / "third_party").glob("*.py")]
    paths += [ROOT / "service" / f"{name}.py" for name in ("forms", "agreement", "messages", "answers")]
    paths += [ROOT / "linkage" / f"{name}.py" for name in ("linker", "blocks", "wire", "plan")]
    used = {code for path in paths for code in re.findall(r'"(E_[A-Z_]+)"', path.read_text("utf-8"))}
    assert set() == used - set(TITLES) - {"E_FORMAT_LIVRAISON"}  # a delivery is read by its recipient only


def test_titles_are_sentences_for_people():
    """Each title starts with a capital, has no code in it and no final point."""
    assert [] == [t for t in TITLES.values() if not t[0].isupper() or "E_" in t or t.endswith(".")]
