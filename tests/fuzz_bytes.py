"""Every parser of bytes from outside, with what it is fed first; and what the guided fuzzer runs, Linux only.

    python -m tests.fuzz_bytes PARSER EXECUTIONS FOLDER

A parser gives a value or refuses with an error that has a code: no other exception, no hang, no growing memory. A value that
knows how to be written is what was read. `COVERS` says which functions of the product each parser drives; a test compares it
with the product, so that a new function that reads outside bytes cannot be forgotten.
"""

from __future__ import annotations

import atexit
import importlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # files that are written ten thousand times a second
URL = "http://testserver/v1/runs"
RSS_MEBIBYTES = (
    512  # of headers the fuzzer keeps 24 bytes an execution (90 MiB, 234 after six million); without it nothing stays
)
PRODUCT = ("crypto", "linkage", "service")

# Parser → functions of the product that it drives, as module:qualified name.
COVERS: Mapping[str, tuple[str, ...]] = {
    "agreement": (
        "service.agreement:Agreement.from_json",
        "service.agreement:_read_plan",
        "linkage.plan:Plan.from_json",
    ),
    "answer": (
        "service.administration.signed_http:SignedHttp._read",
        "service.administration.signed_http:SignedHttp._refusal",
        "service.administration.signed_http:_asked_wait",
    ),
    "appendix": ("service.upload_appendix:open_appendix",),
    "canonical": ("crypto.framing:parse_canonical_json", "crypto.framing:from_base64"),
    "chunk": ("crypto.sealing:unseal_chunk", "linkage.wire:rows_from_bytes", "linkage.wire:payloads_from_bytes"),
    "cosigned": ("crypto.witness:open_cosigned",),
    "delivery": ("linkage.wire:delivery_from_bytes",),
    "demarche": (
        "service.demarche:parse_demarche",
        "service.demarche:load_demarche",
        "linkage.sheet:load_sheet",
    ),
    "export": ("service.administration.log_file:read_export",),
    "fingerprint": ("crypto.keys:parse_fingerprint",),
    "headers": (
        "service.third_party.authentication:authenticate",
        "service.third_party.authentication:Doorkeeper.authenticate",
        "service.third_party.authentication:Doorkeeper.read",
        "service.third_party.authentication:check_body",
        "service.third_party.authentication:check_headers",
        "service.third_party.signature_input:read_signed_head",
    ),
    "identity": (
        "service.answers:IdentityView.vouched",
        "crypto.keys:PublicIdentity.from_bytes",
        "crypto.keys:Identity.from_bytes",
        "crypto.keys:_read_identity",
        "crypto.sealing:SealingKey.from_bytes",
        "crypto.signatures:SigningKey.from_bytes",
        "service.administration.keyring:read_public",
    ),
    "json": ("service.forms:read_json", "service.forms:read_time"),
    "manifest": ("service.messages:Statement.opened", "crypto.signatures:open_statement"),
    "message": ("service.forms:Message.from_json",),
    "note": ("crypto.audit:open_checkpoint", "crypto.audit:_parse_note", "crypto.audit:_parse_signatures"),
    "payload": ("service.administration.payload:PayloadSeal.opened", "service.administration.payload:read_payload"),
    "proof": ("crypto.audit:verify_inclusion", "crypto.audit:verify_consistency"),
    "receipts": (
        "service.administration.verify:ProofFile.read",
        "service.administration.verify:check_receipt",
        "service.administration.verify:check_log",
    ),
    "risk": ("service.administration.risk_report:load_report",),
    "sealed": ("crypto.sealing:unseal",),
    "table": ("service.administration.joiner:table_of",),
}


