"""Any bytes at every parser of outside bytes, on both sides: a value or a refusal with a code; and no parser is forgotten."""

from __future__ import annotations

import ast
import importlib.util
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz_bytes import _MAKERS, COVERS, message_kinds_once, parser_of, refusals, take

pytestmark = pytest.mark.S3

ROOT = Path(__file__).parent.parent
QUICK = 300  # executions of each parser in the default suite
LONG = 10_000_000  # of each parser in `make soak`
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the fuzzer has wheels for Linux only")

# A function with such a name reads bytes, text or JSON that may come from outside.
READS = re.compile(
    r"from_bytes|from_json|opened|open_\w+|_?parse_\w+|_?read_\w+|load_\w+|unseal\w*|\w+_from_bytes|unstored|from_base64|"
    r"verify_\w+|check_receipt|check_log|check_body|check_headers|authenticate|vouched|_data|_refusal|read|_read|_asked_wait|table_of"
)
WATCHED = ("crypto/*.py", "linkage/wire.py", "linkage/plan.py", "linkage/sheet.py", "service/*.py", "service/*/*.py")

# Patterns of what is found and needs no fuzzing of its own, with the reason.
EXEMPT = {
    r"service\.third_party\.(routes_\w+|api):.*": "hands what was read to functions that are fuzzed",
    r"service\.third_party\.(\w*store|parcels|pieces|vault|blobs|bucket|database|site):.*": "its own database and files",
    r"service\.third_party\.uploads:(read_delivery|_read_manifest)": "its own database",
    r"service\.third_party\.(runs|relays|reviews):(open_run|open_statement_of|load_for|read_\w+)": "statements that are fuzzed",
    r"service\.third_party\.(opened:open_\w+|matching:Judgement\.from_json)": "manifests, chunks, rows that are fuzzed; own",
    r"service\.third_party\.(app:open_chosen|storage:read_storage|database:parse_url)": "the operator's own settings",
    r"service\.third_party\.limits:Buckets\._refusal": "reads nothing: writes a refusal",
    r"service\.administration\.\w+:(open_share|open_delivery|open_sealed|open_worker_key|LogWatch\.opened)": "statements, seals",
    r"service\.administration\.\w+:(open_office|(Client\.)?open_run)": "reads nothing: opens a run, an office",
    r"service\.administration\.(sealed_file:read_sealed|(pending|own_succession):\w+\._read)": "its own files, sealed",
    r"service\.(administration\.review_commands|demarche):_read": "part of a reader that is fuzzed",
    r"service\.(clause|operand)_reader:read_\w+": "parts of a démarche, which is fuzzed",
    r"service\.administration\.(local_commands:_read(_file)?|selecting:read_people)": "people's files: test_fuzz_readers",
    r"crypto\.(framing:_parse_integer|key_files:read_secret|signatures:SigningKey\.verify_bytes|sealing:unseal_piece)": "parts",
    r"service\.forms:_read_base64": "a form: read by every message",
}


def functions() -> Iterator[str]:
    """module:qualified name of every function of the watched files whose name says that it reads."""
    for pattern in WATCHED:
        for path in sorted(ROOT.glob(pattern)):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for prefix, node in _definitions(ast.parse(path.read_text("utf-8")), ""):
                if READS.fullmatch(node.name):
                    yield f"{module}:{prefix}{node.name}"


def _definitions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix, node
        elif isinstance(node, ast.ClassDef):
            yield from _definitions(node, f"{prefix}{node.name}.")


def test_no_parser_is_forgotten():
    """Every function whose name says that it reads is driven by a parser here, or exempt for a stated reason."""
    driven = {name for names in COVERS.values() for name in names}
    found = set(functions())
    reasons = {name: [why for pattern, why in EXEMPT.items() if re.fullmatch(pattern, name)] for name in found}
    assert set() == {name for name in found - driven if not reasons[name]}, "fuzz it (tests/fuzz_bytes.py)"
    assert set() == driven - found, "gone: take it out of COVERS"
    assert set(EXEMPT.values()) == {why for name in found - driven for why in reasons[name]}, "an exemption of nothing"


def test_every_parser_has_its_list_of_functions():
    """The parsers that are run are those that say what they cover."""
    assert set(COVERS) == set(_MAKERS)


def test_the_seeds_are_good():
    """What is damaged is well-formed before: each parser takes at least one of its seeds."""
    known = refusals()
    silent = [name for name in COVERS if name != "receipts" for parser in [parser_of(name)] if not any(
        take(parser, known, seed) for seed in parser.seeds
    )]  # fmt: skip
    assert [] == silent
    assert len(parser_of("message").seeds) == len(message_kinds_once()) >= 40


def damaged(seeds: tuple[bytes, ...], chance: random.Random, longest: int) -> bytes:
    """A seed with some bytes changed, dropped, put in, doubled or taken from another seed."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 4)):
        place, size = chance.randint(0, len(data)), chance.choice((0, 1, 1, 2, 8))
        other = chance.choice(seeds)
        start = chance.randint(0, len(other))
        fresh = chance.choice((
            chance.randbytes(chance.choice((0, 1, 2, 16))), other[start : start + 8], b'"', b"{}", b"null", b"-1", b"\xff",
        ))  # fmt: skip
        data[place : place + size] = fresh
    return bytes(data[:longest])


@pytest.mark.parametrize("name", sorted(COVERS))
def test_damaged_bytes_are_a_value_or_a_refusal(name):
    """A few hundred damaged seeds, and some bytes that were never a seed."""
    chance, parser, known = random.Random(name), parser_of(name), refusals()
    for number in range(QUICK):
        data = damaged(parser.seeds, chance, parser.longest) if number % 8 else chance.randbytes(chance.randint(0, 64))
        take(parser, known, data)


def fuzzed(name: str, executions: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """The guided fuzzer in a process of its own."""
    if importlib.util.find_spec("atheris") is None:
        pytest.fail("atheris is not installed: install the development dependencies (make venv)")
    command = [sys.executable, "-m", "tests.fuzz_bytes", name, str(executions), str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@LINUX
def test_the_guided_fuzzer_finds_a_planted_fault(tmp_path):
    """A harness that finds nothing in the other tests would have found something."""
    done = fuzzed("planted", 2_000_000, tmp_path)
    assert (True, True) == (done.returncode != 0, "ZeroDivisionError" in done.stdout + done.stderr)


@LINUX
@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("name", sorted(COVERS))
def test_ten_million_executions_find_no_fault(name, tmp_path):
    """Each parser under coverage-guided mutation, in bounded memory."""
    done = fuzzed(name, LONG, tmp_path)
    ran = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    assert (0, True) == (done.returncode, ran is not None and int(ran[1]) >= LONG), done.stderr[-3000:]
