"""Results against the truth, today's way and the floors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linkage.formula import Formula
from service.demarche import load_demarche
from service.demonstration.score import Line, _entities, _exact_join, _floor, told
from service.demonstration.town_files import Part

EXCLUDES = Formula(comparison="c2s", asked=False)
ASKS = Formula(comparison="c2s")
LINE = Line(
    demarche="c2s-rsa", output="resultats", recipient="rsa", rule="rsa - c2s", use="attribution", parties={"rsa": 9, "c2s": 4},
    eligible=1000, hits=1000, right=1000, awards=1000, awards_right=1000, lost=0, useless=0, unselected=0,
    messages={"courrier": 3}, today_right=990, today_hits=1010, disclosed=400, seconds=2.0,
)  # fmt: skip


def part(name: str, ids: str, entity: list[int], *, keys: str = "", selected: str = "") -> Part:
    """One row a letter; `keys` are the surnames by which an exact join would compare."""
    return Part(
        operand=name, party=name, path=Path(name), ids=tuple(ids), entity=tuple(entity), taken=np.ones(len(ids), dtype=bool),
        selected=np.array([one in (selected or ids) for one in ids]), blind={}, profile="certifie", contacts={},
        identity={"nom_naissance": list(keys or ids), "prenoms": ["X"] * len(ids), "date_naissance": ["1"] * len(ids)},
    )  # fmt: skip


PARTS = {"rsa": part("rsa", "abcd", [1, 2, 3, 4]), "c2s": part("c2s", "wxyz", [1, 2, 5, 6])}


@pytest.mark.parametrize(
    ("changes", "formula", "words"),
    [
        ({}, EXCLUDES, ""),
        ({"awards_right": 988}, EXCLUDES, ""),
        ({"awards_right": 987}, EXCLUDES, "précision"),
        ({"lost": 2}, EXCLUDES, ""),
        ({"lost": 3}, EXCLUDES, "cachées"),
        ({"lost": 9, "unselected": 7}, EXCLUDES, ""),
        ({"lost": 9, "unselected": 3, "missed": 3}, EXCLUDES, "3 personnes"),
        ({"right": 600, "lost": 400}, ASKS, "rappel"),
        ({"right": 960, "lost": 40}, ASKS, ""),
        ({"right": 953, "lost": 47}, ASKS, "rappel"),
    ],
)
def test_a_floor_is_missed_beyond_its_slack(changes, formula, words):
    """Awards by two people; the hidden by .2 %; recall by three standard errors: .97 - .0164 of a thousand."""
    found = _floor(replace(LINE, **changes), PARTS, formula)
    assert (bool(words), True) == (bool(found), words in found)


def test_a_composition_is_held_to_both_floors():
    """People hidden by a link, and people of whom a link was not found, each against its own."""
    both = Formula(parts=(ASKS, Formula(comparison="c2s", asked=False)))
    assert "" == _floor(replace(LINE, lost=30, missed=28, right=970), PARTS, both)
    assert "cachées" in _floor(replace(LINE, lost=30, missed=20, right=970), PARTS, both)
    assert "rappel" in _floor(replace(LINE, lost=60, missed=60, right=940), PARTS, both)


def test_households_are_resolved_as_the_tool_does():
    """Rows a and b are one household: where the rule only excludes, both must be left; else one of them is enough."""
    demarche = load_demarche("cheque-energie-exceptionnel")
    home = part("nouveaux", "abc", [1, 1, 2])
    assert {2} == _entities(demarche, home, {"a", "c"}, Formula(comparison="x", asked=False))
    assert {1, 2} == _entities(demarche, home, {"a", "b", "c"}, Formula(comparison="x", asked=False))
    assert {1, 2} == _entities(demarche, home, {"a", "c"}, Formula(comparison="x"))
    assert {1} == _entities(
        demarche, part("nouveaux", "ab", [1, 1], selected="a"), {"a"}, Formula(comparison="x", asked=False)
    )
    assert {1} == _entities(load_demarche("c2s-rsa"), home, {"a"}, Formula(comparison="x", asked=False))


def test_todays_way_joins_what_is_written():
    """The person whose name is another in the other file is given all the same, whoever is not selected is not."""
    parts = {
        "rsa": part("rsa", "abcd", [1, 2, 3, 4], keys="ABCD", selected="abc"),
        "c2s": part("c2s", "wx", [1, 2], keys="AZ"),
    }
    entity = dict(zip(parts["rsa"].ids, parts["rsa"].entity, strict=True))
    assert {2, 3} == _exact_join(load_demarche("c2s-rsa"), parts, ("resultats", "rsa"), entity)


def test_a_line_says_all_that_is_asked():
    """Parties, rule, sizes, hits, precision, recall, lost, time, messages, today's way; reasons and floor where there are."""
    text = told(LINE)
    for words in ("rsa 9, c2s 4", "[rsa - c2s]", "éligibles 1000", "résultats 1000", "précision 1.0000", "rappel 1.0000",
                  "perdues 0", "courrier 3", "990 à raison sur 1010", "2 s", "attributions 1000 (0 à tort)"):  # fmt: skip
        assert words in text
    assert 1 == len(text.splitlines())
    more = told(
        replace(LINE, lost=4, unselected=4, why_lost={"pourquoi": 4}, why_useless={"autre": 1}, floor="plancher")
    )
    assert "(dont 4 que le fichier ne sélectionne pas)" in more
    assert [
        "    4 perdue(s) : pourquoi",
        "    1 inutile(s) : autre",
        "    PLANCHER MANQUÉ : plancher",
    ] == more.splitlines()[1:]
