"""Cosignatures: of one witness, on one checkpoint, at one moment; and of nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.audit import Checkpoint, MerkleTree, leaf_hash, open_checkpoint, sign_checkpoint
from crypto.errors import CryptoError, FormatRefused, KeyRefused, SignatureRefused
from crypto.framing import Label, frame
from crypto.signatures import SigningKey, verify
from crypto.witness import add_cosignature, open_cosigned

LOG, WITNESS, OTHER = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
ORIGIN, NAME = "allervers/tiers", "allervers/witness/caf"
MOMENT = 1_795_000_000
ROOT = MerkleTree([leaf_hash(b"one"), leaf_hash(b"two")]).root()
CHECKPOINT = Checkpoint(origin=ORIGIN, size=2, root=ROOT)
NOTE = sign_checkpoint(CHECKPOINT, LOG, ORIGIN)
OURS, THEIRS = (LOG.verify_bytes(), ORIGIN), (WITNESS.verify_bytes(), NAME)


def line_by_hand(note: str, key: SigningKey, name: str, moment: int) -> str:
    """The line of a witness, written from the specification (C2SP tlog-cosignature) and nothing of ours."""
    text = note[: note.index("\n\n") + 1]
    key_hash = hashlib.sha256(name.encode() + b"\n" + bytes([4]) + key.verify_bytes()).digest()[:4]
    signature = key.sign_raw(f"cosignature/v1\ntime {moment}\n{text}".encode())
    return f"— {name} {base64.b64encode(key_hash + moment.to_bytes(8, 'big') + signature).decode()}\n"


@given(st.integers(0, 2**64 - 1))
def test_the_line_is_the_one_of_the_specification(moment):
    """Byte for byte, at any moment that eight bytes hold; the note before it stays as it was."""
    note = add_cosignature(NOTE, WITNESS, NAME, moment)
    assert NOTE + line_by_hand(NOTE, WITNESS, NAME, moment) == note
    assert (CHECKPOINT, moment) == open_cosigned(note, OURS, THEIRS)


def test_the_note_of_a_witness_is_still_the_note_of_the_log():
    """Whoever knows nothing of witnesses reads the same checkpoint."""
    assert CHECKPOINT == open_checkpoint(add_cosignature(NOTE, WITNESS, NAME, MOMENT), *OURS)


def test_several_witnesses_sign_one_note():
    """Each is read for itself, whatever stands beside it."""
    note = add_cosignature(add_cosignature(NOTE, WITNESS, NAME, MOMENT), OTHER, "allervers/witness/cnous", MOMENT + 1)
    assert (CHECKPOINT, MOMENT) == open_cosigned(note, OURS, THEIRS)
    assert (CHECKPOINT, MOMENT + 1) == open_cosigned(note, OURS, (OTHER.verify_bytes(), "allervers/witness/cnous"))


def test_two_lines_of_one_witness_are_refused():
    """A note that says two moments says none."""
    note = add_cosignature(add_cosignature(NOTE, WITNESS, NAME, MOMENT), WITNESS, NAME, MOMENT + 1)
    with pytest.raises(SignatureRefused):
        open_cosigned(note, OURS, THEIRS)


@pytest.mark.S7
@pytest.mark.parametrize(
    ("key", "name"), [(OTHER, NAME), (WITNESS, "allervers/witness/cnous"), (LOG, NAME), (LOG, ORIGIN)]
)
def test_a_cosignature_is_of_one_witness(key, name):
    """Another key or another name finds no line of its own; the log is no witness of itself."""
    note = add_cosignature(NOTE, WITNESS, NAME, MOMENT)
    with pytest.raises(SignatureRefused):
        open_cosigned(note, OURS, (key.verify_bytes(), name))


@pytest.mark.S7
def test_a_note_without_a_witness_is_refused():
    """The log's own line does not do."""
    with pytest.raises(SignatureRefused):
        open_cosigned(NOTE, OURS, THEIRS)


@pytest.mark.S7
def test_every_flipped_bit_of_the_line_is_found():
    """Name, hash of the key, moment, signature, line end."""
    note = add_cosignature(NOTE, WITNESS, NAME, MOMENT).encode()
    accepted = []
    for bit in range(8 * len(NOTE.encode()), 8 * len(note)):
        altered = bytearray(note)
        altered[bit // 8] ^= 1 << (bit % 8)
        try:
            open_cosigned(bytes(altered).decode(), OURS, THEIRS)
        except (CryptoError, UnicodeDecodeError):
            continue
        accepted.append(bit)
    assert [] == accepted


@pytest.mark.S7
def test_a_cosignature_does_not_pass_to_another_checkpoint():
    """The line taken off one note and put under another, signed by the same log."""
    line = add_cosignature(NOTE, WITNESS, NAME, MOMENT).removeprefix(NOTE)
    for other in (replace(CHECKPOINT, size=3), replace(CHECKPOINT, root=bytes(32))):
        with pytest.raises(SignatureRefused):
            open_cosigned(sign_checkpoint(other, LOG, ORIGIN) + line, OURS, THEIRS)


def test_the_log_must_have_signed_too():
    """A witness of a checkpoint that the pinned log never signed is worth nothing."""
    forged = add_cosignature(sign_checkpoint(CHECKPOINT, OTHER, ORIGIN), WITNESS, NAME, MOMENT)
    with pytest.raises(SignatureRefused):
        open_cosigned(forged, OURS, THEIRS)


@pytest.mark.parametrize(
    "tail",
    [
        base64.b64encode(b"").decode(),
        base64.b64encode(bytes(4)).decode(),
        base64.b64encode(hashlib.sha256(NAME.encode() + b"\n\x04" + WITNESS.verify_bytes()).digest()[:4]).decode(),
        "=" * 8,
        "é",
    ],
    ids=["empty", "no signature", "key hash only", "no base64", "not ASCII"],
)
def test_a_line_of_another_form_is_refused(tail):
    """Too short, or not base64: an error of ours and no other."""
    with pytest.raises(CryptoError):
        open_cosigned(f"{NOTE}— {NAME} {tail}\n", OURS, THEIRS)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2028b", "é"])
def test_a_name_that_no_key_can_have_is_refused(name):
    """On both ways."""
    with pytest.raises(FormatRefused):
        add_cosignature(NOTE, WITNESS, name, MOMENT)
    with pytest.raises(CryptoError):
        open_cosigned(NOTE, OURS, (WITNESS.verify_bytes(), name))


def test_a_key_of_another_kind_is_refused():
    """Before any line is judged by it."""
    with pytest.raises(KeyRefused):
        open_cosigned(add_cosignature(NOTE, WITNESS, NAME, MOMENT), OURS, (bytes(31), NAME))


def test_no_statement_of_a_party_can_be_taken_for_a_cosignature():
    """The same key signs both: a framed message begins with eight bytes of length, never with the letter c."""
    for label in Label:
        assert b"cosignature/v1\n" != frame(label, b"any")[:15]
        with pytest.raises(SignatureRefused):
            verify(WITNESS.verify_bytes(), label, b"any", _raw(add_cosignature(NOTE, WITNESS, NAME, MOMENT)))


def _raw(note: str) -> bytes:
    return base64.b64decode(note.rpartition(" ")[2])[12:]
