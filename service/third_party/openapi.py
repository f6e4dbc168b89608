"""The description of the interface, OpenAPI 3.1, written from what the code itself reads.

Paths, methods and actions come from the routes; bodies and answers from their contracts, whose schemas are those of
the forms that read and write them; who may ask from the authorisation table; which refusals there can be from all of
these. Every status that a route can answer is there: a test compares them with the answers of the whole suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.answers import AgreementName, RunName, UploadName
from service.errors import TITLES
from service.forms import CODE, DIGEST, PARTY, RUN, TEXT, Form, Message
from service.third_party.authorisation import RIGHTS, Role
from service.third_party.contract import Contract
from service.third_party.lifecycle import depends_on_state
from service.third_party.routing import Route

__all__ = ["describe", "statuses_of"]

_PATH_FORMS: Mapping[str, Form] = {"run": RUN, "upload": RUN, "agreement": DIGEST, "party": PARTY, "sender": PARTY}
_ALWAYS = (413, 429, 500, 503, 507)  # headers too large, too often, a fault, busy, disk full
_WITH_BODY = (408, 411, 413, 422)
_NAMES: Mapping[type[Message], str] = {AgreementName: "agreement", RunName: "run", UploadName: "upload"}
_SAYS = {
    400: "Ce n'est pas une requête HTTP.",
    401: "Signature absente, fausse, périmée ou déjà employée : une seule et même réponse.",
    403: "La partie n'a pas ce droit sur cet objet.",
    404: "L'objet n'existe pas ou ne concerne pas la partie : une seule et même réponse.",
    408: "Le contenu arrive trop lentement.",
    409: "Impossible à cette étape, ou autre chose est déjà déposé.",
    411: "La longueur du contenu n'est pas annoncée.",
    413: "En-têtes ou contenu trop grands.",
    422: "Le contenu est faux ; `source` dit où.",
    429: "Trop de demandes ; `Retry-After` dit quand revenir.",
    500: "Erreur du service.",
    503: "Service occupé ; `Retry-After` dit quand revenir.",
    507: "Plus d'espace.",
}
_ERROR = {
    "type": "object",
    "description": "Un refus.",
    "additionalProperties": False,
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["code", "detail", "source", "title"],
                "properties": {
                    "code": dict(CODE.schema),
                    "title": {"type": "string", "enum": [*sorted(set(TITLES.values())), "Demande refusée"]},
                    "detail": {"type": "string"},
                    "source": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        }
    },
}
_SECURITY = {
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421, Ed25519, tag allervers-v1 : voir docs/integrators.md.",
    },
    "signatureInput": {"type": "apiKey", "in": "header", "name": "Signature-Input", "description": "RFC 9421."},
}


def statuses_of(route: Route) -> tuple[int, ...]:
    """Every status that a route can answer, in order."""
    contract = route.contract
    found = {contract.status, *contract.also, *_ALWAYS}
    roles = RIGHTS.get(route.action, frozenset())
    if Role.ANYONE not in roles:
        found.add(401)
    if "{" in route.path:
        found.add(404)
    if roles and not roles & {Role.ANYONE, Role.ENROLLED, Role.MEMBER}:
        found.add(403)
    if depends_on_state(route.action):
        found.add(409)
    if contract.body is not None:
        found.update(_WITH_BODY)
    return tuple(sorted(found))


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    kinds: dict[str, type[Message]] = {}
    routes = tuple(routes)
    for route in routes:
        method = route.method.lower()
        operation = paths.setdefault(route.path, {})[method] = _operation(route)
        if links := _links(route, routes):
            operation["responses"][str(route.contract.status)]["links"] = links
        contract = route.contract
        for form in (contract.answer, contract.body, *contract.query.values()):
            if isinstance(form, Form) and form.kind is not None:
                kinds |= {kind.__name__: kind for kind in form.kind.parts()}
    schemas: dict[str, Any] = {name: kinds[name].schema() for name in sorted(kinds)}
    schemas["Refus"] = _ERROR
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "allervers : tiers de confiance",
            "version": "1",
            "description": "Rapprocher des fichiers de personnes sans les échanger. Codes des refus : docs/guide-agent.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


def _operation(route: Route) -> dict[str, Any]:
    contract = route.contract
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": (route.endpoint.__doc__ or "").split("\n", 1)[0],
        "security": [] if route.is_open else [{"signature": [], "signatureInput": []}],
        "parameters": [*_in_path(route), *_in_query(contract), *_in_headers(contract)],
        "responses": {str(status): _response(contract, status) for status in statuses_of(route)},
    }
    if isinstance(contract.body, Form):
        content = {"application/json": {"schema": dict(contract.body.schema)}}
        operation["requestBody"] = {"required": True, "content": content}
    elif contract.body is not None:
        schema = {"type": "string", "format": "binary"}
        operation["requestBody"] = {"required": True, "content": {contract.body: {"schema": schema}}}
    return operation


def _links(route: Route, routes: Iterable[Route]) -> dict[str, Any]:
    """Where the name that an answer gives leads to."""
    answer = route.contract.answer
    made = _NAMES.get(answer.kind) if answer is not None and answer.kind is not None else None
    if made is None:
        return {}
    given = {name: f"$request.path.{name}" for name in route.names} | {made: f"$response.body#/data/{made}"}
    return {one.name: {"operationId": one.name, "parameters": given} for one in routes if set(one.names) == set(given)}


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": dict(_PATH_FORMS.get(name, TEXT).schema)}
        for name in route.names
    ]


def _in_query(contract: Contract) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": True, "schema": dict(form.schema)}
        for name, form in contract.query.items()
    ]


def _in_headers(contract: Contract) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "schema": dict(form.schema)}
        for name, form in contract.headers.items()
    ]


def _response(contract: Contract, status: int) -> dict[str, Any]:
    if status != contract.status:
        refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Refus"}}}
        headers = {"Retry-After": {"schema": {"type": "string"}}} if status in (429, 503) else {}
        return {"description": _SAYS[status], "content": refusal, **({"headers": headers} if headers else {})}
    if contract.answer is None:
        return {"description": "Fait."}
    schema: dict[str, Any] = dict(contract.answer.schema)
    if not contract.bare:
        schema = {
            "type": "object",
            "additionalProperties": False,
            "required": ["data"],
            "properties": {"data": schema},
        }
    return {"description": "Fait.", "content": {"application/json": {"schema": schema}}}
