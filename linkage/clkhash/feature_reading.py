"""One feature of a linkage schema, whatever its version, to one description.

What the versions write differently:

- 1: one hash for all and one `k`; a feature has `ngram`, `positional` and a `weight`, and inserts each token round(weight · k)
  times, to the even number at a half; weight 0 ignores the feature.
- 2: `ngram`, `positional`, a strategy `k` or `numBits`, a hash of its own.
- 3: a `comparison`, a strategy `bitsPerToken` or `bitsPerFeature`, a hash of its own.

A hash that is not said is `blakeHash`. Everything is checked before a single row is read, also what clkhash finds only while
it hashes: a pattern that does not compile, a date directive that does not exist, a replacement that its encoding lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from linkage.clkhash.comparators import Comparator, Exact, Ngram, Numeric
from linkage.clkhash.formats import (
    DateFormat,
    EnumFormat,
    Format,
    IntegerFormat,
    PatternFormat,
    TextFormat,
    is_date_format,
)
from linkage.clkhash.pointed import Pointed
from linkage.clkhash.token_hashes import TokenHash

__all__ = ["Feature", "Hashing", "Missing", "Shares", "read_feature", "read_token_hash"]

_ENCODINGS = ("ascii", "utf-8", "utf-16", "utf-32")
_MOST_BITS = 1 << 16  # insertions of a token or a feature: filters have at most 2 ** 20 bits
_MOST_N = 255
_MOST_RESOLUTION = 10_000
_MOST_PRECISION = 100


@dataclass(frozen=True, kw_only=True)
class Missing:
    """The cell that means "no value", and the word that stands for it."""

    sentinel: str
    replacement: str


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How many times tokens are inserted: `bits` times each, or `bits` shared out between the tokens of a word."""

    bits: int
    shared: bool


