"""Démarches: rule sheets that people review like a law text (grammar `demarche/v1`), read strictly.

A démarche says in one TOML file what is done, for whom and on which ground: purpose, legal basis, operands
and who holds them, local selection, the rule and its outputs, the identity profile, columns of each file, who receives the
hits, what is passed on, how long anything is kept, channels, messages and their steps. What is not written is refused: an
unknown key is an error, a purpose outside the closed list as well. `service.demarche_schema` tells editors the same grammar.

What the reader refuses, each with a stable code and a sentence that says what to change: `E_CLE_INCONNUE`,
`E_DEMARCHE` (missing or mistyped entry), `E_FINALITE_INTERDITE`, `E_SECRET_MEDICAL`, `E_DEFENSE_NATIONALE`,
`E_FONDEMENT_INCOMPLET`, `E_AIPD_ABSENTE`, `E_REGLE` (expression), `E_RESULTATS_A`, `E_FRAICHEUR`, `E_ZONE_GRISE_ATTRIBUTION`,
`E_NIR_INTERDIT`, `E_CHARGE_HORS_HABILITATION`, `E_CASCADE`, `E_CONSERVATION_EXCESSIVE`, `E_TRACES_INSUFFISANTES`,
`E_OPPOSITION_HORS_BORNES`, `E_MENTION_ABSENTE`, `E_EFFECTIF_FAIBLE`, `E_REPLI_ABSENT`, `E_GARDE`, and `E_SELECTION` or
`E_PARAMETRE` for a local expression. The shipped sheets under `demarches/refusees` are there to be refused: each says the code
that it must get.

A payload (`charge_utile`, columns of a source's file that the recipient is told of its hits) needs ``[habilitation]``: the text
that allows it (`texte`), the columns it covers (`champs`), the operand or operands whose holders tell them (`operande`, that the
rule intersects) and how many bytes they take together (`octets`). Without it, none.

The digest is that of the canonical JSON of the table: line ends and comments change nothing, any value does.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, cast, get_args

from crypto.errors import FormatRefused
from crypto.framing import canonical_json
from service.agreement import MAX_PAYLOAD_BYTES
from service.clause_reader import (
    HOLDER,
    read_blind,
    read_group,
    read_identity,
    read_journey,
    read_kit,
    read_message,
    read_objection,
    read_onward,
    read_outputs,
    read_presentation,
    read_trigger,
)
from service.clauses import Output
from service.closed_table import ClosedTable
from service.demarche_checks import RULE_TYPES, check_demarche
from service.errors import ServiceError
from service.excluded_data import check_names
from service.guard_terms import EVENTS, ORDINARY, GuardTerms, changed
from service.operand_reader import read_operands
from service.right_codes import is_form
from service.rule_sheet import Action, Demarche, Operand, Purpose, Retention

__all__ = [
    "BASES",
    "CHANNELS",
    "FALLBACKS",
    "FORBIDDEN",
    "GROUNDS",
    "LEAST_PUBLISHED",
    "MODES",
    "VERSION",
    "ZONES",
    "demarche_text",
    "list_demarches",
    "load_demarche",
    "parse_demarche",
]

VERSION = "demarche/v1"
GROUNDS = ("L114-8-I", "L114-8-II")
BASES = ("mission_interet_public", "donnees_publiques")
MODES = (
    "information",
    "verification",
    "attribution_directe",
    "attribution_sauf_refus",
    "attribution_sauf_refus_conjoint",
)
CHANNELS = (
    "courrier",
    "espace_usager",
    "sms",
    "courriel",
    "appel_sortant",
    "application",
    "guichet",
    "facture",
    "versement",
    "tache_crm",
    "accompagnant",
    "france_services",
)
FALLBACKS = ("courrier", "telephone", "guichet", "france_services", "accompagnant")
ZONES = ("geojson",)
FORBIDDEN = ("sante", "motif_eligibilite")
LEAST_PUBLISHED = 11

_LOCAL = ("selection_locale", "routage")
_NO_IDENTITY = {"seuil": "information", "politique_zone_grise": "information_seule"}
_BASE_WORDS = {
    "mission_interet_public": "mission d'intérêt public, sans échange entre administrations",
    "donnees_publiques": "données publiques",
}


def list_demarches(*, refused: bool = False) -> list[str]:
    """Names of the démarches that are shipped, sorted: those that run, or those that are there to be refused."""
    names = (entry.name for entry in _folder(refused=refused).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def _folder(*, refused: bool) -> Any:
    folder = resources.files("service").joinpath("demarches")
    return folder.joinpath("refusees") if refused else folder


def demarche_text(source: Path | str) -> str:
    """The text of a démarche: a TOML file, or one of those shipped by its name.

    Raises:
        ServiceError: `E_DEMARCHE` when it cannot be read.
    """
    for refused in (False, True):
        if isinstance(source, str) and source in list_demarches(refused=refused):
            return cast("str", _folder(refused=refused).joinpath(f"{source}.toml").read_text("utf-8"))
    try:
        return Path(source).read_text("utf-8")
    except FileNotFoundError:
        raise _unknown(str(source)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ServiceError("E_DEMARCHE", "la démarche est illisible ; donnez un fichier TOML en UTF-8") from error


def _unknown(name: str) -> ServiceError:
    """The refusal of a name that nothing has, with those that resemble it."""
    known = list_demarches()
    near = get_close_matches(name.lower().removesuffix(".toml"), known, cutoff=0.6)
    near += [one for one in known if one not in near and name.lower() in one.split("-")]
    advice = f"cherchiez-vous {' ou '.join(near)} ?" if near else f"celles qui existent : {', '.join(known)}"
    sentence = "cette démarche est inconnue : ni démarche livrée, ni fichier à cet endroit"
    return ServiceError("E_DEMARCHE", f"{sentence} ; {advice}")


def load_demarche(source: Path | str) -> Demarche:
    """A démarche by file or shipped name; see `demarche_text` and `parse_demarche` for what is refused."""
    return parse_demarche(demarche_text(source))


def parse_demarche(text: str) -> Demarche:
    """A démarche from the text of its TOML file, checked whole: rule, sheet, columns and local expressions included.

    Raises:
        ServiceError: see the list at the head of this module.
        LinkageError: an expression, the identity profile or a column is not one that linkage knows.
    """
    try:
        document = tomllib.loads(text)
        digest = hashlib.sha256(canonical_json(document)).hexdigest()
    except tomllib.TOMLDecodeError as error:
        raise ServiceError("E_DEMARCHE", f"la démarche n'est pas du TOML valide : {error}") from error
    except FormatRefused as error:
        sentence = "une démarche ne contient que textes, entiers, booléens, listes et tables"
        raise ServiceError("E_DEMARCHE", sentence) from error
    top = ClosedTable(document)
    refused = top.among("statut", ("active", "refusee"), "active") == "refusee"
    expected = top.texts("refus_attendu", [])
    demarche = _addressed(_read(top, digest))
    check_demarche(demarche)
    if refused or expected:
        raise ServiceError(
            "E_DEMARCHE", 'la démarche porte statut = "refusee" et ne peut pas servir ; corrigez son statut'
        )
    if not demarche.local:
        demarche.sheet()
    return demarche


def _read(top: ClosedTable, digest: str) -> Demarche:
    if top.text("version") != VERSION:
        raise top.refuse(f'le fichier doit commencer par version = "{VERSION}"')
    purpose, ground = _purpose(top), _ground(top)
    rule = top.table("regle")
    kind = rule.among("type", RULE_TYPES)
    local = kind in _LOCAL
    operands = _routed(read_operands(top.table("parties"), top.table("colonnes", {}), rule), rule, kind)
    identity = top.table("identite", _NO_IDENTITY if local else ...)
    delivery, title = top.table("livraison"), top.text("titre")
    profile = identity.text("profil", "" if local else ...)
    outputs = read_outputs(rule, identity, delivery, purpose)
    demarche = Demarche(
        id=top.text("id"),
        title=title,
        purpose=purpose,
        **ground,
        operands=operands,
        rule_type=kind,
        outputs=_whole(outputs, operands) if local else outputs,
        identity=profile,
        own_sheet=_own_sheet(identity, profile),
        identity_terms=read_identity(identity, operands),
        group=read_group(rule),
        blind=read_blind(rule),
        zone=rule.among("zone", ZONES) if "zone" in rule else None,
        retention=_retention(top.table("conservation")),
        digest=digest,
        own_guards=_guards(top.table("gardes", {}), event=kind == "evenement"),
        onward=read_onward(delivery, operands),
        **_payload(top, operands),
        **_messages(top, title),
    )
    for table in (rule, identity, delivery, top):
        table.close()
    return demarche


def _messages(top: ClosedTable, title: str) -> dict[str, Any]:
    """What follows the hits."""
    publication, dpia = top.table("publication", {}), top.table("aipd", {})
    least = publication.number("effectif_minimum", 1, 1_000_000, LEAST_PUBLISHED)
    if least < LEAST_PUBLISHED:
        sentence = f"[publication] : un effectif sous {LEAST_PUBLISHED} ne se publie jamais ; relevez effectif_minimum"
        raise ServiceError("E_EFFECTIF_FAIBLE", sentence)
    read = {
        "presentation": read_presentation(top),
        "parameters": top.table("parametres", {}).rest(),
        "forbidden": top.listed("interdits", FORBIDDEN, []),
        "trigger": read_trigger(top),
        "journey": read_journey(top),
        "message": read_message(top, title),
        "objection": read_objection(top),
        "kit": read_kit(top),
        "channels": top.listed("canaux", CHANNELS),
        "fallback": _fallback(top),
        "action": _action(top.table("action")),
        "publish_least": least,
        "no_dpia": dpia.maybe("dispense"),
    }
    publication.close()
    dpia.close()
    return read


def _purpose(top: ClosedTable) -> Purpose:
    purpose = top.text("finalite")
    if purpose not in get_args(Purpose):
        sentence = (
            f"la finalité est l'une de : {', '.join(get_args(Purpose))} ; le contrôle, la détection de "
            "la fraude et la sanction sont exclus par l'article L114-8 II du CRPA"
        )
        raise ServiceError("E_FINALITE_INTERDITE", sentence)
    return cast("Purpose", purpose)


def _ground(top: ClosedTable) -> dict[str, Any]:
    table = top.table("fondement")
    article = table.among("crpa", GROUNDS) if "crpa" in table else None
    texts = table.texts("textes", [])
    published = table.flag("publication_liste", article is None)
    if article is not None and not texts:
        sentence = (
            "le CRPA seul ne suffit pas : ajoutez dans « textes » le texte propre à la prestation "
            "(article de code, décret ou délibération)"
        )
        raise ServiceError("E_FONDEMENT_INCOMPLET", sentence)
    if article is not None and not published:
        sentence = "l'article L114-8 III impose de publier les échanges : mettez publication_liste = true"
        raise ServiceError("E_FONDEMENT_INCOMPLET", sentence)
    if article is None and "base" not in table:
        sentence = (
            f"[fondement] : donnez « crpa » ({', '.join(GROUNDS)}), ou sans échange « base » ({', '.join(BASES)})"
        )
        raise ServiceError("E_FONDEMENT_INCOMPLET", sentence)
    first = f"CRPA {article}" if article else _BASE_WORDS[table.among("base", BASES)]
    ground = {
        "crpa": article,
        "legal_basis": (first, *texts),
        "consent": table.flag("consentement_requis", False),
        "local_act": table.maybe("acte_local"),
    }
    table.close()
    return ground


def _routed(operands: dict[str, Operand], rule: ClosedTable, kind: str) -> dict[str, Operand]:
    """With `si`, the condition of a routing, as the local selection of its only operand."""
    if kind != "routage":
        return operands
    condition = rule.text("si")
    return {name: replace(operand, local_filter=condition) for name, operand in operands.items()}


def _whole(outputs: tuple[Output, ...], operands: Mapping[str, Operand]) -> tuple[Output, ...]:
    """Where nothing is compared, the result is the selection."""
    if any(output.expression for output in outputs):
        raise ServiceError("E_DEMARCHE", "[regle] : une règle sans rapprochement n'a pas d'expression ; retirez-la")
    return tuple(replace(output, expression=next(iter(operands), "")) for output in outputs)


def _addressed(demarche: Demarche) -> Demarche:
    """The holders of tokens, by name."""
    if all(output.recipients != (HOLDER,) for output in demarche.outputs):
        return demarche
    outputs = []
    for output, rule in zip(demarche.outputs, demarche.rules().values(), strict=True):
        able = tuple(name for name in rule.operands if name in rule.added and _may_receive(demarche.operands.get(name)))
        outputs.append(replace(output, recipients=able) if output.recipients == (HOLDER,) else output)
    return replace(demarche, outputs=tuple(outputs))


def _may_receive(operand: Operand | None) -> bool:
    return operand is not None and operand.role != "reference"


def _own_sheet(identity: ClosedTable, profile: str) -> dict[str, Any]:
    """The linkage sheet that a démarche brings along, for files that no shipped sheet describes."""
    sheet = identity.table("feuille", {}).rest()
    if sheet and sheet.get("name") != profile:
        raise identity.refuse("« profil » doit être le nom (name) de la feuille que la démarche apporte")
    return sheet


def _payload(top: ClosedTable, operands: Mapping[str, Operand]) -> dict[str, Any]:
    """What a source tells of a hit: a closed list of columns, each covered by the text that allows it."""
    told, table = top.texts("charge_utile", []), top.table("habilitation", {})
    check_names(told, "charge_utile")
    if table.empty:
        if told:
            sentence = (
                "aucune habilitation ne couvre de charge utile : écrivez charge_utile = [] ou ajoutez [habilitation]"
            )
            raise ServiceError("E_CHARGE_HORS_HABILITATION", sentence)
        return {}
    table.text("texte")
    covered, tellers = table.texts("champs"), table.one_or_more("operande")
    size = table.number("octets", 1, MAX_PAYLOAD_BYTES)
    if unknown := [name for name in tellers if name not in operands]:
        raise table.refuse(f"« operande » : aucune partie ne se nomme « {unknown[0]} »")
    table.close()
    if outside := sorted(set(told) - set(covered)):
        sentence = f"charge_utile : {', '.join(outside)} n'est pas dans les champs de [habilitation] ; retirez-le"
        raise ServiceError("E_CHARGE_HORS_HABILITATION", sentence)
    return {"payload": told, "payload_operands": tellers, "payload_bytes": size} if told else {}


def _retention(table: ClosedTable) -> Retention:
    results, traces, objection = (table.duration(key, "MY") for key in ("resultats", "traces", "opposition"))
    table.close()
    if results > 12 or traces > 36:
        sentence = "les résultats se conservent 12 mois au plus et les traces 36 mois (CRPA R114-9-7)"
        raise ServiceError("E_CONSERVATION_EXCESSIVE", sentence)
    if traces < 36:
        sentence = "les traces se conservent 36 mois (CRPA R114-9-7) : écrivez P36M"
        raise ServiceError("E_TRACES_INSUFFISANTES", sentence)
    if not 12 <= objection <= 24:
        sentence = "les données d'opposition se conservent de 12 à 24 mois (CRPA R114-9-7)"
        raise ServiceError("E_OPPOSITION_HORS_BORNES", sentence)
    return Retention(results=results, traces=traces, objection=objection)


def _guards(table: ClosedTable, *, event: bool) -> GuardTerms | None:
    values = table.rest()
    if not values:
        return None
    if any(type(value) is not int for value in values.values()):
        raise ServiceError("E_GARDE", "[gardes] : chaque garde est un nombre entier")
    return changed(EVENTS if event else ORDINARY, {name: str(value) for name, value in values.items()})


def _fallback(top: ClosedTable) -> tuple[str, ...]:
    fallback = top.listed("repli_sans_numerique", FALLBACKS, [])
    if not fallback:
        sentence = f"prévoyez un accès sans numérique dans repli_sans_numerique : {', '.join(FALLBACKS)}"
        raise ServiceError("E_REPLI_ABSENT", sentence)
    return fallback


def _action(table: ClosedTable) -> Action:
    mode = table.among("mode", MODES)
    action = Action(
        mode=mode,
        body=table.maybe("executant"),
        refusal_days=table.duration("delai_refus", "DW") if mode == "attribution_sauf_refus" else None,
        award_forbidden=table.flag("attribution_interdite", False),
        right_token=table.maybe("jeton_droit"),
    )
    if action.right_token is not None and not is_form(action.right_token):
        rule = "« jeton_droit » est la forme d'un code : A une lettre, 9 un chiffre, X l'un ou l'autre, - entre eux"
        raise table.refuse(f"{rule}, assez long pour n'être pas deviné (AA-XXXX-XXXX)")
    table.close()
    return action
