"""Templates of messages: read, compiled in a sandbox, rendered; and the phrases of steps.

Templates run in Jinja's immutable sandbox: nothing to load, no extension, no global function; unknown names are refused. They
are files of the tool (``service/gabarits``) or an administration's own, in UTF-8.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from service.errors import ServiceError

__all__ = ["Phrases", "own_text", "read_steps", "rendered", "shipped"]

_KEYS = {"objet", "bref", "phrase"}


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """What a step says."""

    objet: str
    bref: str
    phrase: str


def rendered(name: str, source: str, values: Mapping[str, Any]) -> str:
    """A template with its values.

    Args:
        name: of the template, for refusals.
        source: its text.
        values: all that it may use.

    Raises:
        ServiceError: `E_GABARIT`.
    """
    try:
        return _compiled(source).render(values).strip() + "\n"
    except UndefinedError as error:
        sentence = f"{name} : le gabarit emploie un mot inconnu ; employez : {', '.join(sorted(values))}"
        raise ServiceError("E_GABARIT", sentence) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ServiceError("E_GABARIT", f"{name} : le gabarit ne se lit pas ({type(error).__name__})") from error


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    return _environment().from_string(source)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    """One for all texts: nothing to load, no extension, no global function."""
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=False, loader=DictLoader({})
    )
    environment.globals.clear()
    return environment


def own_text(path: Path) -> str:
    """A template of the administration's own.

    Raises:
        ServiceError: `E_GABARIT`, not in UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ServiceError(
            "E_GABARIT", f"{path.name} n'est pas en UTF-8 : enregistrez-le de nouveau en UTF-8"
        ) from None


@cache
def shipped(name: str) -> str:
    """A template of the tool.

    Raises:
        ServiceError: `E_GABARIT`, no such one.
    """
    place = resources.files("service").joinpath("gabarits", name)
    if not place.is_file():
        raise ServiceError("E_GABARIT", f"aucun gabarit ne s'appelle « {name} »")
    return place.read_text("utf-8")


def read_steps(text: str) -> dict[str, Phrases]:
    """What each step says, from ``etapes.toml``.

    Raises:
        ServiceError: `E_GABARIT`.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ServiceError("E_GABARIT", f"etapes.toml n'est pas du TOML valide : {error}") from error
    for name, table in tables.items():
        if (
            not isinstance(table, dict)
            or set(table) != _KEYS
            or not all(isinstance(one, str) for one in table.values())
        ):
            raise ServiceError("E_GABARIT", f"etapes.toml, [{name}] : trois textes, objet, bref et phrase")
    return {name: Phrases(**table) for name, table in tables.items()}
