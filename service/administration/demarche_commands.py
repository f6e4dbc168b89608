"""`allervers demarche`: the sheets that are shipped, what one says, whether one holds, and a new one made from another.

Nothing here needs a key, a network or a file of people.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from linkage.selection import parameters_of, parse_computation, parse_selection
from service.administration.app import open_office
from service.clauses import IN_ZONE
from service.demarche import demarche_text, list_demarches, load_demarche, parse_demarche
from service.demarche_page import demarche_page
from service.demarche_words import learned, output_sentences, purpose_sentence, trigger_sentence
from service.due_dates import next_runs
from service.errors import ServiceError
from service.rule_sheet import Demarche, Operand

__all__ = ["check_demarche", "columns_read", "new_demarche", "show_demarche", "show_demarches"]

SCHEMA = "demarche.schema.json"
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")


def show_demarches(args: argparse.Namespace) -> None:
    """`allervers demarche list`: the démarches that are shipped, or those that are there to be refused."""
    terminal = open_office(None).terminal
    for name in list_demarches():
        terminal.say(f"{name} : {load_demarche(name).title}")
    if not args.refused:
        return
    for name in list_demarches(refused=True):
        try:
            load_demarche(name)
        except ServiceError as error:
            terminal.say(f"{name} : {error}")


def show_demarche(args: argparse.Namespace) -> None:
    """`allervers demarche show`: what a démarche does, in words; with `--html`, the page for the DPO."""
    office, demarche = open_office(None), load_demarche(args.demarche)
    terminal = office.terminal
    if args.html is not None:
        args.html.write_text(demarche_page(demarche), encoding="utf-8")
        terminal.say(f"page écrite : {args.html}")
        return
    for line in _described(demarche):
        terminal.say(line)
    if demarche.trigger is not None and (days := next_runs(demarche.trigger, office.clock().date())):
        terminal.say(f"échéances   : {', '.join(f'{one:%d/%m/%Y}' for one in days)}…")
    terminal.say(f"empreinte   : {demarche.digest}")


def _described(demarche: Demarche) -> Iterator[str]:
    yield f"{demarche.id} : {demarche.title}"
    if demarche.presentation:
        yield demarche.presentation.summary
    yield f"finalité    : {demarche.purpose} ({demarche.action.mode}) : {purpose_sentence(demarche)}"
    yield f"fondement   : {' ; '.join(demarche.legal_basis)}"
    yield f"déclencheur : {trigger_sentence(demarche)}"
    for output, (_, sentence, _) in zip(demarche.outputs, output_sentences(demarche), strict=True):
        rule = demarche.rules()[output.name].text
        yield f"règle       : {rule}, résultats à « {', '.join(output.recipients)} » : {sentence}"
    for one in demarche.operands.values():
        yield f"{one.name} ({one.role}, {', '.join(one.organisations)}) : {one.selection}"
        yield from _file_of(demarche, one)
    if demarche.payload:
        yield f"charge utile: {', '.join(demarche.payload)}, de « {', '.join(demarche.payload_operands)} »"
    kept = demarche.retention
    yield f"conservation: résultats {kept.results} mois, traces {kept.traces}, opposition {kept.objection}"
    yield f"canaux      : {', '.join(demarche.channels)} ; sans numérique : {', '.join(demarche.fallback)}"


def _file_of(demarche: Demarche, operand: Operand) -> Iterator[str]:
    if operand.connector is not None:
        yield f"fichier     : connecteur {operand.connector} pour « {operand.name} »"
    if operand.local_filter is not None:
        yield f"sélection   : {operand.local_filter}"
    for name, expression in operand.computations.items():
        yield f"calcul      : {name} = {expression}"
    if columns := columns_read(demarche, operand):
        yield f"colonnes    : {', '.join(columns)} (en plus de l'identité)"
    yield f"apprend     : {learned(demarche, operand)}"


def columns_read(demarche: Demarche, operand: Operand) -> list[str]:
    """The columns of a file that its selection, its computations and its payload read."""
    parameters = parameters_of(demarche.parameters)
    read: list[str] = []
    if operand.local_filter is not None:
        read += [one for one in parse_selection(operand.local_filter, parameters).columns if one != IN_ZONE]
    for expression in operand.computations.values():
        read += parse_computation(expression, parameters).columns
    if operand.name in demarche.payload_operands:
        read += [name for name in demarche.payload if name not in operand.computations]
    return list(dict.fromkeys(read))


def check_demarche(args: argparse.Namespace) -> None:
    """`allervers demarche check`: read a démarche, refuse it or say that it holds, and what its files must have."""
    demarche = load_demarche(args.demarche)
    terminal = open_office(None).terminal
    terminal.say(f"{demarche.id} : démarche valable ({demarche.digest})")
    for operand in demarche.operands.values():
        if columns := columns_read(demarche, operand):
            terminal.say(f"fichier « {operand.name} » : colonnes {', '.join(columns)}, en plus de l'identité")
    if demarche.presentation is None:
        terminal.note("aucune [presentation] : écrivez en deux phrases à quoi sert la démarche")
    if demarche.parameters:
        terminal.note(f"paramètres à reprendre des textes de l'année : {', '.join(demarche.parameters)}")


def new_demarche(args: argparse.Namespace) -> None:
    """`allervers demarche new`: a sheet of one's own, made from a shipped one, with the schema that editors read beside it.

    Raises:
        ServiceError: `E_DEMARCHE` for an identifier that cannot be, `E_FICHIER_EXISTANT` rather than replacing a file.
    """
    path: Path = args.out
    identifier = args.id or path.stem
    if not _IDENTIFIER.fullmatch(identifier):
        raise ServiceError(
            "E_DEMARCHE", "l'identifiant s'écrit en minuscules, chiffres et tirets ; donnez-le avec --id"
        )
    if path.exists():
        raise ServiceError("E_FICHIER_EXISTANT", f"{path} existe déjà ; donnez un autre nom avec --out")
    text = _renamed(demarche_text(args.model), identifier, args.title)
    parse_demarche(text)
    schema = resources.files("service").joinpath("demarches", SCHEMA).read_text("utf-8")
    path.write_text(text, encoding="utf-8")
    path.with_name(SCHEMA).write_text(schema, encoding="utf-8")
    terminal = open_office(None).terminal
    terminal.say(f"fiche écrite : {path} (modèle {args.model})")
    terminal.say(f"modifiez-la, puis : allervers demarche check {path}")


def _renamed(text: str, identifier: str, title: str | None) -> str:
    """The text of a sheet under another name; comments and layout stay."""
    text = re.sub(r"(?m)^id = .*$", f'id = "{identifier}"', text, count=1)
    if title is not None:
        quoted = title.replace("\\", "\\\\").replace('"', '\\"')
        text = re.sub(r"(?m)^titre = .*$", lambda _: f'titre = "{quoted}"', text, count=1)
    return text
