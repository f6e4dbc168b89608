"""Templates: what they may use, in which box they run, how a bad one is refused."""

from __future__ import annotations

import pytest

from service.administration.campaign.templates import own_text, read_steps, rendered, shipped
from service.errors import ServiceError


def test_a_template_gets_its_values_and_nothing_else():
    """No name of the interpreter, no attribute of its objects, no loader."""
    assert "Bonjour Zoé.\n" == rendered("x", "Bonjour {{ nom }}.  \n\n", {"nom": "Zoé"})
    for source in (
        "{{ autre }}",
        "{{ nom.__class__.__mro__ }}",
        "{% include 'x' %}",
        "{% for %}",
        "{{ range(9) }}",
        "{{ 1 / 0 }}",
        "{{ nom + 1 }}",
    ):
        with pytest.raises(ServiceError) as refused:
            rendered("courrier", source, {"nom": "Zoé"})
        assert ("E_GABARIT", True) == (refused.value.code, refused.value.message.startswith("courrier : "))


def test_files_are_utf_8_and_there(tmp_path):
    """With or without a mark; another encoding says so."""
    path = tmp_path / "sms.txt"
    path.write_bytes("\ufeffé".encode())
    assert "é" == own_text(path)
    path.write_bytes("é".encode("latin-1"))
    with pytest.raises(ServiceError, match="UTF-8"):
        own_text(path)
    with pytest.raises(ServiceError, match="E_GABARIT"):
        shipped("rien.txt")


@pytest.mark.parametrize("text", ["[a", "[a]\nobjet = 'x'", "a = 1", "[a]\nobjet = 1\nbref = 'x'\nphrase = 'x'"])
def test_a_step_has_three_texts(text):
    """Neither more nor less, and texts."""
    with pytest.raises(ServiceError, match="E_GABARIT"):
        read_steps(text)
