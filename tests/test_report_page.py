"""The demonstration's report: a page by itself."""

from __future__ import annotations

from service.demonstration.report_page import write_report


def test_the_story_becomes_a_page(tmp_path):
    """A heading a part, its facts in a list, signs escaped; no script, nothing from elsewhere."""
    path = tmp_path / "new" / "report.html"
    write_report(path, [("title", "une <partie>"), ("fact", "trois & quatre"), ("time", "encodage : 1.0 s")])
    page = path.read_text("utf-8")
    assert '<html lang="fr">' in page
    assert "<h2>une &lt;partie&gt;</h2>" in page
    assert '<li class="fact">trois &amp; quatre</li>' in page
    assert 1 == page.count("<ul>") == page.count("</ul>") == page.count("<main>") == page.count("</main>")
    assert not [sign for sign in ("<script", "http", "url(", "@import") if sign in page]


def test_an_empty_story_is_a_page_all_the_same(tmp_path):
    """Where a demonstration ended before it began."""
    write_report(tmp_path / "report.html", [])
    assert (tmp_path / "report.html").read_text("utf-8").endswith("</main></body></html>\n")
