"""What clauses say of each other: each contradiction has its code."""

from __future__ import annotations

import pytest

from linkage.errors import LinkageError
from service.errors import ServiceError
from tests.sheets import demarche

RULE = 'type = "intersection"\nexpression = "a & b"'
MODE = 'mode = "information"'
AWARD = (('finalite = "information"', 'finalite = "attribution"'), (MODE, 'mode = "attribution_directe"'))
PAYLOAD = (('finalite = "information"', 'finalite = "information"\ncharge_utile = ["date_fin"]'),)
TOLD = '[habilitation]\ntexte = "texte"\nchamps = ["date_fin"]\noperande = "b"\noctets = 20\n'
ON = '[livraison.transmission_aval]\nde = "a"\nvers = "b"\nchamps = ["identite", "date_fin"]\n'


def kind(name, expression="a & b"):
    return (RULE, f'type = "{name}"\nexpression = "{expression}"')


REFUSALS = {
    "award on a doubtful link": (AWARD, "", "E_ZONE_GRISE_ATTRIBUTION"),
    "award that is forbidden": (
        (*AWARD[:1], ('seuil = "information"', 'seuil = "attribution"')),
        "",
        "E_FINALITE_INTERDITE",
    ),
    "award against its own ban": (
        (
            AWARD[0],
            (MODE, 'mode = "attribution_directe"\nattribution_interdite = true'),
            ('seuil = "information"', 'seuil = "attribution"'),
        ),
        "",
        "E_FINALITE_INTERDITE",
    ),
    "output beyond the purpose": (
        ((RULE, 'type = "composition"'),),
        '[regle.sorties.x]\nexpression = "a & b"\nusage = "attribution"\n[regle.sorties.y]\nexpression = "b & a"\n',
        "E_FINALITE_INTERDITE",
    ),
    "verification for another purpose": ((kind("verification"),), "", "E_DEMARCHE"),
    "anti-join without a minus": ((kind("anti_jointure"),), "", "E_DEMARCHE"),
    "intersection with a minus": ((kind("intersection", "a - b"),), "", "E_DEMARCHE"),
    "composition of one sign": ((kind("composition"),), "", "E_DEMARCHE"),
    "union without dedup": ((kind("union_dedoublonnee", "a | b"),), "", "E_DEMARCHE"),
    "due date without a calendar": ((kind("echeance"),), "", "E_DEMARCHE"),
    "comparison without a condition": ((kind("comparaison_attribut"),), "", "E_DEMARCHE"),
    "condition without a comparison": (
        ((RULE, f'{RULE}\ncondition_aveugle = "a.commune != b.commune"'),), "", "E_DEMARCHE"
    ),
    "condition on nobody": (
        ((RULE, 'type = "comparaison_attribut"\nexpression = "a & b"\ncondition_aveugle = "a.commune != z.commune"'),),
        "",
        "E_DEMARCHE",
    ),
    "subtracted without freshness": ((kind("anti_jointure", "a - b"),), "", "E_FRAICHEUR"),
    "local selection of two": ((('expression = "a & b"', ""), ('"intersection"', '"selection_locale"')), "", "E_DEMARCHE"),
    "local selection with an expression": ((('"intersection"', '"selection_locale"'),), "", "E_DEMARCHE"),
    "expression that cannot be read": ((kind("composition", "a &"),), "", "E_REGLE"),
    "hits to who is subtracted": (
        (kind("anti_jointure", "b - a"),),
        '[regle.fraicheur.a]\nage_max = "P7D"\nabsence_fiable = true\n',
        "E_RESULTATS_A",
    ),
    "people's files on public data": (
        (('crpa = "L114-8-II"', 'base = "donnees_publiques"'),), "", "E_FONDEMENT_INCOMPLET"
    ),
    "no ground at all": ((('crpa = "L114-8-II"', ""),), "", "E_FONDEMENT_INCOMPLET"),
    "consent for an information": (
        (("publication_liste = true", "publication_liste = true\nconsentement_requis = true"),), "", "E_FONDEMENT_INCOMPLET"
    ),
    "consent that nothing tests": (
        (
            ("publication_liste = true", "publication_liste = true\nconsentement_requis = true"),
            ("L114-8-II", "L114-8-I"),
        ),
        "",
        "E_FONDEMENT_INCOMPLET",
    ),
    "linkage without an impact analysis": ((), '[aipd]\ndispense = "pas besoin"\n', "E_AIPD_ABSENTE"),
    "payload of who may attach nothing": (
        (*PAYLOAD, ('selection = "Les personnes de b."', 'selection = "b"\nencodage_sans_charge = true')),
        TOLD,
        "E_CHARGE_HORS_HABILITATION",
    ),
    "payload of the recipient": (PAYLOAD, TOLD.replace('"b"', '"a"'), "E_CHARGE_HORS_HABILITATION"),
    "medical payload": (
        (('finalite = "information"', 'finalite = "information"\ncharge_utile = ["glycemie"]'),),
        TOLD.replace("date_fin", "glycemie"),
        "E_SECRET_MEDICAL",
    ),
    "received and passed on": (PAYLOAD, TOLD + ON, "E_CASCADE"),
    "received and named, without a text": (PAYLOAD, TOLD + ON + 'recus = ["date_fin"]\n', "E_CASCADE"),
    "passed on by who gets no hits": ((), ON.replace('de = "a"', 'de = "b"'), "E_CASCADE"),
    "passed on for an unknown output": ((), ON + 'seulement = ["x"]\n', "E_DEMARCHE"),
    "reason told where it is banned": (
        (('canaux = ["courrier"]', 'canaux = ["courrier"]\ninterdits = ["motif_eligibilite"]'),),
        '[message]\nchamps = ["prestation"]\n',
        "E_CHARGE_HORS_HABILITATION",
    ),
    "filter that cannot be read": ((), '[regle.filtre_local]\na = "age(date_naissance >"\n', "E_SELECTION"),
    "parameter that cannot be": ((), "[parametres]\nplafond = []\n", "E_PARAMETRE"),
    "optional party that every output needs": (
        (('selection = "Les personnes de b."', 'selection = "b"\nfacultatif = true'),), "", "E_DEMARCHE"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_contradictions(name):
    """One contradiction, one code."""
    changes, more, code = REFUSALS[name]
    with pytest.raises((ServiceError, LinkageError), match=rf"^{code} : "):
        demarche(*changes, more=more)


def test_what_is_received_goes_on_with_a_text():
    """Named, and with the text that allows it."""
    sheet = demarche(*PAYLOAD, more=f'{TOLD}{ON}recus = ["date_fin"]\ntexte = "article"\n')
    assert (("date_fin",), "article") == (sheet.onward[0].received, sheet.onward[0].text)


def test_a_party_may_only_receive_what_is_passed_on():
    """It holds no operand of the rule, and has no part in a run."""
    payer = '[parties.payeur]\norganismes = ["ASP"]\nrole = "destinataire"\nselection = "Aucun fichier."\n'
    on = '[livraison.transmission_aval]\nde = "a"\nvers = "payeur"\nchamps = ["identite"]\n'
    assert ("a", "b") == demarche(more=payer + on).compared
    with pytest.raises(ServiceError, match="E_DEMARCHE"):
        demarche(more=payer)


def test_nothing_is_compared_in_a_local_selection():
    """One party, its selection, no identity, and a reason for having no impact analysis."""
    alone = """
[parties.b]
organismes = ["CNAM"]
role = "source"
selection = "Les personnes de b."
"""
    sheet = demarche(
        (alone, "\n"),
        ('[identite]\nprofil = "P2"\nseuil = "information"\npolitique_zone_grise = "information_seule"\n', ""),
        (RULE, 'type = "selection_locale"'),
        more='[regle.filtre_local]\na = "inscrit"\n[aipd]\ndispense = "abonnement volontaire"\n',
    )
    assert (True, "a", ("a",), "") == (sheet.local, sheet.expression, sheet.recipients, sheet.identity)
    assert "inscrit" == sheet.operands["a"].local_filter
