"""The agreement document: exact, ordered, named by its digest, signed by its digest."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from crypto.errors import SignatureRefused
from crypto.framing import canonical_json
from crypto.keys import Identity
from service.administration.agreement_commands import _describe
from service.administration.terminal import Terminal
from service.agreement import Agreement
from service.errors import ServiceError
from tests.simulator import agreement_between

THIRD, CAF, CNOUS = (Identity.generate(name, name.upper()) for name in ("tiers-de-confiance", "caf", "cnous"))
AGREEMENT = agreement_between(THIRD.public, CAF.public, CNOUS.public)


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """The document with one value replaced."""
    document: Any = copy.deepcopy(AGREEMENT.to_json())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return dict(document)


def test_the_document_is_read_and_written_back():
    """What is signed is what is read: the same object, the same bytes, through any JSON writer."""
    document = AGREEMENT.to_json()
    assert AGREEMENT == Agreement.from_json(json.loads(json.dumps(document)))
    assert canonical_json(document) == AGREEMENT.to_bytes()


def test_the_identifier_is_the_digest_of_the_canonical_document():
    """T is the SHA-256 of the canonical JSON, and follows every value."""
    text = json.dumps(AGREEMENT.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == AGREEMENT.identifier
    other = Agreement.from_json(changed("max_runs", to=4))
    assert AGREEMENT.identifier != other.identifier


def test_the_signature_is_of_this_document_by_this_key():
    """Neither another key nor another document passes."""
    signature = AGREEMENT.signature(CAF.signing_key)
    AGREEMENT.check_signature(CAF.public.signing_key, signature)
    with pytest.raises(SignatureRefused):
        AGREEMENT.check_signature(CNOUS.public.signing_key, signature)
    with pytest.raises(SignatureRefused):
        Agreement.from_json(changed("purpose", to="attribution")).check_signature(CAF.public.signing_key, signature)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("more",), 1),
        (("parties", 0, "more"), 1),
        (("comparisons", 0, "plan", "more"), 1),
        (("comparisons", 0, "id"), "cnous.caf"),
        (("comparisons", 0, "source"), "caf"),
        (("comparisons", 0, "recipient"), "msa"),
        (("comparisons",), []),
        (("parties", 0, "party"), "zoo"),
        (("outputs", 0, "grey_policy"), "autre"),
        (("outputs", 0, "recipient"), "cnous"),
        (("outputs", 0, "recipient"), "msa"),
        (("outputs", 0, "requires"), []),
        (("outputs", 0, "requires"), ["caf.cnous", "caf.cnous"]),
        (("outputs", 0, "excludes"), ["caf.cnous"]),
        (("outputs", 0, "excludes"), ["caf.msa"]),
        (("outputs",), []),
        (("parties", 0, "role"), "reference"),
        (("max_runs",), 0),
        (("nonce",), "00"),
        (("valid", "not_after"), "2020-01-01T00:00:00Z"),
        (("comparisons", 0, "plan", "passes", 0, "name"), "../x"),
        (("comparisons", 0, "plan", "passes", 1, "name"), "jour"),
        (("comparisons", 0, "plan", "passes", 0, "length"), 100),
    ],
)
def test_a_document_whose_parts_disagree_is_refused(path, value):
    """Unknown members, unsorted or unknown parties, odd names and impossible plans are refused."""
    with pytest.raises(ServiceError) as caught:
        Agreement.from_json(changed(*path, to=value))
    assert caught.value.code in {"E_MESSAGE", "E_PLAN"}


def test_parties_come_sorted_and_once():
    """The order is part of the document, so there is only one."""
    parties = AGREEMENT.to_json()["parties"]
    assert isinstance(parties, list)
    for wrong in (parties[::-1], [parties[0], parties[0]], parties[:1]):
        with pytest.raises(ServiceError) as caught:
            Agreement.from_json(changed("parties", to=wrong))
        assert "E_MESSAGE" == caught.value.code


def test_a_document_answers_about_its_parts():
    """Members, comparisons and passes are found by name, and nothing else is."""
    assert frozenset({"caf", "cnous"}) == AGREEMENT.members
    comparison = AGREEMENT.comparison("caf.cnous")
    assert comparison is not None
    assert ("caf", "cnous") == comparison.parties
    assert None is AGREEMENT.comparison("cnous.caf")
    plan = comparison.pass_plan("noms")
    assert plan is not None
    assert "noms" == plan.name
    assert None is comparison.pass_plan("autre")


def test_objections_that_nobody_would_hear_are_named():
    """A source whose links are asked for and excluded keeps everybody, unless it sends those who object apart."""
    (output,), (asked,) = AGREEMENT.outputs, AGREEMENT.comparisons
    excluding = replace(output, name="z", requires=(), excludes=output.requires)
    both = replace(AGREEMENT, outputs=(output, excluding))
    apart = replace(asked, id="caf.cnous.oppositions", subject="oppositions")
    assert ((), (), (asked,)) == (AGREEMENT.unheard, replace(AGREEMENT, outputs=(excluding,)).unheard, both.unheard)
    assert () == replace(both, comparisons=(asked, apart)).unheard


def test_whoever_reads_an_agreement_is_told_of_them(capsys):
    """With what to add to the proposal."""
    (output,) = AGREEMENT.outputs
    excluding = replace(output, name="z", requires=(), excludes=output.requires)
    _describe(Terminal(), replace(AGREEMENT, outputs=(output, excluding)), None)
    assert "--objections cnous=NOMBRE" in capsys.readouterr().err
    _describe(Terminal(), AGREEMENT, None)
    assert "" == capsys.readouterr().err
