"""Agreements at the third party: what a proposal must respect, and who has signed.

The third party judges form and bounds: known parties with the fingerprints it enrolled, a profile that
protects, enough people, short clocks. Whether the démarche itself is lawful was judged by the parties that
sign it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from linkage.plan import PassPlan
from service.agreement import (
    MAX_ENCODINGS_HOURS,
    MAX_HITS_DAYS,
    MAX_RESULTS_MONTHS,
    OBJECTION_MONTHS,
    TRACES_MONTHS,
    Agreement,
)
from service.answers import AgreementView
from service.errors import ServiceError
from service.messages import AgreementProposal, AgreementSignature
from service.third_party.authentication import Caller
from service.third_party.party_keys import signing_keys
from service.third_party.site import Site
from service.third_party.store import (
    activate,
    add_agreement,
    agreement_of,
    agreements_of,
    find_party,
    is_active,
    is_known,
    sign_agreement,
    signatures_of,
)

__all__ = ["list_agreements", "propose", "sign", "view"]

_PROFILES = frozenset({"standard", "renforce"})
_LEAST_DEGREE = 3  # positions XORed into an output bit; fewer are undone
_LARGEST_CAP = 1000  # records of a block; diffusion protects small sets only
_MOST_CANARIES = 10  # one for so many people of the source: more would change what a file looks like


def propose(site: Site, caller: Caller, body: object) -> str:
    """Store a proposed agreement with its proposer's signature; proposing it again changes nothing.

    Returns:
        T.

    Raises:
        ServiceError: what is wrong with it.
        SignatureRefused: not the proposer's signature of T.
    """
    proposal = AgreementProposal.from_json(body)
    agreement = proposal.document
    if caller.party not in agreement.members:
        sentence = "une convention est proposée par l'une de ses parties."
        raise ServiceError("E_ACCES_REFUSE", sentence, 403, source={"pointer": "/document/parties"})
    _check_bounds(agreement)
    with site.database.write() as connection:
        agreement.check_signature(signing_keys(connection, caller.party), proposal.signature)
        if not is_known(connection, agreement.identifier):
            _check_parties(site, connection, agreement)
            add_agreement(connection, agreement, site.clock())
            about = {"agreement": agreement.identifier, "digest": agreement.identifier}
            site.record(connection, caller.party, "agreement_proposed", **about)
        _add_signature(site, connection, agreement, caller, proposal.signature)
    return agreement.identifier


def sign(site: Site, caller: Caller, identifier: str, body: object) -> AgreementView:
    """Store a party's signature; the last one makes the agreement active.

    Raises:
        ServiceError: `E_INTROUVABLE`, `E_MESSAGE`.
        SignatureRefused: not the caller's signature of T.
    """
    signature = AgreementSignature.from_json(body).signature
    with site.database.write() as connection:
        agreement = agreement_of(connection, identifier)
        agreement.check_signature(signing_keys(connection, caller.party), signature)
        _add_signature(site, connection, agreement, caller, signature)
        return view(connection, agreement)


def list_agreements(site: Site, caller: Caller) -> list[AgreementView]:
    """The agreements that name the caller."""
    with site.database.read() as connection:
        return [view(connection, agreement) for agreement in agreements_of(connection, caller.party)]


def view(connection: Connection, agreement: Agreement) -> AgreementView:
    """An agreement as its parties see it."""
    identities = {party: find_party(connection, party) for party in sorted(agreement.members)}
    return AgreementView(
        document=agreement,
        signatures=signatures_of(connection, agreement.identifier),
        active=is_active(connection, agreement.identifier),
        identities={party: public.to_bytes() for party, public in identities.items() if public},
    )


def _add_signature(site: Site, connection: Connection, agreement: Agreement, caller: Caller, signature: bytes) -> None:
    signed: Mapping[str, bytes] = signatures_of(connection, agreement.identifier)
    if caller.party in signed:
        return
    about = {"agreement": agreement.identifier, "digest": agreement.identifier}
    sign_agreement(connection, agreement.identifier, caller.party, signature)
    site.record(connection, caller.party, "agreement_signed", **about)
    if {*signed, caller.party} == agreement.members:
        activate(connection, agreement.identifier, site.clock())
        site.record(connection, site.party, "agreement_active", **about)


def _refuse(code: str, sentence: str, pointer: str) -> None:
    raise ServiceError(code, sentence, source={"pointer": f"/document{pointer}"})


def _check_parties(site: Site, connection: Connection, agreement: Agreement) -> None:
    named = agreement.third_party
    if (named.party, named.fingerprint) != (site.party, site.public.fingerprint):
        sentence = "le tiers de confiance désigné n'est pas celui-ci ; vérifiez son empreinte."
        _refuse("E_EMPREINTE", sentence, "/third_party")
    for number, one in enumerate(agreement.parties):
        public = find_party(connection, one.party)
        if public is None:
            sentence = f"la partie « {one.party} » n'est pas inscrite auprès du tiers de confiance."
            _refuse("E_PARTIE_INCONNUE", sentence, f"/parties/{number}")
        elif public.fingerprint != one.fingerprint:
            sentence = f"l'empreinte de « {one.party} » n'est pas celle inscrite ; vérifiez-la de vive voix."
            _refuse("E_EMPREINTE", sentence, f"/parties/{number}")


def _protects(step: PassPlan) -> bool:
    """Diffused, in blocks small enough, with thresholds under which unrelated filters do not fall; or tokens and no filter."""
    if not 1 <= step.cap <= _LARGEST_CAP:
        return False
    if step.measure == "exact":
        return step.length == 0
    diffused = step.measure == "hamming" and step.degree >= _LEAST_DEGREE
    return diffused and step.strict <= step.information < step.length // 2


def _check_bounds(agreement: Agreement) -> None:
    for number, one in enumerate(agreement.comparisons):
        where = f"/comparisons/{number}"
        if min(one.sizes.recipient, one.sizes.source) < agreement.guards.least_rows:
            sentence = f"un croisement porte sur au moins {agreement.guards.least_rows} personnes de chaque côté."
            _refuse("E_EFFECTIF_FAIBLE", sentence, f"{where}/sizes")
        if not one.of_objections and _MOST_CANARIES * agreement.guards.canaries > one.sizes.source:
            sentence = f"une source cache au plus un leurre pour {_MOST_CANARIES} personnes ; demandez-en moins."
            _refuse("E_GARDE", sentence, "/guards/canaries")
        protects = all(map(_protects, one.plan.passes))
        if agreement.profile not in _PROFILES or one.plan.profile != agreement.profile or not protects:
            sentence = "ce profil ne protège pas les encodages ; choisissez standard ou renforce."
            _refuse("E_PROFIL_INTERDIT", sentence, f"{where}/plan")
    clocks = agreement.retention
    shortest, longest = OBJECTION_MONTHS
    if not (
        1 <= clocks.encodings_hours <= MAX_ENCODINGS_HOURS
        and 1 <= clocks.hits_days <= MAX_HITS_DAYS
        and clocks.results_months <= MAX_RESULTS_MONTHS
        and clocks.traces_months == TRACES_MONTHS
        and shortest <= clocks.objection_months <= longest
    ):
        sentence = (
            f"bornes : encodages 1 à {MAX_ENCODINGS_HOURS} h, résultats au tiers 1 à {MAX_HITS_DAYS} jours, chez le "
            f"destinataire au plus {MAX_RESULTS_MONTHS} mois, traces {TRACES_MONTHS} mois, oppositions {shortest} à "
            f"{longest} mois."
        )
        _refuse("E_CONSERVATION_EXCESSIVE", sentence, "/retention")
