"""The command line: every command resolves, loads only what it needs, and refuses in one line."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.cli import build_parser, command_of, main

ROOT = Path(__file__).parent.parent
NETWORK = ("httpx2", "httpcore2", "http_message_signatures", "fastapi", "starlette", "uvicorn", "sqlalchemy", "sqlite3")


def stanzas(parser: Any, words: Any = ()) -> Any:
    """(words, parser) of every command that does something."""
    found = False
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found = True
            for name, inner in action.choices.items():
                yield from stanzas(inner, (*words, name))
    if not found:
        yield words, parser


STANZAS = dict(stanzas(build_parser()))


def run(*words: Any, **environment: Any) -> Any:
    """A command in a fresh process."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error", **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("words", STANZAS, ids=" ".join)
def test_every_command_has_a_function(words):
    """The name in each stanza resolves to a documented function that takes the parsed arguments."""
    command = command_of(argparse.Namespace(command=STANZAS[words].get_default("command")))
    assert (command.__doc__ or "").startswith(f"`allervers {words[0]}")


@pytest.mark.parametrize("words", STANZAS, ids=" ".join)
def test_no_key_on_the_command_line(words):
    """No option takes a key, a share or a password."""
    options = {name for action in STANZAS[words]._actions for name in (*action.option_strings, action.dest)}
    asked = {name for name in options if any(part in name for part in ("key", "secret", "password", "share"))}
    assert asked <= {
        "--secret-file",
        "secret_file",
        "--key-file",
        "key_file",
        "--key-name",
        "key_name",
        "--keys",
        "keys",
    }  # the name of a file that only its owner may read, or of a public key; whether a backup holds keys


def test_encoding_loads_no_network_module(tmp_path):
    """In a fresh interpreter, the command that encodes and all it imports know nothing of the network."""
    code = (
        "import sys; from service.cli import build_parser, command_of\n"
        "args = build_parser().parse_args(['run', 'encode', 'x', 'y.csv', '--home', 'z'])\n"
        "command_of(args)\n"
        f"print([name for name in {NETWORK!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_administration_never_loads_the_third_party():
    """Online commands of an administration bring neither its server nor its database."""
    code = (
        "import sys; from service.cli import build_parser, command_of\n"
        "command_of(build_parser().parse_args(['run', 'all', 'T', 'f.csv']))\n"
        "print([n for n in sys.modules if n.startswith('service.third_party') or n in ('fastapi', 'sqlalchemy')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_refusal_is_one_line(tmp_path, capsys):
    """Code, sentence, exit 1; no traceback."""
    assert main(["identity", "--home", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("E_IDENTITE_ABSENTE : ")
    assert len(shown.err.splitlines()) == 1


def test_a_wrong_usage_is_two():
    """The usual code of a wrong command line."""
    with pytest.raises(SystemExit) as stop:
        main(["run", "inconnu"])
    assert stop.value.code == 2


def test_a_file_that_is_not_there_is_said(tmp_path, capsys):
    """The system's refusal has a code too."""
    assert main(["pin", str(tmp_path / "absent"), "--fingerprint", "0", "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("E_FICHIER_ABSENT : ")


def test_what_the_system_refuses_is_said_in_french(tmp_path, capsys):
    """The file is named, and nothing of it is told."""
    contacts = ("--letterhead", str(tmp_path / "absent.toml"), "--out", str(tmp_path / "kit"))
    assert main(["campaign", "kit", "c2s-rsa", *contacts, "--home", str(tmp_path)]) == 1
    assert (
        f"E_SYSTEME : {tmp_path / 'absent.toml'} : ce fichier, ou le dossier où il serait, n'existe pas\n"
        == capsys.readouterr().err
    )


def test_an_interruption_is_130(monkeypatch, capsys):
    """Ctrl-C ends quietly."""

    def stop(_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.administration.demarche_commands.show_demarches", stop)
    assert main(["demarche", "list"]) == 130
    assert "interrompu" in capsys.readouterr().err


def test_two_partners_pin_each_other(tmp_path, capsys):
    """init, identity and pin, as two agents do on two machines."""
    for party in ("cnaf", "cnam"):
        assert main(["init", "--party", party, "--name", party.upper(), "--home", str(tmp_path / party)]) == 0
    capsys.readouterr()
    assert main(["identity", "--home", str(tmp_path / "cnam")]) == 0
    fingerprint = capsys.readouterr().out.splitlines()[1].partition(" : ")[2]
    file = tmp_path / "cnam" / "cnam.identity.json"
    assert main(["pin", str(file), "--fingerprint", fingerprint, "--home", str(tmp_path / "cnaf")]) == 0
    assert main(["pin", str(file), "--fingerprint", "1" * 60, "--home", str(tmp_path / "cnaf")]) == 1
    assert capsys.readouterr().err.startswith("E_CLE : ")


def test_the_home_is_taken_from_the_environment(tmp_path):
    """ALLERVERS_HOME stands for --home."""
    done = run("init", "--party", "cnaf", "--name", "CNAF", ALLERVERS_HOME=str(tmp_path / "chez-nous"))
    assert done.returncode == 0
    assert (tmp_path / "chez-nous" / "identity.json").exists()


def test_a_windows_console_is_enough(tmp_path):
    """Help and démarches are shown on a console that knows Windows-1252 only."""
    for words in (["--help"], ["demarche", "show", "c2s-rsa"], ["agreement", "propose", "--help"]):
        done = run(*words, PYTHONIOENCODING="cp1252")
        assert (0, b"") == (done.returncode, done.stderr)
        assert done.stdout.decode("cp1252")


def test_demarches_are_listed_shown_and_checked(tmp_path, capsys):
    """The three readings of a démarche."""
    assert main(["demarche", "list"]) == 0
    assert "c2s-rsa : Complémentaire" in capsys.readouterr().out
    assert main(["demarche", "show", "c2s-rsa"]) == 0
    assert "rsa - c2s" in capsys.readouterr().out
    assert main(["demarche", "check", "c2s-rsa"]) == 0
    (tmp_path / "x.toml").write_text("couleur = 1", encoding="utf-8")
    capsys.readouterr()
    assert main(["demarche", "check", str(tmp_path / "x.toml")]) == 1
    assert capsys.readouterr().err.startswith("E_DEMARCHE : ")
