"""Legal papers at the command line."""

import io
import json

import pytest

from service.administration.journal.journaling import note_hits
from service.administration.journal.ledger import open_ledger
from service.cli import main
from tests.desks import RUN, TODAY
from tests.partners import scene


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def run(known, monkeypatch, capsys):
    def command(*words, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        code = main([*map(str, words), "--home", str(known.homes["cnaf"])])
        return code, capsys.readouterr()

    return command


def test_all_papers_of_an_agreement_are_one_command(run, known, tmp_path):
    """With the number of holes of each."""
    code, shown = run("papers", "write", known.agreement.identifier, "--out", tmp_path)
    assert 0 == code
    expected = {
        "aipd.json", "algorithme.md", "notice.cnaf.md", "notice.cnam.md", "registre-rgpd.cnaf.md", "registre-rgpd.cnam.md",
        "registre-rgpd.tiers.md",
    }  # fmt: skip
    assert expected == {path.name for path in tmp_path.iterdir()}
    assert len(expected) == shown.out.count("point(s) à compléter")
    assert known.agreement.identifier in (tmp_path / "algorithme.md").read_text("utf-8")
    json.loads((tmp_path / "aipd.json").read_text("utf-8"))


def test_the_public_register_has_all_agreements(run, tmp_path):
    """As a page and as CSV."""
    code, shown = run("papers", "register", "--out", tmp_path)
    assert (0, True) == (code, "1 échange(s)" in shown.out)
    assert b"\r\n" in (tmp_path / "registre-public.csv").read_bytes()
    assert (tmp_path / "registre-public.html").exists()


def test_a_hit_is_explained_to_the_person(run, known, tmp_path):
    """By the number that is typed; somebody who is none is refused."""
    agreement, output = known.agreement, known.agreement.outputs[0].name
    with open_ledger(known.homes["cnaf"]) as ledger:
        note_hits(ledger, (agreement, RUN, output), 2, [("P1", "information", {})], TODAY)
    assert "usage « information »" in run("papers", "explain", RUN, typed="P1\n")[1].out
    assert 0 == run("papers", "explain", RUN, "--out", tmp_path / "x.md", typed="P1\n")[0]
    assert "R311" not in (tmp_path / "x.md").read_text("utf-8")
    code, shown = run("papers", "explain", RUN, typed="P2\n")
    assert (1, True) == (code, "E_PERSONNE_ABSENTE" in shown.err)
