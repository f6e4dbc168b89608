"""HTTP to the third party: every request signed afresh, repeated while that can help, every answer read strictly.

A request carries an RFC 9421 signature by the party's Ed25519 key, with its own nonce and times for each attempt. Every
request is one that may be repeated (opening a run carries an idempotency key), so it is, with growing pauses, when
the network fails or the server says 408, 429, 502, 503 or 504; a ``Retry-After`` is obeyed up to a minute.

Refusals become `ServiceError` with the server's code and sentence; `E_CONNEXION` when no answer came, `E_REPONSE` when it
is not one of ours. Answers may carry the log's latest checkpoint (``allervers-checkpoint``), which is handed on.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from http_message_signatures.httpx2 import adapt_message

from crypto.errors import CryptoError
from crypto.framing import Json, from_base64, to_base64
from crypto.keys import Identity
from service.administration.terminal import shown
from service.errors import ServiceError
from service.forms import CODE, read_json
from service.messages import MAX_REQUEST_SECONDS, NONCE_BYTES, REQUEST_TAG

__all__ = ["ATTEMPTS", "Clock", "SignedHttp", "Sleep", "array", "foreign", "member", "text"]

Clock = Callable[[], datetime]  # aware, UTC
Sleep = Callable[[float], None]  # seconds

ATTEMPTS = 6  # pauses of 0.5, 1, 2, 4 and 8 seconds between them
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0  # that a server may ask for
_LONGEST_ANSWER = 1 << 30  # bytes; a delivery of ten million hits
_LONGEST_SENTENCE = 500  # characters of a refusal that are told
_LATER = (408, 429, 502, 503, 504)
_SKEW = timedelta(seconds=60)
_NOTE = "allervers-checkpoint"


class SignedHttp:
    """A party's line to its third party, for any number of threads; closed by `close`."""

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
        self._url = f"{url}/v1"
        self._identity = identity
        self._clock = clock
        self._sleep = sleep
        self._on_note = on_note
        self._noting = threading.RLock()  # requests may be in several threads; a note is judged by asking for its proof
        timeout = httpx2.Timeout(connect=10, read=120, write=120, pool=10)
        self._http = httpx2.Client(transport=transport, timeout=timeout, headers={"User-Agent": "allervers"})
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def exchange(
        self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send a request until it is answered; returns ``data``, None for an answer without content.

        Args:
            method: GET, POST or PUT.
            path: under /v1.
            body: its bytes.
            headers: of the request; ``Content-Type`` and ``Idempotency-Key`` where there is one.

        Raises:
            ServiceError: what the server refused; `E_CONNEXION`, `E_REPONSE`.
        """
        response = self._answered(method, path, body, dict(headers or {}))
        if response.status_code == httpx2.codes.NO_CONTENT:
            return None
        answer = self._read(response)
        if response.is_success:
            return member(answer, "data")
        raise self._refusal(response, answer)

    def document(self, path: str) -> Any:
        """A GET whose answer is not under ``data``.

        Raises:
            ServiceError: as `exchange`.
        """
        response = self._answered("GET", path, None, {})
        answer = self._read(response)
        if response.is_success:
            return answer
        raise self._refusal(response, answer)

    def _answered(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> httpx2.Response:
        pause = _FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            wait = 0.0
            try:
                response = self._http.send(self._request(method, path, body, headers))
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS:
                    raise self._unreachable() from error
            else:
                self._hand_on(response)
                if response.status_code not in _LATER or attempt == ATTEMPTS:
                    return response
                wait = _asked_wait(response)
            self._sleep(max(pause, wait))
            pause *= 2
        raise self._unreachable()

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> httpx2.Request:
        request = self._http.build_request(method, self._url + path, content=body, headers=headers)
        if self._identity is not None:
            message, now = adapt_message(request), self._clock()
            covered = ["@method", "@target-uri", *(["idempotency-key"] if "Idempotency-Key" in headers else [])]
            prepared = self._signer.prepare(
                message,
                key_id=self._identity.party,
                created=now,
                expires=now + timedelta(seconds=MAX_REQUEST_SECONDS),
                nonce=to_base64(secrets.token_bytes(NONCE_BYTES)),
                label="allervers",
                tag=REQUEST_TAG,
                include_alg=False,
                covered_component_ids=covered,
                body=body,
            )
            self._signer.apply(message, prepared, self._identity.signing_key.sign_raw(prepared.signature_base))
        return request

    def _hand_on(self, response: httpx2.Response) -> None:
        written = response.headers.get(_NOTE, "")
        if not written or self._on_note is None:
            return
        try:
            note = from_base64(written).decode()
        except (CryptoError, UnicodeError) as error:
            raise foreign(response.status_code) from error
        with self._noting:
            self._on_note(note)

    def _read(self, response: httpx2.Response) -> Json:
        try:
            return read_json(response.content, _LONGEST_ANSWER)
        except ServiceError as error:
            raise foreign(response.status_code) from error

    def _refusal(self, response: httpx2.Response, answer: Json) -> ServiceError:
        try:
            error = array(member(answer, "errors"))[0]
            code = CODE.read(text(error, "code"), "/")
            sentence = shown(text(error, "detail")[:_LONGEST_SENTENCE].replace("\n", " "))
        except (ServiceError, IndexError):
            return foreign(response.status_code)
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            sentence += self._skew(response.headers.get("date", ""))
        return ServiceError(code, sentence, response.status_code)

    def _skew(self, date: str) -> str:
        """What to say when the clocks disagree, the commonest cause of a refused signature."""
        try:
            read = parsedate_to_datetime(date)
            theirs = None if read.tzinfo is None else read.astimezone(UTC)
        except (ValueError, OverflowError):  # no date, or of no year that there is
            return ""
        if theirs is None or abs(self._clock() - theirs) <= _SKEW:
            return ""
        return f" (l'horloge de ce poste diffère de celle du service : {theirs:%d/%m/%Y %H:%M} UTC)"

    def _unreachable(self) -> ServiceError:
        sentence = f"le tiers de confiance ne répond pas à {self._url} ; vérifiez le réseau puis recommencez"
        return ServiceError("E_CONNEXION", sentence)


def _asked_wait(response: httpx2.Response) -> float:
    asked = response.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_PAUSE) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0.0


def foreign(status: int | None = None) -> ServiceError:
    """An answer that is not one of ours."""
    seen = f" (HTTP {status})" if status else ""
    return ServiceError(
        "E_REPONSE", f"la réponse reçue n'est pas celle du tiers de confiance{seen} ; vérifiez l'adresse"
    )


def member(answer: Any, name: str) -> Any:
    """A member of an answer.

    Raises:
        ServiceError: `E_REPONSE`.
    """
    if not isinstance(answer, dict) or name not in answer:
        raise foreign()
    return answer[name]


def text(answer: Any, name: str) -> str:
    """A text member of an answer.

    Raises:
        ServiceError: `E_REPONSE`.
    """
    value = member(answer, name)
    if not isinstance(value, str):
        raise foreign()
    return value


def array(answer: Any) -> list[Any]:
    """An answer that is a list.

    Raises:
        ServiceError: `E_REPONSE`.
    """
    if not isinstance(answer, list):
        raise foreign()
    return answer
