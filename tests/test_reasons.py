"""Why somebody was lost or told for nothing: looked up in a rehearsal, on files whose truth is moved by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.demonstration.catalogue import DAY
from service.demonstration.reasons import Bench, Reason, declared, tally
from service.demonstration.truth import eligible
from tests.small_town import files

WHICH = ("resultats", "familles")


@pytest.fixture(scope="module")
def canteen(tmp_path_factory):
    return files("cantine-qf", tmp_path_factory.mktemp("canteen"))


def test_a_link_to_somebody_else(canteen):
    """Everybody of the source becomes another person: whoever is linked is linked wrongly, and most attributes agree."""
    demarche, parts, parameters = canteen
    people = eligible(demarche, parts, *WHICH)[0]
    strangers = replace(parts["caf"], entity=tuple(-one - 1 for one in parts["caf"].entity))
    found = Bench(demarche, parts | {"caf": strangers}, parameters, DAY).useless(WHICH, people)
    kinds = [one.kind for one in found.values()]
    assert kinds.count("lien_faux") >= 0.8 * len(people) > 20
    assert {"lien_faux", "cles"} >= set(kinds)
    some = next(one for one in found.values() if one.kind == "lien_faux")
    assert ("caf", True) == (some.operand, "nom_naissance" in some.attributes or "prenoms" in some.attributes)


def test_a_link_that_is_not_there(canteen):
    """Rows of two strangers are said to be one person: they are not linked, and what differs is said."""
    demarche, parts, parameters = canteen
    families, source = (set(parts[name].entity) for name in ("familles", "caf"))
    alone = sorted(families - source)
    same = dict(zip(sorted(source - families), alone, strict=False))
    moved = replace(parts["caf"], entity=tuple(same.get(one, one) for one in parts["caf"].entity))
    found = Bench(demarche, parts | {"caf": moved}, parameters, DAY).lost(WHICH, alone)
    missed = [one for one in found.values() if one.kind == "lien_manque"]
    assert len(missed) >= 0.8 * len(alone) > 0
    assert all(one.attributes and one.passes in ("sous le seuil", "aucune passe ne les réunit") for one in missed)


def test_whom_a_file_does_not_select(tmp_path):
    """Somebody is said to take part whom the file leaves out, and the other way round: the reason is the file."""
    demarche, parts, parameters = files("transport-solidaire", tmp_path)
    grants, which = parts["boursiers"], ("chez_source", "boursiers")
    inside, outside = int(np.flatnonzero(grants.selected)[0]), int(np.flatnonzero(~grants.selected)[0])
    taken = grants.taken.copy()
    taken[[inside, outside]] = [False, True]
    bench = Bench(demarche, parts | {"boursiers": replace(grants, taken=taken)}, parameters, DAY)
    found = [
        *bench.lost(which, [grants.entity[outside]]).values(),
        *bench.useless(which, [grants.entity[inside]]).values(),
    ]
    assert [Reason(kind="selection")] * 2 == found


def test_reasons_are_sentences_and_counts(canteen):
    """The most frequent first; no value of a file in them."""
    one = Reason(kind="lien_manque", operand="caf", attributes=("prenoms",), passes="sous le seuil")
    assert "lien manqué avec « caf » (sous le seuil) : prénom en désaccord" == one.text
    assert {"sélection : une valeur du fichier n'est plus vraie": 2, one.text: 1} == tally(
        [one, *[Reason(kind="selection")] * 2]
    )
    people = int(canteen[1]["caf"].taken.sum())
    assert people < declared(canteen[1]["caf"]) < 1.05 * people  # beyond which the guard of sizes holds a run
