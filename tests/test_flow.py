"""The acceptance flow: two administrations and a third party in separate processes, from CSV to receipts."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE, SANS_ERREUR
from service.demonstration.stage import Administration, CommandFailed, Stage, selected
from tests.risk_reports import by_hand

pytestmark = pytest.mark.flow

PEOPLE = 1500


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two files of 1,500 people, 1,100 in both, and the truth."""
    folder = tmp_path_factory.mktemp("world")
    files = two_files(
        size_left=PEOPLE, size_right=PEOPLE, overlap=1100, seed=11, profile_left=SANS_ERREUR, profile_right=CERTIFIE
    )
    paths = folder / "été rsa.csv", folder / "c2s.csv"
    write_file(paths[0], selected(files.left))
    write_file(paths[1], selected(files.right), delimiter="\t", encoding="utf-8-sig", date_format="AAAA-MM-JJ")
    return files, paths


@pytest.fixture
def stage(tmp_path):
    with Stage(tmp_path, assess=by_hand) as one:
        yield one


def parties(stage: Stage) -> tuple[Administration, Administration]:
    one, other = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
    stage.introduce(one, other)
    return one, other


def finished(process: subprocess.Popen[str]) -> int:
    """The exit code of a command, once all that it wrote is read."""
    process.communicate(timeout=120)
    return process.returncode


