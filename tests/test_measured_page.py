"""Results and reasons as tables."""

from __future__ import annotations

from dataclasses import replace

from service.demonstration.measured_page import measured_page
from tests.test_score import LINE


def test_results_and_reasons_are_rows():
    """A line a result, a line a reason; signs that would part cells are escaped."""
    other = replace(
        LINE, rule="a & (b | c)", use="information", lost=5, unselected=2, right=995, why_lost={"parce que": 5}
    )
    page = measured_page([LINE, other])
    row = "| c2s-rsa → rsa | `rsa - c2s` | 1000 | 1000 | 0 | 0 | 1000 (0 à tort) | 990 / 20 | courrier 3 |"
    assert row in page.splitlines()
    assert "`a & (b \\| c)` | 1000 | 995 | 5 (dont 2 non sélectionnés) | 0 | – |" in page
    assert "| c2s-rsa → rsa | 5 | parce que |" in page.splitlines()
    assert "Prévenus pour rien" not in page