@dataclass(frozen=True)
class Parser:
    """A reader of bytes, and well-formed bytes for it."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    longest: int = 2048  # bytes


def own_folder(name: str) -> Path:
    """A folder that goes with this process, in memory where there is a file system in memory."""
    made = tempfile.mkdtemp(prefix=f"fuzz-{name}-", dir=MEMORY)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def refusals() -> tuple[type[Exception], ...]:
    """What a parser may raise."""
    names = (("crypto.errors", "CryptoError"), ("linkage.errors", "LinkageError"), ("service.errors", "ServiceError"))
    return tuple(getattr(importlib.import_module(module), name) for module, name in names)


def loaded(module: str) -> Any:
    """A module of the product, loaded late so that a fuzzer can watch its lines."""
    return importlib.import_module(module)


def message_kinds() -> list[Any]:
    """Every class of message of the product, in the order of their names."""
    root = Path(__file__).parent.parent / "service"
    for path in sorted(root.rglob("*.py")):
        if "Message" in path.read_text("utf-8") or "(Statement)" in path.read_text("utf-8"):
            loaded(".".join(path.relative_to(root.parent).with_suffix("").parts))
    found = {f"{kind.__module__}:{kind.__qualname__}": kind for kind in _below(loaded("service.forms").Message)}
    return [found[name] for name in sorted(found) if found[name]._FORMS]


def _below(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _json(data: bytes) -> Any:
    return loaded("service.forms").read_json(data, 1 << 20)


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_message(data: bytes) -> None:
    """One message: its class by the first byte, what is read is what would be written, or refused."""
    kinds = message_kinds_once()
    value = _json(data[1:])
    kind = kinds[data[0] % len(kinds)] if data else kinds[0]
    _same(kind, value)


_KINDS: list[Any] = []


def message_kinds_once() -> list[Any]:
    """The classes of messages, found once."""
    if not _KINDS:
        _KINDS.extend(message_kinds())
    return _KINDS


def _same(kind: Any, value: Any) -> None:
    message = kind.from_json(value)
    again = kind.from_json(json.loads(message.to_bytes()))
    assert message == again, "a message that was read does not read back"


def example(kind: Any) -> Any:
    """A JSON value that a class of messages reads: the first of a few candidates that each form takes."""
    if kind.__name__ == "Agreement":
        return _agreement_value()
    members: dict[str, Any] = {"format": kind.FORMAT} if kind.FORMAT else {}
    for name, (_, form) in kind._FORMS.items():
        members[name] = _accepted(form)
    return members


def _accepted(form: Any) -> Any:
    choices: list[Any] = [
        *form.schema.get("enum", ()),
        *(form.schema[key] for key in ("minimum",) if key in form.schema),
    ]
    if form.kind is not None:
        inner = example(form.kind)
        choices += [[inner], inner]
    choices += [_agreement_value()["comparisons"][0]["plan"]] if form is loaded("service.agreement")._PLAN else []
    choices += [
        "ab" * 16,
        "ab" * 32,
        "AAAA",
        "caf",
        "2026-11-20T08:00:00Z",
        "E_ETAT",
        1,
        True,
        None,
        {},
        {"caf": "AAAA"},
    ]
    choices += [[one] for one in choices if isinstance(one, str | int)] + [[]]
    for one in choices:
        try:
            form.read(one, "")
        except refusals():
            continue
        return one
    raise AssertionError("no candidate for a form: add one")


def _messages() -> Parser:
    kinds = message_kinds_once()
    return Parser(read_message, tuple(bytes([n]) + _bytes(example(kind)) for n, kind in enumerate(kinds)))


def _agreement_value() -> Any:
    keys = loaded("crypto.keys")
    identities = [keys.Identity.generate(name, name.upper()).public for name in ("tiers-de-confiance", "caf", "cnous")]
    return loaded("tests.simulator").agreement_between(*identities).to_json()


def _agreement() -> Parser:
    kind = loaded("service.agreement").Agreement
    return Parser(lambda data: _same(kind, _json(data)), (_bytes(_agreement_value()),), 8192)


def any_manifest() -> Any:
    """A manifest of no run."""
    kind = loaded("service.messages").Manifest
    return kind.from_json(example(kind))


def _manifest() -> Parser:
    """Manifests, signed or not: what the seed's key signed is read, everything else is refused before."""
    messages, signatures = loaded("service.messages"), loaded("crypto.signatures")
    key, kind = signatures.SigningKey.generate(), messages.Manifest
    plain = any_manifest().to_json()

    def read(data: bytes) -> None:
        value = _json(data)
        if isinstance(value, dict) and "statement" in value:
            kind.opened(key.verify_bytes(), value)
            kind.opened(key.verify_bytes(), signatures.sign_statement(key, kind.LABEL, value["statement"]))
        else:
            _same(kind, value)

    return Parser(read, (_bytes(plain), _bytes(signatures.sign_statement(key, kind.LABEL, plain))))


