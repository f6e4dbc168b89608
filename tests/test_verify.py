"""Receipts and the log are believed on proof only, and a rewritten history is noticed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.audit import Checkpoint, MerkleTree, leaf_hash, sign_checkpoint
from crypto.keys import Identity
from crypto.signatures import SigningKey
from service.administration.keyring import ThirdParty
from service.administration.verify import LogWatch, ProofFile, check_destroyed, check_log, check_receipt
from service.answers import LogEntry, LogLeaf, LogView, ReceiptProof, ReceiptView
from service.errors import ServiceError
from service.messages import Destroyed, Receipt, log_origin, statement_digest

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
T, RUN = "ab" * 32, "0123456789abcdef0123456789abcdef"
ORIGIN = log_origin("tiers")


class Log:
    """A third party's log that a test may rewrite."""

    def __init__(self) -> None:
        self.identity, self.key = Identity.generate("tiers", "Tiers"), SigningKey.generate()
        self.leaves: list[bytes] = []
        self.pinned = ThirdParty(url="https://x", identity=self.identity.public, log_key=self.key.verify_bytes())

    def add(self, action: Any, digest: Any = None) -> Any:
        leaf = LogLeaf(seq=len(self.leaves), at=NOW, actor="tiers", action=action, agreement=T, run=RUN, digest=digest,
                       purpose=None, salt="0" * 64)  # fmt: skip
        self.leaves.append(leaf.to_bytes())

    @property
    def tree(self) -> Any:
        return MerkleTree(leaf_hash(leaf) for leaf in self.leaves)

    def note(self, origin: Any = ORIGIN) -> Any:
        checkpoint = Checkpoint(origin=origin, size=len(self.leaves), root=self.tree.root())
        return sign_checkpoint(checkpoint, self.key, ORIGIN)

    def consistency(self, first: Any, second: Any) -> Any:
        return self.tree.consistency_proof(first, second)

    def proof(self, index: Any) -> Any:
        return tuple(one.hex() for one in self.tree.inclusion_proof(index))

    def view(self) -> Any:
        entries = tuple(
            LogEntry(index=index, leaf=leaf, proof=self.proof(index)) for index, leaf in enumerate(self.leaves)
        )
        return LogView(entries=entries, size=len(self.leaves), checkpoint=self.note())

    def receipt(self, signer: Any = None, **changes: Any) -> Any:
        members = {
            "agreement": T, "run": RUN, "kind": "encodings", "cause": "rapprochement_termine", "destroyed": (),
            "key_commitment": "cd" * 32, "destroyed_at": NOW,
        }  # fmt: skip
        return Receipt(**{**members, **changes}).signed((signer or self.identity).signing_key)

    def logged(self, signed: Any) -> Any:
        self.add("receipt", statement_digest(signed))
        index = len(self.leaves) - 1
        proof = ReceiptProof(
            index=index, leaf=self.leaves[index], size=index + 1, proof=self.proof(index), checkpoint=self.note()
        )
        return ReceiptView(receipt=signed, log=proof)


@pytest.fixture
def log():
    found = Log()
    for action in ("agreement_proposed", "run_opened", "run_approved", "upload_complete", "run_delivered"):
        found.add(action)
    return found


@pytest.fixture
def watch(log, tmp_path):
    return LogWatch(tmp_path, log.pinned)


def test_a_logged_receipt_holds(log, watch):
    """Signature, entry, inclusion and checkpoint together make a proof."""
    view = log.logged(log.receipt())
    receipt = check_receipt(view, watch, log.pinned)
    assert (receipt.run, receipt.kind, receipt.cause) == (RUN, "encodings", "rapprochement_termine")


def test_a_receipt_of_somebody_else_is_refused(log, watch):
    """A receipt signed by another key proves nothing, logged or not."""
    view = log.logged(log.receipt(signer=Identity.generate("tiers", "Tiers")))
    with pytest.raises(ServiceError, match="E_RECU"):
        check_receipt(view, watch, log.pinned)


def test_an_altered_receipt_is_refused(log, watch):
    """One changed member breaks it."""
    view = log.logged(log.receipt())
    view.receipt["statement"]["cause"] = "annulation"
    with pytest.raises(ServiceError, match="E_RECU"):
        check_receipt(view, watch, log.pinned)


def test_a_receipt_must_be_the_logged_one(log, watch):
    """A good receipt shown with the entry of another is refused."""
    view, other = log.logged(log.receipt()), log.receipt(cause="annulation")
    with pytest.raises(ServiceError, match="E_RECU"):
        check_receipt(replace(view, receipt=other), watch, log.pinned)


@pytest.mark.parametrize("change", ["index", "leaf", "proof", "size", "checkpoint"])
def test_any_altered_proof_is_refused(log, watch, change):
    """Each part of the place in the log is needed."""
    view = log.logged(log.receipt())
    proof = view.log
    log.add("run_closed")
    altered = {
        "index": replace(proof, index=proof.index - 1),
        "leaf": replace(proof, leaf=log.leaves[0]),
        "proof": replace(proof, proof=proof.proof[:-1]),
        "size": replace(proof, size=proof.size + 1),
        "checkpoint": replace(proof, checkpoint=log.note()),
    }[change]
    with pytest.raises(ServiceError, match=r"E_(RECU|JOURNAL)"):
        check_receipt(replace(view, log=altered), watch, log.pinned)


