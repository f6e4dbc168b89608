"""Whoever has the key finds nearly everybody."""

from __future__ import annotations

from crypto.keys import RunKey, fresh_share
from linkage.attacks.key_leak import key_leak
from linkage.attacks.outcome import union
from linkage.planner import plan_passes
from tests.attacked import SHEET, sides


def test_the_key_is_all():
    """A copy with an administration's errors: nearly all over the passes, most in each."""
    victim, attacker = sides(300, errors="certifie")
    for profile in ("reference", "standard"):
        plan = plan_passes(SHEET, profile, (300, 300))
        passes = key_leak(victim, attacker, SHEET, plan, RunKey(fresh_share()))
        assert len(plan.passes) == len(passes)
        assert all(one.rate > 0.8 for one in passes)
        assert union(passes).rate > 0.97


def test_people_he_has_no_record_of_are_not_tried():
    """Half of the people are in his file."""
    victim, attacker = sides(300, 150)
    passes = key_leak(victim, attacker, SHEET, plan_passes(SHEET, "reference", (300, 300)), RunKey(fresh_share()))
    assert 150 == passes[0].tried
    assert passes[0].rate > 0.97
    assert 0.3 < passes[0].correct.mean() < 0.6
