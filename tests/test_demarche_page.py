"""The page of a démarche stands alone, says what the sheet says, and lets nothing through as markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from service.demarche import list_demarches, load_demarche
from service.demarche_page import demarche_page
from tests.sheets import demarche

VOID = {"meta"}


class Outline(HTMLParser):
    """Headings, text, tables and whether every element is closed in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.captions = 0
        self.words: list[str] = []
        self.seen: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "caption":
            self.captions += 1
        if tag in ("h1", "h2"):
            self.headings.append(tag)
        assert tag != "th" or "scope" in dict(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("name", list_demarches())
def test_pages_are_whole_and_say_what_the_sheet_says(name):
    """One title, every section, every party, rule and text; no script, nothing fetched."""
    one = load_demarche(name)
    assert one.presentation is not None
    page = demarche_page(one)
    outline, said = Outline(page), " ".join(page.split())
    assert [] == outline.open
    assert ["h1", *["h2"] * 6] == outline.headings
    assert not {"script", "link", "img", "iframe"} & outline.seen
    assert "http" not in page
    text = " ".join(" ".join(outline.words).split())
    expected = [one.title, one.presentation.summary, *one.legal_basis, *one.operands, one.message.subject, one.digest]
    expected += [operand.selection for operand in one.operands.values()]
    assert [] == [words for words in expected if " ".join(words.split()) not in text]
    assert outline.captions >= 4
    assert said.startswith('<!DOCTYPE html> <html lang="fr">')


def test_nothing_of_a_sheet_is_markup():
    """Signs of HTML are shown as they are written."""
    page = demarche_page(demarche(('titre = "Essai"', 'titre = "<script>a & b</script>"')))
    assert "<script>" not in page
    assert "&lt;script&gt;a &amp; b&lt;/script&gt;" in page
