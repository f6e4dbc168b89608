"""Regenerate the frozen vectors of ``linkage``: ``python -m tests.vectors.generate_linkage``.

A few invented people, a sheet of their own with every kind of attribute, a public test key: the block tag and the filter of
each in the first pass of every profile. An encoding is a format between strangers: if one bit of these files changes, two
versions no longer link, and the change must be meant. Row ids are random and left out.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from crypto.keys import RunKey
from linkage.holder import encode_passes, encoder_digest
from linkage.planner import plan_passes
from linkage.profiles import PROFILES
from linkage.sheet import Sheet
from tests.invented import records_of

FOLDER = Path(__file__).parent
FILES = ("linkage_encodings.json", "linkage_encoder.json")

RUN_KEY = RunKey(hashlib.sha256(b"allervers test vectors, linkage").digest())
SIZES = (24_000, 18_000)
SHEET: dict[str, Any] = {
    "version": "linkage/v1",
    "name": "vecteurs",
    "attributes": {
        "nom": {"kind": "name", "bits": 24},
        "usage": {"kind": "name", "bits": 8, "second_form_of": "nom"},
        "prenoms": {"kind": "given_names", "bits": 24},
        "sexe": {"kind": "sex", "bits": 3},
        "naissance": {"kind": "date", "bits": 40},
        "commune": {"kind": "cog", "bits": 10, "pad": 5},
        "pays": {"kind": "country", "bits": 3},
        "rue": {"kind": "text", "bits": 8, "class": "adresse"},
        "postal": {"kind": "code", "bits": 6, "pad": 5},
        "situation": {"kind": "category", "bits": 2},
    },
    "statistics": {"postal": 6000},
    "passes": [
        {"name": "noms", "blocks": [["nom.two"], ["nom.two", "prenoms.initial"]]},
        {"name": "jour", "blocks": [["naissance.day"], ["naissance.day", "sexe.value"]]},
    ],
}
PEOPLE: list[dict[str, str]] = [
    {
        "nom": "Mme Lebœuf-Martin", "usage": "LEBOEUF MARTIN", "prenoms": "Éloïse, Anne-Marie", "sexe": "2",
        "naissance": "1980-02-29", "commune": "8480", "pays": "FR", "rue": "12 bis, rue de l’Œuvre", "postal": "08000",
        "situation": "Mariée",
    },
    {
        "nom": "MARTIN", "usage": "", "prenoms": "Jean-Pierre", "sexe": "M", "naissance": "1955-12-31",
        "commune": "2a004", "pays": "99100", "rue": "", "postal": "", "situation": "",
    },
    {
        "nom": "NA", "usage": "de La Tour", "prenoms": "Xuân", "sexe": "Féminin", "naissance": "1992-00-00",
        "commune": "99352", "pays": "352", "rue": "lieu-dit Ker ar Mor", "postal": "29000", "situation": "célibataire",
    },
    {
        "nom": "M'Baye", "usage": "Ǿ", "prenoms": "N'Golo Ñ", "sexe": "", "naissance": "2001-07-00",
        "commune": "", "pays": "0", "rue": "Bât. B", "postal": "1000", "situation": "N/A",
    },
    {"nom": "Xq", "prenoms": "Zoé", "sexe": "F", "naissance": "0000-07-14", "commune": "75056", "rue": "x", "postal": "75001"},
    {"nom": "Martin", "prenoms": "Xavière", "sexe": "F", "naissance": "1999-09-09", "commune": "13055", "pays": "100"},
    {"nom": "", "prenoms": "", "sexe": "1", "naissance": "1980-02-29"},
]  # fmt: skip


def encodings() -> dict[str, Any]:
    """The first pass of every profile: for each person a tag and a filter, or nothing where she falls out of it."""
    sheet = Sheet.from_table(SHEET)
    passes = {}
    for profile in PROFILES:
        plan = plan_passes(sheet, profile, SIZES)
        first = next(encode_passes(records_of(sheet, PEOPLE), sheet, plan, RUN_KEY))
        rows: list[Any] = [None] * len(PEOPLE)
        for place, record in enumerate(first.records.tolist()):
            filters = first.encoded.filters[place].astype("<u8").tobytes()
            rows[record] = {"tag": first.encoded.tags[place].tobytes().hex(), "filter": filters.hex()}
        passes[profile] = {"plan": plan.to_json()["passes"][0], "rows": rows}
    return {"run_key": RUN_KEY.hex(), "sizes": list(SIZES), "sheet": SHEET, "people": PEOPLE, "profiles": passes}


def encoder() -> dict[str, Any]:
    """What names the encoder in an agreement."""
    return {"encoder_digest": encoder_digest()}


def generate(file: str) -> bytes:
    """The bytes of a vector file as the code makes them today."""
    made = {"linkage_encodings.json": encodings, "linkage_encoder.json": encoder}[file]()
    return (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode()


def load(file: str) -> Any:
    """The committed vectors."""
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))


if __name__ == "__main__":
    for vector_file in FILES:
        (FOLDER / vector_file).write_bytes(generate(vector_file))
