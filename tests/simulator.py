"""A third party in memory and two administrations that drive it through its API, with tiny random filters.

No encoder: `rows_for` draws filters and plants links at chosen distances. The clock is moved by hand; the worker runs
in the test's own thread (`work`). Nothing here is imported by the product.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from http_message_signatures.httpx2 import adapt_message
from starlette.testclient import TestClient

from crypto.framing import to_base64
from crypto.keys import Identity, PublicIdentity
from crypto.sealing import seal, seal_chunk, unseal
from linkage.plan import PassPlan, Plan
from linkage.wire import EncodedPass, delivery_from_bytes, row_bytes, rows_to_bytes
from service.agreement import (
    Agreement,
    AgreementParty,
    Comparison,
    Demarche,
    Output,
    Retention,
    Sizes,
    ThirdParty,
    Validity,
)
from service.messages import (
    Acknowledgement,
    Approval,
    Cancellation,
    Confirmation,
    Delivery,
    Manifest,
    SealedShare,
    Statement,
    WorkerKey,
    chunk_context,
    delivery_context,
    share_context,
    upload_key_context,
)
from service.third_party.app import create_app, third_party_identity
from service.third_party.authentication import Caller
from service.third_party.site import Site
from service.third_party.storage import Storage
from service.third_party.store import add_party
from service.third_party.vault import Vault
from service.third_party.worker import Worker
from service.upload_appendix import seal_appendix
from tests.conformance import check_response
from tests.risk_reports import RISK

START = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)
BASE = "http://testserver"
LENGTH = 256
PASSES = ("jour", "noms")
SIZE = 120


class HandClock:
    """A clock that a test moves."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


def pass_plan(name: str, **changes: Any) -> PassPlan:
    """A tiny pass: 256 bits, links up to distance 40, certain up to 20."""
    members: dict[str, Any] = {
        "name": name,
        "blocks": ("birth.month",),
        "finer": (),
        "length": LENGTH,
        "degree": 4,
        "measure": "hamming",
        "information": 40,
        "strict": 20,
        "cap": 1000,
        "floor": 20,
        "population": SIZE,
        "buckets": 1,
        "expected_pairs": 10_000,
    }
    return PassPlan(**{**members, **changes})


def agreement_between(
    third_party: PublicIdentity, recipient: PublicIdentity, source: PublicIdentity, **changes: Any
) -> Agreement:
    """A valid agreement: the recipient's file against the source's."""
    plan = Plan(profile="standard", statistics_digest="0" * 64, passes=tuple(map(pass_plan, PASSES)))
    comparison = Comparison(
        id=f"{recipient.party}.{source.party}",
        recipient=recipient.party,
        source=source.party,
        sizes=Sizes(recipient=SIZE, source=SIZE),
        plan=plan,
    )
    parties = [
        AgreementParty(party=one.party, name=one.name, operand=one.party, role="source", fingerprint=one.fingerprint)
        for one in sorted((recipient, source), key=lambda one: one.party)
    ]
    members: dict[str, Any] = {
        "nonce": secrets.token_hex(16),
        "demarche": Demarche(id="essai", title="Démarche d'essai", digest="1" * 64),
        "purpose": "information",
        "legal_basis": ("CRPA L114-8",),
        "authorisation": "délibération 2026-1",
        "dpia": "AIPD-1",
        "third_party": ThirdParty(party=third_party.party, fingerprint=third_party.fingerprint),
        "parties": tuple(parties),
        "profile": "standard",
        "sheet_digest": "2" * 64,
        "encoder_digest": "3" * 64,
        "comparisons": (comparison,),
        "max_runs": 3,
        "valid": Validity(not_before=START - timedelta(days=1), not_after=START + timedelta(days=90)),
        "retention": Retention(
            encodings_hours=72, hits_days=30, results_months=12, traces_months=36, objection_months=12
        ),
    }
    told = {"expression": f"{recipient.party} & {source.party}", "grey_policy": "information_seule"}
    told |= {name: changes.pop(name) for name in tuple(told) if name in changes}
    members = {**members, **changes}
    return Agreement(**{"outputs": outputs_of(members["comparisons"], **told), **members})


