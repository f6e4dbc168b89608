"""What carries requests: see test_client for what they are; here, what is repeated and what is not an answer."""

from __future__ import annotations

import pytest

from service.administration.signed_http import array, foreign, member, text
from service.errors import ServiceError
from tests.test_client import Line, data, refusal


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_may_go_better_later_is_repeated(status):
    """Once more, after a pause."""
    line = Line(refusal("E_INDISPONIBLE", status), data([]))
    with line.client() as client:
        assert [] == client.runs()
    assert 2 == len(line.requests)


def test_a_document_is_not_under_data():
    """The description of the interface is a document of its own."""
    import httpx2

    line = Line(httpx2.Response(200, json={"openapi": "3.1.0"}))
    with line.client() as client:
        assert {"openapi": "3.1.0"} == client.interface()


def test_parts_of_an_answer_are_of_their_form():
    """Or it is not one of ours."""
    assert ("x", [1], "y") == (member({"a": "x"}, "a"), array([1]), text({"b": "y"}, "b"))
    for wrong in (lambda: member([], "a"), lambda: text({"b": 1}, "b"), lambda: array({})):
        with pytest.raises(ServiceError, match="E_REPONSE"):
            wrong()
    assert "HTTP 500" in foreign(500).message
