"""A TOML table read like a contract: each entry taken out once, with its type; what is left over is an error.

Refusals are `ServiceError`: `E_DEMARCHE` for an entry that is missing or mistyped, `E_CLE_INCONNUE` for one
too many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from service.errors import ServiceError

__all__ = ["ClosedTable"]

_DURATION = re.compile(r"P(\d{1,4})([DWMY])")
_UNIT = {"D": 1, "W": 7, "M": 1, "Y": 12}


class ClosedTable:
    """A table and its place in the document, for messages. Entries without a default are required."""

    def __init__(self, table: Mapping[str, Any], where: str = "la démarche") -> None:
        self._left = dict(table)
        self._top = where == "la démarche"
        self.where = where

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return not self._left

    def refuse(self, rule: str) -> ServiceError:
        """The refusal of something in this table."""
        return ServiceError("E_DEMARCHE", f"{self.where} : {rule}")

    def text(self, key: str, default: Any = ...) -> str:
        """A text that is not blank."""
        value = self._take(key, str, "un texte", default)
        if value is not default and not value.strip():
            raise self.refuse(f"« {key} » ne peut pas être vide")
        return cast("str", value)

    def maybe(self, key: str) -> str | None:
        """A text that is not blank, or None."""
        return self.text(key) if key in self else None

    def blank_or_text(self, key: str) -> str:
        """A text that may be blank."""
        return cast("str", self._take(key, str, "un texte", ""))

    def flag(self, key: str, default: Any = ...) -> bool:
        """True or false."""
        return cast("bool", self._take(key, bool, "true ou false", default))

    def number(self, key: str, least: int, most: int, default: Any = ...) -> int:
        """An integer within bounds."""
        value = cast("int", self._take(key, int, "un nombre entier", default))
        if not least <= value <= most:
            raise self.refuse(f"« {key} » va de {least} à {most}")
        return value

    def texts(self, key: str, default: Any = ...) -> tuple[str, ...]:
        """A list of texts, none blank."""
        values = self._take(key, list, "une liste de textes", default)
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise self.refuse(f"« {key} » doit être une liste de textes")
        return tuple(values)

    def one_or_more(self, key: str, default: Any = ...) -> tuple[str, ...]:
        """A text, or a list of texts."""
        if isinstance(self._left.get(key), str):
            return (self.text(key),)
        return self.texts(key, default)

    def among(self, key: str, allowed: tuple[str, ...], default: Any = ...) -> str:
        """One of a closed list."""
        value: str = self.text(key, default)
        if value not in allowed:
            raise self.refuse(f"« {key} » doit être l'un de : {', '.join(allowed)}")
        return value

    def listed(self, key: str, allowed: tuple[str, ...], default: Any = ...) -> tuple[str, ...]:
        """Several of a closed list."""
        values = self.texts(key, default)
        if unknown := [value for value in values if value not in allowed]:
            raise self.refuse(f"« {key} » : « {unknown[0]} » est inconnu ; choisissez : {', '.join(allowed)}")
        return values

    def duration(self, key: str, units: str) -> int:
        """An ISO 8601 duration of one unit: in months for `MY`, in days for `DW`."""
        found = _DURATION.fullmatch(self.text(key))
        if found is None or found[2] not in units:
            example = "P12M" if "M" in units else "P7D"
            raise self.refuse(f"« {key} » est une durée comme {example}")
        return int(found[1]) * _UNIT[found[2]]

    def table(self, key: str, default: Any = ...) -> ClosedTable:
        """A table inside this one."""
        name = key if self._top else f"{self.where.strip('[]')}.{key}"
        return ClosedTable(self._take(key, dict, "une table", default), f"[{name}]")

    def several(self, key: str) -> list[ClosedTable]:
        """A table or a list of tables; none by default."""
        name = key if self._top else f"{self.where.strip('[]')}.{key}"
        value = self._left.pop(key, [])
        values = [value] if isinstance(value, dict) else value
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            raise self.refuse(f"« {key} » doit être une table, ou une liste de tables")
        return [ClosedTable(one, f"[{name}]") for one in values]

    def tables(self) -> dict[str, ClosedTable]:
        """All that is left, each entry being a table."""
        return {key: self.table(key) for key in list(self._left)}

    def texts_by_name(self) -> dict[str, str]:
        """All that is left, each entry being a text."""
        return {key: self.text(key) for key in list(self._left)}

    def numbers(self, least: int, most: int) -> dict[str, int]:
        """All that is left, each entry being a whole number within bounds."""
        return {key: self.number(key, least, most) for key in list(self._left)}

    def whole_numbers(self, key: str, default: Any = ...) -> tuple[int, ...]:
        """A list of whole numbers."""
        values = self._take(key, list, "une liste de nombres entiers", default)
        if not all(type(value) is int for value in values):
            raise self.refuse(f"« {key} » doit être une liste de nombres entiers")
        return tuple(values)

    def __contains__(self, key: str) -> bool:
        """Whether an entry of that name is left."""
        return key in self._left

    def rest(self) -> dict[str, Any]:
        """All that is left, as it stands."""
        left, self._left = self._left, {}
        return left

    def close(self) -> None:
        """Refuse whatever was not taken."""
        if self._left:
            unknown = ", ".join(sorted(self._left))
            sentence = f"{self.where} : clé inconnue : {unknown} ; corrigez-la ou retirez-la"
            raise ServiceError("E_CLE_INCONNUE", sentence)

    def _take(self, key: str, kind: type, words: str, default: Any) -> Any:
        value = self._left.pop(key, default)
        if value is ...:
            raise self.refuse(f"il manque « {key} » ({words})")
        if value is not default and type(value) is not kind:
            raise self.refuse(f"« {key} » doit être {words}")
        return value
