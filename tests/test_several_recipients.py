"""Rules of several outputs and several recipients through the real protocol: each learns its own hits and no more.

a, b and c are `caf`, `cnous` and `dgfip`: people 0–149, 50–199 and 100–249 (`tests.three_parties`). Expected people follow from
the oracle on plain identities. Chance brings strangers near: by the thresholds at most 0.15 certain links and 1.5 grey ones are
expected of a comparison here, so that with two of them `CERTAIN` and `DOUBTFUL` are passed less than once in ten thousand runs.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.administration import jetons
from service.administration.inbox import collect_hits
from service.errors import ServiceError
from tests.oracle_rules import hit
from tests.simulator import simulation
from tests.three_parties import COUNT, OPERANDS, PEOPLE, ThreeParties, demarche_text

WORLD = {
    operand: {party: frozenset(range(PEOPLE[party], PEOPLE[party] + COUNT))} for party, operand in OPERANDS.items()
}
PARTY = {operand: party for party, operand in OPERANDS.items()}
CERTAIN, DOUBTFUL = 4, 12  # Poisson of 0.3 and 3


def several(outputs: dict[str, tuple[str, str]], kind: str, fresh: str) -> str:
    """The démarche of `demarche_text` with outputs, each an expression and who receives it."""
    text = demarche_text("a & b - c", payload=False)
    told = "".join(f'{name}_a = "{to}"\n' for name, (_, to) in outputs.items())
    sorties = "".join(
        f'[regle.sorties.{name}]\nexpression = "{expression}"\nusage = "attribution"\nlibelle = "{name}"\n'
        for name, (expression, _) in outputs.items()
    )
    freshness = "".join(f'[regle.fraicheur.{one}]\nage_max = "P30D"\nabsence_fiable = true\n' for one in fresh)
    head, rest = text.split("[regle]\n")
    tail = rest[rest.index("[identite]") :].replace('resultats_a = "a"\n', told)
    return f'{head}[regle]\ntype = "{kind}"\n{sorties}{freshness}{tail}'


def expected(tree: Any, operand: str) -> set[int]:
    """The hits of the holder of an operand, on plain identities."""
    party = PARTY[operand]
    return {who for who in WORLD[operand][party] if hit(tree, who, (operand, party), WORLD)}


def one(name: str) -> Any:
    return ("one", name)


def judged(three: ThreeParties, party: str, found: Any, people: set[int]) -> None:
    """Hits are the people expected but for what thresholds allow; nobody stands in both lists."""
    certain = set(three.people(party, found.hits.certain))
    doubtful = set(three.people(party, found.hits.information))
    assert not certain & doubtful
    assert len(people - certain - doubtful) <= CERTAIN
    assert len(certain - people) <= CERTAIN
    assert len(people ^ (certain | doubtful)) <= DOUBTFUL
    assert len(people - certain) <= DOUBTFUL


@pytest.fixture(scope="module")
def cascade(tmp_path_factory):
    """`dedup(a > b > c)`: each of the three receives its own."""
    folder = tmp_path_factory.mktemp("cascade")
    text = several({"versement": ("dedup(a > b > c)", "detenteur_du_jeton")}, "cascade_priorite", "")
    with simulation(folder / "data") as sim:
        yield ThreeParties(sim, folder, text=text, joiners={"dgfip": "caf"}, objecting={"caf": [60, 120]}).delivered()


def test_a_cascade_needs_a_comparison_for_each_pair_and_a_joiner_for_the_last(cascade):
    """The first asks nothing, the second compares once, the third twice and never sees of which the links were."""
    agreement = cascade.agreement
    assert ["cnous.caf", "dgfip.caf", "dgfip.cnous"] == [one.id for one in agreement.comparisons]
    assert [
        ("caf", (), ()),
        ("cnous", (), ("cnous.caf",)),
        ("dgfip", (), ("dgfip.caf", "dgfip.cnous")),
    ] == [(one.recipient, one.requires, one.excludes) for one in agreement.outputs]
    assert [("dgfip", "caf")] == [(one.recipient, one.joiner) for one in agreement.joiners]
    assert {"caf", "cnous", "dgfip"} == agreement.receivers


def test_each_person_of_a_cascade_is_paid_once_by_the_first_that_has_it(cascade):
    """All of a, b without a, c without both; who objects at a is nobody's, as b and c still find it there."""
    tree = ("dedup", one("a"), one("b"), one("c"))
    found = {party: cascade.collected(party).found["versement"] for party in OPERANDS}
    mine = cascade.people("caf", found["caf"].hits.certain)
    assert sorted(expected(tree, "a") - {60, 120}) == mine
    assert not found["caf"].hits.information.any()
    for party in ("cnous", "dgfip"):
        judged(cascade, party, found[party], expected(tree, OPERANDS[party]))
    told = [who for party in OPERANDS for who in cascade.people(party, found[party].hits.certain)]
    assert len(told) - len(set(told)) <= CERTAIN
    assert not {60, 120} & set(told)


