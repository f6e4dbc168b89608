"""S7: whatever is done to a log, to its checkpoint or to a proof is found out by whoever holds the pinned key."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from crypto.audit import (
    Checkpoint,
    MerkleTree,
    leaf_hash,
    open_checkpoint,
    sign_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from crypto.errors import CryptoError
from crypto.framing import canonical_json
from crypto.signatures import SigningKey
from crypto.witness import add_cosignature, open_cosigned
from service.administration.log_file import LogFile, is_export, read_export
from service.errors import ServiceError
from service.messages import log_origin
from service.third_party.database import Database, sqlite_url
from service.third_party.log import AuditLog, Fact, erase_bodies
from service.third_party.log_export import export_log
from service.third_party.schema import log_leaves
from tests.simulator import START, simulation

KEY, OTHER, WITNESS = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
NAME = log_origin("tiers")
SIZE = 3
pytestmark = pytest.mark.S7


def exported(leaves: list[bytes | None], hashes: list[bytes], note: str, key: SigningKey = KEY) -> bytes:
    """The file that holds these leaves."""
    head = {"format": "allervers/log-export/v1", "origin": NAME, "log_key": _base64(key), "checkpoint": note}
    rows = [
        {"hash": one.hex(), "leaf": None if leaf is None else json.loads(leaf)}
        for one, leaf in zip(hashes, leaves, strict=True)
    ]
    return b"".join(canonical_json(one) + b"\n" for one in (head, *rows))


def _base64(key: SigningKey) -> str:
    return base64.b64encode(key.verify_bytes()).decode()


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> tuple[list[bytes], list[bytes], str]:
    """Leaves, hashes and checkpoint of a small log, as the service writes them."""
    database = Database(sqlite_url(tmp_path_factory.mktemp("log") / "database.sqlite"))
    audit = AuditLog(KEY, "tiers")
    for number in range(SIZE):
        with database.write() as connection:
            audit.append(connection, Fact(at=START, actor="caf", action=f"step{number}", run="a" * 32))
    with database.read() as connection:
        view = audit.entries(connection, range(SIZE))
    database.close()
    leaves = [one.leaf for one in view.entries]
    return leaves, [leaf_hash(one) for one in leaves], view.checkpoint


def read(data: bytes) -> LogFile:
    """The log that a file holds, judged with the pinned key."""
    return read_export(io.BytesIO(data), KEY.verify_bytes(), NAME)


def refused(data: bytes) -> bool:
    try:
        read(data)
    except ServiceError as error:
        return error.code == "E_JOURNAL"
    return False


def test_every_flipped_bit_of_an_exported_log_is_found(log):
    """All bits of the whole file: head, checkpoint, hashes, bodies, line ends."""
    data = exported(*log)
    assert SIZE == read(data).size
    missed = []
    for bit in range(8 * len(data)):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << (bit % 8)
        if not refused(bytes(altered)):
            missed.append(bit)
    assert [] == missed


def test_every_flipped_bit_of_a_checkpoint_is_found(log):
    """With the log's key and the root in hand: no bit of the note can be another."""
    note = log[2].encode()
    honest = open_checkpoint(log[2], KEY.verify_bytes(), NAME)
    for bit in range(8 * len(note)):
        altered = bytearray(note)
        altered[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises((CryptoError, UnicodeDecodeError)):
            open_checkpoint(bytes(altered).decode(), KEY.verify_bytes(), NAME)
    assert SIZE == honest.size


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:-1],  # the last one cut off
        lambda rows: rows[1:],
        lambda rows: [rows[0], *rows[2:]],
        lambda rows: [rows[1], rows[0], *rows[2:]],
        lambda rows: [*rows[:2], rows[1], *rows[2:]],
        lambda rows: rows[::-1],
        lambda rows: [*rows, rows[-1]],
        lambda rows: [],
    ],
    ids=["cut", "first gone", "one gone", "two swapped", "one twice", "reversed", "one added", "none"],
)
def test_deleted_moved_and_added_leaves_are_found(log, change):
    """Each line may be as it was: their order and number are what was signed."""
    lines = exported(*log).splitlines(keepends=True)
    assert refused(b"".join([lines[0], *change(lines[1:])]))


def test_a_body_can_be_erased_and_not_replaced(log):
    """Without their bodies the hashes still lead to the signed root; another body, or one moved, does not."""
    leaves, hashes, note = log
    assert SIZE == read(exported([None, *leaves[1:]], hashes, note)).size
    assert SIZE == read(exported([None] * SIZE, hashes, note)).size
    other = json.loads(leaves[0])
    other["actor"] = "cnous"
    assert refused(exported([canonical_json(other), *leaves[1:]], hashes, note))
    assert refused(exported([leaves[1], *leaves[1:]], hashes, note))


def test_a_log_signed_by_another_key_is_found(log):
    """A consistent log of somebody else, head included, is not this one."""
    leaves, hashes, _ = log
    forged = sign_checkpoint(Checkpoint(origin=NAME, size=SIZE, root=MerkleTree(hashes).root()), OTHER, NAME)
    assert refused(exported(leaves, hashes, forged, OTHER))
    assert refused(exported(leaves, hashes, forged))


