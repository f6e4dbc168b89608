"""What is installed is locked by hash, has a licence that we may use, and is listed; an audit is never silently empty."""

from __future__ import annotations

import json
import sys
import tomllib
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import cyclonedx
import jsonschema_rs
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import supply_chain
from tests.supply_chain import (
    LOCK,
    PRODUCT,
    ROOT,
    RUN_TIME_EXTRAS,
    Pinned,
    Unaudited,
    ask_folder,
    bill_of_materials,
    closure,
    is_affected,
    judge_answer,
    licences,
    read_lock,
)

pytestmark = pytest.mark.S8

TEXT = LOCK.read_text("utf-8")
PINS, STRANGE = read_lock(TEXT)
LOCKED = {one.name: one for one in PINS if one.is_for_here}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
UNLOCKED = {PRODUCT, "pip", "setuptools"}  # ourselves, and what every virtual environment begins with

# Permissive words of metadata; a licence expression is allowed when each of its names is.
PERMISSIVE = {
    "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "MIT", "MIT-0", "MIT-CMU", "Zlib", "CC0-1.0", "PSF-2.0",
    "LLVM-exception", "MIT License", "BSD License", "BSD", "Apache Software License", "Apache 2.0", "Dual License",
}  # fmt: skip
WEAK_COPYLEFT = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}  # used as a library, unchanged
JOINERS = {"AND", "OR", "WITH"}


def declared() -> list[Requirement]:
    """Every requirement that pyproject.toml names."""
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(one) for one in [*PROJECT["dependencies"], *(name for extra in extras for name in extra)]]


def test_every_line_of_the_lock_is_a_pin_with_hashes():
    """No address, no option, no range: names with one version and at least one SHA-256 each."""
    assert [] == STRANGE
    assert [] == [one.name for one in PINS if not one.hashes]
    assert len(PINS) == len({(one.name, one.version) for one in PINS})
    assert len(LOCKED) >= 100


@pytest.mark.parametrize(
    "line",
    ["--extra-index-url https://elsewhere.example", "thing @ https://elsewhere.example/t.whl", "-e .", "thing>=1"],
)
def test_a_line_that_is_not_pinned_is_seen(line):
    """What would let something else in is reported."""
    _, strange = read_lock(TEXT + line + "\n")
    assert [line] == strange


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_the_lock_covers_pyproject(requirement):
    """Each requirement of each extra is locked at a version that it allows."""
    pin = LOCKED[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(Version(pin.version))


def test_what_is_installed_is_what_is_locked():
    """Nothing else, and no other version."""
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in metadata.distributions()}
    assert {} == {
        name: version
        for name, version in installed.items()
        if name not in UNLOCKED and version not in {one.version for one in PINS if one.name == name and one.is_for_here}
    }


def test_the_lock_is_closed():
    """Whatever an installed distribution needs is locked too."""
    extras = tuple(PROJECT["optional-dependencies"])
    assert set() == set(closure(PRODUCT, extras)) - set(LOCKED) - {PRODUCT}


def words_of(expression: str) -> set[str]:
    return set(expression.replace("(", " ").replace(")", " ").split()) - JOINERS


def is_allowed(name: str, said: set[str]) -> bool:
    """Whether every licence that a distribution names is one that we may use."""
    if WEAK_COPYLEFT.get(name) in said:
        return len(said) == 1
    return bool(said) and all(one in PERMISSIVE or words_of(one) <= PERMISSIVE for one in said)


def test_no_run_time_dependency_asks_for_our_source():
    """Permissive licences only, and the lesser one for the PostgreSQL driver; an unknown licence is not allowed."""
    found = {name: licences(name) for name in closure(PRODUCT, RUN_TIME_EXTRAS) if name != PRODUCT}
    assert len(found) >= 50
    assert {} == {name: said for name, said in found.items() if not is_allowed(name, said)}


@pytest.mark.parametrize(
    "said",
    [
        {"GPL-3.0-or-later"},
        {"AGPL-3.0-only"},
        {"GNU Affero General Public License v3"},
        {"LGPL-3.0-only"},
        {"MIT AND GPL-2.0-only"},
        set(),
    ],
)
def test_a_licence_that_asks_for_our_source_is_seen(said):
    """Copyleft and unknown licences are refused by the rule that the previous test uses."""
    assert not is_allowed("thing", said)


