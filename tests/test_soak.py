"""Long runs: more people, more kills. Only `make soak` runs them."""

from __future__ import annotations

import csv
import os
import random
import signal
import time

import pytest

from linkage.evaluate import Instruments, rehearse
from linkage.records import read_records
from linkage.sheet import load_sheet
from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE, VERIFIE_AGENT
from service.demonstration.stage import Stage, selected
from tests.risk_reports import by_hand

pytestmark = pytest.mark.soak


def test_two_hundred_thousand_people_a_side(tmp_path):
    """The French world at 200,000 a side keeps the quality of the small one, in blocks that stay under their cap."""
    files = two_files(
        size_left=200_000,
        size_right=200_000,
        overlap=150_000,
        seed=8,
        profile_left=CERTIFIE,
        profile_right=VERIFIE_AGENT,
    )
    for name, columns in (("l", files.left), ("r", files.right)):
        write_file(tmp_path / f"{name}.csv", columns, encoding="utf-8", date_format="AAAA-MM-JJ")
    sheet = load_sheet("P1")
    left, right = (read_records(tmp_path / f"{name}.csv", sheet, name) for name in "lr")
    found = rehearse(left, right, sheet, "standard", Instruments(clock=time.perf_counter))
    ours, theirs = dict(enumerate(files.left_person.tolist())), dict(enumerate(files.right_person.tolist()))
    correct = sum(ours[i] == theirs[j] for i, j in found.links.tolist())
    assert correct / 150_000 >= 0.99
    assert correct / len(found.links) >= 0.98
    assert all(found.blocks[one.name] <= 1.5 * one.cap for one in found.plan.passes)


@pytest.mark.timeout(1800)
def test_workers_killed_at_random_moments_lose_nothing(tmp_path):
    """Ten runs, each with its worker killed again and again at random moments: the hits are those of a calm run."""
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    files = two_files(
        size_left=1500, size_right=1500, overlap=1000, seed=9, profile_left=CERTIFIE, profile_right=CERTIFIE
    )
    paths = tmp_path / "l.csv", tmp_path / "r.csv"
    write_file(paths[0], selected(files.left))
    write_file(paths[1], selected(files.right))
    results = []
    with Stage(tmp_path, assess=by_hand) as stage:
        cnaf, cnam = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
        stage.introduce(cnaf, cnam)
        sides = (("rsa", cnaf, paths[0]), ("c2s", cnam, paths[1]))
        for number in range(10):
            agreement = stage.agree("c2s-rsa", sides)
            run = cnaf.command("run", "open", agreement).strip().splitlines()[-1]
            out = tmp_path / f"hits-{number}.csv"
            running = [
                cnaf.start("run", "all", agreement, str(paths[0]), "--run", run, "--out", str(out)),
                cnam.start("run", "all", agreement, str(paths[1]), "--run", run),
            ]
            kills = 0
            while any(process.poll() is None for process in running):
                time.sleep(chance.uniform(0.05, 2.0))
                for child in stage.worker_processes() if number and kills < 4 else []:
                    os.kill(child, signal.SIGKILL)
                    kills += 1
            for process in running:
                process.communicate()
            assert [0, 0] == [process.returncode for process in running], f"seed {seed}, run {number}"
            with out.open(encoding="utf-8-sig", newline="") as file:
                results.append(sorted(map(tuple, csv.reader(file, delimiter=";"))))
    # Keys are fresh in each run, so filters and noise differ; what links is nearly always the same.
    calm = set(results[0])
    assert all(len(calm ^ set(one)) <= 15 for one in results), f"seed {seed}"
