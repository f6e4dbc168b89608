"""What a route promises is carried by its decorator, and told by the forms themselves."""

from __future__ import annotations

import json

import pytest

from service.answers import RunView
from service.forms import SCHEMAS, Form, listed, nested
from service.messages import Approval
from service.third_party.api import routes
from service.third_party.contract import CHUNK, NOTHING, reply, says, signed
from service.third_party.routing import Route


def test_a_contract_says_what_its_route_says():
    """What `says` is given is found in it, classes as their forms."""
    contract = says(RunView, 201, body=signed(Approval), also=(409,))
    assert isinstance(contract.answer, Form)
    assert isinstance(contract.body, Form)
    assert (201, (409,)) == (contract.status, contract.also)
    assert {"$ref": f"{SCHEMAS}RunView"} == contract.answer.schema
    assert Approval is contract.body.kind


def test_a_list_refers_to_its_members():
    """The schema of a list names that of its members."""
    form = listed(nested(RunView), 7)
    assert {"type": "array", "maxItems": 7, "items": {"$ref": f"{SCHEMAS}RunView"}} == form.schema
    assert RunView is form.kind


def test_a_signed_statement_names_its_class():
    """Only these two members."""
    schema = signed(Approval).schema
    assert {"$ref": f"{SCHEMAS}Approval"} == schema["properties"]["statement"]
    assert ["signature", "statement"] == schema["required"]
    assert schema["additionalProperties"] is False


def test_nothing_is_null():
    """An answer that says nothing is null, still under `data`."""
    assert {"type": "null"} == NOTHING.schema
    answer = reply(None, 201)
    assert (201, {"data": None}) == (answer.status_code, json.loads(bytes(answer.body)))


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_every_route_says_what_it_takes_and_answers(route: Route):
    """A GET takes no body; no content has no form; everything else has one."""
    contract = route.contract
    assert (contract.status == 204) == (contract.answer is None)
    if route.method == "GET":
        assert contract.body is None
    if route.method == "PUT":
        assert contract.body == CHUNK
