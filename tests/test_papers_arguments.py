"""The commands of legal papers as words."""

import pytest

from service.cli import build_parser, command_of


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("papers write T --out d", "write"),
        ("papers register --out d", "register"),
        ("papers explain R --out f", "explain"),
    ],
)
def test_each_command_leads_to_its_function(words, name):
    """In the module of papers; what is written has its place."""
    args = build_parser().parse_args([*words.split(), "--home", "h"])
    command = command_of(args)
    assert ("service.administration.papers_commands", name) == (command.__module__, command.__name__)
    assert args.out.name in ("d", "f")


def test_a_folder_is_asked_for(capsys):
    """Papers are files."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["papers", "write", "T"])
    assert capsys.readouterr().err
