"""Campaigns at the command line, from the results to the figures."""

import csv
import io
from datetime import timedelta

import pytest

from service.administration.app import open_office
from service.administration.campaign.roll import open_campaign
from service.administration.journal.ledger import Collection, open_ledger
from service.cli import main
from service.demarche import demarche_text, parse_demarche
from tests.desks import LETTERHEAD, Desk

CONTACTS = "identifiant;courriel;mobile;adresse1\n" + "".join(
    f"P{n};{'a@b.fr' if n % 2 else ''};{'0612345678' if n % 3 else ''};1 rue du Pont\n" for n in range(40)
)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "head.toml").write_text(LETTERHEAD, "utf-8")
    (tmp_path / "contacts.csv").write_text(CONTACTS, "utf-8")
    (tmp_path / "people.csv").write_text("identifiant\n" + "\n".join(f"P{n}" for n in range(40)) + "\n", "utf-8")
    return tmp_path


@pytest.fixture
def run(place, monkeypatch, capsys):
    def command(*words, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        code = main([*map(str, words), "--home", str(place / "home")])
        return code, capsys.readouterr()

    return command


@pytest.fixture
def campaign(run, place):
    text, today = demarche_text("c2s-rsa"), open_office(str(place / "home")).clock().date()
    results = Collection(
        name="ab" * 16 + "/resultats", agreement="", demarche="c2s-rsa", title=parse_demarche(text).title, eligible=40,
        collected=today, until=today + timedelta(days=365),
    )  # fmt: skip
    terms = {"letterhead": LETTERHEAD, "templates": "", "demarche": text}
    with open_ledger(place / "home") as ledger:
        ledger.add_collection(results, [(f"P{n}", "information", {}) for n in range(40)])
        return open_campaign(ledger, results.name, terms, today).name


def test_a_kit_is_one_command(run, place):
    """With the sizes of its SMS on the screen."""
    code, shown = run("campaign", "kit", "c2s-rsa", "--letterhead", place / "head.toml", "--out", place / "kit")
    assert 0 == code
    assert "2 segment(s), GSM-7" in shown.out
    assert (place / "kit" / "fiche_agents.txt").exists()


def test_messages_leave_once(run, place, campaign):
    """A trial notes nothing; the export does; the next one has nothing to write."""
    words = ("campaign", "export", campaign, "--contacts", place / "contacts.csv", "--out")
    code, shown = run(*words, place / "trial", "--dry-run")
    assert (0, "courrier : 40 message(s)\n") == (code, shown.out)
    assert run(*words, place / "out")[1].out == shown.out
    with (place / "out" / "courrier.csv").open(encoding="utf-8-sig", newline="") as file:
        assert 41 == len(list(csv.reader(file, delimiter=";")))
    code, shown = run(*words, place / "again")
    assert (0, "", True) == (code, shown.out, "40 personne(s) à qui rien n'est dû aujourd'hui" in shown.err)


def test_answers_stop_and_figures_are_coarse(run, place, campaign):
    """An objection, a death, rights opened; a bounce needs its channel."""
    run("campaign", "export", campaign, "--contacts", place / "contacts.csv", "--out", place / "out")
    (place / "opened.csv").write_text("identifiant\n" + "\n".join(f"P{n}" for n in range(20)) + "\n", "utf-8")
    assert 0 == run("campaign", "record", campaign, "droit_ouvert", "--file", place / "opened.csv")[0]
    assert "1 personne(s) : opposition" in run("campaign", "record", campaign, "opposition", typed="P30\n")[1].out
    assert (
        "1 personne(s) : deces"
        in run("campaign", "record", campaign, "deces", "--day", "2026-11-21", typed="P31\n")[1].out
    )
    assert run("campaign", "record", campaign, "rebond", typed="P32\n")[1].err.startswith("E_REPONSE_INCONNUE")
    assert 0 == run("campaign", "record", campaign, "rebond", "--channel", "courrier", typed="P32\n")[0]
    shown = run("campaign", "show", campaign)[1].out
    assert "personnes contactées : 40" in shown
    assert "droits ouverts : 20" in shown
    assert "opposition moins de 11" in shown
    with open_ledger(place / "home") as ledger:
        (one,) = ledger.collections()
        assert 39 == sum(1 for _ in ledger.hits(one.name))


def test_a_word_that_is_no_event_is_refused(run, campaign):
    """A mistyped answer would let the reminders go on."""
    code, shown = run("campaign", "record", campaign, "reponce", typed="P1\n")
    assert (1, True) == (code, shown.err.startswith("identifiant") and "E_REPONSE_INCONNUE" in shown.err)


def test_a_demarche_that_compares_has_no_local_campaign(run, place):
    """Everybody of the file would be told what only the comparison tells."""
    words = ("campaign", "local", "c2s-rsa", place / "people.csv", "--letterhead", place / "head.toml")
    code, shown = run(*words)
    assert (1, True) == (code, shown.err.startswith("E_CROISEMENT_REQUIS"))


def test_who_is_not_reached_is_routed(run, place, campaign):
    """Without e-mail and mobile, or silent after a message; not who answered."""
    words = ("campaign", "route", campaign, "--contacts", place / "contacts.csv", "--out", place / "routed.csv")
    assert "7 personne(s)" in run(*words)[1].out  # multiples of six
    run("campaign", "export", campaign, "--contacts", place / "contacts.csv", "--out", place / "out")
    run("campaign", "record", campaign, "reponse", typed="P1\n")
    assert "39 personne(s)" in run(*words)[1].out
    with (place / "routed.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["identifiant"]: row for row in csv.DictReader(file, delimiter=";")}
    assert ("", "", "oui") == tuple(rows["P0"][name] for name in ("courriel", "mobile", "sans_reponse"))
    assert "Complémentaire santé solidaire" in rows["P0"]["demarche_a_proposer"]
    route = ("campaign", "local", "exclus-numerique", place / "routed.csv", "--letterhead", place / "head.toml")
    assert 0 == run(*route)[0]


def test_who_objected_is_not_written_to_about_others(run, place, campaign):
    """A parent whose own file is not in the results: neither a message nor a routing about the child."""
    lines = CONTACTS.splitlines()
    told = [
        lines[0] + ";contact",
        *(f"{line};{'R' if n == 0 else ''}" for n, line in enumerate(lines[1:])),
        "R;;;2 rue;",
    ]
    (place / "contacts.csv").write_text("\n".join(told) + "\n", "utf-8")
    words = ("campaign", "route", campaign, "--contacts", place / "contacts.csv", "--out", place / "routed.csv")
    assert "7 personne(s)" in run(*words)[1].out
    assert 0 == run("journal", "answer", "opposition", "--demarche", "c2s-rsa", typed="R\n")[0]
    assert "6 personne(s)" in run(*words)[1].out
    code, shown = run("campaign", "export", campaign, "--contacts", place / "contacts.csv", "--out", place / "out")
    assert (0, "courrier : 39 message(s)\n") == (code, shown.out)
    assert "1 personne(s) dont le contact s'est opposé à la démarche" in shown.err


def test_campaigns_are_listed(run, campaign):
    """By their number; another is refused."""
    assert run("campaign", "show")[1].out.startswith(f"{campaign} : ")
    assert run("campaign", "show", "00000000")[1].err.startswith("E_CAMPAGNE_INCONNUE")


def test_results_without_an_agreement_are_not_opened_as_a_run(run, place):
    """A local selection has a command of its own."""
    Desk(place / "home").fill(3)
    code, shown = run("campaign", "open", "ab" * 16, "--letterhead", place / "head.toml")
    assert (1, True) == (code, shown.err.startswith("E_CONVENTION_INCONNUE"))
