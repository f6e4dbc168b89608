"""The command of the demonstration, as far as it refuses; that it runs is part of the flow tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service.cli import main

ROOT = Path(__file__).parent.parent
WITHOUT = "import sys; sys.modules['uvicorn'] = None\nfrom service.cli import main\nsys.exit(main(['demo']))"


def test_an_unknown_demarche_is_a_refusal(capsys):
    """One line, exit code 1."""
    assert 1 == main(["demo", "--only", "nulle-part"])
    assert capsys.readouterr().err.startswith("E_DEMARCHE")


def test_names_may_be_separated_by_commas(capsys):
    """Each is looked for by itself: only the second is unknown."""
    assert 1 == main(["demo", "--only", "c2s-rsa,canicules"])
    assert "cherchiez-vous canicule ?" in capsys.readouterr().err


def test_an_installation_without_the_third_party_says_so():
    """The demonstration needs both halves: what to install is said, in one line."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("E_DEMONSTRATION : ")
    assert "allervers[server]" in done.stderr
