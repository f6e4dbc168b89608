"""`allervers check` and `allervers connectors`, through the command line: text, JSON, exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from linkage.alterations import ALTERATIONS
from linkage.connectors import list_connectors
from linkage.suspicions import SUSPICIONS
from service.cli import main
from tests.connector_samples import Person, invented_people, write_plain, write_sample

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "connecteurs.md").read_text("utf-8")
NETWORK = ("httpx2", "http_message_signatures", "fastapi", "sqlalchemy", "sqlite3")


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return invented_people(200)


def check(capsys: Any, *words: Any) -> tuple[int, str]:
    """Exit code and output of the command."""
    code = main(["check", *map(str, words)])
    return code, capsys.readouterr().out


def test_a_good_file_is_encodable(people, tmp_path, capsys):
    """Exit code 0, and a report that says so in words."""
    code, shown = check(capsys, write_plain(tmp_path / "rsa.csv", people), "--sheet", "P1")
    assert 0 == code
    assert "rsa.csv, 200 lignes lues, 200 utilisables (feuille P1)" in shown
    assert "nom_naissance : rempli à 100,0 %" in shown
    assert "  sur 100   : " in shown
    assert "verdict     : encodable" in shown.splitlines()


def test_json_is_one_line_with_stable_members(people, tmp_path, capsys):
    """What a program reads."""
    code, shown = check(capsys, write_plain(tmp_path / "rsa.csv", people), "--sheet", "P1", "--json")
    assert 0 == code
    assert 1 == len(shown.splitlines())
    numbers = json.loads(shown)
    assert (True, 200, 200) == (numbers["encodable"], numbers["rows"], numbers["usable"])
    assert {name for one in numbers["attributes"] for name in one} >= {"fill_rate", "changes", "suspicious"}
    assert [one["name"] for one in numbers["attributes"]] == [one["attribute"] for one in numbers["weights"]]


def test_a_file_that_would_be_refused_is_1(people, tmp_path, capsys):
    """The rule, the lines, the verdict; skipping the row makes the file encodable."""
    path = write_plain(tmp_path / "rsa.csv", [*people, {**people[0], "identifiant": "Z", "sexe": "Z"}])
    code, shown = check(capsys, path, "--sheet", "P1")
    assert 1 == code
    assert "inutilisable: E_SEXE, colonne « sexe », 1 ligne(s) (202)" in shown
    assert "refus       : E_SEXE" in shown
    assert "ne peut pas être encodé" in shown.splitlines()[-1]
    assert 0 == check(capsys, path, "--sheet", "P1", "--skip-bad-rows")[0]


def test_a_file_that_cannot_be_read_is_1(tmp_path, capsys):
    """One line on the error stream, or one line of JSON."""
    path = tmp_path / "vide.csv"
    path.write_text("identifiant;nom\n1;2\n", "utf-8")
    assert 1 == main(["check", str(path), "--sheet", "P1"])
    assert capsys.readouterr().err.startswith("E_COLONNE_ABSENTE : ")
    code, shown = check(capsys, path, "--sheet", "P1", "--json")
    assert (1, ["E_COLONNE_ABSENTE"]) == (code, [one["code"] for one in json.loads(shown)["refusals"]])


def test_everything_that_can_be_said_is_said_in_words(people, tmp_path, capsys):
    """Changes, suspicions, duplicates, passes, warnings, each on its line, and no value of a record."""
    odd = {
        "identifiant": "Z1",
        "nom_naissance": "Mme TEST",
        "date_naissance": "2999-01-01",
        "cog_commune_naissance": "00123",
    }
    rows = [*people[:60], {**people[0], **odd}, {**people[1], "identifiant": "Z2"}]
    code, shown = check(capsys, write_plain(tmp_path / "x.csv", rows), "--sheet", "P1")
    assert 1 == code or "verdict" in shown
    for sentence in (
        "civilité retirée",
        "un mot de remplissage",
        "aucune commune n'a",
        "doublons    : 2 ligne(s) en 1 groupe(s)",
    ):
        assert sentence in shown
    assert "attention   : " in shown
    assert re.search(r"^passe \w+ : .*hors de la passe \d+", shown, re.MULTILINE)
    assert people[1]["nom_naissance"] not in shown


def test_a_connector_and_own_columns(people, tmp_path, capsys):
    """A workbook of the CCMSA is read as it is; own columns go on top of a connector."""
    path = write_sample(tmp_path, "ccmsa", people)
    code, shown = check(capsys, path, "--sheet", "P1", "--connector", "ccmsa")
    assert 0 == code
    assert "AAAAMMJJ × " in shown
    assert "moins de 13 chiffres" in shown
    renamed = tmp_path / "autre.csv"
    renamed.write_text(
        write_sample(tmp_path, "cnous", people).read_text("utf-8").replace("genre", "sexe_lu", 1), "utf-8"
    )
    own = tmp_path / "colonnes.toml"
    own.write_text('sexe = "sexe_lu"\n', "utf-8")
    words = (renamed, "--sheet", "P1", "--connector", "cnous")
    assert 1 == main(["check", *map(str, words)])
    assert 0 == check(capsys, *words, "--columns", own)[0]


def test_a_side_of_the_sheet_is_chosen(people, tmp_path, capsys):
    """The columns that the sheet has for one of the two files."""
    sheet = tmp_path / "feuille.toml"
    sheet.write_text(
        'version = "linkage/v1"\nid = "identifiant"\n[attributes.nom]\nkind = "name"\nbits = 9\n'
        '[columns.right]\nnom = "nom_naissance"\n[[passes]]\nname = "noms"\nblocks = [["nom.initial"]]\n',
        "utf-8",
    )
    path = write_plain(tmp_path / "x.csv", people)
    assert 1 == main(["check", str(path), "--sheet", str(sheet)])
    assert "E_COLONNE_ABSENTE" in capsys.readouterr().err
    code, shown = check(capsys, path, "--sheet", sheet, "--side", "right")
    assert 0 == code
    assert "nom : rempli à 100,0 %" in shown


def test_connectors_are_listed_and_described(capsys):
    """All of them by name and title; one of them with its columns, what it lacks and its traps."""
    assert 0 == main(["connectors"])
    listed = capsys.readouterr().out.splitlines()
    assert list_connectors() == [line.split(" ")[0] for line in listed]
    for name in list_connectors():
        assert 0 == main(["connectors", name])
        shown = capsys.readouterr().out
        assert shown.startswith(f"{name} : ")
        assert all(
            label in shown for label in ("source      : ", "colonne     : id = ", "absents     : ", "attention   : ")
        )
    assert 1 == main(["connectors", "inconnu"])
    assert capsys.readouterr().err.startswith("E_CONNECTEUR : ")


def test_a_rehearsal_takes_a_connector_for_each_side(people, tmp_path, capsys):
    """`evaluate` reads the two shapes; the truth is in pairs of identifiers."""
    left, right = write_sample(tmp_path, "cnav", people), write_sample(tmp_path, "ccmsa", people)
    pairs = tmp_path / "paires.csv"
    rows = (f"R{number},{12_345_000_000 + number}" for number in range(1, len(people) + 1))
    pairs.write_text("\n".join(["a,b", *rows]), "utf-8")
    words = ["evaluate", str(left), str(right), "--sheet", "P1", "--truth", str(pairs), "--json"]
    assert 0 == main([*words, "--connector-a", "cnav", "--connector-b", "ccmsa"])
    assert json.loads(capsys.readouterr().out)["f1"] > 0.9


def test_no_network_module_is_loaded():
    """Looking at a file is offline work."""
    code = (
        "import sys; from service.cli import build_parser, command_of\n"
        "command_of(build_parser().parse_args(['check', 'x.csv', '--sheet', 'P1']))\n"
        f"print([name for name in {NETWORK!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def commands_of_guide() -> list[list[str]]:
    """The `allervers` lines of the page, as words."""
    blocks = re.findall(r"^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return [line.split()[1:] for block in blocks for line in block.splitlines() if line.startswith("allervers ")]


@pytest.mark.parametrize("words", [w for w in commands_of_guide() if w[0] in ("check", "connectors")], ids=" ".join)
def test_the_commands_of_the_page_do_what_it_says(words, people, tmp_path, monkeypatch, capsys):
    """Each is run on the file that it names, written in its connector's shape."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "colonnes.toml").write_text('nom_naissance = "nom_naissance"\n', "utf-8")
    if words[0] == "check":
        named = words[words.index("--connector") + 1] if "--connector" in words else None
        file = write_sample(tmp_path, named, people) if named else write_plain(tmp_path / "plain.csv", people)
        file.rename(tmp_path / words[1])
    assert 0 == main(words)
    assert capsys.readouterr().out


