"""CLKs in the files of anonlink: JSON, JSON with blocks, and the body of a binary upload.

- JSON: `{"clks": ["BASE64", …]}`, one CLK a row of the file that was encoded, in its order; no identifier, no length, no schema.
  `{"clknblocks": [["BASE64", "BLOCK", …], …]}` where each CLK comes with the names of its blocks. What the entity service also
  accepts, `{"encodings": […], "blocks": {"ROW": ["BLOCK", …]}}`, is read as well.
- Binary: the bytes of all CLKs one after the other, nothing between, before or after. The upload says their number and size
  in its headers `Hash-Count` and `Hash-Size`, so a file alone does not tell where a CLK ends.
- Blocks beside a binary file: `{"blocks": {"ROW": ["BLOCK", …], …}}`, rows counted from 0.

All CLKs of a file have one size. A refusal names the row by its place, counted from 0, and never shows a CLK.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError

__all__ = ["ClkSet", "read_binary", "read_blocks", "read_clks", "write_binary", "write_blocks", "write_clks"]

_AT_ONCE = 1 << 14  # CLKs of one write
Blocks = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class ClkSet:
    """The CLKs of one file.

    Attributes:
        filters: (n, size) uint8.
        blocks: names of the blocks of each row, or None where the file divides nothing.
    """

    filters: NDArray[np.uint8]
    blocks: Blocks | None = None

    def __len__(self) -> int:
        return len(self.filters)


def read_clks(path: Path) -> ClkSet:
    """Read a JSON file of CLKs.

    Raises:
        LinkageError: `E_FICHIER_CLK`.
        OSError: the file cannot be read.
    """
    document = _document(path)
    blocks: Blocks | None = None
    if isinstance(document.get("clknblocks"), list):
        entries = [entry if isinstance(entry, list) and entry else [None] for entry in document["clknblocks"]]
        texts: list[Any] = [entry[0] for entry in entries]
        blocks = tuple(_names(path, place, entry[1:]) for place, entry in enumerate(entries))
    else:
        held = document.get("clks", document.get("encodings"))
        texts = held if isinstance(held, list) else []
        if texts is not held:
            _refuse(path, "il y manque le tableau « clks » ou « clknblocks »")
        if "blocks" in document:
            blocks = _blocks(path, document["blocks"], len(texts))
    return ClkSet(filters=_filters(path, texts), blocks=blocks)


def write_clks(path: Path, clks: ClkSet) -> None:
    """Write CLKs as JSON, with their blocks where they have some."""
    key = "clks" if clks.blocks is None else "clknblocks"
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f'{{"{key}": [')
        for start in range(0, len(clks), _AT_ONCE):
            file.write(", " if start else "")
            file.write(", ".join(_entries(clks, start, start + _AT_ONCE)))
        file.write("]}")


def read_binary(path: Path, size: int, blocks: Blocks | None = None) -> ClkSet:
    """Read the body of a binary upload.

    Args:
        path: the file.
        size: bytes of a CLK, at least 1.
        blocks: from `read_blocks`.

    Raises:
        LinkageError: `E_FICHIER_CLK` when it is no whole number of CLKs; `E_BLOCS_CLK` for blocks of another number.
    """
    data = np.fromfile(path, dtype=np.uint8)
    if size < 1 or len(data) % size:
        _refuse(
            path, f"sa taille n'est pas un nombre entier de CLK de {size} octets ; donnez celle de l'envoi (Hash-Size)"
        )
    filters = data.reshape(-1, size)
    if blocks is not None and len(blocks) != len(filters):
        raise LinkageError("E_BLOCS_CLK", f"{path.name} : {len(filters)} CLK pour {len(blocks)} lignes de blocs")
    return ClkSet(filters=filters, blocks=blocks)


def write_binary(path: Path, clks: ClkSet) -> None:
    """Write the body of a binary upload; blocks go to a file of their own."""
    with path.open("wb") as file:
        file.write(np.ascontiguousarray(clks.filters).data)


def read_blocks(path: Path) -> Blocks:
    """Read the blocks that go with a binary file.

    Raises:
        LinkageError: `E_FICHIER_CLK`.
    """
    document = _document(path)
    held = document.get("blocks")
    return _blocks(path, held, len(held) if isinstance(held, dict) else 0)


def write_blocks(path: Path, blocks: Blocks) -> None:
    """Write the blocks that go with a binary file."""
    document = {"blocks": {str(row): list(names) for row, names in enumerate(blocks)}}
    path.write_text(json.dumps(document), encoding="ascii")


def _entries(clks: ClkSet, start: int, stop: int) -> Iterator[str]:
    texts = (f'"{base64.b64encode(one.tobytes()).decode()}"' for one in clks.filters[start:stop])
    if clks.blocks is None:
        yield from texts
        return
    for text, names in zip(texts, clks.blocks[start:stop], strict=True):
        yield f"[{', '.join([text, *map(json.dumps, names)])}]"


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        _refuse(path, "ce fichier n'est pas du JSON")
    if not isinstance(document, dict):
        _refuse(path, "un objet JSON est attendu")
    return document


def _filters(path: Path, texts: Sequence[Any]) -> NDArray[np.uint8]:
    decoded = []
    for place, text in enumerate(texts):
        try:
            # Some writers cut base64 in lines; nothing else may stand there.
            decoded.append(base64.b64decode("".join(text.split()), validate=True))
        except (AttributeError, ValueError, binascii.Error):
            _refuse(path, f"le CLK de rang {place} n'est pas du base64")
        if len(decoded[-1]) != len(decoded[0]) or not decoded[0]:
            _refuse(path, f"le CLK de rang {place} n'a pas la taille du premier, ou est vide")
    size = len(decoded[0]) if decoded else 0
    return np.frombuffer(b"".join(decoded), dtype=np.uint8).reshape(len(decoded), size)


def _blocks(path: Path, held: Any, count: int) -> Blocks:
    if not isinstance(held, dict) or held.keys() != {str(row) for row in range(count)}:
        _refuse(path, "« blocks » doit donner une liste de blocs à chaque rang, à partir de 0")
    return tuple(_names(path, row, held[str(row)]) for row in range(count))


def _names(path: Path, row: int, held: Any) -> tuple[str, ...]:
    if not isinstance(held, list) or not all(isinstance(name, str | int) for name in held):
        _refuse(path, f"les blocs du rang {row} ne sont pas une liste de noms")
    return tuple(map(str, held))


def _refuse(path: Path, rule: str) -> NoReturn:
    raise LinkageError("E_FICHIER_CLK", f"{path.name} : {rule}") from None
