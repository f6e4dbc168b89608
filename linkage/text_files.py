"""Text files of unknown origin as blocks of UTF-8: UTF-8 with or without a byte-order mark, else Windows-1252, never a mix.

The whole file is looked at once before anything is read of it, a block at a time: what cannot be text is refused with its
line. Lines end with a line feed, alone or after a carriage return; blocks end where lines end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from linkage.errors import LinkageError

__all__ = ["BLOCK", "TextFile", "open_text"]

BLOCK = 1 << 21  # bytes
_LONGEST_LINE = 1 << 28
_BOM = b"\xef\xbb\xbf"
# What accents become in UTF-8. Capitals of other alphabets stay out: in Windows-1252, É before an apostrophe looks the same.
_UTF8_PAIR = re.compile(rb"[\xc3-\xc5][\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\xbf]")
_NO_WINDOWS = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_WIDEST = 3  # bytes of a character that may stand in the next block


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """A file whose encoding is known.

    Attributes:
        path: the file.
        encoding: `utf-8` or `cp1252`.
        start: bytes of the byte-order mark.
    """

    path: Path
    encoding: str
    start: int

    def blocks(self, start: int, size: int = BLOCK) -> Iterator[bytes]:
        """The bytes from an offset on, in UTF-8, in blocks of about a size that end after a line feed or with the file.

        Raises:
            LinkageError: `E_CSV` when a line has no end in sight.
        """
        with self.path.open("rb") as file:
            file.seek(start)
            rest = b""
            while data := file.read(size):
                end = data.rfind(b"\n") + 1
                if end:
                    yield self._utf8(rest + data[:end])
                    rest = data[end:]
                else:
                    rest += data
                    if len(rest) > _LONGEST_LINE:
                        rule = "une ligne ne finit pas : fins de ligne ou format inattendus"
                        raise LinkageError("E_CSV", f"{self.path.name} : {rule}")
            if rest:
                yield self._utf8(rest)

    def text(self) -> str:
        """All of it."""
        return self.path.read_bytes()[self.start :].decode(self.encoding)

    def _utf8(self, data: bytes) -> bytes:
        return data if self.encoding == "utf-8" else data.decode(self.encoding).encode()


def open_text(path: Path) -> TextFile:
    """Finds how a file is encoded.

    Raises:
        LinkageError: `E_ENCODAGE`, `E_ENCODAGE_MELANGE`, `E_OCTET_NUL`.
    """
    with path.open("rb") as file:
        head = file.read(len(_BOM))
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise LinkageError("E_ENCODAGE", f"{path.name} : fichier UTF-16 ; enregistrez-le en UTF-8")
    nul, broken = _faults(path)
    if nul is not None:
        rule = "fichier abîmé, ou en UTF-16 : refaites l'export en UTF-8"
        raise LinkageError("E_OCTET_NUL", f"{path.name} : ligne {nul} : octet nul ; {rule}")
    start = len(_BOM) if head == _BOM else 0
    if broken is None:
        return TextFile(path=path, encoding="utf-8", start=start)
    if _first_line(path, _UTF8_PAIR) is not None:
        rule = "cette ligne n'est pas en UTF-8 alors que d'autres le sont ; enregistrez tout le fichier en UTF-8"
        raise LinkageError("E_ENCODAGE_MELANGE", f"{path.name} : ligne {broken} : {rule}")
    neither = _first_line(path, _NO_WINDOWS)
    if neither is not None:
        rule = "caractère qui n'est ni de l'UTF-8 ni du Windows-1252"
        raise LinkageError("E_ENCODAGE", f"{path.name} : ligne {neither} : {rule}")
    return TextFile(path=path, encoding="cp1252", start=0)


def _faults(path: Path) -> tuple[int | None, int | None]:
    """The line of the first NUL byte, and that of the first bytes that are no UTF-8."""
    broken = None
    offset = 0
    with path.open("rb") as file:
        rest = b""
        while data := file.read(BLOCK):
            data, rest = rest + data, b""
            nul = data.find(b"\0")
            if nul >= 0:
                return _line_at(path, offset + nul), None
            if broken is None and not data.isascii():
                good = _valid(data)
                if good < len(data) - _WIDEST:
                    broken = offset + good
                else:
                    data, rest = data[:good], data[good:]
            offset += len(data)
    if broken is None and rest and _valid(rest) < len(rest):
        broken = offset
    return None, None if broken is None else _line_at(path, broken)


def _line_at(path: Path, offset: int) -> int:
    line = 1
    with path.open("rb") as file:
        while data := file.read(min(BLOCK, offset)):
            line += data.count(b"\n")
            offset -= len(data)
    return line


def _valid(data: bytes) -> int:
    """How many bytes are good UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


def _first_line(path: Path, pattern: re.Pattern[bytes]) -> int | None:
    """The line of the first occurrence of a pattern of at most three bytes."""
    line, rest = 1, b""
    with path.open("rb") as file:
        while data := file.read(BLOCK):
            data = rest + data
            found = pattern.search(data)
            if found:
                return line + data.count(b"\n", 0, found.start())
            rest = data[-(_WIDEST - 1) :]
            line += data.count(b"\n", 0, len(data) - len(rest))
    return None
