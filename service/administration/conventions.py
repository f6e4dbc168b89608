"""Agreements at an administration: built from a démarche, judged line by line before they are signed, kept.

What an agreement says follows from four things: the démarche, the terms that the proposer chose (who holds
what, declared sizes, references, dates), the pinned identities and this very encoder. A party that is asked to
sign builds the document anew from its own démarche, sheet, encoder and pins and compares: any difference is
refused, and named. Nothing is taken from the third party but the terms themselves.

Each agreement is two files, ``HOME/agreements/T.json`` (document and signatures) and ``T.toml`` (the démarche
as it was when it was signed).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from crypto.errors import CryptoError, SignatureRefused
from crypto.framing import canonical_json, from_base64, parse_canonical_json, to_base64
from crypto.key_files import write_secret
from crypto.keys import PublicIdentity
from service.administration.entitlement import holders_of, outputs_for
from service.agreement import (
    MAX_CONTROLS,
    MAX_ENCODINGS_HOURS,
    MAX_HITS_DAYS,
    Agreement,
    AgreementParty,
    Comparison,
    Demarche,
    Joining,
    Output,
    Retention,
    Sizes,
    ThirdParty,
    Validity,
)
from service.demarche import parse_demarche
from service.errors import ServiceError
from service.guard_terms import GuardTerms
from service.messages import MAX_JSON_BYTES
from service.rule_sheet import Demarche as RuleSheet

__all__ = ["AgreementStore", "StoredAgreement", "Terms", "build_agreement", "check_agreement"]

_FORMAT = "allervers/local-agreement/v1"
_LONGEST = timedelta(days=366)
_PEOPLE_A_CONTROL = 20  # of the smallest file
Pins = Callable[[str], PublicIdentity]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the proposer decides.

    Attributes:
        holders: operand → parties that hold it.
        sizes: party → people it declares.
        profile: of encoding.
        authorisation: reference of the decision that allows the exchange.
        dpia: reference of the impact assessment.
        max_runs: how many times.
        not_before: first moment a run may be opened.
        not_after: last one.
        nonce: 16 fresh random bytes in hexadecimal.
        guards: what else than the démarche's own guards; None: nothing.
        objections: party → how many who object there to the démarche it may send at most; nobody for most.
        joiners: recipient → who applies its rules, for each recipient of an output of several comparisons.
    """

    holders: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]
    profile: str
    authorisation: str
    dpia: str
    max_runs: int
    not_before: datetime
    not_after: datetime
    nonce: str
    guards: GuardTerms | None = None
    joiners: Mapping[str, str] = field(default_factory=dict)
    objections: Mapping[str, int] = field(default_factory=dict)


