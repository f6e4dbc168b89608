"""A JSON value and the pointer (RFC 6901) that leads to it, so that a refusal says where it stands.

Types are those of JSON Schema as clkhash applies it: a whole number written `20.0` is an integer, `true` is no number.
Every refusal is `E_SCHEMA_CLK`. The rule never repeats the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from linkage.errors import SheetError

__all__ = ["Pointed"]

_ABSENT = object()


@dataclass(frozen=True, kw_only=True)
class Pointed:
    """One value of a schema.

    Attributes:
        value: as `json.loads` gives it.
        pointer: empty for the whole document.
        source: the file's name, for messages.
    """

    value: Any
    pointer: str = ""
    source: str = ""

    def refuse(self, rule: str) -> NoReturn:
        """Refuse this value.

        Raises:
            SheetError: `E_SCHEMA_CLK`, always.
        """
        where = f"{self.source} : " if self.source else ""
        place = self.pointer or "le document"
        raise SheetError("E_SCHEMA_CLK", f"{where}{place} : {rule}")

    def has(self, key: str) -> bool:
        """Whether this object has a key."""
        return key in self.value

    def child(self, key: str | int, default: Any = _ABSENT) -> Pointed:
        """A member of this object or array.

        Raises:
            SheetError: it is not there and there is no default.
        """
        pointer = f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
        held = isinstance(key, int) or key in self.value
        if not held and default is _ABSENT:
            self.refuse(f"il manque la clé « {key} »")
        return Pointed(value=self.value[key] if held else default, pointer=pointer, source=self.source)

    def object(self, known: Sequence[str] | None = None) -> Pointed:
        """This value, which must be an object, with no key but the known ones where a list is given."""
        if not isinstance(self.value, dict):
            self.refuse("un objet JSON est attendu")
        for key in self.value:
            if known is not None and key not in known:
                self.child(key).refuse(f"clé inconnue ; celles permises ici : {', '.join(known)}")
        return self

    def items(self) -> Iterator[Pointed]:
        """The elements of this value, which must be an array."""
        if not isinstance(self.value, list):
            self.refuse("un tableau JSON est attendu")
        yield from (self.child(place) for place in range(len(self.value)))

    def text(self) -> str:
        """This value, which must be a string."""
        if not isinstance(self.value, str):
            self.refuse("un texte est attendu")
        return str(self.value)

    def truth(self) -> bool:
        """This value, which must be true or false."""
        if not isinstance(self.value, bool):
            self.refuse("true ou false est attendu")
        return bool(self.value)

    def choice(self, allowed: Sequence[str]) -> str:
        """This value, which must be one of some strings."""
        if not isinstance(self.value, str) or self.value not in allowed:
            self.refuse(f"une de ces valeurs est attendue : {', '.join(allowed)}")
        return str(self.value)

    def number(self) -> float | int:
        """This value, which must be a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.refuse("un nombre est attendu")
        if isinstance(self.value, float) and self.value - self.value != 0:  # infinite, or not a number
            self.refuse("un nombre fini est attendu")
        return self.value

    def integer(self, least: int | None = None, most: int | None = None) -> int:
        """This value, which must be a whole number within bounds."""
        number = self.number()
        if isinstance(number, float) and not number.is_integer():
            self.refuse("un nombre entier est attendu")
        if least is not None and number < least:
            self.refuse(f"la plus petite valeur permise est {least}")
        if most is not None and number > most:
            self.refuse(f"la plus grande valeur permise est {most}")
        return int(number)
