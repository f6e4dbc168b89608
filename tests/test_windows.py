"""What an agent's Windows PC would meet, checked here: code pages, paths, modules and calls it lacks, wheels only."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
AGENT_SIDE = [
    path for folder in ("crypto", "linkage", "service/administration") for path in sorted((ROOT / folder).rglob("*.py"))
] + sorted((ROOT / "service").glob("*.py"))
POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_CALLS = {"fork", "forkpty", "getuid", "geteuid", "getgid", "mkfifo", "setsid", "chown", "killpg", "nice"}


def run(home: Path, *words: str, code_page: str = "cp1252") -> subprocess.CompletedProcess[bytes]:
    """One command with the console's code page, and no UTF-8 mode to hide behind."""
    environment = {**os.environ, "ALLERVERS_HOME": str(home), "PYTHONIOENCODING": code_page, "PYTHONUTF8": "0"}
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *words], cwd=ROOT, env=environment, capture_output=True, check=False
    )


@pytest.mark.parametrize("code_page", ["cp1252", "cp850", "ascii"])
def test_sentences_fit_any_code_page(tmp_path, code_page):
    """French sentences are shown, or approximated, on consoles that know few characters."""
    done = run(tmp_path, "demarche", "show", "c2s-rsa", code_page=code_page)
    assert (0, b"") == (done.returncode, done.stderr)
    assert "c2s-rsa" in done.stdout.decode(code_page)


def test_a_refusal_fits_the_code_page(tmp_path):
    """Refusals have accents too."""
    done = run(tmp_path, "agreement", "show", code_page="ascii")
    assert 1 == done.returncode
    assert done.stderr.startswith(b"E_")


def test_home_folders_have_spaces_and_accents(tmp_path):
    """`C:\\Users\\Léa d'Été` is a home folder like any other; keys are for their owner only where the system can say so."""
    home = tmp_path / "Léa d'Été" / "mes clés"
    done = run(home, "init", "--party", "cnaf", "--name", "Caisse d'Été")
    assert (0, b"") == (done.returncode, done.stderr)
    assert (home / "identity.json").exists()
    if os.name == "posix":
        assert 0o600 == (home / "identity.json").stat().st_mode & 0o777


@pytest.mark.parametrize("path", AGENT_SIDE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_that_windows_lacks_is_needed(path):
    """Modules that only POSIX has are imported inside a function, after a question; its calls are not used."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    top |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
    assert set() == top & POSIX_MODULES
    called = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert set() == called & POSIX_CALLS


@pytest.mark.parametrize("path", AGENT_SIDE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_texts_are_never_read_in_the_code_page_of_the_machine(path):
    """Every text file is opened with its encoding: the default differs from machine to machine."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        texts = {word.arg or "" for word in node.keywords} | {ast.unparse(argument) for argument in node.args}
        if name in ("read_text", "write_text"):
            assert {"encoding", "'utf-8'", "'utf-8-sig'"} & texts, f"line {node.lineno}"
        if name == "open" and not any("b" in text for text in texts if text.startswith("'")):
            if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name | ast.Attribute):
                continue
            binary = {"os.O_RDONLY", "os.O_WRONLY"} & set(" ".join(texts).split())
            assert "encoding" in texts or binary or "os.open" in ast.unparse(node.func), f"line {node.lineno}"


@pytest.mark.flow
def test_the_administrations_command_installs_from_wheels_alone():
    """Every dependency of the command has a wheel for Windows: no compiler on an agent's PC."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    words = [
        "--dry-run",
        "--ignore-installed",
        "--only-binary=:all:",
        "--platform",
        "win_amd64",
        "--python-version",
        "3.11",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *words, "--target", "unused", "--report", "-", *needed],
        capture_output=True,
        text=True,
        check=True,
    )
    files = [one["download_info"]["url"].rsplit("/", 1)[1] for one in json.loads(done.stdout)["install"]]
    assert len(files) >= len(needed)
    assert [] == [name for name in files if not name.endswith(".whl")]
