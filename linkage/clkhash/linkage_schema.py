"""A linkage schema of clkhash, version 1, 2 or 3, as one description; wrong schemas are refused with the JSON pointer.

Schemas of all versions give the same kind of description: what clkhash converts from one version to the next, this reads at
once. Keys that clkhash does not know are accepted where it accepts them.

XOR folds. The published schemas name the key `xorFolds`; clkhash 0.18.3 and before read `xor_folds`, and leave `xorFolds` without
effect. The same bits being the promise, so does this; a notice says it when a schema asks for folds that are not made.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from linkage.clkhash.feature_reading import Feature, Hashing, read_feature, read_token_hash
from linkage.clkhash.key_derivation import MOST_BYTES, KeyDerivation
from linkage.clkhash.pointed import Pointed
from linkage.clkhash.token_hashes import TokenHash
from linkage.errors import SheetError

__all__ = ["LinkageSchema", "load_linkage_schema", "read_linkage_schema"]

_MOST_LENGTH = 1 << 20  # bits before folding; a CLK has a thousand
_MOST_FOLDS = 16
_MOST_KEY = 1 << 16
_BLAKE_KEY = 64  # bytes; BLAKE2b takes no longer key
_LARGEST_FILE = 1 << 22


@dataclass(frozen=True, kw_only=True)
class LinkageSchema:
    """How records become CLKs.

    Attributes:
        version: of the file that was read.
        length: bits of a CLK.
        folds: halvings that bring a filter of `length · 2 ** folds` bits to `length`.
        kdf: how keys come from the secret.
        features: one a column of the file, in its order.
        notices: French sentences about what the schema says without effect.
    """

    version: int
    length: int
    folds: int
    kdf: KeyDerivation
    features: tuple[Feature, ...]
    notices: tuple[str, ...] = ()

    @property
    def hashed_length(self) -> int:
        """Bits of a filter before it is folded."""
        return self.length << self.folds


def load_linkage_schema(path: Path) -> LinkageSchema:
    """Read a schema file.

    Raises:
        SheetError: `E_SCHEMA_CLK`.
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    try:
        document = json.loads(data.decode("utf-8-sig")) if len(data) <= _LARGEST_FILE else None
    except (ValueError, RecursionError):
        document = None
    if document is None:
        raise SheetError("E_SCHEMA_CLK", f"{path.name} : ce fichier n'est pas un schéma en JSON")
    return read_linkage_schema(document, path.name)


def read_linkage_schema(document: Any, source: str = "") -> LinkageSchema:
    """Read a schema already parsed.

    Args:
        document: as `json.loads` gives it; left as it is.
        source: name of the file, for messages.

    Raises:
        SheetError: `E_SCHEMA_CLK`, with the JSON pointer to what must change.
    """
    root = Pointed(value=document, source=source).object()
    version = root.child("version").number()
    if version not in (1, 2, 3):
        root.child("version").refuse("les versions lues sont 1, 2 et 3")
    config = root.child("clkConfig").object()
    k, token_hash = _read_first_config(config) if version == 1 else (0, "blake")
    features = tuple(read_feature(int(version), node, k, token_hash) for node in root.child("features").items())
    if not features:
        root.child("features").refuse("un schéma a au moins une variable")
    folds, notices = _read_folds(config)
    length = config.child("l").integer(1, _MOST_LENGTH >> folds)
    kdf = _read_kdf(config.child("kdf"), len(features))
    hashings = [feature.hashing for feature in features if feature.hashing]
    _check_lengths(config, length << folds, kdf.key_size, hashings)
    return LinkageSchema(version=int(version), length=length, folds=folds, kdf=kdf, features=features, notices=notices)


def _read_first_config(config: Pointed) -> tuple[int, TokenHash]:
    return config.child("k").integer(1, _MOST_LENGTH), read_token_hash(config.child("hash"))


def _read_folds(config: Pointed) -> tuple[int, tuple[str, ...]]:
    told = config.child("xorFolds", 0).integer(0)
    folds = config.child("xor_folds", 0).integer(0, _MOST_FOLDS)
    if told == folds or not told:
        return folds, ()
    sentence = (
        f"/clkConfig/xorFolds n'a pas d'effet, comme dans clkhash 0.18.3 : {folds} repli(s) fait(s) ; "
        "pour replier, écrivez xor_folds dans le schéma des deux parties"
    )
    return folds, (sentence,)


def _read_kdf(node: Pointed, features: int) -> KeyDerivation:
    node.object().child("type").choice(("HKDF",))
    algorithm = node.child("hash", "SHA256").choice(("SHA256", "SHA512"))
    size = node.child("keySize", 64).integer(1, _MOST_KEY)
    if 2 * features * size > MOST_BYTES[algorithm]:
        where = node.child("keySize") if node.has("keySize") else node
        where.refuse(f"{algorithm} ne peut dériver {features} fois deux clés de {size} octets ; réduisez keySize")
    return KeyDerivation(
        hash=cast("Literal['SHA256', 'SHA512']", algorithm),
        salt=_read_bytes(node, "salt"),
        info=_read_bytes(node, "info"),
        key_size=size,
    )


def _read_bytes(node: Pointed, key: str) -> bytes:
    held = node.child(key, "")
    try:
        return base64.b64decode(held.text())
    except (binascii.Error, ValueError):
        held.refuse("ce texte n'est pas du base64")


def _check_lengths(config: Pointed, length: int, key_size: int, hashings: list[Hashing]) -> None:
    """Refuse what a hash cannot do; clkhash fails on it at the first row."""
    hashes = {hashing.token_hash for hashing in hashings}
    if "blake" in hashes and length & (length - 1):
        config.child("l").refuse("blakeHash veut une longueur qui soit une puissance de deux")
    if "blake" in hashes and key_size > _BLAKE_KEY:
        config.child("kdf").child("keySize").refuse(f"blakeHash prend des clés de {_BLAKE_KEY} octets au plus")
    if "double_sound" in hashes and length == 1:
        config.child("l").refuse("prevent_singularity ne peut rien pour un filtre d'un bit")
