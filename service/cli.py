"""The command `allervers`: a parser stanza for each subcommand, and the name of the function that does it.

Each command's module is imported when the command runs, and no other: encoding loads no network module, an
administration's command nothing of the third party's. A refusal is one line ``E_CODE : sentence`` on the error stream.
Exit codes: 0 done, 1 refused, 2 wrong usage, 130 stopped by the agent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from crypto.errors import CryptoError
from linkage.errors import LinkageError
from service.administration.terminal import prepare_streams, unbroken
from service.errors import ServiceError
from service.french_arguments import FrenchParser

__all__ = [
    "build_parser",
    "command_of",
    "enrol_command",
    "main",
    "serve_command",
    "third_party_command",
]

_OFFICE = "service.administration"
_LOCAL = f"{_OFFICE}.local_commands"
_AGREEMENT = f"{_OFFICE}.agreement_commands"
_RUN = f"{_OFFICE}.run_commands"
_CHECK = f"{_OFFICE}.check_commands"
_PLAN = f"{_OFFICE}.plan_commands"
_CLK = f"{_OFFICE}.clk_commands"
_CLUSTER = "service.third_party.cluster_commands"
_NAME = "Tiers de confiance"
_LEAST_MEMORY = 64  # Mio
Command = Callable[[argparse.Namespace], int | None]
Subparsers = Any  # argparse names this type privately


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
        # The name of the file and the system's words; never a content.
        sys.stderr.write(f"E_SYSTEME : {error.strerror or type(error).__name__} : {error.filename or ''}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrompu ; la même commande reprend où elle en était\n")
        return 130


def command_of(args: argparse.Namespace) -> Command:
    """The function of a parsed command; imports its module. It returns an exit code, or None for 0."""
    module, _, name = str(args.command).partition(":")
    with unbroken():
        return cast("Command", getattr(import_module(module), name))


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = FrenchParser(
        prog="allervers",
        description="Rapprocher des fichiers de personnes sans les échanger : chaque administration encode chez elle, "
        "un tiers de confiance compare, seul le destinataire apprend ses propres résultats.",
    )
    commands = parser.add_subparsers(metavar="COMMANDE", required=True)
    _identity_commands(commands)
    _demarche_commands(commands)
    _agreement_commands(commands)
    _run_commands(commands)
    _proof_commands(commands)
    _clk_commands(commands)
    _third_party_commands(commands)
    _check_commands(commands)
    _plan_command(commands)
    _evaluate_command(commands)
    _add(commands, "warm", f"{_OFFICE}.warm_command:warm", "compiler dès maintenant les calculs")
    return parser


def _add(commands: Subparsers, name: str, command: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=command)
    return parser


def _add_home(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--home", metavar="DOSSIER", help="dossier des clés (sinon ALLERVERS_HOME, sinon ~/.allervers)")
    return parser


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="MINUTES",
        help="attendre les autres parties au plus ce temps (0 : pas du tout)",
    )


def _group(commands: Subparsers, name: str, summary: str) -> Subparsers:
    return commands.add_parser(name, help=summary, description=summary).add_subparsers(metavar="ACTION", required=True)


def _identity_commands(commands: Subparsers) -> None:
    parser = _add_home(_add(commands, "init", f"{_LOCAL}:init", "créer les clés de votre administration"))
    parser.add_argument("--party", required=True, help="identifiant court : minuscules, chiffres, tirets")
    parser.add_argument("--name", required=True, help="nom de l'administration")
    _add_home(_add(commands, "identity", f"{_LOCAL}:show_identity", "fichier public, empreinte, clés épinglées"))
    parser = _add_home(_add(commands, "pin", f"{_LOCAL}:trust", "épingler la clé d'une autre administration"))
    parser.add_argument("file", type=Path, metavar="FICHIER", help="fichier public reçu du partenaire")
    _add_fingerprint(parser)
    parser = _add_home(_add(commands, "server", f"{_AGREEMENT}:pin_server", "épingler le tiers de confiance"))
    parser.add_argument("url", metavar="URL", help="adresse https du tiers de confiance")
    _add_fingerprint(parser)


def _add_fingerprint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fingerprint", required=True, help="empreinte reçue par un autre canal (60 chiffres)")
    parser.add_argument("--replace", action="store_true", help="remplacer une clé déjà épinglée")


def _demarche_commands(commands: Subparsers) -> None:
    actions = _group(commands, "demarche", "lire et vérifier les fiches de démarche")
    _add(actions, "list", f"{_LOCAL}:show_demarches", "démarches livrées avec l'outil")
    for name, command, summary in (
        ("show", "show_demarche", "décrire une démarche"),
        ("check", "check_demarche", "vérifier une fiche TOML"),
    ):
        parser = _add(actions, name, f"{_LOCAL}:{command}", summary)
        parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML")


def _agreement_commands(commands: Subparsers) -> None:
    actions = _group(commands, "agreement", "conventions : proposer, examiner, signer")
    parser = _add_home(_add(actions, "propose", f"{_AGREEMENT}:propose", "proposer une convention et la signer"))
    parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML")
    parser.add_argument(
        "--party", action="append", type=_pair, required=True, metavar="OPERANDE=PARTIE", help="qui détient quoi"
    )
    parser.add_argument(
        "--size", action="append", type=_pair, required=True, metavar="PARTIE=N", help="effectif déclaré, au plus"
    )
    parser.add_argument("--profile", default="standard", choices=("standard", "renforce"), help="profil d'encodage")
    parser.add_argument("--authorisation", required=True, metavar="REF", help="référence de la décision")
    parser.add_argument("--dpia", required=True, metavar="REF", help="référence de l'analyse d'impact")
    parser.add_argument("--days", type=int, default=90, help="durée de validité en jours (90)")
    parser.add_argument("--max-runs", type=int, default=1, help="nombre de croisements permis (1)")
    parser = _add_home(_add(actions, "show", f"{_AGREEMENT}:show", "lister les conventions ou en décrire une"))
    parser.add_argument("id", nargs="?", metavar="CONVENTION")
    parser = _add_home(_add(actions, "sign", f"{_AGREEMENT}:sign", "vérifier une convention proposée et la signer"))
    parser.add_argument("id", metavar="CONVENTION")
    parser.add_argument("--demarche", metavar="FICHIER", help="fiche de la démarche, si l'outil ne la livre pas")


def _run_commands(commands: Subparsers) -> None:
    actions = _group(commands, "run", "croisements : de l'ouverture à la clôture")
    parser = _add_home(_add(actions, "open", f"{_RUN}:open_run", "demander un croisement"))
    parser.add_argument("agreement", metavar="CONVENTION")
    for name, command, summary, waits in (
        ("approve", "approve", "approuver un croisement demandé", False),
        ("join", "join", "échanger et confirmer les clés", True),
        ("send", "send", "envoyer les encodages, ou ce qui en manque", True),
        ("wait", "wait", "attendre la fin du rapprochement", True),
        ("close", "close", "accuser réception, vérifier les reçus, détruire les clés", True),
        ("cancel", "cancel", "annuler et tout détruire", True),
    ):
        parser = _add_home(_add(actions, name, f"{_RUN}:{command}", summary))
        parser.add_argument("run", metavar="CROISEMENT")
        if waits:
            _add_timeout(parser)
    parser = _add_home(_add(actions, "show", f"{_RUN}:show", "lister les croisements ou en décrire un"))
    parser.add_argument("run", nargs="?", metavar="CROISEMENT")
    parser = _add_home(_add(actions, "hits", f"{_RUN}:hits", "retirer les résultats"))
    parser.add_argument("run", metavar="CROISEMENT")
    parser.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fichier des résultats à écrire")
    parser = _add_home(_add(actions, "encode", f"{_LOCAL}:encode_run", "encoder et sceller votre fichier, hors ligne"))
    parser.add_argument("run", metavar="CROISEMENT")
    _add_file(parser)
    parser = _add_home(_add(actions, "all", f"{_RUN}:run_all", "tout ce qui reste d'un croisement, d'une traite"))
    parser.add_argument("agreement", metavar="CONVENTION")
    _add_file(parser)
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier des résultats (pour leur destinataire)")
    parser.add_argument(
        "--run", metavar="CROISEMENT", help="croisement déjà ouvert (sinon le seul en cours, ou un nouveau)"
    )
    _add_timeout(parser)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV ou Parquet, une ligne par personne")
    _add_columns(parser)
    parser.add_argument("--extraction", type=_day, metavar="AAAA-MM-JJ", help="date de l'extraction (sinon du fichier)")
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")


def _add_columns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connector", metavar="NOM", help="forme du fichier (allervers connectors)")
    parser.add_argument("--columns", type=Path, metavar="TOML", help='colonnes de ce fichier : attribut = "COLONNE"')


def _check_commands(commands: Subparsers) -> None:
    parser = _add(commands, "check", f"{_CHECK}:check", "qualité d'un fichier, avant de l'encoder")
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV, XLSX ou Parquet, une ligne par personne")
    parser.add_argument("--sheet", required=True, help="feuille de rapprochement : nom (P1) ou fichier TOML")
    parser.add_argument("--side", default="left", metavar="COTE", help="colonnes à prendre dans la feuille (left)")
    _add_columns(parser)
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")
    parser.add_argument("--json", action="store_true", help="résultat en JSON, sur une ligne")
    parser = _add(commands, "connectors", f"{_CHECK}:show_connectors", "formes de fichiers connues, ou l'une d'elles")
    parser.add_argument("name", nargs="?", metavar="NOM")


def _proof_commands(commands: Subparsers) -> None:
    summary = "vérifier des reçus de destruction (fichier ou croisement) ou le journal (log)"
    parser = _add_home(_add(commands, "verify", f"{_OFFICE}.proof_commands:verify", summary))
    parser.add_argument("target", metavar="FICHIER|CROISEMENT|log")


def _clk_commands(commands: Subparsers) -> None:
    actions = _group(commands, "clk", "schémas et filtres de clkhash et d'anonlink, pour comparer ou migrer seulement")
    parser = _add(
        actions, "encode", f"{_CLK}:encode", "encoder un CSV selon un schéma de clkhash, mêmes bits que clkhash"
    )
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV en UTF-8, colonnes du schéma dans l'ordre")
    parser.add_argument("--schema", type=Path, required=True, metavar="SCHEMA.json", help="schéma, version 1, 2 ou 3")
    parser.add_argument(
        "--secret-file",
        required=True,
        metavar="FICHIER",
        help="fichier du secret partagé (0600), ou - : entrée standard",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="CLKS.json", help="fichier à écrire")
    parser.add_argument("--binary", action="store_true", help="écrire le corps d'un envoi binaire au lieu du JSON")
    header = parser.add_mutually_exclusive_group()
    header.add_argument("--no-header", action="store_true", help="la première ligne est une personne")
    header.add_argument("--ignore-header", action="store_true", help="sauter l'en-tête sans le comparer au schéma")
    parser.add_argument("--no-validation", action="store_true", help="ne pas vérifier les formats du schéma")
    parser = _add(actions, "convert", f"{_CLK}:convert", "JSON vers envoi binaire, ou l'inverse")
    parser.add_argument("source", type=Path, metavar="DEPUIS", help="fichier à lire (.json : JSON, sinon binaire)")
    parser.add_argument("out", type=Path, metavar="VERS", help="fichier à écrire (.json : JSON, sinon binaire)")
    parser.add_argument("--blocks", type=Path, metavar="BLOCS.json", help="blocs à côté du fichier binaire")
    _add_size(parser)
    parser = _add(actions, "link", f"{_CLK}:link", "relier deux fichiers de CLK, un à un")
    parser.add_argument("left", type=Path, metavar="A")
    parser.add_argument("right", type=Path, metavar="B")
    parser.add_argument("--threshold", type=float, default=0.8, help="plus petit coefficient de Dice (0,8)")
    parser.add_argument("--out", type=Path, metavar="LIENS.csv", help="fichier à écrire (sinon la sortie)")
    _add_size(parser)


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size", type=int, default=128, metavar="OCTETS", help="octets d'un CLK d'un fichier binaire (128)"
    )


def _third_party_commands(commands: Subparsers) -> None:
    for name, summary in (
        ("third-party", "tiers de confiance : créer ou montrer son identité"),
        ("serve", "tiers de confiance : servir l'interface et rapprocher"),
        ("work", "tiers de confiance : rapprocher seulement"),
        ("enrol", "tiers de confiance : inscrire une administration"),
    ):
        place = _CLUSTER if name == "work" else "service.cli"
        parser = _add(commands, name, f"{place}:{name.replace('-', '_')}_command", summary)
        needed = name != "work"  # a machine of a cluster compares without any data of the service
        parser.add_argument(
            "--data", type=Path, required=needed, metavar="DOSSIER", help="dossier du tiers de confiance"
        )
        if name in ("third-party", "serve"):
            parser.add_argument("--name", help=f"nom du tiers, fixé à la première fois ({_NAME})")
        if name == "serve":
            parser.add_argument("--host", default="127.0.0.1")
            parser.add_argument("--port", type=int, default=8443)
            parser.add_argument("--no-worker", action="store_true", help="ne pas lancer le processus de rapprochement")
        if name == "enrol":
            parser.add_argument("file", type=Path, metavar="FICHIER", help="fichier public de l'administration")
            parser.add_argument("--fingerprint", required=True, help="empreinte reçue par un autre canal")
        if name == "work":
            parser.add_argument("--memory", type=_mebibytes, metavar="MIO", help="mémoire accordée, en Mio (512)")
            parser.add_argument(
                "--scheduler", metavar="tls://MACHINE:PORT", help="ordonnanceur d'une grappe de machines"
            )
            _add_credentials(parser, required=False)
    summary = "tiers de confiance : répartir le rapprochement entre les machines d'une grappe"
    parser = _add(commands, "schedule", f"{_CLUSTER}:schedule_command", summary)
    parser.add_argument("--listen", required=True, dest="scheduler", metavar="tls://MACHINE:PORT", help="où écouter")
    _add_credentials(parser, required=True)


def _add_credentials(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--ca", type=Path, required=required, metavar="PEM", help="certificat de l'autorité de la grappe"
    )
    parser.add_argument("--cert", type=Path, required=required, metavar="PEM", help="certificat de cette machine")
    parser.add_argument("--key-file", type=Path, required=required, metavar="PEM", help="clé privée de ce certificat")


def _plan_command(commands: Subparsers) -> None:
    summary = "passes d'un croisement et ce que chacune coûte, avant tout échange"
    parser = _add(commands, "plan", f"{_PLAN}:plan_command", summary)
    parser.add_argument("--sheet", required=True, help="feuille de rapprochement : nom (P1) ou fichier TOML")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs=2,
        required=True,
        metavar=("N", "M"),
        help="effectifs déclarés : destinataire, source",
    )
    parser.add_argument("--profile", default="standard", choices=("standard", "renforce", "reference"))
    parser.add_argument("--propose", action="store_true", help="proposer des passes au lieu de celles de la feuille")
    parser.add_argument("--json", action="store_true", help="résultat en JSON, sur une ligne")


def _evaluate_command(commands: Subparsers) -> None:
    summary = "répétition générale sur ce poste : deux fichiers, précision et rappel attendus, vrais avec une vérité"
    parser = _add(commands, "evaluate", f"{_OFFICE}.app:evaluate_command", summary)
    parser.add_argument("left", type=Path, metavar="A")
    parser.add_argument("right", type=Path, metavar="B")
    parser.add_argument("--sheet", required=True, help="feuille de rapprochement : nom (P1) ou fichier TOML")
    parser.add_argument("--connector-a", metavar="NOM", help="forme du fichier A (allervers connectors)")
    parser.add_argument("--connector-b", metavar="NOM", help="forme du fichier B")
    truth = parser.add_mutually_exclusive_group()
    truth.add_argument("--truth", type=Path, metavar="PAIRES.csv", help="paires d'identifiants de la même personne")
    truth.add_argument("--truth-column", metavar="COLONNE", help="colonne de même valeur pour la même personne")
    parser.add_argument("--by", metavar="COLONNE", help="colonne de A : chiffres par valeur, 11 personnes au moins")
    parser.add_argument("--profile", default="standard", choices=("standard", "renforce", "reference"))
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")
    parser.add_argument("--json", action="store_true", help="résultat en JSON, sur une ligne")


def third_party_command(args: argparse.Namespace) -> None:
    """`allervers third-party`: the third party's keys, drawn at first use, and the fingerprint to say to parties."""
    from service.third_party import app
    from service.third_party.vault import Vault

    held = (args.data / "identity.json").exists() and args.name is None
    public = Vault(args.data).identity().public if held else app.third_party_identity(args.data, args.name or _NAME)
    _say(f"tiers de confiance : {public.party} ({public.name})")
    _say(f"empreinte à dire de vive voix : {public.fingerprint}")


def serve_command(args: argparse.Namespace) -> int:
    """`allervers serve`: the third party's web process, and one worker unless told otherwise."""
    from service.third_party import app

    third_party_command(args)
    return app.serve(args.data, args.host, args.port, with_worker=not args.no_worker, announce=_say)


def enrol_command(args: argparse.Namespace) -> None:
    """`allervers enrol`: let an administration in, fingerprint in hand."""
    from service.third_party import app

    app.enrol(args.data, args.file, args.fingerprint)
    _say("administration inscrite")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise argparse.ArgumentTypeError(f"« {text} » : la forme attendue est a=b")
    return left, right


def _mebibytes(text: str) -> int:
    if not text.isdecimal() or int(text) < _LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"un nombre entier de Mio est attendu, {_LEAST_MEMORY} au moins")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"« {text} » : la forme attendue est AAAA-MM-JJ") from None


if __name__ == "__main__":
    sys.exit(main())
