"""Proofs at an administration: receipts of destruction, and a log whose history nobody can rewrite unseen.

A receipt holds when the pinned third party signed it, when the log has an entry that names its digest, when the
entry is in the tree of a checkpoint that the pinned log key signed, and when that checkpoint continues the last
one this administration saw. For its own run a party also checks that each of its uploads is listed, by the
digest of the manifest it signed, and that the destroyed key is the one its uploads were sealed to.

``HOME/log/checkpoint.txt`` is the latest checkpoint; ``HOME/log/SIZE.txt`` are all those seen, so that a saved
receipt can be checked without a network. ``RUN/receipts.json`` is what `allervers verify` takes offline::

    {"format": "allervers/receipts/v1", "receipts": [ReceiptView], "log": LogView}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crypto.audit import Checkpoint, leaf_hash, open_checkpoint, verify_consistency, verify_inclusion
from crypto.errors import CryptoError
from crypto.framing import canonical_json, parse_canonical_json
from crypto.key_files import write_secret
from crypto.witness import open_cosigned
from service.administration.keyring import ThirdParty
from service.answers import LogEntry, LogLeaf, LogView, ReceiptProof, ReceiptView, WitnessedView
from service.errors import ServiceError
from service.messages import MAX_JSON_BYTES, Receipt, log_origin, statement_digest, witness_name

if TYPE_CHECKING:
    from service.administration.client import Client

__all__ = ["LogWatch", "ProofFile", "check_destroyed", "check_log", "check_receipt"]

_FORMAT = "allervers/receipts/v1"


class LogWatch:
    """The checkpoints of one third party that this administration has seen and believes."""

    def __init__(self, home: Path, third_party: ThirdParty) -> None:
        self._folder = home / "log"
        self._third_party = third_party
        self._noted: str | None = None
        self._judging = False
        self._fault: ServiceError | None = None

    def opened(self, text: str) -> Checkpoint:
        """A checkpoint whose signature holds.

        Raises:
            ServiceError: `E_JOURNAL`.
        """
        name = log_origin(self._third_party.identity.party)
        try:
            checkpoint = open_checkpoint(text, self._third_party.log_key, name)
        except CryptoError as error:
            raise _broken("un point de contrôle du journal n'est pas signé par la clé épinglée") from error
        if checkpoint.origin != name:
            raise _broken("ce point de contrôle est celui d'un autre journal")
        return checkpoint

    def latest(self) -> Checkpoint | None:
        """The latest checkpoint that was accepted."""
        path = self._folder / "checkpoint.txt"
        return self.opened(path.read_text("utf-8")) if path.exists() else None

    def accept(self, text: str, client: Client, *, kept: bool = True) -> Checkpoint:
        """Accept a checkpoint that continues, or precedes, the latest one.

        Args:
            text: the signed note.
            client: asked for the proof of consistency.
            kept: whether this very checkpoint is remembered, for receipts that are judged offline one day.

        Raises:
            ServiceError: `E_JOURNAL`: the third party shows another history than before, or a shorter one.
        """
        fresh, known = self.opened(text), self.latest()
        if known is not None:
            first, second = sorted((known, fresh), key=lambda one: one.size)
            self._continues(first, second, self._proof(client, first.size, second.size))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if kept:
            write_secret(self._folder / f"{fresh.size}.txt", text.encode())
        if known is None or fresh.size > known.size:
            write_secret(self._folder / "checkpoint.txt", text.encode())
        return fresh

    def noted(self, text: str, client: Client) -> None:
        """Judge the checkpoint that came with an answer; the same one again costs nothing.

        A fault is kept for `check`: what a command destroys first, it destroys whatever the log says.
        """
        if text == self._noted or self._judging or self._fault is not None:
            return
        self._judging = True  # the proof is an answer too
        try:
            self.accept(text, client, kept=False)
            self._noted = text
        except ServiceError as error:
            if error.code == "E_JOURNAL":
                self._fault = error  # anything else is the network's: the next answer brings another checkpoint
        finally:
            self._judging = False

    def check(self) -> None:
        """Refuse to go on once an answer has shown another history.

        Raises:
            ServiceError: `E_JOURNAL`.
        """
        if self._fault is not None:
            raise self._fault

    def witnessed(
        self, views: Sequence[WitnessedView], keys_of: Callable[[str], tuple[bytes, ...]], client: Client
    ) -> int:
        """Compare what other parties say they have seen with what this one has.

        Args:
            views: of all parties, as the third party relays them.
            keys_of: the signing keys of a party, its pinned one and those that followed; none of one that is not pinned here.
            client: asked for proofs of consistency.

        Returns:
            How many were compared.

        Raises:
            ServiceError: `E_JOURNAL`: a party was shown another history.
        """
        compared = 0
        for view in views:
            if any(self._cosigned(view, key) for key in keys_of(view.party)):
                self.accept(view.note, client, kept=False)
                compared += 1
        return compared

    def _cosigned(self, view: WitnessedView, key: bytes) -> bool:
        """Whether a party has signed with this key what the third party relays of it; else it proves nothing."""
        log = (self._third_party.log_key, log_origin(self._third_party.identity.party))
        try:
            open_cosigned(view.note, log, (key, witness_name(view.party)))
        except CryptoError:
            return False
        return True

    @staticmethod
    def _proof(client: Client, first: int, second: int) -> list[bytes]:
        if not 0 < first < second:
            return []
        try:
            return client.consistency(first, second)
        except ServiceError as error:
            if error.code != "E_PREUVE":
                raise
            raise _broken("le journal est plus court que celui déjà vu : une copie ancienne a pris sa place") from error

    def remembered(self, text: str) -> bool:
        """Whether a checkpoint is one that was accepted before; offline.

        Raises:
            ServiceError: `E_JOURNAL`: another root was accepted for this size.
        """
        fresh, path = self.opened(text), self._folder / f"{self.opened(text).size}.txt"
        if not path.exists():
            return False
        if self.opened(path.read_text("utf-8")).root != fresh.root:
            raise _broken("un autre point de contrôle de même taille a déjà été reçu : l'historique a été réécrit")
        return True

    def all_seen(self) -> list[Checkpoint]:
        """Every checkpoint that was accepted and kept, the smallest first."""
        texts = [path.read_text("utf-8") for path in sorted(self._folder.glob("*.txt"))]
        return sorted((self.opened(text) for text in texts), key=lambda one: one.size)

    def _continues(self, first: Checkpoint, second: Checkpoint, proof: Sequence[bytes]) -> None:
        try:
            verify_consistency(first.size, second.size, proof, first.root, second.root)
        except CryptoError as error:
            raise _broken("le journal ne prolonge pas celui déjà vu : l'historique a été réécrit") from error


def check_receipt(view: ReceiptView, watch: LogWatch, third_party: ThirdParty) -> Receipt:
    """A receipt that was signed, and logged in the checkpoint it comes with.

    Raises:
        ServiceError: `E_RECU`, `E_JOURNAL`.
    """
    try:
        receipt = Receipt.opened(third_party.identity.signing_key, view.receipt)
    except (CryptoError, ServiceError) as error:
        raise _unproven("n'est pas signé par le tiers de confiance épinglé") from error
    leaf = _leaf(view.log.leaf)
    named = (leaf.action, leaf.digest, leaf.run, leaf.agreement)
    if named != ("receipt", statement_digest(view.receipt), receipt.run, receipt.agreement):
        raise _unproven("n'est pas celui que le journal a enregistré")
    checkpoint = watch.opened(view.log.checkpoint)
    if checkpoint.size != view.log.size:
        raise _unproven("et son point de contrôle n'ont pas la même taille de journal")
    _included(view.log, checkpoint)
    return receipt


def check_log(view: LogView, watch: LogWatch) -> list[LogLeaf]:
    """The entries of a log view, each included in its checkpoint.

    Raises:
        ServiceError: `E_JOURNAL`.
    """
    checkpoint = watch.opened(view.checkpoint)
    if checkpoint.size != view.size:
        raise _broken("les entrées et le point de contrôle n'ont pas la même taille de journal")
    for entry in view.entries:
        _included(entry, checkpoint)
    return [_leaf(entry.leaf) for entry in view.entries]


def check_destroyed(
    receipts: Sequence[Receipt], party: str, sent: Mapping[str, tuple[str, int | None]], commitment: str | None
) -> None:
    """Check that everything this party sent is listed as destroyed, with the key it was sealed to.

    Args:
        receipts: checked.
        party: this one.
        sent: ``COMPARISON/PASS`` → (digest of the signed manifest, chunks; None for any number of them).
        commitment: SHA-256 of the worker's public key that this party sealed to; None when it sent nothing.

    Raises:
        ServiceError: `E_RECU_INCOMPLET`.
    """
    listed = {
        f"{one.comparison}/{one.pass_}": (one.digest, one.pieces)
        for receipt in receipts
        for one in receipt.destroyed
        if one.kind == "upload" and one.party == party
    }
    missing = []
    for name, (digest, pieces) in sorted(sent.items()):
        found = listed.get(name)
        if found is None or found[0] != digest or pieces not in (None, found[1]):
            missing.append(name)
    keys = {receipt.key_commitment for receipt in receipts if receipt.kind == "encodings"}
    if missing or (sent and (commitment is None or commitment not in keys)):
        what = f"vos envois {', '.join(missing)}" if missing else "la clé de vos envois"
        sentence = f"les reçus n'attestent pas la destruction de {what} ; demandez-en compte au tiers de confiance"
        raise ServiceError("E_RECU_INCOMPLET", sentence)


@dataclass(frozen=True, kw_only=True)
class ProofFile:
    """Receipts of a run and the log's entries about it, as they are saved for later."""

    receipts: tuple[ReceiptView, ...]
    log: LogView

    def write(self, path: Path) -> None:
        """Save."""
        document = {
            "format": _FORMAT,
            "receipts": [one.to_json() for one in self.receipts],
            "log": self.log.to_json(),
        }
        write_secret(path, canonical_json(document))

    @classmethod
    def read(cls, path: Path) -> ProofFile:
        """Read what `write` saved.

        Raises:
            ServiceError: `E_RECU`: not such a file.
        """
        try:
            document = parse_canonical_json(path.read_bytes(), MAX_JSON_BYTES)
            if not isinstance(document, dict) or document.get("format") != _FORMAT:
                raise _unproven("n'est pas dans un fichier de reçus")
            receipts = document["receipts"]
            if not isinstance(receipts, list):
                raise _unproven("n'est pas dans un fichier de reçus")
            return cls(
                receipts=tuple(ReceiptView.from_json(one) for one in receipts),
                log=LogView.from_json(document["log"]),
            )
        except (OSError, CryptoError, KeyError) as error:
            raise _unproven("ne peut pas être lu") from error


def _included(entry: LogEntry | ReceiptProof, checkpoint: Checkpoint) -> None:
    proof = [bytes.fromhex(one) for one in entry.proof]
    try:
        verify_inclusion(leaf_hash(entry.leaf), entry.index, checkpoint.size, proof, checkpoint.root)
    except CryptoError as error:
        raise _broken("une entrée n'est pas dans le journal signé") from error


def _leaf(data: bytes) -> LogLeaf:
    try:
        return LogLeaf.from_json(parse_canonical_json(data, MAX_JSON_BYTES))
    except (CryptoError, ServiceError) as error:
        raise _broken("une entrée du journal n'a pas la forme attendue") from error


def _broken(what: str) -> ServiceError:
    return ServiceError(
        "E_JOURNAL", f"{what} ; gardez vos fichiers et prévenez votre délégué à la protection des données"
    )


def _unproven(what: str) -> ServiceError:
    return ServiceError("E_RECU", f"le reçu {what} ; il ne prouve rien : demandez-en un autre au tiers de confiance")
