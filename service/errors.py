"""What the service refuses: a stable code, an HTTP status and a French sentence that says what to change.

Over HTTP an error is ``{"errors": [{"code", "title", "detail", "source"}]}``, the form that French API users
know: `code` is what programs test, `title` is fixed by the code, `detail` is the sentence of this case,
`source` says where (``{"pointer": "/statement/count"}``), or is empty. A sentence never holds a value of a
record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["TITLES", "ServiceError", "absent", "error_body"]

TITLES: Mapping[str, str] = {
    "E_ACCES_REFUSE": "Action réservée à une autre partie",
    "E_ANNEXE": "Annexe refusée",
    "E_BASE_URL": "Adresse de base de données refusée",
    "E_BASE_VERSION": "Version de base de données refusée",
    "E_BLOBS_URL": "Adresse de stockage refusée",
    "E_BLOC_TROP_GRAND": "Bloc trop grand",
    "E_CLE": "Clé refusée",
    "E_CLE_ABSENTE": "Fichier de clé absent",
    "E_CLE_LISIBLE": "Fichier de clé lisible par d'autres",
    "E_CLE_REVOQUEE": "Clé sans effet",
    "E_CLE_SUCCESSION": "Succession de clé refusée",
    "E_CONNEXIONS": "Trop de connexions",
    "E_CONSERVATION_EXCESSIVE": "Durée de conservation excessive",
    "E_CONTENU_MANIFESTE": "Contenu différent de ce qui est annoncé",
    "E_CONVENTION_INACTIVE": "Convention inactive",
    "E_CORPS_TROP_GRAND": "Contenu trop grand",
    "E_DEBIT": "Trop de demandes",
    "E_DEJA_DEPOSE": "Déjà déposé",
    "E_DEJA_INSCRITE": "Partie déjà inscrite",
    "E_DESTRUCTION_INCOMPLETE": "Destruction incomplète",
    "E_DISQUE_PLEIN": "Espace de stockage épuisé",
    "E_DONNEES_ABSENTES": "Dossier de données incomplet",
    "E_EFFECTIF_DEPASSE": "Effectif supérieur à l'effectif déclaré",
    "E_EFFECTIF_FAIBLE": "Effectif trop faible",
    "E_EFFECTIF_INSUFFISANT": "Effectif inférieur à celui qui est déclaré",
    "E_EMPREINTE": "Empreinte différente de celle inscrite",
    "E_EN_TETES": "En-têtes trop grands",
    "E_ETAT": "Action impossible à cette étape",
    "E_FORMAT": "Forme refusée",
    "E_FORMAT_LIGNES": "Lignes incomplètes",
    "E_GARDE": "Garde refusée",
    "E_GRAPPE_CLES": "Clés de la grappe absentes",
    "E_IDEMPOTENCE": "Clé d'idempotence déjà employée",
    "E_IDENTIFIANT_LIGNE": "Identifiant de ligne en double",
    "E_IDENTITE_EXISTANTE": "Identité déjà créée sous un autre nom",
    "E_INDISPONIBLE": "Service momentanément indisponible",
    "E_INTERNE": "Erreur interne",
    "E_INTROUVABLE": "Objet introuvable",
    "E_JONCTION_DUE": "Jonction attendue",
    "E_JOURNAL_RECULE": "Journal antérieur à celui qui est connu",
    "E_LARGEURS": "Filtres d'une autre longueur",
    "E_LENTEUR": "Contenu trop lent",
    "E_LONGUEUR": "Longueur non annoncée",
    "E_MEMOIRE": "Mémoire accordée trop petite",
    "E_MESSAGE": "Message mal formé",
    "E_METHODE": "Méthode non prévue",
    "E_MORCEAUX_MANQUANTS": "Morceaux manquants",
    "E_MORCEAU_ALTERE": "Morceau altéré",
    "E_MOT_DE_PASSE": "Mot de passe sur la ligne de commande",
    "E_ORDRE_LIGNES": "Lignes non triées",
    "E_PARTIE_INCONNUE": "Partie inconnue",
    "E_PATIENTER": "Pas encore prêt",
    "E_PLAN": "Plan de passes refusé",
    "E_PREUVE": "Preuve refusée",
    "E_PROFIL_INTERDIT": "Profil d'encodage interdit",
    "E_QUOTA_CROISEMENTS": "Nombre de croisements atteint",
    "E_RAPPORT_RISQUE_ABSENT": "Rapport de risque absent",
    "E_RAPPORT_RISQUE_ANCIEN": "Rapport de risque trop ancien",
    "E_RAPPORT_RISQUE_DIFFERENT": "Rapport de risque d'un autre envoi",
    "E_REMPLISSAGE": "Taux de remplissage anormal",
    "E_REQUETE": "Requête HTTP illisible",
    "E_REQUETE_NON_SIGNEE": "Requête non authentifiée",
    "E_SAUVEGARDE": "Sauvegarde refusée",
    "E_SCELLEMENT": "Scellement refusé",
    "E_SIGNATURE": "Signature refusée",
    "E_TABLEAU": "Tableau incohérent",
    "E_TEMOIN": "Témoignage refusé",
    "E_TRAITEMENT": "Rapprochement impossible",
    "E_VALIDITE": "Hors période de validité",
}


class ServiceError(Exception):
    """A refusal by the service.

    Attributes:
        code: stable identifier, `E_…`.
        message: French sentence that says what to change.
        status: HTTP status that carries it.
        source: where in the request, as JSON:API says it; empty when the whole request is meant.
        headers: of the answer that carries it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 422,
        *,
        source: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code} : {message}")
        self.code = code
        self.message = message
        self.status = status
        self.source = dict(source or {})
        self.headers = dict(headers or {})


def absent() -> ServiceError:
    """The one answer for what does not exist and for what the caller may not know to exist."""
    return ServiceError(
        "E_INTROUVABLE", "cet objet n'existe pas ou ne vous concerne pas ; vérifiez son identifiant.", 404
    )


def error_body(code: str, message: str, source: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON body of an error."""
    title = TITLES.get(code, "Demande refusée")
    return {"errors": [{"code": code, "title": title, "detail": message, "source": dict(source or {})}]}
