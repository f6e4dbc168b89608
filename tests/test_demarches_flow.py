"""Five démarches of the catalogue on a small département, through the real service, against their truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linkage.synthetic.world import build
from service.administration.app import real_time
from service.demonstration.catalogue import DAY, Tools, run_demarche
from service.demonstration.premises import Office, premises
from tests.risk_reports import keep_reports

# Two local selections; an intersection of households with a computed payload; a verification; a union without doubles.
DEMARCHES = {
    "avertir-evenement": 0.99,
    "cnaf-kits": 0.99,
    "cantine-qf": 0.93,
    "bourse-reconduction": 0.85,
    "cheque-energie-exceptionnel": 0.9,
}


def by_hand(office: Office, agreement: str, path: Path, own: object) -> None:
    """A report in place of the attacks, which have tests of their own."""
    del agreement, path, own
    keep_reports(office.home)


@pytest.mark.flow
def test_five_demarches_find_whom_they_ought_to(tmp_path: Any):
    """Each finds nearly everybody whom its rule means, and hardly anybody else; nobody is awarded by mistake.

    Bounds leave room for a dozen of chance links and mistyped identities in files of a few hundred people.
    """
    world = build(people=3000, seed=2026, today=DAY)
    tools = Tools(clock=real_time, say=lambda _: None, assess=by_hand, explain=True)
    with premises(tmp_path, DAY) as place:
        for name, least in DEMARCHES.items():
            lines = run_demarche(place, world, name, tools)
            assert lines, name
            for line in lines:
                assert line.recall >= least, (name, line.recipient)
                assert line.lost == sum(line.why_lost.values()), (name, line.recipient)
                assert line.useless <= max(8, 0.1 * line.eligible), (name, line.recipient)
                assert line.awards - line.awards_right <= max(8, 0.05 * line.awards), (name, line.recipient)
