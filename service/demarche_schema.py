"""The JSON Schema of a sheet, for editors that complete and check TOML as it is typed (`#:schema demarche.schema.json`).

It tells the same grammar as `service.demarche` reads: the same keys, types and closed lists, taken from the same constants, and
nothing that is not written there. What clauses say of each other is beyond a schema: `allervers demarche check` has the
last word. The file that is shipped beside the sheets is what `demarche_schema` gives; a test compares them.
"""

from __future__ import annotations

from typing import Any, get_args

from service.agreement import MAX_PAYLOAD_BYTES
from service.clause_reader import (
    CONDITIONS,
    ENTITIES,
    MENTIONS,
    OBJECTION_WAYS,
    PLACES,
    STEP,
    THRESHOLDS,
    TRIGGERS,
)
from service.clauses import LINKS, GreyPolicy, Use
from service.demarche import BASES, CHANNELS, FALLBACKS, FORBIDDEN, GROUNDS, LEAST_PUBLISHED, MODES, VERSION, ZONES
from service.demarche_checks import RULE_TYPES
from service.guard_terms import GUARDS
from service.operand_reader import ROLES, ROWS
from service.right_codes import LONGEST_FORM

__all__ = ["demarche_schema"]

Schema = dict[str, Any]

_NAME = "^[a-z][a-z0-9_]{0,31}$"


def demarche_schema() -> Schema:
    """The schema, JSON Schema 2020-12."""
    properties = {
        "version": {"const": VERSION, "description": "Toujours en tête de fiche."},
        "statut": _one_of(("active", "refusee"), "Une fiche refusée est un exemple et ne sert jamais."),
        "refus_attendu": _texts("Codes qu'une fiche refusée doit obtenir."),
        "id": _text("Nom court, celui du fichier."),
        "titre": _text("Titre pour les personnes."),
        "finalite": _one_of(get_args(Use), "Contrôle et sanction sont exclus par nature (CRPA L114-8 II)."),
        "charge_utile": _texts("Colonnes que la source dit au destinataire de ses résultats ; aucune par défaut."),
        "canaux": _several(CHANNELS, "Canaux par lesquels la personne est jointe."),
        "repli_sans_numerique": _several(FALLBACKS, "Accès sans numérique, obligatoire.") | {"minItems": 1},
        "interdits": _several(FORBIDDEN, "Ce que la démarche ne doit jamais contenir."),
        **_ground_tables(),
        **_rule_tables(),
        **_message_tables(),
    }
    required = (
        "version id titre finalite canaux repli_sans_numerique fondement parties regle livraison conservation action"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fiche de démarche (demarche/v1)",
        **_table(properties, tuple(required.split())),
    }


def _ground_tables() -> Schema:
    presentation = {
        "resume": _text("À quoi sert la démarche, en deux ou trois phrases."),
        "acteur": _text("Qui informe ou attribue."),
        "faits": _text("Ce que l'on sait, avec sa certitude."),
    }
    ground = {
        "crpa": _one_of(GROUNDS, "Article du CRPA ; absent seulement quand rien ne s'échange entre administrations."),
        "base": _one_of(BASES, "Base légale sans échange."),
        "textes": _texts("Textes propres à la prestation : le CRPA seul ne suffit pas."),
        "publication_liste": _flag("L114-8 III : les échanges sont publiés."),
        "consentement_requis": _flag("Le consentement enregistré vaut demande (L114-8 I)."),
        "acte_local": _text("Acte local à joindre, comme une délibération tarifaire."),
    }
    exemption = {"dispense": _text("Pourquoi aucune analyse d'impact n'est due, quand rien n'est rapproché.")}
    return {
        "presentation": _table(presentation, ("resume", "acteur")),
        "fondement": _table(ground),
        "aipd": _table(exemption, ("dispense",)),
    }