def test_controls_of_a_cascade_come_back_to_those_who_compare(cascade):
    """The first has none to look for; the others know that their links were not dropped."""
    recalls = {party: cascade.collected(party).recall for party in OPERANDS}
    assert (0, 0) == (recalls["caf"].found, recalls["caf"].expected)
    for party in ("cnous", "dgfip"):
        assert recalls[party].expected >= cascade.agreement.controls
        assert recalls[party].enough


def test_the_first_of_a_cascade_is_delivered_nothing_but_may_join(cascade):
    """It holds no delivery of its own; those it reads are the third's, as its joiner."""
    views = cascade.parties["caf"].get(f"/runs/{cascade.run}/deliveries")
    assert {"dgfip.caf", "dgfip.cnous"} == {one["comparison"] for one in views}
    with pytest.raises(ServiceError, match="E_ETAPE"):
        jetons.post_jetons(cascade.seats["caf"], cascade.clients["caf"])


def test_an_output_that_asks_and_one_that_excludes_use_one_comparison(tmp_path):
    """`a & b` and `a - b`, both for a: two lists, no joiner; c's output of its own is c's alone."""
    outputs = {"connus": ("a & b", "a"), "a_informer": ("a - b", "a"), "propres": ("c - (a | b)", "c")}
    with simulation(tmp_path / "data") as sim:
        text = several(outputs, "composition", "ab")
        three = ThreeParties(
            sim, tmp_path, text=text, joiners={"dgfip": "cnous"}, objecting={"cnous": [70]}
        ).delivered()
        found = three.collected("caf").found
        assert ["a_informer", "connus"] == list(found)
        judged(three, "caf", found["connus"], expected(("and", one("a"), one("b")), "a"))
        judged(three, "caf", found["a_informer"], expected(("minus", one("a"), one("b")), "a"))
        # Excluded by the second, whoever objects at b stays in the comparison, and gains no letter by objecting.
        informed = found["a_informer"].hits
        assert 70 not in three.people("caf", informed.certain)
        both = found["connus"].hits.certain & (informed.certain | informed.information)
        assert not both.any()
        own = three.collected("dgfip").found["propres"]
        judged(three, "dgfip", own, expected(("minus", one("c"), ("or", one("a"), one("b"))), "c"))
        with pytest.raises(ServiceError, match="E_SANS_RESULTATS"):
            collect_hits(three.seats["cnous"], three.clients["cnous"], three.sim.third_party)


def test_whoever_objects_at_a_source_that_sends_its_objections_is_no_hit_by_another_either(tmp_path):
    """`(b | c) & a`: an objection at c alone leaves the link of b; one at b, which sends them, takes the person away."""
    outputs = {"resultats": ("(b | c) & a", "a")}
    objecting = {"cnous": [60, 110, 115], "dgfip": [110, 120], "caf": [130]}
    with simulation(tmp_path / "data") as sim:
        text = several(outputs, "intersection", "")
        three = ThreeParties(
            sim, tmp_path, text=text, joiners={"caf": "dgfip"}, objecting=objecting, objections={"cnous": 100}
        )
        three.delivered()
        assert ["caf.cnous", "caf.cnous.oppositions", "caf.dgfip"] == [one.id for one in three.agreement.comparisons]
        outbox = three.seats["cnous"].folder.path / "outbox" / "caf.cnous.oppositions"
        sent = [json.loads(path.read_bytes())["count"] for path in outbox.glob("*/draft.json")]
        assert {100 + three.agreement.controls} == set(sent)  # not the three who object
        found = three.collected("caf")
        people = expected(("and", ("or", one("b"), one("c")), one("a")), "a")
        judged(three, "caf", found.found["resultats"], people - {60, 110, 115, 130})
        told = three.people("caf", found.found["resultats"].hits.certain | found.found["resultats"].hits.information)
        assert not {60, 110, 115, 130} & set(told)
        assert found.recall.enough
