"""An exported log holds as a whole, or not at all: whatever is done to the file is found with the pinned key alone."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable

import pytest

from crypto.audit import Checkpoint, MerkleTree, leaf_hash, open_checkpoint, sign_checkpoint, verify_consistency
from crypto.errors import CryptoError
from crypto.framing import canonical_json
from crypto.signatures import SigningKey
from service.administration.log_file import LogFile, is_export, read_export
from service.errors import ServiceError
from service.messages import log_origin
from service.third_party.database import Database, sqlite_url
from service.third_party.log import AuditLog, Fact
from tests.simulator import START

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
NAME = log_origin("tiers")
SIZE = 3


def exported(leaves: list[bytes | None], hashes: list[bytes], note: str, key: SigningKey = KEY) -> bytes:
    """The file that holds these leaves."""
    head = {"format": "allervers/log-export/v1", "origin": NAME, "log_key": _base64(key), "checkpoint": note}
    rows = [
        {"hash": one.hex(), "leaf": None if leaf is None else json.loads(leaf)}
        for one, leaf in zip(hashes, leaves, strict=True)
    ]
    return b"".join(canonical_json(one) + b"\n" for one in (head, *rows))


def _base64(key: SigningKey) -> str:
    return base64.b64encode(key.verify_bytes()).decode()


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> tuple[list[bytes], list[bytes], str]:
    """Leaves, hashes and checkpoint of a small log, as the service writes them."""
    database = Database(sqlite_url(tmp_path_factory.mktemp("log") / "database.sqlite"))
    audit = AuditLog(KEY, "tiers")
    for number in range(SIZE):
        with database.write() as connection:
            audit.append(connection, Fact(at=START, actor="caf", action=f"step{number}", run="a" * 32))
    with database.read() as connection:
        view = audit.entries(connection, range(SIZE))
    database.close()
    leaves = [one.leaf for one in view.entries]
    return leaves, [leaf_hash(one) for one in leaves], view.checkpoint


def signed(leaves: list[bytes], key: SigningKey = KEY) -> bytes:
    """An exported log of these leaves, whose checkpoint is their own."""
    hashes = [leaf_hash(one) for one in leaves]
    checkpoint = Checkpoint(origin=NAME, size=len(leaves), root=MerkleTree(hashes).root())
    return exported(list(leaves), hashes, sign_checkpoint(checkpoint, key, NAME), key)


def read(data: bytes) -> LogFile:
    """The log that a file holds, judged with the pinned key."""
    return read_export(io.BytesIO(data), KEY.verify_bytes(), NAME)


def refused(data: bytes) -> bool:
    try:
        read(data)
    except ServiceError as error:
        return error.code == "E_JOURNAL"
    return False


def test_a_whole_log_is_read(log):
    """Its size, its root, and how many bodies are gone."""
    found = read(exported(*log))
    assert (SIZE, 0, MerkleTree(log[1]).root()) == (found.size, found.erased, found.tree.root())


def test_an_empty_log_is_read():
    """The service had not done anything yet."""
    found = read(signed([]))
    assert (0, 0) == (found.size, found.erased)


@pytest.mark.S7
def test_every_flipped_bit_of_an_exported_log_is_found(log):
    """All bits of the whole file: head, checkpoint, hashes, bodies, line ends."""
    data = exported(*log)
    missed = []
    for bit in range(8 * len(data)):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << (bit % 8)
        if not refused(bytes(altered)):
            missed.append(bit)
    assert [] == missed


@pytest.mark.S7
def test_a_log_cut_at_any_byte_is_found(log):
    """Wherever the copy ended; the whole one alone holds."""
    data = exported(*log)
    assert [] == [length for length in range(len(data)) if not refused(data[:length])]


@pytest.mark.S7
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:-1],  # the last one cut off
        lambda rows: rows[1:],
        lambda rows: [rows[0], *rows[2:]],
        lambda rows: [rows[1], rows[0], *rows[2:]],
        lambda rows: [*rows[:2], rows[1], *rows[2:]],
        lambda rows: rows[::-1],
        lambda rows: [*rows, rows[-1]],
        lambda rows: [],
    ],
    ids=["cut", "first gone", "one gone", "two swapped", "one twice", "reversed", "one added", "none"],
)
def test_deleted_moved_and_added_leaves_are_found(log, change):
    """Each line may be as it was: their order and number are what was signed."""
    lines = exported(*log).splitlines(keepends=True)
    assert refused(b"".join([lines[0], *change(lines[1:])]))


@pytest.mark.S7
def test_a_body_can_be_erased_and_not_replaced(log):
    """Without their bodies the hashes still lead to the signed root; another body, or one moved, does not."""
    leaves, hashes, note = log
    assert 1 == read(exported([None, *leaves[1:]], hashes, note)).erased
    assert SIZE == read(exported([None] * SIZE, hashes, note)).erased
    other = json.loads(leaves[0])
    other["actor"] = "cnous"
    assert refused(exported([canonical_json(other), *leaves[1:]], hashes, note))
    assert refused(exported([leaves[1], *leaves[1:]], hashes, note))
    assert refused(
        exported([canonical_json(other), *leaves[1:]], [leaf_hash(canonical_json(other)), *hashes[1:]], note)
    )
    assert refused(exported([None] * SIZE, hashes[::-1], note))


@pytest.mark.S7
def test_a_log_signed_by_another_key_is_found(log):
    """A consistent log of somebody else, head included, is not this one."""
    leaves, hashes, _ = log
    forged = sign_checkpoint(Checkpoint(origin=NAME, size=SIZE, root=MerkleTree(hashes).root()), OTHER, NAME)
    assert refused(exported(leaves, hashes, forged, OTHER))
    assert refused(exported(leaves, hashes, forged))


@pytest.mark.S7
def test_a_fork_is_found_by_who_has_seen_the_other_branch(log):
    """The service itself signs two histories: each holds alone, together they do not."""
    leaves, _, note = log
    seen = open_checkpoint(note, KEY.verify_bytes(), NAME)
    for at in range(SIZE):
        fork = json.loads(leaves[at])
        fork["action"] = "forged"
        forged = [*leaves[:at], canonical_json(fork), *leaves[at + 1 :]]
        tree = MerkleTree(leaf_hash(one) for one in forged)
        tree.append(leaf_hash(b"later"))
        longer = Checkpoint(origin=NAME, size=tree.size, root=tree.root())
        with pytest.raises(CryptoError):
            verify_consistency(seen.size, longer.size, tree.consistency_proof(SIZE), seen.root, longer.root)
        with pytest.raises(ServiceError, match="réécrit"):
            read(signed(forged)).check_continues(seen)


def test_every_earlier_checkpoint_is_continued_and_a_later_one_is_not_judged(log):
    """An export may be older than what was seen since; that is no fault of it."""
    export = read(exported(*log))
    for size in range(SIZE + 1):
        export.check_continues(Checkpoint(origin=NAME, size=size, root=MerkleTree(log[1]).root(size)))
    export.check_continues(Checkpoint(origin=NAME, size=SIZE + 1, root=bytes(32)))


@pytest.mark.parametrize("at", [0, 2])
def test_the_service_cannot_sign_a_leaf_that_is_none(log, at):
    """Its signature does not make a leaf of another number, or of other members, one of the log."""
    leaves = list(log[0])
    for change in ({"seq": 7}, {"more": "x"}, {"at": "yesterday"}, {"actor": ["caf"]}):
        other = canonical_json({**json.loads(leaves[at]), **change})
        assert refused(signed([*leaves[:at], other, *leaves[at + 1 :]])), change


@pytest.mark.parametrize(
    "alter",
    [
        lambda lines: [],
        lambda lines: [b"\n"],
        lambda lines: [b"{}\n", *lines[1:]],
        lambda lines: [b"[]\n", *lines[1:]],
        lambda lines: [b"\xff\xfe\n", *lines[1:]],
        lambda lines: [b"[" * 60_000 + b"\n", *lines[1:]],
        lambda lines: [b" " * 70_000 + b"\n", *lines[1:]],
        lambda lines: [lines[0].replace(b"log-export/v1", b"log-export/v2"), *lines[1:]],
        lambda lines: [lines[0], b"[]\n", *lines[2:]],
        lambda lines: [lines[0], b"\n", *lines[1:]],
        lambda lines: [*lines, b"\n"],
        lambda lines: [lines[0], b"x" * 200_000 + b"\n", *lines[2:]],
        lambda lines: [lines[0], lines[1].replace(b'{"hash":"', b'{"hash":" '), *lines[2:]],
        lambda lines: [lines[0], _cased(lines[1]), *lines[2:]],
        lambda lines: [lines[0], canonical_json({"hash": "00", "leaf": None}) + b"\n", *lines[2:]],
        lambda lines: [lines[0], canonical_json({"hash": ["00"], "leaf": None}) + b"\n", *lines[2:]],
        lambda lines: [lines[0], canonical_json({"hash": "zz", "leaf": None}) + b"\n", *lines[2:]],
        lambda lines: [lines[0], canonical_json({"leaf": None}) + b"\n", *lines[2:]],
        lambda lines: [lines[0], canonical_json({**json.loads(lines[1]), "more": "x"}) + b"\n", *lines[2:]],
        lambda lines: [canonical_json({**json.loads(lines[0]), "more": "x"}) + b"\n", *lines[1:]],
        lambda lines: [one.replace(b"\n", b"\r\n") for one in lines],
        lambda lines: [b"\xef\xbb\xbf", *lines],
    ],
    ids=[
        "nothing", "an empty line", "no members", "no object", "no UTF-8", "deep", "long", "another format",
        "a leaf that is a list", "an empty line before", "an empty line after", "a long line", "a space in a hash",
        "a hash in capitals", "a short hash", "a list for a hash", "no hexadecimal", "no hash", "a member more",
        "a member more in the head", "other line ends", "a mark",
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused_with_one_code(log, alter: Callable[[list[bytes]], list[bytes]]):
    """Whatever the file holds, `E_JOURNAL` and no other error."""
    assert refused(b"".join(alter(exported(*log).splitlines(keepends=True))))


def _cased(line: bytes) -> bytes:
    row = json.loads(line)
    return canonical_json({**row, "hash": row["hash"].upper()}) + b"\n"


@pytest.mark.parametrize("read_before", [0, 1], ids=["head", "leaf"])
def test_a_line_is_never_read_past_its_limit(log, read_before):
    """A file that ends in one endless line costs what a line may hold."""
    lines = exported(*log).splitlines(keepends=True)[:read_before]

    class Endless(io.RawIOBase):
        asked = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.asked += 1
            assert size is not None
            assert 0 < size <= 1 << 16
            return lines.pop(0) if lines else b"[" * size

    file = Endless()
    with pytest.raises(ServiceError):
        read_export(file, KEY.verify_bytes(), NAME)  # type: ignore[arg-type]  # lines are all that is asked for
    assert 1 + read_before == file.asked


def test_an_export_is_known_by_its_first_line(log, tmp_path):
    """And nothing else is taken for one: not the format's name further on, not an empty file."""
    for name, data, expected in (
        ("log", exported(*log), True),
        ("receipts", b'{"format":"allervers/receipts/v1"}\n', False),
        ("later", b"{}\n" + exported(*log), False),
        ("empty", b"", False),
        ("bytes", bytes(range(256)), False),
    ):
        (tmp_path / name).write_bytes(data)
        assert expected == is_export(tmp_path / name), name
    with pytest.raises(OSError, match="missing"):
        is_export(tmp_path / "missing")