def _rule_tables() -> Schema:
    party = {
        "organismes": _texts("Administrations qui peuvent tenir ce fichier ; « * » : toutes."),
        "role": _one_of(ROLES, "Une référence ne reçoit jamais rien."),
        "selection": _text("Ce que le fichier doit contenir, pour l'agent."),
        "lignes_par_personne": _one_of(ROWS, "Plusieurs lignes d'une même personne, ou une."),
        "facultatif": _flag("Une convention peut s'en passer, et des sorties qui le nomment."),
        "encodage_sans_charge": _flag("Ce fichier ne joint jamais rien."),
    }
    file = {"connecteur": _text("Forme de fichier connue (allervers connectors).")}
    return {
        "parties": _named(_table(party, ("organismes", "role", "selection"))) | {"minProperties": 1},
        "regle": _rule(),
        "parametres": {"type": "object", "description": "Valeurs que nomment les expressions locales."},
        "declencheur": _table(
            {
                "type": _one_of(TRIGGERS, "Ce qui lance un croisement."),
                "quand": _text("Quand, en une phrase."),
                "rrule": _text("Récurrence (RFC 5545), comme FREQ=MONTHLY;BYMONTHDAY=5."),
                "champ": _text("Colonne de date depuis laquelle comptent les jours."),
                "jours": {"type": "array", "items": {"type": "integer"}},
            },
            ("type", "quand"),
        ),
        "identite": _identity(),
        "colonnes": _named({"type": "object", "properties": file}),
        "habilitation": _table(
            {
                "texte": _text("Texte qui permet la charge utile."),
                "champs": _texts("Colonnes qu'il couvre."),
                "operande": _one_or_more("Qui les dit."),
                "octets": {"type": "integer", "minimum": 1, "maximum": MAX_PAYLOAD_BYTES},
            },
            ("texte", "champs", "operande", "octets"),
        ),
        "gardes": _table({name: {"type": "integer", "minimum": 0} for name in GUARDS}),
    }


