"""Builds `linkage/countries.txt`: INSEE's code of each country, with its ISO codes and names.

Source: INSEE's file of countries (Code officiel géographique, Licence Ouverte) as `data/clients_pays.csv` of
github.com/matchID-project/examples (commit 241e83c8) republished it; only the facts are taken: codes and names.

    python -m benchmarks.country_codes clients_pays.csv > linkage/countries.txt
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from pathlib import Path

from linkage.cells import fold

__all__ = ["main"]

ISO3_OF = {"99324": "COG"}  # spoilt in the copy: the column's own name is COG too
HEADER = """\
# INSEE's codes of countries, with what files write instead: ISO codes, names. Built by benchmarks/country_codes.py.
# Data: INSEE, Code officiel géographique, file of countries (Licence Ouverte / Etalab 2.0), states of today.
# A line: the code, then its spellings, folded, apart by a slash."""


def main(source: Path) -> None:
    """Writes the table to the standard output; a name that two countries have is left out."""
    spellings = {}
    for row in csv.DictReader(source.read_text("utf-8").splitlines()):
        code = row["COG"]
        if re.fullmatch(r"99\d{3}", code):
            names = [fold(name) for name in (*row["LIBCOG"].split(", ou "), *row["LIBENR"].split(", ou "))]
            iso = [row["CODEISO2"], ISO3_OF.get(code, row["CODEISO3"])]
            spellings[code] = list(dict.fromkeys([*filter(None, iso), *names]))
    shared = Counter(name for names in spellings.values() for name in names)
    print(HEADER)
    for code, names in sorted(spellings.items()):
        print("/".join([code, *(name for name in names if shared[name] == 1)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
