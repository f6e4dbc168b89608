"""Receipts and the log, verified by the command while a real run ends and long after."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from service.administration.app import Office
from service.administration.connection import connect
from service.administration.local_commands import take_seat
from service.administration.proof_commands import settle
from service.administration.terminal import Terminal
from tests.premises import agree, files, joined, premises


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with premises(tmp_path_factory.mktemp("premises")) as found:
        yield found


@pytest.fixture(scope="module")
def ended(place, tmp_path_factory):
    """(recipient, source, run) of a run that went to its end."""
    folder = tmp_path_factory.mktemp("files")
    ours, theirs = place.pair()
    run = joined(ours, theirs, agree(ours, theirs))
    for one, file in zip((ours, theirs), files(folder), strict=True):
        assert [0, 0] == [one.run("run", "encode", run, file), one.run("run", "send", run)]
    assert ours.run("run", "wait", run) == 0
    assert ours.run("run", "hits", run, "--out", folder / "hits.csv") == 0
    assert [0, 0] == [one.run("run", "close", run) for one in (ours, theirs)]
    return ours, theirs, run


def test_a_run_is_verified_online(ended, capsys):
    """Both receipts and the entries of the log, by either party."""
    ours, theirs, run = ended
    for one in (ours, theirs):
        capsys.readouterr()
        assert one.run("verify", run) == 0
        shown = capsys.readouterr().out
        assert "encodings, rapprochement_termine, 9 objets" in shown  # eight uploads and the key of the run
        assert "deliveries, accuse_reception, 4 objets" in shown
        assert "entrées du journal vérifiées" in shown


def test_a_saved_file_is_verified_offline(ended, capsys):
    """The file that closing saved is enough, and is known to continue the history seen before."""
    ours, theirs, run = ended
    saved = ours.home / "runs" / run / "receipts.json"
    assert ours.run("verify", saved) == 0
    assert "historique est celui qui était connu" in capsys.readouterr().out
    assert theirs.run("verify", saved) == 0
    shown = capsys.readouterr().out
    assert "reçu vérifié" in shown


def test_an_altered_file_is_refused(ended, tmp_path, capsys):
    """One changed letter and nothing is proved."""
    ours, _, run = ended
    text = (ours.home / "runs" / run / "receipts.json").read_text("utf-8")
    assert "rapprochement_termine" in text
    (tmp_path / "faux.json").write_text(text.replace("rapprochement_termine", "expiration", 1), encoding="utf-8")
    assert ours.run("verify", tmp_path / "faux.json") == 1
    assert capsys.readouterr().err.startswith("E_RECU : ")


def test_the_log_is_followed(ended, capsys):
    """Each call continues the checkpoint of the one before."""
    ours, _, _ = ended
    for _ in range(2):
        assert ours.run("verify", "log") == 0
    assert capsys.readouterr().out.count("journal vérifié") == 2


def test_a_rewritten_log_is_noticed(ended, capsys):
    """A checkpoint on the disk that the log does not continue stops everything."""
    ours, _, _ = ended
    kept = ours.home / "log" / "checkpoint.txt"
    before = kept.read_bytes()
    sizes = sorted(ours.home.glob("log/[0-9]*.txt"), key=lambda path: int(path.stem))
    # A checkpoint of the same log at another size, with its size line changed, is not signed any more.
    lines = sizes[0].read_text("utf-8").splitlines(keepends=True)
    kept.write_text("".join([lines[0], f"{int(lines[1]) + 1}\n", *lines[2:]]), encoding="utf-8")
    capsys.readouterr()
    assert ours.run("verify", "log") == 1
    assert capsys.readouterr().err.startswith("E_JOURNAL : ")
    kept.write_bytes(before)


def test_a_stranger_learns_nothing(place, ended, capsys):
    """Who was not in the run is told that there is none."""
    _, _, run = ended
    assert place.office("msa").run("verify", run) == 1
    assert "E_INTROUVABLE" in capsys.readouterr().err


def test_missing_receipts_keep_the_keys(place, tmp_path, capsys):
    """While the third party has proved nothing, local secrets stay, and closing says so."""
    ours, theirs = place.pair()
    rsa, _ = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    assert ours.run("run", "encode", run, rsa) == 0
    capsys.readouterr()
    assert ours.run("run", "close", run) == 1
    assert capsys.readouterr().err.startswith("E_ETAPE : ")
    secrets = ours.home / "runs" / run / "secrets.json"
    assert json.loads(secrets.read_text("utf-8"))["key"]


def test_nothing_is_left_once_a_run_is_marked_closed(place, tmp_path):
    """The last secrets go before the mark: a crash between the two closes again, and never leaves keys behind."""
    ours, theirs = place.pair()
    rsa, _ = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    assert [0, 0] == [ours.run("run", "encode", run, rsa), ours.run("run", "send", run)]
    assert theirs.run("run", "cancel", run) == 0
    folder, seen = ours.home / "runs" / run, []

    def clock() -> datetime:
        seen.append((folder / "secrets.json").exists())
        return datetime.now(UTC)

    office = Office(home=ours.home, terminal=Terminal(), clock=clock, sleep=time.sleep)
    with connect(office) as online:
        settle(online, take_seat(office, run), 1)
    assert [True, False] == [seen[0], seen[-1]]  # the last look at the clock is for the mark
    assert take_seat(office, run).folder.done("closed")
