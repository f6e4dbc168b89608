"""A third party and administrations in one process, on a chosen day: what the démarches of the catalogue are run on.

The service is the real one: its interface over HTTP on the loopback, its database, its worker in a thread; every administration
is a home folder of its own, driven by the real command, one call after the other. Only the day is not that of the machine:
everybody is handed a moved clock, so that a file's freshness and a season (`absence_fiable_a_partir_de`) mean what they would on
that day.
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

from crypto.keys import PublicIdentity
from service.administration.app import dated, real_time
from service.administration.keyring import Keyring
from service.cli import main
from service.third_party.app import create_app, enrol, third_party_identity
from service.third_party.database import sqlite_url
from service.third_party.listening import BoundedServer, listening
from service.third_party.site import open_site
from service.third_party.storage import StorageOptions
from service.third_party.worker import Worker

__all__ = ["CommandRefused", "Office", "Premises", "premises", "third_party"]

_ROUNDS = 6  # in which every party does what it can
_WAIT = "E_PATIENTER"


class CommandRefused(RuntimeError):
    """A command ended in error; the message holds what it printed."""

    @property
    def code(self) -> str:
        """The last code that was printed."""
        found = re.findall(r"E_[A-Z_]+", str(self))
        return found[-1] if found else "?"


@dataclass
class Office:
    """An administration: its name, its home folder, the command."""

    party: str
    home: Path

    def run(self, *words: object, allowed: Sequence[int] = (0,)) -> str:
        """`allervers …` to its end; what it printed, where its exit code is one of those allowed.

        Raises:
            CommandRefused: with what it printed.
        """
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            code = main([*map(str, words), "--home", str(self.home)])
        if code not in allowed:
            raise CommandRefused(f"allervers {' '.join(map(str, words))}\n{told.getvalue()}")
        return told.getvalue()

    def try_run(self, *words: object) -> bool:
        """The same for a command that may have to wait for the others: whether it is done."""
        try:
            self.run(*words)
        except CommandRefused as refused:
            if refused.code != _WAIT:
                raise
            return False
        return True

    @property
    def public(self) -> PublicIdentity:
        """Its public half."""
        return Keyring(self.home).identity().public


@dataclass
class Premises:
    """Where the third party answers, and who has come.

    Attributes:
        folder: of everything.
        url: of the third party.
        identity: its public half.
        offices: by party.
    """

    folder: Path
    url: str
    identity: PublicIdentity
    offices: dict[str, Office] = field(default_factory=dict)
    _known: set[frozenset[str]] = field(default_factory=set)

    def office(self, party: str) -> Office:
        """An administration, with keys, enrolled, the third party pinned; made when first asked for."""
        if party not in self.offices:
            one = Office(party=party, home=self.folder / "homes" / party)
            one.run("init", "--party", party, "--name", party.upper())
            data = self.folder / "data"
            own = StorageOptions(database=sqlite_url(data / "database.sqlite"))  # whatever the environment says
            enrol(data, Keyring(one.home).public_path(party), one.public.fingerprint, own)
            one.run("server", self.url, "--fingerprint", self.identity.fingerprint)
            self.offices[party] = one
        return self.offices[party]

    def introduce(self, parties: Sequence[str]) -> None:
        """Each pins the keys of the others."""
        for one in parties:
            for other in parties:
                if one < other and frozenset((one, other)) not in self._known:
                    self._known.add(frozenset((one, other)))
                    for here, there in ((one, other), (other, one)):
                        file = Keyring(self.office(there).home).public_path(there)
                        self.office(here).run("pin", file, "--fingerprint", self.office(there).public.fingerprint)

    def together(self, parties: Sequence[str], *words: object) -> None:
        """The same command by everybody, again and again until all are done.

        Raises:
            CommandRefused: when some are not done after several rounds.
        """
        left = list(parties)
        for _ in range(_ROUNDS):
            left = [one for one in left if not self.office(one).try_run(*words)]
            if not left:
                return
        raise CommandRefused(f"{words[0]} {words[1]}: {', '.join(left)} still wait ({_WAIT})")


@contextlib.contextmanager
def premises(folder: Path, day: date) -> Iterator[Premises]:
    """A third party that answers on that day, until the end of the block; commands of this thread go by that day too."""
    shift = datetime.combine(day, time(9), UTC) - real_time()

    def now() -> datetime:
        return real_time() + shift

    with third_party(folder / "data", now) as (url, identity), dated(now):
        yield Premises(folder=folder, url=url, identity=identity)


@contextlib.contextmanager
def third_party(data: Path, now: Callable[[], datetime]) -> Iterator[tuple[str, PublicIdentity]]:
    """A third party in threads of this process, until the end of the block: where it answers, and who it is.

    Args:
        data: its folder.
        now: its clock.
    """
    stop = threading.Event()
    identity = third_party_identity(data, "Tiers de confiance")
    listener = socket.create_server(("127.0.0.1", 0))
    server = BoundedServer(listening(create_app(data, now, emit=lambda _: None)))
    worker = Worker(site=open_site(data, now), stop=stop, emit=lambda _: None)
    threads = [threading.Thread(target=server.run, args=([listener],)), threading.Thread(target=worker.run)]
    for thread in threads:
        thread.start()
    try:
        while not server.started:
            stop.wait(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", identity
    finally:
        server.should_exit = True
        stop.set()
        for thread in threads:
            thread.join()
