"""The command `allervers`: subcommands are declared in the modules ``*_arguments``, each with the name of its function.

Each command's module is imported when the command runs, and no other: encoding loads no network module, an
administration's command nothing of the third party's. A refusal is one line ``E_CODE : sentence`` on the error stream.
Exit codes: 0 done, 1 refused, 2 wrong usage, 130 stopped by the agent.
"""

from __future__ import annotations

import argparse
import errno
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import cast

from crypto.errors import CryptoError
from linkage.errors import LinkageError
from service.administration.terminal import prepare_streams, unbroken
from service.campaign_arguments import campaign_commands
from service.demonstration_arguments import demonstration_commands
from service.errors import ServiceError
from service.french_arguments import FrenchParser
from service.journal_arguments import journal_commands
from service.local_arguments import local_commands
from service.office_arguments import office_commands
from service.operator_arguments import operator_commands
from service.papers_arguments import papers_commands

__all__ = [
    "build_parser",
    "command_of",
    "main",
]

Command = Callable[[argparse.Namespace], int | None]

_SYSTEM = {
    errno.ENOENT: "ce fichier, ou le dossier où il serait, n'existe pas",
    errno.EACCES: "ce compte n'en a pas le droit, ou le fichier est ouvert ailleurs",
    errno.EPERM: "ce compte n'en a pas le droit",
    errno.EROFS: "ce disque ne s'écrit pas",
    errno.EISDIR: "c'est un dossier, un fichier est attendu",
    errno.ENOTDIR: "ce n'est pas un dossier, il en faut un à cet endroit",
    errno.EEXIST: "ce nom est déjà pris",
    errno.ENOSPC: "le disque est plein",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    prepare_streams()
    args = build_parser().parse_args(argv)
    try:
        return command_of(args)(args) or 0
    except (ServiceError, LinkageError, CryptoError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        # The name of the file and what is wrong with it; never a content.
        sys.stderr.write(f"E_SYSTEME : {error.filename or 'ce poste'} : {_said(error)}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrompu ; la même commande reprend où elle en était\n")
        return 130


def _said(error: OSError) -> str:
    """What is wrong in French, or the system's words where it is rare."""
    return _SYSTEM.get(error.errno or 0, error.strerror or type(error).__name__)


def command_of(args: argparse.Namespace) -> Command:
    """The function of a parsed command; imports its module. It returns an exit code, or None for 0."""
    module, _, name = str(args.command).partition(":")
    with unbroken(), _uncollected():
        return cast("Command", getattr(import_module(module), name))


@contextmanager
def _uncollected() -> Iterator[None]:
    """What a command loads stays: the collector neither searches it meanwhile nor ever again."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = FrenchParser(
        prog="allervers",
        description="Rapprocher des fichiers de personnes sans les échanger : chaque administration encode chez elle, "
        "un tiers de confiance compare, seul le destinataire apprend ses propres résultats.",
    )
    commands = parser.add_subparsers(metavar="COMMANDE", required=True)
    office_commands(commands)
    local_commands(commands)
    journal_commands(commands)
    campaign_commands(commands)
    papers_commands(commands)
    operator_commands(commands)
    demonstration_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
