"""What relatives add to the exposure of a pass."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from benchmarks.relatives import main, related
from linkage.synthetic.people import population


def test_relatives_are_those_that_the_words_say():
    """Sixty of two hundred people, pair by pair: parent and child, siblings, spouses, and the same of one's spouse."""
    people = population(200, 3)
    rows = np.sort(np.random.default_rng(0).permutation(200)[:60])
    found = related(people, rows)
    assert [[kin(people, one, other) for other in rows.tolist()] for one in rows.tolist()] == found.tolist()
    assert found.any()


def test_a_line_a_pass_adds_up(capsys):
    """κ² of a pass is what strangers make of it and what relatives add."""
    assert 0 == main(["--n", "600", "--blocks", "2", "--profile", "standard", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["jour", "annee", "noms", "usage"] == [line["of"] for line in lines]
    for line in lines:
        assert line["others"] <= line["kappa"]
        most = line["others"] ** 2 + line["length"] * line["weight"] / (line["block"] / 2)
        assert line["kappa"] ** 2 <= most * 1.05
        assert {
            0.0 <= line[name] <= 1.0 for name in ("all_with", "all_without", "tenth_with", "tenth_without", "having")
        } == {True}
        (_, _), (having, found) = line["counts"]["all"]
        assert line["all_with"] == pytest.approx(found / max(1, having), abs=1e-4)
        assert line["ratio"] == pytest.approx(line["kappa"] / line["expected"], abs=0.01)


def kin(people, one: int, other: int) -> bool:
    """By the words alone."""
    return one != other and any(near(people, a, b) for a, b in ((one, other), (other, one)))


def near(people, one: int, other: int) -> bool:
    """One's sibling, spouse or parent, or that of one's spouse, is the other; or their spouses are siblings."""
    mine = [person for person in (one, int(people.spouse[one])) if person >= 0]
    close = {int(parent[person]) for person, parent in product(mine, (people.father, people.mother))}
    own, others = ({int(people.family[person]) for person in of} for of in (mine, [other]))
    spouse = int(people.spouse[other])
    both = spouse >= 0 and len(mine) > 1 and people.family[spouse] == people.family[mine[1]]
    return other in close or other == int(people.spouse[one]) or bool(own & others) or bool(both)
