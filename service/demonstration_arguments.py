"""The command that shows what the tool does on invented people, as words and options."""

from __future__ import annotations

from pathlib import Path

from service.stanzas import Subparsers, add

__all__ = ["demonstration_commands"]


def demonstration_commands(commands: Subparsers) -> None:
    """Declare it."""
    summary = "montrer l'outil sur des personnes inventées, sur ce poste seul (1 : un plancher de qualité est manqué)"
    parser = add(commands, "demo", "service.demonstration.demo_commands:demo", summary)
    parser.add_argument(
        "--all", action="store_true", help="toutes les démarches du catalogue, chacune contre la vérité (15 minutes)"
    )
    parser.add_argument("--only", nargs="+", metavar="DEMARCHE", help="ces démarches seulement")
    parser.add_argument(
        "--explain", action="store_true", help="avec --all ou --only : la raison de chaque résultat perdu ou inutile"
    )
    parser.add_argument("--people", type=int, metavar="N", help="personnes inventées (50 000 ; 60 000 avec --all)")
    parser.add_argument("--seed", type=int, default=2026, metavar="N", help="germe de la population (2026)")
    parser.add_argument(
        "--names", type=Path, metavar="DOSSIER", help="tables de noms de l'INSEE au lieu de noms inventés"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FICHIER",
        help="rapport à écrire : une page ; avec --all, JSON, ou Markdown (.md)",
    )
    parser.add_argument("--json", action="store_true", help="résultat en JSON, sur une ligne")