def _canonical() -> Parser:
    framing = loaded("crypto.framing")

    def read(data: bytes) -> None:
        value = framing.parse_canonical_json(data, 1 << 20)
        assert data == framing.canonical_json(value), "canonical JSON is not its own"
        if isinstance(value, str):
            assert value == framing.to_base64(framing.from_base64(value)), "base64 is not its own"

    return Parser(read, (b'{"a":[1,-2,null,true],"\xc3\xa9":"x"}', b'"QUJD"', b'"QUI="', b"9007199254740991", b"[]"))


def _json_bodies() -> Parser:
    forms = loaded("service.forms")

    def read(data: bytes) -> None:
        value = forms.read_json(data, 1 << 16)
        if isinstance(value, str):
            assert value == forms.write_time(forms.read_time(value)), "a moment is not its own"

    return Parser(read, (b'{"a": [1, "x", null]}', b'"2026-11-20T08:00:00Z"', b'"0001-01-01T00:00:00Z"', b"-1"))


def _chunk() -> Parser:
    sealing, wire = loaded("crypto.sealing"), loaded("linkage.wire")
    key, context = bytes(range(32)), b"context"
    rows = sealing.seal_chunk(key, context, 0, True, bytes(range(64)) * 3)

    def read(data: bytes) -> None:
        """First a sealed chunk at the place that the first byte names, then the same bytes as opened rows."""
        head = data[0] if data else 0
        try:
            plain = sealing.unseal_chunk(key, context, head >> 1, bool(head & 1), data[1:])
        except refusals():
            plain = data[1:]
        encoded = wire.rows_from_bytes(plain, 256, 32 * (head >> 7))
        payloads = wire.payloads_from_bytes(plain, 256, 32) if head >> 7 else None
        assert payloads is None or (len(encoded), 32) == payloads.shape, "a payload for each row"
        assert head >> 7 or plain == wire.rows_to_bytes(encoded), "rows are not their own"

    return Parser(read, (b"\x01" + rows, b"\x00" + rows, b"\x00" + bytes(64) * 2, b"\xff" + bytes(96) * 2), 512)


def _delivery() -> Parser:
    wire, numpy = loaded("linkage.wire"), loaded("numpy")
    ids = numpy.arange(64, dtype=numpy.uint8).reshape(4, 16)
    seed = wire.delivery_to_bytes(ids[:3], ids[3:])

    def read(data: bytes) -> None:
        """Padded with zeros to the least size, so that a fuzzer need not write four thousand bytes."""
        parts = wire.delivery_from_bytes(data.ljust(wire.SMALLEST_DELIVERY, b"\0"))
        assert data.ljust(wire.SMALLEST_DELIVERY, b"\0") == wire.delivery_to_bytes(*parts)

    return Parser(read, (seed.rstrip(b"\0"),), 256)


def _sealed() -> Parser:
    sealing = loaded("crypto.sealing")
    key = sealing.SealingKey.generate()
    sealed = sealing.seal(key.public_bytes(), b"key", b"info")
    return Parser(lambda data: sealing.unseal(key, data, b"info"), (sealed,))


def _note() -> Parser:
    audit, signatures = loaded("crypto.audit"), loaded("crypto.signatures")
    key = signatures.SigningKey.generate()
    seed = audit.sign_checkpoint(audit.Checkpoint(origin="o", size=7, root=bytes(32)), key, "o").encode()

    def read(data: bytes) -> None:
        audit.open_checkpoint(data.decode("utf-8", "surrogateescape"), key.verify_bytes(), "o")

    return Parser(read, (seed, seed + b"\xe2\x80\x94 other AAAAAAAA\n"))


