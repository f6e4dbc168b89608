"""An agreement follows from a démarche, terms, pins and this encoder; whatever differs is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from crypto.keys import Identity
from linkage.holder import encode_passes
from linkage.planner import plan_passes
from service.administration.conventions import AgreementStore, build_agreement, check_agreement
from service.administration.extra_people import records_of
from service.agreement import Agreement, Sizes
from service.demarche import demarche_text, load_demarche, parse_demarche
from service.errors import ServiceError
from tests.partners import NOW, SIZES, run_key_of_test, scene, terms

DEMARCHE = load_demarche("c2s-rsa")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("scene"))


def build(known: Any, **changes: Any) -> Any:
    return build_agreement(DEMARCHE, terms(**changes), known.keyring("cnaf").pinned, known.third_party.public)


def check(known: Any, agreement: Any, demarche: Any = DEMARCHE) -> Any:
    check_agreement(agreement, demarche, known.keyring("cnam").pinned, known.third_party.public)


def test_the_document_says_what_was_decided(known):
    """Parties, comparison, sizes, purpose and clocks come from the démarche and the terms."""
    agreement = known.agreement
    assert [one.party for one in agreement.parties] == ["cnaf", "cnam"]
    assert [(one.operand, one.role) for one in agreement.parties] == [("rsa", "source"), ("c2s", "reference")]
    comparison = agreement.comparisons[0]
    assert ("cnaf.cnam", Sizes(recipient=150, source=150)) == (comparison.id, comparison.sizes)
    assert plan_passes(DEMARCHE.sheet(), "standard", (150, 150)) == comparison.plan
    assert (
        agreement.purpose,
        agreement.retention.encodings_hours,
        agreement.retention.hits_days,
        agreement.retention.results_months,
        agreement.retention.traces_months,
        agreement.retention.objection_months,
    ) == ("attribution", 72, 30, 12, 36, 24)


def test_the_document_reads_back(known):
    """What is signed survives its own JSON."""
    assert known.agreement == Agreement.from_json(json.loads(known.agreement.to_bytes()))


def test_both_parties_compute_the_same_document(known):
    """The partner's own computation gives the same identifier."""
    check(known, known.agreement)