def build_agreement(demarche: RuleSheet, terms: Terms, pins: Pins, third_party: PublicIdentity) -> Agreement:
    """The agreement that follows from a démarche and terms.

    Args:
        demarche: checked.
        terms: what the proposer decides.
        pins: gives the pinned identity of a party, or refuses.
        third_party: pinned too.

    Raises:
        ServiceError: `E_JOINTEUR_REQUIS`, `E_PARTIES`, `E_EFFECTIF_FAIBLE`, `E_PROFIL_INTERDIT`, `E_RESULTATS_A`,
            `E_SANS_COMPARAISON`, `E_AIPD_ABSENTE`, `E_AUTORISATION_ABSENTE`, `E_VALIDITE`; whatever `pins` refuses.
        LinkageError: the profile is unknown.
    """
    from linkage.holder import encoder_digest  # noqa: PLC0415 - the encoder: only where an agreement is made or judged

    _check_terms(demarche, terms)
    sheet, outputs = demarche.sheet(), outputs_for(demarche, terms.holders, terms.objections)
    comparisons = _comparisons(demarche, terms, outputs)
    _check_everybody(terms, comparisons)
    joined = _joined(outputs)
    _check_joiners(terms, joined)
    return Agreement(
        nonce=terms.nonce,
        demarche=Demarche(id=demarche.id, title=demarche.title, digest=demarche.digest),
        purpose=demarche.purpose,
        legal_basis=demarche.legal_basis,
        authorisation=terms.authorisation,
        dpia=terms.dpia,
        third_party=ThirdParty(party=third_party.party, fingerprint=third_party.fingerprint),
        parties=_parties(demarche, terms, pins),
        outputs=outputs,
        profile=terms.profile,
        sheet_digest=sheet.digest,
        encoder_digest=encoder_digest(),
        comparisons=comparisons,
        joiners=tuple(Joining(recipient=one, joiner=terms.joiners[one]) for one in joined),
        controls=min(MAX_CONTROLS, min(terms.sizes.values()) // _PEOPLE_A_CONTROL),
        guards=terms.guards or demarche.guards(),
        max_runs=terms.max_runs,
        valid=Validity(not_before=terms.not_before, not_after=terms.not_after),
        retention=Retention(
            encodings_hours=MAX_ENCODINGS_HOURS,
            hits_days=MAX_HITS_DAYS,
            results_months=demarche.retention.results,
            traces_months=demarche.retention.traces,
            objection_months=demarche.retention.objection,
        ),
    )


def _comparisons(demarche: RuleSheet, terms: Terms, outputs: tuple[Output, ...]) -> tuple[Comparison, ...]:
    """What the outputs need, sorted."""
    from linkage.planner import plan_passes  # noqa: PLC0415 - see `build_agreement`

    found = []
    operand_of = {party: operand for operand, parties in terms.holders.items() for party in parties}
    tell = {party for operand in demarche.payload_operands for party in terms.holders.get(operand, ())}
    required = {name for one in outputs for name in one.requires}
    for name in sorted({name for one in outputs for name in one.comparisons}):
        recipient, source, *objections = name.split(".")
        sent = terms.objections if objections else terms.sizes
        sizes = Sizes(recipient=terms.sizes[recipient], source=sent[source])
        between = operand_of[recipient], operand_of[source]
        sheet = demarche.sheet_between(between, of_objections=bool(objections))
        one = Comparison(
            id=name,
            recipient=recipient,
            source=source,
            subject="oppositions" if objections else "personnes",
            sizes=sizes,
            plan=plan_passes(sheet, terms.profile, (sizes.recipient, sizes.source)),
            payload_bytes=demarche.payload_bytes if source in tell and name in required else 0,
        )
        found.append(one)
    return tuple(found)


def check_agreement(agreement: Agreement, demarche: RuleSheet, pins: Pins, third_party: PublicIdentity) -> None:
    """Judge a document by building it anew from one's own démarche, encoder, plan and pins.

    Raises:
        ServiceError: `E_CONVENTION_DIFFERENTE` naming what differs, or what `build_agreement` refuses.
    """
    if agreement.demarche.digest != demarche.digest:
        sentence = (
            f"la démarche « {agreement.demarche.id} » de la convention n'est pas celle de ce poste : comparez "
            "les fichiers, ou donnez le bon avec --demarche"
        )
        raise ServiceError("E_CONVENTION_DIFFERENTE", sentence)
    own = build_agreement(demarche, _terms_of(agreement), pins, third_party)
    # Shorter clocks are the proposer's right; longer ones are refused by everybody.
    retention = agreement.retention
    if 0 < retention.encodings_hours <= MAX_ENCODINGS_HOURS and 0 < retention.hits_days <= MAX_HITS_DAYS:
        hours, days = retention.encodings_hours, retention.hits_days
        own = replace(own, retention=replace(own.retention, encodings_hours=hours, hits_days=days))
    ours, theirs = own.to_json(), agreement.to_json()
    different = sorted(key for key in ours if ours[key] != theirs[key])
    if different:
        sentence = (
            f"la convention proposée diffère de ce que ce poste calcule pour : {', '.join(different)} ; "
            "vérifiez les versions de l'outil et les clés épinglées, ou refusez de signer"
        )
        raise ServiceError("E_CONVENTION_DIFFERENTE", sentence)


def _check_terms(demarche: RuleSheet, terms: Terms) -> None:
    parties = [party for holders in terms.holders.values() for party in holders]
    # An operand that no rule names only receives what is passed on later, outside the service: it is no party of a run.
    named = [name for name in demarche.operands if any(name in rule.operands for rule in demarche.rules().values())]
    needed = {name for name in named if not demarche.operands[name].optional}
    if not needed <= set(terms.holders) <= set(named) or not all(terms.holders.values()):
        sentence = f"donnez un détenteur à chaque opérande de la règle : --party {'=… --party '.join(named)}=…"
        raise ServiceError("E_PARTIES", sentence)
    if len(set(parties)) != len(parties) or set(terms.sizes) != set(parties):
        sentence = "chaque partie détient un seul opérande et déclare un seul effectif (--size partie=n)"
        raise ServiceError("E_PARTIES", sentence)
    guards = terms.guards or demarche.guards()
    if not set(terms.objections) <= set(parties):
        raise ServiceError("E_PARTIES", "seule une partie transmet des oppositions (--objections partie=nombre)")
    if min((*terms.sizes.values(), *terms.objections.values())) < guards.least_rows:
        sentence = f"un croisement porte sur au moins {guards.least_rows} personnes de chaque côté"
        raise ServiceError("E_EFFECTIF_FAIBLE", sentence)
    if demarche.own_guards is not None and guards.loosens(demarche.own_guards):
        raise ServiceError(
            "E_GARDE", "une convention ne relâche aucune garde de sa démarche ; reprenez celles de [gardes]"
        )
    if terms.profile == "reference":
        sentence = "le profil reference n'offre aucune protection : choisissez standard ou renforce"
        raise ServiceError("E_PROFIL_INTERDIT", sentence)
    if not terms.dpia.strip():
        raise ServiceError("E_AIPD_ABSENTE", "indiquez la référence de l'analyse d'impact (--dpia)")
    if not terms.authorisation.strip():
        raise ServiceError("E_AUTORISATION_ABSENTE", "indiquez la référence de la décision (--authorisation)")
    if not timedelta() < terms.not_after - terms.not_before <= _LONGEST:
        raise ServiceError("E_VALIDITE", "une convention vaut au plus un an, et sa fin suit son début")


def _check_everybody(terms: Terms, comparisons: tuple[Comparison, ...]) -> None:
    compared = {party for one in comparisons if not one.of_objections for party in one.parties}
    if left := sorted(set(terms.sizes) - compared):
        sentence = f"« {left[0]} » n'est comparé à personne dans cette démarche : retirez cette partie"
        raise ServiceError("E_PARTIES", sentence)


def _joined(outputs: tuple[Output, ...]) -> list[str]:
    """The recipients that have an output of several comparisons, sorted: they must not see what it is made of."""
    return sorted({one.recipient for one in outputs if len(one.comparisons) > 1})


def _check_joiners(terms: Terms, joined: list[str]) -> None:
    for recipient in joined:
        if terms.joiners.get(recipient) not in set(terms.sizes) - {recipient}:
            sentence = (
                f"« {recipient} » reçoit un résultat de plusieurs comparaisons : la règle est appliquée par un jointeur, une "
                f"autre partie ; désignez-le : --joiner {recipient}=PARTIE"
            )
            raise ServiceError("E_JOINTEUR_REQUIS", sentence)
    if extra := sorted(set(terms.joiners) - set(joined)):
        sentence = f"aucun résultat de « {extra[0]} » ne dépend de plusieurs comparaisons : retirez son jointeur"
        raise ServiceError("E_JOINTEUR_REQUIS", sentence)


def _parties(demarche: RuleSheet, terms: Terms, pins: Pins) -> tuple[AgreementParty, ...]:
    parties = []
    for operand, holders in terms.holders.items():
        role = "reference" if demarche.operands[operand].role == "reference" else "source"
        for party in holders:
            public = pins(party)
            parties.append(
                AgreementParty(
                    party=party,
                    name=public.name,
                    operand=operand,
                    role=role,
                    fingerprint=public.fingerprint,
                )
            )
    return tuple(sorted(parties, key=lambda one: one.party))


def _terms_of(agreement: Agreement) -> Terms:
    sizes: dict[str, int] = {}
    objections: dict[str, int] = {}
    for comparison in agreement.comparisons:
        pair = comparison.sizes
        if comparison.of_objections:
            if objections.setdefault(comparison.source, pair.source) != pair.source:
                sentence = f"la convention déclare deux nombres d'oppositions pour « {comparison.source} »"
                raise ServiceError("E_CONVENTION_DIFFERENTE", sentence)
            continue
        for party, size in ((comparison.recipient, pair.recipient), (comparison.source, pair.source)):
            if sizes.setdefault(party, size) != size:
                sentence = f"la convention déclare deux effectifs pour « {party} »"
                raise ServiceError("E_CONVENTION_DIFFERENTE", sentence)
    return Terms(
        holders=holders_of(agreement),
        sizes=sizes,
        profile=agreement.profile,
        authorisation=agreement.authorisation,
        dpia=agreement.dpia,
        max_runs=agreement.max_runs,
        not_before=agreement.valid.not_before,
        not_after=agreement.valid.not_after,
        nonce=agreement.nonce,
        guards=agreement.guards,
        joiners={one.recipient: one.joiner for one in agreement.joiners},
        objections=objections,
    )


@dataclass(frozen=True, kw_only=True)
class StoredAgreement:
    """An agreement that this administration proposed or signed, with the démarche it was judged by."""

    agreement: Agreement
    demarche: RuleSheet
    signatures: Mapping[str, bytes]

    def check_active(self, pins: Pins) -> None:
        """Check the signature of every party with its pinned key.

        Raises:
            ServiceError: `E_CONVENTION_INACTIVE` naming who has not signed; whatever `pins` refuses.
            SignatureRefused: a signature that is not the party's.
        """
        missing = sorted(self.agreement.members - set(self.signatures))
        if missing:
            sentence = f"la convention n'est pas signée par : {', '.join(missing)}"
            raise ServiceError("E_CONVENTION_INACTIVE", sentence)
        for party in sorted(self.agreement.members):
            try:
                self.agreement.check_signature(pins(party).all_signing_keys, self.signatures[party])
            except SignatureRefused as error:
                sentence = f"la signature attribuée à « {party} » n'est pas la sienne ; n'allez pas plus loin"
                raise ServiceError("E_SIGNATURE", sentence) from error


class AgreementStore:
    """The agreements of one home folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "agreements"

    def save(self, agreement: Agreement, signatures: Mapping[str, bytes], demarche_text: str) -> None:
        """Keep an agreement; the démarche first, so that a document never stands without it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(self._folder / f"{agreement.identifier}.toml", demarche_text.encode())
        document = {
            "format": _FORMAT,
            "document": agreement.to_json(),
            "signatures": {party: to_base64(signature) for party, signature in signatures.items()},
        }
        write_secret(self._folder / f"{agreement.identifier}.json", canonical_json(document))

    def update(self, stored: StoredAgreement, signatures: Mapping[str, bytes]) -> StoredAgreement:
        """Keep the signatures that arrived since."""
        text = (self._folder / f"{stored.agreement.identifier}.toml").read_text("utf-8")
        self.save(stored.agreement, signatures, text)
        return replace(stored, signatures=dict(signatures))

    def load(self, identifier: str) -> StoredAgreement:
        """An agreement by T, or by its first digits when no other starts with them.

        Raises:
            ServiceError: `E_CONVENTION_INCONNUE`, `E_FICHIER_LOCAL`.
        """
        found = [one for one in self.identifiers() if one.startswith(identifier)]
        if len(found) != 1 or len(identifier) < 4:
            sentence = "ce poste ne connaît pas cette convention : proposez-la ou signez-la d'abord"
            raise ServiceError("E_CONVENTION_INCONNUE", sentence)
        path = self._folder / f"{found[0]}.json"
        try:
            held = parse_canonical_json(path.read_bytes(), MAX_JSON_BYTES)
            if not isinstance(held, dict) or held.get("format") != _FORMAT:
                raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé")
            agreement = Agreement.from_json(held["document"])
            signatures = held["signatures"]
            if agreement.identifier != found[0] or not isinstance(signatures, dict):
                raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé")
            demarche = parse_demarche(path.with_suffix(".toml").read_text("utf-8"))
            kept = {party: from_base64(signature) for party, signature in signatures.items()}
        except (CryptoError, KeyError, OSError) as error:
            raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé") from error
        if agreement.demarche.digest != demarche.digest:
            sentence = f"{path.with_suffix('.toml')} n'est plus la démarche qui a été signée"
            raise ServiceError("E_FICHIER_LOCAL", sentence)
        return StoredAgreement(agreement=agreement, demarche=demarche, signatures=kept)

    def identifiers(self) -> list[str]:
        """The agreements that are kept, sorted."""
        return sorted(path.stem for path in self._folder.glob("*.json"))
