"""Coverage-guided fuzzing of the readers of cells, each in a process of its own; only `make soak` runs it.

For as long as it is given, whatever the cell: no crash, no hang, a refusal whose sentence does not hold the cell, and a
canonical value that is its own canonical form.

    python -m tests.test_fuzz_parsers PARSER SECONDS FOLDER
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parent.parent
SECONDS = 60
LONGEST = 48  # bytes of a cell: longer ones repeat what shorter ones do
PARSERS = (
    "surname",
    "usage",
    "given_names",
    "split",
    "date",
    "place",
    "commune",
    "country",
    "code",
    "sex",
    "number",
    "text",
)
SEEDS = (
    "DUPONT EPOUSE M'BAYE", "MARTIN NE(E) ST-CŒUR", "Mme DE LA TOUR (née Ñ)", "SANS PRENOM", "J.-P., Anne/Éloïse", "1992-01-01",
    "29/11/1992 04:00:00,0 AM +01:00", "19920101?", "33937.166", "00/50/1992", "75036", "2a004", "99352", "8480.0", "-1 234,00",
)  # fmt: skip


def readings() -> dict[str, Callable[[str], str | None]]:
    """The parsers by name, loaded here so that a fuzzer can watch their lines."""
    names, dates, codes, places = (
        importlib.import_module(f"linkage.{one}") for one in ("names", "dates", "codes", "places")
    )
    fold = importlib.import_module("linkage.cells").fold
    formats = importlib.import_module("linkage.attribute").DATE_FORMATS
    return {
        "surname": names.surname_of,
        "usage": names.usage_surname_of,
        "given_names": names.GivenNames(),
        "split": lambda cell: names.surname_of(names.split_surname(cell)[0]),
        "date": lambda cell: dates.date_of(cell, ("AAAAMMJJ", *formats)),
        "place": lambda cell: places.lineage(cell) or None,
        "commune": lambda cell: codes.commune_of(cell, 5),
        "country": codes.country_of,
        "code": lambda cell: codes.code_of(cell, 0),
        "sex": codes.sex_of,
        "number": codes.number_of,
        "text": lambda cell: fold(cell) or None,
    }


def check(read: Callable[[str], str | None], refusal: type[Exception], sentences: set[str], cell: str) -> None:
    """One cell: a value that stays itself, a gap, or a refusal in one of a few sentences."""
    try:
        value = read(cell)
    except refusal as fault:
        sentences.add(str(fault))
        assert len(sentences) <= 3, "a sentence depends on the cell"  # a parser has at most three rules to break
        return
    assert value is None or (value and read(value) == value), "a canonical value is not its own"


def fuzz(parser: str, seconds: int, folder: str) -> None:
    """Runs until the time is over; ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["linkage"]):
        read = readings()[parser]
        refusal = importlib.import_module("linkage.cells").BadValue
    sentences: set[str] = set()

    def one(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        check(read, refusal, sentences, text)

    limits = [
        "-timeout=5",
        "-rss_limit_mb=1024",
        f"-max_len={LONGEST}",
        f"-max_total_time={seconds}",
        "-verbosity=0",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([sys.argv[0], *limits, folder], one)
    atheris.Fuzz()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the fuzzer has wheels for Linux only")
@pytest.mark.parametrize("parser", PARSERS)
def test_a_minute_of_any_cell_finds_no_fault(parser, tmp_path):
    """Each parser lives through what coverage-guided mutation makes of a few real cells."""
    if importlib.util.find_spec("atheris") is None:
        pytest.fail("atheris is not installed: install the development dependencies (make venv)")
    for number, seed in enumerate(SEEDS):
        (tmp_path / str(number)).write_text(seed, "utf-8")
    command = [sys.executable, "-m", "tests.test_fuzz_parsers", parser, str(SECONDS), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS * 5)
    assert (0, "") == (done.returncode, "" if done.returncode == 0 else done.stderr[-3000:])


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]), sys.argv[3])
