"""Agreements at the third party: what it refuses, who signs, who sees."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.framing import to_base64
from linkage.plan import Plan
from service.agreement import Agreement, Sizes, ThirdParty
from service.answers import AgreementView
from service.guard_terms import GuardTerms
from tests.simulator import Administration, Simulation, pass_plan, simulation


@pytest.fixture(scope="module")
def sim(tmp_path_factory, module_database_url):
    """One third party for all; each test proposes its own agreements."""
    with simulation(tmp_path_factory.mktemp("site") / "data", module_database_url) as one:
        yield one


def propose(one: Administration, agreement: Agreement, status: int = 201) -> Any:
    """Propose an agreement; its identifier, or the code of the refusal."""
    signature = to_base64(agreement.signature(one.identity.signing_key))
    return one.post("/agreements", {"document": agreement.to_json(), "signature": signature}, status)


def with_comparison(agreement: Agreement, **changes: Any) -> Agreement:
    """The agreement with another comparison."""
    return replace(agreement, comparisons=(replace(agreement.comparisons[0], **changes),))


def with_pass(agreement: Agreement, **changes: Any) -> Agreement:
    """The agreement with another plan of passes."""
    plan = Plan(profile="standard", statistics_digest="0" * 64, passes=(pass_plan("jour", **changes),))
    return with_comparison(agreement, plan=plan)


def views(one: Administration, agreement: Agreement) -> list[AgreementView]:
    """The views of this agreement in a party's list."""
    found = [AgreementView.from_json(view) for view in one.get("/agreements")]
    return [view for view in found if view.document == agreement]


def test_an_agreement_is_active_once_every_party_has_signed(sim: Simulation):
    """Not before; each signature is relayed, and each party's enrolled identity."""
    agreement = sim.agreement()
    assert {"agreement": agreement.identifier} == propose(sim.caf, agreement)
    (view,) = views(sim.cnous, agreement)
    assert (False, ["caf"]) == (view.active, list(view.signatures))
    signature = agreement.signature(sim.cnous.identity.signing_key)
    answer = sim.cnous.post(f"/agreements/{agreement.identifier}/signatures", {"signature": to_base64(signature)})
    view = AgreementView.from_json(answer)
    assert (True, agreement) == (view.active, view.document)
    assert {"caf": agreement.signature(sim.caf.identity.signing_key), "cnous": signature} == view.signatures
    assert {one.party: one.identity.public.to_bytes() for one in sim.pair} == view.identities


def test_proposing_and_signing_again_change_nothing(sim: Simulation):
    """A party whose connection broke sends again and gets the same answer."""
    agreement = sim.agreement()
    assert [propose(sim.caf, agreement)] * 2 == [propose(sim.caf, agreement) for _ in range(2)]
    assert {"agreement": agreement.identifier} == propose(sim.cnous, agreement)
    (view,) = views(sim.caf, agreement)
    assert view.active


def test_strangers_see_nothing(sim: Simulation):
    """To a party that is not named, the agreement does not exist."""
    agreement = sim.agreed()
    assert [] == sim.dgfip.get("/agreements")
    assert "E_INTROUVABLE" == sim.dgfip.get(f"/agreements/{agreement.identifier}", 404)
    signature = to_base64(agreement.signature(sim.dgfip.identity.signing_key))
    path = f"/agreements/{agreement.identifier}/signatures"
    assert "E_INTROUVABLE" == sim.dgfip.post(path, {"signature": signature}, 404)
    assert "E_ACCES_REFUSE" == propose(sim.dgfip, agreement, 403)