def test_the_page_names_every_connector_kind_and_family():
    """The tables of the page are the lists of the code."""
    rows = [line.split("|")[1] for line in GUIDE.splitlines() if line.startswith("| `")]
    named = {span for cell in rows for span in re.findall(r"`([a-z0-9_-]+)`", cell)}
    assert set(list_connectors()) | set(SUSPICIONS) | set(ALTERATIONS) == named


def test_a_demarche_says_what_its_file_must_have(people, tmp_path, capsys):
    """Columns of the selection as well as the identity; a démarche that announces no partial date warns of them."""
    path = write_plain(tmp_path / "rsa.csv", people)
    code, shown = check(capsys, path, "--demarche", "c2s-rsa")
    assert 1 == code
    assert "E_COLONNE_ABSENTE : la sélection de la démarche : " in shown
    paid = [{**one, "rsa_en_paiement": "oui", "option_contraire": "non"} for one in people]
    paid[0]["date_naissance"] = "1980-00-00"
    code, shown = check(capsys, write_plain(tmp_path / "paid.csv", paid), "--demarche", "c2s-rsa", "--side", "rsa")
    assert 0 == code
    assert "date(s) partielle(s), que la démarche n'annonce pas" in shown
    odd = [{**one, "rsa_en_paiement": "peut-être"} for one in paid]
    code, shown = check(capsys, write_plain(tmp_path / "odd.csv", odd), "--demarche", "c2s-rsa", "--side", "rsa")
    assert 1 == code  # as the encoding would refuse it
    assert "E_SELECTION_COLONNE : la sélection de la démarche : " in shown
    assert "peut-être" not in shown


def test_a_demarche_that_compares_nobody_is_sent_elsewhere(people, tmp_path, capsys):
    """There is no sheet to judge by: the command that reads such a file is named."""
    assert 1 == main(["check", str(write_plain(tmp_path / "kits.csv", people)), "--demarche", "cnaf-kits"])
    told = capsys.readouterr().err
    assert told.startswith("E_SANS_COMPARAISON : ")
    assert "demarche preview" in told
