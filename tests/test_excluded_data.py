"""Names that no démarche may hold are recognised as words, and others are left alone."""

from __future__ import annotations

import pytest

from service.errors import ServiceError
from service.excluded_data import check_filter, check_names, check_organisations

REFUSED = {
    "tension": "E_SECRET_MEDICAL",
    "taux_incapacite": "E_SECRET_MEDICAL",
    "Certificat_Santé": "E_SECRET_MEDICAL",
    "pathologies": "E_SECRET_MEDICAL",
    "niveau_habilitation": "E_DEFENSE_NATIONALE",
    "unite_militaire": "E_DEFENSE_NATIONALE",
    "NIR": "E_NIR_INTERDIT",
    "nir_hache": "E_NIR_INTERDIT",
    "NUM_SS": "E_NIR_INTERDIT",
    "numero_securite_sociale": "E_NIR_INTERDIT",
}


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_are_excluded(name):
    """Accents, case and separators change nothing."""
    with pytest.raises(ServiceError) as refusal:
        check_names(["nom", name], "ici")
    assert REFUSED[name] == refusal.value.code


@pytest.mark.parametrize(
    "name", ["extension", "garnir", "totaux", "salaire", "attention", "girouette", "chute", "santerre"]
)
def test_a_word_within_a_word_is_not_that_word(name):
    """Only whole words count."""
    check_names([name], "ici")


def test_an_expression_is_judged_by_its_columns_not_by_its_values():
    """What stands between quotes is a value."""
    check_filter("motif = 'tension' et age(date_naissance) > 60", "ici")
    with pytest.raises(ServiceError, match="E_SECRET_MEDICAL"):
        check_filter("tension > 140", "ici")


@pytest.mark.parametrize(
    ("name", "code"), [("Hôpital", "E_SECRET_MEDICAL"), ("CHU", "E_SECRET_MEDICAL"), ("Armées", "E_DEFENSE_NATIONALE")]
)
def test_organisations_of_which_everything_is_excluded(name, code):
    """A hospital and a service of defence; an insurer is not one."""
    check_organisations(["CNAM", "Departement_PMI", "*"], "ici")
    with pytest.raises(ServiceError) as refusal:
        check_organisations(["CNAM", name], "ici")
    assert code == refusal.value.code