CHANGES: dict[str, dict[str, Any]] = {
    "purpose": {"purpose": "information"},
    "legal basis": {"legal_basis": ("CRPA L114-8-II",)},
    "outputs": {"outputs": ()},
    "encoder": {"encoder_digest": "00" * 32},
    "sheet": {"sheet_digest": "00" * 32},
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_other_value_is_refused(known, name):
    """A proposer who writes something else than what follows is found out, and the entry is named."""
    with pytest.raises(ServiceError, match="E_CONVENTION_DIFFERENTE") as refusal:
        check(known, replace(known.agreement, **CHANGES[name]))
    assert next(iter(CHANGES[name])) in refusal.value.message


def test_another_plan_is_refused(known):
    """Thresholds are those of the plan, not of the proposer."""
    comparison = known.agreement.comparisons[0]
    first, *others = comparison.plan.passes
    plan = replace(comparison.plan, passes=(replace(first, information=first.information + 50), *others))
    with pytest.raises(ServiceError, match="comparisons"):
        check(known, replace(known.agreement, comparisons=(replace(comparison, plan=plan),)))


def test_a_longer_retention_is_refused_and_a_shorter_one_is_not(known):
    """The clocks of the law are ceilings."""
    kept = known.agreement.retention
    check(known, replace(known.agreement, retention=replace(kept, encodings_hours=24, hits_days=7)))
    for longer in (replace(kept, encodings_hours=73), replace(kept, hits_days=31), replace(kept, results_months=13)):
        with pytest.raises(ServiceError, match="retention"):
            check(known, replace(known.agreement, retention=longer))


def test_another_key_of_a_party_is_refused(known):
    """A fingerprint that is not the pinned one stops the signature."""
    stranger = Identity.generate("cnaf", "CNAF").public
    parties = tuple(
        replace(one, fingerprint=stranger.fingerprint) if one.party == "cnaf" else one
        for one in known.agreement.parties
    )
    with pytest.raises(ServiceError, match="parties"):
        check(known, replace(known.agreement, parties=parties))


def test_another_third_party_is_refused(known):
    """An agreement for another third party than the pinned one is not signed."""
    stranger = Identity.generate("tiers", "Tiers").public
    with pytest.raises(ServiceError, match="third_party"):
        check_agreement(known.agreement, DEMARCHE, known.keyring("cnam").pinned, stranger)


def test_another_demarche_is_refused(known):
    """A partner whose copy of the démarche differs does not sign."""
    other = parse_demarche(demarche_text("c2s-rsa").replace('age_max = "P7D"', 'age_max = "P30D"'))
    with pytest.raises(ServiceError, match="démarche"):
        check(known, known.agreement, other)


TERMS: dict[str, tuple[dict[str, Any], str]] = {
    "small size": ({"sizes": {"cnaf": 99, "cnam": 200}}, "E_EFFECTIF_FAIBLE"),
    "size of nobody": ({"sizes": {**SIZES, "msa": 200}}, "E_PARTIES"),
    "operand of nobody": ({"holders": {"rsa": ("cnaf",)}}, "E_PARTIES"),
    "two operands in one hand": ({"holders": {"rsa": ("cnaf",), "c2s": ("cnaf",)}}, "E_PARTIES"),
    "party without a pin": (
        {"holders": {"rsa": ("msa",), "c2s": ("cnam",)}, "sizes": {"msa": 150, "cnam": 200}},
        "E_CLE_NON_EPINGLEE",
    ),
    "broken profile": ({"profile": "reference"}, "E_PROFIL_INTERDIT"),
    "no impact assessment": ({"dpia": " "}, "E_AIPD_ABSENTE"),
    "no decision": ({"authorisation": ""}, "E_AUTORISATION_ABSENTE"),
    "too long": ({"not_after": NOW.replace(year=2028)}, "E_VALIDITE"),
    "backwards": ({"not_after": NOW.replace(year=2025)}, "E_VALIDITE"),
}


@pytest.mark.parametrize("name", TERMS)
def test_terms_that_are_refused(known, name):
    """Each bad term has its code."""
    changes, code = TERMS[name]
    with pytest.raises(ServiceError) as refusal:
        build(known, **changes)
    assert code == refusal.value.code


def test_several_operands_need_a_joiner(known):
    """A rule over three populations is refused until somebody joins for its recipient, who is neither it nor a stranger."""
    text = demarche_text("c2s-rsa").replace('"rsa - c2s"', '"rsa - c2s - aah"')
    text = text.replace('"anti_jointure"', '"anti_jointure"').replace(
        "[regle]", '[parties.aah]\norganismes = ["CNAF"]\nrole = "reference"\nselection = "toutes"\n\n[regle]'
    )
    text = text.replace("[identite]", '[regle.fraicheur.aah]\nage_max = "P7D"\nabsence_fiable = true\n\n[identite]')
    keyring, aah = known.keyring("cnaf"), Identity.generate("aah", "AAH").public
    keyring.pin(aah, aah.fingerprint)
    held = {
        "holders": {"rsa": ("cnaf",), "c2s": ("cnam",), "aah": ("aah",)},
        "sizes": {"cnaf": 150, "cnam": 150, "aah": 120},
    }
    for joiners in ({}, {"cnaf": "cnaf"}, {"cnaf": "msa"}, {"cnam": "aah"}, {"cnaf": "aah", "cnam": "aah"}):
        with pytest.raises(ServiceError, match="E_JOINTEUR_REQUIS"):
            build_agreement(
                parse_demarche(text), terms(**held, joiners=joiners), keyring.pinned, known.third_party.public
            )
    chosen = terms(**held, joiners={"cnaf": "aah"})
    agreement = build_agreement(parse_demarche(text), chosen, keyring.pinned, known.third_party.public)
    assert [("cnaf", "aah")] == [(one.recipient, one.joiner) for one in agreement.joiners]
    assert ["cnaf.aah", "cnaf.cnam"] == [one.id for one in agreement.comparisons]
    assert {"cnaf", "aah"} == agreement.receivers
    assert 6 == agreement.controls
    check_agreement(agreement, parse_demarche(text), keyring.pinned, known.third_party.public)


def test_an_operand_of_two_holders_is_two_comparisons(known, tmp_path):
    """Each pair of a recipient and a source has its own comparison, sizes and plan."""
    keyring = known.keyring("cnaf")
    msa = Identity.generate("msa", "MSA").public
    pins = {"cnaf": keyring.identity().public, "cnam": keyring.pinned("cnam"), "msa": msa}
    wide = terms(holders={"rsa": ("msa", "cnaf"), "c2s": ("cnam",)}, sizes={**SIZES, "msa": 120})
    agreement = build_agreement(DEMARCHE, wide, pins.__getitem__, known.third_party.public)
    found = [(one.id, one.sizes.recipient) for one in agreement.comparisons]
    assert found == [("cnaf.cnam", 150), ("msa.cnam", 120)]


def test_an_agreement_is_active_only_with_every_signature(known, tmp_path):
    """A missing signature and a signature of somebody else are told apart."""
    store, pins = AgreementStore(tmp_path), known.keyring("cnaf").pinned
    own = known.agreement.signature(known.keyring("cnaf").identity().signing_key)
    store.save(known.agreement, {"cnaf": own}, demarche_text("c2s-rsa"))
    with pytest.raises(ServiceError, match=r"E_CONVENTION_INACTIVE.*cnam"):
        store.load(known.agreement.identifier).check_active(pins)
    forged = store.update(store.load(known.agreement.identifier), {"cnaf": own, "cnam": own})
    with pytest.raises(ServiceError, match=r"E_SIGNATURE.*cnam"):
        forged.check_active(pins)
    theirs = known.agreement.signature(known.keyring("cnam").identity().signing_key)
    store.update(forged, {"cnaf": own, "cnam": theirs}).check_active(pins)


def test_an_agreement_is_found_by_its_first_digits(known):
    """A prefix is enough when it is not ambiguous; an unknown one says what to do."""
    store = AgreementStore(known.homes["cnaf"])
    assert known.agreement == store.load(known.agreement.identifier[:8]).agreement
    with pytest.raises(ServiceError, match="E_CONVENTION_INCONNUE"):
        store.load("ffff" if not known.agreement.identifier.startswith("ffff") else "0000")
    with pytest.raises(ServiceError, match="E_CONVENTION_INCONNUE"):
        store.load("")


def test_altered_files_are_refused(known, tmp_path):
    """A document or a démarche that changed on the disk is not used."""
    store = AgreementStore(tmp_path)
    store.save(known.agreement, {}, demarche_text("c2s-rsa"))
    document = next((tmp_path / "agreements").glob("*.json"))
    text = document.with_suffix(".toml").read_text("utf-8")
    document.with_suffix(".toml").write_text(text.replace("P7D", "P9D"), encoding="utf-8")
    with pytest.raises(ServiceError, match="E_FICHIER_LOCAL"):
        store.load(known.agreement.identifier)
    document.with_suffix(".toml").write_text(text, encoding="utf-8")
    document.write_bytes(document.read_bytes().replace(b'"max_runs":1', b'"max_runs":9'))
    with pytest.raises(ServiceError, match="E_FICHIER_LOCAL"):
        store.load(known.agreement.identifier)


def test_an_operand_that_no_rule_names_is_no_party(known):
    """The chèque énergie is paid by a body that takes part in no comparison: its agreement has the other two."""
    keyring = known.keyring("cnaf")
    demarche = load_demarche("cheque-energie")
    held = {"holders": {"foyers": ("cnaf",), "contrats": ("cnam",)}}
    agreement = build_agreement(demarche, terms(**held), keyring.pinned, known.third_party.public)
    assert {"cnaf", "cnam"} == agreement.members
    assert ["a_informer", "identifies"] == [one.name for one in agreement.outputs_of("cnaf")]
    check_agreement(agreement, demarche, keyring.pinned, known.third_party.public)
    with pytest.raises(ServiceError, match="E_PARTIES"):
        build_agreement(
            demarche, terms(holders={**held["holders"], "payeur": ("aah",)}), keyring.pinned, known.third_party.public
        )


def test_objections_are_declared_by_parties_and_hide_enough(known):
    """A stranger sends none; fewer than the least size would tell who they are; the document is rebuilt with them."""
    keyring = known.keyring("cnaf")

    def made(**objections: int) -> Agreement:
        chosen = terms(objections=objections, joiners={"cnaf": "cnam"} if objections else {})
        return build_agreement(DEMARCHE, chosen, keyring.pinned, known.third_party.public)

    agreement = made(cnam=100)
    assert [("cnaf.cnam", 150), ("cnaf.cnam.oppositions", 100)] == [
        (one.id, one.sizes.source) for one in agreement.comparisons
    ]
    assert [("cnaf.cnam", "cnaf.cnam.oppositions")] == [one.excludes for one in agreement.outputs]
    assert agreement == Agreement.from_json(agreement.to_json())
    check_agreement(agreement, DEMARCHE, keyring.pinned, known.third_party.public)
    for wrong, code in (({"msa": 100}, "E_PARTIES"), ({"cnam": 99}, "E_EFFECTIF_FAIBLE")):
        with pytest.raises(ServiceError, match=code):
            made(**wrong)


def test_objections_to_a_blind_demarche_are_compared_without_twins(known):
    """Whoever objects and lacks the attribute is then in a pass as anybody; the comparison of people keeps its twins."""
    demarche, keyring = load_demarche("listes-electorales"), known.keyring("cnaf")
    chosen = terms(holders={"siv": ("cnaf",), "reu": ("cnam",)}, objections={"cnam": 100}, joiners={"cnaf": "cnam"})
    agreement = build_agreement(demarche, chosen, keyring.pinned, known.third_party.public)
    plans = {one.subject: one.plan for one in agreement.comparisons}
    assert all(one.twin == "" for one in plans["oppositions"].passes)
    assert {one.twin for one in plans["personnes"].passes if one.twin} == {
        one.name for one in plans["personnes"].passes if not one.twin
    }
    sheet = demarche.sheet_between(("siv", "reu"), of_objections=True)
    known_of_one = {"nom_naissance": "MARTINOT", "prenoms": "ZELIE", "sexe": "F", "date_naissance": "19800512"}
    records = records_of([known_of_one], [one.name for one in sheet.attributes])
    rows = [len(one.records) for one in encode_passes(records, sheet, plans["oppositions"], run_key_of_test())]
    assert [1] * len(plans["oppositions"].passes) == rows
