"""The language in which an agent says who is selected: text to a tree, nothing evaluated.

    rsa_en_paiement et non option_contraire
    age(date_naissance) dans 16..18 et motif = 'demenagement'
    date_fin_validite dans J+150..J+180 et une_ligne_par(MATRICULE)

From the loosest to the tightest: `ou`/`or`; `et`/`and`; `non`/`not`; one comparison (`= != < <= > >=`, `dans`/`in` a range `a..b`
with both ends, a list `[a, b]` or a named list, `pas dans`/`not in`); `+ -`; `* /`; a sign; atoms. Atoms are numbers (12.5),
words in quotes, dates (2026-01-31, 31/01/2026), days relative to the given one (J, J+30, J-6m, J-18a: days, weeks s, months m,
years a), names, functions, parentheses. A name is a column or a parameter; any column is named between backquotes.

A refusal is `E_SELECTION` with the place of the fault. The text is bounded in length and in depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, NoReturn

from linkage.errors import LinkageError

__all__ = ["LONGEST", "Node", "NodeKind", "parse", "refuse"]

LONGEST = 2000  # characters
_DEEPEST = 40  # parentheses, functions and negations within each other

NodeKind = Literal["number", "text", "date", "day", "name", "column", "call", "list", "range", "compare", "in", "and", "or",
                   "not", "sum", "minus"]  # fmt: skip

_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<date>\d{4}-\d{2}-\d{2}(?!\d)|\d{1,2}/\d{1,2}/\d{4}(?!\d))
    |(?P<day>J(?:\s*[+-]\s*\d{1,5}(?:[jsma](?![^\W_]))?)?(?![\w`]))
    |(?P<range>\.\.)
    |(?P<number>\d+(?:\.\d+)?(?![\w]))
    |(?P<quoted>'[^']*'|"[^"]*")
    |(?P<column>`[^`]+`)
    |(?P<name>[^\W\d]\w*)
    |(?P<sign><=|>=|!=|[=<>()\[\],+*/-])""",
    re.VERBOSE,
)
_WORDS = {
    "et": "and",
    "and": "and",
    "ou": "or",
    "or": "or",
    "non": "not",
    "not": "not",
    "pas": "not",
    "dans": "in",
    "in": "in",
}
_ATOMS: dict[str, NodeKind] = {
    "number": "number", "quoted": "text", "date": "date", "day": "day", "column": "column", "name": "name",
}  # fmt: skip
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One part of the tree.

    Attributes:
        kind: what it is; `sum` stands for all four operations, `minus` for a sign.
        at: place of its first character in the text, from 0.
        value: a number's, word's, name's or function's text, the ISO date, the operator, the steps of a relative day.
        parts: what it is made of.
    """

    kind: NodeKind
    at: int
    value: str = ""
    parts: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it, from the left."""
        yield self
        for part in self.parts:
            yield from part.walk()


def refuse(text: str, at: int, sentence: str) -> NoReturn:
    """Refuses a text, with what stands around the place: a rule is written by people and holds no record.

    Raises:
        LinkageError: `E_SELECTION`, always.
    """
    raise LinkageError(
        "E_SELECTION", f"sélection « {text[:LONGEST]} », caractère {min(at, len(text)) + 1} : {sentence}"
    )


def parse(text: str) -> Node:
    """The tree of a text.

    Raises:
        LinkageError: `E_SELECTION` with the place of the fault.
    """
    if len(text) > LONGEST:
        raise LinkageError("E_SELECTION", f"une sélection tient en {LONGEST} caractères")
    parser = _Parser(text)
    node = parser.either()
    parser.end()
    return node


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while place < len(text):
        match = _TOKENS.match(text, place)
        if match is None:
            refuse(text, place, "signe inattendu ; un mot s'écrit entre apostrophes, une colonne entre accents graves")
        kind, held = str(match.lastgroup), match.group()
        if kind == "name" and held.lower() in _WORDS:
            found.append(_Token("word", _WORDS[held.lower()], place))
        elif kind != "space":
            found.append(_Token(kind, held, place))
        place = match.end()
    return [*found, _Token("end", "", len(text))]


