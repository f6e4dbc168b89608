"""What declarations are made of: shared options and forms of single values."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import pytest

from service.french_arguments import FrenchParser
from service.stanzas import add, add_file, add_home, add_timeout, day, duration, group, pair


def test_a_command_and_an_action():
    """Words lead to the name of a function; shared options are read."""
    parser = FrenchParser(prog="allervers")
    commands = parser.add_subparsers(required=True)
    one = add_home(add(commands, "one", "place:one", "un"))
    add_timeout(one)
    add_file(one)
    add(group(commands, "two", "deux"), "three", "place:three", "trois")
    args = parser.parse_args(["one", "--home", "H", "--timeout", "1.5", "f.csv", "--extraction", "2026-02-28"])
    assert ("place:one", "H", 1.5, Path("f.csv")) == (args.command, args.home, args.timeout, args.file)
    assert date(2026, 2, 28) == args.extraction
    assert "place:three" == parser.parse_args(["two", "three"]).command


@pytest.mark.parametrize("text", ["a", "=b", "a="])
def test_a_pair_has_two_sides(text):
    """Both are needed."""
    assert ("a", "b=c") == pair("a=b=c")
    with pytest.raises(argparse.ArgumentTypeError):
        pair(text)


def test_a_day_is_a_day():
    """Of the calendar, and written one way."""
    assert date(2024, 2, 29) == day("2024-02-29")
    with pytest.raises(argparse.ArgumentTypeError):
        day("2023-02-29")


def test_a_duration_is_above_nothing():
    """With a comma or a point; nothing, less than nothing and no number are refused."""
    assert (0.5, 2.0) == (duration("0,5"), duration("2"))
    for text in ("0", "-1", "inf", "nan", "cinq"):
        with pytest.raises(argparse.ArgumentTypeError):
            duration(text)
