"""Démarches: rule sheets that people review like a law text (grammar `demarche/v1`), read strictly.

A démarche says in one TOML file what is done, for whom and on which ground: purpose, legal basis, operands
and who holds them, the rule, the identity profile, columns of each file, who receives the hits, how long
anything is kept, channels. What is not written is refused: an unknown key is an error, a purpose outside the
closed list as well.

What the reader refuses, each with a stable code and a sentence that says what to change: `E_CLE_INCONNUE`,
`E_DEMARCHE` (missing or mistyped entry), `E_FINALITE_INTERDITE`, `E_FONDEMENT_INCOMPLET`, `E_REGLE`
(expression), `E_REGLE_INDISPONIBLE`, `E_RESULTATS_A`, `E_FRAICHEUR`, `E_ZONE_GRISE_ATTRIBUTION`,
`E_NIR_INTERDIT`, `E_CHARGE_HORS_HABILITATION`, `E_CONSERVATION_EXCESSIVE`, `E_TRACES_INSUFFISANTES`,
`E_OPPOSITION_HORS_BORNES`, `E_REPLI_ABSENT`, `E_GARDE`.

A payload (`charge_utile`, columns of a source's file that the recipient is told of its hits) needs ``[habilitation]``: the text
that allows it (`texte`), the columns it covers (`champs`), the operand whose holders tell them (`operande`, one that the rule
intersects) and how many bytes they take together (`octets`). Without it, none.

The digest is that of the canonical JSON of the table: line ends and comments change nothing, any value does.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, cast, get_args

from crypto.errors import FormatRefused
from crypto.framing import canonical_json
from service.agreement import MAX_PAYLOAD_BYTES
from service.closed_table import ClosedTable
from service.errors import ServiceError
from service.guard_terms import EVENTS, ORDINARY, GuardTerms, changed
from service.rule_sheet import Action, Demarche, Freshness, GreyPolicy, Operand, Purpose, Retention

__all__ = ["demarche_text", "list_demarches", "load_demarche", "parse_demarche"]

VERSION = "demarche/v1"

_ROLES = ("source", "reference", "destinataire")
_ROWS = ("une", "plusieurs")  # of one person in a file
# Which signs the rule of each type has; that of events has any.
_SIGNS = {"intersection": {"&"}, "anti_jointure": {"-"}, "composition": {"&", "-"}, "evenement": set[str]()}
_RULES = tuple(_SIGNS)
_LATER_RULES = (
    "union_dedoublonnee",
    "cascade_priorite",
    "echeance",
    "comparaison_attribut",
    "selection_locale",
    "verification",
    "routage",
)
_MODES = ("information", "attribution_directe", "attribution_sauf_refus", "attribution_sauf_refus_conjoint")
_CHANNELS = ("courrier", "espace_usager", "sms", "courriel", "appel_sortant", "application", "guichet")
_FALLBACKS = ("courrier", "telephone", "guichet", "france_services", "accompagnant")
_COLUMN_KEYS = {"colonne": "column", "format": "format", "vide": "missing"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NIR = re.compile(r"(^|[^a-z])(nir|nia|nss)([^a-z]|$)|securite_?sociale|num(ero)?_?(secu|ss)|insee_individu")
_DAY_OF_YEAR = re.compile(r"--(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def list_demarches() -> list[str]:
    """Names of the démarches that are shipped, sorted."""
    folder = resources.files("service").joinpath("demarches")
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def demarche_text(source: Path | str) -> str:
    """The text of a démarche: a TOML file, or one of those shipped by its name.

    Raises:
        ServiceError: `E_DEMARCHE` when it cannot be read.
    """
    try:
        if isinstance(source, str) and source in list_demarches():
            return resources.files("service").joinpath("demarches", f"{source}.toml").read_text("utf-8")
        return Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(list_demarches())
        sentence = f"la démarche est illisible ; donnez un fichier TOML en UTF-8 ou l'un de ces noms : {known}"
        raise ServiceError("E_DEMARCHE", sentence) from error


def load_demarche(source: Path | str) -> Demarche:
    """A démarche by file or shipped name; see `demarche_text` and `parse_demarche` for what is refused."""
    return parse_demarche(demarche_text(source))


def parse_demarche(text: str) -> Demarche:
    """A démarche from the text of its TOML file, checked whole: rule, sheet and columns included.

    Raises:
        ServiceError: see the list at the head of this module.
        LinkageError: the expression, the identity profile or a column is not one that linkage knows.
    """
    try:
        document = tomllib.loads(text)
        digest = hashlib.sha256(canonical_json(document)).hexdigest()
    except tomllib.TOMLDecodeError as error:
        raise ServiceError("E_DEMARCHE", f"la démarche n'est pas du TOML valide : {error}") from error
    except FormatRefused as error:
        sentence = "une démarche ne contient que textes, entiers, booléens, listes et tables"
        raise ServiceError("E_DEMARCHE", sentence) from error
    demarche = _read(ClosedTable(document), digest)
    _check_award(demarche)
    _check_rule(demarche)
    demarche.sheet()
    return demarche


def _read(top: ClosedTable, digest: str) -> Demarche:
    if top.text("version") != VERSION:
        raise top.refuse(f'le fichier doit commencer par version = "{VERSION}"')
    purpose, legal_basis = _purpose(top), _legal_basis(top.table("fondement"))
    rule = top.table("regle")
    operands = _operands(top.table("parties"), top.table("colonnes", {}), rule.table("fraicheur", {}))
    identity, delivery = top.table("identite"), top.table("livraison")
    profile, rule_kind = identity.text("profil"), _rule_type(rule)
    payload = _payload(top, operands)
    demarche = Demarche(
        id=top.text("id"),
        title=top.text("titre"),
        purpose=purpose,
        legal_basis=legal_basis,
        operands=operands,
        rule_type=rule_kind,
        expression=rule.text("expression"),
        identity=profile,
        own_sheet=_own_sheet(identity, profile),
        threshold=identity.among("seuil", ("information", "attribution")),
        grey_policy=_grey_policy(identity),
        recipient=_recipient(delivery, operands),
        retention=_retention(top.table("conservation")),
        channels=top.listed("canaux", _CHANNELS),
        fallback=_fallback(top),
        action=_action(top.table("action")),
        digest=digest,
        **payload,
        own_guards=_guards(top.table("gardes", {}), event=rule_kind == "evenement"),
    )
    for table in (rule, identity, delivery, top):
        table.close()
    return demarche


def _purpose(top: ClosedTable) -> Purpose:
    purpose = top.text("finalite")
    if purpose not in get_args(Purpose):
        sentence = (
            f"la finalité est l'une de : {', '.join(get_args(Purpose))} ; le contrôle, la détection de "
            "la fraude et la sanction sont exclus par l'article L114-8 II du CRPA"
        )
        raise ServiceError("E_FINALITE_INTERDITE", sentence)
    return cast("Purpose", purpose)


def _legal_basis(table: ClosedTable) -> tuple[str, ...]:
    article, texts = table.text("crpa"), table.texts("textes", [])
    published = table.flag("publication_liste")
    table.close()
    if not texts:
        sentence = (
            "le CRPA seul ne suffit pas : ajoutez dans « textes » le texte propre à la prestation "
            "(article de code, décret ou délibération)"
        )
        raise ServiceError("E_FONDEMENT_INCOMPLET", sentence)
    if not published:
        sentence = "l'article L114-8 III impose de publier les échanges : mettez publication_liste = true"
        raise ServiceError("E_FONDEMENT_INCOMPLET", sentence)
    return (f"CRPA {article}", *texts)


def _operands(parties: ClosedTable, columns: ClosedTable, freshness: ClosedTable) -> dict[str, Operand]:
    own_columns, own_freshness, operands = columns.tables(), freshness.tables(), {}
    for name, table in parties.tables().items():
        if not _NAME.fullmatch(name):
            raise table.refuse("un nom d'opérande s'écrit en minuscules, chiffres et « _ »")
        operands[name] = Operand(
            name=name,
            organisations=table.texts("organismes"),
            role=table.among("role", _ROLES),
            selection=table.text("selection"),
            **_file(own_columns.pop(name, None)),
            freshness=_freshness(own_freshness.pop(name, None)),
            several=table.among("lignes_par_personne", _ROWS, "une") == "plusieurs",
        )
        table.close()
    for left in (*own_columns.values(), *own_freshness.values()):
        raise ServiceError("E_CLE_INCONNUE", f"{left.where} : aucune partie ne porte ce nom dans [parties]")
    return operands


def _file(table: ClosedTable | None) -> dict[str, Any]:
    """The connector of an operand's file and what replaces its columns; `Demarche.sheet` puts them together."""
    connector = table.text("connecteur", None) if table else None
    return {"connector": connector, "columns": _columns(table)}


