"""Risk reports are kept, read strictly, and serve only what they were made for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.administration.risk_report import Projected, RiskReport, fitting, keep, kept_at, load_report
from service.errors import ServiceError
from service.risk_terms import CLAIMS, LIMIT, RiskClaim
from tests.partners import NOW, SIZES, scene
from tests.risk_reports import report_for


@pytest.fixture(scope="module")
def agreement(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("scene")).agreement


def test_a_report_is_kept_and_read_back(agreement, tmp_path):
    """The same object, the same digest, for its owner only."""
    report = report_for(agreement)
    keep(tmp_path, agreement.identifier, report)
    path = kept_at(tmp_path, agreement.identifier)
    assert report == load_report(path)
    assert report.digest == load_report(path).digest
    assert 0o600 == path.stat().st_mode & 0o777


def test_every_member_counts_in_the_digest(agreement):
    """Two reports that differ have two digests."""
    report = report_for(agreement)
    others = [replace(report, people=5), replace(report, verdict="defavorable"), replace(report, made_at=NOW)]
    assert 4 == len({one.digest for one in (report, *others)})


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":"allervers/risk-report/v2"}', b"\xff"])
def test_what_is_no_report_is_refused(tmp_path, data):
    """Whatever is in the file."""
    path = tmp_path / "r.json"
    path.write_bytes(data)
    with pytest.raises(ServiceError, match="E_RAPPORT_RISQUE_ABIME"):
        load_report(path)


def test_a_favourable_verdict_has_no_reason_against_it(agreement, tmp_path):
    """A verdict that was changed by hand, and its reasons or its figures left."""
    claim, share = CLAIMS["standard"], LIMIT + 1
    figures = [
        (),
        (Projected(known=claim - 1, measured=0, projected=0, people=0),),
        (Projected(known=claim, measured=share, projected=0, people=0),),
        (Projected(known=claim, measured=0, projected=share, people=0),),
    ]
    changed: list[dict[str, Any]] = [{"reasons": ("projection",)}, *({"projections": one} for one in figures)]
    for changes in changed:
        keep(tmp_path, agreement.identifier, report_for(agreement, **changes))
        with pytest.raises(ServiceError, match="E_RAPPORT_RISQUE_ABIME"):
            load_report(kept_at(tmp_path, agreement.identifier))


def test_no_report_is_said(tmp_path):
    """With the command that makes one."""
    with pytest.raises(ServiceError, match=r"E_RAPPORT_RISQUE_ABSENT.*allervers risk"):
        load_report(kept_at(tmp_path, "0" * 64))


def test_a_fitting_report_is_claimed(agreement):
    """By the party that it is about, up to a year: its digest and what it promises."""
    for party, size in SIZES.items():
        report = report_for(agreement, party, made_at=NOW, people=size)
        members: dict[str, Any] = {
            "limit": LIMIT,
            "claim": CLAIMS["standard"],
            "people": size,
            "made_at": NOW,
            "verdict": "favorable",
        }
        expected = RiskClaim(digest=report.digest, **members)
        for now in (NOW, NOW + timedelta(days=365), NOW - timedelta(hours=23)):
            assert expected == fitting(report, agreement, party, now, accepted=False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"party": None}, "E_RAPPORT_RISQUE_DIFFERENT.*la partie"),
        ({"party": "cnam"}, "E_RAPPORT_RISQUE_DIFFERENT.*la partie"),
        ({"operand": "c2s"}, "E_RAPPORT_RISQUE_DIFFERENT.*le fichier"),
        ({"claim": 49_999}, "E_RAPPORT_RISQUE_DIFFERENT.*ce que le profil promet"),
        ({"limit": 50_001}, "E_RAPPORT_RISQUE_DIFFERENT.*ce que le profil promet"),
        ({"demarche": None}, "E_RAPPORT_RISQUE_DIFFERENT.*la démarche"),
        ({"demarche": "4" * 64}, "E_RAPPORT_RISQUE_DIFFERENT.*la démarche"),
        ({"sheet": "4" * 64}, "E_RAPPORT_RISQUE_DIFFERENT.*la feuille"),
        ({"encoder": "4" * 64}, "E_RAPPORT_RISQUE_DIFFERENT.*l'encodeur"),
        ({"profile": "renforce"}, "E_RAPPORT_RISQUE_DIFFERENT.*le profil"),
        ({"people": 149}, "E_RAPPORT_RISQUE_DIFFERENT.*l'effectif"),
        ({"made_at": NOW - timedelta(days=367)}, "E_RAPPORT_RISQUE_ANCIEN"),
        ({"made_at": NOW + timedelta(days=2)}, "E_RAPPORT_RISQUE_ANCIEN"),
        ({"verdict": "defavorable"}, "E_RAPPORT_RISQUE_DEFAVORABLE"),
    ],
)
def test_a_report_that_does_not_fit_is_refused(agreement, changes, code):
    """Another party, file, démarche, sheet, encoder, profile or size; a weaker claim; too old; unfavourable."""
    report = replace(report_for(agreement, made_at=NOW), **changes)
    with pytest.raises(ServiceError, match=code):
        fitting(report, agreement, "cnaf", NOW, accepted=False)


def test_an_unfavourable_report_serves_once_it_is_accepted(agreement):
    """By hand; the claim says so, and names the unfavourable one."""
    report: RiskReport = report_for(agreement, made_at=NOW, verdict="defavorable")
    claim = fitting(report, agreement, "cnaf", NOW, accepted=True)
    assert (report.digest, "accepte") == (claim.digest, claim.verdict)
