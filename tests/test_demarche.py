"""Démarches are read strictly, and every refusal has its code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from linkage.errors import LinkageError
from service.demarche import demarche_text, list_demarches, load_demarche, parse_demarche
from service.errors import ServiceError
from tests.three_parties import demarche_text as three_operands

TEXT = demarche_text("c2s-rsa")

REFUSALS = {
    "unknown key at the top": ('id = "c2s-rsa"', 'id = "c2s-rsa"\ncouleur = "bleu"', "E_CLE_INCONNUE"),
    "unknown key in a table": ('seuil = "attribution"', 'seuil = "attribution"\nfacile = true', "E_CLE_INCONNUE"),
    "rows of a person": ('role = "source"', 'role = "source"\nlignes_par_personne = "trois"', "E_DEMARCHE"),
    "unknown key in a column": ('colonne = "date_naissance", format', 'colonne = "d", sens', "E_CLE_INCONNUE"),
    "columns of nobody": ("[colonnes.c2s]", "[colonnes.csg]", "E_CLE_INCONNUE"),
    "unknown connector": ('prenoms = "prenoms"', 'connecteur = "inconnu"', "E_CONNECTEUR"),
    "connector without a place of birth": (
        'cog_pays_naissance = "cog_pays_naissance"',
        'connecteur = "men"',
        "E_CONNECTEUR",
    ),
    "connector of another type": ('prenoms = "prenoms"', "connecteur = 3", "E_DEMARCHE"),
    "freshness of nobody": ("[regle.fraicheur.c2s]", "[regle.fraicheur.csg]", "E_CLE_INCONNUE"),
    "column of an unknown attribute": ('prenoms = "prenoms"', 'surnoms = "prenoms"', "E_CLE_INCONNUE"),
    "missing entry": ('profil = "P1"', "", "E_DEMARCHE"),
    "mistyped entry": ("publication_liste = true", 'publication_liste = "oui"', "E_DEMARCHE"),
    "other version": ("demarche/v1", "demarche/v2", "E_DEMARCHE"),
    "floating point number": ("charge_utile = []", "charge_utile = 0.5", "E_DEMARCHE"),
    "not TOML": ("[regle]", "[regle", "E_DEMARCHE"),
    "purpose of control": ('finalite = "attribution"', 'finalite = "controle"', "E_FINALITE_INTERDITE"),
    "purpose of sanction": ('finalite = "attribution"', 'finalite = "sanction"', "E_FINALITE_INTERDITE"),
    "award beyond the purpose": ('finalite = "attribution"', 'finalite = "information"', "E_FINALITE_INTERDITE"),
    "list not published": ("publication_liste = true", "publication_liste = false", "E_FONDEMENT_INCOMPLET"),
    "rule of an unknown type": ('type = "anti_jointure"', 'type = "oracle"', "E_DEMARCHE"),
    "cascade without a cascade": ('type = "anti_jointure"', 'type = "cascade_priorite"', "E_DEMARCHE"),
    "rule of another type": ('type = "anti_jointure"', 'type = "intersection"', "E_DEMARCHE"),
    "operand that nobody holds": ('"rsa - c2s"', '"rsa - aah"', "E_DEMARCHE"),
    "hits to a reference": ('resultats_a = "rsa"', 'resultats_a = "c2s"', "E_RESULTATS_A"),
    "hits to nobody": ('resultats_a = "rsa"', 'resultats_a = "caf"', "E_RESULTATS_A"),
    "hits to the right operand": ('"rsa - c2s"', '"c2s - rsa"', "E_RESULTATS_A"),
    "absence that is not reliable": ("absence_fiable = true", "absence_fiable = false", "E_FRAICHEUR"),
    "award on a doubtful link": ('seuil = "attribution"', 'seuil = "information"', "E_ZONE_GRISE_ATTRIBUTION"),
    "grey zone awarded": ('"information_seule"', '"attribution"', "E_ZONE_GRISE_ATTRIBUTION"),
    "NIR as a column": ('"cog_pays_naissance"\n\n[colonnes.c2s]', '"NIR"\n\n[colonnes.c2s]', "E_NIR_INTERDIT"),
    "NIR as an attribute": ('prenoms = "prenoms"', 'nir_hache = "prenoms"', "E_NIR_INTERDIT"),
    "payload": ("charge_utile = []", 'charge_utile = ["montant"]', "E_CHARGE_HORS_HABILITATION"),
    "results kept too long": ('resultats = "P12M"', 'resultats = "P13M"', "E_CONSERVATION_EXCESSIVE"),
    "traces kept too long": ('traces = "P36M"', 'traces = "P4Y"', "E_CONSERVATION_EXCESSIVE"),
    "traces kept too short": ('traces = "P36M"', 'traces = "P35M"', "E_TRACES_INSUFFISANTES"),
    "objections dropped too soon": ('opposition = "P24M"', 'opposition = "P11M"', "E_OPPOSITION_HORS_BORNES"),
    "objections kept too long": ('opposition = "P24M"', 'opposition = "P25M"', "E_OPPOSITION_HORS_BORNES"),
    "duration without a unit": ('age_max = "P7D"', 'age_max = "7"', "E_DEMARCHE"),
    "no way without a screen": ('["courrier", "telephone", "france_services"]', "[]", "E_REPLI_ABSENT"),
    "unknown channel": ('"espace_usager", "sms"]', '"espace_usager", "whatsapp"]', "E_DEMARCHE"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    """One change to a good démarche, one code."""
    old, new, code = REFUSALS[name]
    assert old in TEXT
    with pytest.raises((ServiceError, LinkageError), match=rf"^{code} : "):
        parse_demarche(TEXT.replace(old, new))


def test_the_crpa_alone_is_not_a_ground() -> None:
    """A démarche without the text of the benefit itself is refused."""
    start, end = TEXT.index("textes = ["), TEXT.index("publication_liste")
    with pytest.raises(ServiceError) as refusal:
        parse_demarche(TEXT[:start] + TEXT[end:])
    assert refusal.value.code == "E_FONDEMENT_INCOMPLET"


def test_a_subtracted_file_needs_freshness() -> None:
    """An anti-join without a freshness guarantee is refused."""
    start, end = TEXT.index("[regle.fraicheur.c2s]"), TEXT.index("[identite]")
    with pytest.raises(ServiceError) as refusal:
        parse_demarche(TEXT[:start] + TEXT[end:])
    assert refusal.value.code == "E_FRAICHEUR"


CATALOGUE = json.loads(
    Path("tests/vectors/demarches.json").read_text("utf-8")
)  # the catalogue, as it was written first
RUNNABLE = sorted(name for name, entry in CATALOGUE.items() if "refusal" not in entry)
REFUSED = sorted(set(CATALOGUE) - set(RUNNABLE))


def test_the_catalogue_is_shipped_whole() -> None:
    """29 that run, and 3 in a folder of their own."""
    assert (29, RUNNABLE) == (len(RUNNABLE), list_demarches())
    assert (3, REFUSED) == (len(REFUSED), list_demarches(refused=True))


@pytest.mark.parametrize("name", RUNNABLE)
def test_each_shipped_demarche_says_what_the_catalogue_says(name: str) -> None:
    """Purpose, ground, parties, rule, channels and clock; it is named after its identifier, and presents itself."""
    one, entry = load_demarche(name), CATALOGUE[name]
    assert (name, entry["purpose"], entry["type"], entry["crpa"]) == (one.id, one.purpose, one.rule_type, one.crpa)
    parties = {p.name: {"organisations": list(p.organisations), "role": p.role} for p in one.operands.values()}
    assert entry["parties"] == parties
    assert set(entry["expressions"]) <= {rule.text for rule in one.rules().values()}
    assert (entry["channels"], entry["results_months"]) == (list(one.channels), one.retention.results)
    assert one.presentation is not None
    assert one.trigger is not None


@pytest.mark.parametrize("name", REFUSED)
def test_each_forbidden_demarche_is_refused_for_its_own_reason(name: str) -> None:
    """The code that it must get, and says that it must get; mended of that, it is still marked as refused."""
    text = demarche_text(name)
    code = CATALOGUE[name]["refusal"]
    assert f'refus_attendu = ["{code}"]' in text
    with pytest.raises(ServiceError, match=rf"^{code} : "):
        load_demarche(name)
    mended = text.replace('"controle"', '"information"')
    for word in ("Hopital", "Armees"):
        mended = mended.replace(word, "Commune")
    for word in ("tension", "glycemie", "niveau_habilitation"):
        mended = mended.replace(f'"{word}"', f'"colonne_{len(word)}"')
    with pytest.raises(ServiceError, match=r'E_DEMARCHE : .*statut = "refusee"'):
        parse_demarche(mended)


def test_a_reference_never_receives() -> None:
    """In any shipped démarche; and hits of a subtraction never go to who is subtracted."""
    for name in list_demarches():
        one = load_demarche(name)
        for output in one.outputs:
            rule = one.rules()[output.name]
            assert set(output.recipients) <= rule.added
            assert "reference" not in {one.operands[recipient].role for recipient in output.recipients}


def test_an_award_never_rests_on_a_doubtful_link() -> None:
    """Strict threshold wherever something may be awarded; every subtracted file is fresh."""
    for name in list_demarches():
        one = load_demarche(name)
        assert all(output.threshold == "attribution" for output in one.outputs if output.award)
        for rule in one.rules().values():
            assert all(one.operands[operand].freshness for operand in rule.subtracted)


def test_shipped_sheets_keep_no_amount_and_no_reason() -> None:
    """Nothing that is told, passed on or written in a message says income, benefit or health."""
    telling = re.compile(r"montant|rfr|revenu|qf|quotient|aah|aeeh|prestation|sante")
    for name in list_demarches():
        one = load_demarche(name)
        fields = [*one.payload, *one.message.fields, *(field for onward in one.onward for field in onward.fields)]
        assert [] == [field for field in fields if telling.search(field)]


def test_c2s_rsa_says_what_the_dossier_says() -> None:
    """The hits of the anti-join go to the left operand; the reference receives nothing."""
    demarche = load_demarche("c2s-rsa")
    assert (demarche.recipient, demarche.rule().operands) == ("rsa", ("rsa", "c2s"))
    assert demarche.operands["c2s"].role == "reference"
    assert (demarche.retention.results, demarche.retention.traces, demarche.retention.objection) == (12, 36, 24)
    assert demarche.operands["c2s"].freshness.days == 7  # type: ignore[union-attr]
    assert (demarche.threshold, demarche.grey_policy) == ("attribution", "information_seule")


def test_the_sheet_takes_the_columns_of_each_operand() -> None:
    """Each operand's date format reaches the sheet, and changes nothing that parties share."""
    sheet = load_demarche("c2s-rsa").sheet()
    formats = {
        side: {one.name: one.formats for one in sheet.for_side(side)[1]}["date_naissance"] for side in ("rsa", "c2s")
    }
    assert formats == {"rsa": ("JJ/MM/AAAA", "AAAA-MM-JJ"), "c2s": ("AAAA-MM-JJ", "JJ/MM/AAAA")}
    other = parse_demarche(TEXT.replace('prenoms = "prenoms"', 'prenoms = "PRENOM_1"'))
    assert sheet.digest == other.sheet().digest