def read_hits(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert ["identifiant", "usage", "resultat"] == rows[0]
    return {identifier: use for identifier, use, _ in rows[1:]}


def test_anti_join_in_one_go(stage, world):
    """`run all` on both sides gives the recipient the people without a link, and both can verify the destruction."""
    files, paths = world
    cnaf, cnam = parties(stage)
    sides = (("rsa", cnaf, paths[0]), ("c2s", cnam, paths[1]))
    agreement = stage.agree("c2s-rsa", sides)
    run = stage.run_both(agreement, sides, stage.folder / "hits.csv")

    person = dict(zip(files.left["identifiant"], files.left_person.tolist(), strict=True))
    found = {person[name] for name in read_hits(stage.folder / "hits.csv")}
    eligible = set(files.left_person.tolist()) - set(files.right_person.tolist())
    assert len(found & eligible) >= 0.98 * len(eligible)
    assert len(found - eligible) <= 0.02 * PEOPLE
    for one in (cnaf, cnam):
        assert one.command("verify", run)
        assert [] == list((one.home / "runs" / run).rglob("*secret*"))
    assert [] == [path for path in (stage.third_party_data / "blobs").rglob("*") if path.is_file()]
    assert [] == list((stage.third_party_data / "worker").glob("*"))


def test_step_by_step_and_usable_after_errors(stage, world, tmp_path):
    """Each step by its own command; bad files and steps out of order are refused with a code, and the run goes on."""
    _, paths = world
    cnaf, cnam = parties(stage)
    sides = (("rsa", cnaf, paths[0]), ("c2s", cnam, paths[1]))
    agreement = stage.agree("c2s-rsa", sides)
    run = cnaf.command("run", "open", agreement).strip().splitlines()[-1]
    with pytest.raises(CommandFailed, match="E_ETAPE"):
        cnaf.command("run", "encode", run, str(paths[0]))
    cnam.command("run", "approve", run)
    joining = [one.start("run", "join", run) for one in (cnaf, cnam)]
    assert [0, 0] == [finished(process) for process in joining]

    text = paths[0].read_bytes().decode("cp1252").splitlines()
    bad = tmp_path / "bad.csv"
    for name, lines, code in (
        ("empty", [], "E_FICHIER_VIDE"),
        ("column", [line.partition(";")[2] for line in text], "E_COLONNE_ABSENTE"),
        ("delimiter", [line.replace(";", "|") for line in text], "E_SEPARATEUR"),
        ("twice", [*text, text[1]], "E_IDENTIFIANT_DOUBLE"),
        ("nir", [text[0] + ";NIR", *(line + ";" for line in text[1:])], "E_NIR_INTERDIT"),
    ):
        bad.write_bytes("\r\n".join(lines).encode("cp1252"))
        with pytest.raises(CommandFailed, match=code) as refusal:
            cnaf.command("run", "encode", run, str(bad))
        assert "Traceback" not in str(refusal.value), name

    for _, one, path in sides:
        one.command("run", "encode", run, str(path))
        one.command("run", "send", run)
    cnaf.command("run", "wait", run)
    cnaf.command("run", "hits", run, "--out", str(tmp_path / "hits.csv"))
    closing = [one.start("run", "close", run) for one in (cnaf, cnam)]
    assert [0, 0] == [finished(process) for process in closing]
    assert 300 <= len(read_hits(tmp_path / "hits.csv")) <= 500
    assert cnam.command("verify", "log")


def test_a_killed_worker_loses_nothing(stage, world, tmp_path):
    """The worker is killed while the run waits for it; its successor finishes the run."""
    _, paths = world
    cnaf, cnam = parties(stage)
    sides = (("rsa", cnaf, paths[0]), ("c2s", cnam, paths[1]))
    agreement = stage.agree("c2s-rsa", sides)
    run = cnaf.command("run", "open", agreement).strip().splitlines()[-1]
    running = [
        cnaf.start("run", "all", agreement, str(paths[0]), "--run", run, "--out", str(tmp_path / "hits.csv")),
        cnam.start("run", "all", agreement, str(paths[1]), "--run", run),
    ]
    killed = 0
    while any(process.poll() is None for process in running):
        for child in stage.worker_processes():
            if killed < 3:
                os.kill(child, signal.SIGKILL)
                killed += 1
        time.sleep(1.5)
    assert 3 == killed
    assert [0, 0] == [finished(process) for process in running]
    assert 300 <= len(read_hits(tmp_path / "hits.csv")) <= 500


def test_nothing_is_left_running(tmp_path):
    """Ctrl-C on the third party stops it and its worker."""
    with Stage(tmp_path, assess=by_hand) as stage:
        children = stage.worker_processes()
        assert 1 == len(children)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [] == [child for child in children if Path(f"/proc/{child}").exists()]


def test_the_demonstration_runs_and_cleans_up_behind_itself(tmp_path):
    """`python -m benchmarks.demo` on a small population ends well, leaves its report and no other file."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    report = tmp_path / "report.html"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.demo", "--people", "2000", "--report", str(report)],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert "rappel" in report.read_text("utf-8")
    assert [] == list(temporary.iterdir())


def test_the_demonstration_cleans_up_when_interrupted(tmp_path):
    """Ctrl-C in the middle: exit 130, processes stopped, temporary folder removed."""
    done = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "demo", "--people", "2000"],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert done.stdout is not None
    for line in done.stdout:
        if "convention proposée" in line:
            break
    os.killpg(done.pid, signal.SIGINT)
    _, errors = done.communicate(timeout=60)
    assert 130 == done.returncode, errors
    assert [] == list(tmp_path.iterdir())


def test_evaluate_prints_one_json_object(tmp_path):
    """`allervers evaluate … --json` on FEBRL 4 gives every promised member, and the quality that is claimed."""
    from benchmarks.demo import FEBRL_SHEET, febrl_files

    left, right = febrl_files(tmp_path)
    words = ["evaluate", str(left), str(right), "--sheet", str(FEBRL_SHEET), "--truth-column", "person", "--json"]
    found = {}
    for profile in ("standard", "reference"):
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", *words, "--profile", profile],
            cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found[profile] = json.loads(done.stdout)
        members = {"precision", "recall", "f1", "threshold", "links", "seconds", "pairs_per_second", "peak_bytes"}
        assert members <= set(found[profile])
    assert found["standard"]["f1"] >= 0.985
    assert found["reference"]["f1"] >= 0.998