def _columns(table: ClosedTable | None) -> dict[str, Any]:
    """The columns as `Sheet.with_columns` takes them, which judges attributes, names and formats."""
    columns: dict[str, Any] = {}
    for attribute, entry in (table.rest() if table else {}).items():
        if isinstance(entry, dict):
            if "colonne" not in entry or set(entry) - set(_COLUMN_KEYS):
                sentence = f"[colonnes] {attribute} : les clés sont colonne et, au besoin, format et vide"
                raise ServiceError("E_CLE_INCONNUE", sentence)
            columns[attribute] = {_COLUMN_KEYS[key]: value for key, value in entry.items()}
        else:
            columns[attribute] = entry
        names = entry.get("colonne") if isinstance(entry, dict) else entry
        if any(_NIR.search(str(name).lower()) for name in (attribute, *_as_list(names))):
            sentence = f"[colonnes] {attribute} : le numéro de sécurité sociale n'est jamais encodé, même haché"
            raise ServiceError("E_NIR_INTERDIT", f"{sentence} ; retirez-le")
    return columns


def _as_list(names: Any) -> list[Any]:
    return names if isinstance(names, list) else [names]


def _freshness(table: ClosedTable | None) -> Freshness | None:
    if table is None:
        return None
    days, start = table.duration("age_max", "DW"), table.text("absence_fiable_a_partir_de", None)
    if not table.flag("absence_fiable"):
        sentence = f"{table.where} : une absence qui n'est pas fiable ne peut pas être soustraite"
        raise ServiceError("E_FRAICHEUR", sentence)
    if start is not None and not _DAY_OF_YEAR.fullmatch(start):
        raise table.refuse("absence_fiable_a_partir_de s'écrit --MM-JJ")
    table.close()
    return Freshness(days=days, reliable_from=start)


