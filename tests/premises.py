"""A real third party on the loopback, its worker beside it, and administrations that use the command: for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from crypto.keys import PublicIdentity
from service.administration.app import real_time
from service.administration.keyring import Keyring
from service.cli import main
from service.demonstration.premises import third_party
from service.third_party.app import enrol
from tests.partners import people_csv
from tests.risk_reports import keep_reports


@dataclass
class Premises:
    """Where the third party answers; every administration gets its own home folder."""

    folder: Path
    url: str
    identity: PublicIdentity
    count: int = field(default=0)

    def office(self, party: str) -> Office:
        """A new administration, enrolled, with the third party pinned; `party` is completed to be unique."""
        self.count += 1
        name = f"{party}-{self.count}"
        office = Office(party=name, home=self.folder / name)
        assert office.run("init", "--party", name, "--name", party.upper()) == 0
        enrol(self.folder / "data", office.file, office.public.fingerprint)
        assert office.run("server", self.url, "--fingerprint", self.identity.fingerprint) == 0
        return office

    def pair(self) -> tuple[Office, Office]:
        """A recipient and a source that pinned each other."""
        ours, theirs = self.office("cnaf"), self.office("cnam")
        for one, other in ((ours, theirs), (theirs, ours)):
            assert one.run("pin", other.file, "--fingerprint", other.public.fingerprint) == 0
        return ours, theirs


@dataclass(frozen=True)
class Office:
    """An administration that runs commands in this process."""

    party: str
    home: Path

    def run(self, *words: object) -> int:
        return main([*map(str, words), "--home", str(self.home)])

    @property
    def file(self) -> Path:
        return Keyring(self.home).public_path(self.party)

    @property
    def public(self) -> PublicIdentity:
        return Keyring(self.home).identity().public

    @property
    def agreements(self) -> list[str]:
        return sorted(path.stem for path in (self.home / "agreements").glob("*.json"))

    @property
    def runs(self) -> list[str]:
        return sorted(path.name for path in (self.home / "runs").iterdir())


def agree(ours: Office, theirs: Office, *more: object) -> str:
    """An agreement that both have signed."""
    before = set(ours.agreements)
    assert (
        ours.run(
            "agreement", "propose", "c2s-rsa",
            "--party", f"rsa={ours.party}", "--party", f"c2s={theirs.party}",
            "--size", f"{ours.party}=125", "--size", f"{theirs.party}=155",
            "--authorisation", "D-1", "--dpia", "A-1", *more,
        )
        == 0
    )  # fmt: skip
    identifier = (set(ours.agreements) - before).pop()
    assert theirs.run("agreement", "sign", identifier) == 0
    for one in (ours, theirs):
        keep_reports(one.home)
    return identifier


def joined(ours: Office, theirs: Office, agreement: str) -> str:
    """A run that both have joined."""
    before = set(ours.runs)
    assert ours.run("run", "open", agreement) == 0
    run = (set(ours.runs) - before).pop()
    assert theirs.run("run", "approve", run) == 0
    # The first to come waits for the other: here each does what it can and comes back.
    codes = [one.run("run", "join", run, "--timeout", 0) for one in (ours, theirs, ours, theirs)]
    assert codes == [1, 1, 0, 0]
    return run


def files(folder: Path) -> tuple[Path, Path]:
    """120 people who receive the RSA, 150 who have the C2S, 80 of them in both."""
    return people_csv(folder / "rsa.csv", 120), people_csv(folder / "c2s.csv", 150, first=40)


@contextmanager
def premises(folder: Path) -> Iterator[Premises]:
    """A third party for the length of a test module."""
    with third_party(folder / "data", real_time) as (url, identity):
        yield Premises(folder=folder, url=url, identity=identity)