def outputs_of(comparisons: Sequence[Comparison], expression: str, grey_policy: str) -> tuple[Output, ...]:
    """One output for each recipient, that asks for a link in all its comparisons, or excludes one (`a - b`)."""
    found = []
    for recipient in sorted({one.recipient for one in comparisons}):
        names = tuple(one.id for one in comparisons if one.recipient == recipient)
        minus = "-" in expression
        found.append(
            Output(
                name="resultats", recipient=recipient, expression=expression, use="information", grey_policy=grey_policy,
                requires=() if minus else names, excludes=names if minus else (),
            )
        )  # fmt: skip
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One side of a pass, and what the test expects of it."""

    encoded: EncodedPass
    certain: frozenset[bytes] = frozenset()  # ids that must be delivered as certain
    grey: frozenset[bytes] = frozenset()


def rows_for(seed: int, size: int = SIZE, *, certain: int = 10, grey: int = 5) -> tuple[Rows, Rows]:
    """Both sides of a pass: `certain` links at distance 8, `grey` ones at distance 32, nothing else similar."""
    rng = np.random.default_rng(seed)
    tags = np.repeat(rng.integers(0, 256, (4, 16), dtype=np.uint8), size // 4, axis=0)
    left = rng.integers(0, 2**64, (size, LENGTH // 64), dtype=np.uint64)
    right = rng.integers(0, 2**64, (size, LENGTH // 64), dtype=np.uint64)
    for row in range(certain + grey):
        place = row * (size // (certain + grey))
        word = np.uint64((1 << (8 if row < certain else 32)) - 1)
        right[place] = left[place]
        right[place, 1] ^= word
    linked = [row * (size // (certain + grey)) for row in range(certain + grey)]
    ids = [rng.integers(0, 256, (size, 16), dtype=np.uint8) for _ in range(2)]
    names = [ids[0][row].tobytes() for row in linked]
    recipient = Rows(
        encoded=_sorted(ids[0], tags, left), certain=frozenset(names[:certain]), grey=frozenset(names[certain:])
    )
    return recipient, Rows(encoded=_sorted(ids[1], tags, right))


def _sorted(ids: Any, tags: Any, filters: Any) -> EncodedPass:
    order = sorted(range(len(ids)), key=lambda row: (tags[row].tobytes(), ids[row].tobytes()))
    return EncodedPass(ids=ids[order], tags=tags[order], filters=np.ascontiguousarray(filters[order]))


def fill_of(encoded: EncodedPass) -> int:
    """Mean fill, per mille."""
    return round(1000 * int(np.bitwise_count(encoded.filters).sum()) / max(1, len(encoded) * LENGTH))


@dataclass
class Administration:
    """One party with its keys, talking to the third party through a client that knows nothing of tests."""

    identity: Identity
    http: TestClient
    clock: HandClock
    upload_keys: dict[str, bytes] = field(default_factory=dict)

    @property
    def party(self) -> str:
        return self.identity.party

    def request(self, method: str, path: str, body: bytes | None = None, **changes: Any) -> httpx2.Request:
        """A signed request; `changes` are arguments of the signature to break on purpose."""
        request = self.http.build_request(method, f"{BASE}/v1{path}", content=body)
        now = self.clock()
        arguments: dict[str, Any] = {
            "key_id": self.party,
            "created": now,
            "expires": now + timedelta(seconds=300),
            "nonce": to_base64(secrets.token_bytes(16)),
            "tag": "allervers-v1",
            "include_alg": False,
            "covered_component_ids": ("@method", "@target-uri"),
            "body": body,
        }
        message = adapt_message(request)
        signer = HTTPMessageSigner(signature_algorithm=ED25519)
        prepared = signer.prepare(message, **{**arguments, **changes})
        signer.apply(message, prepared, self.identity.signing_key.sign_raw(prepared.signature_base))
        return request

    def send(self, method: str, path: str, body: bytes | None = None) -> httpx2.Response:
        return self.http.send(self.request(method, path, body))

    def get(self, path: str, status: int = 200) -> Any:
        """Data of a GET that must answer with this status, or the code of its error."""
        return _answer(self.send("GET", path), status)

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """Data of a POST that must answer with this status, or the code of its error."""
        data = None if body is None else json.dumps(body).encode()
        return _answer(self.send("POST", path, data), status)

    def declare(self, kind: type[Statement], about: Run, path: str, status: int = 200, **members: Any) -> Any:
        """Sign a statement about a run and post it."""
        name = "from_" if kind in (SealedShare, Confirmation) else "party"
        statement = kind(**{"agreement": about.agreement, "run": about.run, name: self.party, **members})
        return self.post(f"/runs/{about.run}/{path}", statement.signed(self.identity.signing_key), status)

    def approve(self, run: Run) -> Any:
        return self.declare(Approval, run, "approval")

    def cancel(self, run: Run) -> Any:
        return self.declare(Cancellation, run, "cancellation")

    def acknowledge(self, run: Run) -> Any:
        return self.declare(Acknowledgement, run, "acknowledgement")

    def worker_key(self, run: Run, third_party: PublicIdentity) -> bytes:
        signed = self.get(f"/runs/{run.run}/worker-key")
        return WorkerKey.opened(third_party.signing_key, signed).sealing_key

    def manifest(
        self,
        run: Run,
        third_party: PublicIdentity,
        pass_name: str,
        rows: EncodedPass,
        *,
        chunks: int = 2,
        canaries: Iterable[bytes] = (),
        **changes: Any,
    ) -> tuple[Manifest, list[bytes]]:
        """A manifest and its sealed chunks."""
        recipient = run.comparison.split(".")[0]
        key, context = secrets.token_bytes(32), (run.agreement, run.run, run.comparison, pass_name, self.party)
        plain = Manifest(
            agreement=run.agreement,
            run=run.run,
            comparison=run.comparison,
            pass_=pass_name,
            party=self.party,
            role="recipient" if self.party == recipient else "source",
            count=len(rows),
            row_bytes=row_bytes(LENGTH),
            chunks=(),
            wrapped_key=seal(self.worker_key(run, third_party), key, upload_key_context(*context)),
            mean_fill_permille=fill_of(rows),
            nonce=secrets.token_hex(16),
            appendix=b"",
            risk=replace(RISK, made_at=self.clock().replace(microsecond=0)),
        )
        plain = replace(plain, **changes)
        plain = replace(plain, appendix=plain.appendix or seal_appendix(plain, key, canaries))
        pieces = min(chunks, max(1, len(rows)))
        bounds = [len(rows) * number // pieces for number in range(pieces + 1)]
        sealed = [
            seal_chunk(key, chunk_context(plain), number, number == pieces - 1, rows_to_bytes(rows, start, stop))
            for number, (start, stop) in enumerate(pairwise(bounds))
        ]
        return replace(plain, chunks=tuple(hashlib.sha256(one).hexdigest() for one in sealed)), sealed

    def upload(self, run: Run, manifest: Manifest, sealed: list[bytes]) -> str:
        """Declare, send every chunk, complete; returns the upload's identifier."""
        signed = manifest.signed(self.identity.signing_key)
        upload: str = self.post(f"/runs/{run.run}/uploads", signed, 201)["upload"]
        for number, chunk in enumerate(sealed):
            response = self.send("PUT", f"/runs/{run.run}/uploads/{upload}/chunks/{number}", chunk)
            assert 204 == response.status_code, response.text
        self.post(f"/runs/{run.run}/uploads/{upload}/complete")
        return upload

    @property
    def caller(self) -> Caller:
        """This party as the server's functions see it once it is authenticated."""
        return Caller(public=self.identity.public, content_digest=None)

    def fetch(self, run: Run, third_party: PublicIdentity, pass_name: str) -> tuple[set[bytes], set[bytes]]:
        """The (certain, grey) ids of one delivery."""
        signed = self.get(f"/runs/{run.run}/deliveries/{run.comparison}/{pass_name}")
        delivery = Delivery.opened(third_party.signing_key, signed)
        info = delivery_context(run.agreement, run.run, run.comparison, pass_name, self.party)
        certain, grey, _ = delivery_from_bytes(unseal(self.identity.sealing_key, delivery.sealed, info))
        return {one.tobytes() for one in certain}, {one.tobytes() for one in grey}


