# ruff: noqa: E501 - the table of files reads as one
"""Which people each administration has in the file that it brings to a démarche, and what the file says of them beyond who they are.

One `Draft` an operand of a démarche, named `demarche.operand`: the administration, everybody in its file, who of them the démarche
means where its sheet has no condition of its own, and further columns by their French names (`FACTS`). A row is a person; in
household files several rows, one an adult, may be one household.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from linkage.synthetic.families import NOBODY
from linkage.synthetic.frequencies import Integers, Texts, texts
from linkage.synthetic.households import ADULT_YEARS
from linkage.synthetic.life import Bools, Life

__all__ = ["CONTACT", "DRAFTS", "FACTS", "Draft", "Entity"]

Entity = Literal["person", "home", "parent"]
Who = Callable[[Life], Bools]
Fact = Callable[[Life, Integers], Texts]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The file of one operand.

    Attributes:
        body: the administration, a key of `linkage.synthetic.world.BODIES`.
        base: everybody in the file.
        member: who of them takes part where the sheet does not say.
        facts: further columns; `a=b`: the column a holds the fact b.
        entity: what the démarche counts: persons, households, or the parent who stands for a child.
    """

    body: str
    base: Who
    member: Who
    facts: tuple[str, ...] = ()
    entity: Entity = "person"


def _is(*names: str) -> Who:
    """People of whom one of these holds."""
    return lambda life: np.logical_or.reduce([life.is_[name] for name in names])


def _both(one: Who, other: Who) -> Who:
    return lambda life: one(life) & other(life)


def _not(who: Who) -> Who:
    return lambda life: ~who(life)


def _aged(least: int, most: int = 200) -> Who:
    return lambda life: (life.ages >= least) & (life.ages <= most)


def _home(*names: str) -> Who:
    """People in a household of which all of these hold."""
    return lambda life: np.logical_and.reduce([life.home_is[name] for name in names])[life.households.home]


def _caf(life: Life) -> Bools:
    found: Bools = (life.home_is["caf"] & ~life.home_is["rural"])[life.households.home]
    return found


def _msa(life: Life) -> Bools:
    found: Bools = (life.home_is["caf"] & life.home_is["rural"])[life.households.home]
    return found


def _couple(life: Life) -> Bools:
    """The head of each household and who lives with the head."""
    homes = life.households
    rows, head = np.arange(life.count), homes.head[homes.home]
    found: Bools = (rows == head) | (rows == homes.partner[head])
    return found


def _holder(life: Life) -> Bools:
    found = np.zeros(life.count, dtype=bool)
    found[life.home_number["holder"][life.home_is["contract"]]] = True
    return found


def _low(life: Life) -> Bools:
    found: Bools = (life.home_number["per_uc"] < 11_000)[life.households.home]
    return found


def _one_of(who: Who, share: int) -> Who:
    """One in so many of them, always the same ones."""
    return lambda life: who(life) & (np.arange(life.count) * 2_654_435_761 % 1000 % share == 0)


def _within(number: str, least: int, most: int) -> Who:
    def who(life: Life) -> Bools:
        ahead = life.number[number] - life.today.toordinal()
        found: Bools = np.asarray((ahead >= least) & (ahead <= most))
        return found

    return who


def _flag(name: str) -> Fact:
    return lambda life, rows: np.where(life.is_[name][rows], "oui", "non").astype(object)


def _home_flag(name: str) -> Fact:
    return lambda life, rows: np.where(life.home_is[name][life.households.home[rows]], "oui", "non").astype(object)


def _home_figure(name: str, hundredths: bool = False) -> Fact:  # noqa: FBT001, FBT002 - how a number is written
    def fact(life: Life, rows: Integers) -> Texts:
        held = life.home_number[name][life.households.home[rows]].tolist()
        return texts(f"{one / 100:g}".replace(".", ",") if hundredths else str(one) for one in held)

    return fact


def _word(name: str) -> Fact:
    return lambda life, rows: life.word[name][rows]


def _home_word(name: str) -> Fact:
    return lambda life, rows: life.home_word[name][life.households.home[rows]]


