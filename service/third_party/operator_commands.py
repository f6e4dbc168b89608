"""`third-party`, `serve`, `enrol`: what the operator of the third party types."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing

from service.operator_arguments import NAME
from service.third_party import app
from service.third_party.storage import StorageOptions
from service.third_party.successors import revoke
from service.third_party.vault import Vault

__all__ = ["enrol_command", "revoke_command", "serve_command", "third_party_command"]


def third_party_command(args: argparse.Namespace) -> None:
    """`allervers third-party`: the third party's keys, drawn at first use, and the fingerprint to say to parties."""
    held = (args.data / "identity.json").exists() and args.name is None
    public = Vault(args.data).identity().public if held else app.third_party_identity(args.data, args.name or NAME)
    _say(f"tiers de confiance : {public.party} ({public.name})")
    _say(f"empreinte à dire de vive voix : {public.fingerprint}")


def serve_command(args: argparse.Namespace) -> int:
    """`allervers serve`: the third party's web process, and one worker unless told otherwise."""
    third_party_command(args)
    means = {"options": StorageOptions.of(args), "metrics": args.metrics, "processes": args.processes}
    return app.serve(args.data, (args.host, args.port), with_worker=not args.no_worker, announce=_say, **means)


def enrol_command(args: argparse.Namespace) -> None:
    """`allervers enrol`: let an administration in, fingerprint in hand."""
    app.enrol(args.data, args.file, args.fingerprint, StorageOptions.of(args))
    _say("administration inscrite")


def revoke_command(args: argparse.Namespace) -> None:
    """`allervers revoke`: nothing that these keys sign is admitted any more, from this moment on."""
    site = app.open_chosen(args.data, StorageOptions.of(args))
    with closing(site.database):
        for name in revoke(site, args.party, args.key_name):
            _say(f"clé révoquée : {name}")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
