"""The third party over HTTP: one method a route, every answer read into the class that describes it.

How requests are signed, repeated and refused is in `signed_http`. The client judges no signature of what it carries:
shares, keys, deliveries and receipts are opened by the modules that use them, with pinned keys. The routes and their
answers are listed in `service.answers` and described by ``/v1/openapi.json``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from crypto.framing import canonical_json, to_base64
from crypto.keys import Identity
from service.administration.sending import send_all
from service.administration.signed_http import Clock, SignedHttp, Sleep, array
from service.agreement import Agreement
from service.answers import (
    AgreementName,
    AgreementView,
    CheckpointView,
    ConsistencyView,
    DeliveryName,
    IdentityView,
    KeysView,
    LogView,
    ReceiptView,
    RelayView,
    RunName,
    RunView,
    UploadName,
    UploadStatus,
    WitnessedView,
)
from service.errors import ServiceError
from service.forms import Message
from service.review import ReviewView

__all__ = ["Client"]

_M = TypeVar("_M", bound=Message)
_JSON = "application/json"


class Client:
    """A party's connection to its third party. Use it in a `with` block.

    Args:
        url: of the third party, without ``/v1``.
        identity: whose key signs; None asks without a signature, for what is open to anyone.
        clock: aware, UTC; read for each attempt.
        sleep: waits so many seconds.
        transport: instead of the network, in tests.
        on_note: told of each checkpoint of the log that an answer carries.
    """

    def __init__(
        self,
        url: str,
        identity: Identity | None,
        *,
        clock: Clock,
        sleep: Sleep,
        transport: httpx2.BaseTransport | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> None:
        self._http = SignedHttp(url, identity, clock=clock, sleep=sleep, transport=transport, on_note=on_note)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    # The third party and agreements

    def identity(self) -> IdentityView:
        """Who answers. `vouched` gives the identity: compare its fingerprint with the one received by another channel."""
        return IdentityView.from_json(self._get("/identity"))

    def interface(self) -> dict[str, Any]:
        """The description of the interface, OpenAPI."""
        document = self._http.document("/openapi.json")
        return document if isinstance(document, dict) else {}

    def keys(self, party: str) -> list[dict[str, Any]]:
        """The signed successions of a partner's signing key; `successions.followed` judges them."""
        return list(KeysView.from_json(self._get(f"/parties/{party}/keys")).successions)

    def succeed(self, signed: Mapping[str, Any]) -> None:
        """Deposit the successor of this party's signing key."""
        self._post("/keys", dict(signed))

    def propose(self, agreement: Agreement, signature: bytes) -> str:
        """Propose a signed agreement; returns T."""
        body = {"document": agreement.to_json(), "signature": to_base64(signature)}
        return AgreementName.from_json(self._post("/agreements", body)).agreement

    def agreements(self) -> list[AgreementView]:
        """The agreements that name this party."""
        return _list(AgreementView, self._get("/agreements"))

    def agreement(self, identifier: str) -> AgreementView:
        """One agreement."""
        return AgreementView.from_json(self._get(f"/agreements/{identifier}"))

    def sign_agreement(self, identifier: str, signature: bytes) -> None:
        """Deposit this party's signature."""
        self._post(f"/agreements/{identifier}/signatures", {"signature": to_base64(signature)})

    def witness(self, note: str) -> None:
        """Say which checkpoint this party has seen: the note with its cosignature."""
        self._post("/log/witnesses", {"note": note})

    def witnesses(self) -> list[WitnessedView]:
        """What each party says it has seen of the log."""
        return _list(WitnessedView, self._get("/log/witnesses"))

    # Runs

    def open_run(self, agreement: str, key: str | None = None) -> str:
        """Ask for a run; returns its identifier.

        Args:
            agreement: T.
            key: what makes this one request, however often it is sent; drawn when absent.
        """
        headers = {"Content-Type": _JSON, "Idempotency-Key": key or secrets.token_hex(16)}
        body = canonical_json({"agreement": agreement})
        return RunName.from_json(self._http.exchange("POST", "/runs", body, headers=headers)).run

    def runs(self) -> list[RunView]:
        """The runs of this party's agreements."""
        return _list(RunView, self._get("/runs"))

    def run(self, run: str) -> RunView:
        """One run."""
        return RunView.from_json(self._get(f"/runs/{run}"))

    def declare(self, run: str, kind: str, signed: Mapping[str, Any]) -> None:
        """Post a signed statement: approval, cancellation, shares, confirmations or acknowledgement, release."""
        self._post(f"/runs/{run}/{kind}", dict(signed))

    def statements(self, run: str, kind: str) -> list[Any]:
        """Signed shares addressed to this party, or confirmations of its comparisons."""
        return array(self._get(f"/runs/{run}/{kind}"))

    def worker_key(self, run: str) -> Any | None:
        """The signed key of the run's worker, or None while it has none."""
        try:
            return self._get(f"/runs/{run}/worker-key")
        except ServiceError as error:
            if error.code == "E_PATIENTER":
                return None
            raise

    def review(self, run: str) -> ReviewView:
        """Where the review of a run stands, as this party may know it."""
        return ReviewView.from_json(self._get(f"/runs/{run}/review"))

    # Uploads and deliveries

    def announce(self, run: str, manifest: Mapping[str, Any]) -> str:
        """Post a signed manifest; returns the identifier of the upload."""
        return UploadName.from_json(self._post(f"/runs/{run}/uploads", dict(manifest))).upload

    def upload(self, run: str, upload: str) -> UploadStatus:
        """What the third party holds of an upload."""
        return UploadStatus.from_json(self._get(f"/runs/{run}/uploads/{upload}"))

    def send_chunk(self, run: str, upload: str, number: int, sealed: bytes) -> None:
        """Send one sealed chunk."""
        path = f"/runs/{run}/uploads/{upload}/chunks/{number}"
        self._http.exchange("PUT", path, sealed, headers={"Content-Type": "application/octet-stream"})

    def send_chunks(
        self, run: str, upload: str, numbers: Sequence[int], read: Callable[[int], bytes], told: Callable[[int], None]
    ) -> None:
        """Send sealed chunks, several on their way at a time (`sending`).

        Args:
            run: its identifier.
            upload: its identifier.
            numbers: of the chunks.
            read: the bytes of one, asked for when its turn comes, from any thread.
            told: called in this thread with how many more are held.

        Raises:
            ServiceError: what the third party refused; `E_CONNEXION`.
            OSError: a chunk cannot be read.
        """
        send_all(numbers, lambda number: self.send_chunk(run, upload, number, read(number)), told)

    def complete(self, run: str, upload: str) -> None:
        """Say that all chunks are there."""
        self._http.exchange("POST", f"/runs/{run}/uploads/{upload}/complete")

    def deliveries(self, run: str) -> list[DeliveryName]:
        """The deliveries that wait for this party."""
        return _list(DeliveryName, self._get(f"/runs/{run}/deliveries"))

    def delivery(self, run: str, comparison: str, pass_name: str) -> Any:
        """One signed delivery."""
        return self._get(f"/runs/{run}/deliveries/{comparison}/{pass_name}")

    def relays(self, run: str) -> list[RelayView]:
        """The relays that this party sends or receives, and the pieces held of each."""
        return _list(RelayView, self._get(f"/runs/{run}/relays"))

    def relay(self, run: str, kind: str, sender: str, number: int) -> Any:
        """One signed piece that is addressed to this party."""
        return self._get(f"/runs/{run}/relays/{kind}/{sender}/{number}")

    # Proofs

    def receipts(self, run: str) -> list[ReceiptView]:
        """The receipts of destruction of a run, each with its place in the log."""
        return _list(ReceiptView, self._get(f"/runs/{run}/receipts"))

    def log(self, run: str) -> LogView:
        """The log's entries about a run and its agreement."""
        return LogView.from_json(self._get(f"/runs/{run}/log"))

    def checkpoint(self) -> str:
        """The log's latest checkpoint, a signed note."""
        return CheckpointView.from_json(self._get("/log/checkpoint")).checkpoint

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The proof that the log at `first` is the beginning of the log at `second`."""
        answer = self._get(f"/log/consistency?first={first}&second={second}")
        return [bytes.fromhex(one) for one in ConsistencyView.from_json(answer).proof]

    def _get(self, path: str) -> Any:
        return self._http.exchange("GET", path)

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._http.exchange("POST", path, canonical_json(dict(body)), headers={"Content-Type": _JSON})


def _list(kind: type[_M], answer: Any) -> list[_M]:
    return [kind.from_json(one) for one in array(answer)]