def _rule_type(rule: ClosedTable) -> str:
    kind = rule.text("type")
    if kind in _LATER_RULES:
        sentence = f"le type de règle « {kind} » n'est pas pris en charge ; utilisez : {', '.join(_RULES)}"
        raise ServiceError("E_REGLE_INDISPONIBLE", sentence)
    if kind not in _RULES:
        raise rule.refuse(f"« type » doit être l'un de : {', '.join(_RULES)}")
    return kind


def _own_sheet(identity: ClosedTable, profile: str) -> dict[str, Any]:
    """The linkage sheet that a démarche brings along, for files that no shipped sheet describes."""
    sheet = identity.table("feuille", {}).rest()
    if sheet and sheet.get("name") != profile:
        raise identity.refuse("« profil » doit être le nom (name) de la feuille que la démarche apporte")
    return sheet


def _grey_policy(identity: ClosedTable) -> GreyPolicy:
    policy = identity.text("politique_zone_grise")
    if policy not in get_args(GreyPolicy):
        allowed = ", ".join(get_args(GreyPolicy))
        sentence = f"un lien incertain n'ouvre jamais un droit : politique_zone_grise est l'une de : {allowed}"
        raise ServiceError("E_ZONE_GRISE_ATTRIBUTION", sentence)
    return cast("GreyPolicy", policy)


