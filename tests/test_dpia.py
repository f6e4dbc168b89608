"""The skeleton of an impact assessment, as the CNIL's tool imports it."""

import json

from service.papers.dpia import dpia_file
from service.papers.holes import holes_in
from tests.papers_case import NOW, case, kept, papers

# Questions of the tool: context, principles, then six for each of the three risks.
QUESTIONS = {
    111, 112, 113, 121, 122, 123, 211, 212, 213, 214, 215, 221, 222, 223, 224, 225, 226, 227,
    *(risk * 10 + number for risk in (32, 33, 34) for number in range(1, 7)),
}  # fmt: skip


def test_the_file_is_the_frozen_one():
    """Word for word."""
    assert kept("aipd.json") == papers()["aipd.json"]


def test_every_question_of_the_tool_has_its_answer():
    """As text or as a list; no member that the tool does not know."""
    document = json.loads(dpia_file(case(), NOW))
    assert {"pia", "answers", "measures", "evaluations", "comments"} == set(document)
    assert QUESTIONS == {one["reference_to"] for one in document["answers"]}
    assert all({"text", "gauge", "list"} == set(one["data"]) for one in document["answers"])
    assert all(bool(one["data"]["text"]) != bool(one["data"]["list"]) for one in document["answers"])


def test_judgements_are_left_to_people():
    """No gauge is set, no evaluation given, and names are holes."""
    document = json.loads(dpia_file(case(), NOW))
    assert {None} == {one["data"]["gauge"] for one in document["answers"]}
    assert [] == document["evaluations"]
    assert 10 <= len(holes_in(json.dumps(document, ensure_ascii=False)))


def test_measures_named_by_a_risk_exist():
    """Titles of measures are those that the file brings along."""
    document = json.loads(dpia_file(case(), NOW))
    titles = {one["title"] for one in document["measures"]}
    named = {
        name
        for one in document["answers"]
        if one["reference_to"] % 10 == 4 and one["reference_to"] > 300
        for name in one["data"]["list"]
    }
    assert titles == named
