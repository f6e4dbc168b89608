"""Letters as pages: all that is written is on them, at its place, in a font that they carry; nothing about this machine."""

from __future__ import annotations

import base64
import re
import zlib
from datetime import date
from pathlib import Path

import pytest

from service.administration.campaign.letter_pages import Letter, printable, write_letters
from service.administration.campaign.letterhead import read_letterhead
from service.administration.campaign.texts import Texts
from service.demarche import load_demarche
from tests.desks import LETTERHEAD

TODAY = date(2026, 12, 1)
BODY = Texts(demarche=load_demarche("c2s-rsa"), head=read_letterhead(LETTERHEAD)).text("courrier", "premier").body
TO = ("Mme Zoé Lefèvre", "12 rue de l'Œuvre", "23000 GUÉRET")


def letter(body: str = BODY, to: tuple[str, ...] = TO) -> Letter:
    return Letter(to=to, body=body)


def streams(path: Path) -> list[bytes]:
    """The contents of a file, opened."""
    found = []
    for encoded in re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL):
        data = encoded.strip()
        if data.endswith(b"~>"):
            data = base64.a85decode(data[:-2])
        found.append(zlib.decompress(data))
    return found


def words(path: Path) -> str:
    """All words that are drawn, in the order of drawing: glyphs by the table that gives them back as characters."""
    parts = streams(path)
    (table,) = [dict(_mapped(one)) for one in parts if b"begincmap" in one]
    lines = [text for page in parts if b" Tf " in page for text in re.findall(rb"\((.*?)(?<!\\)\) Tj", page, re.DOTALL)]
    return "\n".join("".join(table[code] for code in _unescaped(one)) for one in lines)


def _mapped(table: bytes) -> list[tuple[int, str]]:
    pairs = re.findall(rb"^<([0-9A-F]{2})> <([0-9A-F]{4})>\s*$", table, re.MULTILINE)
    return [(int(code, 16), chr(int(value, 16))) for code, value in pairs]


def _unescaped(text: bytes) -> bytes:
    plain = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    return re.sub(
        rb"\\([0-7]{1,3}|.)",
        lambda found: bytes([int(found[1], 8)]) if found[1][:1].isdigit() else plain.get(found[1], found[1]),
        text,
        flags=re.DOTALL,
    )


def test_every_word_is_on_the_pages(tmp_path):
    """Who writes, to whom, the day, the text with its mentions: nothing is cut off, whatever the lines are."""
    files, left = write_letters(tmp_path, [letter()], "CAF", TODAY)
    assert (["courrier-001.pdf"], 0) == ([one.name for one in files], left)
    drawn = " ".join(words(files[0]).split())
    said = " ".join(drawn.replace("1/2", "").replace("2/2", "").split())
    assert "Le 1er décembre 2026" in said
    assert all(line in said for line in TO)
    head, _, text = BODY.strip().partition("\n\n")
    assert " ".join(head.split()) in said
    for paragraph in text.split("\n"):
        kept = " ".join(paragraph.split())
        assert kept in said or kept in drawn, kept


def test_long_letters_take_pages_that_are_numbered(tmp_path):
    """A hundred lines and more, and a word that no line can hold."""
    long = "CAF\n\n" + "\n".join(f"Ligne {n}." for n in range(150)) + "\n" + "x" * 400
    files, _ = write_letters(tmp_path, [letter(long), letter()], "CAF", TODAY)
    text = words(files[0])
    pages = int(re.findall(rb"/Count (\d+)", files[0].read_bytes())[0])
    assert all(f"Ligne {n}." in text for n in range(150))
    assert 400 == text.count("x") - BODY.count("x") - " ".join(TO).count("x")
    first = int(re.findall(r"1/(\d+)", text)[0])
    assert first >= 3
    assert pages > first


def test_a_letter_that_cannot_be_shown_is_not_printed_with_holes(tmp_path):
    """Thin spaces are spaces; Greek that the font lacks stays in the list."""
    assert printable(letter("CAF\n\nDemandez\u202f: « l'aide »\u00a0!"))
    assert not printable(letter(to=("M. ŐZ", "1 rue")))
    files, left = write_letters(tmp_path, [letter(), letter(to=("M. Ғ",))], "CAF", TODAY)
    assert (1, 1) == (len(files), left)
    assert ([], 1) == write_letters(tmp_path / "none", [letter(to=("M. Ғ",))], "CAF", TODAY)


def test_files_are_of_five_hundred_and_for_their_owner(tmp_path):
    """The font is carried, nothing says when or where they were made: twice the same bytes."""
    some = [letter("CAF\n\nBonjour.")] * 501
    files, _ = write_letters(tmp_path, some, "CAF", TODAY)
    assert [500, 1] == [int(re.findall(rb"/Count (\d+)", one.read_bytes())[0]) for one in files]
    assert {0o600} == {one.stat().st_mode & 0o777 for one in files}
    first = files[1].read_bytes()
    assert b"/FontFile2" in first
    assert b"/Lang (fr-FR)" in first
    write_letters(tmp_path, some, "CAF", TODAY)
    assert first == files[1].read_bytes()


def test_no_letter_of_an_export_before_stays(tmp_path):
    """Fewer letters make fewer files; what else is in the folder is left alone."""
    (tmp_path / "courrier.csv").touch()
    write_letters(tmp_path, [letter("CAF\n\nBonjour.")] * 501, "CAF", TODAY)
    files, _ = write_letters(tmp_path, [letter("CAF\n\nBonjour.")], "CAF", TODAY)
    assert [*files, tmp_path / "courrier.csv"] == sorted(tmp_path.iterdir())


@pytest.mark.parametrize("lines", [0, 6, 7])
def test_the_address_stays_in_its_window(tmp_path, lines):
    """Its first line 110 mm from the left and 50 mm from the top; the date never on it."""
    to = tuple(f"ligne {n}" for n in range(lines))
    files, _ = write_letters(tmp_path, [letter("CAF\n\nBonjour.", to)], "CAF", TODAY)
    page = next(one for one in streams(files[0]) if b" Tf " in one)
    places = [(float(x), float(y)) for x, y in re.findall(rb"1 0 0 1 ([\d.]+) ([\d.]+) Tm", page)]
    mm = 25.4 / 72
    at = [(round(x * mm), 297 - y * mm) for x, y in places]
    window = [down for across, down in at if across == 110]
    assert lines + 1 == len(window)
    assert lines == 0 or window[0] == pytest.approx(50, abs=0.1)
    assert len(window) == len({round(one, 2) for one in window})
