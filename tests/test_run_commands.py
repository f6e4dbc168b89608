"""A run by its commands, against a real third party: in order, out of order, cut, refused, cancelled."""

from __future__ import annotations

import csv
import json
import threading
import time
from typing import Any

import pytest

from crypto.framing import canonical_json, to_base64
from crypto.signatures import SigningKey
from service.administration.run_folder import RunFolder
from tests.partners import people_csv
from tests.premises import agree, files, joined, premises
from tests.risk_reports import keep_reports

CHANCE = 4  # strangers whom a chance link tells: a tenth of one is expected


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with premises(tmp_path_factory.mktemp("premises")) as found:
        yield found


def hits_of(path: Any) -> Any:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["identifiant"]: row["usage"] for row in csv.DictReader(file, delimiter=";")}


def kinds(office: Any, run: Any) -> Any:
    """Kinds of secrets that are still on the disk."""
    path = office.home / "runs" / run / "secrets.json"
    return set(json.loads(path.read_bytes())) - {"confirmed", "records"} if path.exists() else set()


def repin(office: Any, **members: Any) -> None:
    """Change the pinned third party behind the tool's back."""
    path = office.home / "third_party.json"
    path.write_bytes(canonical_json({**json.loads(path.read_bytes()), **members}))


def test_keys_live_as_long_as_they_serve(place, tmp_path):
    """Shares go when the keys are confirmed, run and upload keys when the comparison is seen, the rest at the end."""
    ours, theirs = place.pair()
    rsa, c2s = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    assert {"key"} == kinds(ours, run)
    for one, file in ((ours, rsa), (theirs, c2s)):
        assert [0, 0] == [one.run("run", "encode", run, file), one.run("run", "send", run)]
    assert {"key", "upload", "local", "worker"} == kinds(ours, run)
    assert [0, 0] == [one.run("run", "wait", run) for one in (ours, theirs)]
    assert [{"local", "worker"}, {"worker"}] == [kinds(one, run) for one in (ours, theirs)]
    assert ours.run("run", "hits", run, "--out", tmp_path / "hits.csv") == 0
    log_key = json.loads((ours.home / "third_party.json").read_bytes())["log_key"]
    repin(ours, log_key=to_base64(SigningKey.generate().verify_bytes()))
    assert ours.run("run", "close", run, "--timeout", "0") == 1  # the receipts cannot be believed
    assert {"worker"} == kinds(ours, run)
    repin(ours, log_key=log_key)
    assert ours.run("run", "close", run) == 0
    assert set() == kinds(ours, run)


def test_keys_of_a_dead_run_go_when_it_is_seen(place, tmp_path, capsys):
    """Waiting for a run that a partner cancelled leaves no key of it."""
    ours, theirs = place.pair()
    rsa, _ = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    assert [0, 0] == [ours.run("run", "encode", run, rsa), ours.run("run", "send", run)]
    assert theirs.run("run", "cancel", run) == 0
    assert ours.run("run", "wait", run) == 1
    assert {"local", "worker"} == kinds(ours, run)


@pytest.mark.parametrize(("member", "code"), [("url", "E_CONNEXION"), ("log_key", "E_JOURNAL")])
def test_cancelling_destroys_keys_without_a_receipt(place, tmp_path, capsys, monkeypatch, member, code):
    """A third party that is away, or proves nothing, keeps no key alive here; that the receipt is missing is said."""
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between attempts
    ours, theirs = place.pair()
    rsa, _ = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    assert [0, 0] == [ours.run("run", "encode", run, rsa), ours.run("run", "send", run)]
    pinned = json.loads((ours.home / "third_party.json").read_bytes())
    other = {"url": "http://127.0.0.1:1", "log_key": to_base64(SigningKey.generate().verify_bytes())}
    repin(ours, **{member: other[member]})
    capsys.readouterr()
    assert ours.run("run", "cancel", run, "--timeout", "0") == 1
    shown = capsys.readouterr()
    last = shown.err.splitlines()[-1]
    assert last.startswith(f"{code} : les clés de ce poste sont détruites, mais le reçu de destruction du tiers manque")
    assert "annulé, clés" not in shown.out
    folder = ours.home / "runs" / run
    assert {"worker"} == kinds(ours, run)
    left = {path.name for path in folder.rglob("*") if path.is_file() and "posted" not in path.parts}
    assert {"state.json", "secrets.json", "draft.json", "manifest.json", "held.json"} == left
    assert ours.run("run", "encode", run, rsa) == 1
    repin(ours, **pinned)
    assert ours.run("run", "cancel", run) == 0
    assert {"state.json", "receipts.json"} == {path.name for path in folder.iterdir()}


