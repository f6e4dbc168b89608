"""The audit log's tree: RFC 9162 hashing, proofs, and checkpoints that parties keep.

Tree (RFC 9162 §2.1, the same as RFC 6962): leaf ``SHA-256(00 ‖ entry)``, node ``SHA-256(01 ‖ left ‖ right)``,
the left subtree always the largest power of two smaller than the size; the empty tree's root is
``SHA-256("")``. An inclusion proof shows that an entry is in the tree of a checkpoint; a consistency proof
shows that an older checkpoint's tree is the beginning of a newer one's, so that history was not rewritten.

Checkpoint (C2SP tlog-checkpoint, a signed note)::

    origin ⏎ size in decimal ⏎ root in base64 ⏎ ⏎ — name base64(key hash ‖ signature) ⏎

key hash = first 4 bytes of ``SHA-256(name ‖ 0A ‖ 01 ‖ public key)``; Ed25519 over the text up to and with the
newline that ends the root's line. The note is signed as the standard says, without a frame: a framed message
starts with a zero byte, a note never does, so neither can pass for the other. Lines signed by other keys
(witnesses) are allowed and not judged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature

from crypto.errors import FormatRefused, ProofRefused, SignatureRefused
from crypto.framing import from_base64, to_base64
from crypto.signatures import SIGNATURE_BYTES, SigningKey, check_verify_key

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "KEY_HASH_BYTES",
    "Checkpoint",
    "MerkleTree",
    "check_key_name",
    "leaf_hash",
    "note_signatures",
    "open_checkpoint",
    "sign_checkpoint",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
KEY_HASH_BYTES = 4  # of a note's key
EMPTY_ROOT = hashlib.sha256(b"").digest()
LARGEST_CHECKPOINT = 16384  # characters
MOST_SIGNATURES = 16
LARGEST_SIZE = 2**53

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}")
_NAME = re.compile(r"[!-*,-~]{1,200}")  # visible ASCII without "+"
_SIGNATURE_LINE = re.compile(r"— (\S{1,200}) ([A-Za-z0-9+/=]{1,12000})")


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of an entry of the log."""
    return hashlib.sha256(b"\x00" + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """Largest power of two smaller than `size` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


class MerkleTree:
    """An append-only tree in memory. Level `k` holds the hash of each complete subtree of `2^k` leaves."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash and return its index; amortised constant time.

        Raises:
            ProofRefused: not a 32-byte hash.
        """
        _check_hash(leaf)
        index, level = self.size, 0
        self._levels[0].append(leaf)
        while len(self._levels[level]) % 2 == 0:
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(_node_hash(*self._levels[level][-2:]))
            level += 1
        return index

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the tree, now or as it was at an earlier size.

        Raises:
            ProofRefused: the log was never of this size.
        """
        size = self._check_size(size)
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the hashes that lead from leaf `index` to the root at `size`, bottom first.

        Raises:
            ProofRefused: no such leaf in a tree of this size.
        """
        stop = self._check_size(size)
        if not 0 <= index < stop:
            raise ProofRefused("cette entrée n'existe pas dans le journal à cette taille.")
        proof: list[bytes] = []
        start = 0
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                proof.append(self._subtree(middle, stop))
                stop = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the hashes that show the tree at `first` to be the beginning of the tree at `second`.

        The proof is empty when `first` is 0 or equals `second`.

        Raises:
            ProofRefused: not `0 <= first <= second <= size`.
        """
        stop = self._check_size(second)
        if not 0 <= first <= stop:
            raise ProofRefused("la première taille dépasse la seconde.")
        if first in {0, stop}:
            return []
        proof: list[bytes] = []
        start = 0
        while first != stop:
            middle = start + _split(stop - start)
            if first <= middle:
                proof.append(self._subtree(middle, stop))
                stop = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        if start:  # from 0, the last subtree is the whole first tree, whose root the verifier holds
            proof.append(self._subtree(start, stop))
        return proof[::-1]

    def _check_size(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise ProofRefused("le journal n'a pas encore cette taille.")
        return size

    def _subtree(self, start: int, stop: int) -> bytes:
        """Hash leaves `start` to `stop`; `start` is a multiple of a power of two >= `stop - start`."""
        level = (stop - start).bit_length() - 1
        if stop - start == 1 << level:
            return self._levels[level][start >> level]
        middle = start + _split(stop - start)
        return _node_hash(self._subtree(start, middle), self._subtree(middle, stop))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash stands at `index` in the tree of this size and root (RFC 9162 §2.1.3.2).

    Raises:
        ProofRefused: it does not, or the proof has another length.
    """
    _check_hash(leaf, root, *proof)
    if not 0 <= index < size <= LARGEST_SIZE:
        raise ProofRefused("la preuve désigne une entrée hors du journal.")
    position, edge, node = index, size - 1, leaf
    for sibling in proof:
        if edge == 0:
            raise ProofRefused("la preuve d'inscription au journal est trop longue.")
        if position & 1 or position == edge:
            node = _node_hash(sibling, node)
            while not position & 1 and position:  # levels at which the right edge has no sibling
                position, edge = position >> 1, edge >> 1
        else:
            node = _node_hash(node, sibling)
        position, edge = position >> 1, edge >> 1
    if edge != 0 or node != root:
        raise ProofRefused("la preuve d'inscription ne mène pas à la racine du journal ; gardez-la et signalez-le.")


def verify_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> None:
    """Check that the tree of `first` leaves is the beginning of the tree of `second` (RFC 9162 §2.1.4.2).

    Raises:
        ProofRefused: it is not, or the proof has another length.
    """
    _check_hash(first_root, second_root, *proof)
    if not 0 <= first <= second <= LARGEST_SIZE:
        raise ProofRefused("la preuve compare deux tailles impossibles.")
    if first in {0, second}:
        held = EMPTY_ROOT if first == 0 else second_root
        follows = not proof and first_root == held and (first != second or first_root == second_root)
    else:
        follows = _walk_consistency(first, second, proof, first_root) == (first_root, second_root)
    if not follows:
        raise ProofRefused("le journal présenté n'est pas la suite de celui déjà vu ; gardez les deux et signalez-le.")


def _walk_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes) -> tuple[bytes, bytes]:
    """Return both roots that the proof leads to, for `0 < first < second`."""
    # When the first tree is complete, its root is itself the first hash and the proof leaves it out.
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    position, edge = first - 1, second - 1
    while position & 1:
        position, edge = position >> 1, edge >> 1
    old = new = path[0] if path else b""
    for sibling in path[1:]:
        if edge == 0:
            raise ProofRefused("la preuve de continuité du journal est trop longue.")
        if position & 1 or position == edge:
            old, new = _node_hash(sibling, old), _node_hash(sibling, new)
            while not position & 1 and position:
                position, edge = position >> 1, edge >> 1
        else:
            new = _node_hash(new, sibling)
        position, edge = position >> 1, edge >> 1
    if edge != 0:
        raise ProofRefused("la preuve de continuité du journal est trop courte.")
    return old, new


def _check_hash(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofRefused("une empreinte du journal n'a pas 32 octets.")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The log at one moment: which log, how many entries, which root."""

    origin: str  # the log's own name, one line
    size: int
    root: bytes  # 32 bytes

    def __post_init__(self) -> None:
        """Refuse what a note could not carry."""
        _check_hash(self.root)
        if not 0 <= self.size <= LARGEST_SIZE:
            raise FormatRefused("la taille d'un point de contrôle du journal est hors limites.")
        if not self.origin or not self.origin.isprintable():
            raise FormatRefused("l'origine d'un point de contrôle du journal tient sur une ligne.")


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey, name: str) -> str:
    """Write a checkpoint as a signed note.

    Args:
        checkpoint: what is signed.
        key: the log's own key, which signs nothing but checkpoints.
        name: the key's name, visible ASCII without space or "+".

    Raises:
        FormatRefused: the name is not one of a note key.
    """
    text = _note_text(checkpoint)
    signature = _key_hash(name, key.verify_bytes()) + key.sign_raw(text.encode())
    return f"{text}\n— {name} {to_base64(signature)}\n"


def open_checkpoint(text: str, public: bytes, name: str) -> Checkpoint:
    """Read a signed note and check the signature of the log's pinned key.

    Args:
        text: the note as received.
        public: the log's 32-byte public key.
        name: the key's name.

    Raises:
        FormatRefused: not a checkpoint in its one form.
        KeyRefused: `public` is not an Ed25519 key.
        SignatureRefused: not signed by this key under this name.
    """
    if len(text) > LARGEST_CHECKPOINT:
        raise FormatRefused("le point de contrôle du journal est trop long.")
    body, separator, tail = text.partition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise FormatRefused("le point de contrôle du journal n'est pas une note signée.")
    checkpoint = _parse_note(f"{body}\n")
    verifier, key_hash = check_verify_key(public), _key_hash(name, public)
    ours = [
        signature[len(key_hash) :]
        for signer, signature in _parse_signatures(tail)
        if signer == name and signature[: len(key_hash)] == key_hash
    ]
    if len(ours) != 1 or len(ours[0]) != SIGNATURE_BYTES:
        raise SignatureRefused("le point de contrôle du journal n'est pas signé par la clé attendue.")
    try:
        verifier.verify(ours[0], f"{body}\n".encode())
    except InvalidSignature:
        raise SignatureRefused("la signature du point de contrôle du journal n'est pas valable.") from None
    return checkpoint


def _note_text(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.origin}\n{checkpoint.size}\n{to_base64(checkpoint.root)}\n"


def note_signatures(text: str) -> list[tuple[str, bytes]]:
    """(name, key hash ‖ signature) of each line that signs a note, none of them judged.

    Raises:
        FormatRefused: not a signed note.
    """
    _, separator, tail = text.partition("\n\n")
    if len(text) > LARGEST_CHECKPOINT or not separator or not tail.endswith("\n"):
        raise FormatRefused("le point de contrôle du journal n'est pas une note signée.")
    return _parse_signatures(tail)


def check_key_name(name: str) -> None:
    """Refuse a name that no key of a note can have.

    Raises:
        FormatRefused: not visible ASCII without space or "+".
    """
    if not _NAME.fullmatch(name):
        raise FormatRefused("le nom d'une clé du journal est en caractères ASCII visibles, sans espace ni « + ».")


def _key_hash(name: str, public: bytes) -> bytes:
    check_key_name(name)
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:KEY_HASH_BYTES]


def _parse_note(body: str) -> Checkpoint:
    lines = body.split("\n")
    if len(lines) != 4 or not _DECIMAL.fullmatch(lines[1]):  # the fourth is empty, after the final newline
        raise FormatRefused("le texte du point de contrôle a trois lignes : origine, taille, racine.")
    root = from_base64(lines[2], HASH_BYTES)
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)


def _parse_signatures(tail: str) -> list[tuple[str, bytes]]:
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise FormatRefused("le point de contrôle du journal porte trop de signatures.")
    matches = [_SIGNATURE_LINE.fullmatch(line) for line in lines]
    if any(match is None for match in matches):
        raise FormatRefused("une ligne de signature du point de contrôle est mal formée.")
    return [(match[1], from_base64(match[2])) for match in matches if match]
