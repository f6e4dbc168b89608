"""R9 with real processes: yesterday's backup comes back, the first party to look notices, and purged runs stay shut."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE
from service.administration.log_file import is_export
from service.demonstration.stage import CommandFailed, Stage, selected
from tests.risk_reports import by_hand

COMMAND = [sys.executable, "-m", "service.cli"]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """An operator's command, run to its end."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)


@pytest.mark.R9
@pytest.mark.flow
def test_a_restored_backup_is_noticed_by_the_first_party_that_looks(tmp_path):
    """Backup, a run after it, the backup put back: the run is gone, nothing of it opens, and its party refuses the log."""
    files = two_files(
        size_left=1200, size_right=1200, overlap=800, seed=4, profile_left=CERTIFIE, profile_right=CERTIFIE
    )
    left, right = tmp_path / "l.csv", tmp_path / "r.csv"
    write_file(left, selected(files.left), encoding="utf-8")
    write_file(right, selected(files.right), encoding="utf-8")
    with Stage(tmp_path, assess=by_hand) as stage:
        data = str(stage.third_party_data)
        cnaf, cnam = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
        stage.introduce(cnaf, cnam)
        cnam.command("verify", "log")
        assert 0 == command("backup", str(tmp_path / "yesterday"), "--data", data).returncode
        sides = (("rsa", cnaf, left), ("c2s", cnam, right))
        run = stage.run_both(stage.agree("c2s-rsa", sides), sides, tmp_path / "hits.csv")
        receipts = cnaf.home / "runs" / run / "receipts.json"
        assert "reçu vérifié" in cnaf.command("verify", str(receipts))
        assert "1 autre(s) partie(s)" in cnaf.command("verify", "log")
        exported = tmp_path / "journal.jsonl"
        assert 0 == command("export-log", str(exported), "--data", data).returncode
        assert is_export(exported)
        assert "journal vérifié" in cnaf.command("verify", str(exported))
        told = json.loads(command("doctor", "--data", data, "--json").stdout)
        assert [] == [one for one in told["findings"] if not one["works"] and one["name"] != "disk"]
    (stage.third_party_data / "database.sqlite").rename(tmp_path / "lost.sqlite")
    shutil.rmtree(stage.third_party_data / "keystore")  # as on a new machine
    done = command("restore", str(tmp_path / "yesterday"), "--data", data)
    assert 0 == done.returncode, done.stderr
    with Stage(tmp_path, assess=by_hand) as again:
        port = again.url.rpartition(":")[2]
        for one in (cnaf, cnam):
            one.command("server", f"http://127.0.0.1:{port}", "--fingerprint", again.fingerprint)
        with pytest.raises(CommandFailed, match="E_JOURNAL"):
            cnaf.command("verify", "log")
        with pytest.raises(CommandFailed, match=r"E_JOURNAL|E_INTROUVABLE"):
            cnaf.command("verify", run)
        assert "reçu vérifié" in cnaf.command("verify", str(receipts))  # what was proved stays proved, offline
