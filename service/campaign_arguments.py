"""The commands of campaigns as words and options."""

from __future__ import annotations

import argparse
from pathlib import Path

from service.stanzas import Subparsers, add, add_home, add_zone, day, group

__all__ = ["campaign_commands"]

_PLACE = "service.administration.campaign.campaign_commands"


def campaign_commands(commands: Subparsers) -> None:
    """Declare them."""
    actions = group(commands, "campaign", "campagnes : messages aux personnes, réponses, relances, chiffres")
    parser = add_home(
        add(actions, "kit", f"{_PLACE}:kit", "textes, script d'appel et fiches d'une démarche, en un dossier")
    )
    parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML")
    _add_head(parser)
    _add_out(parser)
    place = "service.administration.campaign.code_commands:codes"
    parser = add_home(add(actions, "codes", place, "tirer un code par personne à servir, chez l'organisme qui agit"))
    parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML, qui dit la forme des codes")
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV des personnes transmises, colonne identifiant")
    summary = "codes déjà donnés au même organisme (identifiant et code) : nul n'en reçoit deux"
    parser.add_argument("--issued", type=Path, action="append", default=[], metavar="FICHIER", help=summary)
    summary = "codes déjà donnés pour d'autres organismes : aucun ne sert deux fois"
    parser.add_argument("--taken", type=Path, action="append", default=[], metavar="FICHIER", help=summary)
    parser.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="CSV à écrire")
    parser = add_home(add(actions, "open", f"{_PLACE}:start", "ouvrir une campagne sur les résultats d'un croisement"))
    parser.add_argument("collection", metavar="CROISEMENT", help="croisement, ou croisement/sortie (journal show)")
    _add_head(parser)
    parser = add_home(add(actions, "local", f"{_PLACE}:start_local", "ouvrir une campagne sur une sélection locale"))
    parser.add_argument("demarche", metavar="DEMARCHE", help="nom, ou fichier TOML")
    parser.add_argument("file", type=Path, metavar="FICHIER", help="CSV, XLSX ou Parquet, colonne identifiant")
    parser.add_argument("--parameters", type=Path, metavar="TOML", help="valeurs des paramètres de la sélection")
    add_zone(parser)
    _add_head(parser)
    parser = add_home(
        add(actions, "export", f"{_PLACE}:export", "écrire ce qui est dû aujourd'hui, un fichier par canal")
    )
    parser.add_argument("campaign", metavar="CAMPAGNE")
    parser.add_argument(
        "--contacts", type=Path, required=True, metavar="FICHIER", help="CSV des contacts, lu et non gardé"
    )
    parser.add_argument("--dry-run", action="store_true", help="écrire sans rien noter comme envoyé")
    _add_out(parser)
    summary = "noter réponses, décès, rebonds, suspensions, renvois, rendez-vous"
    parser = add_home(add(actions, "record", f"{_PLACE}:record", summary))
    parser.add_argument("campaign", metavar="CAMPAGNE")
    parser.add_argument(
        "event", metavar="EVENEMENT", help="reponse, deja_fait, opposition, deces, rebond, suspendu, rdv…"
    )
    parser.add_argument("--file", type=Path, metavar="FICHIER", help="CSV, colonne identifiant (sinon : lu au clavier)")
    parser.add_argument("--channel", metavar="CANAL", help="canal d'un rebond")
    parser.add_argument("--day", type=day, metavar="AAAA-MM-JJ", help="jour de l'événement (sinon aujourd'hui)")
    summary = "lister qui n'a ni courriel ni mobile, ou n'a pas répondu : fichier pour la démarche exclus-numerique"
    parser = add_home(add(actions, "route", f"{_PLACE}:route", summary))
    parser.add_argument("campaign", metavar="CAMPAGNE")
    parser.add_argument(
        "--contacts", type=Path, required=True, metavar="FICHIER", help="CSV des contacts, lu et non gardé"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="CSV à écrire")
    parser = add_home(add(actions, "show", f"{_PLACE}:show", "campagnes, ou chiffres de l'une d'elles"))
    parser.add_argument("campaign", nargs="?", metavar="CAMPAGNE")


def _add_head(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--letterhead", type=Path, required=True, metavar="TOML", help="en-tête de votre administration"
    )
    parser.add_argument("--templates", type=Path, metavar="DOSSIER", help="vos propres gabarits, contrôlés de même")


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DOSSIER", help="dossier à écrire")
