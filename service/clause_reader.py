"""The clauses of a démarche, read from its tables: outputs, identity, trigger, journey, messages, objection, what is passed on.

Each function takes one table and gives one frozen value of `service.clauses`; what is not written takes the default that every
démarche inherits: the five mandatory mentions, a link under gouv.fr, an objection that reaches this démarche and erases at once.
What clauses say of each other is judged by `service.demarche_checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from service.clauses import (
    LINKS,
    BlindCondition,
    Exact,
    GreyPolicy,
    Group,
    Identity,
    Kit,
    Message,
    Objection,
    Onward,
    Output,
    Presentation,
    Step,
    Trigger,
    Use,
)
from service.closed_table import ClosedTable
from service.errors import ServiceError
from service.excluded_data import check_names

__all__ = [
    "CONDITIONS",
    "ENTITIES",
    "HOLDER",
    "MENTIONS",
    "OBJECTION_WAYS",
    "PLACES",
    "STEP",
    "THRESHOLDS",
    "TRIGGERS",
    "grey_policy",
    "read_blind",
    "read_group",
    "read_identity",
    "read_journey",
    "read_kit",
    "read_message",
    "read_objection",
    "read_onward",
    "read_outputs",
    "read_presentation",
    "read_trigger",
]

HOLDER = "detenteur_du_jeton"  # each holder of an operand that can make a hit receives its own
THRESHOLDS = ("information", "attribution")
ENTITIES = ("individu", "foyer")
PLACES = ("commune", "pays_seul")
TRIGGERS = ("campagne", "calendrier", "evenement", "demande", "alerte")
CONDITIONS = ("sans_reponse",)
MENTIONS = ("finalite", "source_des_donnees", "droits_acces_rectification", "opposition", "contact_dpo")
OBJECTION_WAYS = ("lien", "courrier", "telephone", "guichet")
STEP = r"J[+-]\d{1,4}|T0|\+P(\d{1,3}[DWM]|T\d{1,3}H)|[a-z][a-z_]{0,31}(-P\d{1,3}D)?"

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_BLIND = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*) *(!=|==) *([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
_RECURRENCE = re.compile(
    r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;(INTERVAL|BYMONTH|BYMONTHDAY|BYDAY|BYSETPOS)=[A-Z0-9,+-]+)*"
)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


def read_presentation(top: ClosedTable) -> Presentation | None:
    """`[presentation]`."""
    table = top.table("presentation", {})
    if table.empty:
        return None
    shown = Presentation(summary=table.text("resume"), actor=table.text("acteur"), facts=table.text("faits", ""))
    table.close()
    return shown


def read_outputs(rule: ClosedTable, identity: ClosedTable, delivery: ClosedTable, use: Use) -> tuple[Output, ...]:
    """`[regle] expression`, or `[regle.sorties]`, with the recipients of `[livraison]` as they are written.

    Raises:
        ServiceError: `E_DEMARCHE`, `E_RESULTATS_A`, `E_ZONE_GRISE_ATTRIBUTION`.
    """
    threshold, grey = identity.among("seuil", THRESHOLDS), grey_policy(identity)
    everywhere = delivery.one_or_more("resultats_a", ())
    written = rule.table("sorties", {}).tables()
    if not written:
        expression = rule.maybe("expression")
        single = ClosedTable({} if expression is None else {"expression": expression}, "[regle]")
        return (_output("resultats", single, everywhere, (use, threshold, grey)),)
    if rule.maybe("expression") is not None:
        raise rule.refuse("« expression » et [regle.sorties] s'excluent")
    outputs = []
    for name, table in written.items():
        if not _WORD.fullmatch(name):
            raise table.refuse("un nom de sortie s'écrit en minuscules, chiffres et « _ »")
        recipients = delivery.one_or_more(f"{name}_a", everywhere)
        outputs.append(_output(name, table, recipients, (use, threshold, grey)))
        table.close()
    return tuple(outputs)


def _output(
    name: str, table: ClosedTable, recipients: tuple[str, ...], defaults: tuple[Use, str, GreyPolicy]
) -> Output:
    if not recipients:
        raise ServiceError("E_RESULTATS_A", f"[livraison] : dites qui reçoit « {name} » : resultats_a ou {name}_a")
    use, threshold, grey = defaults
    return Output(
        name=name,
        expression=table.text("expression", ""),
        recipients=recipients,
        use=cast("Use", table.among("usage", get_args(Use), use)),
        threshold=table.among("seuil", THRESHOLDS, threshold),
        grey_policy=grey_policy(table, grey),
        label=table.text("libelle", ""),
    )


def grey_policy(table: ClosedTable, default: Any = ...) -> GreyPolicy:
    """`politique_zone_grise`: what becomes of links between the two thresholds.

    Raises:
        ServiceError: `E_ZONE_GRISE_ATTRIBUTION`.
    """
    policy = table.text("politique_zone_grise", default)
    if policy not in get_args(GreyPolicy):
        allowed = ", ".join(get_args(GreyPolicy))
        sentence = f"un lien incertain n'ouvre jamais un droit : politique_zone_grise est l'une de : {allowed}"
        raise ServiceError("E_ZONE_GRISE_ATTRIBUTION", sentence)
    return cast("GreyPolicy", policy)


def read_identity(table: ClosedTable, operands: Iterable[str]) -> Identity:
    """What `[identite]` says beyond profile, thresholds and sheet."""
    exacts = table.texts("exacts", [])
    cut = {name: one.numbers(1, 100) for name, one in table.table("troncatures", {}).tables().items()}
    if unknown := sorted(set(cut) - set(operands)):
        raise ServiceError("E_CLE_INCONNUE", f"[identite.troncatures] : aucune partie ne se nomme « {unknown[0]} »")
    check_names(exacts, "[identite] exacts")
    return Identity(
        entity=table.among("entite", ENTITIES, "individu"),
        any_member=table.flag("membre_quelconque", False),
        person=table.maybe("personne"),
        contact=table.maybe("contact"),
        exacts=tuple(Exact(attribute=one.removesuffix("?"), optional=one.endswith("?")) for one in exacts),
        without=table.texts("sans", []),
        truncations=cut,
        partial_dates=table.flag("dates_partielles", False),
        foreign_place=table.among("lieu_etranger", PLACES, "commune"),
    )


def read_group(rule: ClosedTable) -> Group | None:
    """`[regle.groupe]`."""
    table = rule.table("groupe", {})
    if table.empty:
        return None
    group = Group(
        operand=table.text("operande"),
        key=table.text("cle"),
        members=table.texts("membres"),
        all_required=table.flag("tous_requis"),
    )
    check_names((group.key, *group.members), table.where)
    table.close()
    return group


def read_blind(rule: ClosedTable) -> BlindCondition | None:
    """`[regle] condition_aveugle`."""
    text = rule.maybe("condition_aveugle")
    if text is None:
        return None
    found = _BLIND.fullmatch(text)
    if found is None:
        raise rule.refuse("condition_aveugle s'écrit « a.colonne != b.colonne » ou « a.colonne == b.colonne »")
    left, left_column, sign, right, right_column = found.groups()
    check_names((left_column, right_column), "[regle] condition_aveugle")
    return BlindCondition(
        left=left, left_column=left_column, right=right, right_column=right_column, equal=sign == "=="
    )


def read_trigger(top: ClosedTable) -> Trigger | None:
    """`[declencheur]`."""
    table = top.table("declencheur", {})
    if table.empty:
        return None
    recurrence, field = table.maybe("rrule"), table.maybe("champ")
    days = table.whole_numbers("jours", [])
    if recurrence is not None and not _RECURRENCE.fullmatch(recurrence):
        raise table.refuse("« rrule » s'écrit comme FREQ=MONTHLY;BYMONTHDAY=5, sans heure ni date")
    if days and field is None:
        raise table.refuse("« jours » (des écarts) compte à partir d'une date du fichier : ajoutez « champ »")
    kind = table.among("type", TRIGGERS)
    if (kind == "calendrier") != bool(recurrence or days):
        raise table.refuse(
            'un déclencheur de type "calendrier", et lui seul, a une « rrule » ou « champ » et « jours »'
        )
    trigger = Trigger(kind=kind, when=table.text("quand"), rrule=recurrence, field=field, days=days)
    table.close()
    return trigger


def read_journey(top: ClosedTable) -> tuple[Step, ...]:
    """`[[parcours]]`."""
    steps = []
    for table in top.several("parcours"):
        at, template = table.text("a"), table.text("gabarit")
        if not re.fullmatch(STEP, at):
            raise table.refuse("« a » s'écrit J-180, +P30D, +PT6H, T0, rdv-P1D, ou comme le nom d'un événement")
        if not _WORD.fullmatch(template):
            raise table.refuse("« gabarit » s'écrit en minuscules, chiffres et « _ »")
        condition = table.among("si", CONDITIONS, "sans_reponse") if "si" in table else None
        steps.append(Step(at=at, condition=condition, template=template))
        table.close()
    return tuple(steps)


def read_message(top: ClosedTable, title: str) -> Message:
    """`[message]`.

    Raises:
        ServiceError: `E_MENTION_ABSENTE`.
    """
    table = top.table("message", {})
    mentions = table.listed("mentions_obligatoires", MENTIONS, list(MENTIONS))
    if absent := [one for one in MENTIONS if one not in mentions]:
        sentence = f"[message] mentions_obligatoires : ajoutez {', '.join(absent)} (CRPA L114-8, RGPD article 14)"
        raise ServiceError("E_MENTION_ABSENTE", sentence)
    languages, fields = table.texts("langues", ["fr"]), table.texts("champs", [])
    if "fr" not in languages or not all(map(_LANGUAGE.fullmatch, languages)):
        raise table.refuse("« langues » sont des codes de deux ou trois lettres, dont fr")
    translations = table.table("traductions", {}).texts_by_name()
    if unforeseen := sorted(set(translations) - set(languages) | ({"fr"} & set(translations))):
        raise table.refuse(f"« traductions » : « {unforeseen[0]} » n'est pas une autre langue de « langues »")
    check_names(fields, "[message] champs")
    message = Message(
        subject=table.text("objet", title),
        mentions=mentions,
        link=table.among("lien", LINKS, LINKS[0]),
        languages=languages,
        fields=fields,
        translations=translations,
    )
    table.close()
    return message


def read_objection(top: ClosedTable) -> Objection:
    """`[opposition]`."""
    table = top.table("opposition", {})
    ways = table.listed("canaux", OBJECTION_WAYS, list(OBJECTION_WAYS))
    if not set(ways) - {"lien"}:
        raise table.refuse(
            "« canaux » : l'opposition s'exerce aussi sans numérique ; ajoutez courrier, telephone ou guichet"
        )
    objection = Objection(
        scope=table.among("portee", ("demarche", "toutes"), "demarche"),
        effect=table.among("effet", ("suppression_immediate",), "suppression_immediate"),
        channels=ways,
    )
    table.close()
    return objection


def read_onward(delivery: ClosedTable, operands: Mapping[str, Any]) -> tuple[Onward, ...]:
    """`[livraison.transmission_aval]`, once or several times."""
    passed = []
    for table in delivery.several("transmission_aval"):
        senders = table.one_or_more("de")
        if unknown := [name for name in senders if name not in operands]:
            raise table.refuse(f"« de » : aucune partie ne se nomme « {unknown[0]} »")
        onward = Onward(
            senders=senders,
            receiver=table.among("vers", tuple(operands)),
            fields=table.texts("champs"),
            received=table.texts("recus", []),
            text=table.maybe("texte"),
            only=table.one_or_more("seulement", []),
        )
        check_names(onward.fields, table.where)
        table.close()
        passed.append(onward)
    return tuple(passed)


def read_kit(top: ClosedTable) -> Kit | None:
    """`[kit]`."""
    table = top.table("kit", {})
    if table.empty:
        return None
    kit = Kit(
        templates=table.texts("gabarits"),
        agents_sheet=table.flag("fiche_agents"),
        partners_sheet=table.flag("fiche_partenaires"),
    )
    table.close()
    return kit
