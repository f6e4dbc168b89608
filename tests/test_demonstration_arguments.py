"""The words of the demonstration."""

from __future__ import annotations

import pytest

from service.cli import build_parser


def test_the_words_of_the_demonstration():
    """By themselves the main job; with --all, or with names, the catalogue."""
    alone = build_parser().parse_args(["demo"])
    assert (False, None, None, False) == (alone.all, alone.only, alone.people, alone.json)
    some = build_parser().parse_args(["demo", "--only", "c2s-rsa", "ars", "--explain", "--json", "--people", "3000"])
    assert (["c2s-rsa", "ars"], True, True, 3000) == (some.only, some.explain, some.json, some.people)


def test_a_number_of_people_is_a_number(capsys):
    """Anything else is a wrong usage."""
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["demo", "--people", "beaucoup"])
    assert (2, True) == (ended.value.code, "--people" in capsys.readouterr().err)