def _answer(response: httpx2.Response, status: int) -> Any:
    assert status == response.status_code, response.text
    answer = response.json()
    return answer["data"] if response.is_success else answer["errors"][0]["code"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Names of a run."""

    agreement: str
    run: str
    comparison: str


@dataclass
class Simulation:
    """A third party with two enrolled administrations: `caf` receives, `cnous` is the source; `dgfip` is a stranger."""

    data: Path
    clock: HandClock
    site: Site
    http: TestClient
    third_party: PublicIdentity
    caf: Administration
    cnous: Administration
    dgfip: Administration
    lines: list[str]

    @property
    def pair(self) -> tuple[Administration, Administration]:
        return self.caf, self.cnous

    def agreement(self, **changes: Any) -> Agreement:
        return agreement_between(self.third_party, self.caf.identity.public, self.cnous.identity.public, **changes)

    def agreed(self, **changes: Any) -> Agreement:
        """An agreement that both have signed."""
        agreement = self.agreement(**changes)
        signature = to_base64(agreement.signature(self.caf.identity.signing_key))
        self.caf.post("/agreements", {"document": agreement.to_json(), "signature": signature}, 201)
        signature = to_base64(agreement.signature(self.cnous.identity.signing_key))
        self.cnous.post(f"/agreements/{agreement.identifier}/signatures", {"signature": signature})
        return agreement

    def opened(self, **changes: Any) -> Run:
        """A run that the recipient has opened."""
        agreement = self.agreed(**changes)
        run = self.caf.post("/runs", {"agreement": agreement.identifier}, 201)["run"]
        return Run(agreement=agreement.identifier, run=run, comparison="caf.cnous")

    def joining(self, **changes: Any) -> Run:
        """A run that both have approved, with its worker key."""
        run = self.opened(**changes)
        self.cnous.approve(run)
        self.work()
        return run

    def sending(self, **changes: Any) -> Run:
        """A run whose parties have exchanged and confirmed their key."""
        return self.keyed(self.joining(**changes))

    def keyed(self, run: Run) -> Run:
        """The same run, once its parties have exchanged and confirmed their key."""
        for one, other in (self.pair, self.pair[::-1]):
            info = share_context(run.agreement, run.run, run.comparison, one.party, other.party)
            sealed = seal(other.identity.public.sealing_key, secrets.token_bytes(32), info)
            one.declare(SealedShare, run, "shares", comparison=run.comparison, to=other.party, sealed=sealed)
        for one in self.pair:
            one.declare(Confirmation, run, "confirmations", comparison=run.comparison, tag=secrets.token_hex(32))
        return run

    def upload_all(self, run: Run, rows: Mapping[str, tuple[Rows, Rows]]) -> dict[tuple[str, str], str]:
        """Every upload of a run; returns their identifiers by (pass, party)."""
        uploads = {}
        for pass_name, sides in rows.items():
            for one, side in zip(self.pair, sides, strict=True):
                manifest, sealed = one.manifest(run, self.third_party, pass_name, side.encoded)
                uploads[pass_name, one.party] = one.upload(run, manifest, sealed)
        return uploads

    def delivered(self, **changes: Any) -> tuple[Run, dict[str, tuple[Rows, Rows]]]:
        """A run whose deliveries wait for their recipient."""
        run = self.sending(**changes)
        rows = {name: rows_for(number) for number, name in enumerate(PASSES)}
        self.upload_all(run, rows)
        self.work()
        return run, rows

    def worker(self) -> Worker:
        return Worker(site=self.site, stop=threading.Event(), emit=self.lines.append)

    def work(self) -> None:
        """Let a worker do all there is to do."""
        self.worker().run(once=True)

    def state(self, run: Run) -> str:
        return str(self.caf.get(f"/runs/{run.run}")["state"])


@contextmanager
def simulation(data: Path, database_url: str | None = None, **elsewhere: Any) -> Iterator[Simulation]:
    """A fresh third party in a folder, and its parties; database and chunks are there unless it is told another place."""
    clock = HandClock()
    lines: list[str] = []
    public = third_party_identity(data, "Tiers d'essai")
    ticks = iter(range(1 << 30))
    storage = Storage(database=database_url, **elsewhere)
    app = create_app(data, clock, ticks=lambda: float(next(ticks)), emit=lines.append, storage=storage)
    site: Site = app.state.site
    with TestClient(app, base_url=BASE) as http, closing(site.database):
        http.event_hooks = {"response": [check_response]}
        parties = [
            Administration(identity=Identity.generate(name, name.upper()), http=http, clock=clock)
            for name in ("caf", "cnous", "dgfip")
        ]
        with site.database.write() as connection:
            for one in parties:
                add_party(connection, one.identity.public, clock())
        caf, cnous, dgfip = parties
        yield Simulation(
            data=data,
            clock=clock,
            site=site,
            http=http,
            third_party=public,
            caf=caf,
            cnous=cnous,
            dgfip=dgfip,
            lines=lines,
        )


def stored_key(data: Path, run: str) -> bytes:
    """The private key of a run, as a thief of the disk would read it."""
    return Vault(data).run_key(run).to_bytes()
