"""Proposing, showing and signing agreements by the command, against a real third party."""

from __future__ import annotations

from typing import Any

import pytest

from service.demarche import demarche_text
from tests.premises import agree, premises


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with premises(tmp_path_factory.mktemp("premises")) as found:
        yield found


def propose(ours: Any, theirs: Any, *more: Any, demarche: Any = "c2s-rsa", size: Any = 150) -> Any:
    return ours.run(
        "agreement", "propose", demarche,
        "--party", f"rsa={ours.party}", "--party", f"c2s={theirs.party}",
        "--size", f"{ours.party}={size}", "--size", f"{theirs.party}=200",
        "--authorisation", "D-1", "--dpia", "A-1", *more,
    )  # fmt: skip


def test_the_identifier_alone_is_the_result(place, capsys):
    """A program reads T on the output; what to do next is on the error stream."""
    ours, theirs = place.pair()
    capsys.readouterr()
    assert propose(ours, theirs) == 0
    shown = capsys.readouterr()
    assert [*ours.agreements] == shown.out.split()
    assert f"agreement sign {ours.agreements[0]}" in shown.err


def test_the_partner_sees_it_before_signing(place, capsys):
    """A proposed agreement is listed and described to the party that it names, by its first digits too."""
    ours, theirs = place.pair()
    assert propose(ours, theirs) == 0
    identifier = ours.agreements[0]
    capsys.readouterr()
    assert theirs.run("agreement", "show") == 0
    assert [f"{identifier} c2s-rsa : signée par {ours.party}"] == capsys.readouterr().out.splitlines()
    assert theirs.run("agreement", "show", identifier[:10]) == 0
    shown = capsys.readouterr()
    assert f"résultat    : « resultats » à {ours.party}, attribution : rsa - c2s ; exclut " in shown.out
    assert ours.public.fingerprint in shown.out
    assert "agreement sign" in shown.err
    assert theirs.run("agreement", "sign", identifier[:10]) == 0
    assert ours.run("agreement", "show", identifier) == 0
    assert f"signatures  : {ours.party}, {theirs.party} (2 sur 2)" in capsys.readouterr().out


def test_an_agreement_is_described_before_it_is_signed(place, capsys):
    """Even if what follows the signature fails, the agent has read what was signed."""
    ours, theirs = place.pair()
    assert propose(ours, theirs) == 0
    (theirs.home / "agreements").rmdir()
    (theirs.home / "agreements").write_bytes(b"")  # nothing can be kept there
    capsys.readouterr()
    assert theirs.run("agreement", "sign", ours.agreements[0]) == 1
    shown = capsys.readouterr().out
    assert ", attribution : rsa - c2s ; exclut " in shown
    assert ours.public.fingerprint in shown
    assert "signée" not in shown


def test_guards_that_are_loosened_are_pointed_out(place, capsys):
    """Whoever signs is told that a proposal lets more through than is usual, beside the guards themselves."""
    ours, theirs = place.pair()
    assert propose(ours, theirs, "--guard", "quasi_doublons=1000") == 0
    capsys.readouterr()
    assert theirs.run("agreement", "show", ours.agreements[0]) == 0
    shown = capsys.readouterr()
    assert "personnes presque identiques : tout" in shown.out
    assert "gardes ordinaires" in shown.err


def test_a_local_act_is_asked_for(place, tmp_path, capsys):
    """Whoever proposes is told that the reference of the decision is that of the local act."""
    ours, theirs = place.pair()
    fiche = tmp_path / "tarif.toml"
    text = demarche_text("c2s-rsa").replace("[fondement]\n", '[fondement]\nacte_local = "deliberation_tarifaire"\n')
    fiche.write_text(text, "utf-8")
    words = (
        "--party",
        f"rsa={ours.party}",
        "--party",
        f"c2s={theirs.party}",
        "--authorisation",
        "D-1",
        "--dpia",
        "A-1",
    )
    sizes = ("--size", f"{ours.party}=125", "--size", f"{theirs.party}=155")
    capsys.readouterr()
    assert ours.run("agreement", "propose", fiche, *words, *sizes) == 0
    assert "un acte local (deliberation tarifaire)" in capsys.readouterr().err


