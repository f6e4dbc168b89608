"""The commands of legal papers as words and options."""

from __future__ import annotations

from pathlib import Path

from service.stanzas import Subparsers, add, add_home, group

__all__ = ["papers_commands"]

_PLACE = "service.administration.papers_commands"


def papers_commands(commands: Subparsers) -> None:
    """Declare them."""
    actions = group(commands, "papers", "documents que la loi demande, écrits depuis la convention et la démarche")
    summary = "registres RGPD, notices, règles de l'algorithme, trame d'analyse d'impact"
    parser = add_home(add(actions, "write", f"{_PLACE}:write", summary))
    parser.add_argument("agreement", metavar="CONVENTION")
    parser.add_argument("--out", type=Path, required=True, metavar="DOSSIER", help="dossier à écrire")
    parser = add_home(add(actions, "register", f"{_PLACE}:register", "registre public des échanges (CRPA L114-8 III)"))
    parser.add_argument("--out", type=Path, required=True, metavar="DOSSIER", help="dossier à écrire")
    summary = "expliquer à une personne pourquoi elle est retenue (CRPA R311-3-1-2)"
    parser = add_home(add(actions, "explain", f"{_PLACE}:explain", summary))
    parser.add_argument("collection", metavar="CROISEMENT", help="croisement, ou croisement/sortie")
    parser.add_argument("--out", type=Path, metavar="FICHIER", help="fichier à écrire (sinon l'écran)")
