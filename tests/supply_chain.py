"""What the project is made of: the lock read, licences, a bill of materials, and the audit of known vulnerabilities.

    python -m tests.supply_chain sbom FILE              CycloneDX 1.6, from the lock and the installed metadata
    python -m tests.supply_chain audit [ADVISORIES]     exit 0: nothing known; 1: something known; 2: could not be audited

The audit asks the package index (through pip-audit) about every line of the lock. An index that does not answer, or that
does not know a package, is a failure: silence is not a clean bill. Without a network, ADVISORIES is a folder made from
https://github.com/pypa/advisory-database; one whose newest entry is older than `STALEST` is a failure too.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
PRODUCT = "allervers"
RUN_TIME_EXTRAS = ("server", "cluster")
STALEST = timedelta(days=30)

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?")
_HASH = re.compile(r"\s+--hash=sha256:([0-9a-f]{64})\s*\\?")


class Unaudited(Exception):
    """The audit cannot say anything."""


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """One entry of the lock."""

    name: str  # canonical
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def is_for_here(self) -> bool:
        """Whether it is the version for this machine: a name may have one for each range of interpreters."""
        return not self.marker or Marker(self.marker).evaluate()


def read_lock(text: str) -> tuple[list[Pinned], list[str]]:
    """The entries of a lock, and the lines that are neither a pin nor a hash of one."""
    pins: list[Pinned] = []
    strange: list[str] = []
    for line in text.splitlines():
        if pin := _PIN.fullmatch(line):
            name, version, marker = pin.groups()
            pins.append(Pinned(name=canonicalize_name(name), version=version, marker=marker or "", hashes=()))
        elif (hashed := _HASH.fullmatch(line)) and pins:
            last = pins[-1]
            pins[-1] = replace(last, hashes=(*last.hashes, hashed[1]))
        elif line.strip():
            strange.append(line)
    return pins, strange


def closure(name: str, extras: Iterable[str] = ()) -> dict[str, set[str]]:
    """Installed distributions that one needs on this machine, each with the names that it needs itself."""
    found: dict[str, set[str]] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(canonicalize_name(name), frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        needs = found.setdefault(one[0], set())
        for requirement in map(Requirement, metadata.distribution(one[0]).requires or []):
            if _applies(requirement, one[1]):
                needs.add(canonicalize_name(requirement.name))
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return found


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    environment: dict[str, Any] = {**default_environment(), "extra": ""}
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


def licences(name: str) -> set[str]:
    """What the installed metadata says of a licence, in its own words: the SPDX expression, else every other mention."""
    about: Any = metadata.metadata(name)
    if expression := about.get("License-Expression"):
        return {expression}
    said = {one.rpartition(" :: ")[2] for one in about.get_all("Classifier") or [] if one.startswith("License ::")}
    written = (about.get("License") or "").strip()
    if written and "\n" not in written and len(written) < 60:
        said.add(written)
    return said


def bill_of_materials(lock: str) -> dict[str, Any]:
    """A CycloneDX document of everything that the lock names; the same lock gives the same document."""
    pins, _ = read_lock(lock)
    run_time = closure(PRODUCT, RUN_TIME_EXTRAS)
    needs = {_reference(one): closure_of_one(one.name) if one.is_for_here else set() for one in pins}
    serial = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(lock.encode()).hexdigest())
    product = {"type": "application", "bom-ref": PRODUCT, "name": PRODUCT, "version": metadata.version(PRODUCT)}
    known = {one.name: _reference(one) for one in pins if one.is_for_here}
    edges = {ref: sorted(known[need] for need in after if need in known) for ref, after in needs.items()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": product},
        "components": [_component(one, required=one.name in run_time and one.is_for_here) for one in pins],
        "dependencies": [
            {"ref": PRODUCT, "dependsOn": sorted(known[name] for name in run_time[PRODUCT] if name in known)},
            *({"ref": one, "dependsOn": after} for one, after in sorted(edges.items())),
        ],
    }


def closure_of_one(name: str) -> set[str]:
    """The names that one installed distribution asks for itself; none when it is for another platform."""
    try:
        asked = metadata.distribution(name).requires or []
    except metadata.PackageNotFoundError:
        return set()
    return {canonicalize_name(one.name) for one in map(Requirement, asked) if _applies(one, ())}


def _reference(pin: Pinned) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def _component(pin: Pinned, *, required: bool) -> dict[str, Any]:
    reference = _reference(pin)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": pin.name,
        "version": pin.version,
        "purl": reference,
        "scope": "required" if required else "excluded",  # excluded: for development only
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{pin.name}/{pin.version}/",
                "hashes": [{"alg": "SHA-256", "content": one} for one in pin.hashes],
            }
        ],
    }
    try:
        named = sorted(licences(pin.name))
    except metadata.PackageNotFoundError:  # locked for another platform
        named = []
    if named:
        component["licenses"] = [{"license": {"name": one}} for one in named]
    return component


def judge_answer(pins: Sequence[Pinned], answer: Mapping[str, Any]) -> list[str]:
    """The known vulnerabilities in an answer of pip-audit, once it is sure that every pin was asked about and known.

    Raises:
        Unaudited: a pin is missing from the answer, or was skipped.
    """
    entries = {canonicalize_name(one["name"]): one for one in answer["dependencies"]}
    skipped = sorted(name for name, one in entries.items() if "skip_reason" in one)
    missing = sorted({one.name for one in pins} - set(entries))
    if skipped or missing:
        silent = [*skipped, *missing]
        raise Unaudited(f"{len(silent)} of {len(pins)} packages were not audited: {', '.join(silent[:5])}…")
    return sorted(f"{name} {one['version']}: {fault['id']}" for name, one in entries.items() for fault in one["vulns"])


def ask_index(pins: Sequence[Pinned]) -> list[str]:
    """Known vulnerabilities of the lock, from the package index.

    Raises:
        Unaudited: the index does not answer, or does not know a package.
    """
    options = ["--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--timeout", "15", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Unaudited(f"pip-audit said nothing ({done.returncode}): {last[:300]}") from None
    return judge_answer([one for one in pins if one.is_for_here], answer)


def read_advisories(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The advisories of a copy of the PyPA database, by canonical name of the package.

    Raises:
        Unaudited: there are none.
    """
    yaml: Any = importlib.import_module("yaml")  # of the development dependencies, for this only
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("vulns/*/*.yaml")):
        advisory = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        for affected in advisory.get("affected", []):
            if not advisory.get("withdrawn"):
                name = canonicalize_name(affected["package"]["name"])
                found.setdefault(name, []).append({"id": advisory["id"], "modified": advisory["modified"], **affected})
    if not found:
        raise Unaudited(f"no advisory in {folder}")
    return found