def test_a_demarche_of_ones_own(place, tmp_path, capsys):
    """A démarche that is not shipped is given by its file, on both sides; another copy is refused."""
    ours, theirs = place.pair()
    text = demarche_text("c2s-rsa").replace('id = "c2s-rsa"', 'id = "locale"')
    (tmp_path / "locale.toml").write_text(text, encoding="utf-8")
    (tmp_path / "autre.toml").write_text(text.replace("P7D", "P9D"), encoding="utf-8")
    assert propose(ours, theirs, demarche=tmp_path / "locale.toml") == 0
    identifier = ours.agreements[0]
    capsys.readouterr()
    assert theirs.run("agreement", "sign", identifier) == 1
    assert theirs.run("agreement", "sign", identifier, "--demarche", tmp_path / "autre.toml") == 1
    codes = [line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()]
    assert ["E_DEMARCHE", "E_CONVENTION_DIFFERENTE"] == codes
    assert theirs.run("agreement", "sign", identifier, "--demarche", tmp_path / "locale.toml") == 0


def test_a_partner_who_is_not_pinned_is_not_signed_with(place, capsys):
    """Without the partner's key there is no agreement, on either side."""
    ours, theirs = place.office("cnaf"), place.office("cnam")
    assert propose(ours, theirs) == 1
    assert "E_CLE_NON_EPINGLEE" in capsys.readouterr().err
    assert ours.run("pin", theirs.file, "--fingerprint", theirs.public.fingerprint) == 0
    assert propose(ours, theirs) == 0
    assert theirs.run("agreement", "sign", ours.agreements[0]) == 1
    assert "E_CLE_NON_EPINGLEE" in capsys.readouterr().err
    assert [] == theirs.agreements


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--dpia", " "), "E_AIPD_ABSENTE"),
        (("--days", "400"), "E_VALIDITE"),
        (("--party", "aah=x-y"), "E_PARTIES"),
        (("--size", "cnaf=beaucoup"), "E_PARTIES"),
    ],
)
def test_bad_terms_are_refused(place, capsys, words, code):
    """Each with its code, before anything is sent."""
    ours, theirs = place.pair()
    assert propose(ours, theirs, *words) == 1
    assert capsys.readouterr().err.startswith(f"{code} : ")
    assert [] == ours.agreements


def test_a_bystander_cannot_propose_for_others(place, capsys):
    """The proposer is a party of the agreement."""
    ours, theirs = place.pair()
    third = place.office("msa")
    for one in (ours, theirs):
        assert third.run("pin", one.file, "--fingerprint", one.public.fingerprint) == 0
    assert (
        third.run(
            "agreement", "propose", "c2s-rsa", "--party", f"rsa={ours.party}", "--party", f"c2s={theirs.party}",
            "--size", f"{ours.party}=150", "--size", f"{theirs.party}=200", "--authorisation", "D", "--dpia", "A",
        )
        == 1
    )  # fmt: skip
    assert "E_PARTIES" in capsys.readouterr().err


def test_a_run_waits_for_every_signature(place, capsys):
    """An agreement that one party has signed opens nothing."""
    ours, theirs = place.pair()
    assert propose(ours, theirs) == 0
    assert ours.run("run", "open", ours.agreements[0]) == 1
    assert f"E_CONVENTION_INACTIVE : la convention n'est pas signée par : {theirs.party}" in capsys.readouterr().err


def test_the_server_is_pinned_with_its_fingerprint(place, capsys):
    """Another fingerprint pins nothing; an address in clear over the network is refused."""
    office = place.office("cnaf")
    for url, fingerprint, code in (
        (place.url, office.public.fingerprint, "E_CLE"),
        ("http://tiers.example", place.identity.fingerprint, "E_ADRESSE"),
    ):
        capsys.readouterr()
        assert office.run("server", url, "--fingerprint", fingerprint) == 1
        assert capsys.readouterr().err.startswith(f"{code} : ")
    assert office.run("server", place.url + "/", "--fingerprint", place.identity.fingerprint) == 0


def test_an_unknown_agreement_is_said(place, capsys):
    """Neither here nor there."""
    ours, theirs = place.pair()
    agree(ours, theirs)
    capsys.readouterr()
    assert ours.run("agreement", "show", "f" * 64) == 1
    assert ours.run("agreement", "show", "zzzz") == 1
    codes = [line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()]
    assert ["E_INTROUVABLE", "E_CONVENTION_INCONNUE"] == codes