def test_the_agreement_is_kept_here_too(place, tmp_path, capsys):
    """What this office encoded counts for it, whatever the third party counts: it opens, approves and joins no more."""
    ours, theirs = place.pair()
    agreement = agree(ours, theirs, "--max-runs", "2")
    assert ours.run("run", "open", agreement) == 0
    run = ours.runs[0]
    for number in (1, 2):
        for one in (ours, theirs):
            folder = RunFolder(one.home / "runs" / (str(number) * 32))
            folder.create(agreement)
            folder.mark("encoded", "2026-11-20T09:30:00Z")
    for one, words in (
        (ours, ("open", agreement)),
        (theirs, ("approve", run)),
        (ours, ("join", run, "--timeout", "0")),
        (theirs, ("all", agreement, tmp_path / "x.csv", "--run", run)),
    ):
        capsys.readouterr()
        assert one.run("run", *words) == 1
        assert "ce poste a déjà encodé" in capsys.readouterr().err


def test_one_run_for_each_day_on_which_a_demarche_is_due(place, capsys):
    """`c2s-rsa` is due once a month: neither side takes part in a second run of it, unless the first came to nothing."""
    ours, theirs = place.pair()
    agreement = agree(ours, theirs, "--max-runs", "3")
    assert ours.run("run", "open", agreement) == 0
    (first,) = ours.runs
    capsys.readouterr()
    assert [1, 1] == [one.run("run", "open", agreement) for one in (ours, theirs)]
    assert 2 == capsys.readouterr().err.count("E_CALENDRIER : un croisement a déjà eu lieu pour l'échéance du 01/")
    assert [0, 0] == [theirs.run("run", "approve", first), ours.run("run", "cancel", first)]
    assert ours.run("run", "open", agreement) == 0


def test_step_by_step(place, tmp_path, capsys):
    """Each command in its order; the recipient gets the people of its file that the other does not have."""
    ours, theirs = place.pair()
    rsa, c2s = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    for one, file in ((ours, rsa), (theirs, c2s)):
        assert [0, 0] == [one.run("run", "encode", run, file), one.run("run", "send", run)]
    assert [0, 0] == [one.run("run", "wait", run) for one in (ours, theirs)]
    assert theirs.run("run", "hits", run, "--out", tmp_path / "x.csv") == 1
    assert "E_SANS_RESULTATS" in capsys.readouterr().err
    assert ours.run("run", "hits", run, "--out", tmp_path / "hits.csv") == 0
    found = hits_of(tmp_path / "hits.csv")
    missing = {f"D{number:05}" for number in range(40)}
    assert set(found) <= missing
    assert len(found) >= 36
    assert set(found.values()) <= {"attribution", "information"}
    assert [0, 0] == [one.run("run", "close", run) for one in (ours, theirs)]
    assert ours.run("run", "show", run) == 0
    shown = capsys.readouterr().out
    assert "état        : clos, tout est détruit chez le tiers ; délai : le " in shown
    assert "ici         : clos, clés effacées le " in shown
    for one in (ours, theirs):
        assert {"state.json", "receipts.json"} == {path.name for path in (one.home / "runs" / run).iterdir()}


