"""How clkhash cuts a word into tokens: n-grams (positional or not), the word itself, the neighbourhood of a number.

- ``ngram``: n - 1 spaces on each side when n > 1, then every run of n characters; positional grams are `RANK GRAM`, from 1.
- ``exact``: the word is the one token.
- ``numeric``: the number on a grid, and its `resolution` neighbours on each side. All is multiplied by 2 · resolution, so
  that the grid's step is the threshold distance itself, an integer once multiplied by 10 ** precision.

An empty word has no token. Tokens keep their order and their repetitions: the order decides who gets the remainder of a
number of bits that does not divide evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Comparator", "Exact", "Ngram", "Numeric"]


@dataclass(frozen=True, kw_only=True)
class Ngram:
    """Runs of `n` characters, each with its rank when `positional`."""

    n: int
    positional: bool = False

    def tokens(self, word: str) -> list[str]:
        """The tokens of a word, in order."""
        if not word:
            return []
        edge = " " * (self.n - 1)
        padded = f"{edge}{word}{edge}"
        grams = [padded[at : at + self.n] for at in range(len(padded) - self.n + 1)]
        return [f"{rank} {gram}" for rank, gram in enumerate(grams, start=1)] if self.positional else grams


@dataclass(frozen=True)
class Exact:
    """The whole word or nothing."""

    def tokens(self, word: str) -> list[str]:
        """The word alone."""
        return [word] if word else []


@dataclass(frozen=True, kw_only=True)
class Numeric:
    """Numbers that are close share tokens.

    Attributes:
        interval: the threshold distance times 10 ** precision, rounded; at least 1.
        resolution: neighbours on each side.
        precision: digits kept after the point.
    """

    interval: int
    resolution: int
    precision: int = 0

    def tokens(self, word: str) -> list[str]:
        """The neighbourhood of a number.

        Raises:
            ValueError: the word is no number that has a neighbourhood.
        """
        if not word:
            return []
        try:
            middle = self._on_grid(self._scaled(word) * 2 * self.resolution)
        except OverflowError:
            raise ValueError("no finite number") from None
        steps = range(-self.resolution, self.resolution + 1)
        return [str(middle + step * self.interval) for step in steps]

    @property
    def _unit(self) -> int:
        return int(10**self.precision)

    def _scaled(self, word: str) -> int:
        try:
            return int(word) * self._unit
        except ValueError:
            number = float(word)
        # Without a digit after the point a fraction is cut, with some it is rounded: so does clkhash.
        return round(number * self._unit) if self.precision else int(number)

    def _on_grid(self, number: int) -> int:
        beyond = number % self.interval
        if beyond == 0:
            return number
        return number - beyond if beyond < self.interval / 2 else number + self.interval - beyond


Comparator: TypeAlias = Ngram | Exact | Numeric
