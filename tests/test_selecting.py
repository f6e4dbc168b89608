"""A party's file read as its démarche says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkage.errors import LinkageError
from service.administration.selecting import PeopleFile, fate_of_undecided, local_rules, read_people, undecided_in
from service.demarche import load_demarche
from service.errors import ServiceError
from service.rule_sheet import Demarche

TODAY = date(2026, 12, 7)
FILE = (
    "identifiant;nom_naissance;nom_usage;prenoms;sexe;date_naissance;cog_commune_naissance;cog_pays_naissance;paye;rfr\n"
    "1;DURAND;;Zoe;F;17/05/1990;01053;99100;oui;900\n"
    "2;PETIT;;Ali;M;28/02/1991;01053;99100;;900\n"
    "3;ROUX;;Eva;F;01/03/1992;01053;99100;oui;5000\n"
)


def ruled(parameters: dict[str, Any] | None = None, **rules: Any) -> Demarche:
    """The shipped démarche with other local rules for both its operands."""
    found = load_demarche("c2s-rsa")
    clear: dict[str, Any] = {"local_filter": None, "computations": {}, "connector": None}
    columns = {
        name: name
        for name in ("nom_naissance", "nom_usage", "prenoms", "sexe", "cog_commune_naissance", "cog_pays_naissance")
    }
    own = {"id": "identifiant", "date_naissance": {"column": "date_naissance", "format": ["JJ/MM/AAAA"]}, **columns}
    operands = {name: replace(one, **{**clear, "columns": own, **rules}) for name, one in found.operands.items()}
    return replace(found, operands=operands, parameters=parameters or {})


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "gens.csv"
    path.write_text(FILE, "utf-8")
    return path


def test_the_undecided_leave_the_recipients_file_and_stay_in_the_subtracted_one(people):
    """`rsa - c2s`: an empty cell keeps a record of c2s and not one of rsa."""
    demarche = ruled(local_filter="paye")
    assert ("leave", "keep") == (fate_of_undecided(demarche, "rsa"), fate_of_undecided(demarche, "c2s"))
    for operand, expected in (("rsa", ["1", "3"]), ("c2s", ["1", "2", "3"])):
        records, tally = read_people(demarche, operand, PeopleFile(path=people), TODAY)
        assert expected == list(records.ids)
        assert tally is not None
        assert (3, 1) == (tally.rows, tally.undecided)


def test_the_undecided_of_a_cascade_are_marked_on_their_way_to_a_run(people):
    """Each payer of `dedup(caf > msa > cnous) - codes` keeps them, with marks, where it encodes, and nowhere else."""
    fates = {name: fate_of_undecided(load_demarche("pass-sport"), name) for name in ("caf", "msa", "cnous", "codes")}
    assert {"caf": "mark", "msa": "mark", "cnous": "mark", "codes": "keep"} == fates
    demarche = ruled(local_filter="paye")
    cascade = replace(demarche, outputs=tuple(replace(one, expression="dedup(rsa > c2s)") for one in demarche.outputs))
    for marked, expected, marks in ((False, ["1", "3"], None), (True, ["1", "2", "3"], [False, True, False])):
        records, _ = read_people(cascade, "rsa", PeopleFile(path=people), TODAY, marked=marked)
        found = undecided_in(records)
        assert (expected, marks) == (list(records.ids), None if found is None else found.tolist())
    # Of several rows of a person the first alone stays: nobody is marked then.
    single = ruled(local_filter="paye et une_ligne_par(identifiant)")
    single = replace(single, outputs=cascade.outputs)
    records, _ = read_people(single, "rsa", PeopleFile(path=people), TODAY, marked=True)
    assert (["1", "3"], None) == (list(records.ids), undecided_in(records))


def test_a_demarche_without_rules_takes_everybody(people):
    """No filter, no computation: no tally."""
    records, tally = read_people(ruled(), "rsa", PeopleFile(path=people), TODAY)
    assert (["1", "2", "3"], None) == (list(records.ids), tally)


def test_the_agents_values_win_over_those_of_the_demarche(people, tmp_path: Path):
    """A ceiling of the démarche, another in a file, one that nobody asked for."""
    demarche = ruled({"plafond": 1000}, local_filter="rfr < plafond", computations={"bande": "si(rfr < 950, 'A', 'B')"})
    own = tmp_path / "p.toml"
    own.write_text("plafond = 6000\n", "utf-8")
    first, _ = read_people(demarche, "rsa", PeopleFile(path=people), TODAY, extra=("bande",))
    second, _ = read_people(demarche, "rsa", PeopleFile(path=people, parameters=own), TODAY, extra=("bande",))
    assert (["1", "2"], ["1", "2", "3"]) == (list(first.ids), list(second.ids))
    assert ["A", "A", "B"] == second.extra["bande"]
    own.write_text("seuil = 6000\n", "utf-8")
    with pytest.raises(ServiceError, match=r"E_PARAMETRE_INCONNU : .*plafond"):
        local_rules(demarche, "rsa", own)


def test_a_rule_that_reads_a_column_the_file_lacks_is_refused(people):
    """The name of the column is said, as for any other column."""
    with pytest.raises(LinkageError, match=r"E_COLONNE_ABSENTE.*droit_ouvert"):
        read_people(ruled(local_filter="droit_ouvert"), "c2s", PeopleFile(path=people), TODAY)
