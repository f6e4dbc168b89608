"""Answers are messages too: what the server writes, a client reads back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crypto.errors import SignatureRefused
from crypto.keys import Identity
from crypto.signatures import SigningKey
from service.answers import (
    AgreementView,
    DeliveryName,
    IdentityView,
    LogEntry,
    LogLeaf,
    LogView,
    Progress,
    ReceiptProof,
    ReceiptView,
    RunView,
    UploadStatus,
    UploadView,
)
from service.errors import ServiceError
from service.forms import Message
from service.messages import RunState, UploadState
from tests.test_agreement import AGREEMENT

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
D = "c" * 64
ENTRY = LogEntry(index=1, leaf=b"{}", proof=(D, D))
UPLOAD = UploadView(comparison="a.b", pass_="jour", party="caf", state=UploadState.REFUSED, reason="E_REMPLISSAGE")
ANSWERS: list[Message] = [
    IdentityView(identity=b"{}", log_key=b"k" * 32, log_key_signature=b"s" * 64),
    AgreementView(document=AGREEMENT, signatures={"caf": b"s"}, active=False, identities={"caf": b"{}", "cnous": b"{}"}),
    UPLOAD,
    UploadStatus(state=UploadState.RECEIVING, missing=(0, 2)),
    RunView(
        run="b" * 32, agreement=D, state=RunState.SENDING, opened_at=NOW, deadline=NOW, approvals=("caf",),
        confirmations=2, uploads=(UPLOAD,), failure=None, progress=Progress(done=0, total=4),
    ),
    DeliveryName(comparison="a.b", pass_="jour"),
    LogLeaf(seq=0, at=NOW, actor="caf", action="run_opened", agreement=D, run=None, digest=None, purpose=None, salt=D),
    LogView(entries=(ENTRY,), size=4, checkpoint="note"),
    ReceiptView(
        receipt={"statement": {}, "signature": "AA=="},
        log=ReceiptProof(index=0, leaf=b"{}", size=1, proof=(), checkpoint="note"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS, ids=[type(one).__name__ for one in ANSWERS])
def test_an_answer_is_read_back(answer):
    """Through any JSON writer, the same value and the same bytes."""
    received = json.loads(json.dumps(answer.to_json()))
    assert answer == type(answer).from_json(received)
    assert answer.to_bytes() == type(answer).from_json(received).to_bytes()


@pytest.mark.parametrize("answer", ANSWERS, ids=[type(one).__name__ for one in ANSWERS])
def test_an_answer_has_no_other_member(answer):
    """A server that says more than the protocol is not understood."""
    with pytest.raises(ServiceError):
        type(answer).from_json({**answer.to_json(), "more": 1})


def test_states_are_closed_lists():
    """A state that is not of the protocol is refused."""
    with pytest.raises(ServiceError):
        UploadStatus.from_json({"state": "lost", "missing": []})
    assert UploadState.COMPLETE is UploadStatus.from_json({"state": "complete", "missing": []}).state


def test_the_identity_vouches_for_the_key_of_its_log():
    """Whoever relays the view cannot put another log key, or another identity, in it."""
    identity, other = (Identity.generate(name, name) for name in ("tiers", "faux"))
    log_key, forged = (SigningKey.generate().verify_bytes() for _ in range(2))
    view = IdentityView.of(identity, log_key)
    assert identity.public == view.vouched()
    for altered in (replace(view, log_key=forged), replace(view, identity=other.public.to_bytes())):
        with pytest.raises(SignatureRefused):
            altered.vouched()
