"""The data holder's half in ten readable lines: records and a run key in, one encoded pass after the other out.

For each pass: derive its key, divide into blocks, encode without the block's attributes, diffuse each block under its own
table, name the rows afresh, sort. Passes share no key, no id and no order, so that nobody who sees two of them can join them.

What is sent is made by `linkage.stream`, which never holds a whole pass; a rehearsal compares whole passes, put together here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey
from linkage.places import table_digest
from linkage.plan import PassPlan, Plan
from linkage.planner import plan_passes
from linkage.profiles import PROFILES
from linkage.records import Records, records_from_table
from linkage.sheet import Sheet
from linkage.stream import PassStream, stream_passes
from linkage.tables import RawTable
from linkage.wire import ID_BYTES, TAG_BYTES, EncodedPass, rows_to_bytes

__all__ = ["HolderPass", "Progress", "encode_passes", "encoder_digest"]

Progress = Callable[[int, int], None]  # (done, total), in records × passes


@dataclass(frozen=True, kw_only=True)
class HolderPass:
    """One pass, ready to seal.

    Attributes:
        plan: of the pass.
        encoded: rows sorted by (tag, id).
        records: (rows,) int64, the record that each row stands for; stays with the holder.
        left_aside: records that fall out of this pass (no block value, or too few known attributes).
    """

    plan: PassPlan
    encoded: EncodedPass
    records: NDArray[np.int64]
    left_aside: int


def encode_passes(
    records: Records, sheet: Sheet, plan: Plan, run_key: RunKey, *, progress: Progress | None = None
) -> Iterator[HolderPass]:
    """Encodes all passes of a plan, one at a time, each whole.

    Raises:
        LinkageError: see `linkage.stream.stream_passes`.
    """
    total = len(plan.passes) * len(records)
    for done, stream in enumerate(stream_passes(records, sheet, plan, run_key)):
        before, told = done * len(records), progress or (lambda _done, _total: None)
        yield _whole(stream, lambda made, before=before, told=told: told(before + made, total))  # type: ignore[misc]
        if not stream.count:
            told(before + len(records), total)


def _whole(stream: PassStream, made: Callable[[int], None]) -> HolderPass:
    """The rows of a pass in one piece."""
    encoded = EncodedPass(
        ids=np.empty((stream.count, ID_BYTES), dtype=np.uint8),
        tags=np.empty((stream.count, TAG_BYTES), dtype=np.uint8),
        filters=np.empty((stream.count, stream.plan.length // 64), dtype=np.uint64),
    )
    records, start = np.empty(stream.count, dtype=np.int64), 0
    for piece in stream.pieces:
        stop = start + len(piece.records)
        encoded.ids[start:stop], encoded.tags[start:stop] = piece.rows[:, :16], piece.rows[:, 16:32]
        encoded.filters[start:stop] = piece.rows[:, 32:].view("<u8")
        records[start:stop] = piece.records
        made((stream.count + stream.left_aside) * stop // stream.count)
        start = stop
    return HolderPass(plan=stream.plan, encoded=encoded, records=records, left_aside=stream.left_aside)


# What the encoder makes of these people under a public key names its behaviour: two parties whose digests differ would
# encode the same person differently. The people are invented, the key is no run's key; there is one attribute of each kind,
# and the passes give each kind of block label.
_WITNESS_SHEET = {
    "version": "linkage/v1",
    "name": "temoins",
    "attributes": {
        "nom": {"kind": "name", "bits": 20},
        "usage": {"kind": "name", "bits": 8, "second_form_of": "nom"},
        "prenoms": {"kind": "given_names", "bits": 20},
        "sexe": {"kind": "sex", "bits": 3},
        "naissance": {"kind": "date", "bits": 40},
        "commune": {"kind": "cog", "bits": 10, "pad": 5},
        "pays": {"kind": "country", "bits": 3},
        "adresse": {"kind": "text", "bits": 8, "class": "adresse"},
        "numero": {"kind": "code", "bits": 4},
        "situation": {"kind": "category", "bits": 2},
    },
    "passes": [
        {"name": "jour", "blocks": [["naissance.day"], ["naissance.day_month"]]},
        {"name": "annee", "blocks": [["naissance.year", "sexe.value"]]},
        {"name": "noms", "blocks": [["nom.initial"], ["nom.initial", "prenoms.initial"]]},
    ],
}
_WITNESSES = {
    "id": ["1", "2", "3", "4", "5", "6", "7"],
    "nom": ["de La Bœuf", "NA", "Lefèvre-Muñoz", "St-Ex", "Xø", "MARTIN NEE DUPONT", "M'Baye"],
    "usage": ["Martin", "", "O'Neil", "Saint Ex", "", "", ""],
    "prenoms": ["Jean-Chloé Zoë", "Éloïse Anne Marie", "Xuân", "Ñ", "Łukasz", "Mme Anne", "Aïcha"],
    "sexe": ["1", "F", "M", "Féminin", "", "2", "F"],
    "naissance": ["1980-02-29", "1992-00-00", "1955-12-31", "2001-07-00", "1999-01-02", "1992-01-01", "1992-50-00"],
    "commune": ["8480", "", "2A004", "99352", "75056", "75036", ""],
    "pays": ["FR", "352", "99100", "0", "", "FR", "DZ"],
    "adresse": ["12 bis, rue de l’Œuvre", "", "Bât. B", "lieu-dit Ker_ar_Mor", "X", "", "3"],
    "numero": ["0012", "B7", "", "7.0", "0", "", ""],
    "situation": ["marié", "Marié", "", "N/A", "veuf", "", ""],
}
_WITNESS_SIZES = (20_000, 20_000)


@cache  # of public numbers, and the code of a process does not change
def encoder_digest() -> str:
    """Hex SHA-256 of the history of communes and the encodings of a few invented people under a public key, in every profile."""
    sheet = Sheet.from_table(_WITNESS_SHEET)
    identifiers, attributes = sheet.for_side("")
    table = RawTable.of("", _WITNESSES)
    records = records_from_table(table, identifiers, attributes)
    key = RunKey(hashlib.sha256(b"allervers public witness").digest())
    digest = hashlib.sha256(bytes.fromhex(table_digest()))
    for profile in PROFILES:
        for one in encode_passes(records, sheet, plan_passes(sheet, profile, _WITNESS_SIZES), key):
            back = np.argsort(one.records)  # rows in the order of people: ids and sorting are random
            fixed = EncodedPass(
                ids=np.zeros((len(back), ID_BYTES), dtype=np.uint8),
                tags=one.encoded.tags[back],
                filters=one.encoded.filters[back],
            )
            digest.update(one.records[back].astype("<i8").tobytes() + rows_to_bytes(fixed))
    return digest.hexdigest()