def _day(name: str, where: str = "") -> Fact:
    """An ordinal as JJ/MM/AAAA, empty for those of whom `where` does not hold."""

    def fact(life: Life, rows: Integers) -> Texts:
        numbers = life.number[name] if name in life.number else life.home_number[name][life.households.home]
        said = life.is_[where][rows] if where else np.ones(len(rows), dtype=bool)
        return texts(
            f"{date.fromordinal(one):%d/%m/%Y}" if told else ""
            for one, told in zip(numbers[rows].tolist(), said.tolist(), strict=True)
        )

    return fact


def _same(value: str) -> Fact:
    return lambda _, rows: np.full(len(rows), value, dtype=object)


def _choice(*cases: tuple[str, str], otherwise: str = "") -> Fact:
    """The first word whose flag holds."""
    return lambda life, rows: np.select(
        [life.is_[flag][rows] for flag, _ in cases], [word for _, word in cases], otherwise
    ).astype(object)


def _street(life: Life, rows: Integers) -> Texts:
    return texts(one.split(" ", 1)[-1] for one in life.households.street[life.households.home[rows]])


def _commune(life: Life, rows: Integers) -> Texts:
    return life.households.commune[life.households.home[rows]]


def _mail(life: Life, rows: Integers) -> Texts:
    return texts(
        f"personne{row}@exemple.fr" if has else ""
        for row, has in zip(rows.tolist(), life.is_["mail"][rows].tolist(), strict=True)
    )


def _mobile(life: Life, rows: Integers) -> Texts:
    numbers = life.number["phone"][rows].tolist()
    return texts(
        f"06{number:08}" if has else "" for number, has in zip(numbers, life.is_["mobile"][rows].tolist(), strict=True)
    )


def _claimant_name(life: Life, rows: Integers) -> Texts:
    people, claimant = life.households.people, life.home_number["claimant"][life.households.home[rows]]
    return texts(
        f"{name} {first}"
        for name, first in zip(people.birth_name[claimant], people.first_names[claimant, 0], strict=True)
    )


FACTS: dict[str, Fact] = {
    "rsa_en_paiement": _flag("rsa"),
    "option_contraire": _flag("refuses_c2s"),
    "composition_foyer": _home_figure("adults"),
    "droit_ouvert": _flag("c2s"),
    "demande_en_cours": _flag("c2s_asked"),
    "refus_conjoint": _flag("refuses_ifpa"),
    "violences": _flag("violence"),
    "reference_titre": lambda life, rows: texts(f"T{one:06}" for one in life.number["order"][rows].tolist()),
    "role": _choice(("creditor", "creancier"), otherwise="debiteur"),
    "date_effet": _day("order_from"),
    "rfr": _home_figure("rfr"),
    "uc": _home_figure("uc", hundredths=True),
    "parts": _home_figure("parts", hundredths=True),
    "qf": _home_figure("qf"),
    "enfants": _home_figure("minors"),
    "matricule": lambda life, rows: texts(f"{7_000_000 + one}" for one in life.households.home[rows].tolist()),
    "tranche_aide": _same("1"),
    "tranche_complement": _same("2"),
    "residence_principale": _same("oui"),
    "pdl": _home_word("pdl"),
    "ine": _word("ine"),
    "est_boursier": _flag("grant"),
    "date_fin_droit": _same("31/08/2027"),
    "echelon": _word("echelon"),
    "consentement_valide": _flag("consent"),
    "fin_de_cycle": _flag("end_of_cycle"),
    "niveau": lambda life, rows: np.where(life.ages[rows] < 15, "college", "lycee").astype(object),
    "enfant_college_lycee": lambda life, rows: np.where(
        np.bincount(life.households.home, weights=life.is_["pupil"] & (life.ages >= 11))[life.households.home[rows]]
        > 0,
        "oui",
        "non",
    ).astype(object),
    "atteste": _flag("attested"),
    "allocataire_nom": _claimant_name,
    "est_scolarise": _flag("attends"),
    "statut": _choice(("apprentice", "AP"), otherwise="ST"),
    "prestation": _choice(("disabled", "AAH"), ("disabled_child", "AEEH"), otherwise="ARS"),
    "ORIGINESELECTION": _choice(("disabled", "AAH"), ("disabled_child", "AEEH"), otherwise="ARS"),
    "origine_selection": _choice(("disabled", "AAH"), ("disabled_child", "AEEH"), otherwise="ARS"),
    "code_commune": _commune,
    "declaration_faite": _choice(("working", "oui"), ("retired", "oui"), otherwise="non"),
    "date_limite": lambda life, rows: texts(
        f"{date.fromordinal(life.today.toordinal() + 3 + one % 12):%d/%m/%Y}" for one in rows.tolist()
    ),
    "abonnement_actif": _same("oui"),
    "categorie": _choice(("disabled", "AAH"), otherwise="jeune"),
    "motif": _choice(("changes_papers", "demenagement"), otherwise="cession"),
    "date_fin_validite": _day("passport_end"),
    "type_titre": _same("passeport"),
    "date_demande": _day("asked_on"),
    "date_deces": _day("death"),
    "rang": _same("1"),
    "droit": _same("cmg"),
    "secteur": lambda life, rows: texts(f"S{int(one[-2:]) % 8 + 1}" for one in _commune(life, rows)),
    "langue": _word("language"),
    "date_protection": _day("protected_on"),
    "logement_independant": _flag("own_home"),
    "occupant": _home_flag("owner"),
    "classe": _home_word("dpe"),
    "plein_tarif": _flag("full_fare"),
    "profil_tarifaire": _same("SOL"),
    "inscrit": _flag("registered"),
    "situation": _choice(("working", "emploi"), ("retired", "retraite"), ("jobless", "chomage"), otherwise="autre"),
    "derniere_declaration": _same("01/09/2026"),
    "al_en_paiement": _home_flag("al"),
    "fin_de_droits": _day("end_of_rights"),
    "est_beneficiaire": _flag("c2s"),
    "zone": lambda life, rows: texts(f"Z{int(one[-2:]) % 5 + 1}" for one in _commune(life, rows)),
    "rue": _street,
    "quartier": lambda life, rows: texts(f"Q{int(one[-2:]) % 6 + 1}" for one in _commune(life, rows)),
    "date_emmenagement": _day("moved_on"),
    "fin_validite": _day("card_end"),
    "siren": _word("siren"),
    "ape": _word("ape"),
    "artisanal": _flag("craft"),
    "region": _choice(("here_business", "84"), otherwise="27"),
    "sans_reponse": _same("non"),
    "commune": _commune,
    "commune_inscription": _word("voting_commune"),
    "courriel": _mail,
    "mobile": _mobile,
}
CONTACT = ("courriel", "mobile")
_adult = _aged(ADULT_YEARS)
_claimants = _both(_is("claimant"), _adult)
_payees = _both(_couple, _caf)
_teens = _both(_both(_aged(15, 19), _caf), _is("pupil", "student", "attends"))
_poor_declarants = _both(_couple, _low)
_parents_of_grants = _is("school_grant")

