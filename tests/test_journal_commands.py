"""The journal at the command line."""

import io
from functools import partial

import pytest

from service.administration.journal import journal_commands
from service.administration.journal.journaling import note_hits
from service.administration.journal.ledger import open_ledger
from service.cli import main
from tests.desks import NAME, RUN, TODAY, Desk
from tests.partners import scene


@pytest.fixture
def desk(tmp_path):
    found = Desk(tmp_path / "home")
    assert 0 == main(["init", "--party", "cnaf", "--name", "CNAF", "--home", str(found.home)])
    found.fill(4)
    return found


@pytest.fixture
def run(desk, monkeypatch, capsys):
    def command(*words, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        code = main([*map(str, words), "--home", str(desk.home)])
        return code, capsys.readouterr()

    return command


def test_what_is_held_is_shown(run):
    """Results with their end, and no identifier."""
    code, shown = run("journal", "show")
    assert 0 == code
    assert f"résultats {NAME} : « Titre de la démarche », 4 personnes, à détruire le 20/11/2027" in shown.out
    assert "oppositions : 0" in shown.out
    assert "P1" not in shown.out


def test_an_answer_is_read_from_the_keyboard_or_a_file(run, tmp_path, desk):
    """One person, then several; withdrawn afterwards."""
    assert 0 == run("journal", "answer", "opposition", "--demarche", "c2s-rsa", typed="P1\n")[0]
    (tmp_path / "answers.csv").write_text("identifiant;date\nP2;x\n\nP3;y\n", "utf-8")
    code, shown = run("journal", "answer", "plus_proposer", "--all", "--file", tmp_path / "answers.csv")
    assert (0, "2 réponse(s) « plus_proposer » enregistrée(s), 2 résultat(s) concerné(s)\n") == (code, shown.out)
    with open_ledger(desk.home) as ledger:
        assert ["P0"] == desk.identifiers(ledger)
    assert "oppositions : 3" in run("journal", "show")[1].out
    assert "1 opposition(s) retirée(s)" in run("journal", "withdraw", "--demarche", "c2s-rsa", typed="P1\n")[1].out


@pytest.mark.parametrize(
    ("text", "encoding"), [("nom,identifiant\nDédé,P2\n", "cp1252"), ("nom\tidentifiant\nDédé\tP2\n", "utf-8-sig")]
)
def test_answers_are_read_as_spreadsheets_write_them(run, tmp_path, text, encoding):
    """Windows-1252 as well, with any of three separators."""
    (tmp_path / "answers.csv").write_bytes(text.encode(encoding))
    words = ("journal", "answer", "deja_fait", "--all", "--file", tmp_path / "answers.csv")
    assert (0, "1 réponse(s) « deja_fait » enregistrée(s), 1 résultat(s) concerné(s)\n") == (
        (shown := run(*words))[0], shown[1].out,
    )  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"nom;prenom\na;b\n", b"identifiant\n\x81\n"])
def test_a_file_without_identifiers_is_refused(run, tmp_path, data):
    """Empty, without the column, or in an encoding of its own: a code, and no value."""
    (tmp_path / "answers.csv").write_bytes(data)
    code, shown = run("journal", "answer", "opposition", "--all", "--file", tmp_path / "answers.csv")
    assert (1, True) == (code, shown.err.startswith("E_IDENTIFIANTS"))


def test_an_answer_without_a_scope_is_refused(run):
    """A démarche, or all of them."""
    code, shown = run("journal", "answer", "opposition", typed="P1\n")
    assert 1 == code
    assert shown.err.startswith("E_REPONSE_INCONNUE")
    code, shown = run("journal", "answer", "opposition", "--demarche", "c2s_rsa", typed="P1\n")
    assert (1, True) == (code, shown.err.startswith("E_REPONSE_INCONNUE"))
    assert "oppositions : 0" in run("journal", "show")[1].out


def test_a_request_for_access_is_one_command(run, tmp_path):
    """On the screen, or in a file."""
    code, shown = run("journal", "access", typed="P1\n")
    assert 0 == code
    assert "Réponse à une demande d'accès" in shown.out
    assert 0 == run("journal", "access", "--out", tmp_path / "answer.txt", typed="P1\n")[0]
    assert "Titre de la démarche" in (tmp_path / "answer.txt").read_text("utf-8")
    assert 0o600 == (tmp_path / "answer.txt").stat().st_mode & 0o777


def test_results_are_destroyed_with_a_receipt(run, tmp_path):
    """Before their time, by the agent; the receipts can be copied."""
    assert "rien à détruire aujourd'hui" in run("journal", "purge")[1].out
    assert 0 == run("journal", "destroy", RUN)[0]
    code, shown = run("journal", "receipts", "--out", tmp_path / "receipts.jsonl")
    assert 0 == code
    assert "resultats (campagne_terminee), moins de 11" in shown.out
    assert 1 == len((tmp_path / "receipts.jsonl").read_text("utf-8").splitlines())


def test_a_file_without_the_column_is_refused(run, tmp_path):
    """And so is an empty line at the keyboard."""
    (tmp_path / "bad.csv").write_text("dossier\nP1\n", "utf-8")
    code, shown = run("journal", "answer", "opposition", "--all", "--file", tmp_path / "bad.csv")
    assert (1, True) == (code, shown.err.startswith("E_IDENTIFIANTS"))
    code, shown = run("journal", "access", typed="\n")
    assert (1, True) == (code, "E_IDENTIFIANTS" in shown.err)


def test_who_is_passed_on_is_listed(tmp_path, monkeypatch, capsys):
    """As the agreement's démarche foresees."""
    known = scene(tmp_path)
    home, out = known.homes["cnaf"], tmp_path / "out.csv"
    with open_ledger(home) as ledger:
        note_hits(ledger, (known.agreement, RUN, "resultats"), 9, [("P1", "attribution", {})], TODAY)
    assert 0 == main(["journal", "transmit", RUN, "--to", "c2s", "--out", str(out), "--home", str(home)])
    assert "identite" in capsys.readouterr().out
    assert '"P1"' in out.read_text("utf-8-sig")


def test_nothing_is_withdrawn_while_another_command_writes(run, desk, monkeypatch):
    """Else the objection that it enters meanwhile would be lost."""
    monkeypatch.setattr(journal_commands, "open_ledger", partial(open_ledger, patience=0.1))
    assert 0 == run("journal", "answer", "opposition", "--all", typed="P1\n")[0]
    with open_ledger(desk.home):
        code, shown = run("journal", "withdraw", "--all", typed="P1\n")
    assert (1, True) == (code, "E_JOURNAL_OCCUPE" in shown.err)
    assert "1 opposition(s) retirée(s)" in run("journal", "withdraw", "--all", typed="P1\n")[1].out


def test_without_a_destruction_no_file_of_receipts_is_written(run, tmp_path):
    """An empty file would look like one of receipts."""
    code, shown = run("journal", "receipts", "--out", tmp_path / "receipts.txt")
    assert 0 == code
    assert "aucun reçu" in shown.out
    assert not (tmp_path / "receipts.txt").exists()
