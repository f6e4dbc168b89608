"""A rule in French, and what each party learns."""

from __future__ import annotations

import pytest

from linkage.errors import LinkageError
from service.demarche import list_demarches, load_demarche
from service.demarche_words import learned, output_sentences, purpose_sentence, retention_sentences, rule_sentence
from tests.sheets import demarche

SENTENCES = {
    "a": "les personnes de « a »",
    "rsa - c2s": "les personnes de « rsa » qui ne figurent pas dans « c2s »",
    "a & (b | c)": "les personnes de « a » qui figurent aussi dans « b » ou « c »",
    "(a & b) - c": None,
    "dedup(a > b > c)": (
        "les personnes de « a », puis de « b », puis de « c », chacune une seule fois, chez le premier qui la connaît"
    ),
    "(a | b) & c": "les personnes de « a » ou de « b » qui figurent aussi dans « c »",
}


@pytest.mark.parametrize("expression", SENTENCES)
def test_rules_in_words(expression):
    """Without a sign; every operand is named."""
    told = rule_sentence(expression)
    assert SENTENCES[expression] in (told, None)
    assert not set("&()>") & set(told)
    assert all(
        f"« {name} »" in told for name in expression.replace("rsa - c2s", "a").replace("dedup", "") if name.isalpha()
    ) or (expression == "rsa - c2s")


def test_an_expression_that_cannot_be_read_is_refused():
    """As when the démarche is read."""
    with pytest.raises(LinkageError, match="E_REGLE"):
        rule_sentence("a &")


def test_who_learns_what():
    """A reference nothing; the recipient its own people, and what the source tells it of them."""
    one = load_demarche("cantine-qf")
    assert "rien" == learned(one, one.operands["caf"])
    assert "lesquelles de ses propres personnes satisfont la règle, et pour celles-ci : tranche_tarif" == learned(
        one, one.operands["familles"]
    )
    transport = load_demarche("transport-solidaire")
    assert "profil_tarifaire" in learned(transport, transport.operands["abonnes"])
    assert "profil_tarifaire" not in learned(transport, transport.operands["boursiers"])
    payer = load_demarche("cheque-energie")
    assert "transmis" in learned(payer, payer.operands["payeur"])


@pytest.mark.parametrize("name", list_demarches())
def test_every_shipped_demarche_is_told(name):
    """Purpose, each output, each clock; a reference never learns anything."""
    one = load_demarche(name)
    assert purpose_sentence(one)
    assert len(one.outputs) == len(output_sentences(one))
    assert {"rien"} >= {learned(one, operand) for operand in one.operands.values() if operand.role == "reference"}
    assert any("mois" in told for _, told in retention_sentences(one))


def test_several_recipients_learn_each_its_own():
    """The sentence is in the plural."""
    union = 'type = "cascade_priorite"\nexpression = "dedup(b > a)"'
    sheet = demarche(
        ('type = "intersection"\nexpression = "a & b"', union), ('resultats_a = "a"', 'resultats_a = ["a", "b"]')
    )
    ((_, told, _),) = output_sentences(sheet)
    assert told.endswith("; seuls « a » et « b » l'apprennent, chacun pour ses seules personnes")
