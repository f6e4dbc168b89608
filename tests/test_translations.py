"""Messages in other languages: only what somebody answers for, judged like the French ones, with the French below."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from service.administration.campaign.letterhead import read_letterhead
from service.administration.campaign.steps import journey_of
from service.administration.campaign.templates import read_steps, shipped
from service.administration.campaign.texts import LONGEST_SMS, WRITTEN, Texts
from service.administration.campaign.translations import Translation, draft_of, read_translation
from service.demarche import demarche_text, load_demarche, parse_demarche
from service.errors import ServiceError
from tests.desks import LETTERHEAD

HEAD = read_letterhead(LETTERHEAD)
SIGNED = (
    ('statut = "brouillon"', 'statut = "relue"'),
    ('relecteur = ""', 'relecteur = "A. Reader"'),
    ('relue_le = ""', 'relue_le = "2026-11-02"'),
)
TOLD = '[message.traductions]\nen = "an application that you still have to make"\n\n[[parcours]]\na = "T0"'
SHEET = parse_demarche(demarche_text("refugie-parcours").replace('[[parcours]]\na = "T0"', TOLD))


def folder(place: Path, *changes: tuple[str, str], only: tuple[str, ...] = ()) -> Path:
    """An administration's templates with the English draft, changed."""
    own = place / "langues" / "en"
    own.mkdir(parents=True)
    for name, text in draft_of("en").items():
        if not only or name in only:
            for old, new in changes if name == "langue.toml" else ():
                assert old in text
                text = text.replace(old, new)  # noqa: PLW2901
            (own / name).write_text(text, "utf-8")
    return place


def reviewed(place: Path) -> Texts:
    return Texts(demarche=SHEET, head=HEAD, folder=folder(place, *SIGNED))


@pytest.mark.parametrize("channel", [one for one in WRITTEN if one != "appel_sortant"])
def test_a_reviewed_translation_leaves(tmp_path, channel):
    """With its mentions; a written message has the French one under it, an SMS stays within its segments."""
    texts = reviewed(tmp_path)
    for step in {one.template for one in journey_of(SHEET.journey, award=False)} | {"echeance"}:
        text, french = texts.text(channel, step, language="en"), texts.text(channel, step)
        assert ("en", "fr") == (text.language, french.language)
        assert "DPO: same page" in text.body or "Data protection officer" in text.body
        public = channel in ("sms", "application")
        assert public != text.body.endswith("En français :\n\n" + french.body)
        assert public or "an application that you still have to make" in text.body
        assert text.size is None or text.size.segments <= LONGEST_SMS


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((), id="a draft that nobody reviewed"),
        pytest.param(SIGNED, id="a language that the sheet has no subject in"),
    ],
)
def test_french_is_what_leaves_otherwise(tmp_path, change):
    """A draft never leaves; nor a language that the démarche does not foresee, or whose subject nobody wrote."""
    sheet = SHEET if not change else load_demarche("refugie-parcours")
    texts = Texts(demarche=sheet, head=HEAD, folder=folder(tmp_path, *change))
    assert texts.text("courrier", "alerte") == texts.text("courrier", "alerte", language="en")
    assert "fr" == texts.text("courrier", "alerte", language="xx").language
    assert "fr" == Texts(demarche=SHEET, head=HEAD).text("sms", "alerte", language="en").language


def test_a_channel_without_a_template_is_in_french(tmp_path):
    """A translation may have some channels only; an SMS that would be too long is the French one."""
    place = folder(tmp_path, *SIGNED, only=("langue.toml", "etapes.toml", "courrier.txt"))
    texts = Texts(demarche=SHEET, head=HEAD, folder=place)
    assert ["en", "fr"] == [texts.text(channel, "alerte", language="en").language for channel in ("courrier", "sms")]
    (place / "langues/en/sms.txt").write_text(draft_of("en")["sms.txt"] + "x " * 300, "utf-8")
    assert "fr" == Texts(demarche=SHEET, head=HEAD, folder=place).text("sms", "alerte", language="en").language


def test_a_translation_is_judged_like_any_text(tmp_path):
    """A mention left out, an amount, a link elsewhere are refused: a review does not lift the law."""
    for number, (old, new, code) in enumerate(
        (
            ("{{ mentions.dpo }}", "", "E_MENTION_ABSENTE"),
            ("Dear Sir or Madam,", "You will get 120 euros,", "E_MESSAGE_INTERDIT"),
            ("Dear Sir or Madam,", "See https://example.org/x,", "E_LIEN_INTERDIT"),
            ("Dear Sir or Madam,", "{{ nir }}", "E_GABARIT"),
        )
    ):
        place = folder(tmp_path / str(number), *SIGNED)
        letter = place / "langues/en/courrier.txt"
        letter.write_text(letter.read_text("utf-8").replace(old, new), "utf-8")
        with pytest.raises(ServiceError) as refused:
            Texts(demarche=SHEET, head=HEAD, folder=place).text("courrier", "alerte", language="en")
        assert code == refused.value.code


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((SIGNED[0], SIGNED[1]), "relue_le"),
        ((SIGNED[0], SIGNED[2]), "relecteur"),
        ((('langue = "en"', 'langue = "ar"'),), "langue"),
        ((('statut = "brouillon"', 'statut = "bonne"'),), "statut"),
        ((('droits = "You', 'droites = "You'),), "droits"),
    ],
)
def test_a_folder_that_says_something_else_is_refused(tmp_path, change, words):
    """Who reviewed and when, for which language, all of the mentions."""
    with pytest.raises(ServiceError, match=words) as refused:
        read_translation(folder(tmp_path, *change) / "langues" / "en", "en")
    assert "E_GABARIT" == refused.value.code


def test_an_empty_folder_is_refused(tmp_path):
    """It says what is missing."""
    with pytest.raises(ServiceError, match=r"langue.toml et etapes.toml"):
        read_translation(tmp_path, "en")


def test_the_shipped_draft_has_every_step_and_is_a_draft(tmp_path):
    """What the French texts have; no language is made up: there is one draft."""
    found: Translation = read_translation(folder(tmp_path) / "langues" / "en", "en")
    assert (False, "English") == (found.reviewed, found.name)
    assert set(read_steps(shipped("etapes.toml"))) == set(found.steps)
    assert set(WRITTEN) - {"appel_sortant"} == set(found.templates)
    assert [{}] * 7 == [draft_of(one) for one in SHEET.message.languages if one != "en"]


def test_an_award_says_that_an_algorithm_took_part(tmp_path):
    """In the translation too; a démarche of consent speaks of consent."""
    place = folder(tmp_path, *SIGNED)
    found = read_translation(place / "langues" / "en", "en")
    told = found.mentions(SHEET, HEAD, "a right", award=True, short=False)
    assert "algorithmic processing" in told.algorithme
    assert "grant you" in told.finalite
    assert "article L114-8-II" in told.finalite
    consenting = replace(SHEET, consent=True, crpa=None)
    assert "withdraw your consent" in found.mentions(consenting, HEAD, "a right", award=False, short=False).opposition
