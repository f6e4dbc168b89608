"""Records of processing (GDPR 30)."""

import pytest

from service.papers.holes import holes_in
from service.papers.processing_record import party_record, third_party_record
from tests.papers_case import case, kept, papers, told

# What article 30 asks a record to say.
HEADS = (
    "Responsable du traitement", "Délégué à la protection des données", "Finalité", "Personnes concernées", "Données traitées",
    "Destinataires", "Transferts hors de l'Union européenne", "Durées de conservation", "Mesures de sécurité",
)  # fmt: skip


@pytest.mark.parametrize("name", ["registre-rgpd.cnaf.md", "registre-rgpd.cnam.md", "registre-rgpd.tiers.md"])
def test_records_are_the_frozen_ones(name):
    """Word for word; `python -m tests.papers_case` writes them anew after a change that is meant."""
    assert kept(name) == papers()[name]


@pytest.mark.parametrize("party", ["cnaf", "cnam"])
def test_a_record_says_what_article_30_asks(party):
    """Every head, and holes where only people know."""
    text = party_record(case(), party)
    assert [] == [head for head in HEADS if f"## {head}\n" not in text]
    assert 5 <= len(holes_in(text))


def test_only_the_recipient_has_results_and_the_third_party_no_identity():
    """What a source tells is said on both sides."""
    assert "les services habilités" in party_record(case(), "cnaf")
    assert "les services habilités" not in party_record(case(), "cnam")
    assert "tranche tarif" in party_record(told(), "cnam")
    assert "aucune identité" in third_party_record(case())
