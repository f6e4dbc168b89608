"""`work` and `schedule` say which option is missing, and load no more than their process needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service.cli import main
from tests.cluster_machines import ROOT


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["work"], "E_DONNEES_ABSENTES"),
        (["work", "--scheduler", "tls://127.0.0.1:1"], "E_GRAPPE_CLES"),
        (["work", "--data", "x", "--scheduler", "tls://127.0.0.1:1", "--ca", "a", "--cert", "b"], "E_GRAPPE_CLES"),
        (
            ["work", "--scheduler", "tls://h:1", "--ca", "a", "--cert", "b", "--key-file", "c", "--memory", "100"],
            "E_MEMOIRE",
        ),
        (["schedule", "--listen", "127.0.0.1:1", "--ca", "a", "--cert", "b", "--key-file", "c"], "E_GRAPPE_ADRESSE"),
        (["schedule", "--listen", "tls://h:1", "--ca", "a", "--cert", "b", "--key-file", "c"], "E_GRAPPE_CLES"),
    ],
)
def test_what_is_missing_is_said(words, code, capsys):
    """One line with its code, status 1."""
    assert 1 == main(words)
    assert capsys.readouterr().err.startswith(f"{code} : ")


@pytest.mark.parametrize("memory", ["0", "-5", "63", "2.5", "²"])
def test_too_little_memory_is_a_wrong_usage(memory, capsys):
    """Nor a negative number, nor anything else."""
    with pytest.raises(SystemExit) as end:
        main(["work", "--data", "x", f"--memory={memory}"])
    assert end.value.code == 2
    assert "E_USAGE : --memory : un nombre entier de Mio est attendu, 64 au moins" in capsys.readouterr().err


def test_a_machine_of_the_cluster_loads_neither_database_nor_encoder():
    """Nor the web server: it could not read the service's data if it were asked to."""
    code = "import sys, service.third_party.cluster_commands; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.split(".")[0] in ("sqlalchemy", "fastapi", "uvicorn")}
    loaded |= {name for name in done.stdout.split() if name in ("linkage.encode", "linkage.records", "crypto.hashing")}
    loaded |= {name for name in done.stdout.split() if name.startswith("service.third_party.") and "vault" in name}
    assert set() == loaded