class _Parser:
    """Recursive descent; each method reads one level of the grammar."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._place, self._depth = text, _tokens(text), 0, 0

    def end(self) -> None:
        if self._now.kind != "end":
            self._fail("rien n'est attendu ici ; reliez deux conditions par « et » ou « ou »")

    def either(self) -> Node:
        return self._chain("or", self._both)

    def _both(self) -> Node:
        return self._chain("and", self._negated)

    def _chain(self, word: Literal["and", "or"], below: Callable[[], Node]) -> Node:
        parts = [below()]
        while self._take("word", word):
            parts.append(below())
        return parts[0] if len(parts) == 1 else Node(kind=word, at=parts[0].at, parts=tuple(parts))

    def _negated(self) -> Node:
        at = self._now.at
        if self._take("word", "not"):
            self._deeper()
            node = Node(kind="not", at=at, parts=(self._negated(),))
            self._depth -= 1
            return node
        return self._compared()

    def _compared(self) -> Node:
        left = self._sum()
        sign = self._now
        if sign.kind == "sign" and sign.text in _COMPARISONS:
            self._place += 1
            node = Node(kind="compare", at=sign.at, value=sign.text, parts=(left, self._sum()))
        else:
            negated = self._take("word", "not")
            if not self._take("word", "in"):
                if negated:
                    self._fail("« dans » est attendu après « pas »")
                return left
            node = Node(kind="in", at=sign.at, parts=(left, self._group()))
            node = Node(kind="not", at=sign.at, parts=(node,)) if negated else node
        if self._now.kind == "sign" and self._now.text in _COMPARISONS:
            self._fail("deux comparaisons à la suite : reliez-les par « et »")
        return node

    def _group(self) -> Node:
        """What `dans` takes: a list, a range, or the name of a list."""
        at = self._now.at
        if self._take("sign", "["):
            parts = [self._sum()]
            while self._take("sign", ","):
                parts.append(self._sum())
            self._need("]")
            return Node(kind="list", at=at, parts=tuple(parts))
        first = self._sum()
        if self._take("range", ".."):
            return Node(kind="range", at=at, parts=(first, self._sum()))
        return first

    def _sum(self) -> Node:
        return self._operations(("+", "-"), lambda: self._operations(("*", "/"), self._signed))

    def _operations(self, signs: tuple[str, str], below: Callable[[], Node]) -> Node:
        node = below()
        while self._now.kind == "sign" and self._now.text in signs:
            sign = self._now
            self._place += 1
            node = Node(kind="sum", at=sign.at, value=sign.text, parts=(node, below()))
        return node

    def _signed(self) -> Node:
        at = self._now.at
        if self._take("sign", "-"):
            self._deeper()
            node = Node(kind="minus", at=at, parts=(self._signed(),))
            self._depth -= 1
            return node
        return self._atom()

    def _atom(self) -> Node:
        token = self._now
        if token.kind not in _ATOMS and (token.kind, token.text) != ("sign", "("):
            self._fail("une colonne, une valeur ou une parenthèse est attendue")
        self._place += 1
        if token.kind == "name":
            return self._named(token)
        if token.kind == "sign":
            self._deeper()
            node = self.either()
            self._need(")")
            self._depth -= 1
            return node
        held = token.text
        if token.kind == "date":
            held = self._iso(token)
        elif token.kind in ("quoted", "column"):
            held = held[1:-1]
        elif token.kind == "day":
            held = "".join(held[1:].split())
        return Node(kind=_ATOMS[token.kind], at=token.at, value=held)

    def _named(self, token: _Token) -> Node:
        if not self._take("sign", "("):
            return Node(kind="name", at=token.at, value=token.text)
        self._deeper()
        parts = [] if self._now.text == ")" else [self.either()]
        while self._take("sign", ","):
            parts.append(self.either())
        self._need(")")
        self._depth -= 1
        return Node(kind="call", at=token.at, value=token.text, parts=tuple(parts))

    def _iso(self, token: _Token) -> str:
        day = token.text
        if "/" in day:
            first, second, year = day.split("/")
            day = f"{year}-{second:0>2}-{first:0>2}"
        try:
            return date.fromisoformat(day).isoformat()
        except ValueError:
            refuse(self._text, token.at, "cette date n'existe pas au calendrier")

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _take(self, kind: str, text: str) -> bool:
        held = self._now.kind == kind and self._now.text == text
        self._place += held
        return held

    def _need(self, sign: str) -> None:
        if not self._take("sign", sign):
            self._fail(f"« {sign} » est attendu ici")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"plus de {_DEEPEST} niveaux l'un dans l'autre")

    def _fail(self, sentence: str) -> NoReturn:
        refuse(self._text, self._now.at, sentence)