def test_the_bill_of_materials_is_a_valid_one():
    """It follows the schema of CycloneDX 1.6, names every pin, and the same lock gives the same bytes."""
    folder = Path(cyclonedx.__file__).parent / "schema" / "_res"
    parts = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.SNAPSHOT.schema.json")}
    schema = parts["bom-1.6.SNAPSHOT.schema.json"]
    resources = [(f"http://cyclonedx.org/schema/{name}", part) for name, part in parts.items()]
    validator = jsonschema_rs.Draft7Validator(schema, registry=jsonschema_rs.Registry(resources))
    document = bill_of_materials(TEXT)
    assert [] == [error.message for error in validator.iter_errors(document)]
    assert not validator.is_valid({**document, "components": [{"name": "no type"}]})
    assert [(one.name, one.version) for one in PINS] == [(c["name"], c["version"]) for c in document["components"]]
    assert json.dumps(bill_of_materials(TEXT)) == json.dumps(document)


def test_the_bill_says_what_runs_and_what_only_develops():
    """A driver is required, a fuzzer is not; edges lead to components that are there."""
    document = bill_of_materials(TEXT)
    scopes = {one["name"]: one["scope"] for one in document["components"]}
    assert ("required", "required", "excluded", "excluded") == tuple(
        scopes[name] for name in ("psycopg", "cryptography", "atheris", "pytest")
    )
    known = {one["bom-ref"] for one in document["components"]} | {PRODUCT}
    assert {target for one in document["dependencies"] for target in (one["ref"], *one["dependsOn"])} == known


def pin(name: str = "thing", version: str = "1.2") -> Pinned:
    return Pinned(name=name, version=version, marker="", hashes=("0" * 64,))


def test_an_index_that_knows_nothing_is_not_a_clean_bill():
    """Skipped packages, and packages without an answer, stop the audit."""
    skipped = {"dependencies": [{"name": "thing", "skip_reason": "not found"}]}
    silent: dict[str, Any] = {"dependencies": []}
    for answer in (skipped, silent):
        with pytest.raises(Unaudited, match=r"1 of 1 packages were not audited: thing"):
            judge_answer([pin()], answer)


def test_what_the_index_knows_is_said():
    """A vulnerability is named with its package and version; none is an empty list."""
    about = {"name": "Thing", "version": "1.2"}
    assert [] == judge_answer([pin()], {"dependencies": [{**about, "vulns": []}]})
    assert ["thing 1.2: PYSEC-1"] == judge_answer([pin()], {"dependencies": [{**about, "vulns": [{"id": "PYSEC-1"}]}]})


ADVISORY = """id: PYSEC-2026-1
modified: "2026-11-20T00:00:00Z"
affected:
- package: {name: Thing, ecosystem: PyPI}
  ranges:
  - type: ECOSYSTEM
    events: [{introduced: "1.0"}, {fixed: "1.3"}]
  versions: ["1.0"]
"""


def advisories(folder: Path, text: str) -> Path:
    (folder / "vulns" / "thing").mkdir(parents=True)
    (folder / "vulns" / "thing" / "PYSEC-2026-1.yaml").write_text(text, "utf-8")
    return folder


def test_a_copy_of_the_advisories_is_read(tmp_path):
    """A version in a range is found, one outside is not, and a stale or empty copy stops the audit."""
    today = datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(Unaudited, match="no advisory"):
        ask_folder([pin()], tmp_path, today)
    folder = advisories(tmp_path, ADVISORY)
    assert ["thing 1.2: PYSEC-2026-1"] == ask_folder([pin()], folder, today)
    assert [] == ask_folder([pin(version="1.3")], folder, today)
    with pytest.raises(Unaudited, match="2026-11-20"):
        ask_folder([pin(version="1.3")], folder, today.replace(year=2027))


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.9", False), ("1.0", True), ("1.2.9", True), ("1.3", False), ("2.0", True), ("2.1", True), ("2.2", False)],
)
def test_ranges_begin_inside_and_end_outside(version, expected):
    """`introduced` and `last_affected` are affected, `fixed` is not."""
    events = [{"introduced": "1.0"}, {"fixed": "1.3"}, {"introduced": "2.0"}, {"last_affected": "2.1"}]
    assert expected == is_affected(version, {"ranges": [{"type": "ECOSYSTEM", "events": events}]})


def test_the_audit_that_cannot_ask_fails(tmp_path, capsys):
    """The command ends with 2 and says so on standard error."""
    assert 2 == supply_chain.main(["audit", str(tmp_path)])
    assert capsys.readouterr().err.startswith("NOT AUDITED: ")


def test_the_makefile_runs_both():
    """`make audit` and `make sbom` are these commands."""
    text = (ROOT / "Makefile").read_text("utf-8")
    assert "-m tests.supply_chain audit" in text
    assert "-m tests.supply_chain sbom" in text


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="the lock is asked for the platform of the service")
def test_no_known_vulnerability():
    """Zero known in the whole lock; without an answer of the index this fails, and `make audit` says why."""
    assert 0 == supply_chain.main(["audit"])
