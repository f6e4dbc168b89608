"""The commands of the third party, as words and options."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from service.stanzas import Subparsers, add

__all__ = ["NAME", "add_storage", "operator_commands"]

_CLUSTER = "service.third_party.cluster_commands"
_OPERATOR = "service.third_party.operator_commands"
_CARE = "service.third_party.care_commands"
_LEAST_MEMORY = 64  # Mio
_MOST_PROCESSES = 64
_KEY_NAME = re.compile(r"[0-9a-f]{12,64}")

NAME = "Tiers de confiance"
"""The name of a third party whose operator gives none."""


def operator_commands(commands: Subparsers) -> None:
    """Declare them."""
    _identity(commands)
    _serve(commands)
    _work(commands)
    _enrol(commands)
    _revoke(commands)
    _schedule(commands)
    _care(commands)


def _care(commands: Subparsers) -> None:
    summary = "tiers de confiance : vérifier l'installation"
    parser = add_storage(_add_data(add(commands, "doctor", f"{_CARE}:doctor_command", summary)))
    parser.add_argument("--json", action="store_true", help="résultat en JSON, sur une ligne")
    parser.add_argument(
        "--accept-clock", action="store_true", help="croire l'horloge du système, même en retard sur ce qui fut montré"
    )
    summary = "tiers de confiance : sauvegarder la base, sans rien de ce qui doit être détruit"
    parser = add_storage(_add_data(add(commands, "backup", f"{_CARE}:backup_command", summary)))
    parser.add_argument("out", type=Path, metavar="DOSSIER", help="dossier à créer")
    parser.add_argument("--keys", action="store_true", help="avec les clés du service, à garder hors ligne")
    summary = "tiers de confiance : reprendre une sauvegarde, service arrêté"
    parser = add_storage(_add_data(add(commands, "restore", f"{_CARE}:restore_command", summary)))
    parser.add_argument("source", type=Path, metavar="DOSSIER", help="dossier écrit par backup")
    known = parser.add_mutually_exclusive_group()
    known.add_argument(
        "--revoked", action="append", type=_key_name, metavar="CLE", help="clé révoquée depuis : le début de son nom"
    )
    known.add_argument(
        "--none-revoked", action="store_true", help="aucune clé n'a été révoquée depuis cette sauvegarde"
    )
    summary = "tiers de confiance : le journal d'audit entier, vérifiable hors ligne"
    parser = add_storage(_add_data(add(commands, "export-log", f"{_CARE}:export_command", summary)))
    parser.add_argument("out", type=Path, metavar="FICHIER", help="fichier à créer")


def _key_name(text: str) -> str:
    """The beginning of a key's name, long enough to mean one key."""
    if not _KEY_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"« {text} » : le nom d'une clé, ou ses 12 premiers chiffres au moins (0-9, a-f)"
        )
    return text


def _add_data(parser: argparse.ArgumentParser, *, required: bool = True) -> argparse.ArgumentParser:
    parser.add_argument("--data", type=Path, required=required, metavar="DOSSIER", help="dossier du tiers de confiance")
    return parser


def add_storage(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Say where the database and the blobs are, for a command that opens them."""
    parser.add_argument(
        "--database", metavar="URL", help="base de données, sans mot de passe (sinon un fichier du dossier)"
    )
    parser.add_argument("--database-file", type=Path, metavar="FICHIER", help="fichier (0600) de cette adresse")
    parser.add_argument("--blobs", metavar="s3://SEAU/PREFIXE", help="envois scellés (sinon des fichiers du dossier)")
    return parser


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help=f"nom du tiers, fixé à la première fois ({NAME})")


def _identity(commands: Subparsers) -> None:
    summary = "tiers de confiance : créer ou montrer son identité"
    _add_name(_add_data(add(commands, "third-party", f"{_OPERATOR}:third_party_command", summary)))


def _serve(commands: Subparsers) -> None:
    summary = "tiers de confiance : servir l'interface et rapprocher"
    parser = _add_data(add(commands, "serve", f"{_OPERATOR}:serve_command", summary))
    _add_name(add_storage(parser))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--no-worker", action="store_true", help="ne pas lancer le processus de rapprochement")
    parser.add_argument("--metrics", type=_address, metavar="MACHINE:PORT", help="où dire les mesures de Prometheus")
    summary = "processus qui répondent aux requêtes (1) ; avec PostgreSQL, un par cœur"
    parser.add_argument("--processes", type=_processes, default=1, metavar="N", help=summary)


def _processes(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0
    if not 1 <= number <= _MOST_PROCESSES or (number > 1 and os.name != "posix"):
        raise argparse.ArgumentTypeError(f"un nombre de 1 à {_MOST_PROCESSES} est attendu (1 sous Windows)")
    return number


def _work(commands: Subparsers) -> None:
    parser = add(commands, "work", f"{_CLUSTER}:work_command", "tiers de confiance : rapprocher seulement")
    _add_data(add_storage(parser), required=False)  # a machine of a cluster compares without any data of the service
    parser.add_argument("--memory", type=_mebibytes, metavar="MIO", help="mémoire accordée, en Mio (512)")
    parser.add_argument("--scheduler", metavar="tls://MACHINE:PORT", help="ordonnanceur d'une grappe de machines")
    _add_credentials(parser, required=False)


def _enrol(commands: Subparsers) -> None:
    summary = "tiers de confiance : inscrire une administration"
    parser = add_storage(_add_data(add(commands, "enrol", f"{_OPERATOR}:enrol_command", summary)))
    parser.add_argument("file", type=Path, metavar="FICHIER", help="fichier public de l'administration")
    parser.add_argument("--fingerprint", required=True, help="empreinte reçue par un autre canal")


def _revoke(commands: Subparsers) -> None:
    summary = "tiers de confiance : révoquer à l'instant les clés d'une administration"
    parser = add_storage(_add_data(add(commands, "revoke", f"{_OPERATOR}:revoke_command", summary)))
    parser.add_argument("party", metavar="PARTIE", help="identifiant de l'administration")
    parser.add_argument(
        "--key-name", type=_key_name, metavar="NOM", help="une seule clé : le début de son nom (key show)"
    )


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


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"« {text} » : la forme attendue est MACHINE:PORT")
    return host.strip("[]"), int(port)
