"""The threat model is true in what can be checked: every threat and requirement leads to tests that exist and run."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
REQUIREMENTS = [f"Q{number}" for number in range(1, 18)]
THREATS = [f"T{number}" for number in range(1, 15)]
NEVER = {"skip", "xfail", "soak"}  # marks of tests that a plain run leaves out


def rows(letter: str) -> dict[str, list[str]]:
    """The cells of the rows that begin with a letter and a number."""
    lines = [
        [cell.strip() for cell in line.strip("|\n").split(" | ")] for line in PAGE.splitlines() if line[:2] == "| "
    ]
    found = [line for line in lines if re.fullmatch(rf"{letter}\d+", line[0])]
    assert len({line[0] for line in found}) == len(found)
    return {line[0]: line[1:] for line in found}


@cache
def marks_of(path: str) -> dict[str, set[str]]:
    """The tests of a file and the marks of each, those of the whole file included."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    whole = {name for node in tree.body if isinstance(node, ast.Assign) for name in _marks(node.value)}
    return {
        node.name: whole | {name for one in node.decorator_list for name in _marks(one)}
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _marks(node: ast.AST) -> set[str]:
    return {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) in ("pytest.mark", "mark")
    }


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_requirement_names_tests_that_run(requirement):
    """Each of the 17 has its row; each test named there is one, and no plain run leaves it out."""
    what, tests, rest = rows("Q")[requirement]
    named = re.findall(r"`(tests/\w+\.py)::(\w+)`", tests)
    assert named
    assert len(named) == tests.count("::")
    assert what
    assert rest
    for path, name in named:
        assert set() == marks_of(path)[name] & NEVER, f"{path}::{name}"


def test_there_is_no_other_requirement():
    """The table holds these 17."""
    assert REQUIREMENTS == list(rows("Q"))


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_says_its_defence_its_tests_and_what_remains(threat):
    """Each adversary has all four cells, and files of tests that run; only collusion has no defence."""
    adversary, defence, tests, rest = rows("T")[threat]
    assert adversary
    assert rest
    if threat == "T6":
        assert ("none by construction", "–") == (defence, tests)
        assert "accepted" in rest
        return
    named = re.findall(r"`(tests/\w+\.py)`", tests)
    assert named
    for path in named:
        assert any(not marks & NEVER for marks in marks_of(path).values()), path


def test_secrets_come_from_the_generator_of_the_system():
    """Where keys are, nothing is imported from a generator that repeats itself."""
    for package in ("crypto", "service"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not {"random", "numpy.random"} & names, path.name
            if path.name != "risk_commands.py":  # draws which blocks are attacked, no secret
                assert "default_rng" not in path.read_text("utf-8"), path.name
