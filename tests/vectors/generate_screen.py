"""Writes `screen.json`: bounds, chances, columns, by the slow twins alone. `python -m tests.vectors.generate_screen`."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

from tests import oracle_screen as oracle

MOST = Fraction(1, 10_000)
BOUNDS = [  # length, largest distance of a plan's threshold, columns
    (1024, 400, 512), (1024, 330, 256), (2048, 920, 1024), (2048, 891, 1536), (2048, 883, 1408), (2048, 808, 896),
    (2048, 760, 640), (4096, 1911, 3584), (4096, 1860, 2560), (4096, 1780, 1792), (2048, 0, 64), (2048, 2048, 64),
]  # fmt: skip
COLUMNS = [(0, 1024, 128), (1, 2048, 64), (2, 64, 64)]  # every byte of the draw, length, columns


def main() -> None:
    """Rewrite the file."""
    bounds = []
    for length, limit, columns in BOUNDS:
        bound = oracle.bound(length, limit, columns, MOST)
        chance = float(oracle.missed(length, limit, columns, bound))
        bounds.append({"length": length, "limit": limit, "columns": columns, "bound": bound, "missed": chance})
    drawn = [
        {"draw": byte, "length": length, "columns": oracle.drawn(bytes([byte]) * 32, length, columns)}
        for byte, length, columns in COLUMNS
    ]
    text = json.dumps({"bounds": bounds, "drawn": drawn}, indent=1)
    Path(__file__).with_name("screen.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
