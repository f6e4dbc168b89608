"""The third party over HTTP: one method a route, every request signed, every answer read strictly.

Requests carry an RFC 9421 signature by the party's Ed25519 key, fresh for each attempt (nonce and times are used once).
What cannot be repeated without harm, opening a run, is repeated only when the connection was never made; everything
else is idempotent and is repeated with growing pauses when the network fails or the server says 429, 502, 503 or 504.

The client judges no signature of what it carries: shares, keys, deliveries and receipts are opened by the modules that
use them, with pinned keys. Refusals become `ServiceError` with the server's code and sentence; `E_CONNEXION` when no
answer came, `E_REPONSE` when it is not one of ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from http_message_signatures.httpx2 import adapt_message

from crypto.framing import Json, canonical_json, to_base64
from crypto.keys import Identity
from service.administration.terminal import shown
from service.agreement import Agreement
from service.answers import (
    AgreementView,
    DeliveryName,
    IdentityView,
    LogView,
    ReceiptView,
    RelayView,
    RunView,
    UploadStatus,
    WitnessedView,
)
from service.errors import ServiceError
from service.forms import CODE, Message, read_json
from service.messages import MAX_REQUEST_SECONDS, NONCE_BYTES, REQUEST_TAG
from service.review import ReviewView

__all__ = ["ATTEMPTS", "Client", "Clock", "Sleep"]

Clock = Callable[[], datetime]  # aware, UTC
Sleep = Callable[[float], None]  # seconds
_M = TypeVar("_M", bound=Message)

ATTEMPTS = 6  # pauses of 0.5, 1, 2, 4 and 8 seconds between them
_FIRST_PAUSE = 0.5
_LONGEST_ANSWER = 1 << 30  # bytes; a delivery of ten million hits
_LATER = (429, 502, 503, 504)
_COVERED = ("@method", "@target-uri")
_SKEW = timedelta(seconds=60)


class Client:
    """A party's connection to its third party. Use it in a `with` block."""

    def __init__(
        self,
        url: str,
        identity: Identity | None,
        *,
        clock: Clock,
        sleep: Sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._url = f"{url}/v1"
        self._identity = identity
        self._clock = clock
        self._sleep = sleep
        timeout = httpx2.Timeout(connect=10, read=120, write=120, pool=10)
        self._http = httpx2.Client(transport=transport, timeout=timeout, headers={"User-Agent": "allervers"})
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519)

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

    def propose(self, agreement: Agreement, signature: bytes) -> str:
        """Propose a signed agreement; returns T."""
        body = {"document": agreement.to_json(), "signature": to_base64(signature)}
        return _text(self._post("/agreements", body), "agreement")

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

    def open_run(self, agreement: str) -> str:
        """Ask for a run; returns its identifier."""
        return _text(self._post("/runs", {"agreement": agreement}, repeat=False), "run")

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
        return _array(self._get(f"/runs/{run}/{kind}"))

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
        return _text(self._post(f"/runs/{run}/uploads", dict(manifest)), "upload")

    def upload(self, run: str, upload: str) -> UploadStatus:
        """What the third party holds of an upload."""
        return UploadStatus.from_json(self._get(f"/runs/{run}/uploads/{upload}"))

    def send_chunk(self, run: str, upload: str, number: int, sealed: bytes) -> None:
        """Send one sealed chunk."""
        path = f"/runs/{run}/uploads/{upload}/chunks/{number}"
        self._exchange("PUT", path, sealed, kind="application/octet-stream")

    def complete(self, run: str, upload: str) -> None:
        """Say that all chunks are there."""
        self._exchange("POST", f"/runs/{run}/uploads/{upload}/complete", None)

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
        return _text(self._get("/log/checkpoint"), "checkpoint")

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The proof that the log at `first` is the beginning of the log at `second`."""
        answer = self._get(f"/log/consistency?first={first}&second={second}")
        try:
            return [bytes.fromhex(one) for one in _array(_member(answer, "proof"))]
        except (TypeError, ValueError) as error:
            raise _foreign() from error

    # Transport

    def _get(self, path: str) -> Any:
        return self._exchange("GET", path, None)

    def _post(self, path: str, body: Mapping[str, Any], *, repeat: bool = True) -> Any:
        return self._exchange("POST", path, canonical_json(dict(body)), repeat=repeat)

    def _exchange(
        self, method: str, path: str, body: bytes | None, *, repeat: bool = True, kind: str = "application/json"
    ) -> Any:
        pause = _FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = self._http.send(self._request(method, path, body, kind))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if last:
                    raise self._unreachable() from error
            except httpx2.TransportError as error:
                if last or not repeat:
                    raise self._unreachable() from error
            else:
                if response.status_code not in _LATER or last or not repeat:
                    return self._data(response)
            self._sleep(pause)
            pause *= 2
        raise self._unreachable()

    def _request(self, method: str, path: str, body: bytes | None, kind: str) -> httpx2.Request:
        headers = {} if body is None else {"Content-Type": kind}
        request = self._http.build_request(method, self._url + path, content=body, headers=headers)
        if self._identity is not None:
            message, now = adapt_message(request), self._clock()
            prepared = self._signer.prepare(
                message,
                key_id=self._identity.party,
                created=now,
                expires=now + timedelta(seconds=MAX_REQUEST_SECONDS),
                nonce=to_base64(secrets.token_bytes(NONCE_BYTES)),
                label="allervers",
                tag=REQUEST_TAG,
                include_alg=False,
                covered_component_ids=_COVERED,
                body=body,
            )
            self._signer.apply(message, prepared, self._identity.signing_key.sign_raw(prepared.signature_base))
        return request

    def _data(self, response: httpx2.Response) -> Any:
        if response.status_code == httpx2.codes.NO_CONTENT:
            return None
        try:
            answer = read_json(response.content, _LONGEST_ANSWER)
        except ServiceError as error:
            raise _foreign(response.status_code) from error
        if response.is_success:
            return _member(answer, "data")
        raise self._refusal(response, answer)

    def _refusal(self, response: httpx2.Response, answer: Json) -> ServiceError:
        try:
            error = _array(_member(answer, "errors"))[0]
            code, sentence = CODE.read(_text(error, "code"), "/"), shown(_text(error, "detail").replace("\n", " "))
        except (ServiceError, IndexError):
            return _foreign(response.status_code)
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            sentence += self._skew(response.headers.get("date", ""))
        return ServiceError(code, sentence, response.status_code)

    def _skew(self, date: str) -> str:
        """What to say when the clocks disagree, the commonest cause of a refused signature."""
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return ""
        if theirs.tzinfo is None or abs(self._clock() - theirs) <= _SKEW:
            return ""
        return f" (l'horloge de ce poste diffère de celle du service : {theirs.astimezone(UTC):%d/%m/%Y %H:%M} UTC)"

    def _unreachable(self) -> ServiceError:
        sentence = f"le tiers de confiance ne répond pas à {self._url} ; vérifiez le réseau puis recommencez"
        return ServiceError("E_CONNEXION", sentence)


def _foreign(status: int | None = None) -> ServiceError:
    seen = f" (HTTP {status})" if status else ""
    return ServiceError(
        "E_REPONSE", f"la réponse reçue n'est pas celle du tiers de confiance{seen} ; vérifiez l'adresse"
    )


def _member(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        raise _foreign()
    return answer[name]


def _text(answer: Any, name: str) -> str:
    value = _member(answer, name)
    if not isinstance(value, str):
        raise _foreign()
    return value


def _array(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise _foreign()
    return answer


def _list(kind: type[_M], answer: Any) -> list[_M]:
    return [kind.from_json(one) for one in _array(answer)]