def test_a_fork_is_found_by_who_has_seen_the_other_branch(log):
    """The service itself signs two histories: each holds alone, together they do not."""
    leaves, _, note = log
    seen = open_checkpoint(note, KEY.verify_bytes(), NAME)
    for at in range(SIZE):
        fork = json.loads(leaves[at])
        fork["action"] = "forged"
        forged = [*leaves[:at], canonical_json(fork), *leaves[at + 1 :]]
        tree = MerkleTree(leaf_hash(one) for one in forged)
        tree.append(leaf_hash(b"later"))
        longer = Checkpoint(origin=NAME, size=tree.size, root=tree.root())
        with pytest.raises(CryptoError):
            verify_consistency(seen.size, longer.size, tree.consistency_proof(SIZE), seen.root, longer.root)
        short = sign_checkpoint(Checkpoint(origin=NAME, size=SIZE, root=tree.root(SIZE)), KEY, NAME)
        export = read(exported(list(forged), [leaf_hash(one) for one in forged], short))
        with pytest.raises(ServiceError, match="réécrit"):
            export.check_continues(seen)


def alterations(proof: list[bytes]) -> list[list[bytes]]:
    """Proofs that are not this one: bits flipped, hashes left out, doubled, swapped, added."""
    found = [proof[:at] + proof[at + 1 :] for at in range(len(proof))]
    found += [proof[: at + 1] + proof[at:] for at in range(len(proof))]
    found += [[*proof, bytes(32)], [bytes(32), *proof]]
    found += [[*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :]] for at in range(len(proof) - 1)]
    for at in range(len(proof)):
        for bit in (0, 100, 255):
            node = bytearray(proof[at])
            node[bit // 8] ^= 1 << (bit % 8)
            found.append([*proof[:at], bytes(node), *proof[at + 1 :]])
    return [one for one in found if one != proof]


def test_forged_proofs_are_refused():
    """Every leaf and every pair of sizes of logs up to 24: more than 14,000 altered proofs, none accepted."""
    count = 0
    hashes = [leaf_hash(bytes([number])) for number in range(24)]
    tree = MerkleTree(hashes)
    for size in range(1, len(hashes) + 1):
        root = tree.root(size)
        for index in range(size):
            proof = tree.inclusion_proof(index, size)
            verify_inclusion(hashes[index], index, size, proof, root)
            for forged in alterations(proof):
                with pytest.raises(CryptoError):
                    verify_inclusion(hashes[index], index, size, forged, root)
                count += 1
        for first in range(1, size):
            proof = tree.consistency_proof(first, size)
            verify_consistency(first, size, proof, tree.root(first), root)
            for forged in alterations(proof):
                with pytest.raises(CryptoError):
                    verify_consistency(first, size, forged, tree.root(first), root)
                count += 1
    assert count >= 14_000


def test_a_cosignature_is_of_one_witness_on_one_checkpoint_at_one_moment(log):
    """Every bit of the line counts, and so do name, key and note."""
    note = add_cosignature(log[2], WITNESS, "allervers/witness/caf", 1_795_000_000)
    ours = (KEY.verify_bytes(), NAME)
    checkpoint, moment = open_cosigned(note, ours, (WITNESS.verify_bytes(), "allervers/witness/caf"))
    assert (SIZE, 1_795_000_000) == (checkpoint.size, moment)
    for key, name in ((OTHER, "allervers/witness/caf"), (WITNESS, "allervers/witness/cnous")):
        with pytest.raises(CryptoError):
            open_cosigned(note, ours, (key.verify_bytes(), name))
    with pytest.raises(CryptoError):
        open_cosigned(log[2], ours, (WITNESS.verify_bytes(), "allervers/witness/caf"))
    start = len(log[2].encode())
    data = note.encode()
    for bit in range(8 * start, 8 * len(data)):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises((CryptoError, UnicodeDecodeError)):
            open_cosigned(bytes(altered).decode(), ours, (WITNESS.verify_bytes(), "allervers/witness/caf"))
    other = sign_checkpoint(replace(checkpoint, size=SIZE + 1), KEY, NAME)
    swapped = other + note.removeprefix(log[2])
    with pytest.raises(CryptoError):
        open_cosigned(swapped, ours, (WITNESS.verify_bytes(), "allervers/witness/caf"))


def test_the_export_of_a_service_is_read_back(tmp_path):
    """What the operator writes is what an auditor checks, erased bodies included; a rewritten row is found."""
    with simulation(tmp_path / "data") as sim:
        sim.caf.cancel(sim.opened())
        sim.clock.advance(days=36 * 31)
        with sim.site.database.write() as connection:
            erased = erase_bodies(connection, sim.clock(), 3)
        size = export_log(sim.site, tmp_path / "log")
        assert is_export(tmp_path / "log")
        key, name = sim.site.log.public_key, sim.site.log.name
        export = read_export(io.BytesIO((tmp_path / "log").read_bytes()), key, name)
        assert (3, size) == (erased, export.size)
        assert erased == export.erased
        with pytest.raises(FileExistsError):
            export_log(sim.site, tmp_path / "log")
        with sim.site.database.write() as connection:
            connection.execute(
                update(log_leaves).where(log_leaves.c.seq == size - 1).values(leaf=_rewritten(connection))
            )
        export_log(sim.site, tmp_path / "again")
        with pytest.raises(ServiceError):
            read_export(io.BytesIO((tmp_path / "again").read_bytes()), key, name)


def _rewritten(connection: Any) -> bytes:
    leaf = json.loads(connection.exec_driver_sql("SELECT leaf FROM log_leaves ORDER BY seq DESC LIMIT 1").scalar())
    return canonical_json({**leaf, "actor": "somebody"})
