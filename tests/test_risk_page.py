"""The page of a risk report is whole, loads nothing, and shows no markup that it was given."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from service.administration.risk_page import page
from service.administration.risk_report import Attacked, Group, ValueRisk
from tests.partners import scene
from tests.risk_reports import report_for
from tests.test_risk_words import ROW


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    agreement = scene(tmp_path_factory.mktemp("scene")).agreement
    return report_for(
        agreement,
        attacks=(Attacked(attack="A5", pass_="jour", tried=500, right=4, high=20_000, **ROW),),
        values=(ValueRisk(name="sexe", tried=500, right=260, chance=500_000),),
        groups=(Group(name="rare_name", tried=50, right=1, high=100_000),),
        not_run=("rien",),
    )


def test_the_page_is_whole_and_loads_nothing(report):
    """Well formed, in French, without script, style sheet or picture from elsewhere."""
    text = page(report, file="rsa.csv")
    assert text.startswith('<!doctype html>\n<html lang="fr">')
    body = re.sub(r"<meta [^>]*>", "", text.partition("\n")[2])
    tree = ET.fromstring(body)  # noqa: S314 - our own page
    tags = {one.tag for one in tree.iter()}
    assert {"h1", "table", "svg", "figcaption"} <= tags
    assert not {"script", "link", "img", "iframe", "object"} & tags
    assert not re.search(r"(?:src|href|url\()", text)
    assert 2 == len(list(tree.iter("svg")))


def test_the_page_says_what_the_report_says(report):
    """Verdict, share, chance, digest, groups and values in words."""
    text = page(report, file="rsa.csv")
    for part in (
        "FAVORABLE",
        "4 / 500",
        "0,80 %",
        report.digest,
        "nom porté par une seule personne",
        "52,00 %",
        "rien",
    ):
        assert part in text


def test_a_name_of_a_file_is_text(report):
    """Markup in it is shown, not obeyed."""
    text = page(report, file="<script>alert(1)</script>.csv")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
