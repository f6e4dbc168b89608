"""The third party's part is played: by everything it holds of a run, it tries to find who is who from one pass to the next.

It opens every upload as its worker does. For each pair of passes or comparisons of one party it pairs rows by one feature after
the other: their place, their ids, tags, place in the block, chunk, payload. Pairs that are right are counted against the row
maps, which only the party holds; a random pairing of n rows has one right on average, whatever n.
"""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from crypto.framing import from_base64, parse_canonical_json
from crypto.keys import RunKey
from crypto.sealing import unseal, unseal_chunk
from linkage.profiles import PROFILES
from linkage.records import read_records
from linkage.wire import EncodedPass, payloads_from_bytes, rows_from_bytes
from service.administration.objectors import Attached
from service.administration.outbox import encode
from service.administration.payload import written
from service.administration.run_folder import RunFolder
from service.administration.seat import Seat
from service.guard_terms import GuardTerms
from service.messages import Delivery, Manifest, Relay, chunk_context, relay_context
from service.upload_appendix import APPENDIX_BYTES, open_appendix
from tests.risk_reports import RISK
from tests.simulator import Simulation, simulation
from tests.three_parties import ThreeParties

LENGTH = PROFILES["standard"].length
SIGMAS = 5


class Seen:
    """One upload, opened as the worker opens it; `records` is what the party alone knows."""

    def __init__(self, seat: Seat, manifest: Manifest, records: dict[bytes, int] | None) -> None:
        name = f"{manifest.comparison}/{manifest.pass_}"
        key = seat.folder.secret("upload", name)
        assert key is not None
        folder = seat.folder.path / "outbox" / name
        context, last = chunk_context(manifest), len(manifest.chunks) - 1
        parts = [unseal_chunk(key, context, at, at == last, (folder / str(at)).read_bytes()) for at in range(last + 1)]
        width = manifest.row_bytes - (32 + LENGTH // 8)
        self.manifest, self.canaries = manifest, open_appendix(manifest, key)
        self.chunks = np.repeat(np.arange(len(parts)), [len(part) // manifest.row_bytes for part in parts])
        self.rows: EncodedPass = rows_from_bytes(b"".join(parts), LENGTH, width)
        self.payloads = payloads_from_bytes(b"".join(parts), LENGTH, width)
        self.records = records or {}

    def features(self) -> dict[str, NDArray[np.float64]]:
        """What each row looks like from outside, one number a row and feature."""
        _, starts, inverse = np.unique(
            np.ascontiguousarray(self.rows.tags).view("S16").ravel(), return_index=True, return_inverse=True
        )
        place = np.arange(len(self.rows), dtype=np.float64)
        _, sizes = np.unique(inverse, return_counts=True)
        numbers = {
            "place": place,
            "place in its block": place - starts[inverse],
            "size of its block": sizes[inverse].astype(np.float64),
            "chunk": self.chunks.astype(np.float64),
            "id, first half": halves(self.rows.ids)[:, 0],
            "id, second half": halves(self.rows.ids)[:, 1],
            "tag": halves(self.rows.tags)[:, 0],
            "bits set": np.bitwise_count(self.rows.filters).sum(axis=1).astype(np.float64),
        }
        if self.payloads.shape[1]:
            numbers["payload, first bytes"] = halves(self.payloads[:, :16])[:, 0]
            numbers["payload, last bytes"] = halves(self.payloads[:, -16:])[:, 1]
        return numbers


def halves(data: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.ascontiguousarray(data).view(">u8").reshape(len(data), -1).astype(np.float64)


def right(one: NDArray[np.float64], other: NDArray[np.float64], truth: tuple[list[int], list[int]]) -> int:
    """Rows of two passes paired by the rank of a feature, ties at random: how many pairs are one record."""
    rng = np.random.default_rng(7)
    orders = [np.lexsort((rng.random(len(values)), values)) for values in (one, other)]
    return sum(truth[0][a] == truth[1][b] for a, b in zip(*orders, strict=False))


def joined_by(uploads: list[Seen], changed: Callable[[Seen], dict[str, NDArray[np.float64]]] = Seen.features) -> int:
    """All right pairs over all pairs of uploads and features, beyond what chance gives, in its standard deviations."""
    found, tries = 0, 0
    for one, other in itertools.combinations(uploads, 2):
        truths = [[item.records[row.tobytes()] for row in item.rows.ids] for item in (one, other)]
        mine, theirs = changed(one), changed(other)
        for name in mine.keys() & theirs.keys():
            found += right(mine[name], theirs[name], (truths[0], truths[1]))
            tries += 1
    return math.ceil((found - tries) / math.sqrt(tries))


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    """A third party."""
    with simulation(tmp_path_factory.mktemp("join") / "data") as one:
        yield one


@pytest.fixture(scope="module")
def uploads(sim: Simulation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Seen]]:
    """What the worker opens of a recipient with two comparisons and of a source with payloads and canaries."""
    folder = tmp_path_factory.mktemp("joined")
    three = ThreeParties(sim, folder)
    keys = {one.id: RunKey(secrets.token_bytes(32)) for one in three.agreement.comparisons}
    return {party: encoded(three, party, keys, folder) for party in ("caf", "cnous")}


def encoded(three: ThreeParties, party: str, keys: dict[str, RunKey], folder: Path) -> list[Seen]:
    seat = three.seats[party]
    seat.folder.keep_secrets("key", {one.id: keys[one.id] for one in seat.comparisons})
    records = read_records(three.file_of(party), seat.stored.demarche.sheet(), seat.operand, extra=("date_fin",))
    told = party == "cnous"
    encode(
        seat,
        records,
        risk=RISK,
        chunk_bytes=12_000,
        attached=Attached(payloads=written([records.extra["date_fin"]], 40) if told else ()),
    )
    found = []
    for comparison, plan in seat.passes():
        draft = seat.folder.path / "outbox" / comparison.id / plan.name / "draft.json"
        manifest = Manifest.from_json(parse(draft))
        rows: dict[bytes, int] = {}
        if comparison.recipient == party:
            for ids, places in seat.folder.rows(f"{comparison.id}/{plan.name}"):
                rows |= {row.tobytes(): int(place) for row, place in zip(ids, places, strict=True)}
        found.append(Seen(seat, manifest, rows))
    return found


def parse(path: Path) -> object:
    return parse_canonical_json(path.read_bytes(), 1 << 22)


def test_no_feature_joins_the_rows_of_two_passes_or_comparisons(uploads):
    """Order, ids, tags, blocks, chunks, bits: pairing by any of them is right as often as pairing at random."""
    assert 4 <= len(uploads["caf"])
    assert joined_by(uploads["caf"]) <= SIGMAS


def test_the_same_test_sees_a_party_that_does_not_shuffle(uploads):
    """If rows came in the order of the file, or ids followed the record, it would be found at once."""

    def unshuffled(one: Seen) -> dict[str, NDArray[np.float64]]:
        return {"place": np.array([one.records[row.tobytes()] for row in one.rows.ids], dtype=np.float64)}

    assert joined_by(uploads["caf"], unshuffled) > 10 * SIGMAS


def test_nothing_that_names_a_row_or_an_upload_is_used_twice(uploads):
    """Ids, tags, payloads, nonces and digests: no eight bytes of one upload of a party are found in another one of it."""
    for party in uploads.values():
        check_apart(party)


def check_apart(party: list[Seen]) -> None:
    seen: dict[bytes, int] = {}
    for number, one in enumerate(party):
        whole = [one.rows.ids, one.rows.tags, one.payloads]
        parts = {
            row[at : at + 8].tobytes() for table in whole for row in table for at in range(0, table.shape[1] - 7, 8)
        }
        parts |= {bytes.fromhex(one.manifest.nonce)[:8], one.manifest.appendix[:8]}
        parts |= {bytes.fromhex(digest)[:8] for digest in one.manifest.chunks}
        for part in parts:
            assert number == seen.setdefault(part, number)


def test_sizes_follow_from_the_number_of_rows_alone(uploads):
    """Chunks, rows and the appendix tell how many rows there are, which the agreement declares, and nothing else."""
    for party in uploads.values():
        for one in party:
            each = max(1, 12_000 // one.manifest.row_bytes)
            assert max(1, -(-one.manifest.count // each)) == len(one.manifest.chunks)
            assert APPENDIX_BYTES == len(one.manifest.appendix)
        assert 1 == len({one.manifest.row_bytes for one in party})


def test_payloads_of_one_record_are_not_alike(uploads):
    """Sealed anew in each pass: of two passes no two payloads share a byte more often than random bytes do."""
    first, second, *_ = uploads["cnous"]
    assert first.payloads.shape[1] == 72
    pairs = first.payloads[:, None, :] == second.payloads[None, :, :]
    share = float(pairs.mean())
    assert abs(share - 1 / 256) < SIGMAS * math.sqrt(1 / 256 / pairs.size)


def test_deliveries_and_relays_tell_classes_of_sizes(tmp_path):
    """With payloads too: whatever is linked, what waits has the length of a class, and nothing but its names differs."""
    with simulation(tmp_path / "data") as sim:
        three = ThreeParties(sim, tmp_path).delivered()
        three.combined()
        joiner, caf = three.clients["dgfip"], three.clients["caf"]
        sealed = []
        for comparison in three.agreement.comparisons:
            for plan in comparison.plan.passes:
                signed = joiner.delivery(three.run, comparison.id, plan.name)
                sealed.append(Delivery.opened(sim.third_party.signing_key, signed).sealed)
                names = {"format", "agreement", "run", "comparison", "pass", "recipient", "sealed"}
                assert names == set(signed["statement"])
        hits = caf.relay(three.run, "hits", "dgfip", 0)["statement"]
        lengths = {len(one) - 1141 for one in sealed}
        assert lengths <= {1 << power for power in range(12, 20)}
        assert 8 + 4096 * 2 == len(  # the length of the one output, and its class
            unseal(three.parties["caf"].identity.sealing_key, *opening(hits))
        )


def opening(statement: dict[str, object]) -> tuple[bytes, bytes]:
    return from_base64(statement["sealed"]), relay_context(Relay.from_json(statement))


def test_canaries_stand_in_one_pass_each_and_differ_from_controls(sim, tmp_path):
    """Their ids are in one appendix; in the other passes of the comparison no row of theirs is sent."""
    three = ThreeParties(sim, tmp_path, guards=GuardTerms(canaries=9, near_permille=1000))
    keys = {one.id: RunKey(secrets.token_bytes(32)) for one in three.agreement.comparisons}
    found = encoded(three, "cnous", keys, tmp_path)
    assert 9 == sum(len(one.canaries) for one in found)
    extra = [one.manifest.count - len(one.canaries) for one in found]
    assert max(extra) <= 150 + three.agreement.controls
    everything = [row.tobytes() for one in found for row in one.rows.ids]
    assert len(everything) == len(set(everything))
    assert {one for item in found for one in item.canaries} <= set(everything)
    folder = RunFolder(tmp_path / "cnous" / "runs" / three.run)
    assert None is folder.secret("payload", "caf.cnous/jour")