def _proof() -> Parser:
    audit = loaded("crypto.audit")
    tree = audit.MerkleTree(audit.leaf_hash(bytes([n])) for n in range(13))

    def read(data: bytes) -> None:
        """Two numbers, then hashes: judged as both kinds of proof; what is accepted is what the tree would give."""
        first, second, kind = (*data[:3], 0, 0, 0)[:3]
        nodes = [data[start : start + 32] for start in range(3, len(data), 32)]
        if kind & 1:
            audit.verify_inclusion(audit.leaf_hash(bytes([first])), first, second, nodes, tree.root())
            if second == 13:  # a size comes from the same signed note as the root
                assert nodes == tree.inclusion_proof(first, 13), "a forged inclusion"
        else:
            sizes = min(first, 13), min(second, 13)
            audit.verify_consistency(first, second, nodes, tree.root(sizes[0]), tree.root(sizes[1]))
            assert nodes == tree.consistency_proof(*sizes), "a forged consistency"

    inclusion = b"\x05\x0d\x01" + b"".join(tree.inclusion_proof(5, 13))
    consistency = b"\x06\x0d\x00" + b"".join(tree.consistency_proof(6, 13))
    return Parser(read, (inclusion, consistency), 512)


def _identity() -> Parser:
    keys, keyring = loaded("crypto.keys"), loaded("service.administration.keyring")
    identity = keys.Identity.generate("caf", "CAF")
    path = own_folder("identity") / "identity.json"

    view = loaded("service.answers").IdentityView
    vouched = view.of(identity, bytes(32)).to_bytes()

    def read(data: bytes) -> None:
        if b"log_key" in data:
            view.from_json(_json(data)).vouched()
            return
        path.write_bytes(data)
        try:
            assert data.startswith(keyring.read_public(path).to_bytes()), "an identity is not its own"
        except refusals():
            assert data == keys.Identity.from_bytes(data).to_bytes(), "a private identity is not its own"

    public, private = identity.public.to_bytes(), identity.to_bytes()
    return Parser(read, (public, private, public + b"\r\n", vouched), 4096)


def _fingerprint() -> Parser:
    keys = loaded("crypto.keys")

    def read(data: bytes) -> None:
        found = keys.parse_fingerprint(data.decode("utf-8", "replace"))
        assert found == keys.parse_fingerprint(found), "a fingerprint is not its own"

    return Parser(read, (b"12345 " * 12, b"0" * 60, "１２３４５".encode() * 12))


def _headers() -> Parser:
    """The headers of a request, one a line, at a third party that knows one party; the seed is its own request."""
    keys, store = loaded("crypto.keys"), loaded("service.third_party.store")
    operator, sites = loaded("service.third_party.app"), loaded("service.third_party.site")
    authentication = loaded("service.third_party.authentication")
    data, identity = own_folder("headers"), keys.Identity.generate("caf", "CAF")
    operator.third_party_identity(data / "data", "Tiers")
    site = sites.open_site(data / "data", lambda: NOW)
    with site.database.write() as connection:
        store.add_party(connection, identity.public, NOW)

    def read(text: bytes) -> None:
        lines = [line.partition(":") for line in text.decode("latin-1").split("\n")]
        fields = [(name, value.strip()) for name, _, value in lines]
        authentication.check_headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields])
        url = f"http://{dict(fields).get('host', '')}/v1/runs"
        request = authentication.Request(method="POST", url=url, fields=fields, announces_body=True)
        authentication.check_body(authentication.authenticate(site, request), b"{}")

    covered = ("@method", "@target-uri"), ("@authority", "@method", "@target-uri")
    seeds = [signed_headers(identity, names) for names in covered]
    seeds += [seeds[1].replace(b"host: testserver", b"host: " + host) for host in (b"[", b"a:b", b"[v1.x]", b"\xb2:80")]
    return Parser(read, tuple(seeds))


