"""A whole audit log, as `allervers export-log` writes it, checked without the third party.

The hashes of the file must lead to the root of its checkpoint, which the pinned key of the log signed; each body must have
the hash beside it and say its own number. Nothing of the file is believed before that. The file is read line by line,
whatever its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crypto.audit import Checkpoint, MerkleTree, leaf_hash, open_checkpoint
from crypto.errors import CryptoError, ProofRefused
from crypto.framing import Json, canonical_json, parse_canonical_json, to_base64
from service.answers import LogLeaf
from service.errors import ServiceError

__all__ = ["LogFile", "is_export", "read_export"]

_FORMAT = "allervers/log-export/v1"
_LARGEST_LINE = 1 << 16


@dataclass(frozen=True)
class LogFile:
    """A log that was read and holds."""

    tree: MerkleTree
    erased: int

    @property
    def size(self) -> int:
        """Its leaves."""
        return self.tree.size

    def check_continues(self, known: Checkpoint) -> None:
        """Refuse a log that is not the one of a checkpoint that was seen before; a later checkpoint is not judged.

        Raises:
            ServiceError: `E_JOURNAL`.
        """
        if known.size <= self.size and self.tree.root(known.size) != known.root:
            raise _broken("ce journal n'est pas celui que ce poste a déjà vu : l'historique a été réécrit")


def is_export(path: Path) -> bool:
    """Whether a file begins as an exported log does."""
    with path.open("rb") as file:
        return _FORMAT.encode() in file.read(_LARGEST_LINE).partition(b"\n")[0]


def read_export(file: BinaryIO, log_key: bytes, name: str) -> LogFile:
    """Read an exported log and check all of it.

    Args:
        file: its bytes.
        log_key: the log's public key, pinned.
        name: of the log and its key.

    Raises:
        ServiceError: `E_JOURNAL`: altered, cut, of another log, or not an export at all.
        OSError: the file cannot be read.
    """
    tree, erased = MerkleTree(), 0
    try:
        head = _line(file.readline(_LARGEST_LINE))
        if set(head) != {"format", "origin", "log_key", "checkpoint"} or head["format"] != _FORMAT:
            raise _broken("ce fichier n'est pas un journal exporté")
        if (head["origin"], head["log_key"]) != (name, to_base64(log_key)):
            raise _broken("ce fichier est le journal d'un autre service")
        checkpoint = open_checkpoint(str(head["checkpoint"]), log_key, name)
        while line := file.readline(_LARGEST_LINE):
            erased += _leaf(line, tree)
    except (CryptoError, ServiceError, KeyError, ValueError) as error:
        raise _broken("une ligne du journal exporté n'est pas celle qui fut écrite") from error
    if (checkpoint.origin, checkpoint.size) != (name, tree.size) or checkpoint.root != tree.root():
        raise _broken("le journal exporté n'est pas celui que sa signature annonce")
    return LogFile(tree, erased)


def _leaf(line: bytes, tree: MerkleTree) -> bool:
    """Add the leaf of a line; returns whether its body is erased."""
    members = _line(line)
    if set(members) != {"hash", "leaf"}:
        raise ProofRefused("une ligne du journal n'a pas ses deux membres.")
    hashed, body = bytes.fromhex(str(members["hash"])), members["leaf"]
    if hashed.hex() != members["hash"]:
        raise ProofRefused("une empreinte du journal n'est pas sous sa forme unique.")
    index = tree.append(hashed)
    if body is None:
        return True
    if leaf_hash(canonical_json(body)) != hashed or LogLeaf.from_json(body).seq != index:
        raise ProofRefused("une entrée du journal n'a pas l'empreinte qui l'accompagne.")
    return False


def _line(data: bytes) -> dict[str, Json]:
    if not data.endswith(b"\n"):
        raise ProofRefused("le journal exporté est coupé.")
    value = parse_canonical_json(data[:-1], _LARGEST_LINE)
    if not isinstance(value, dict):
        raise ProofRefused("une ligne du journal exporté n'est pas un objet.")
    return value


def _broken(what: str) -> ServiceError:
    return ServiceError(
        "E_JOURNAL", f"{what} ; gardez vos fichiers et prévenez votre délégué à la protection des données"
    )
