"""Regenerate the frozen vectors of ``crypto``: ``python -m tests.vectors.generate_crypto``.

Whatever is deterministic is computed again from the inputs below; tests compare the result with the committed
files byte for byte, so that a change of format cannot pass unseen. HPKE draws an ephemeral key: its vectors
are ciphertexts made once, kept as they are, that must still open. All keys here are test keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crypto import audit, hashing, keys, sealing, signatures
from crypto.framing import Label, canonical_json, frame, to_base64

FOLDER = Path(__file__).parent

JSON_VALUES: list[Any] = [
    None,
    True,
    0,
    -(2**53),
    "",
    "é — “ \u0001 \n \\ / \u007f \U0001f600",
    [],
    {},
    [1, [2, [3, {}]]],
    {"b": 1, "a": [True, False, None], "é": "z", "Z": {"k": "v"}, "aa": -1},
]

JSON_REFUSED: dict[str, bytes] = {
    "empty": b"",
    "space after the colon": b'{"a": 1}',
    "final newline": b"{}\n",
    "keys out of order": b'{"b":1,"a":2}',
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key by an escape": b'{"a":1,"\\u0061":1}',
    "needless escape": b'"\\u0041"',
    "escaped slash": b'"\\/"',
    "escape in capitals": b'"\\u001F"',
    "lone surrogate": b'"\\ud800"',
    "float": b"1.0",
    "exponent": b"1e3",
    "minus zero": b"-0",
    "leading zero": b"01",
    "plus": b"+1",
    "beyond 2^53": b"9007199254740993",
    "very long integer": b"1" * 5000,
    "not a number": b"NaN",
    "infinity": b"-Infinity",
    "trailing comma": b"[1,]",
    "two values": b"1 2",
    "byte order mark": b"\xef\xbb\xbf1",
    "not UTF-8": b'"\xff"',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "control character": b'"\x01"',
    "33 levels": b"[" * 34 + b"]" * 34,
    "100,000 levels": b"[" * 100_000,
}


def bytes_of(name: str, size: int = 32) -> bytes:
    """Deterministic test bytes, by name."""
    return hashlib.shake_256(name.encode()).digest(size)


def framing_vectors() -> dict[str, Any]:
    """Labels, frames, canonical JSON accepted and refused."""
    parts = [[], [""], ["", ""], ["a"], ["a", "b"], ["ab", ""], ["", "ab"], ["é", "0" * 300]]
    return {
        "labels": {label.name: label.value for label in Label},
        "frames": [{"parts": each, "frame": frame(*each).hex()} for each in parts],
        "json": [{"value": value, "canonical": canonical_json(value).hex()} for value in JSON_VALUES],
        "json_refused": [
            {"why": why, "data": data[:80].hex(), "length": len(data), "code": "E_FORMAT"}
            for why, data in JSON_REFUSED.items()
        ],
    }


def fixed_identity(party: str) -> keys.Identity:
    """Return a fixed identity."""
    return keys.Identity(
        party=party,
        name=f"Caisse d'essai « {party} »",
        signing_key=signatures.SigningKey.from_bytes(bytes_of(f"signing {party}")),
        sealing_key=sealing.SealingKey.from_bytes(bytes_of(f"sealing {party}", 96)),
    )


def keys_vectors() -> dict[str, Any]:
    """Identities, run keys, derivations and confirmations."""
    transcript, run, comparison = bytes_of("transcript"), "0123456789abcdef0123456789abcdef", "cnous.caf"
    shares = {party: keys.Share(bytes_of(f"share {party}")) for party in ("caf", "cnous")}
    key = keys.run_key(transcript, run, comparison, shares)
    digest = bytes_of("encoder")
    contexts: list[list[str]] = [[], ["dates"], ["dates", "bloc"], ["datesbloc"]]
    return {
        "identities": [
            {
                "private": to_base64(identity.to_bytes()),
                "public": to_base64(identity.public.to_bytes()),
                "fingerprint": identity.public.fingerprint,
            }
            for identity in map(fixed_identity, ("caf", "cnous", "tiers-de-confiance"))
        ],
        "run_key": {
            "transcript": transcript.hex(),
            "run": run,
            "comparison": comparison,
            "shares": {party: share.hex() for party, share in shares.items()},
            "key": key.hex(),
        },
        "derived": [
            {
                "label": label.name,
                "context": context,
                "length": length,
                "key": keys.derive(key, label, *context, length=length).hex(),
            }
            for label in (Label.PASS, Label.TOKENS, Label.LOCAL_ROWS)
            for context in contexts
            for length in (16, 32, 100)
        ],
        "confirmations": {
            party: keys.confirmation(key, transcript, run, comparison, party, digest).hex() for party in shares
        },
        "encoder_digest": digest.hex(),
    }


def signatures_vectors() -> dict[str, Any]:
    """Signatures under each label, and a signed statement."""
    key = signatures.SigningKey.from_bytes(bytes_of("signing vectors"))
    statement = {"format": "allervers/approval/v1", "run": "ff" * 16, "party": "caf", "agreement": "00" * 32}
    return {
        "private_key": key.to_bytes().hex(),
        "public_key": key.verify_bytes().hex(),
        "signatures": [
            {
                "label": label.name,
                "message": message.hex(),
                "signature": signatures.sign(key, label, message).hex(),
            }
            for label in Label
            for message in (b"", b"message")
        ],
        "signed_statement": signatures.sign_statement(key, Label.APPROVAL, statement),
    }


def hashing_vectors() -> dict[str, Any]:
    """Position words, block tags and secrets, keystreams."""
    key = bytes_of("hashing")
    values = ["", "_d", "martin", "é", "x" * 200]
    return {
        "key": key.hex(),
        "position_words": [
            {
                "token": value,
                "count": count,
                "words": hashing.position_words(key, value.encode(), count).hex(),
            }
            for value in values
            for count in (0, 1, 16, 17, 40)
        ],
        "blocks": [
            {
                "value": value,
                "tag": hashing.block_tag(key, value.encode()).hex(),
                "secret": hashing.block_secret(key, value.encode()).hex(),
            }
            for value in values
        ],
        "keystreams": [{"size": size, "stream": hashing.keystream(key, size).hex()} for size in (0, 1, 16, 100)],
    }


def sealing_vectors() -> dict[str, Any]:
    """Chunks (deterministic), and the sealed objects that were made once."""
    key, context = (
        bytes_of("upload"),
        frame(bytes_of("transcript"), "run", "comparison", "dates", "caf", "00"),
    )
    places = [(0, False), (0, True), (1, False), (1, True), (2**32 - 1, True)]
    return {
        "chunks": {
            "key": key.hex(),
            "context": context.hex(),
            "sealed": [
                {
                    "number": number,
                    "last": last,
                    "plaintext": plaintext.hex(),
                    "chunk": sealing.seal_chunk(key, context, number, last, plaintext).hex(),
                }
                for number, last in places
                for plaintext in (b"", b"chunk " * 10)
            ],
        },
        "hpke": _made_once("crypto_sealing.json", "hpke", _seal_once),
    }


def _seal_once() -> dict[str, Any]:
    key = fixed_identity("caf").sealing_key
    info = frame(Label.SHARE, bytes_of("transcript"), "run", "cnous.caf", "cnous", "caf")
    return {
        "private_key": key.to_bytes().hex(),
        "public_key": key.public_bytes().hex(),
        "info": info.hex(),
        "sealed": [
            {
                "plaintext": plaintext.hex(),
                "object": to_base64(sealing.seal(key.public_bytes(), plaintext, info)),
            }
            for plaintext in (b"", bytes_of("share cnous"), bytes_of("longer", 300))
        ],
    }


def _made_once(file: str, member: str, make: Callable[[], dict[str, Any]]) -> Any:
    path = FOLDER / file
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))[member]
    return make()


def audit_vectors() -> dict[str, Any]:
    """A tree of 13 entries with its roots and proofs, and its signed checkpoint."""
    tree = audit.MerkleTree(audit.leaf_hash(f"entry {index}".encode()) for index in range(13))
    key, name = signatures.SigningKey.from_bytes(bytes_of("log")), "allervers-log.test"
    checkpoint = audit.Checkpoint(origin="allervers log test", size=tree.size, root=tree.root())
    return {
        "entries": [f"entry {index}" for index in range(13)],
        "roots": [tree.root(size).hex() for size in range(14)],
        "inclusion": [
            {
                "index": index,
                "size": size,
                "proof": [each.hex() for each in tree.inclusion_proof(index, size)],
            }
            for size in (1, 7, 13)
            for index in range(size)
        ],
        "consistency": [
            {
                "first": first,
                "second": 13,
                "proof": [each.hex() for each in tree.consistency_proof(first, 13)],
            }
            for first in range(14)
        ],
        "log_key": key.to_bytes().hex(),
        "log_public_key": key.verify_bytes().hex(),
        "log_name": name,
        "checkpoint": audit.sign_checkpoint(checkpoint, key, name),
    }


VECTORS: dict[str, Callable[[], dict[str, Any]]] = {
    "crypto_audit.json": audit_vectors,
    "crypto_framing.json": framing_vectors,
    "crypto_hashing.json": hashing_vectors,
    "crypto_keys.json": keys_vectors,
    "crypto_sealing.json": sealing_vectors,
    "crypto_signatures.json": signatures_vectors,
}


def generate(file: str) -> bytes:
    """Content that a vector file must have."""
    return (json.dumps(VECTORS[file](), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def load(file: str) -> Any:
    """Read a committed vector file."""
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))


if __name__ == "__main__":
    for vector_file in VECTORS:
        (FOLDER / vector_file).write_bytes(generate(vector_file))