def signed_headers(identity: Any, covered: tuple[str, ...]) -> bytes:
    """The headers by which a party signs a request, one a line."""
    httpx2, framing = loaded("httpx2"), loaded("crypto.framing")
    signatures, adapt = loaded("http_message_signatures"), loaded("http_message_signatures.httpx2")
    request = httpx2.Request("POST", URL, content=b"{}")
    message = adapt.adapt_message(request)
    signer = signatures.HTTPMessageSigner(signature_algorithm=loaded("http_message_signatures.algorithms").ED25519)
    prepared = signer.prepare(
        message,
        key_id=identity.party,
        created=NOW,
        expires=NOW + timedelta(seconds=300),
        nonce=framing.to_base64(bytes([len(covered)]) * 16),
        tag="allervers-v1",
        include_alg=False,
        covered_component_ids=covered,
        body=b"{}",
    )
    signer.apply(message, prepared, identity.signing_key.sign_raw(prepared.signature_base))
    return "\n".join(f"{name}: {value}" for name, value in request.headers.items()).encode()


def _demarche() -> Parser:
    demarche, sheet = loaded("service.demarche"), loaded("linkage.sheet")
    folder = Path(demarche.__file__).parent / "demarches"
    seeds = tuple(path.read_bytes() for path in sorted(folder.glob("*.toml"))[:2])
    path = own_folder("sheet") / "sheet.toml"

    def read(data: bytes) -> None:
        """One reader or the other by the length: reading TOML is most of the time, and a file is for one of them."""
        path.write_bytes(data)
        (sheet.load_sheet if len(data) & 1 else demarche.load_demarche)(path)

    return Parser(read, (*seeds, *(seed + b"\n" for seed in seeds)), 6000)


def _answer() -> Parser:
    """An answer over HTTP: its status by the first byte, then three headers, one a line, then its body."""
    http, httpx2 = loaded("service.administration.signed_http"), loaded("httpx2")
    statuses = (200, 201, 204, 400, 401, 404, 409, 422, 429, 500, 503)
    now: list[Any] = []

    def sleep(seconds: float) -> None:
        assert 0 <= seconds <= 60, "a pause that a server chose"

    one = http.SignedHttp(
        "http://127.0.0.1:1",
        None,
        clock=lambda: NOW,
        sleep=sleep,
        transport=httpx2.MockTransport(lambda _: now[0]),
        on_note=lambda note: loaded("crypto.audit").open_checkpoint(note, bytes(32), "o"),
    )

    def read(data: bytes) -> None:
        status = statuses[(data[0] if data else 0) % len(statuses)]
        date, later, note, content = (*data[1:].split(b"\n", 3), b"", b"", b"", b"")[:4]
        headers = [(b"date", date), (b"retry-after", later), (b"allervers-checkpoint", note)]
        now[:] = [httpx2.Response(status, content=content, headers=headers)]
        one.exchange("GET", "/runs")

    body = b'{"errors":[{"code":"E_ETAT","detail":"x","status":"409"}]}'
    date = b"Fri, 20 Nov 2026 08:00:00 GMT"
    return Parser(
        read,
        (
            b'\x00\n\n\n{"data":{}}',
            b"\x04" + date + b"\n\n\n" + body,
            b"\x06\n\n\n" + body,
            b"\x08" + date + b"\n2\n\n" + body,
            b"\x08\nnan\n\n" + body,
            b"\x0a\n-1e9\n\n" + body,
            b"\x00\n\nQUFBQQ==\n" + body,
        ),
    )


def _cosigned() -> Parser:
    """A note that the log and a witness have signed."""
    audit, witness, signatures = loaded("crypto.audit"), loaded("crypto.witness"), loaded("crypto.signatures")
    key, seer = signatures.SigningKey.generate(), signatures.SigningKey.generate()
    note = audit.sign_checkpoint(audit.Checkpoint(origin="o", size=7, root=bytes(32)), key, "o")
    seed = witness.add_cosignature(note, seer, "w", 1_800_000_000).encode()

    def read(data: bytes) -> None:
        found = witness.open_cosigned(
            data.decode("utf-8", "surrogateescape"), (key.verify_bytes(), "o"), (seer.verify_bytes(), "w")
        )
        assert (7, 1_800_000_000) == (found[0].size, found[1]), "a forged note"

    return Parser(read, (seed,))


