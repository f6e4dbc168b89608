"""The clauses of a sheet are read with their defaults, and refused with their codes."""

from __future__ import annotations

import pytest

from linkage.errors import LinkageError
from service.errors import ServiceError
from tests.sheets import changed, demarche

MENTIONS = '["finalite", "source_des_donnees", "droits_acces_rectification", "contact_dpo"]'


def test_what_every_demarche_inherits():
    """Five mentions, one domain, an objection that erases at once by ways with and without a screen."""
    one = demarche()
    assert (5, "domaine_gouv_fr_seul", ("fr",)) == (len(one.message.mentions), one.message.link, one.message.languages)
    assert ("demarche", "suppression_immediate") == (one.objection.scope, one.objection.effect)
    assert ("lien", "courrier", "telephone", "guichet") == one.objection.channels
    assert (None, (), (), None) == (one.trigger, one.journey, one.onward, one.kit)


def test_named_outputs_with_their_own_recipients():
    """Each output says its expression, its use and its label; `resultats_a` serves those that name nobody."""
    sheet = demarche(
        ('type = "intersection"\nexpression = "a & b"', 'type = "composition"'),
        ('resultats_a = "a"', 'resultats_a = "a"\nautre_a = ["a", "b"]'),
        more='[regle.sorties.les_deux]\nexpression = "a & b"\nlibelle = "connus"\n'
        '[regle.sorties.autre]\nexpression = "b & a"\npolitique_zone_grise = "ecarter"\n',
    )
    told = [(one.name, one.recipients, one.use, one.grey_policy, one.label) for one in sheet.outputs]
    assert [
        ("les_deux", ("a",), "information", "information_seule", "connus"),
        ("autre", ("a", "b"), "information", "ecarter", ""),
    ] == told


def test_holders_of_tokens_are_named():
    """Each operand that can make a hit and is no reference, in the order of the rule."""
    union = ('type = "intersection"\nexpression = "a & b"', 'type = "cascade_priorite"\nexpression = "dedup(b > a)"')
    sheet = demarche(union, ('resultats_a = "a"', 'resultats_a = "detenteur_du_jeton"'))
    assert ("b", "a") == sheet.outputs[0].recipients


def test_a_full_set_of_clauses():
    """Trigger, journey, onward transmission, kit, identity: each as it is written."""
    sheet = demarche(
        (
            'profil = "P2"',
            'profil = "P2"\nentite = "foyer"\nexacts = ["ine?", "pdl"]\nsans = ["sexe"]\ncontact = "parent"',
        ),
        more="""
[declencheur]
type = "calendrier"
quand = "Chaque mois."
rrule = "FREQ=MONTHLY"
[[parcours]]
a = "J-180"
gabarit = "alerte"
[[parcours]]
a = "+P30D"
si = "sans_reponse"
gabarit = "relance"
[[livraison.transmission_aval]]
de = "a"
vers = "b"
champs = ["identite"]
[kit]
gabarits = ["sms"]
fiche_agents = true
fiche_partenaires = false
""",
    )
    assert [("J-180", None), ("+P30D", "sans_reponse")] == [(one.at, one.condition) for one in sheet.journey]
    assert ("calendrier", "FREQ=MONTHLY") == (sheet.trigger.kind, sheet.trigger.rrule)  # type: ignore[union-attr]
    assert [("ine", True), ("pdl", False)] == [(one.attribute, one.optional) for one in sheet.identity_terms.exacts]
    assert ("foyer", "parent") == (sheet.identity_terms.entity, sheet.identity_terms.contact)
    assert ("a",) == sheet.onward[0].senders
    assert "sexe" not in {one.name for one in sheet.sheet().attributes}


REFUSALS = {
    "a mention missing": f"[message]\nmentions_obligatoires = {MENTIONS}\n",
    "no French": '[message]\nlangues = ["en"]\n',
    "a link to anywhere": '[message]\nlien = "partout"\n',
    "objection on a screen only": '[opposition]\ncanaux = ["lien"]\n',
    "a step of another form": '[[parcours]]\na = "demain"\ngabarit = "Alerte"\n',
    "a step on an odd day": '[[parcours]]\na = "J180"\ngabarit = "alerte"\n',
    "an unknown condition": '[[parcours]]\na = "T0"\nsi = "pluie"\ngabarit = "alerte"\n',
    "a calendar without dates": '[declencheur]\ntype = "calendrier"\nquand = "Un jour."\n',
    "a recurrence at an hour": '[declencheur]\ntype = "calendrier"\nquand = "x"\nrrule = "FREQ=HOURLY"\n',
    "a recurrence in a thirteenth month": '[declencheur]\ntype = "calendrier"\nquand = "x"\nrrule = "FREQ=YEARLY;BYMONTH=13"\n',
    "days from no date": '[declencheur]\ntype = "calendrier"\nquand = "x"\njours = [1]\n',
    "a campaign with a recurrence": '[declencheur]\ntype = "campagne"\nquand = "x"\nrrule = "FREQ=DAILY"\n',
    "health in a message": '[message]\nchamps = ["groupe_pathologie"]\n',
    "a published count of five": "[publication]\neffectif_minimum = 5\n",
    "a group of nobody": '[regle.groupe]\noperande = "b"\ncle = "dossier"\nmembres = ["x"]\ntous_requis = true\n',
    "a journey that is no list": "parcours = 3\n",
    "passing on from nobody": '[livraison.transmission_aval]\nde = "z"\nvers = "b"\nchamps = ["identite"]\n',
}
CODES = {
    "a mention missing": "E_MENTION_ABSENTE",
    "health in a message": "E_SECRET_MEDICAL",
    "a published count of five": "E_EFFECTIF_FAIBLE",
    "a journey that is no list": "E_CLE_INCONNUE",  # it falls into the last table
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    """One clause that cannot be, one code."""
    code = CODES.get(name, "E_DEMARCHE")
    with pytest.raises((ServiceError, LinkageError), match=rf"^{code} : "):
        demarche(more=REFUSALS[name])


def test_an_expression_and_outputs_exclude_each_other():
    """The rule is written once."""
    with pytest.raises(ServiceError, match=r"E_DEMARCHE.*s'excluent"):
        demarche(more='[regle.sorties.x]\nexpression = "a & b"\n')


def test_an_output_that_nobody_receives_is_refused():
    """Every output has its recipients."""
    with pytest.raises(ServiceError, match="E_RESULTATS_A"):
        demarche(('resultats_a = "a"', ""))


def test_cuts_of_nobody_are_refused():
    """A truncation names a party."""
    with pytest.raises(ServiceError, match="E_CLE_INCONNUE"):
        demarche(more="[identite.troncatures.z]\nprenoms = 13\n")
    cut = demarche(more="[identite.troncatures.b]\nprenoms = 13\n").sheet()
    assert 13 == cut.attribute("prenoms").longest


def test_the_sheet_of_these_tests_holds():
    """What the refusals change is a good sheet."""
    assert "essai" == demarche().id
    assert changed().startswith("\nversion")