def test_the_entries_of_a_run_hold(log, watch):
    """Each entry is included; one that is not is refused."""
    assert [leaf.action for leaf in check_log(log.view(), watch)][:2] == ["agreement_proposed", "run_opened"]
    view = log.view()
    forged = replace(view.entries[0], leaf=view.entries[0].leaf.replace(b"proposed", b"accepted"))
    with pytest.raises(ServiceError, match="E_JOURNAL"):
        check_log(replace(view, entries=(forged, *view.entries[1:])), watch)


def test_history_may_only_grow(log, watch):
    """Later and earlier checkpoints of one history are accepted; the latest is kept."""
    early = log.note()
    watch.accept(early, log)
    log.add("run_closed")
    watch.accept(log.note(), log)
    watch.accept(early, log)
    assert watch.latest().size == 6
    assert watch.remembered(early)


def test_a_rewritten_history_is_noticed(log, watch):
    """Once a checkpoint was seen, another past is refused, whatever proof is offered."""
    watch.accept(log.note(), log)
    log.leaves[1] = log.leaves[1].replace(b"run_opened", b"run_closed")
    with pytest.raises(ServiceError, match="E_JOURNAL"):
        watch.accept(log.note(), log)
    log.add("run_closed")
    with pytest.raises(ServiceError, match="E_JOURNAL"):
        watch.accept(log.note(), log)


def test_a_fork_is_noticed_offline(log, watch):
    """Two roots for one size cannot both be believed; an unseen size cannot be judged without a network."""
    watch.accept(log.note(), log)
    log.leaves[4] = log.leaves[4].replace(b"run_delivered", b"run_cancelled")
    with pytest.raises(ServiceError, match="E_JOURNAL"):
        watch.remembered(log.note())
    log.add("run_closed")
    assert not watch.remembered(log.note())


def test_a_checkpoint_of_another_key_or_log_is_refused(log, watch):
    """Only the pinned log key, about the pinned log."""
    with pytest.raises(ServiceError, match="E_JOURNAL"):
        watch.opened(Log().note())
    with pytest.raises(ServiceError, match="E_JOURNAL"):
        watch.opened(log.note(origin="allervers/autre"))


SENT = {"a.b/jour": ("11" * 32, 3), "a.b/noms": ("22" * 32, 1)}


def receipt_of(log: Any, *uploads: Any, commitment: Any = "cd" * 32) -> Any:
    destroyed = tuple(
        Destroyed(kind="upload", party=party, comparison="a.b", pass_=name, pieces=pieces, digest=digest)
        for party, name, digest, pieces in uploads
    )
    signed = log.receipt(destroyed=destroyed, key_commitment=commitment)
    return Receipt.opened(log.identity.public.signing_key, signed)


def test_every_upload_must_be_listed(log):
    """All that a party sent is destroyed, by the digest of what it signed, with the key it sealed to."""
    jour, noms = ("aa", "jour", "11" * 32, 3), ("aa", "noms", "22" * 32, 1)
    check_destroyed([receipt_of(log, jour, noms)], "aa", SENT, "cd" * 32)
    check_destroyed([receipt_of(log, commitment=None)], "aa", {}, None)
    for uploads in ([jour], [jour, ("bb", *noms[1:])], [jour, ("aa", "noms", "33" * 32, 1)], [jour, (*noms[:3], 2)]):
        with pytest.raises(ServiceError, match=r"E_RECU_INCOMPLET.*a\.b/noms"):
            check_destroyed([receipt_of(log, *uploads)], "aa", SENT, "cd" * 32)
    partly = {**SENT, "a.b/noms": ("22" * 32, None)}  # not all its chunks were sent
    check_destroyed([receipt_of(log, jour, (*noms[:3], 7))], "aa", partly, "cd" * 32)
    with pytest.raises(ServiceError, match=r"E_RECU_INCOMPLET.*a\.b/noms"):
        check_destroyed([receipt_of(log, jour)], "aa", partly, "cd" * 32)
    with pytest.raises(ServiceError, match=r"E_RECU_INCOMPLET.*la clé"):
        check_destroyed([receipt_of(log, jour, noms, commitment=None)], "aa", SENT, None)
    with pytest.raises(ServiceError, match=r"E_RECU_INCOMPLET.*la clé"):
        check_destroyed([receipt_of(log, jour, noms, commitment="ee" * 32)], "aa", SENT, "cd" * 32)


def test_proofs_are_saved_and_read_back(log, tmp_path):
    """A saved file holds everything that a later verification needs."""
    proofs = ProofFile(receipts=(log.logged(log.receipt()),), log=log.view())
    proofs.write(tmp_path / "receipts.json")
    assert proofs == ProofFile.read(tmp_path / "receipts.json")
    (tmp_path / "autre.json").write_bytes(b'{"format":"x"}')
    for name in ("autre.json", "absent.json"):
        with pytest.raises(ServiceError, match="E_RECU"):
            ProofFile.read(tmp_path / name)