def _export() -> Parser:
    """A whole log in a file, as an auditor gets it from anybody."""
    audit, framing, signatures = loaded("crypto.audit"), loaded("crypto.framing"), loaded("crypto.signatures")
    log_file, key = loaded("service.administration.log_file"), signatures.SigningKey.generate()
    leaf = loaded("service.answers").LogLeaf
    bodies = [leaf.from_json({**example(leaf), "seq": seq}).to_bytes() for seq in range(3)]
    tree = audit.MerkleTree(map(audit.leaf_hash, bodies))
    note = audit.sign_checkpoint(audit.Checkpoint(origin="o", size=3, root=tree.root()), key, "o")
    head = {"origin": "o", "log_key": framing.to_base64(key.verify_bytes()), "checkpoint": note}
    lines = [{"format": "allervers/log-export/v1", **head}]
    lines += [{"hash": audit.leaf_hash(body).hex(), "leaf": json.loads(body)} for body in bodies]
    seed = b"".join(framing.canonical_json(line) + b"\n" for line in lines)

    def read(data: bytes) -> None:
        found = log_file.read_export(io.BytesIO(data), key.verify_bytes(), "o")
        assert (3, tree.root()) == (found.size, found.tree.root()), "a forged log"

    return Parser(read, (seed,), 4096)


def _payload() -> Parser:
    """What a source joined to a row: any plaintext in a good seal, or any sealed bytes."""
    payload = loaded("service.administration.payload")
    seal = payload.payload_seal(bytes(32), "ab" * 32, "ab" * 16, "caf.cnous", "jour", 64)
    sealed = seal.sealed(b'["12 rue","75001"]')

    def read(data: bytes) -> None:
        text = seal.opened(data[1:]) if data[:1] == b"s" else seal.opened(seal.sealed(data[1:][:64]))
        values = payload.read_payload(text, 2) if text is not None else None
        assert values is None or all(isinstance(one, str) for one in values), "a payload that is not text"

    return Parser(read, (b"s" + sealed, b'p["12 rue","75001"]'), 256)


def _table() -> Parser:
    """The jetons and row ids that a recipient seals to its joiner."""
    joiner = loaded("service.administration.joiner")

    def read(data: bytes) -> None:
        table = joiner.table_of(data[1:], 1 + (data[0] if data else 0) % 5)
        assert table.nbytes == len(data[1:]), "a table is not its own"

    return Parser(read, (b"\x01" + bytes(range(96)), b"\x00" + bytes(16)), 512)


def _receipts() -> Parser:
    """A file of receipts, as `allervers verify` takes it from anybody."""
    verify, framing = loaded("service.administration.verify"), loaded("crypto.framing")
    keyring, keys, signatures = (
        loaded("service.administration.keyring"), loaded("crypto.keys"), loaded("crypto.signatures"),
    )  # fmt: skip
    home = own_folder("receipts")
    key = signatures.SigningKey.generate()
    third_party = keyring.ThirdParty(
        url="http://127.0.0.1:1",
        identity=keys.Identity.generate("tiers-de-confiance", "Tiers").public,
        log_key=key.verify_bytes(),
    )
    watch = verify.LogWatch(home, third_party)
    log = {"entries": [], "size": 0, "checkpoint": "x"}
    proof = {"index": 0, "leaf": "AAAA", "size": 1, "proof": [], "checkpoint": "x"}
    receipts = [{"receipt": {"statement": {}, "signature": "AAAA"}, "log": proof}]
    seed = framing.canonical_json({"format": "allervers/receipts/v1", "receipts": receipts, "log": log})
    path = home / "receipts.json"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        saved = verify.ProofFile.read(path)
        for one in saved.receipts:
            verify.check_receipt(one, watch, third_party)
        verify.check_log(saved.log, watch)

    return Parser(read, (seed,))


