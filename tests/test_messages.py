"""Statements: signed under their own label, read strictly, bound to what they are about."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.errors import FormatRefused, SignatureRefused
from crypto.framing import Label, canonical_json, frame, from_base64, to_base64
from crypto.keys import Identity
from crypto.signatures import sign_statement
from service import messages
from service.errors import ServiceError
from service.messages import (
    Acknowledgement,
    AgreementProposal,
    AgreementSignature,
    Approval,
    Cancellation,
    Confirmation,
    Delivery,
    Destroyed,
    Manifest,
    Receipt,
    Relay,
    RunRequest,
    SealedShare,
    Statement,
    WorkerKey,
    chunk_context,
    delivery_context,
    key_commitment,
    log_origin,
    relay_context,
    share_context,
    statement_digest,
    upload_key_context,
)
from tests.test_agreement import AGREEMENT

T, RUN, D = "a" * 64, "b" * 32, "c" * 64
KEY = Identity.generate("caf", "CAF").signing_key
OTHER = Identity.generate("cnous", "CNOUS").signing_key
ABOUT: dict[str, Any] = {"agreement": T, "run": RUN}
STATEMENTS: list[Statement] = [
    Approval(**ABOUT, party="caf"),
    Cancellation(**ABOUT, party="caf"),
    Acknowledgement(**ABOUT, party="caf"),
    WorkerKey(**ABOUT, sealing_key=b"key"),
    SealedShare(**ABOUT, comparison="caf.cnous", from_="caf", to="cnous", sealed=b"share"),
    Confirmation(**ABOUT, comparison="caf.cnous", from_="caf", tag=D),
    Manifest(
        **ABOUT, comparison="caf.cnous", pass_="jour", party="caf", role="recipient", count=5, row_bytes=64,
        chunks=(D, D), wrapped_key=b"key", mean_fill_permille=500, nonce="d" * 32, appendix=b"canaries",
    ),
    Delivery(**ABOUT, comparison="caf.cnous", pass_="jour", recipient="caf", sealed=b"ids"),
    Relay(**ABOUT, kind="jetons", from_="caf", to="cnous", number=1, pieces=3, sealed=b"piece"),
    Receipt(
        **ABOUT, kind="encodings", cause="annulation", key_commitment=None,
        destroyed=(Destroyed(kind="upload", party="caf", comparison="x", pass_="y", pieces=2, digest=D),),
        destroyed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    ),
]  # fmt: skip
NAMES = [type(one).__name__ for one in STATEMENTS]


@pytest.mark.parametrize("statement", STATEMENTS, ids=NAMES)
def test_a_statement_is_signed_sent_and_opened(statement):
    """Through any JSON writer, the same statement comes back, and the same bytes are signed again."""
    signed = statement.signed(KEY)
    received = json.loads(json.dumps(signed))
    assert statement == type(statement).opened(KEY.verify_bytes(), received)
    assert signed == type(statement).opened(KEY.verify_bytes(), received).signed(KEY)


@pytest.mark.parametrize("statement", STATEMENTS, ids=NAMES)
def test_a_statement_of_another_key_is_refused(statement):
    """The signer is part of what is checked."""
    with pytest.raises(SignatureRefused):
        type(statement).opened(OTHER.verify_bytes(), statement.signed(KEY))


@pytest.mark.parametrize("statement", STATEMENTS, ids=NAMES)
def test_a_changed_statement_is_refused(statement):
    """Changing any member breaks the signature."""
    signed = statement.signed(KEY)
    for name in signed["statement"]:
        altered = {**signed, "statement": {**signed["statement"], name: "e" * 64}}
        with pytest.raises((SignatureRefused, FormatRefused)):
            type(statement).opened(KEY.verify_bytes(), altered)


@pytest.mark.parametrize("statement", STATEMENTS, ids=NAMES)
def test_a_statement_is_closed_even_when_signed(statement):
    """A party's valid signature over an unknown or missing member does not make it acceptable."""
    plain = statement.to_json()
    for members in ({**plain, "more": 1}, {name: plain[name] for name in plain if name != "agreement"}):
        signed = sign_statement(KEY, statement.LABEL, members)
        with pytest.raises(ServiceError) as caught:
            type(statement).opened(KEY.verify_bytes(), signed)
        assert "E_MESSAGE" == caught.value.code
        assert caught.value.source["pointer"].startswith("/statement")