def test_a_signature_is_of_its_caller(sim: Simulation):
    """A party cannot deposit another's, nor one of another agreement."""
    agreement, other = sim.agreement(), sim.agreement()
    propose(sim.caf, agreement)
    path = f"/agreements/{agreement.identifier}/signatures"
    for signature in (
        agreement.signature(sim.caf.identity.signing_key),
        other.signature(sim.cnous.identity.signing_key),
    ):
        assert "E_SIGNATURE" == sim.cnous.post(path, {"signature": to_base64(signature)}, 422)
    (view,) = views(sim.caf, agreement)
    assert ["caf"] == list(view.signatures)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda a: with_comparison(a, sizes=Sizes(recipient=99, source=120)), "E_EFFECTIF_FAIBLE"),
        (lambda a: with_comparison(a, sizes=Sizes(recipient=120, source=99)), "E_EFFECTIF_FAIBLE"),
        (lambda a: replace(a, guards=GuardTerms(least_rows=121)), "E_EFFECTIF_FAIBLE"),
        (lambda a: replace(a, guards=GuardTerms(canaries=13)), "E_GARDE"),
        (lambda a: replace(a, profile="reference"), "E_PROFIL_INTERDIT"),
        (lambda a: replace(a, profile="renforce"), "E_PROFIL_INTERDIT"),
        (lambda a: with_pass(a, measure="dice", degree=0), "E_PROFIL_INTERDIT"),
        (lambda a: with_pass(a, degree=2), "E_PROFIL_INTERDIT"),
        (lambda a: with_pass(a, cap=0), "E_PROFIL_INTERDIT"),
        (
            lambda a: with_pass(a, measure="exact", degree=0, length=0, information=0, strict=0, cap=1001),
            "E_PROFIL_INTERDIT",
        ),
        (lambda a: with_pass(a, cap=1001), "E_PROFIL_INTERDIT"),
        (lambda a: with_pass(a, information=128), "E_PROFIL_INTERDIT"),
        (lambda a: with_pass(a, strict=41), "E_PROFIL_INTERDIT"),
        (lambda a: replace(a, retention=replace(a.retention, encodings_hours=73)), "E_CONSERVATION_EXCESSIVE"),
        (lambda a: replace(a, retention=replace(a.retention, encodings_hours=0)), "E_CONSERVATION_EXCESSIVE"),
        (lambda a: replace(a, retention=replace(a.retention, hits_days=31)), "E_CONSERVATION_EXCESSIVE"),
        (lambda a: replace(a, retention=replace(a.retention, results_months=13)), "E_CONSERVATION_EXCESSIVE"),
        (lambda a: replace(a, retention=replace(a.retention, traces_months=37)), "E_CONSERVATION_EXCESSIVE"),
        (lambda a: replace(a, retention=replace(a.retention, objection_months=11)), "E_CONSERVATION_EXCESSIVE"),
        (lambda a: replace(a, retention=replace(a.retention, objection_months=25)), "E_CONSERVATION_EXCESSIVE"),
        (lambda a: replace(a, third_party=replace(a.third_party, fingerprint="0")), "E_EMPREINTE"),
        (lambda a: replace(a, third_party=ThirdParty(party="autre", fingerprint="0")), "E_EMPREINTE"),
        (lambda a: replace(a, parties=(a.parties[0], replace(a.parties[1], fingerprint="0"))), "E_EMPREINTE"),
    ],
)
def test_bounds_and_identities_are_checked_at_the_proposal(sim: Simulation, change, code):
    """Each refusal has its code, and nothing is stored."""
    agreement = change(sim.agreement())
    assert code == propose(sim.caf, agreement, 422)
    assert [] == views(sim.caf, agreement)


def test_a_party_that_is_not_enrolled_is_named(sim: Simulation):
    """An agreement with somebody unknown cannot even be proposed."""
    strange = json.dumps(sim.agreement().to_json()).replace("cnous", "msa")
    agreement = Agreement.from_json(json.loads(strange))
    assert "E_PARTIE_INCONNUE" == propose(sim.caf, agreement, 422)


@pytest.mark.parametrize("body", [{}, [], None, {"document": {}, "signature": ""}, {"document": 1, "signature": 2}])
def test_a_body_that_is_not_a_proposal_is_refused(sim: Simulation, body):
    """With the pointer of what is wrong, and never a 5xx."""
    response = sim.caf.send("POST", "/agreements", json.dumps(body).encode())
    assert (422, "E_MESSAGE") == (response.status_code, response.json()["errors"][0]["code"])


def test_times_of_the_document_are_exact(sim: Simulation):
    """A document whose moments have fractions cannot be written, so none is ever signed."""
    agreement = sim.agreement()
    moment = datetime(2027, 1, 1, 0, 0, 0, 5, tzinfo=UTC)
    other = replace(agreement, valid=replace(agreement.valid, not_after=moment))
    assert Agreement.from_json(other.to_json()).identifier == other.identifier
