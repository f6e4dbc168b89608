"""Every text that can leave holds its mentions and nothing that it must not say; templates are judged by what comes out."""

from dataclasses import replace

import pytest

from service.administration.campaign.letterhead import read_letterhead
from service.administration.campaign.steps import words_of
from service.administration.campaign.texts import SHEETS, WRITTEN, Texts
from service.demarche import list_demarches, load_demarche
from service.errors import ServiceError
from tests.desks import LETTERHEAD

HEAD = read_letterhead(LETTERHEAD)
TEXTS = Texts(demarche=load_demarche("c2s-rsa"), head=HEAD)
STEPS = (
    "premier", "attribution", "relance", "information", "alerte", "echeance", "relance_lien_predemande_rdv", "pieces_a_fournir",
    "retrait", "point", "resolution",
)  # fmt: skip


@pytest.mark.parametrize("channel", WRITTEN)
@pytest.mark.parametrize("step", STEPS)
def test_every_shipped_text_passes_for_every_channel(channel, step):
    """As an award and as an information."""
    for award in (True, False):
        text = TEXTS.text(channel, step, award=award)
        assert text.body.strip()
        assert (text.size is not None) == (channel == "sms")


def test_every_shipped_demarche_has_texts_for_its_journey():
    """Each step of each démarche names phrases that exist, and its first message renders for its channels."""
    for name in list_demarches():
        demarche = load_demarche(name)
        texts = Texts(demarche=demarche, head=HEAD)
        own = dict.fromkeys(demarche.message.fields, "x") if demarche.message else {}
        for step in [*(words_of(one, award=demarche.purpose == "attribution") for one in demarche.journey), "premier"]:
            for channel in set(demarche.channels) & set(WRITTEN):
                assert texts.text(channel, step, award=demarche.purpose == "attribution", person=own).body


def test_an_sms_is_short_plain_and_discreet():
    """Two segments of GSM-7, without the name of the right."""
    text = TEXTS.text("sms", "premier")
    assert text.size is not None
    assert ("GSM-7", 2) == (text.size.alphabet, text.size.segments)
    assert "RSA" not in text.body
    assert 1 == text.body.count("https://")


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ etape.bref }}", "E_MENTION_ABSENTE"),
        ("{{ sujet }}", "E_GABARIT"),
        ("{{ droit }}", "E_GABARIT"),
        ("{{ inconnu }}", "E_GABARIT"),
        ("{% if %}", "E_GABARIT"),
        ("{{ ''.__class__.__mro__ }}", "E_GABARIT"),
        ("{{ range(9) }}", "E_GABARIT"),
        ("Vous touchez 100 €. {mentions}", "E_MESSAGE_INTERDIT"),
        ("Vous êtes allocataire. {mentions}", "E_MESSAGE_INTERDIT"),
        ("https://bit.ly/x {mentions}", "E_LIEN_INTERDIT"),
        ("{{ lien }} {{ lien }} {mentions}", "E_LIEN_INTERDIT"),
        ("a" * 500 + " {mentions}", "E_SMS_TROP_LONG"),
    ],
)
def test_an_own_template_is_judged_by_what_comes_out(tmp_path, template, code):
    """The mentions gone, a word too much, a name that is not there, a way out of the sandbox."""
    names = ("finalite", "source", "droits", "opposition", "dpo")
    all_of_them = " ".join(f"{{{{ mentions.{name} }}}}" for name in names)
    (tmp_path / "sms.txt").write_text(template.replace("{mentions}", all_of_them), "utf-8")
    with pytest.raises(ServiceError) as caught:
        replace(TEXTS, folder=tmp_path).text("sms", "premier")
    assert code == caught.value.code


def test_own_phrases_and_columns_are_used(tmp_path):
    """A step of the administration's own, with a column that the démarche lists."""
    (tmp_path / "etapes.toml").write_text('[mien]\nobjet = "Objet"\nbref = "court."\nphrase = "La phrase :"\n', "utf-8")
    (tmp_path / "courriel.txt").write_text(
        "{{ etape.phrase }} {{ mois }} {{ mentions.finalite }} {{ mentions.source }} {{ mentions.droits }} "
        "{{ mentions.opposition }} {{ mentions.dpo }}",
        "utf-8",
    )
    text = Texts(demarche=TEXTS.demarche, head=HEAD, folder=tmp_path).text("courriel", "mien", person={"mois": "mars"})
    assert ("Objet", True) == (text.subject, text.body.startswith("La phrase : mars "))


@pytest.mark.parametrize("content", ["[x]\nobjet = 1", "[x]\nobjet = 'a'", "x ="])
def test_phrases_that_do_not_hold_are_refused(tmp_path, content):
    """Three texts each, in TOML."""
    (tmp_path / "etapes.toml").write_text(content, "utf-8")
    with pytest.raises(ServiceError) as caught:
        Texts(demarche=TEXTS.demarche, head=HEAD, folder=tmp_path).phrases("premier")
    assert "E_GABARIT" == caught.value.code


def test_an_unknown_step_is_refused_with_those_that_exist():
    """So that the author sees which."""
    with pytest.raises(ServiceError) as caught:
        TEXTS.text("sms", "absent")
    assert ("E_GABARIT", True) == (caught.value.code, "premier" in caught.value.message)


@pytest.mark.parametrize("name", SHEETS)
def test_sheets_of_the_kit_are_written(name):
    """With the name of the right and the officer's address."""
    sheet = TEXTS.sheet(name)
    assert TEXTS.demarche.title in sheet
    assert HEAD.dpo in sheet


def test_links_stay_under_the_states_domain_where_the_sheet_says_so():
    """A letterhead that leads elsewhere is refused at once; a démarche that only asks for an institution's domain takes it."""
    head = replace(HEAD, link="https://www.caf.fr/droits", domains=("caf.fr", "caf23.gouv.fr"))
    with pytest.raises(ServiceError) as refused:
        Texts(demarche=load_demarche("c2s-rsa"), head=head)
    assert "E_LIEN_INTERDIT" == refused.value.code
    assert ("caf23.gouv.fr",) == Texts(
        demarche=load_demarche("c2s-rsa"), head=replace(HEAD, domains=head.domains)
    ).domains
    assert head.domains == Texts(demarche=load_demarche("cantine-qf"), head=head).domains
    for false in ("notgouv.fr", "gouv.fr.example.org"):
        with pytest.raises(ServiceError):
            Texts(demarche=load_demarche("c2s-rsa"), head=replace(HEAD, link=f"https://{false}/", domains=(false,)))
