"""The data holder's half in ten readable lines: records and a run key in, one encoded pass after the other out.

For each pass: derive its key, divide into blocks, encode without the block's attributes, diffuse each block under its own
table, name the rows afresh, sort. Passes share no key, no id and no order, so that nobody who sees two of them can join them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.keys import PassKey, RunKey, derive
from linkage.blocks import check_block_sizes
from linkage.diffuse import diffuse, diffusion_table
from linkage.encode import FeatureTable, encode
from linkage.errors import LinkageError
from linkage.passes import Division, divide
from linkage.plan import PassPlan, Plan
from linkage.planner import plan_passes
from linkage.profiles import PROFILES, profile_named
from linkage.records import MISSING, Records, records_from_table
from linkage.sheet import Sheet
from linkage.statistics import Statistics
from linkage.tables import RawTable
from linkage.wire import ID_BYTES, EncodedPass, rows_to_bytes

__all__ = ["LEAST_FILL", "HolderPass", "Progress", "encode_passes", "encoder_digest"]

Progress = Callable[[int, int], None]  # (done, total), in records × passes

LEAST_FILL = 0.2  # of the bits set before diffusion: a record with fewer says too little to be compared


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
    """Encodes all passes of a plan, one at a time.

    Raises:
        LinkageError: `E_STATISTIQUES` when the plan was computed from other public statistics; `E_PLAN` when a pass protects
            less than its profile promises.
    """
    statistics, profile = Statistics(sheet), profile_named(plan.profile)
    if plan.statistics_digest != statistics.digest:
        rule = "le plan vient d'autres statistiques publiques : proposez une nouvelle convention"
        raise LinkageError("E_STATISTIQUES", rule)
    promised = (profile.length, profile.measure)
    if any((one.length, one.measure) != promised or one.degree < profile.degree for one in plan.passes):
        raise LinkageError(
            "E_PLAN", f"une passe ne suit pas le profil {profile.name} : proposez une nouvelle convention"
        )
    features = FeatureTable(records)
    for done, one in enumerate(plan.passes):
        key = PassKey(derive(run_key, Label.PASS, one.name.encode()))
        division = divide(records, sheet, one, statistics, key)
        plain = encode(records, sheet.attributes, profile, (*one.blocks, *one.finer), key, features=features)
        yield _holder_pass(one, division, plain)
        if progress:
            progress((done + 1) * len(records), len(plan.passes) * len(records))


def _holder_pass(plan: PassPlan, division: Division, plain: NDArray[np.uint64]) -> HolderPass:
    usable = (division.block != MISSING) & (np.bitwise_count(plain).sum(axis=1) >= LEAST_FILL * plan.length)
    kept = np.flatnonzero(usable)
    kept = kept[np.argsort(division.block[kept], kind="stable")]
    blocks = division.block[kept]
    filters = _diffuse_blocks(plain[kept], blocks, division, plan) if plan.degree else plain[kept]
    ids = np.frombuffer(os.urandom(ID_BYTES * len(kept)), dtype=np.uint8).reshape(-1, ID_BYTES)
    tags = division.tags[blocks]
    order = _by_tag_and_id(tags, ids)
    check_block_sizes(tags[order], plan.cap)
    encoded = EncodedPass(ids=ids[order], tags=tags[order], filters=filters[order])
    return HolderPass(plan=plan, encoded=encoded, records=kept[order], left_aside=len(plain) - len(kept))


def _diffuse_blocks(
    plain: NDArray[np.uint64], blocks: NDArray[np.int64], division: Division, plan: PassPlan
) -> NDArray[np.uint64]:
    """Diffuses rows already grouped by block, each block under its own table."""
    result = np.empty_like(plain)
    bounds = np.flatnonzero(np.diff(blocks, prepend=-1, append=-1))
    for start, stop in pairwise(bounds.tolist()):
        table = diffusion_table(division.secrets[blocks[start]], plan.length, plan.degree)
        result[start:stop] = diffuse(plain[start:stop], table)
    return result


def _by_tag_and_id(tags: NDArray[np.uint8], ids: NDArray[np.uint8]) -> NDArray[np.intp]:
    columns = [np.ascontiguousarray(part).view(">u8") for part in (ids, tags)]
    return np.lexsort([columns[0][:, 1], columns[0][:, 0], columns[1][:, 1], columns[1][:, 0]])


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
    "id": ["1", "2", "3", "4", "5"],
    "nom": ["de La Bœuf", "NA", "Lefèvre-Muñoz", "St-Ex", "Xø"],
    "usage": ["Martin", "", "O'Neil", "Saint Ex", ""],
    "prenoms": ["Jean-Chloé Zoë", "Éloïse Anne Marie", "Xuân", "Ñ", "Łukasz"],
    "sexe": ["1", "F", "M", "Féminin", ""],
    "naissance": ["1980-02-29", "1992-00-00", "1955-12-31", "2001-07-00", "1999-01-02"],
    "commune": ["8480", "", "2A004", "99352", "75056"],
    "pays": ["FR", "352", "99100", "0", ""],
    "adresse": ["12 bis, rue de l’Œuvre", "", "Bât. B", "lieu-dit Ker_ar_Mor", "X"],
    "numero": ["0012", "B7", "", "7.0", "0"],
    "situation": ["marié", "Marié", "", "N/A", "veuf"],
}
_WITNESS_SIZES = (20_000, 20_000)


def encoder_digest() -> str:
    """Hex SHA-256 of the encodings of a few invented people under a public key, in every profile."""
    sheet = Sheet.from_table(_WITNESS_SHEET)
    identifier, attributes = sheet.for_side("")
    table = RawTable(name="", columns=_WITNESSES, lines=range(2, 7))
    records = records_from_table(table, identifier, attributes)
    key = RunKey(hashlib.sha256(b"allervers public witness").digest())
    digest = hashlib.sha256()
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
