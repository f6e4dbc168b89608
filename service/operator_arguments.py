"""The commands of the third party, as words and options."""

from __future__ import annotations

import argparse
from pathlib import Path

from service.stanzas import Subparsers, add

__all__ = ["NAME", "operator_commands"]

_CLUSTER = "service.third_party.cluster_commands"
_OPERATOR = "service.third_party.operator_commands"
_LEAST_MEMORY = 64  # Mio

NAME = "Tiers de confiance"
"""The name of a third party whose operator gives none."""


def operator_commands(commands: Subparsers) -> None:
    """Declare them."""
    _identity(commands)
    _serve(commands)
    _work(commands)
    _enrol(commands)
    _schedule(commands)


def _add_data(parser: argparse.ArgumentParser, *, required: bool = True) -> argparse.ArgumentParser:
    parser.add_argument("--data", type=Path, required=required, metavar="DOSSIER", help="dossier du tiers de confiance")
    return parser


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help=f"nom du tiers, fixé à la première fois ({NAME})")


def _identity(commands: Subparsers) -> None:
    summary = "tiers de confiance : créer ou montrer son identité"
    _add_name(_add_data(add(commands, "third-party", f"{_OPERATOR}:third_party_command", summary)))


def _serve(commands: Subparsers) -> None:
    summary = "tiers de confiance : servir l'interface et rapprocher"
    parser = _add_data(add(commands, "serve", f"{_OPERATOR}:serve_command", summary))
    _add_name(parser)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--no-worker", action="store_true", help="ne pas lancer le processus de rapprochement")


def _work(commands: Subparsers) -> None:
    parser = add(commands, "work", f"{_CLUSTER}:work_command", "tiers de confiance : rapprocher seulement")
    _add_data(parser, required=False)  # a machine of a cluster compares without any data of the service
    parser.add_argument("--memory", type=_mebibytes, metavar="MIO", help="mémoire accordée, en Mio (512)")
    parser.add_argument("--scheduler", metavar="tls://MACHINE:PORT", help="ordonnanceur d'une grappe de machines")
    _add_credentials(parser, required=False)


def _enrol(commands: Subparsers) -> None:
    summary = "tiers de confiance : inscrire une administration"
    parser = _add_data(add(commands, "enrol", f"{_OPERATOR}:enrol_command", summary))
    parser.add_argument("file", type=Path, metavar="FICHIER", help="fichier public de l'administration")
    parser.add_argument("--fingerprint", required=True, help="empreinte reçue par un autre canal")


def _schedule(commands: Subparsers) -> None:
    summary = "tiers de confiance : répartir le rapprochement entre les machines d'une grappe"
    parser = add(commands, "schedule", f"{_CLUSTER}:schedule_command", summary)
    parser.add_argument("--listen", required=True, dest="scheduler", metavar="tls://MACHINE:PORT", help="où écouter")
    _add_credentials(parser, required=True)


def _add_credentials(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--ca", type=Path, required=required, metavar="PEM", help="certificat de l'autorité de la grappe"
    )
    parser.add_argument("--cert", type=Path, required=required, metavar="PEM", help="certificat de cette machine")
    parser.add_argument("--key-file", type=Path, required=required, metavar="PEM", help="clé privée de ce certificat")


def _mebibytes(text: str) -> int:
    if not text.isdecimal() or int(text) < _LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"un nombre entier de Mio est attendu, {_LEAST_MEMORY} au moins")
    return int(text)
