"""`key …`: the signing key of this administration replaced, and what is known of the keys of others."""

from __future__ import annotations

import argparse

from service.administration.app import open_office
from service.administration.connection import connect
from service.successions import key_digest

__all__ = ["rotate", "show_keys"]


def rotate(args: argparse.Namespace) -> None:
    """`allervers key rotate`: a new signing key, signed by the present one; partners need not pin anything anew."""
    office = open_office(args.home)
    with connect(office) as online:
        keyring = office.keyring
        name = keyring.succession.rotate(keyring.identity(), office.clock(), online.client.succeed)
    office.terminal.say(f"nouvelle clé de signature : {name}")
    office.terminal.say("l'ancienne reste admise jusqu'à la prochaine ; si elle est compromise, appelez le tiers")


def show_keys(args: argparse.Namespace) -> None:
    """`allervers key show`: the signing keys of this party and of its partners, by name."""
    office = open_office(args.home)
    for public in [office.keyring.identity().public, *office.keyring.pins()]:
        names = ", ".join(key_digest(key)[:16] for key in office.keyring.pinned(public.party).signing_keys)
        office.terminal.say(f"{public.party} : {names}")