def test_a_connector_stands_under_the_columns_of_an_operand() -> None:
    """The shipped shape first, then what the démarche writes; it changes nothing that parties share."""
    start, end = TEXT.index("[colonnes.rsa]"), TEXT.index("[colonnes.c2s]")
    own = '[colonnes.rsa]\nconnecteur = "ccmsa"\nprenoms = { colonne = "PRENOMS", vide = ["-"] }\n\n'
    demarche = parse_demarche(TEXT[:start] + own + TEXT[end:])
    sheet = demarche.sheet()
    identifiers, attributes = sheet.for_side("rsa")
    columns = {one.name: one.columns for one in attributes}
    assert (("numero_allocataire",), ("PRENOMS",)) == (identifiers, columns["prenoms"])
    assert ("date_naissance_alloc",) == columns["date_naissance"]
    assert ("-",) == next(one.missing for one in attributes if one.name == "prenoms")
    assert load_demarche("c2s-rsa").sheet().digest == sheet.digest


def test_the_digest_ignores_layout_only() -> None:
    """Line ends and comments change nothing; any value does."""
    digest = parse_demarche(TEXT).digest
    assert digest == parse_demarche(TEXT.replace("\n", "\r\n")).digest
    assert digest == parse_demarche("# relu\n" + TEXT).digest
    assert digest != parse_demarche(TEXT.replace('age_max = "P7D"', 'age_max = "P8D"')).digest


