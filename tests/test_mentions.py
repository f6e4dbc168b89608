"""The mandatory mentions, and the look for them."""

from dataclasses import replace

from service.administration.campaign.letterhead import read_letterhead
from service.administration.campaign.mentions import mentions_of, missing, short_mentions_of
from service.demarche import load_demarche
from tests.desks import LETTERHEAD

HEAD = read_letterhead(LETTERHEAD)
DEMARCHE = load_demarche("c2s-rsa")


def test_the_long_ones_say_ground_source_rights_and_officer():
    """And, for an award, that an algorithm took part, as R311-3-1-1 has it."""
    told = mentions_of(DEMARCHE, HEAD, award=True)
    assert "L114-8 II" in told.finalite
    assert "CNAM" in told.source
    assert "rectifier" in told.droits
    assert "opposer" in told.opposition
    assert HEAD.dpo in told.dpo
    assert all(
        words in told.algorithme
        for words in ("algorithmique", "règles", "principales caractéristiques", "CADA", "réexamine")
    )
    assert "" == mentions_of(DEMARCHE, HEAD, award=False).algorithme


def test_who_consented_may_withdraw():
    """A démarche with consent says so in place of the objection."""
    assert "retirer votre consentement" in mentions_of(replace(DEMARCHE, consent=True), HEAD, award=False).opposition


def test_without_another_source_there_is_ones_own_file():
    """A local selection names nobody else."""
    alone = replace(DEMARCHE, operands={"rsa": DEMARCHE.operands["rsa"]})
    assert "Source des données : notre propre fichier." == mentions_of(alone, HEAD, award=False).source
    assert "Source : notre fichier." == short_mentions_of(alone, HEAD).source


def test_a_mention_is_looked_for_in_the_text_that_leaves():
    """Line ends do not hide one; a word that is gone does."""
    told = mentions_of(DEMARCHE, HEAD, award=False)
    text = "\n".join([told.finalite, told.source.replace(" ", "\n"), told.droits, told.opposition, told.dpo])
    assert [] == missing(text, told)
    assert ["opposition"] == missing(text.replace("opposer", "plaindre"), told)
    assert ["algorithme"] == missing(text, mentions_of(DEMARCHE, HEAD, award=True))[-1:]


def test_people_are_told_the_ways_that_the_sheet_says():
    """All of them, and none that the démarche does not open."""
    here = load_demarche("c2s-rsa")
    assert here.objection is not None
    told = mentions_of(here, HEAD, award=False).opposition
    assert f": {HEAD.link}, {HEAD.telephone}, par courrier ou {HEAD.desk} ;" in told
    only = replace(here, objection=replace(here.objection, channels=("courrier",)))
    assert ": par courrier ; vos" in mentions_of(only, HEAD, award=False).opposition