def _risk() -> Parser:
    """A risk report, as `run encode --risk` takes it from a file."""
    risk_report = loaded("service.administration.risk_report")
    path = own_folder("risk") / "report.json"
    seed = risk_report.RiskReport.from_json(example(risk_report.RiskReport)).to_bytes()

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return risk_report.load_report(path)

    return Parser(read, (seed,))


def _appendix() -> Parser:
    """What a source would have sealed: any plaintext in a good seal, or any sealed bytes."""
    appendix, framing, sealing = loaded("service.upload_appendix"), loaded("crypto.framing"), loaded("crypto.sealing")
    manifest, key = any_manifest(), bytes(range(32))
    context = appendix.appendix_context(manifest)
    own = loaded("crypto.keys").derive(key, framing.Label.UPLOAD_APPENDIX, context)
    sealed = appendix.seal_appendix(manifest, key, [bytes([n]) * 16 for n in range(3)])
    plain = sealing.unseal_chunk(own, context, 0, True, sealed)

    def read(data: bytes) -> None:
        body = data[1:]
        if data[:1] != b"s":
            body = sealing.seal_chunk(own, context, 0, True, body.ljust(len(plain), b"\0"))
        found = appendix.open_appendix(replace(manifest, appendix=body), key)
        assert all(len(one) == 16 for one in found), "an id of another length"

    return Parser(read, (b"s" + sealed, b"p" + plain.rstrip(b"\0")), 4096)


_MAKERS: Mapping[str, Callable[[], Parser]] = {
    "agreement": _agreement,
    "answer": _answer,
    "appendix": _appendix,
    "canonical": _canonical,
    "chunk": _chunk,
    "cosigned": _cosigned,
    "delivery": _delivery,
    "demarche": _demarche,
    "export": _export,
    "fingerprint": _fingerprint,
    "headers": _headers,
    "identity": _identity,
    "json": _json_bodies,
    "manifest": _manifest,
    "message": _messages,
    "note": _note,
    "payload": _payload,
    "proof": _proof,
    "receipts": _receipts,
    "risk": _risk,
    "sealed": _sealed,
    "table": _table,
}


def parser_of(name: str) -> Parser:
    """A parser by its name; `planted` has a fault that a fuzzer must find."""
    if name == "planted":
        return Parser(_planted, (b"benign",), 16)
    return _MAKERS[name]()


def _planted(data: bytes) -> None:
    if data[:2] == b"be" and data[-1:] == b"!":
        raise ZeroDivisionError


def take(parser: Parser, known: tuple[type[Exception], ...], data: bytes) -> bool:
    """Feed some bytes; whether they were taken. Any other exception than a refusal goes through."""
    said = ""
    try:
        parser.read(data)
    except known as refusal:
        said = str(refusal)
    assert len(said) < 700, "a refusal repeats what it was given"
    return not said


def main(name: str, executions: int, folder: str) -> None:
    """Fuzzes one parser for a number of executions; ends the process."""
    atheris: Any = importlib.import_module("atheris")
    watched: AbstractContextManager[Any] = nullcontext()
    if name != "planted":
        watched = atheris.instrument_imports(include=[*PRODUCT, "http_message_signatures", "http_sf"])
    with watched:
        parser, known = parser_of(name), refusals()
    if name == "planted":
        parser = Parser(atheris.instrument_func(_planted), parser.seeds, parser.longest)
    for number, seed in enumerate(parser.seeds):
        (Path(folder) / f"seed-{number}").write_bytes(seed)
    options = [
        f"-runs={executions}", "-timeout=10", f"-rss_limit_mb={RSS_MEBIBYTES}", f"-max_len={parser.longest}",
        "-print_final_stats=1", f"-artifact_prefix={folder}/fault-",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, folder], lambda data: take(parser, known, data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
