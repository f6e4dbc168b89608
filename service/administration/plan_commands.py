"""`allervers plan`: the passes of a comparison and what each costs, from a sheet and declared sizes, before any exchange.

Nothing here touches the network, nor any file of people.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linkage.costing import PlanCost, cost_plan
from linkage.plan import target_size
from linkage.planner import plan_passes
from linkage.profiles import profile_named
from linkage.sheet import Sheet, load_sheet
from service.administration.app import open_office
from service.administration.terminal import Terminal

__all__ = ["plan_command"]

_PARTS = {
    "initial": "initiale",
    "two": "deux premières lettres",
    "three": "trois premières lettres",
    "year": "année",
    "decade": "décennie",
    "unit": "dernier chiffre de l'année",
    "month": "mois",
    "day": "jour du mois",
    "day_month": "jour et mois",
    "value": "valeur",
}
_LOW_RECALL = 0.98
_UNITS = ((1_000_000_000, "Go"), (1_000_000, "Mo"), (1_000, "ko"))


def plan_command(args: argparse.Namespace) -> None:
    """`allervers plan`: shows the plan and its costs."""
    terminal = open_office(None).terminal
    sheet = load_sheet(args.sheet)
    if args.propose:
        sheet = replace(sheet, passes=())
    sizes = args.sizes[0], args.sizes[1]
    plan = plan_passes(sheet, args.profile, sizes)
    cost = cost_plan(sheet, plan, sizes)
    warnings = _warnings(cost)
    if args.json:
        shown = {**cost.to_json(), "warnings": warnings, "plan": plan.to_json()}
        terminal.say(json.dumps(shown, ensure_ascii=False, sort_keys=True))
    else:
        _show(terminal, sheet, cost, warnings)


def _show(terminal: Terminal, sheet: Sheet, cost: PlanCost, warnings: list[str]) -> None:
    numbers = cost.to_json()
    left, right = cost.sizes
    terminal.say(
        f"feuille {sheet.name or 'sans nom'}, profil {cost.profile}, effectifs {_number(left)} et {_number(right)}"
    )
    for one in numbers["passes"]:
        terminal.say()
        for line in _lines(one):
            terminal.say(line)
    terminal.say()
    sent = " et ".join(_volume(count) for count in numbers["bytes"])
    terminal.say(f"en tout      : {sent} à envoyer, {_number(numbers['pairs'])} paires comparées")
    terminal.say(
        f"temps        : encodage {_time(numbers['encode_seconds'])}, "
        f"rapprochement {_time(numbers['match_seconds'])} (ordre de grandeur, deux cœurs)"
    )
    terminal.say(
        f"rappel       : {_share(numbers['meeting'])} des vraies paires se rencontrent dans une passe au moins, "
        f"{_share(numbers['linking'])} seraient liées"
    )
    terminal.say("               (taux d'erreur supposés, docs/planner.md : aucun n'est mesuré sur vos fichiers)")
    for sentence in warnings:
        terminal.say(f"attention    : {sentence}")


def _lines(one: Mapping[str, Any]) -> list[str]:
    lines = [f"passe {one['name']} : {_words(one['blocks'])}"]
    if one["finer"]:
        lines.append(
            f"  les valeurs trop fréquentes divisées encore par : {_words(one['finer'])} ({_share(one['split'])} des personnes)"
        )
    if one["form"]:
        lines.append(f"  avec {one['form']} à la place de la première forme du nom, quand il existe")
    if one["without"]:
        lines.append(f"  laissé hors des filtres : {', '.join(one['without'])}")
    if one["threshold"] == one["strict_threshold"] == 1.0:
        sent = " et ".join(_volume(count) for count in one["bytes"])
        return [*lines, "  valeurs égales reliées par un jeton sous clé, sans filtre", f"  coût       : {sent} au plus"]
    blocks = f"{_number(one['expected_blocks'])} attendus, {_number(one['mean_block'])} personnes en moyenne"
    spent = f"encodage {_time(one['encode_seconds'])}, rapprochement {_time(one['match_seconds'])}"
    sent = " et ".join(_volume(count) for count in one["bytes"])
    strict = _decimal(one["strict_threshold"])
    lines += [
        f"  blocs      : {blocks}, {_number(one['largest_block'])} dans le plus grand",
        f"  coût       : {sent}, {_number(one['pairs'])} paires, {spent}",
        f"  rappel     : {_share(one['meeting'])} se rencontrent, {_share(one['linking'])} seraient liées",
        f"  exposition : t = {one['degree']}, kappa {_decimal(one['exposure'])} entre inconnus (les familles s'y ajoutent)",
        f"  seuils     : Dice estimé {_decimal(one['threshold'])} (information), {strict} (strict)",
    ]
    return lines


def _words(components: list[str]) -> str:
    """`naissance.day_month` in words."""
    words = []
    for component in components:
        name, _, part = component.partition(".")
        words.append(name if part == "value" else f"{_PARTS[part]} de {name}")
    return ", ".join(words) or "aucune division, tous avec tous"


def _warnings(cost: PlanCost) -> list[str]:
    profile = profile_named(cost.profile)
    found = []
    if not profile.degree:
        found.append("le profil reference ne protège pas : aucune convention ne l'accepte")
    for one in cost.passes if profile.degree else ():
        name = one.plan.name
        if one.exposure > profile.exposure:
            found.append(
                f"passe {name} : une partie de ses blocs expose plus que ne vise le profil ({_decimal(profile.exposure / 1000)})"
            )
    full = [one.plan.name for one in cost.passes if one.sizing.largest > 9 * target_size(profile.cap) // 10]
    if profile.degree and full:
        found.append(
            f"blocs presque pleins ({', '.join(full)}) : un fichier plus concentré que la population (une génération, une "
            "région) peut être refusé (E_BLOC_TROP_GRAND) ; déclarez ses années sous [statistics]"
        )
    if cost.to_json()["linking"] < _LOW_RECALL:
        found.append("rappel attendu faible : ajoutez une passe, ou comparez ce plan à celui de --propose")
    if any(one.plan.form for one in cost.passes):
        found.append("la passe sur la seconde forme du nom compte dans le volume et dans l'exposition comme les autres")
    return found


def _number(count: int) -> str:
    return f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")


def _volume(count: int) -> str:
    for size, unit in _UNITS:
        if count >= size:
            return f"{_decimal(count / size, 1)} {unit}"
    return f"{count} octets"


def _time(seconds: float) -> str:
    if seconds < 1:
        return "moins d'une seconde"
    return f"{_number(round(seconds))} s" if seconds < 120 else f"{_number(round(seconds / 60))} min"


def _share(value: float) -> str:
    return f"{_decimal(100 * value, 2)} %"


def _decimal(value: float, places: int = 3) -> str:
    return f"{value:.{places}f}".replace(".", ",")
