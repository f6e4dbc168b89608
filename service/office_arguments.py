"""The commands of an administration about keys, agreements and runs, as words and options."""

from __future__ import annotations

import argparse
from pathlib import Path

from service.stanzas import (
    Subparsers,
    add,
    add_columns,
    add_file,
    add_home,
    add_parameters,
    add_timeout,
    add_zone,
    group,
    pair,
)

__all__ = ["office_commands"]

_OFFICE = "service.administration"
_LOCAL = f"{_OFFICE}.local_commands"
_DEMARCHE = f"{_OFFICE}.demarche_commands"
_AGREEMENT = f"{_OFFICE}.agreement_commands"
_RUN = f"{_OFFICE}.run_commands"
_KEY = f"{_OFFICE}.key_commands"


def office_commands(commands: Subparsers) -> None:
    """Declare them."""
    _identity_commands(commands)
    _key_commands(commands)
    _demarche_commands(commands)
    _agreement_commands(commands)
    _run_commands(commands)
    _event_commands(commands)
    _proof_commands(commands)


def _identity_commands(commands: Subparsers) -> None:
    parser = add_home(add(commands, "init", f"{_LOCAL}:init", "créer les clés de votre administration"))
    parser.add_argument("--party", required=True, help="identifiant court : minuscules, chiffres, tirets")
    parser.add_argument("--name", required=True, help="nom de l'administration")
    add_home(add(commands, "identity", f"{_LOCAL}:show_identity", "fichier public, empreinte, clés épinglées"))
    parser = add_home(add(commands, "pin", f"{_LOCAL}:trust", "épingler la clé d'une autre administration"))
    parser.add_argument("file", type=Path, metavar="FICHIER", help="fichier public reçu du partenaire")
    _add_fingerprint(parser)
    parser = add_home(add(commands, "server", f"{_AGREEMENT}:pin_server", "épingler le tiers de confiance"))
    parser.add_argument("url", metavar="URL", help="adresse https du tiers de confiance")
    _add_fingerprint(parser)


def _key_commands(commands: Subparsers) -> None:
    actions = group(commands, "key", "clés de signature : les remplacer, les montrer")
    add_home(add(actions, "rotate", f"{_KEY}:rotate", "tirer une nouvelle clé de signature, signée par la présente"))
    add_home(
        add(actions, "show", f"{_KEY}:show_keys", "clés de signature de votre administration et de vos partenaires")
    )


def _add_fingerprint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fingerprint", required=True, help="empreinte reçue par un autre canal (60 chiffres)")
    parser.add_argument("--replace", action="store_true", help="remplacer une clé déjà épinglée")


def _demarche_commands(commands: Subparsers) -> None:
    actions = group(commands, "demarche", "lire, vérifier et préparer les fiches de démarche")
    parser = add(actions, "list", f"{_DEMARCHE}:show_demarches", "démarches livrées avec l'outil")
    parser.add_argument(
        "--refused", action="store_true", help="montrer aussi celles qui doivent être refusées, et pourquoi"
    )
    parser = add(actions, "show", f"{_DEMARCHE}:show_demarche", "décrire une démarche")
    parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML")
    parser.add_argument("--html", type=Path, metavar="FICHIER", help="écrire la page à relire (DPO, usagers)")
    parser = add(actions, "check", f"{_DEMARCHE}:check_demarche", "vérifier une fiche TOML")
    parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML")
    summary = "compter qui serait retenu dans un fichier, avant tout encodage"
    parser = add_home(add(actions, "preview", f"{_OFFICE}.preview_commands:preview", summary))
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV, XLSX ou Parquet, une ligne par personne")
    parser.add_argument("--demarche", required=True, metavar="DEMARCHE", help="nom, ou fichier TOML")
    parser.add_argument("--side", metavar="OPERANDE", help="fichier de la démarche (sinon celui qui reçoit)")
    add_columns(parser)
    add_parameters(parser)
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")
    add_zone(parser)
    parser.add_argument("--json", type=Path, metavar="FICHIER", help="chiffres à montrer à d'autres, rien sous onze")
    parser = add(actions, "new", f"{_DEMARCHE}:new_demarche", "écrire une fiche à vous d'après une autre")
    parser.add_argument("model", metavar="MODELE", help="nom, ou fichier TOML")
    parser.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fiche à écrire")
    parser.add_argument("--id", metavar="IDENTIFIANT", help="identifiant de la démarche (sinon le nom du fichier)")
    parser.add_argument("--title", metavar="TITRE", help="titre de la démarche")


