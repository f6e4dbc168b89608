"""The commands of an administration that look at files, plans and encodings on its own machine, as words and options."""

from __future__ import annotations

import argparse
from pathlib import Path

from service.stanzas import Subparsers, add, add_columns, add_home, add_parameters, duration, group, shares

__all__ = ["local_commands"]

_OFFICE = "service.administration"
_CHECK = f"{_OFFICE}.check_commands"
_PLAN = f"{_OFFICE}.plan_commands"
_CLK = f"{_OFFICE}.clk_commands"


def local_commands(commands: Subparsers) -> None:
    """Declare them."""
    _clk_commands(commands)
    _check_commands(commands)
    _plan_command(commands)
    _evaluate_command(commands)
    _risk_command(commands)
    add(commands, "warm", f"{_OFFICE}.warm_command:warm", "compiler dès maintenant les calculs")


def _clk_commands(commands: Subparsers) -> None:
    actions = group(commands, "clk", "schémas et filtres de clkhash et d'anonlink, pour comparer ou migrer seulement")
    parser = add(
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
    parser = add(actions, "convert", f"{_CLK}:convert", "JSON vers envoi binaire, ou l'inverse")
    parser.add_argument("source", type=Path, metavar="DEPUIS", help="fichier à lire (.json : JSON, sinon binaire)")
    parser.add_argument("out", type=Path, metavar="VERS", help="fichier à écrire (.json : JSON, sinon binaire)")
    parser.add_argument("--blocks", type=Path, metavar="BLOCS.json", help="blocs à côté du fichier binaire")
    _add_size(parser)
    parser = add(actions, "link", f"{_CLK}:link", "relier deux fichiers de CLK, un à un")
    parser.add_argument("left", type=Path, metavar="A")
    parser.add_argument("right", type=Path, metavar="B")
    parser.add_argument("--threshold", type=float, default=0.8, help="plus petit coefficient de Dice (0,8)")
    parser.add_argument("--out", type=Path, metavar="LIENS.csv", help="fichier à écrire (sinon la sortie)")
    _add_size(parser)


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size", type=int, default=128, metavar="OCTETS", help="octets d'un CLK d'un fichier binaire (128)"
    )


def _check_commands(commands: Subparsers) -> None:
    parser = add(commands, "check", f"{_CHECK}:check", "qualité d'un fichier, avant de l'encoder")
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV, XLSX ou Parquet, une ligne par personne")
    about = parser.add_mutually_exclusive_group(required=True)
    about.add_argument("--sheet", help="feuille de rapprochement : nom (P1) ou fichier TOML")
    about.add_argument("--demarche", help="démarche : nom ou fichier TOML ; --side dit de quel fichier il s'agit")
    parser.add_argument("--side", metavar="COTE", help="colonnes de la feuille (left), ou opérande de la démarche")
    add_columns(parser)
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")
    parser.add_argument("--json", action="store_true", help="résultat en JSON, sur une ligne")
    parser = add(commands, "connectors", f"{_CHECK}:show_connectors", "formes de fichiers connues, ou l'une d'elles")
    parser.add_argument("name", nargs="?", metavar="NOM")


def _plan_command(commands: Subparsers) -> None:
    summary = "passes d'un croisement et ce que chacune coûte, avant tout échange"
    parser = add(commands, "plan", f"{_PLAN}:plan_command", summary)
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


def _risk_command(commands: Subparsers) -> None:
    summary = "attaquer son propre fichier encodé avant de l'envoyer : rapport et verdict (3 : défavorable)"
    parser = add_home(add(commands, "risk", f"{_OFFICE}.risk_commands:risk", summary))
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV, XLSX ou Parquet, une ligne par personne")
    about = parser.add_mutually_exclusive_group(required=True)
    about.add_argument("--sheet", help="feuille de rapprochement : nom (P1) ou fichier TOML")
    about.add_argument("--demarche", help="démarche : nom ou fichier TOML ; --side dit de quel fichier il s'agit")
    about.add_argument(
        "--agreement", metavar="CONVENTION", help="convention ; le rapport est gardé pour ses croisements"
    )
    parser.add_argument(
        "--side", metavar="COTE", help="colonnes de la feuille (left), ou opérande de la démarche (qui reçoit)"
    )
    parser.add_argument(
        "--profile", choices=("standard", "renforce", "reference"), help="celui de la convention, sinon standard"
    )
    parser.add_argument("--people", type=int, metavar="N", help="effectif déclaré (sinon celui du fichier)")
    parser.add_argument("--known", type=shares, metavar="PARTS", help="parts de personnes connues : 0.1%%,1%%,10%%")
    parser.add_argument("--minutes", type=duration, default=5.0, metavar="MINUTES", help="durée des attaques (5)")
    parser.add_argument("--html", type=Path, metavar="RAPPORT.html", help="page à écrire")
    parser.add_argument("--json", type=Path, metavar="RAPPORT.json", help="rapport à écrire, pour run encode --risk")
    add_columns(parser)
    add_parameters(parser)
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")


def _evaluate_command(commands: Subparsers) -> None:
    summary = "répétition générale sur ce poste : deux fichiers, précision et rappel attendus, vrais avec une vérité"
    parser = add(commands, "evaluate", f"{_OFFICE}.app:evaluate_command", summary)
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
