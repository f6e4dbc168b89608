"""The pages that the tool writes, opened in a real browser: they ask for nothing, run nothing, and everybody can read them.

`make browser` runs these; the whole suite does not, for the browser is not installed with the project.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from service.administration.risk_page import page as risk_page
from service.administration.risk_report import Attacked, Group, ValueRisk
from service.demarche import list_demarches, load_demarche
from service.demarche_page import demarche_page
from service.demonstration.report_page import write_report
from service.papers.public_register import register_page, register_rows
from tests.browser import Browser, browser
from tests.papers_case import case
from tests.risk_reports import report_for
from tests.test_risk_words import ROW

pytestmark = pytest.mark.browser

PAGES = ("registre-public", "rapport-risque", "demonstration", *list_demarches())
NARROW = 320  # CSS pixels: a telephone, or a page magnified four times (WCAG 1.4.10)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """All of them, as the commands write them."""
    folder = tmp_path_factory.mktemp("pages")
    report = report_for(
        case().agreement,
        attacks=(Attacked(attack="A5", pass_="jour", tried=500, right=4, high=20_000, **ROW),),
        values=(ValueRisk(name="sexe", tried=500, right=260, chance=500_000),),
        groups=(Group(name="rare_name", tried=50, right=1, high=100_000),),
        not_run=("un essai qui n'a pas été fait",),
    )
    texts = {
        "registre-public": register_page(register_rows([case()])),
        "rapport-risque": risk_page(report, file="rsa.csv"),
        **{name: demarche_page(load_demarche(name)) for name in list_demarches()},
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    told = [
        ("title", "Croisement"),
        ("fact", "11 991 personnes retrouvées"),
        ("time", "12,5 s"),
        ("title", "Suite"),
        ("fact", "fin"),
    ]
    write_report(folder / "demonstration.html", told)
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_runs_nothing(chromium, pages, name):
    """Its own address and no other; no script, no handler, no complaint of the browser."""
    with chromium.tab(pages[name]) as tab:
        assert [pages[name].as_uri()] == tab.asked_for()
        assert [] == tab.complaints()
        assert 0 == tab.checked()["scripts"]


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_a_page(chromium, pages, name):
    """French, a title, one first heading and no level skipped, captions and headers of tables, figures with words, contrast."""
    with chromium.tab(pages[name]) as tab:
        seen, spoken = tab.checked(), tab.spoken()
    assert ("fr", True, True) == (seen["lang"], bool(seen["title"].strip()), seen["viewport"])
    assert (1, 0) == (seen["levels"].count(1), seen["skipped"])
    assert 1 == seen["mains"]
    assert [] == seen["faint"]
    assert (0, 0) == (seen["tables"], seen["figures"])
    roles = [role for role, _ in spoken]
    assert "main" in roles
    assert all(words.strip() for role, words in spoken if role in ("heading", "table"))
    assert "table" not in roles or {"columnheader", "rowheader"} & set(roles)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_telephone(chromium, pages, name):
    """Nothing is wider than the screen: nobody scrolls in two directions to read."""
    with chromium.tab(pages[name], width=NARROW) as tab:
        assert 0 == tab.checked()["wide"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_whole(chromium, pages, name):
    """On A4, without what the screen cannot show; every heading is on paper."""
    with chromium.tab(pages[name]) as tab:
        printed = tab.printed()
        tab.ask("Emulation.setEmulatedMedia", media="print")
        tab.ask("Emulation.setDeviceMetricsOverride", width=720, height=1018, deviceScaleFactor=1, mobile=False)
        assert 0 == tab.checked()["wide"]
    assert printed.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) <= 12
    assert b"/StructTreeRoot" in printed  # readable aloud, as a file too
    assert any(b"BT" in one for one in _streams(printed))


def test_the_browser_would_see_a_page_that_asks(chromium: Browser, tmp_path: Path):
    """The instruments work: a picture from outside, a script, a faint text, a table without headers are all noticed."""
    path = tmp_path / "bad.html"
    path.write_text(
        '<html><body><h3 style="color:#aaa">Titre</h3><img src="http://example.org/x.png"><script>console.log(1)</script>'
        '<table><tr><td>1</td></tr></table><p style="width:2000px">long</p></body></html>',
        "utf-8",
    )
    with chromium.tab(path, width=NARROW) as tab:
        assert "http://example.org/x.png" in tab.asked_for()
        assert tab.complaints()
        seen: dict[str, Any] = tab.checked()
    assert ("", 1, 1, 1, 1) == (seen["lang"], seen["skipped"], seen["tables"], seen["figures"], seen["scripts"])
    assert 1 == len(seen["faint"])
    assert seen["wide"] > 1000


def _streams(printed: bytes) -> list[bytes]:
    found = []
    for one in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", printed, re.DOTALL):
        try:
            found.append(zlib.decompress(one))
        except zlib.error:
            continue
    return found
