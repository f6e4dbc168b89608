"""The commands of the journal as words and options."""

from __future__ import annotations

import argparse
from pathlib import Path

from service.stanzas import Subparsers, add, add_home, group

__all__ = ["journal_commands"]

_PLACE = "service.administration.journal.journal_commands"
_ANSWERS = ("opposition", "plus_proposer", "deja_fait")


def journal_commands(commands: Subparsers) -> None:
    """Declare them."""
    actions = group(commands, "journal", "résultats détenus, oppositions, demandes d'accès, destructions")
    add_home(add(actions, "show", f"{_PLACE}:show", "résultats détenus et leurs échéances, envois, oppositions"))
    parser = add_home(
        add(actions, "answer", f"{_PLACE}:answers", "enregistrer une réponse : opposition, renoncement, déjà fait")
    )
    parser.add_argument("kind", choices=_ANSWERS, metavar="REPONSE", help=", ".join(_ANSWERS))
    _add_people(parser)
    parser = add_home(
        add(actions, "withdraw", f"{_PLACE}:withdraw", "retirer une opposition, à la demande de la personne")
    )
    _add_people(parser)
    parser = add_home(add(actions, "access", f"{_PLACE}:access", "répondre à la demande d'accès d'une personne"))
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier de la réponse (sinon l'écran)")
    add_home(add(actions, "purge", f"{_PLACE}:purge", "détruire tout ce dont la durée est passée, avec reçu"))
    parser = add_home(
        add(actions, "destroy", f"{_PLACE}:destroy", "détruire des résultats avant leur échéance, avec reçu")
    )
    parser.add_argument("collection", metavar="CROISEMENT", help="croisement, ou croisement/sortie")
    summary = "lister qui est transmis à l'organisme qui agit, comme la démarche le prévoit, et le noter"
    parser = add_home(add(actions, "transmit", f"{_PLACE}:transmit", summary))
    parser.add_argument("collection", metavar="CROISEMENT", help="croisement, ou croisement/sortie")
    parser.add_argument(
        "--to", required=True, metavar="OPERANDE", help="organisme qui agit, par son nom dans la démarche"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FICHIER", help="CSV des identifiants à écrire")
    parser.add_argument(
        "--contacts",
        type=Path,
        metavar="FICHIER",
        help="contacts, avec la colonne foyer, où le droit est celui d'un foyer",
    )
    parser = add_home(add(actions, "receipts", f"{_PLACE}:receipts", "reçus de destruction, signatures vérifiées"))
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier où copier les reçus signés")


def _add_people(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demarche", metavar="DEMARCHE", help="démarche concernée")
    parser.add_argument("--all", action="store_true", help="toutes les démarches")
    parser.add_argument("--file", type=Path, metavar="FICHIER", help="CSV, colonne identifiant (sinon : lu au clavier)")