def test_a_file_is_read_by_path(tmp_path: Path) -> None:
    """A démarche of one's own is given by its path; one that is missing is refused with the shipped names."""
    path = tmp_path / "locale.toml"
    path.write_text(TEXT, encoding="utf-8")
    assert load_demarche("c2s-rsa") == load_demarche(path)
    with pytest.raises(ServiceError, match=r"E_DEMARCHE.*c2s-rsa"):
        load_demarche(tmp_path / "absente.toml")


OWN_SHEET = """
[identite.feuille]
version = "linkage/v1"
name = "P1"
id = "identifiant"

[identite.feuille.attributes.nom]
kind = "name"
bits = 10

[[identite.feuille.passes]]
name = "noms"
blocks = [["nom.initial"]]
"""


def test_a_demarche_may_bring_its_own_sheet():
    """The sheet of the démarche replaces the shipped one of that name, and counts in its digest."""
    text = TEXT[: TEXT.index("[colonnes.rsa]")] + OWN_SHEET + TEXT[TEXT.index("# La caisse qui verse") :]
    demarche = parse_demarche(text)
    assert ["nom"] == [attribute.name for attribute in demarche.sheet().attributes]
    assert load_demarche("c2s-rsa").digest != demarche.digest


def test_a_sheet_of_another_name_is_refused():
    """The profile names the sheet that is brought along."""
    text = TEXT[: TEXT.index("[colonnes.rsa]")] + OWN_SHEET + TEXT[TEXT.index("# La caisse qui verse") :]
    with pytest.raises(ServiceError) as refusal:
        parse_demarche(text.replace('name = "P1"', 'name = "P2"'))
    assert refusal.value.code == "E_DEMARCHE"


