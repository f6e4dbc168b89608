"""Operands are read with what the rule says of each of them."""

from __future__ import annotations

import pytest

from service.closed_table import ClosedTable
from service.errors import ServiceError
from service.operand_reader import read_operands

PARTY = {"organismes": ["CNAF"], "role": "source", "selection": "Tous."}


def read(party=None, columns=None, **rule):
    """The operand `a` of such tables."""
    tables = ({"a": {**PARTY, **(party or {})}}, columns or {}, rule)
    parties, own, of_rule = (
        ClosedTable(one, where) for one, where in zip(tables, ("[p]", "[c]", "[regle]"), strict=True)
    )
    return read_operands(parties, own, of_rule)["a"]


def test_an_operand_says_little():
    """What is not written is the ordinary case."""
    one = read()
    assert (False, False, False, None, {}) == (
        one.several,
        one.optional,
        one.no_payload,
        one.local_filter,
        one.computations,
    )


def test_an_operand_says_all():
    """Filter, computed columns, freshness and flags."""
    one = read(
        {"facultatif": True, "encodage_sans_charge": True, "lignes_par_personne": "plusieurs"},
        filtre_local={"a": "paye"},
        calcul_local={"a": {"tranche_tarif": "tranche(qf, grille)"}},
        fraicheur={"a": {"age_max": "P1W", "absence_fiable": True, "absence_fiable_a_partir_de": "--10-15"}},
    )
    assert (True, True, True, "paye") == (one.several, one.optional, one.no_payload, one.local_filter)
    assert {"tranche_tarif": "tranche(qf, grille)"} == one.computations
    assert (7, "--10-15") == (one.freshness.days, one.freshness.reliable_from)


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ({"filtre_local": {"b": "paye"}}, "E_CLE_INCONNUE"),
        ({"calcul_local": {"b": {"x": "1"}}}, "E_CLE_INCONNUE"),
        ({"calcul_local": {"a": {"Tranche": "1"}}}, "E_DEMARCHE"),
        ({"calcul_local": {"a": {"taux_invalidite": "1"}}}, "E_SECRET_MEDICAL"),
        ({"calcul_local": {"a": {"x": "si(tension > 140, 1, 0)"}}}, "E_SECRET_MEDICAL"),
        ({"filtre_local": {"a": "commence_par(nir, '1')"}}, "E_NIR_INTERDIT"),
        ({"filtre_local": {"a": 3}}, "E_DEMARCHE"),
        ({"party": {"organismes": ["Hopital"]}}, "E_SECRET_MEDICAL"),
        ({"party": {"role": "spectateur"}}, "E_DEMARCHE"),
        ({"columns": {"a": {"prenoms": ["niveau_habilitation"]}}}, "E_DEFENSE_NATIONALE"),
    ],
)
def test_what_an_operand_may_not_say(tables, code):
    """Names of nobody, excluded data, other types."""
    with pytest.raises(ServiceError) as refusal:
        read(**tables)
    assert code == refusal.value.code
