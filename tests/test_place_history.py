"""How the table of communes is built, on an invented country of a few communes."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from benchmarks.place_history import communes_of_today, former_codes, ranges, resolved

TODAY: list[dict[str, Any]] = [
    {"code": "01001", "type": "commune-actuelle", "anciensCodes": ["01002"]},
    {"code": "01003", "type": "commune-actuelle", "anciensCodes": ["01001"]},
    {"code": "02001", "type": "commune-actuelle"},
    {"code": "01001", "type": "commune-deleguee", "chefLieu": "01003"},
    {"code": "01004", "type": "commune-deleguee", "chefLieu": "01003"},
    {"code": "02011", "type": "arrondissement-municipal", "commune": "02001"},
]


def heirs(**former: str) -> dict[str, str]:
    """What became of codes of this country, overseas and Algeria apart."""
    found = resolved(TODAY, {code[1:]: heir for code, heir in former.items()})
    return {code: heir for code, heir in found.items() if code < "03"}


def test_a_code_without_commune_leads_to_the_commune_of_today():
    """Merged, delegated and arrondissement; a commune of today stands for itself even where it is another's former code."""
    assert heirs() == {"01002": "01001", "01004": "01003", "02011": "02001"}


def test_older_codes_follow_the_chain():
    """What became a commune that is no more leads on; what nobody knows the heir of stands as far as it leads."""
    assert heirs(c01009="01004", c01010="01009", c01011="01999")["01010"] == "01003"
    assert heirs(c01011="01999")["01011"] == "01999"


def test_a_circle_ends():
    """Two codes that name each other lead nowhere else, and not forever."""
    assert heirs(c01020="01021", c01021="01020") == {**heirs(), "01020": "01021", "01021": "01020"}


def test_recent_sources_win_over_old_ones():
    """The package of today knows better than the file of 2017."""
    assert heirs(c01002="02001")["01002"] == "01001"


def test_current_codes_of_the_old_file_are_not_former(tmp_path):
    """Of each line: what it is now, and where it went."""
    lines = [
        "DEP\tCOM\tPOLE\tACTUAL",
        "01\t001\t\t1",
        "01\t002\t01001\t3",
        "01\t001\t01999\t9",
        "2A\t004\t\t3",
        "20\t004\t2A004\t4",
    ]
    source = tmp_path / "France.txt"
    source.write_text("\n".join(lines), "cp1252")
    assert former_codes(source) == {"01002": "01001", "20004": "2A004"}


def test_the_package_is_read_from_its_archive(tmp_path):
    """As npm packs it."""
    data = json.dumps(TODAY).encode()
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("package/data/communes.json")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    assert communes_of_today(tmp_path / "package.tgz") == TODAY


def test_runs_of_numbers_are_ranges():
    """By the first two signs."""
    assert ranges({"01001", "01002", "01004", "2A004", "2A005"}) == ["=01 001-002 004", "=2A 004-005"]
