"""One way of dividing records, as a sheet writes it: a table of `[[passes]]`, read strictly.

Block values go from coarse to fine; the planner picks by declared size. An exact pass divides by nothing and compares no
filters: it links equal values of one code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from linkage.attribute import (
    COMPONENTS,
    NAME,
    Attribute,
    check_closed,
    one_string,
    several_strings,
    whole_number,
)
from linkage.errors import SheetError

__all__ = ["PassRule"]

_KEYS = {"name", "blocks", "split", "form", "bits", "exact"}
# Of one attribute: what a component already says of another one.
_WITHIN = {
    "initial": {"two", "three"},
    "two": {"three"},
    "decade": {"year"},
    "unit": {"year"},
    "day": {"day_month"},
    "month": {"day_month"},
}


@dataclass(frozen=True, kw_only=True)
class PassRule:
    """One way of dividing records.

    Attributes:
        name: unique in the sheet.
        ladder: block values, from coarse to fine, each of some components.
        split: what divides the heaviest values further, one component after the other that the level lacks.
        form: the second form of a name that stands in the first one's place in this pass, where a record has one.
        bits: weights of attributes in this pass only.
        exact: the code whose equal values are linked, in an exact pass, which has nothing of the above.
    """

    name: str
    ladder: tuple[tuple[str, ...], ...]
    split: tuple[str, ...] = ()
    form: str = ""
    bits: tuple[tuple[str, int], ...] = ()
    exact: str = ""

    @classmethod
    def from_table(cls, entry: Any) -> Self:
        """The pass that a table describes.

        Raises:
            SheetError: `E_CLE_INCONNUE`, `E_FEUILLE`.
        """
        if not isinstance(entry, Mapping) or not NAME.fullmatch(one_string(entry.get("name"), "[[passes]] name")):
            raise SheetError("E_FEUILLE", "chaque [[passes]] a un name, fait de lettres sans accent, chiffres, _ et -")
        where = f"[[passes]] {entry['name']}"
        check_closed(entry, _KEYS, where)
        if "exact" in entry:
            check_closed(entry, {"name", "exact"}, f"{where} (exact)")
            return cls(name=entry["name"], ladder=(), exact=one_string(entry["exact"], where))
        ladder, bits = entry.get("blocks"), entry.get("bits", {})
        if not isinstance(ladder, list) or not ladder or not all(isinstance(level, list) and level for level in ladder):
            raise SheetError(
                "E_FEUILLE", f"{where} : blocks est une liste de listes, de la plus grossière à la plus fine"
            )
        if not isinstance(bits, Mapping):
            raise SheetError("E_FEUILLE", f"{where} : bits doit être une table")
        return cls(
            name=entry["name"],
            ladder=tuple(several_strings(level, where) for level in ladder),
            split=several_strings(entry["split"], where) if "split" in entry else (),
            form=one_string(entry.get("form", ""), where),
            bits=tuple(
                (name, whole_number(weight, 1, 1000, f"{where} : bits.{name}")) for name, weight in bits.items()
            ),
        )

    def without(self, names: Collection[str]) -> Self | None:
        """The pass without these attributes, levels that then say the same as one; None where nothing is left."""
        if self.exact:
            return None if self.exact in names else self
        levels = (tuple(one for one in level if one.partition(".")[0] not in names) for level in self.ladder)
        ladder = tuple(dict.fromkeys(level for level in levels if level))
        if not ladder or self.form in names:
            return None
        split = tuple(one for one in self.split if one.partition(".")[0] not in names)
        return replace(self, ladder=ladder, split=split, bits=tuple(pair for pair in self.bits if pair[0] not in names))

    def shared(self) -> dict[str, Any]:
        """What both parties must have alike: all of it."""
        told = {"name": self.name, "ladder": [list(level) for level in self.ladder], "split": list(self.split)}
        return told | {"form": self.form, "bits": dict(self.bits)} | ({"exact": self.exact} if self.exact else {})

    def check(self, attributes: Sequence[Attribute]) -> None:
        """Whether it only speaks of these attributes, in a way that their kinds know.

        Raises:
            SheetError: `E_BLOC_INCONNU`, `E_CLE_INCONNUE`, `E_FEUILLE`.
        """
        kinds = {one.name: one.kind for one in attributes}
        if self.exact and kinds.get(self.exact) != "code":
            raise SheetError("E_FEUILLE", f"passe {self.name} : exact doit nommer un attribut de kind code")
        for level in self.ladder:
            self._check_level((*level, *(one for one in self.split if one not in level)), kinds)
        unknown = sorted({name for name, _ in self.bits} - set(kinds))
        if unknown:
            raise SheetError("E_CLE_INCONNUE", f"passe {self.name} : bits : attribut inconnu : {', '.join(unknown)}")
        if self.form and not any(one.name == self.form and one.second_form_of for one in attributes):
            raise SheetError("E_FEUILLE", f"passe {self.name} : form doit nommer un attribut qui a second_form_of")

    def _check_level(self, level: tuple[str, ...], kinds: Mapping[str, str]) -> None:
        parts: dict[str, set[str]] = {}
        for component in level:
            name, _, part = component.partition(".")
            if name not in kinds or part not in COMPONENTS[kinds[name]]:
                known = ", ".join(COMPONENTS[kinds[name]]) if name in kinds else "un attribut déclaré"
                raise SheetError("E_BLOC_INCONNU", f"passe {self.name} : « {component} » : attendu {known}")
            parts.setdefault(name, set()).add(part)
        repeated = len(set(level)) < len(level)
        if repeated or any(some & _WITHIN.get(part, set()) for some in parts.values() for part in some):
            raise SheetError(
                "E_FEUILLE", f"passe {self.name} : un palier répète ce qu'un autre de ses composants dit déjà"
            )