def test_several_rows_of_a_person_are_each_linked():
    """Where the recipient's file may hold several rows of one person, the sheet says many-to-one; another file's say nothing."""
    sheets = []
    for operand in ("rsa", "c2s"):
        several = TEXT.replace(f"[parties.{operand}]", f'[parties.{operand}]\nlignes_par_personne = "plusieurs"')
        sheets.append(parse_demarche(several).sheet())
    usual = parse_demarche(TEXT).sheet()
    assert ["many-to-one", "one-to-one", "one-to-one"] == [sheet.solving for sheet in (*sheets, usual)]
    assert [False, True] == [sheet.digest == usual.digest for sheet in sheets]


def test_a_payload_is_a_closed_list_that_a_text_allows():
    """Columns, who tells them, and how many bytes they take; none by default."""
    told = parse_demarche(three_operands("a & b - c"))
    assert (("date_fin",), "b", 40) == (told.payload, told.payload_operand, told.payload_bytes)
    silent = parse_demarche(three_operands("a & b - c", payload=False))
    assert ((), None, 0) == (silent.payload, silent.payload_operand, silent.payload_bytes)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('charge_utile = ["date_fin"]', 'charge_utile = ["montant"]', "E_CHARGE_HORS_HABILITATION"),
        ('operande = "b"', 'operande = "c"', "E_CHARGE_HORS_HABILITATION"),
        ('operande = "b"', 'operande = "a"', "E_CHARGE_HORS_HABILITATION"),
        ('operande = "b"', 'operande = "z"', "E_DEMARCHE"),
        ("octets = 40", "octets = 1025", "E_DEMARCHE"),
        ("octets = 40", "octets = 0", "E_DEMARCHE"),
        ("octets = 40", 'octets = "40"', "E_DEMARCHE"),
        ("octets = 40", "octets = 40\nautre = 1", "E_CLE_INCONNUE"),
    ],
)
def test_a_payload_beyond_what_is_allowed_is_refused(old, new, code):
    """A column outside the text, an operand that is subtracted or is one's own, a size without bounds."""
    text = three_operands("a & b - c")
    assert old in text
    with pytest.raises(ServiceError) as caught:
        parse_demarche(text.replace(old, new))
    assert code == caught.value.code


def test_a_national_number_is_no_payload():
    """Even where a text seems to allow it."""
    text = three_operands("a & b - c").replace('"date_fin"', '"nir"')
    with pytest.raises(ServiceError, match="E_NIR_INTERDIT"):
        parse_demarche(text)


@pytest.mark.parametrize(
    ("typed", "near"),
    [("c2s_rsa", "c2s-rsa"), ("pass-sports.toml", "pass-sport"), ("canicules", "canicule"), ("rsa", "c2s-rsa")],
)
def test_an_unknown_name_is_said_to_be_unknown(typed, near):
    """Neither "unreadable" nor a list of thirty: the names that resemble it."""
    with pytest.raises(ServiceError) as refused:
        load_demarche(typed)
    assert "E_DEMARCHE" == refused.value.code
    assert "inconnue" in refused.value.message
    assert near in refused.value.message.partition("cherchiez-vous ")[2]


def test_a_name_like_no_other_gets_the_whole_list():
    """Nothing resembles it: all of them."""
    with pytest.raises(ServiceError) as refused:
        load_demarche("zzzz")
    assert refused.value.message.endswith(", ".join(list_demarches()))