DRAFTS: dict[str, Draft] = {
    "c2s-rsa.rsa": Draft(body="cnaf", base=_payees, member=_is("rsa"), facts=("rsa_en_paiement", "option_contraire", "composition_foyer")),
    "c2s-rsa.c2s": Draft(body="cnam", base=_one_of(_is("insured"), 2), member=_is("c2s", "c2s_asked"), facts=("droit_ouvert", "demande_en_cours")),
    "ifpa.titres": Draft(body="justice", base=lambda life: life.number["order"] != NOBODY, member=_not(_is("refuses_ifpa")), facts=("refus_conjoint", "violences", "reference_titre", "role", "date_effet")),
    "ifpa.ifpa": Draft(body="aripa", base=_is("ifpa"), member=_is("ifpa")),
    "cheque-energie.foyers": Draft(body="dgfip", base=_couple, member=_low, facts=("rfr", "uc", "parts", "tranche_aide"), entity="home"),
    "cheque-energie.contrats": Draft(body="energie", base=_holder, member=_holder, facts=("residence_principale", "pdl"), entity="home"),
    "cheque-energie-exceptionnel.beneficiaires": Draft(body="asp", base=_both(_couple, _home("cheque")), member=_home("cheque"), facts=("tranche_complement",), entity="home"),
    "cheque-energie-exceptionnel.nouveaux": Draft(body="dgfip", base=_couple, member=_low, facts=("tranche_complement", "rfr", "uc", "parts"), entity="home"),
    "crous-1e.etat": Draft(body="cnous", base=_is("grant"), member=_not(_is("health_school")), facts=("ine", "est_boursier", "date_fin_droit", "echelon")),
    "crous-1e.region": Draft(body="region", base=_both(_is("grant"), _is("health_school")), member=_is("grant"), facts=("ine", "est_boursier", "date_fin_droit", "echelon")),
    "crous-1e.comptes": Draft(body="crous", base=_is("canteen_account"), member=_is("canteen_account"), facts=("ine",)),
    "bourse-reconduction.eleves": Draft(body="men", base=_both(_is("pupil"), _aged(11)), member=_is("consent"), facts=("consentement_valide", "fin_de_cycle", "echelon", "niveau"), entity="parent"),
    "bourse-reconduction.foyers": Draft(body="dgfip", base=_couple, member=_low, facts=("rfr", "parts")),
    "bourse-promotion.foyers": Draft(body="dgfip", base=_couple, member=_low, facts=("rfr", "parts", "enfant_college_lycee")),
    "bourse-promotion.boursiers": Draft(body="men", base=_parents_of_grants, member=_parents_of_grants, entity="parent"),
    "ars.enfants": Draft(body="cnaf", base=_teens, member=_aged(16, 18), facts=("atteste", "matricule", "allocataire_nom")),
    "ars.scolarises": Draft(body="men", base=_both(_aged(14, 19), _is("attends", "pupil")), member=_is("attends"), facts=("est_scolarise", "statut")),
    "pass-sport.caf": Draft(body="cnaf", base=_both(_caf, _aged(6, 30)), member=_aged(14, 17), facts=("prestation", "categorie", "matricule", "allocataire_nom")),
    "pass-sport.msa": Draft(body="ccmsa", base=_both(_msa, _aged(6, 30)), member=_aged(14, 17), facts=("prestation", "categorie", "matricule", "allocataire_nom")),
    "pass-sport.cnous": Draft(body="cnous", base=_is("grant"), member=_aged(18, 27), facts=("ine", "echelon", "est_boursier", "categorie")),
    "pass-sport.codes": Draft(body="sports", base=_is("sport_code"), member=_is("sport_code")),
    "indemnite-inflation.urssaf": Draft(body="urssaf", base=_is("working"), member=_is("working")),
    "indemnite-inflation.ft": Draft(body="ft", base=_is("registered"), member=_is("registered")),
    "indemnite-inflation.retraite": Draft(body="cnav", base=_is("retired"), member=_is("retired")),
    "indemnite-inflation.caf": Draft(body="cnaf", base=_claimants, member=_claimants),
    "listes-electorales.siv": Draft(body="siv", base=_is("driver"), member=_is("changes_papers"), facts=("motif",)),
    "listes-electorales.reu": Draft(body="reu", base=_is("voter"), member=_is("voter"), facts=("commune=commune_inscription",)),
    "titres-identite.titres": Draft(body="titres", base=_is("passport"), member=_within("passport_end", 150, 180), facts=("date_fin_validite", "type_titre")),
    "titres-identite.demandes": Draft(body="mairie", base=_is("passport_asked"), member=_is("passport_asked"), facts=("date_demande",)),
    "titres-identite.deces": Draft(body="insee", base=_is("dead"), member=_is("dead"), facts=("date_deces",)),
    "mille-premiers-jours.naissances": Draft(body="cnaf", base=_aged(0, 2), member=_aged(0, 2), facts=("rang", "matricule", "allocataire_nom")),
    "mille-premiers-jours.droits": Draft(body="cnaf2", base=_is("other_right"), member=_is("other_right"), facts=("droit",)),
    "pmi.naissances": Draft(body="civil", base=_aged(0, 1), member=_aged(0, 0), facts=("secteur", "matricule", "allocataire_nom")),
    "pmi.suivis": Draft(body="pmi", base=_is("followed"), member=_is("followed")),
    "refugie-parcours.proteges": Draft(body="ofpra", base=_is("protected"), member=_is("protected"), facts=("langue", "date_protection")),
    "refugie-parcours.cpam": Draft(body="cnam", base=_is("protected_cpam"), member=_is("protected_cpam")),
    "refugie-parcours.caf": Draft(body="cnaf", base=_is("protected_caf"), member=_is("protected_caf")),
    "refugie-parcours.ft": Draft(body="ft", base=_is("protected_ft"), member=_is("protected_ft")),
    "aides-logement.locataires": Draft(body="cnous", base=_is("grant", "own_home"), member=_is("own_home"), facts=("logement_independant",)),
    "aides-logement.al": Draft(body="cnaf", base=_both(_couple, _home("al")), member=_home("al")),
    "aides-renovation.proprietaires": Draft(body="dgfip", base=_couple, member=_both(_home("owner"), _low), facts=("occupant", "rfr", "uc", "parts"), entity="home"),
    "aides-renovation.dpe": Draft(body="ademe", base=_holder, member=_holder, facts=("classe",), entity="home"),
    "aides-renovation.dossiers": Draft(body="anah", base=_both(_couple, _home("renovates")), member=_home("renovates"), entity="home"),
    "transport-solidaire.abonnes": Draft(body="aom", base=_is("rider"), member=_is("full_fare"), facts=("plein_tarif", "profil_tarifaire")),
    "transport-solidaire.boursiers": Draft(body="cnous", base=_is("grant"), member=_is("grant"), facts=("echelon", "ine", "profil_tarifaire")),
    "transport-solidaire.c2s": Draft(body="cnam", base=_one_of(_is("insured"), 2), member=_is("c2s"), facts=("droit_ouvert", "demande_en_cours", "profil_tarifaire")),
    "transport-solidaire.de": Draft(body="ft", base=_is("registered"), member=_is("registered"), facts=("inscrit", "profil_tarifaire")),
    "cantine-qf.familles": Draft(body="commune", base=_is("canteen"), member=_is("canteen"), entity="home"),
    "cantine-qf.caf": Draft(body="cnaf", base=_payees, member=_payees, facts=("qf",), entity="home"),
    "cnaf-kits.allocataires": Draft(body="cnaf", base=_claimants, member=_claimants, facts=("situation", "derniere_declaration", "al_en_paiement", "enfants", "rsa_en_paiement", "qf")),
    "rsa-non-recours.revenus": Draft(body="dgfip", base=_couple, member=_low, facts=("rfr", "uc", "parts")),
    "rsa-non-recours.ft": Draft(body="ft", base=_is("registered"), member=_within("end_of_rights", -30, 60), facts=("fin_de_droits", "inscrit")),
    "rsa-non-recours.rsa": Draft(body="cnaf", base=_is("rsa"), member=_is("rsa"), facts=("rsa_en_paiement",)),
    "dlnuf-justificatifs.demandes": Draft(body="commune", base=_one_of(_adult, 20), member=_adult),
    "dlnuf-justificatifs.statut": Draft(body="cnam", base=_is("c2s"), member=_is("c2s"), facts=("est_beneficiaire", "date_fin_droit")),
    "canicule.eligibles": Draft(body="cnav", base=_aged(60), member=_aged(65)),
    "canicule.registre": Draft(body="ccas", base=_is("on_register"), member=_is("on_register"), facts=("zone",)),
    "aller-vers-crise.ccas": Draft(body="ccas", base=_is("known_to_ccas"), member=_is("known_to_ccas"), facts=("langue",)),
    "aller-vers-crise.retraite": Draft(body="cnav", base=_is("fragile"), member=_is("fragile"), facts=("langue",)),
    "aller-vers-crise.caf": Draft(body="cnaf", base=_is("rsa", "disabled"), member=_is("rsa", "disabled"), facts=("langue",)),
    "avertir-evenement.abonnes": Draft(body="commune", base=_is("alerts"), member=_is("alerts"), facts=("rue", "quartier")),
    "nouveaux-habitants.arrivants": Draft(body="dila", base=_both(_is("declares_move"), _adult), member=_is("declares_move"), facts=("date_emmenagement",)),
    "nouveaux-habitants.connus": Draft(body="commune", base=_both(_is("known_in_town"), _adult), member=_is("known_in_town")),
    "echeance-municipale.abonnes": Draft(body="commune", base=_is("swimmer"), member=_within("card_end", 1, 30), facts=("fin_validite",)),
    "echeance-municipale.caf": Draft(body="cnaf", base=_payees, member=_payees, facts=("qf",)),
    "cma-artisans.rne": Draft(body="inpi", base=_is("registers_business"), member=_both(_is("craft"), _is("here_business")), facts=("siren", "ape", "artisanal", "region")),
    "cma-artisans.crm": Draft(body="cma", base=_is("in_crm"), member=_is("in_crm"), facts=("siren",)),
    "exclus-numerique.resultats": Draft(body="cnav", base=_one_of(_aged(60), 10), member=_not(_is("mail", "mobile")), facts=("sans_reponse",)),
}  # fmt: skip
