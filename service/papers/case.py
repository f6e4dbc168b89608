"""An agreement and its démarche in French words, for all papers: who, what, why, on which data, for how long, how protected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.agreement import Agreement, AgreementParty
from service.rule_sheet import Demarche

__all__ = ["MEASURES", "Case"]

_PURPOSES: Mapping[str, str] = {
    "information": "informer des personnes d'un droit dont elles peuvent bénéficier",
    "attribution": "attribuer un droit à des personnes qui y ont droit, sauf refus de leur part lorsque la démarche le prévoit",
    "verification": "vérifier une situation pour instruire une demande ou une déclaration",
}
_ATTRIBUTES: Mapping[str, str] = {
    "nom": "nom", "nom_naissance": "nom de naissance", "nom_usage": "nom d'usage", "prenoms": "prénoms", "prenom": "prénom",
    "prenom_1": "premier prénom", "sexe": "sexe", "date_naissance": "date de naissance",
    "cog_commune_naissance": "commune de naissance (code officiel géographique)",
    "departement_naissance": "département de naissance",
    "cog_pays_naissance": "pays de naissance (code officiel géographique)", "adresse": "adresse", "code_postal": "code postal",
    "commune": "commune", "ine": "identifiant national étudiant", "siren": "numéro SIREN", "pdl": "point de livraison",
}  # fmt: skip
# What the tool does, whoever uses it: (name, sentence).
MEASURES: Sequence[tuple[str, str]] = (
    (
        "Pseudonymisation à la source",
        (
            "Les identités sont transformées chez chaque administration en filtres à clé, puis diffusées par des tables "
            "secrètes propres "
            "à chaque bloc ; aucune identité ni aucun numéro de dossier ne sort du poste."
        ),
    ),
    (
        "Séparation des clés",
        (
            "Le tiers de confiance compare sans détenir de clé ; les clés du croisement sont tirées par les "
            "administrations, propres à lui, "
            "et détruites à sa clôture."
        ),
    ),
    (
        "Chiffrement",
        "Envois et livraisons sont scellés à leur destinataire (HPKE hybride ML-KEM-768 et X25519, AES-256-GCM).",
    ),
    (
        "Résultats limités",
        (
            "Le destinataire ne reçoit que ses propres lignes, sans score ; rien n'est rendu au sujet des autres personnes "
            "ni à une référence."
        ),
    ),
    (
        "Destruction prouvée",
        (
            "Encodages et non-résultats sont détruits dès la fin du rapprochement, au plus tard à l'échéance de la "
            "convention ; un reçu signé "
            "l'atteste dans un journal que chacun peut vérifier."
        ),
    ),
    (
        "Authentification et traçabilité",
        "Requêtes et déclarations signées (Ed25519), journal d'audit vérifiable par chacun, sans donnée personnelle.",
    ),
    (
        "Gardes contre les sondages",
        (
            "Effectifs minimaux, écarts d'effectif, quasi-doublons, taux de liens et leurres : les résultats anormaux sont "
            "retenus jusqu'à "
            "l'accord signé de chaque partie."
        ),
    ),
    (
        "Oppositions",
        (
            "Registre scellé appliqué avant l'encodage et de nouveau avant toute écriture de résultats ; une opposition "
            "n'ajoute jamais de résultat."
        ),
    ),
    (
        "Durées",
        "Échéances tenues par le journal local, purge avec reçu signé, clé de chaque collecte détruite d'abord.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What all papers are written from.

    Attributes:
        agreement: signed or proposed.
        demarche: the sheet that it applies.
    """

    agreement: Agreement
    demarche: Demarche

    @property
    def purpose(self) -> str:
        """What it is for."""
        return f"{_PURPOSES[self.agreement.purpose]} : {self.demarche.title}"

    @property
    def data(self) -> list[str]:
        """The data that are compared, in words."""
        names = [one.name for one in self.demarche.sheet().attributes]
        return [_ATTRIBUTES.get(name, name.replace("_", " ")) for name in names]

    @property
    def told(self) -> list[str]:
        """The data that a source tells of a hit, in words."""
        return [name.replace("_", " ") for name in self.demarche.payload]

    @property
    def retention(self) -> list[str]:
        """How long anything is kept."""
        kept = self.agreement.retention
        return [
            f"encodages chez le tiers de confiance : jusqu'à la fin du rapprochement, {kept.encodings_hours} heures au plus",
            f"résultats scellés chez le tiers de confiance : jusqu'à leur retrait, {kept.hits_days} jours au plus",
            f"résultats chez le destinataire : {kept.results_months} mois au plus à compter de la collecte (CRPA R114-9-7)",
            f"traces des échanges : {kept.traces_months} mois (CRPA R114-9-7)",
            f"données nécessaires au respect d'une opposition : {kept.objection_months} mois (CRPA R114-9-7)",
        ]

    @property
    def recipients(self) -> list[AgreementParty]:
        """The parties that receive results."""
        names = {one.recipient for one in self.agreement.outputs}
        return [one for one in self.agreement.parties if one.party in names]

    def receives(self, party: str) -> bool:
        """Whether a party receives results."""
        return any(one.party == party for one in self.recipients)

    def party(self, name: str) -> AgreementParty:
        """A party by its identifier.

        Raises:
            KeyError: it is none of this agreement.
        """
        return {one.party: one for one in self.agreement.parties}[name]

    def others(self, name: str) -> list[AgreementParty]:
        """The parties with whose files that of a party is compared."""
        pairs = [one.parties for one in self.agreement.comparisons if name in one.parties]
        met = {party for pair in pairs for party in pair} - {name}
        return [one for one in self.agreement.parties if one.party in met]

    def people(self, name: str) -> str:
        """Whose data a party brings: the selection of its operand, on one line."""
        return " ".join(self.demarche.operands[self.party(name).operand].selection.split())

    def rules(self) -> list[str]:
        """The outputs: words, expression, who receives."""
        found = dict.fromkeys((one.name, one.expression) for one in self.agreement.outputs)
        labels = {one.name: one.label for one in self.demarche.outputs}
        return [f"« {name} »{f' ({labels[name]})' if labels.get(name) else ''} : {text}" for name, text in found]
