"""The pages are true: commands parse, links lead somewhere, every code, module, label and format is where it should be."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.framing import Label
from service.cli import build_parser
from service.messages import RunState

ROOT = Path(__file__).parent.parent
PACKAGES = ("crypto", "linkage", "service")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL_PAGES = [*PAGES, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# What a page leaves for its reader to fill in where only some words are accepted.
PLACEHOLDERS = {"AAAA-MM-JJ": "2026-11-20", "MINUTES": "60", "=N": "=1000", "OPERANDE=PARTIE": "rsa=cnaf"}


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def fences(page: Path) -> list[str]:
    """The contents of a page's fenced blocks."""
    return re.findall(r"^```[a-z]*\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def spans(page: Path) -> list[str]:
    """The contents of a page's inline code."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def command_lines(page: Path) -> Iterator[str]:
    """Every line of a fenced block that is an `allervers` command, also where a unit or a shell prompt stands before it."""
    for block in fences(page):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.match(r"(?:\$ |ExecStart=\S*/)?(allervers\s.*)", line.strip())
            if found:
                yield found[1]


COMMAND_LINES = sorted({(page.name, line) for page in PAGES for line in command_lines(page)})


def subcommands(parser: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(words, parser) of every command that does something."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, parser
    for action in inner:
        for name, one in action.choices.items():
            yield from subcommands(one, (*words, name))


COMMANDS = dict(subcommands(build_parser()))


def words_of(line: str) -> list[str]:
    """The arguments of a command line, comments away and placeholders filled in."""
    for placeholder, value in PLACEHOLDERS.items():
        line = line.replace(placeholder, value)
    return shlex.split(line, comments=True)[1:]


def command_of(words: list[str]) -> tuple[str, ...]:
    return max((one for one in COMMANDS if tuple(words[: len(one)]) == one), key=len)


@pytest.mark.parametrize(("page", "line"), COMMAND_LINES)
def test_every_command_shown_is_one(page, line):
    """A command line of a page is accepted by the command's own parser."""
    try:
        build_parser().parse_args(words_of(line))
    except SystemExit:
        pytest.fail(f"{page}: {line}")


def test_every_command_is_shown():
    """No command is left out of the pages."""
    shown = {command_of(words_of(line)) for _, line in COMMAND_LINES}
    assert set() == set(COMMANDS) - shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_named_exists(page):
    """An option named in the text is an option of some command."""
    options = {option for parser in COMMANDS.values() for action in parser._actions for option in action.option_strings}
    named = {found[0] for span in spans(page) if (found := re.match(r"--[a-z][a-z-]*", span))}
    assert set() == named - options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_in_the_text_exists(page):
    """`allervers x y …` in the text begins with words of the command line, and so do the bare names of steps."""
    known = {words[:size] for words in COMMANDS for size in range(1, 3)}
    for span in spans(page):
        words = span.split()
        if words[0] == "allervers" and len(words) > 1:
            words = words[1:]
        elif words[0] not in {"run", "agreement", "demarche"} or len(words) == 1:
            continue
        told = tuple(word for word in words[:2] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("--"))
        assert told in known or told[:1] in COMMANDS, f"{page.name}: {span}"


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page):
    """A link that is no address names a file of this project, and a heading of it where it says so."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            assert heading in {title.lower().replace(" ", "-") for title in titles}, f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_named_in_the_text_exists(page):
    """A path of this project in inline code is one: tests, sheets, modules."""
    path = re.compile(r"(?:\.ci|benchmarks|crypto|docs|linkage|service|tests)/[\w./-]*")
    named = {span for span in spans(page) if path.fullmatch(span) and not re.search(r"/v\d+$", span)}
    assert set() == {name for name in named if not (ROOT / name).exists()}


def codes_of(source: Path) -> Iterator[str]:
    """Codes that a module raises or titles: whole texts, and the beginning of a line that is written as an error."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = re.match(r"(E_[A-Z][A-Z_]*[A-Z])(?: : |$)", node.value)
            if found:
                yield found[1]


def test_the_guide_says_what_to_do_about_every_code():
    """The table of the guide and the codes of the three packages are one list."""
    table = text_of("guide-agent.md").partition("\n## Codes\n")[2]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `E_")]
    told = [code for codes, _ in rows for code in re.findall(r"E_[A-Z_]+", codes)]
    assert sorted({code for source in SOURCES for code in codes_of(source)}) == sorted(told)
    assert [] == [codes for codes, advice in rows if len(advice.strip()) < 10]


def test_every_make_target_named_exists():
    """`make x` is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    code = [part for page in ALL_PAGES for part in (*spans(page), *fences(page))]
    named = {target for part in code for target in re.findall(r"^make ([a-z]+)", part, re.MULTILINE)}
    assert {"demo", "test"} <= named <= targets


def test_the_architecture_names_every_module_and_no_other():
    """Every module of the three packages has its line, and every dotted name there is one of them."""
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in SOURCES if path.name != "__init__.py"}
    packages = {".".join(path.relative_to(ROOT).parent.parts) for path in SOURCES if path.name == "__init__.py"}
    named = set(re.findall(r"\b(?:crypto|linkage|service)(?:\.[a-z_]+)+\b", text_of("architecture.md")))
    assert set() == modules - named
    assert set() == named - modules - packages


def test_modules_named_elsewhere_exist():
    """A dotted name of a module in another page leads to a module, a package, or something a module defines."""
    for page in PAGES:
        for span in spans(page):
            if re.fullmatch(r"(?:crypto|linkage|service)(?:\.[a-z_]+)+", span):
                path = ROOT.joinpath(*span.split("."))
                assert path.is_dir() or path.with_suffix(".py").is_file(), f"{page.name}: {span}"


def test_the_formats_page_names_every_format_and_every_label():
    """What a reader may meet on the wire or on a disk is listed with its version."""
    page = text_of("formats.md")
    constants = {
        node.value
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    formats = {value for value in constants if re.fullmatch(r"(?:allervers/[a-z-]+|linkage|demarche)/v\d+", value)}
    assert len(formats) >= 15
    assert set() == {value for value in formats if f"`{value}`" not in page}
    labels = page.partition("\n## Labels\n")[2].partition("\n## ")[0]
    assert {label.removeprefix("allervers/v1/") for label in Label} == set(re.findall(r"`([a-z-]+)`", labels))


def test_the_formats_page_names_every_action_of_the_log():
    """Actions that the third party records, and the changes of state."""
    page = text_of("formats.md")
    recorded = {
        argument.value
        for source in (ROOT / "service" / "third_party").glob("*.py")
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("record", "_record")
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    recorded |= {f"run_{state}" for state in RunState if state is not RunState.OPENED}
    assert {"receipt", "run_opened", "upload_declared"} <= recorded
    assert set() == {action for action in recorded if f"`{action}`" not in page}


def test_every_decision_is_listed():
    """The index of decisions names each of its pages, and no other."""
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\d{4}-[a-z-]+\.md)\)", (folder / "README.md").read_text("utf-8")))
    assert {path.name for path in folder.glob("[0-9]*.md")} == listed
