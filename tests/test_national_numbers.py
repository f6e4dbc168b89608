"""Columns of national identification numbers: found by name and by content, in any file, wanted or not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from linkage.errors import LinkageError
from linkage.national_numbers import NumberWatch
from linkage.tables import read_table
from tests.table_files import SECRET, refusal, write


def nir(sex: int, year: int, month: int, department: str, rest: int) -> str:
    """An invented NIR with its key."""
    body = f"{sex}{year:02}{month:02}{department}{rest:06}"
    return f"{body}{97 - int(body.replace('2A', '19').replace('2B', '18')) % 97:02}"


@pytest.mark.parametrize(
    "column",
    [
        "NIR", "nir", "Code NIR", "nir_hash", "NIR13", "hash-nir", "numNir", "idNIR", "num_secu", "NumSécu", "no_ss", "N° SS",
        "Numéro de sécurité sociale", "numeroSecuriteSociale", "NUM_SECURITE_SOCIALE", "NIA", "NSS", "nir_sha256 (hashé)",
    ],
)  # fmt: skip
def test_a_column_named_like_a_nir_is_refused_even_hashed(tmp_path, column):
    """The name is enough, whatever the cells hold, wanted or not."""
    error = refusal(write(tmp_path, f'id,nom,"{column}"\n1,A,{SECRET}\n'), ["id", "nom"])
    assert (error.code, column in error.message) == ("E_NIR_INTERDIT", True)


@pytest.mark.parametrize(
    "column",
    [
        "avenir",
        "Souvenir",
        "niveau",
        "Nirvana",
        "caisse_securite_sociale",
        "regime_secu",
        "NUMINSEE",
        "n_secteur",
        "agenia",
        "finance",
    ],
)
def test_a_column_that_only_resembles_is_not(tmp_path, column):
    """Words that contain the letters of a NIR are no NIR."""
    assert len(read_table(write(tmp_path, f"id,nom,{column}\n1,A,x\n"), ["id", "nom"])) == 1


RIGHT = [
    nir(1, 80, 1, "75", 123456),
    nir(2, 55, 12, "08", 480001),
    nir(2, 99, 7, "13", 55_010),
    nir(1, 62, 30, "99", 352_001),
]
CORSICA = [nir(1, 80, 2, "2A", 4001), nir(2, 91, 11, "2B", 33_012)]


@pytest.mark.parametrize(
    "cells",
    [
        RIGHT,
        CORSICA,
        [cell.lower() for cell in CORSICA],
        [cell[:13] for cell in RIGHT[:3]],
        [cell[:13] for cell in CORSICA],
        [f"{c[0]} {c[1:3]} {c[3:5]} {c[5:7]} {c[7:10]} {c[10:13]} {c[13:]}" for c in RIGHT],
        ["\u00a0".join((c[0], c[1:5], c[5:])) for c in RIGHT],
        ["-".join((c[0], c[1:5], c[5:])) for c in RIGHT],
        [*RIGHT, "", "", "inconnu", "à vérifier"],
    ],
)
def test_a_column_of_nir_is_refused_by_its_content(tmp_path, cells):
    """Fifteen signs with a right key or thirteen without, spaced or not, Corsica included; no digit in the sentence."""
    rows = "".join(f"{number};{SECRET};{cell}\n" for number, cell in enumerate(cells))
    error = refusal(write(tmp_path, f"id;nom;matricule\n{rows}"), ["id", "nom"])
    assert (error.code, "« matricule »" in error.message) == ("E_NIR_INTERDIT", True)
    assert not any(len(cell) > 4 and cell in str(error) for cell in cells)


def test_a_nir_column_does_not_hide_behind_a_second_one_of_the_same_name(tmp_path):
    """All columns are looked at, even those that share a name, and the identifier too."""
    path = write(tmp_path, f"id,nom,x,x\n1,A,{RIGHT[0]},ok\n2,B,{RIGHT[1]},ok\n")
    assert refusal(path, ["id", "nom"]).code == "E_NIR_INTERDIT"
    path = write(tmp_path, f"id,nom\n{RIGHT[0]},A\n{RIGHT[1]},B\n")
    assert refusal(path, ["id", "nom"]).code == "E_NIR_INTERDIT"


def test_a_file_without_header_shows_nobody(tmp_path):
    """Where the first row is a person, the refusal names no column of the file: it would be her number."""
    error = refusal(write(tmp_path, f"1,{SECRET},{RIGHT[0]}\n2,B,{RIGHT[1]}\n"), ["id", "nom"])
    assert error.code == "E_COLONNE_ABSENTE"
    assert RIGHT[0] not in str(error)


def test_a_nir_column_far_down_is_seen(tmp_path):
    """The sample is spread over the file: a column that is empty or harmless at first does not pass."""
    cells = ["ok"] * 6000 + [nir(1, 80, 1, "75", number) for number in range(6000)]
    rows = "".join(f"{number},A,{cell}\n" for number, cell in enumerate(cells))
    assert refusal(write(tmp_path, f"id,nom,ref\n{rows}"), ["id", "nom"]).code == "E_NIR_INTERDIT"


def test_ordinary_numbers_are_no_nir(tmp_path):
    """Random numbers of 13 or 15 digits, SIRET, phones and dates pass."""
    rng = np.random.default_rng(5)
    columns = {
        "id": [f"{number}" for number in range(200)],
        "treize": ["".join(map(str, rng.integers(0, 10, 13))) for _ in range(200)],
        "quinze": ["".join(map(str, rng.integers(0, 10, 15))) for _ in range(200)],
        "siret": [f"{rng.integers(10**13, 10**14)}" for _ in range(200)],
        "telephone": [f"06{rng.integers(10**7, 10**8)}" for _ in range(200)],
        "horodatage": [f"2026{rng.integers(1, 13):02}{rng.integers(1, 29):02}083000123"[:15] for _ in range(200)],
    }
    rows = "\n".join(",".join(row) for row in zip(*columns.values(), strict=True))
    table = read_table(write(tmp_path, f"{','.join(columns)}\n{rows}\n"), ["id", "treize"])
    assert len(table) == 200


def test_a_watch_judges_when_asked():
    """Nothing is refused before all has gone by."""
    watch = NumberWatch("f.csv", ["id", "ref"])
    watch.look([pa.array(["1"]), pa.array([RIGHT[0]])])
    with pytest.raises(LinkageError, match="« ref »"):
        watch.refuse()
