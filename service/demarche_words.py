"""What a démarche says, in French sentences: the rule without signs, who learns what, when, and how long anything is kept.

The page for the DPO and `allervers demarche show` both read from here, so that they never say two things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.rule_sheet import Demarche, Operand

if TYPE_CHECKING:
    from linkage.rules import Expression

__all__ = [
    "learned",
    "output_sentences",
    "purpose_sentence",
    "retention_sentences",
    "rule_sentence",
    "trigger_sentence",
]

_PURPOSES = {
    "information": "faire connaître un droit",
    "attribution": "attribuer un droit",
    "verification": "vérifier une condition à la place d'un justificatif",
}
_MODES = {
    "information": "la personne est informée, rien n'est décidé",
    "verification": "le dossier est complété sans justificatif",
    "attribution_directe": "le droit est ouvert d'office",
    "attribution_sauf_refus": "le droit est ouvert, sauf refus",
    "attribution_sauf_refus_conjoint": "le droit est ouvert, sauf refus des deux personnes",
}
_GREY = {
    "ecarter": "les liens incertains sont écartés",
    "information_seule": "un lien incertain peut mener à une information, jamais à une attribution",
    "revue_humaine": "un lien incertain est revu par une personne avant toute suite",
}


def purpose_sentence(demarche: Demarche) -> str:
    """The purpose, and what follows a hit."""
    days = demarche.action.refusal_days
    delay = f" dans les {days} jours" if days else ""
    return f"{_PURPOSES[demarche.purpose]} : {_MODES[demarche.action.mode]}{delay}"


def rule_sentence(expression: str) -> str:
    """An expression in words.

    Raises:
        LinkageError: `E_REGLE`.
    """
    from linkage.rules import parse_rule  # noqa: PLC0415 - the encoder's half

    return _words(parse_rule(expression).tree)


def _words(tree: Expression) -> str:
    from linkage.rules import Chain, Dedup, Either  # noqa: PLC0415 - the encoder's half

    if isinstance(tree, Chain):
        parts = [_words(tree.first)]
        for sign, one in tree.rest:
            parts.append(f"qui {'figurent aussi' if sign == '&' else 'ne figurent pas'} dans {_named(one)}")
        return " ".join([parts[0], " et ".join(parts[1:])])
    if isinstance(tree, Dedup):
        order = ", puis de ".join(map(_named, tree.parts))
        return f"les personnes de {order}, chacune une seule fois, chez le premier qui la connaît"
    if isinstance(tree, Either):
        return f"les personnes de {' ou de '.join(map(_named, tree.parts))}"
    return f"les personnes de « {tree} »"


def _named(tree: Expression) -> str:
    from linkage.rules import Either, Operand  # noqa: PLC0415 - the encoder's half

    if isinstance(tree, Operand):
        return f"« {tree} »"
    if isinstance(tree, Either):
        return " ou ".join(map(_named, tree.parts))
    return f"l'ensemble formé par {_words(tree)}"


def output_sentences(demarche: Demarche) -> list[tuple[str, str, str]]:
    """Of each output: its name or label, who is in it, what happens with doubtful links."""
    told = []
    for output in demarche.outputs:
        who = " et ".join(f"« {name} »" for name in output.recipients)
        own = "chacun pour ses seules personnes" if len(output.recipients) > 1 else "pour ses propres personnes"
        sentence = f"{rule_sentence(output.expression)} ; seul {who} l'apprend, {own}"
        if len(output.recipients) > 1:
            sentence = sentence.replace("; seul ", "; seuls ").replace("l'apprend,", "l'apprennent,")
        told.append((output.label or output.name, sentence, _GREY[output.grey_policy]))
    return told


def learned(demarche: Demarche, operand: Operand) -> str:
    """What the holder of an operand learns from a run."""
    if operand.name not in demarche.compared:
        return "rien du croisement ; il reçoit ensuite ce qui lui est transmis"
    if operand.name not in demarche.recipients:
        return "rien"
    told = (
        "ce que son propre fichier disait déjà"
        if demarche.local
        else "lesquelles de ses propres personnes satisfont la règle"
    )
    rules = demarche.rules()
    read = {name for one in demarche.outputs if operand.name in one.recipients for name in rules[one.name].added}
    if demarche.payload and set(demarche.payload_operands) & read - {operand.name}:
        told += f", et pour celles-ci : {', '.join(demarche.payload)}"
    return told


def trigger_sentence(demarche: Demarche) -> str:
    """When a run is due."""
    return demarche.trigger.when if demarche.trigger else "À la demande d'une partie."


def retention_sentences(demarche: Demarche) -> list[tuple[str, str]]:
    """What is kept, and how long."""
    kept = demarche.retention
    found = [
        ("données de qui n'a pas le droit", "détruites à la fin du croisement, avec un reçu signé"),
        ("résultats", f"{kept.results} mois au plus, ou jusqu'à l'opposition"),
        ("traces des échanges", f"{kept.traces} mois, à la disposition de la personne"),
        ("données d'opposition", f"{kept.objection} mois, pour ce seul usage"),
    ]
    return found[1:] if demarche.local else found