def _recipient(delivery: ClosedTable, operands: Mapping[str, Operand]) -> str:
    recipient, onward = delivery.text("resultats_a"), delivery.table("transmission_aval", {})
    if not onward.empty:
        for key in ("de", "vers"):
            onward.among(key, tuple(operands))
        onward.texts("champs")
        onward.close()
    if recipient not in operands:
        raise ServiceError("E_RESULTATS_A", f"resultats_a doit nommer une partie : {', '.join(operands)}")
    if operands[recipient].role == "reference":
        sentence = f"« {recipient} » est une référence et ne reçoit jamais de résultats ; corrigez resultats_a"
        raise ServiceError("E_RESULTATS_A", sentence)
    return recipient


def _payload(top: ClosedTable, operands: Mapping[str, Operand]) -> dict[str, Any]:
    """What a source tells of a hit: a closed list of columns, each covered by the text that allows it."""
    told, table = top.texts("charge_utile", []), top.table("habilitation", {})
    if table.empty:
        if told:
            sentence = (
                "aucune habilitation ne couvre de charge utile : écrivez charge_utile = [] ou ajoutez [habilitation]"
            )
            raise ServiceError("E_CHARGE_HORS_HABILITATION", sentence)
        return {}
    table.text("texte")
    covered, operand = table.texts("champs"), table.among("operande", tuple(operands))
    size = table.number("octets", 1, MAX_PAYLOAD_BYTES)
    table.close()
    if outside := sorted(set(told) - set(covered)):
        sentence = f"charge_utile : {', '.join(outside)} n'est pas dans les champs de [habilitation] ; retirez-le"
        raise ServiceError("E_CHARGE_HORS_HABILITATION", sentence)
    if any(_NIR.search(name.lower()) for name in told):
        raise ServiceError(
            "E_NIR_INTERDIT", "charge_utile : le numéro de sécurité sociale n'est jamais transmis ; retirez-le"
        )
    return {"payload": told, "payload_operand": operand, "payload_bytes": size} if told else {}


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
    fallback = top.listed("repli_sans_numerique", _FALLBACKS)
    if not fallback:
        sentence = f"prévoyez un accès sans numérique dans repli_sans_numerique : {', '.join(_FALLBACKS)}"
        raise ServiceError("E_REPLI_ABSENT", sentence)
    return fallback


def _action(table: ClosedTable) -> Action:
    mode, body = table.among("mode", _MODES), table.text("executant", None)
    days = table.duration("delai_refus", "DW") if mode.startswith("attribution_sauf") else None
    table.close()
    return Action(mode=mode, refusal_days=days, body=body)


def _check_award(demarche: Demarche) -> None:
    awards = demarche.action.mode != "information"
    if awards != (demarche.purpose == "attribution"):
        sentence = "la finalité et [action] mode se contredisent : la finalité annoncée borne ce qui est fait"
        raise ServiceError("E_FINALITE_INTERDITE", sentence)
    if awards and demarche.threshold != "attribution":
        sentence = 'une attribution exige seuil = "attribution" : un lien incertain n\'ouvre jamais un droit'
        raise ServiceError("E_ZONE_GRISE_ATTRIBUTION", sentence)


def _check_rule(demarche: Demarche) -> None:
    rule = demarche.rule()
    if set(rule.operands) != set(demarche.operands):
        sentence = f"l'expression « {rule.text} » et [parties] ne nomment pas les mêmes opérandes"
        raise ServiceError("E_DEMARCHE", sentence)
    if _SIGNS[demarche.rule_type] not in (set(), {sign for sign, _ in rule.steps}):
        raise ServiceError("E_DEMARCHE", f"« {rule.text} » n'est pas une règle de type {demarche.rule_type}")
    if rule.own != demarche.recipient:
        sentence = f'les résultats vont au premier opérande de la règle : resultats_a = "{rule.own}"'
        raise ServiceError("E_RESULTATS_A", sentence)
    if demarche.payload and ("&", demarche.payload_operand) not in rule.steps:
        sentence = "[habilitation] operande nomme un opérande que la règle intersecte (« & »)"
        raise ServiceError("E_CHARGE_HORS_HABILITATION", sentence)
    for sign, name in rule.steps:
        if sign == "-" and demarche.operands[name].freshness is None:
            sentence = f"« {name} » est soustrait : ajoutez [regle.fraicheur.{name}] (age_max, absence_fiable)"
            raise ServiceError("E_FRAICHEUR", sentence)