def test_all_in_one_go(place, tmp_path):
    """Both parties start `run all` at once: one opens, the other approves, both end well."""
    ours, theirs = place.pair()
    rsa, c2s = files(tmp_path)
    agreement = agree(ours, theirs)
    codes = {}
    words = {ours: [rsa, "--out", tmp_path / "hits.csv"], theirs: [c2s]}
    threads = [
        threading.Thread(
            target=lambda one=one: codes.update({one.party: one.run("run", "all", agreement, *words[one])})
        )
        for one in (ours, theirs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {ours.party: 0, theirs.party: 0} == codes
    assert len(hits_of(tmp_path / "hits.csv")) >= 36
    assert ours.runs == theirs.runs
    assert 1 == len(ours.runs)


def test_all_goes_on_where_a_command_stopped(place, tmp_path):
    """Steps that are done are not done again."""
    ours, theirs = place.pair()
    rsa, c2s = files(tmp_path)
    agreement = agree(ours, theirs)
    run = joined(ours, theirs, agreement)
    for one, file in ((ours, rsa), (theirs, c2s)):
        assert one.run("run", "encode", run, file) == 0
    assert theirs.run("run", "all", agreement, c2s, "--timeout", 0) == 1  # sent; nothing to wait for yet
    assert ours.run("run", "all", agreement, rsa, "--out", tmp_path / "hits.csv") == 0
    assert theirs.run("run", "all", agreement, c2s) == 0
    assert len(hits_of(tmp_path / "hits.csv")) >= 36


def test_the_order_is_kept(place, tmp_path, capsys):
    """A step that comes too early is refused with its code, and the run goes on."""
    ours, theirs = place.pair()
    rsa, _ = files(tmp_path)
    agreement = agree(ours, theirs)
    assert ours.run("run", "open", agreement) == 0
    run = ours.runs[0]
    for words, code in (
        (("encode", run, rsa), "E_ETAPE"),
        (("send", run), "E_ETAPE"),
        (("wait", run), "E_ETAPE"),
        (("close", run), "E_ETAPE"),
        (("hits", run, "--out", tmp_path / "h"), "E_ETAPE"),
        (("join", run, "--timeout", "0"), "E_PATIENTER"),
        (("join", "f" * 32), "E_CROISEMENT_INCONNU"),
    ):
        capsys.readouterr()
        assert ours.run("run", *words) == 1
        assert capsys.readouterr().err.splitlines()[-1].startswith(f"{code} : ")
    assert theirs.run("run", "join", run) == 1
    assert "E_CROISEMENT_INCONNU" in capsys.readouterr().err
    assert theirs.run("run", "approve", run) == 0


def test_a_recipient_says_where_the_hits_go(place, tmp_path, capsys):
    """`run all` without --out is refused before anything is sent."""
    ours, theirs = place.pair()
    rsa, _ = files(tmp_path)
    assert ours.run("run", "all", agree(ours, theirs), rsa) == 1
    assert "E_SORTIE" in capsys.readouterr().err


def test_a_cancelled_run_leaves_nothing(place, tmp_path, capsys):
    """One party cancels: both verify the receipt and destroy their keys; nothing can go on."""
    ours, theirs = place.pair()
    rsa, c2s = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    assert [0, 0] == [ours.run("run", "encode", run, rsa), ours.run("run", "send", run)]
    assert theirs.run("run", "cancel", run) == 0
    assert ours.run("run", "wait", run) == 1
    assert "E_CROISEMENT_TERMINE" in capsys.readouterr().err
    assert ours.run("run", "close", run) == 0
    assert "annulation" in capsys.readouterr().out
    for one in (ours, theirs):
        assert not (one.home / "runs" / run / "secrets.json").exists()
    assert theirs.run("run", "encode", run, c2s) == 1


def test_the_number_of_runs_is_the_agreements(place, tmp_path, capsys):
    """A second run under an agreement for one is refused."""
    ours, theirs = place.pair()
    agreement = agree(ours, theirs)
    assert ours.run("run", "open", agreement) == 0
    assert ours.run("run", "open", agreement) == 1
    assert "E_QUOTA_CROISEMENTS" in capsys.readouterr().err


def test_runs_are_listed(place, capsys):
    """Without an identifier, `run show` lists the runs of this party and no other."""
    ours, theirs = place.pair()
    agreement = agree(ours, theirs)
    assert ours.run("run", "open", agreement) == 0
    capsys.readouterr()
    assert ours.run("run", "show") == 0
    assert [
        f"{ours.runs[0]} : ouvert, une approbation manque (convention {agreement[:12]}…)"
    ] == capsys.readouterr().out.splitlines()


def test_an_operand_of_two_holders_is_united_by_the_joiner(place, tmp_path):
    """`run all` of three parties: who is linked to either holder is subtracted, and the recipient cannot tell which."""
    ours, first = place.pair()
    second = place.office("cnam")
    for one, other in ((ours, second), (second, ours), (first, second), (second, first)):
        assert one.run("pin", other.file, "--fingerprint", other.public.fingerprint) == 0
    words = ["--party", f"c2s={second.party}", "--size", f"{second.party}=125"]
    words += ["--joiner", f"{ours.party}={second.party}"]
    agreement = agree(ours, first, *words)
    assert second.run("agreement", "sign", agreement) == 0
    keep_reports(second.home)
    people = {
        ours: [people_csv(tmp_path / "rsa.csv", 120), "--out", tmp_path / "hits.csv"],
        first: [people_csv(tmp_path / "one.csv", 150, first=80)],
        second: [people_csv(tmp_path / "two.csv", 120, first=1000)],
    }
    text = people[second][0].read_text("utf-8").splitlines()
    text[1:31] = (
        people[ours][0].read_text("utf-8").splitlines()[1:31]
    )  # the first thirty are known to the second holder
    people[second][0].write_text("\n".join(text) + "\n", encoding="utf-8")
    assert ours.run("run", "open", agreement) == 0
    run = ours.runs[0]
    codes = {}
    threads = [
        threading.Thread(
            target=lambda one=one: codes.update(
                {one.party: one.run("run", "all", agreement, *people[one], "--run", run)}
            )
        )
        for one in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.party: 0 for one in people} == codes
    found = set(hits_of(tmp_path / "hits.csv"))
    assert len(found - {f"D{number:05}" for number in range(30, 80)}) <= CHANCE
    assert len(found) >= 44