def _rule() -> Schema:
    freshness = {
        "age_max": _duration("DW", "Âge de l'extraction, comme P7D."),
        "absence_fiable": {"const": True, "description": "Une absence peu fiable ne se soustrait pas."},
        "absence_fiable_a_partir_de": {"type": "string", "pattern": r"^--(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"},
    }
    output = {
        "expression": _text("Sur les opérandes : a & b, a - b, (a | b) & c, dedup(a > b)."),
        "usage": _one_of(get_args(Use), "Ce que vaut un résultat de cette sortie."),
        "seuil": _one_of(THRESHOLDS, "Seuil des liens."),
        "politique_zone_grise": _one_of(get_args(GreyPolicy), "Jamais une attribution."),
        "libelle": _text("Ce que dit cette sortie."),
    }
    group = {
        "operande": _text("Celui qui reçoit."),
        "cle": _text("Colonne qui réunit les lignes d'un même dossier."),
        "membres": _texts("Rôles des personnes du dossier."),
        "tous_requis": _flag("Aucun n'est un résultat si tous ne le sont."),
    }
    rule = {
        "type": _one_of(RULE_TYPES, "Forme de la règle."),
        "expression": output["expression"],
        "sorties": _named(_table(output, ("expression",))),
        "filtre_local": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
        "calcul_local": _named({"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}),
        "fraicheur": _named(_table(freshness, ("age_max", "absence_fiable"))),
        "groupe": _table(group, ("operande", "cle", "membres", "tous_requis")),
        "condition_aveugle": _text("a.colonne != b.colonne, comparées sans que personne ne les voie."),
        "si": _text("Condition d'un routage."),
        "zone": _one_of(ZONES, "Forme de la zone d'une sélection locale, qui donne la colonne dans_zone."),
    }
    return _table(rule, ("type",))


def _identity() -> Schema:
    identity = {
        "profil": _text("P1 à P5, ou la feuille que la démarche apporte."),
        "seuil": _one_of(THRESHOLDS, "Une attribution exige « attribution »."),
        "politique_zone_grise": _one_of(get_args(GreyPolicy), "Un lien incertain n'ouvre jamais un droit."),
        "feuille": {"type": "object", "description": "Feuille de rapprochement propre (docs/sheet.md)."},
        "entite": _one_of(ENTITIES, "Qui est cherché."),
        "membre_quelconque": _flag("Un membre du foyer suffit."),
        "personne": _text("Qui de la ligne est encodé, comme representant."),
        "contact": _text("Qui est prévenu à la place de la personne liée."),
        "exacts": _texts("Identifiants exacts des deux côtés ; « ine? » : facultatif."),
        "sans": _texts("Attributs du profil que l'un des fichiers n'a pas."),
        "troncatures": _named({"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}),
        "dates_partielles": _flag("Jour ou mois parfois inconnus."),
        "lieu_etranger": _one_of(PLACES, "Une naissance à l'étranger n'a parfois que le pays."),
    }
    return _table(identity, ("seuil", "politique_zone_grise"))


def _delivery() -> Schema:
    onward = {
        "de": _one_or_more("Qui transmet ses propres résultats."),
        "vers": _text("Qui les reçoit."),
        "champs": _texts("Ce qui est transmis."),
        "recus": _texts("Ce qui vient d'une autre administration, et que « texte » permet de transmettre."),
        "texte": _text("Le texte qui le permet."),
        "seulement": _one_or_more("Sorties concernées."),
    }
    passed = _table(onward, ("de", "vers", "champs"))
    delivery = {
        "resultats_a": _one_or_more("Qui reçoit : un opérande, plusieurs, ou detenteur_du_jeton."),
        "transmission_aval": {"oneOf": [passed, {"type": "array", "items": passed}]},
    }
    return {
        "type": "object",
        "properties": delivery,
        "patternProperties": {"_a$": _one_or_more("Qui reçoit cette sortie.")},
        "additionalProperties": False,
    }


def _message_tables() -> Schema:
    message = {
        "objet": _text("Ce que l'on propose : ni statut, ni montant, ni santé."),
        "mentions_obligatoires": _several(MENTIONS, "Toutes les cinq.") | {"minItems": len(MENTIONS)},
        "lien": _one_of(LINKS, "Le seul lien d'un message."),
        "langues": _texts("Codes de langue, dont fr."),
        "traductions": {
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
            "description": "Langue → l'objet, relu dans cette langue.",
        },
        "champs": _texts("Colonnes de votre fichier que les textes emploient."),
    }
    step = {
        "a": {"type": "string", "pattern": f"^({STEP})$", "description": "J-180, +P30D, T0, rdv-P1D, un événement."},
        "si": _one_of(CONDITIONS, "Condition de l'étape."),
        "gabarit": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
    }
    return {
        "livraison": _delivery(),
        "conservation": _table(
            {
                "resultats": _duration("MY", "12 mois au plus."),
                "traces": {"enum": ["P36M", "P3Y"], "description": "36 mois."},
                "opposition": _duration("MY", "De 12 à 24 mois."),
            },
            ("resultats", "traces", "opposition"),
        ),
        "opposition": _table(
            {
                "portee": _one_of(("demarche", "toutes"), "Jusqu'où vaut l'opposition."),
                "effet": _one_of(("suppression_immediate",), "Immédiat."),
                "canaux": _several(OBJECTION_WAYS, "Dont un sans numérique."),
            }
        ),
        "message": _table(message),
        "parcours": {"type": "array", "items": _table(step, ("a", "gabarit"))},
        "action": _table(
            {
                "mode": _one_of(MODES, "Ce qui suit un résultat, dans les bornes de la finalité."),
                "delai_refus": _duration("DW", "Délai de refus avant attribution."),
                "executant": _text("Qui attribue ou informe."),
                "attribution_interdite": _flag("Aucune version ne pourra attribuer."),
                "jeton_droit": _text("Forme d'un code : AA-XXXX-XXXX (A lettre, 9 chiffre, X l'un ou l'autre).")
                | {"pattern": "^[A9X]+(-[A9X]+)*$", "maxLength": LONGEST_FORM},
            },
            ("mode",),
        ),
        "kit": _table(
            {"gabarits": _texts("Textes."), "fiche_agents": _flag("Fiche."), "fiche_partenaires": _flag("Fiche.")},
            ("gabarits", "fiche_agents", "fiche_partenaires"),
        ),
        "publication": _table({"effectif_minimum": {"type": "integer", "minimum": LEAST_PUBLISHED}}),
    }


def _table(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    table: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return table | ({"required": list(required)} if required else {})


def _named(item: Schema) -> Schema:
    return {"type": "object", "propertyNames": {"pattern": _NAME}, "additionalProperties": item}


def _text(words: str) -> Schema:
    return {"type": "string", "minLength": 1, "description": words}


def _texts(words: str) -> Schema:
    return {"type": "array", "items": {"type": "string", "minLength": 1}, "description": words}


def _one_or_more(words: str) -> Schema:
    text = {"type": "string", "minLength": 1}
    return {"oneOf": [text, {"type": "array", "items": text}], "description": words}


def _one_of(allowed: tuple[str, ...], words: str) -> Schema:
    return {"enum": list(allowed), "description": words}


def _several(allowed: tuple[str, ...], words: str) -> Schema:
    return {"type": "array", "items": {"enum": list(allowed)}, "description": words}


def _flag(words: str) -> Schema:
    return {"type": "boolean", "description": words}


def _duration(units: str, words: str) -> Schema:
    return {"type": "string", "pattern": rf"^P\d{{1,4}}[{units}]$", "description": words}