def _agreement_commands(commands: Subparsers) -> None:
    actions = group(commands, "agreement", "conventions : proposer, examiner, signer")
    parser = add_home(add(actions, "propose", f"{_AGREEMENT}:propose", "proposer une convention et la signer"))
    parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML")
    parser.add_argument(
        "--party", action="append", type=pair, required=True, metavar="OPERANDE=PARTIE", help="qui détient quoi"
    )
    parser.add_argument(
        "--size", action="append", type=pair, required=True, metavar="PARTIE=N", help="effectif déclaré, au plus"
    )
    parser.add_argument("--profile", default="standard", choices=("standard", "renforce"), help="profil d'encodage")
    parser.add_argument("--authorisation", required=True, metavar="REF", help="référence de la décision")
    parser.add_argument("--dpia", required=True, metavar="REF", help="référence de l'analyse d'impact")
    parser.add_argument("--days", type=int, default=90, help="durée de validité en jours (90)")
    parser.add_argument("--max-runs", type=int, default=1, help="nombre de croisements permis (1)")
    parser.add_argument(
        "--guard", action="append", type=pair, default=[], metavar="GARDE=N", help="garde différente de la démarche"
    )
    parser.add_argument(
        "--joiner", action="append", type=pair, default=[], metavar="DESTINATAIRE=PARTIE",
        help="qui applique les règles d'un destinataire dont un résultat dépend de plusieurs comparaisons",
    )  # fmt: skip
    parser.add_argument(
        "--objections", action="append", type=pair, default=[], metavar="PARTIE=N",
        help="cette partie transmet à part ceux qui s'opposent chez elle, N au plus, que tout résultat exclut",
    )  # fmt: skip
    parser = add_home(add(actions, "show", f"{_AGREEMENT}:show", "lister les conventions ou en décrire une"))
    parser.add_argument("id", nargs="?", metavar="CONVENTION")
    parser = add_home(add(actions, "sign", f"{_AGREEMENT}:sign", "vérifier une convention proposée et la signer"))
    parser.add_argument("id", metavar="CONVENTION")
    parser.add_argument("--demarche", metavar="FICHIER", help="fiche de la démarche, si l'outil ne la livre pas")


def _run_commands(commands: Subparsers) -> None:
    actions = group(commands, "run", "croisements : de l'ouverture à la clôture")
    parser = add_home(add(actions, "open", f"{_RUN}:open_run", "demander un croisement"))
    parser.add_argument("agreement", metavar="CONVENTION")
    for name, command, summary, waits in (
        ("approve", "approve", "approuver un croisement demandé", False),
        ("join", "join", "échanger et confirmer les clés", True),
        ("send", "send", "envoyer les encodages, ou ce qui en manque", True),
        ("wait", "wait", "attendre la fin du rapprochement", True),
        ("close", "close", "accuser réception, vérifier les reçus, détruire les clés", True),
        ("cancel", "cancel", "annuler et tout détruire", True),
    ):
        parser = add_home(add(actions, name, f"{_RUN}:{command}", summary))
        parser.add_argument("run", metavar="CROISEMENT")
        if waits:
            add_timeout(parser)
    for name, summary in (
        ("review", "examen d'un croisement dont les résultats sont retenus : motifs et accords"),
        ("release", "accepter que des résultats retenus soient livrés"),
    ):
        parser = add_home(add(actions, name, f"{_OFFICE}.review_commands:{name}", summary))
        parser.add_argument("run", metavar="CROISEMENT")
    parser = add_home(add(actions, "show", f"{_RUN}:show", "lister les croisements ou en décrire un"))
    parser.add_argument("run", nargs="?", metavar="CROISEMENT")
    summary = "transmettre sa table à son jointeur, ou appliquer la règle comme jointeur"
    parser = add_home(add(actions, "combine", f"{_OFFICE}.joining_commands:combine", summary))
    parser.add_argument("run", metavar="CROISEMENT")
    add_timeout(parser)
    parser = add_home(add(actions, "hits", f"{_RUN}:hits", "retirer les résultats"))
    parser.add_argument("run", metavar="CROISEMENT")
    add_timeout(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="fichier des résultats à écrire")
    parser = add_home(add(actions, "encode", f"{_LOCAL}:encode_run", "encoder et sceller votre fichier, hors ligne"))
    parser.add_argument("run", metavar="CROISEMENT")
    add_file(parser)
    parser = add_home(add(actions, "all", f"{_RUN}:run_all", "tout ce qui reste d'un croisement, d'une traite"))
    parser.add_argument("agreement", metavar="CONVENTION")
    add_file(parser)
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier des résultats (pour leur destinataire)")
    parser.add_argument(
        "--run", metavar="CROISEMENT", help="croisement déjà ouvert (sinon le seul en cours, ou un nouveau)"
    )
    add_timeout(parser)


def _event_commands(commands: Subparsers) -> None:
    actions = group(commands, "event", "démarches d'événements : personnes en attente d'un croisement")
    place = f"{_OFFICE}.event_commands"
    parser = add_home(
        add(actions, "add", f"{place}:add", "mettre en attente les personnes d'un fichier, scellées sur ce poste")
    )
    parser.add_argument("agreement", metavar="CONVENTION")
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV, XLSX ou Parquet, une ligne par personne")
    add_columns(parser)
    add_parameters(parser)
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")
    for name, summary in (
        ("show", "combien manquent pour un croisement"),
        ("clear", "détruire les personnes en attente"),
    ):
        parser = add_home(add(actions, name, f"{place}:{name}", summary))
        parser.add_argument("agreement", metavar="CONVENTION")


def _proof_commands(commands: Subparsers) -> None:
    summary = "vérifier des reçus de destruction (fichier ou croisement) ou le journal (log)"
    parser = add_home(add(commands, "verify", f"{_OFFICE}.proof_commands:verify", summary))
    parser.add_argument("target", metavar="FICHIER|CROISEMENT|log")
