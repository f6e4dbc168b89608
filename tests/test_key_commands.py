"""`key rotate` and `key show` against a real application."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from service.administration import key_commands
from service.cli import build_parser


def test_the_words():
    """Both commands resolve."""
    for words in (["key", "rotate"], ["key", "show"]):
        assert build_parser().parse_args(words).command.startswith("service.administration.key_commands:")


def test_keys_are_shown_by_name(tmp_path, capsys: pytest.CaptureFixture[str]):
    """One's own, and partners'."""
    from service.administration.keyring import Keyring
    from service.successions import key_digest

    keyring = Keyring(tmp_path)
    keyring.create("caf", "CAF")
    args: Any = argparse.Namespace(home=str(tmp_path))
    key_commands.show_keys(args)
    assert key_digest(keyring.identity().public.signing_key)[:16] in capsys.readouterr().out
