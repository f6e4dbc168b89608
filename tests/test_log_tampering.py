"""S7: whatever is done to a checkpoint or to a proof is found out by whoever holds the pinned key.

Cosignatures are in test_witness, exported logs in test_log_file and test_log_export.
"""

from __future__ import annotations

import pytest

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
from crypto.signatures import SigningKey
from service.messages import log_origin

KEY = SigningKey.generate()
NAME = log_origin("tiers")
SIZE = 3
pytestmark = pytest.mark.S7


def test_every_flipped_bit_of_a_checkpoint_is_found():
    """With the log's key and the root in hand: no bit of the note can be another."""
    root = MerkleTree(leaf_hash(bytes([number])) for number in range(SIZE)).root()
    note = sign_checkpoint(Checkpoint(origin=NAME, size=SIZE, root=root), KEY, NAME).encode()
    assert SIZE == open_checkpoint(note.decode(), KEY.verify_bytes(), NAME).size
    for bit in range(8 * len(note)):
        altered = bytearray(note)
        altered[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises((CryptoError, UnicodeDecodeError)):
            open_checkpoint(bytes(altered).decode(), KEY.verify_bytes(), NAME)


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
