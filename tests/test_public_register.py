"""The public list of exchanges."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from service.papers.public_register import HEADS, register_csv, register_page, register_rows
from tests.papers_case import case, kept, papers


@pytest.mark.parametrize("name", ["registre-public.html", "registre-public.csv"])
def test_the_list_is_the_frozen_one(name):
    """Word for word."""
    assert kept(name) == papers()[name]


def test_the_csv_reads_back():
    """One row a comparison, under the heads that the law asks for."""
    rows = register_rows([case()])
    head, *read = csv.reader(register_csv(rows).removeprefix("\ufeff").splitlines(), delimiter=";")
    assert HEADS == tuple(head)
    assert [list(rows[0])] == read


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_no_cell_of_the_csv_is_a_formula(sign):
    """What a party wrote is opened in the spreadsheets of whoever reads the list."""
    agreement = replace(case().agreement, purpose=f"{sign}HYPERLINK(1)")
    text = register_csv(register_rows([replace(case(), agreement=agreement)]))
    assert f'"\'{sign}HYPERLINK(1)"' in text
    assert f'"{sign}HYPERLINK(1)"' not in text


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)


def test_the_page_has_no_script_and_escapes_what_parties_wrote():
    """A title is text, whatever stands in it."""
    named = replace(case().agreement.demarche, title="<script>alert(1)</script>")
    page = register_page(register_rows([replace(case(), agreement=replace(case().agreement, demarche=named))]))
    tags = Tags()
    tags.feed(page)
    assert {"script", "img", "link"} & set(tags.seen) == set()
    assert "url(" not in page
    assert (len(HEADS) - 1, len(HEADS) + 1) == (
        tags.seen.count("td"),
        tags.seen.count("th"),
    )  # the first cell names its row
    assert "&lt;script&gt;" in page


def test_no_count_of_people_is_published():
    """Neither declared sizes nor any other."""
    one = case()
    declared = {str(size) for of in one.agreement.comparisons for size in (of.sizes.recipient, of.sizes.source)}
    rows = register_rows([one])
    page = re.sub(r"<style>.*?</style>|<[^>]*>", " ", register_page(rows), flags=re.DOTALL)
    for published in (register_csv(rows), page):
        words = set(re.findall(r"\w+", published))
        assert "Administration" in words
        assert declared & words == set()
