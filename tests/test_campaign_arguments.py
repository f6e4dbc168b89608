"""The commands of campaigns as words."""

import pytest

from service.cli import build_parser, command_of


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("campaign kit c2s-rsa --letterhead h.toml --out k", "kit"),
        ("campaign open R --letterhead h.toml --templates t", "start"),
        ("campaign local cnaf-kits p.csv --letterhead h.toml --parameters p.toml", "start_local"),
        ("campaign export C --contacts c.csv --out o --dry-run", "export"),
        ("campaign record C rebond --channel sms --file f.csv --day 2026-11-20", "record"),
        ("campaign route C --contacts c.csv --out o.csv", "route"),
        ("campaign show", "show"),
    ],
)
def test_each_command_leads_to_its_function(words, name):
    """In the module of campaigns."""
    command = command_of(build_parser().parse_args([*words.split(), "--home", "h"]))
    assert ("service.administration.campaign.campaign_commands", name) == (command.__module__, command.__name__)


@pytest.mark.parametrize("words", ["campaign open R", "campaign export C --out o", "campaign export C --contacts c"])
def test_what_a_command_needs_is_asked_for(words, capsys):
    """A letterhead, contacts, a folder."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(words.split())
    assert capsys.readouterr().err