def is_affected(version: str, advisory: Mapping[str, Any]) -> bool:
    """Whether a version is one that an advisory names, or lies in one of its ranges of versions."""
    if version in list(advisory.get("versions", [])):
        return True
    return any(_in_range(Version(version), one["events"]) for one in advisory.get("ranges", []) if _ordered(one))


def _ordered(span: Mapping[str, Any]) -> bool:
    return bool(span["type"] == "ECOSYSTEM")


def _in_range(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    inside = False
    for event in events:
        try:
            if "introduced" in event and version >= Version(event["introduced"]):
                inside = True
            if "fixed" in event and version >= Version(event["fixed"]):
                inside = False
            if "last_affected" in event and version > Version(event["last_affected"]):
                inside = False
        except InvalidVersion:
            return True  # not understood: let a person look
    return inside


def ask_folder(pins: Sequence[Pinned], folder: Path, today: datetime) -> list[str]:
    """Known vulnerabilities of the lock, from a copy of the PyPA database.

    Raises:
        Unaudited: no advisory there, or none that is recent.
    """
    advisories = read_advisories(folder)
    newest = max(str(one["modified"]) for several in advisories.values() for one in several)
    found = sorted(
        f"{pin.name} {pin.version}: {one['id']}"
        for pin in pins
        for one in advisories.get(pin.name, [])
        if is_affected(pin.version, one)
    )
    if not found and today - datetime.fromisoformat(newest) > STALEST:
        raise Unaudited(f"nothing found, but the newest advisory is of {newest[:10]}: take a fresh copy")
    return found


def audit(folder: Path | None) -> int:
    """Says what is known; the exit status is in the head of this file."""
    pins, _ = read_lock(LOCK.read_text("utf-8"))
    try:
        found = ask_index(pins) if folder is None else ask_folder(pins, folder, datetime.now(UTC))
    except Unaudited as why:
        print(f"NOT AUDITED: {why}", file=sys.stderr)
        return 2
    print("\n".join(found) or f"no known vulnerability in {len(pins)} packages")
    return 1 if found else 0


def main(words: Sequence[str] | None = None) -> int:
    """The two commands."""
    parser = argparse.ArgumentParser(prog="python -m tests.supply_chain")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sbom").add_argument("file", type=Path)
    commands.add_parser("audit").add_argument("advisories", type=Path, nargs="?")
    chosen = parser.parse_args(words)
    if chosen.command == "audit":
        return audit(chosen.advisories)
    document = bill_of_materials(LOCK.read_text("utf-8"))
    chosen.file.parent.mkdir(parents=True, exist_ok=True)
    chosen.file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