@dataclass(frozen=True, kw_only=True)
class Hashing:
    """How the cells of a feature become bits."""

    format: Format
    comparator: Comparator
    shares: Shares
    token_hash: TokenHash
    missing: Missing | None = None


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column of the file. An ignored one has no hashing."""

    identifier: str
    hashing: Hashing | None = None


def read_feature(version: int, node: Pointed, k: int, token_hash: TokenHash) -> Feature:
    """Read one feature.

    Args:
        version: of the schema, 1 to 3.
        node: an element of `features`.
        k: of a schema of version 1.
        token_hash: of a schema of version 1.

    Raises:
        SheetError: `E_SCHEMA_CLK`, with the pointer to what must change.
    """
    identifier = node.object().child("identifier").text()
    node.child("description", "").text()
    ignored = node.child("ignored", False).truth()
    whole = node.has("format") or node.has("hashing")
    if ignored and not (whole and version == 3):
        node.object(("identifier", "ignored", "description"))
        return Feature(identifier=identifier)
    kind = _read_format(node.child("format").object())
    hashing = node.child("hashing").object()
    if version == 1:
        found = _read_first(kind, hashing, k, token_hash)
    else:
        found = _read_second(kind, hashing) if version == 2 else _read_third(kind, hashing)
    if ignored or found is None:
        return Feature(identifier=identifier)
    if found.missing:
        _check_encodable(hashing.child("missingValue"), found.missing, kind.encoding)
    return Feature(identifier=identifier, hashing=found)


def read_token_hash(node: Pointed) -> TokenHash:
    """Read a `hash`: `blakeHash`, or `doubleHash` with or without `prevent_singularity`."""
    kind = node.object().child("type").choice(("blakeHash", "doubleHash"))
    if kind == "blakeHash":
        if node.has("prevent_singularity"):
            node.child("prevent_singularity").refuse("cette clé n'a de sens qu'avec doubleHash ; retirez-la")
        return "blake"
    return "double_sound" if node.child("prevent_singularity", False).truth() else "double"


def _read_first(kind: Format, node: Pointed, k: int, token_hash: TokenHash) -> Hashing | None:
    node.object(("ngram", "positional", "weight", "missingValue"))
    comparator = _read_grams(node)
    missing = _read_missing(node)
    weight = node.child("weight", 1)
    if weight.number() < 0:
        weight.refuse("un poids n'est pas négatif")
    if not weight.value:
        return None
    bits = round(weight.value * k)
    if not 1 <= bits <= _MOST_BITS:
        weight.refuse(f"poids multiplié par k et arrondi : un nombre de 1 à {_MOST_BITS} est attendu")
    shares = Shares(bits=bits, shared=False)
    return Hashing(format=kind, comparator=comparator, shares=shares, token_hash=token_hash, missing=missing)


def _read_second(kind: Format, node: Pointed) -> Hashing:
    node.object(("ngram", "positional", "strategy", "hash", "missingValue"))
    return Hashing(
        format=kind,
        comparator=_read_grams(node),
        shares=_read_shares(node.child("strategy"), "k", "numBits"),
        token_hash=read_token_hash(node.child("hash", {"type": "blakeHash"})),
        missing=_read_missing(node),
    )


def _read_third(kind: Format, node: Pointed) -> Hashing:
    node.object(("comparison", "strategy", "hash", "missingValue"))
    return Hashing(
        format=kind,
        comparator=_read_comparison(node.child("comparison")),
        shares=_read_shares(node.child("strategy"), "bitsPerToken", "bitsPerFeature"),
        token_hash=read_token_hash(node.child("hash", {"type": "blakeHash"})),
        missing=_read_missing(node),
    )


def _read_grams(node: Pointed, key: str = "ngram") -> Ngram:
    n = node.child(key).integer(1, _MOST_N)
    return Ngram(n=n, positional=node.child("positional", False).truth())


def _read_shares(node: Pointed, each: str, all_together: str) -> Shares:
    node.object((each, all_together))
    if len(node.value) != 1:
        node.refuse(f"une seule clé est attendue : {each} ou {all_together}")
    key = next(iter(node.value))
    return Shares(bits=node.child(key).integer(1, _MOST_BITS), shared=key == all_together)


def _read_comparison(node: Pointed) -> Comparator:
    kind = node.object().child("type").choice(("ngram", "exact", "numeric"))
    if kind == "exact":
        return Exact()
    if kind == "ngram":
        return _read_grams(node, "n")
    resolution = node.child("resolution").integer(1, _MOST_RESOLUTION)
    precision = node.child("fractional_precision", 0).integer(0, _MOST_PRECISION)
    distance = node.child("thresholdDistance")
    if distance.number() <= 0:
        distance.refuse("une distance est plus grande que 0")
    try:
        interval = round(distance.value * 10**precision)
    except OverflowError:
        distance.refuse("cette distance est trop grande")
    if not interval:
        distance.refuse("cette distance est nulle une fois arrondie ; augmentez fractional_precision")
    return Numeric(interval=interval, resolution=resolution, precision=precision)


def _read_missing(node: Pointed) -> Missing | None:
    if not node.has("missingValue"):
        return None
    held = node.child("missingValue").object()
    sentinel = held.child("sentinel").text()
    return Missing(sentinel=sentinel, replacement=held.child("replaceWith", sentinel).text())


def _check_encodable(node: Pointed, missing: Missing, encoding: str) -> None:
    try:
        missing.replacement.encode(encoding)
    except UnicodeEncodeError:
        key = "replaceWith" if node.has("replaceWith") else "sentinel"
        node.child(key).refuse(f"ce texte ne s'écrit pas en {encoding}")


def _read_format(node: Pointed) -> Format:
    kind = node.child("type").choice(("string", "integer", "date", "enum"))
    node.child("description", "").text()
    return _FORMATS[kind](node)


def _read_string(node: Pointed) -> Format:
    encoding = node.child("encoding", "utf-8").choice(_ENCODINGS)
    if node.has("pattern"):
        node.object(("type", "description", "encoding", "pattern"))
        pattern = node.child("pattern")
        try:
            return PatternFormat(pattern=re.compile(pattern.text()), encoding=encoding)
        except (re.error, RecursionError, OverflowError):
            pattern.refuse("ce motif n'est pas une expression rationnelle de Python")
    node.object(("type", "description", "encoding", "case", "minLength", "maxLength"))
    case = node.child("case", "mixed").choice(("upper", "lower", "mixed"))
    return TextFormat(
        encoding=encoding,
        case=cast("Literal['upper', 'lower', 'mixed']", case),
        shortest=node.child("minLength", 0).integer(0),
        longest=node.child("maxLength").integer(1) if node.has("maxLength") else None,
    )


def _read_integer(node: Pointed) -> Format:
    node.object(("type", "description", "minimum", "maximum"))
    least, most = (node.child(key).integer() if node.has(key) else None for key in ("minimum", "maximum"))
    return IntegerFormat(minimum=least, maximum=most)


def _read_date(node: Pointed) -> Format:
    form = node.object(("type", "description", "format")).child("format")
    if not is_date_format(form.text()):
        form.refuse("une directive de ce format de date n'existe pas")
    return DateFormat(format=form.text())


def _read_enum(node: Pointed) -> Format:
    values = node.object(("type", "description", "values")).child("values").items()
    return EnumFormat(values=frozenset(value.text() for value in values))


_FORMATS: dict[str, Callable[[Pointed], Format]] = {
    "string": _read_string,
    "integer": _read_integer,
    "date": _read_date,
    "enum": _read_enum,
}
