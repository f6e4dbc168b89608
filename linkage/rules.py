"""Expressions of démarches: sets of people, written over the operands (`a & b - c`, `(a | b) & c`, `dedup(a > b) - c`).

Grammar::

    expression := chain | union            neither mixes with the other without parentheses
    chain      := item (("&" | "-") item)*        from left to right
    union      := item ("|" item)+
    item       := operand | "(" expression ")" | "dedup(" expression (">" expression)+ ")"
    operand    := a lower-case letter, then lower-case letters, digits, "_"

An operand stands once in an expression: so it is either asked for or subtracted, never both, and what is known of links with
certainty, and what is possible, can be said exactly (`linkage.formula`).

``dedup(a > b > c)`` is everybody in any of them, each once and with the first that holds them: all of a, then of b those whom a
has not, then of c those whom neither has. Whoever holds none of them sees plainly their union.

What an expression means for one of the parties is `linkage.formula`; here it is text and tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from linkage.errors import LinkageError

__all__ = ["Chain", "Dedup", "Either", "Expression", "Operand", "Rule", "parse_rule"]

_TOKEN = re.compile(r"[ \t\n]*(?:([a-z][a-z0-9_]*)|([&|()>-]))")
_MOST_DEEP = 20  # parentheses
_DEDUP = "dedup"


@dataclass(frozen=True)
class Operand:
    """A population."""

    name: str

    def __str__(self) -> str:
        """As the grammar writes it."""
        return self.name


@dataclass(frozen=True)
class Chain:
    """The first, with or without each of those that follow, from left to right: (sign, expression)."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]

    def __str__(self) -> str:
        """As the grammar writes it."""
        return str(_inner(self.first)) + "".join(f" {sign} {_inner(one)}" for sign, one in self.rest)


@dataclass(frozen=True)
class Either:
    """Whoever is in one of them."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        """As the grammar writes it."""
        return " | ".join(_inner(one) for one in self.parts)


@dataclass(frozen=True)
class Dedup:
    """Whoever is in one of them, with the first that has them."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        """As the grammar writes it."""
        return f"{_DEDUP}({' > '.join(_inner(one) for one in self.parts)})"


Expression = Operand | Chain | Either | Dedup


@dataclass(frozen=True)
class Rule:
    """A parsed expression."""

    tree: Expression

    @property
    def text(self) -> str:
        """As the grammar writes it, spaces evened out."""
        return str(self.tree)

    @property
    def operands(self) -> tuple[str, ...]:
        """All operands, in the order in which they stand."""
        return tuple(name for name, _, _ in _named(self.tree, added=True, deduped=False))

    @property
    def added(self) -> frozenset[str]:
        """The operands whose people the expression may hold, those of a `dedup` among them."""
        return frozenset(name for name, added, _ in _named(self.tree, added=True, deduped=False) if added)

    @property
    def subtracted(self) -> frozenset[str]:
        """The operands that are taken away."""
        return frozenset(self.operands) - self.added

    @property
    def deduped(self) -> frozenset[str]:
        """The operands in a `dedup`, which take away from each other as well."""
        return frozenset(name for name, _, deduped in _named(self.tree, added=True, deduped=False) if deduped)


def parse_rule(text: str) -> Rule:
    """The expression of a text.

    Raises:
        LinkageError: `E_REGLE` with what is expected.
    """
    reader = _Reader(text)
    tree = reader.expression(0)
    reader.end()
    rule = Rule(tree)
    if len(set(rule.operands)) != len(rule.operands):
        raise _refused("nomme chaque opérande une seule fois ; pour un second usage, écrivez une sortie de plus")
    return rule


class _Reader:
    """A text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens, place = list[str](), 0
        while text[place:].strip(" \t\n"):
            token = _TOKEN.match(text, place)
            if token is None:
                raise _refused("s'écrit avec des opérandes (minuscules, chiffres, « _ »), & - | ( ) et dedup(a > b)")
            self._tokens.append(token[1] or token[2])
            place = token.end()
        self._tokens.reverse()

    def end(self) -> None:
        """Nothing must be left."""
        if self._tokens:
            raise _refused(f"ne s'arrête pas avant « {self._tokens[-1]} » : il y manque un signe ou une parenthèse")

    def expression(self, depth: int) -> Expression:
        """A chain or a union."""
        if depth > _MOST_DEEP:
            raise _refused(f"n'a pas plus de {_MOST_DEEP} niveaux de parenthèses")
        first, rest = self._item(depth), list[tuple[str, Expression]]()
        while self._tokens and self._tokens[-1] in "&-|":
            sign = self._tokens.pop()
            if rest and (sign == "|") != (rest[0][0] == "|"):
                raise _refused("ne mêle « | » à « & » ou « - » qu'avec des parenthèses : (a | b) & c")
            rest.append((sign, self._item(depth)))
        if not rest:
            return first
        return Either((first, *(one for _, one in rest))) if rest[0][0] == "|" else Chain(first, tuple(rest))

    def _item(self, depth: int) -> Expression:
        word = self._tokens.pop() if self._tokens else ""
        if word == "(":
            inner = self.expression(depth + 1)
            self._expect(")")
            return inner
        if word == _DEDUP and self._tokens[-1:] == ["("]:
            self._tokens.pop()
            parts = [self.expression(depth + 1)]
            while self._tokens[-1:] == [">"]:
                self._tokens.pop()
                parts.append(self.expression(depth + 1))
            self._expect(")")
            if len(parts) < 2:
                raise _refused("donne à dedup au moins deux opérandes, dans l'ordre de priorité : dedup(a > b)")
            return Dedup(tuple(parts))
        if not word or not word[0].isalpha():
            raise _refused("a un opérande de chaque côté d'un signe")
        if word == _DEDUP:
            raise _refused("ne nomme aucun opérande « dedup » : c'est un mot de la langue, dedup(a > b)")
        return Operand(word)

    def _expect(self, token: str) -> None:
        if not self._tokens or self._tokens.pop() != token:
            raise _refused(f"a autant de parenthèses fermées qu'ouvertes : il manque « {token} »")


def _named(tree: Expression, *, added: bool, deduped: bool) -> Iterator[tuple[str, bool, bool]]:
    """(operand, whether it is added, whether it stands in a dedup) from left to right."""
    if isinstance(tree, Operand):
        yield tree.name, added, deduped
    elif isinstance(tree, Chain):
        yield from _named(tree.first, added=added, deduped=deduped)
        for sign, one in tree.rest:
            yield from _named(one, added=added == (sign == "&"), deduped=deduped)
    else:
        for one in tree.parts:
            yield from _named(one, added=added, deduped=deduped or isinstance(tree, Dedup))


def _inner(tree: Expression) -> str:
    return f"({tree})" if isinstance(tree, Chain | Either) else str(tree)


def _refused(what: str) -> LinkageError:
    return LinkageError("E_REGLE", f"une règle {what}")