def test_an_approval_is_not_a_cancellation():
    """Statements of the same shape cannot stand for each other: their labels and formats differ."""
    kinds = [Approval, Cancellation, Acknowledgement]
    for kind in kinds:
        for other in kinds:
            if kind is not other:
                with pytest.raises(SignatureRefused):
                    other.opened(KEY.verify_bytes(), kind(**ABOUT, party="caf").signed(KEY))


def test_formats_and_labels_are_distinct():
    """Each statement has its own format and its own label."""
    assert len(STATEMENTS) == len({one.FORMAT for one in STATEMENTS}) == len({one.LABEL for one in STATEMENTS})


def test_json_names_are_those_of_the_protocol():
    """Python's reserved words come out as the protocol's names."""
    assert {"format", "agreement", "run", "comparison", "from", "to", "sealed"} == set(STATEMENTS[4].to_json())
    assert {"format", "agreement", "run", "comparison", "pass", "recipient", "sealed"} == set(STATEMENTS[7].to_json())


def test_contexts_are_frames_that_start_with_their_label():
    """What is sealed for one use, run, party or direction opens for no other."""
    names = (T, RUN, "caf.cnous", "jour", "caf")
    assert frame(Label.SHARE, bytes.fromhex(T), RUN, "caf.cnous", "caf", "cnous") == share_context(
        T, RUN, "caf.cnous", "caf", "cnous"
    )
    assert frame(Label.UPLOAD_KEY, bytes.fromhex(T), *names[1:]) == upload_key_context(*names)
    assert frame(Label.DELIVERY_SEAL, bytes.fromhex(T), *names[1:]) == delivery_context(*names)
    manifest = next(one for one in STATEMENTS if isinstance(one, Manifest))
    assert frame(bytes.fromhex(T), *names[1:], manifest.nonce) == chunk_context(manifest)
    relay = next(one for one in STATEMENTS if isinstance(one, Relay))
    piece = (1).to_bytes(8, "big"), (3).to_bytes(8, "big")
    expected = frame(Label.RELAY_SEAL, bytes.fromhex(T), RUN, "jetons", "caf", "cnous", *piece)
    assert expected == relay_context(relay)


def test_digests_and_names():
    """A statement is named by all of it, a key by its public half, a log by its owner."""
    signed = STATEMENTS[0].signed(KEY)
    assert hashlib.sha256(canonical_json(signed)).hexdigest() == statement_digest(signed)
    assert hashlib.sha256(b"public").hexdigest() == key_commitment(b"public")
    assert "allervers/tiers" == log_origin("tiers")


def test_bodies_of_requests():
    """Bodies that are not statements are read as strictly."""
    signature = AGREEMENT.signature(KEY)
    proposal = AgreementProposal.from_json({"document": AGREEMENT.to_json(), "signature": to_base64(signature)})
    assert (AGREEMENT, signature) == (proposal.document, proposal.signature)
    assert from_base64("AAA=") == AgreementSignature.from_json({"signature": "AAA="}).signature
    assert T == RunRequest.from_json({"agreement": T}).agreement
    with pytest.raises(ServiceError):
        RunRequest.from_json({"agreement": T, "run": RUN})


def test_the_module_loads_neither_framework_nor_database():
    """An administration imports it without any of the server's libraries (checked by name of what it uses)."""
    assert {"fastapi", "starlette", "sqlalchemy"}.isdisjoint(vars(messages))
