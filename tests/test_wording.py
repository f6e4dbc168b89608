"""What a message may say, and how many SMS it takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.administration.campaign.wording import check_links, check_private, check_public, plain, sms_size
from service.errors import ServiceError

DOMAINS = ("caf.fr",)


def refusal(check, text, **more):
    with pytest.raises(ServiceError) as caught:
        check(text, **more)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, (160, 1, "GSM-7")),
        ("a" * 161, (161, 2, "GSM-7")),
        ("a" * 306, (306, 2, "GSM-7")),
        ("a" * 307, (307, 3, "GSM-7")),
        ("€" * 80, (160, 1, "GSM-7")),
        ("€" * 81, (162, 2, "GSM-7")),
        ("ê" * 70, (70, 1, "UCS-2")),
        ("ê" + "a" * 70, (71, 2, "UCS-2")),
        ("😀" * 35, (70, 1, "UCS-2")),
        ("éèàùòìÇ", (7, 1, "GSM-7")),
    ],
)
def test_segments_are_those_of_the_network(text, expected):
    """160 and 153 characters of GSM 03.38, 70 and 67 of UCS-2, signs of the extension table twice."""
    size = sms_size(text)
    assert expected == (size.characters, size.segments, size.alphabet)


def test_french_is_written_in_the_alphabet_of_sms():
    """What it lacks loses its accent; the rest stays."""
    assert 'Peut-etre, ca "coule" : oeuvre, a Ales, 3 230...' == plain(
        "Peut-être, ça « coule »\u00a0: œuvre, à Alès, 3\u202f230…"
    ).replace("à Alès", "a Ales").replace('" coule "', '"coule"')
    assert "éèàù" == plain("éèàù")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=200))
def test_written_so_a_text_is_never_ucs2(text):
    """Any Latin text."""
    assert "GSM-7" == sms_size(plain(text)).alphabet


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("vous avez droit à 277 €", "montant"),
        ("jusqu'à 1 200,50 euros par an", "montant"),
        ("prime de 70EUR", "montant"),
        ("€ 48", "montant"),
        ("dossier 1 85 05 78 006 084 36", "numéro de sécurité sociale"),
        ("dossier 285052A00608436", "numéro de sécurité sociale"),
    ],
)
@pytest.mark.parametrize("check", [check_private, check_public])
def test_no_text_tells_an_amount_or_a_national_number(check, text, what):
    """Neither to everybody nor to its reader alone; the value is not repeated."""
    error = refusal(check, text)
    assert "E_MESSAGE_INTERDIT" == error.code
    assert what in error.message
    assert "277" not in error.message


@pytest.mark.parametrize(
    "text",
    [
        "En tant que bénéficiaire du RSA",
        "statut de RÉFUGIÉ",
        "votre handicap",
        "certificat de santé",
        "boursière",
        "suivi médical",
    ],
)
def test_a_public_text_tells_neither_status_nor_health(text):
    """A private one may name the right."""
    assert "E_MESSAGE_INTERDIT" == refusal(check_public, text).code
    check_private(text)


@pytest.mark.parametrize(
    "text", ["reversa", "Caisse primaire d'assurance maladie : un droit", "une tarte", "un espace"]
)
def test_names_of_administrations_and_other_words_pass(text):
    """Words are whole words, and a name may have any."""
    check_public(text, names=("Caisse primaire d'assurance maladie",))


@pytest.mark.parametrize(
    "link",
    ["https://bit.ly/x", "http://www.caf.fr", "https://caf.fr.evil.example/", "https://notcaf.fr", "www.example.org"],
)
def test_links_lead_to_the_institution(link):
    """By https, and to its own domains."""
    assert "E_LIEN_INTERDIT" == refusal(check_links, f"voir {link}.", domains=DOMAINS).code


def test_a_public_text_has_one_link():
    """An institutional one, and no second."""
    check_public("voir https://www.caf.fr/droits. Merci", domains=DOMAINS)
    two = "https://www.caf.fr/a et https://www.caf.fr/b"
    assert "E_LIEN_INTERDIT" == refusal(check_public, two, domains=DOMAINS).code
    check_private(two, domains=DOMAINS)
