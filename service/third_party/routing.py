"""Routes: an address, a method, the action that is asked for, what goes in and out, and the function that does it.

A route cannot be written without an action and a contract, so none is served that is open by mistake or undescribed. Its
function is called with what `admission` has admitted, the names that stand in the address and, where the contract has one,
the body. Addresses are compared piece by piece: `{name}` stands for one piece that is not empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from starlette.responses import Response

from service.errors import ServiceError, absent
from service.third_party.authorisation import RIGHTS, Role
from service.third_party.contract import Contract
from service.third_party.lifecycle import Action

__all__ = ["Endpoint", "Route", "Router", "Table"]

Endpoint = Callable[..., Response]

E = TypeVar("E", bound=Endpoint)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route."""

    method: str
    path: str  # with the names of its variable pieces in braces
    action: Action
    contract: Contract
    endpoint: Endpoint
    first: Callable[..., Any] | None = None  # finds what the request is about before its body is read
    together: bool = False  # a short reading, done with those of other requests in one transaction

    @property
    def name(self) -> str:
        """That of its function."""
        return str(getattr(self.endpoint, "__name__", ""))

    @cached_property
    def pieces(self) -> tuple[str | None, ...]:
        """The pieces of its path; None for a variable one."""
        return tuple(None if piece.startswith("{") else piece for piece in self.path.split("/"))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of its variable pieces, in order."""
        return tuple(piece[1:-1] for piece in self.path.split("/") if piece.startswith("{"))

    @cached_property
    def is_open(self) -> bool:
        """Whether anybody may ask, without a signature."""
        return Role.ANYONE in RIGHTS.get(self.action, frozenset())


class Router:
    """Routes of one subject, as their decorators add them.

    Args:
        prefix: what all their paths begin with.
    """

    def __init__(self, prefix: str = "") -> None:
        self.routes: list[Route] = []
        self._prefix = prefix

    def get(self, path: str, action: Action, contract: Contract, *, together: bool = False) -> Callable[[E], E]:
        """A route that reads.

        Args:
            path: after the prefix.
            action: what is asked for.
            contract: what goes in and out.
            together: it reads little, always: it is answered in one transaction with others, in their thread.
        """
        return self._adder("GET", path, action, contract, together=together)

    def post(self, path: str, action: Action, contract: Contract) -> Callable[[E], E]:
        """A route that changes something."""
        return self._adder("POST", path, action, contract)

    def put(
        self, path: str, action: Action, contract: Contract, *, first: Callable[..., Any] | None = None
    ) -> Callable[[E], E]:
        """A route that stores something under a name.

        Args:
            path: after the prefix.
            action: what is asked for.
            contract: what goes in and out.
            first: called with the visit and the names before the body is read; the route's function is given what
                it finds instead of the names.
        """
        return self._adder("PUT", path, action, contract, first=first)

    def _adder(self, method: str, path: str, action: Action, contract: Contract, **more: Any) -> Callable[[E], E]:
        def add(endpoint: E) -> E:
            self.routes.append(
                Route(
                    method=method,
                    path=f"{self._prefix}{path}",
                    action=action,
                    contract=contract,
                    endpoint=endpoint,
                    **more,
                )
            )
            return endpoint

        return add


class Table:
    """All routes of an application, by the number of pieces of their paths."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._shapes: dict[int, dict[tuple[str | None, ...], dict[str, Route]]] = {}
        for route in routes:
            self._shapes.setdefault(len(route.pieces), {}).setdefault(route.pieces, {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route that serves a request, and the variable pieces of its path by name.

        Raises:
            ServiceError: `E_INTROUVABLE` (404), there is no such address; `E_METHODE` (405), it has no such method.
        """
        pieces = path.split("/")
        if "\0" in path:  # which no name has, and PostgreSQL no text
            raise absent()
        for shape, methods in self._shapes.get(len(pieces), {}).items():
            if all(piece == known if known is not None else piece for piece, known in zip(pieces, shape, strict=True)):
                route = methods.get(method)
                if route is None:
                    allowed = {"allow": ", ".join(sorted(methods))}
                    sentence = "cette adresse ne permet pas cette méthode."
                    raise ServiceError("E_METHODE", sentence, 405, headers=allowed)
                values = [piece for piece, known in zip(pieces, shape, strict=True) if known is None]
                return route, dict(zip(route.names, values, strict=True))
        raise absent()
