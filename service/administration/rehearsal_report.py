"""What an agent reads of a rehearsal.

Counts, what is expected with its interval, what is true where a truth was given, and what to write in the next
agreement's sheet. The numbers are those of `linkage.evaluate.Evaluation.to_json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["sentences"]

_MISSED = {"a & b": "personnes oubliées", "a - b": "personnes privées d'un message"}


def sentences(numbers: dict[str, Any]) -> Iterator[str]:
    """The report, line by line.

    Args:
        numbers: of `Evaluation.to_json`.
    """
    left, right = numbers["records"]
    known = "" if numbers["true_pairs"] is None else f", dont {numbers['true_pairs']} vraies paires"
    yield f"profil      : {numbers['profile']}"
    yield f"personnes   : {left} et {right}{known}"
    yield f"liens       : {numbers['links']}, dont {numbers['strict_links']} au seuil strict"
    if numbers["true_pairs"] is not None:
        yield f"précision   : {_percent(numbers['precision'])}"
        yield f"rappel      : {_percent(numbers['recall'])}"
        yield f"F1          : {_percent(numbers['f1'])}"
    yield f"seuil       : {numbers['threshold']} ({numbers['threshold_reason']})"
    yield from _expected(numbers)
    yield from _rules(numbers)
    yield from _proposed(numbers)
    yield from _across(numbers)
    yield from _groups(numbers)
    yield from _work(numbers)


def _expected(numbers: dict[str, Any]) -> Iterator[str]:
    expected = numbers["expected"]
    if expected is None:
        return
    yield "sans vérité, à 90 % :"
    yield f"  personnes présentes des deux côtés : {_people(expected['people_in_both'])}"
    for name, words in (("information", "au seuil d'information"), ("strict", "au seuil strict")):
        yield (
            f"  {words} : précision {_percents(expected[name]['precision'])}, "
            f"rappel {_percents(expected[name]['recall'])}, liens faux {_people(expected[name]['wrong'])}"
        )


def _rules(numbers: dict[str, Any]) -> Iterator[str]:
    for rule, people in numbers["rules"].items():
        yield f"règle {rule}  : {people['award']} pour attribution, {people['information']} pour information"
        if people["missed"] is not None:
            yield f"  en vérité : {people['missed']} {_MISSED[rule]}, {people['useless']} messages inutiles"
        if numbers["expected"] is not None:
            expected = numbers["expected"]["rules"][rule]
            yield f"  attendu   : {_people(expected['missed'])} {_MISSED[rule]}, {_people(expected['useless'])} messages inutiles"


def _proposed(numbers: dict[str, Any]) -> Iterator[str]:
    proposed = numbers["proposed"]
    if proposed is None:
        return
    yield "proposé pour la prochaine convention (Dice estimé, en millièmes) :"
    for name in ("information", "strict"):
        one = proposed[name]
        passes = ", ".join(f"{of_pass} {number}" for of_pass, number in one["numbers"].items())
        expected = one["expected"]
        yield f"  {name} : {one['per_mille']} (par passe : {passes})"
        figures = f"précision {_percents(expected['precision'])}, rappel {_percents(expected['recall'])}"
        truly = one["true"]
        known = (
            "" if truly["f1"] is None else f" ; en vérité {_percent(truly['precision'])} et {_percent(truly['recall'])}"
        )
        yield f"    attendu : {figures}{known}"
    yield from (f"  {sentence}" for sentence in proposed["advice"])


def _across(numbers: dict[str, Any]) -> Iterator[str]:
    across = numbers["across_passes"]
    known = "" if across["removed_right"] is None else f", dont {across['removed_right']} justes"
    yield f"un seul lien par personne, toutes passes ensemble, en retirerait {across['removed']}{known} (pour information)"


def _groups(numbers: dict[str, Any]) -> Iterator[str]:
    for group in numbers["groups"]:
        said = [f"{group['people']} personnes", f"{group['links']} liens"]
        if group["precision"] is not None:
            said.append(f"précision {_percent(group['precision'])}")
        if group["expected_precision"] is not None:
            said.append(f"précision attendue {_percents(group['expected_precision'])}")
        if group["recall"] is not None:
            said.append(f"rappel {_percent(group['recall'])}")
        yield f"groupe {group['value']} : {', '.join(said)}"


def _work(numbers: dict[str, Any]) -> Iterator[str]:
    spent = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in numbers["seconds"].items())
    yield f"temps       : {spent}"
    rate, encoded = numbers["pairs_per_second"], numbers["encoded_records_per_second"]
    yield f"débit       : {rate / 1e6:.0f} millions de paires comparées et {encoded} personnes encodées par seconde"
    yield f"mémoire     : {numbers['peak_bytes'] / 2**20:.0f} Mio au plus"
    for one in numbers["passes"]:
        aside, largest = one["left_aside"], one["largest_block"]
        blocks = " + ".join(one["blocks"]) or "sans division"
        yield f"passe {one['name']} : {blocks} ; plus grand bloc {largest}, hors de la passe {aside}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _percents(interval: list[float]) -> str:
    low, middle, high = (f"{100 * one:.2f}" for one in interval)
    return f"{middle} % (de {low} à {high})"


def _people(interval: list[float]) -> str:
    low, middle, high = (f"{one:.0f}" for one in interval)
    return f"{middle} (de {low} à {high})"
