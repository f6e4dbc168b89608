"""What the clauses of a démarche must say of each other, whatever each says by itself.

* **Award.** What is done stays within the purpose; an award asks for the strict threshold; one that is forbidden stays so.
* **Rule.** Each type has its form; the operands of the rule are the parties, but for one that only receives what is passed on;
  hits go to operands that can make one, never to a reference; whoever is subtracted guarantees its freshness.
* **Ground.** Comparing people's files takes an article of the CRPA; consent, where it is the ground, is part of the selection.
* **Payload.** Told by operands that the rule asks for, to somebody else; never by one that may attach nothing.
* **Passing on.** Who passes on passes its own hits, and nothing that it received, unless a text says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from service.clauses import Onward
from service.due_dates import next_runs
from service.errors import ServiceError
from service.rule_sheet import Demarche

if TYPE_CHECKING:
    from linkage.rules import Rule

__all__ = ["RULE_TYPES", "check_demarche"]

# What the first expression of each type holds, and must not hold.
_FORMS: Mapping[str, tuple[str, str]] = {
    "intersection": ("&", "-"),
    "anti_jointure": ("-", "&"),
    "composition": ("", ""),
    "union_dedoublonnee": ("dedup(", ""),
    "cascade_priorite": ("dedup(", ""),
    "echeance": ("", ""),
    "evenement": ("", ""),
    "comparaison_attribut": ("&", ""),
    "verification": ("&", "-"),
    "selection_locale": ("", ""),
    "routage": ("", ""),
}
RULE_TYPES = tuple(_FORMS)
_SOME_DAY = date(2026, 1, 1)  # a recurrence that can be read on one day can on any
_REQUEST = "L114-8-I"
_CONSENT = re.compile(r"\bconsent", re.IGNORECASE)
_REASON = re.compile(r"motif|prestation|eligib")


def check_demarche(demarche: Demarche) -> None:
    """Judge the whole.

    Raises:
        ServiceError: `E_FINALITE_INTERDITE`, `E_ZONE_GRISE_ATTRIBUTION`, `E_DEMARCHE`, `E_RESULTATS_A`, `E_FRAICHEUR`,
            `E_FONDEMENT_INCOMPLET`, `E_AIPD_ABSENTE`, `E_CHARGE_HORS_HABILITATION`, `E_CASCADE`.
        LinkageError: `E_REGLE`, `E_SELECTION`, `E_PARAMETRE`, an expression that cannot be read.
    """
    _check_award(demarche)
    rules = demarche.rules()
    _check_form(demarche, rules)
    _check_parties(demarche, rules)
    for output in demarche.outputs:
        _check_recipients(demarche, output.recipients, rules[output.name])
    _check_freshness(demarche, rules)
    _check_ground(demarche)
    _check_payload(demarche, rules)
    for onward in demarche.onward:
        _check_onward(demarche, onward)
    _check_details(demarche)


def _check_award(demarche: Demarche) -> None:
    mode = demarche.action.mode
    kind = "attribution" if mode.startswith("attribution") else mode
    if kind != demarche.purpose:
        sentence = "la finalité et [action] mode se contredisent : la finalité annoncée borne ce qui est fait"
        raise ServiceError("E_FINALITE_INTERDITE", sentence)
    if demarche.action.award_forbidden and kind == "attribution":
        raise ServiceError("E_FINALITE_INTERDITE", "[action] attribution_interdite et une attribution se contredisent")
    for output in demarche.outputs:
        if output.use not in ("information", demarche.purpose):
            sentence = (
                f"la sortie « {output.name} » dépasse la finalité : son usage est information ou {demarche.purpose}"
            )
            raise ServiceError("E_FINALITE_INTERDITE", sentence)
        if output.award and output.threshold != "attribution":
            sentence = 'une attribution exige seuil = "attribution" : un lien incertain n\'ouvre jamais un droit'
            raise ServiceError("E_ZONE_GRISE_ATTRIBUTION", sentence)


def _check_form(demarche: Demarche, rules: Mapping[str, Rule]) -> None:
    kind, texts = demarche.rule_type, [rule.text for rule in rules.values()]
    held, barred = _FORMS[kind]
    first = texts[0]
    fits = held in first and not (barred and barred in first)
    if kind == "composition":
        fits = len(texts) > 1 or ("&" in first and "-" in first)
    if not fits:
        raise ServiceError("E_DEMARCHE", f"« {first} » n'est pas une règle de type {kind}")
    if demarche.trigger is not None:
        next_runs(demarche.trigger, _SOME_DAY)
    if kind == "echeance" and (demarche.trigger is None or demarche.trigger.kind != "calendrier"):
        raise ServiceError("E_DEMARCHE", 'une règle de type echeance a un [declencheur] de type "calendrier"')
    if (kind == "comparaison_attribut") != (demarche.blind is not None):
        raise ServiceError(
            "E_DEMARCHE", "condition_aveugle va avec une règle de type comparaison_attribut, et elle seule"
        )
    if (kind == "verification") and demarche.purpose != "verification":
        raise ServiceError("E_DEMARCHE", 'une règle de type verification a pour finalité "verification"')


def _check_parties(demarche: Demarche, rules: Mapping[str, Rule]) -> None:
    named = {name for rule in rules.values() for name in rule.operands}
    apart = {one.receiver for one in demarche.onward}
    if not named <= set(demarche.operands) or not set(demarche.operands) - named <= apart:
        expressions = " ; ".join(rule.text for rule in rules.values())
        sentence = f"l'expression « {expressions} » et [parties] ne nomment pas les mêmes opérandes"
        raise ServiceError("E_DEMARCHE", sentence)
    if demarche.local and len(named) != 1:
        raise ServiceError(
            "E_DEMARCHE", f"une règle de type {demarche.rule_type} n'a qu'une partie : rien n'est rapproché"
        )
    for name in named:
        optional = demarche.operands[name].optional
        if optional and all(name in rule.operands for rule in rules.values()):
            sentence = f"« {name} » est facultatif : il faut une sortie qui se passe de lui"
            raise ServiceError("E_DEMARCHE", sentence)


def _check_recipients(demarche: Demarche, recipients: tuple[str, ...], rule: Rule) -> None:
    for recipient in recipients:
        if recipient not in demarche.operands:
            known = ", ".join(demarche.operands)
            raise ServiceError("E_RESULTATS_A", f"resultats_a doit nommer une partie : {known}, ou detenteur_du_jeton")
        if demarche.operands[recipient].role == "reference":
            sentence = f"« {recipient} » est une référence et ne reçoit jamais de résultats ; corrigez resultats_a"
            raise ServiceError("E_RESULTATS_A", sentence)
        if recipient not in rule.added:
            able = ", ".join(sorted(rule.added))
            sentence = f"les résultats de « {rule.text} » vont à un opérande qui n'est pas soustrait : {able}"
            raise ServiceError("E_RESULTATS_A", sentence)


def _check_freshness(demarche: Demarche, rules: Mapping[str, Rule]) -> None:
    for name in sorted({name for rule in rules.values() for name in rule.subtracted}):
        if demarche.operands[name].freshness is None:
            sentence = f"« {name} » est soustrait : ajoutez [regle.fraicheur.{name}] (age_max, absence_fiable)"
            raise ServiceError("E_FRAICHEUR", sentence)


def _check_ground(demarche: Demarche) -> None:
    if demarche.crpa is None and not demarche.local and demarche.identity != "P5":
        sentence = "rapprocher des fichiers de personnes demande un article du CRPA : crpa = L114-8-I ou L114-8-II"
        raise ServiceError("E_FONDEMENT_INCOMPLET", sentence)
    if demarche.no_dpia is not None and not demarche.local:
        raise ServiceError(
            "E_AIPD_ABSENTE", "un rapprochement exige une analyse d'impact : retirez la dispense de [aipd]"
        )
    if not demarche.consent:
        return
    if demarche.crpa != _REQUEST:
        raise ServiceError("E_FONDEMENT_INCOMPLET", "le consentement vaut demande : crpa = L114-8-I")
    filters = [demarche.operands[name].local_filter or "" for name in demarche.recipients]
    if not all(map(_CONSENT.search, filters)):
        sentence = (
            "le consentement est requis : le filtre_local du destinataire en teste la colonne (consentement_valide)"
        )
        raise ServiceError("E_FONDEMENT_INCOMPLET", sentence)


def _check_payload(demarche: Demarche, rules: Mapping[str, Rule]) -> None:
    for teller in demarche.payload_operands:
        told = [
            output.name
            for output in demarche.outputs
            if teller in rules[output.name].added and set(output.recipients) - {teller}
        ]
        if not told or demarche.operands[teller].no_payload:
            sentence = "[habilitation] operande nomme un opérande que la règle intersecte (« & ») et qui peut joindre une charge"
            raise ServiceError("E_CHARGE_HORS_HABILITATION", sentence)


def _check_onward(demarche: Demarche, onward: Onward) -> None:
    where = "[livraison.transmission_aval]"
    if outside := sorted(set(onward.senders) - set(demarche.recipients)):
        sentence = f"{where} : « {outside[0]} » ne reçoit pas de résultats et n'a rien à transmettre ; corrigez « de »"
        raise ServiceError("E_CASCADE", sentence)
    again = sorted((set(onward.fields) & set(demarche.payload)) - set(onward.received))
    if again or (onward.received and onward.text is None):
        field = (again or sorted(onward.received))[0]
        sentence = f"{where} : « {field} » vient d'une autre administration ; ne le transmettez pas, ou nommez-le dans « recus »"
        raise ServiceError("E_CASCADE", f"{sentence} avec le texte qui le permet (texte)")
    if unknown := set(onward.only) - {output.name for output in demarche.outputs}:
        raise ServiceError(
            "E_DEMARCHE", f"{where} : « seulement » nomme des sorties : {', '.join(unknown)} n'en est pas une"
        )


def _check_details(demarche: Demarche) -> None:
    if demarche.blind and {demarche.blind.left, demarche.blind.right} - set(demarche.operands):
        raise ServiceError("E_DEMARCHE", "condition_aveugle compare les colonnes de deux parties de la règle")
    if demarche.group and demarche.group.operand not in demarche.recipients:
        raise ServiceError("E_DEMARCHE", "[regle.groupe] operande est celui qui reçoit les résultats")
    if "motif_eligibilite" in demarche.forbidden:
        _check_reasons(demarche)
    _check_local_expressions(demarche)


def _check_reasons(demarche: Demarche) -> None:
    fields = [*demarche.payload, *(demarche.message.fields if demarche.message else ())]
    fields += [field for onward in demarche.onward for field in onward.fields]
    if told := [name for name in fields if _REASON.search(name)]:
        sentence = f"« {told[0]} » dit pourquoi la personne est éligible, ce que la démarche interdit ; retirez-le"
        raise ServiceError("E_CHARGE_HORS_HABILITATION", sentence)


def _check_local_expressions(demarche: Demarche) -> None:
    """Each is read as it will be when a file is."""
    from linkage.selection import parameters_of, parse_computation, parse_selection  # noqa: PLC0415 - the encoder's half

    parameters = parameters_of(demarche.parameters)
    for operand in demarche.operands.values():
        if operand.local_filter is not None:
            parse_selection(operand.local_filter, parameters)
        for expression in operand.computations.values():
            parse_computation(expression, parameters)
