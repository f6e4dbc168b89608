"""`allervers clk …`: the page's walk on files, secrets, and what the agent is told."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from service.cli import main
from tests.vectors import generate_clkhash as made

PAGE = Path(__file__).parent.parent / "docs" / "clkhash.md"
FROZEN = json.loads(made.FILE.read_text("utf-8"))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a schema, two files and a secret, where commands run."""
    schema, rows = made.schemas()["v3"]
    (tmp_path / "schema.json").write_text(json.dumps(schema), "utf-8")
    names = [one["identifier"] for one in schema["features"]]
    for name, some in (("people.csv", rows), ("others.csv", rows[::-1])):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([names, *some])
    secret = tmp_path / "secret"
    secret.write_bytes(made.SECRET.encode() + b"\n")
    secret.chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> int:
    return main(shlex.split(line)[1:])


ENCODE = "allervers clk encode people.csv --schema schema.json --secret-file secret --out clks.json"


def test_the_page_is_a_walk_that_works(desk, capsys):
    """Every command of the page succeeds, in its order; links are the same people."""
    lines = [
        line
        for block in re.findall(r"^```\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    commands = [line for line in lines if line.startswith("allervers")]
    assert len(commands) >= 5
    for command in commands:
        assert run(command) == 0, capsys.readouterr().err
    shown = capsys.readouterr()
    assert json.loads((desk / "clks.json").read_text("ascii")) == {"clks": FROZEN["schemas"]["v3"]}
    assert "Hash-Count: 5, Hash-Size: 128" in shown.out
    links = list(csv.reader((desk / "links.csv").read_text("ascii").splitlines()))
    assert [["a", "b", "dice"], ["0", "4", "1.0"], ["1", "3", "1.0"]] == links[:3]
    assert len(links) == 6


def test_every_command_says_what_such_filters_are_worth(desk, capsys):
    """On the error stream, whatever is redirected."""
    for command in (ENCODE, "allervers clk convert clks.json clks.bin", "allervers clk link clks.json clks.json"):
        assert run(command) == 0
        told = capsys.readouterr().err
        assert "profil « reference », cassé" in told
        assert "une convention de production les refuse" in told


def test_binary_output_is_the_body_of_an_upload(desk):
    """Filters one after the other."""
    assert run(f"{ENCODE} --binary") == 0
    expected = b"".join(base64.b64decode(clk) for clk in FROZEN["schemas"]["v3"])
    assert expected == (desk / "clks.json").read_bytes()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_secret_comes_from_the_standard_input_too(desk, monkeypatch, end):
    """One end of line is no part of it."""
    given = io.TextIOWrapper(io.BytesIO(made.SECRET.encode() + end))
    monkeypatch.setattr(sys, "stdin", given)
    assert run(ENCODE.replace("--secret-file secret", "--secret-file -")) == 0
    assert json.loads((desk / "clks.json").read_text("ascii")) == {"clks": FROZEN["schemas"]["v3"]}


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbfkey", b"\xff\xfek\0", b"a\0b"])
def test_a_secret_that_nobody_typed_is_refused(desk, capsys, content):
    """Empty, or written by a program that adds marks."""
    (desk / "secret").write_bytes(content)
    assert run(ENCODE) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("E_SECRET_CLK : ")


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_secret_that_others_may_read_is_refused(desk, capsys):
    """The rule of key files."""
    (desk / "secret").chmod(0o644)
    assert run(ENCODE) == 1
    assert "E_CLE_LISIBLE" in capsys.readouterr().err


def test_a_schema_whose_folds_have_no_effect_is_said(desk, capsys):
    """As clkhash does nothing about them, neither does this; the agent learns it."""
    schema = made.schemas()["v3_published_key_for_folds"][0]
    (desk / "schema.json").write_text(json.dumps(schema), "utf-8")
    assert run(ENCODE) == 0
    assert "/clkConfig/xorFolds n'a pas d'effet" in capsys.readouterr().err
    assert json.loads((desk / "clks.json").read_text("ascii")) == {
        "clks": FROZEN["schemas"]["v3_published_key_for_folds"]
    }


def test_bad_rows_refuse_the_file_unless_validation_is_off(desk, capsys):
    """And nothing is written."""
    with (desk / "people.csv").open("a", encoding="utf-8") as file:
        file.write("6,x,y,2000-01-01,-99,M,75001\n")
    assert run(ENCODE) == 1
    assert "ligne 7, colonne « number »" in capsys.readouterr().err
    assert not (desk / "clks.json").exists()
    assert run(f"{ENCODE} --no-validation") == 0


def test_headers_are_skipped_or_absent_on_demand(desk):
    """`--ignore-header` skips a row that `--no-header` encodes."""
    text = (desk / "people.csv").read_text("utf-8").partition("\n")[2]
    (desk / "people.csv").write_text(text, "utf-8")
    assert run(ENCODE) == 1
    for option, count in (("--ignore-header", 4), ("--no-header", 5)):
        assert run(f"{ENCODE} {option}") == 0
        assert count == len(json.loads((desk / "clks.json").read_text("ascii"))["clks"])


def test_blocks_need_a_place_beside_a_binary_file(desk, capsys):
    """They come back with it."""
    clks = FROZEN["schemas"]["v3"]
    document = {"clknblocks": [[clk, str(at % 2)] for at, clk in enumerate(clks)]}
    (desk / "blocked.json").write_text(json.dumps(document), "utf-8")
    assert run("allervers clk convert blocked.json blocked.bin") == 1
    assert "E_BLOCS_CLK" in capsys.readouterr().err
    assert run("allervers clk convert blocked.json blocked.bin --blocks b.json") == 0
    assert run("allervers clk convert blocked.bin again.json --blocks b.json --size 128") == 0
    assert document == json.loads((desk / "again.json").read_text("ascii"))
    assert run("allervers clk link blocked.json again.json --threshold 0.9") == 0
    assert "0,0,1.0" in capsys.readouterr().out


def test_a_conversion_is_between_the_two_forms(desk, capsys):
    """Not from JSON to JSON."""
    assert run("allervers clk convert a.json b.json") == 1
    assert "E_FICHIER_CLK" in capsys.readouterr().err
