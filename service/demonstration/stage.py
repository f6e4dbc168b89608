"""The processes of the demonstration: a third party, administrations, each with its own folder, and the command between them."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from service.administration.app import at_desk

__all__ = ["Administration", "Assess", "CommandFailed", "Stage", "real_assessment", "selected"]

COMMAND = [sys.executable, "-m", "service.cli"]
SAMPLE_MINUTES = ("0.1", "0.5")  # of attacks on a party's file
_READY_SECONDS = 60
_STOP_SECONDS = 20


# What the selections of the shipped démarche ask of either file: everybody is in them.
_SELECTED = {"rsa_en_paiement": "oui", "option_contraire": "non", "droit_ouvert": "oui", "demande_en_cours": "non"}


def selected(columns: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The columns of a file with those that the selections of `c2s-rsa` read, which keep everybody."""
    rows = len(next(iter(columns.values())))
    return {**columns, **{name: [value] * rows for name, value in _SELECTED.items()}}


class CommandFailed(RuntimeError):
    """A command of the demonstration ended in error; the message holds what it printed."""


class Administration:
    """One administration: its home folder and its calls of the command."""

    def __init__(self, party: str, name: str, home: Path) -> None:
        self.party = party
        self.home = home
        self.lines: list[str] = []  # what its last run printed
        self.assessed: list[str] = []  # its last risk report
        self.command("init", "--party", party, "--name", name)

    @property
    def public_file(self) -> Path:
        """The public identity to hand to partners."""
        return self.home / f"{self.party}.identity.json"

    @property
    def fingerprint(self) -> str:
        """Its fingerprint, as its agent would read it on the telephone."""
        return _fingerprint(self.command("identity"))

    def command(self, *words: str) -> str:
        """Runs `allervers …` to its end and returns what it printed.

        Raises:
            CommandFailed: with the printed refusal.
        """
        done = self.start(*words)
        out, err = done.communicate()
        if done.returncode:
            raise CommandFailed(f"allervers {' '.join(words)}\n{out}{err}")
        return out

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts `allervers …` in the background."""
        return subprocess.Popen(
            [*COMMAND, *words],
            env=at_desk(self.home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )


Assess = Callable[[Administration, str, Path], None]  # what gives a party its risk report for an agreement


def real_assessment(one: Administration, agreement: str, path: Path) -> None:
    """The attacks, on a small sample and then on a larger one where that is too small to tell: `allervers risk`.

    Raises:
        CommandFailed: the verdict is unfavourable all the same.
    """
    words = ("risk", str(path), "--agreement", agreement, "--minutes")
    try:
        one.assessed = one.command(*words, SAMPLE_MINUTES[0]).splitlines()
    except CommandFailed:
        one.assessed = one.command(*words, SAMPLE_MINUTES[1]).splitlines()


class Stage:
    """Everything that runs; leaving it stops every process that it started, by its own process id."""

    def __init__(self, folder: Path, *options: str, assess: Assess | None = None) -> None:
        self.folder = folder
        self._assess = assess or real_assessment
        self._options = options  # of `allervers serve`, beyond its data and its port
        self.third_party_data = folder / "third-party"
        self._log = folder / "third-party.log"
        self._server: subprocess.Popen[str] | None = None
        self._running: list[subprocess.Popen[str]] = []
        self.rows_sent: list[int] = []
        self.url = ""
        self._fingerprint = ""

    def __enter__(self) -> Self:
        self._log_file = self._log.open("w", encoding="utf-8")
        words = [*COMMAND, "serve", "--data", str(self.third_party_data), "--port", "0", *self._options]
        self._server = subprocess.Popen(
            words,
            env=at_desk(self.folder),
            stdout=subprocess.PIPE,
            stderr=self._log_file,
            text=True,
            encoding="utf-8",
            bufsize=1,
        )
        try:
            self.url, self._fingerprint = self._await_ready(self._server)
        except BaseException:  # also an interrupt: nobody else would stop it
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in [*self._running, self._server]:
            if process is not None and process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_STOP_SECONDS)
                if process.poll() is None:
                    process.kill()
                    process.wait()
            for stream in (process.stdout, process.stderr) if process is not None else ():
                if stream is not None:
                    stream.close()
        self._log_file.close()

    def administration(self, party: str, name: str) -> Administration:
        """A new administration, enrolled by the third party and with the third party's key pinned."""
        one = Administration(party, name, self.folder / party)
        words = ("enrol", str(one.public_file), "--fingerprint", one.fingerprint, "--data", str(self.third_party_data))
        one.command(*words)  # in reality the operator's own command, on the third party's machine
        one.command("server", self.url, "--fingerprint", self._fingerprint)
        return one

    @staticmethod
    def introduce(one: Administration, other: Administration) -> None:
        """Each pins the other's key, fingerprint in hand."""
        one.command("pin", str(other.public_file), "--fingerprint", other.fingerprint)
        other.command("pin", str(one.public_file), "--fingerprint", one.fingerprint)

    def agree(self, demarche: str, sides: tuple[tuple[str, Administration, Path], ...]) -> str:
        """An agreement proposed by the first party and signed by the others, a risk report for each; returns its identifier."""
        words = [word for operand, one, _ in sides for word in ("--party", f"{operand}={one.party}")]
        words += [word for _, one, path in sides for word in ("--size", f"{one.party}={_rows(path)}")]
        references = ("--authorisation", "demonstration", "--dpia", "demonstration")
        agreement = sides[0][1].command("agreement", "propose", demarche, *words, *references).strip()
        own = ("--demarche", demarche) if demarche.endswith(".toml") else ()
        for _, one, _ in sides[1:]:
            one.command("agreement", "sign", agreement, *own)
        with ThreadPoolExecutor(len(sides)) as threads:
            for done in [threads.submit(self._assess, one, agreement, path) for _, one, path in sides]:
                done.result()
        return agreement

    def run_both(self, agreement: str, sides: tuple[tuple[str, Administration, Path], ...], out: Path) -> str:
        """`run all` by every party at once; returns the run. The first party receives the hits.

        Raises:
            CommandFailed: with what the first party to fail printed.
        """
        run = sides[0][1].command("run", "open", agreement).strip().splitlines()[-1]
        started = []
        for place, (_, one, path) in enumerate(sides):
            own = ("--out", str(out)) if place == 0 else ()
            process = one.start("run", "all", agreement, str(path), "--run", run, *own)
            self._running.append(process)
            started.append((one, process))
        readers = [threading.Thread(target=_collect, args=pair, daemon=True) for pair in started]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        failed = [(one, process) for one, process in started if process.returncode]
        if failed:
            raise CommandFailed(f"{failed[0][0].party}: " + "\n".join(failed[0][0].lines))
        self._running.clear()
        return run

    def peaks(self) -> dict[str, int]:
        """Peak memory of the third party's processes in MiB, where the system tells (`/proc`)."""
        sizes = {}
        for name, number in (
            ("processus web", self.server_process()),
            *(("travail", one) for one in self.worker_processes()),
        ):
            with contextlib.suppress(OSError):
                if found := re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{number}/status").read_text()):
                    sizes[name] = int(found[1]) // 1024
        return sizes

    def worker_processes(self) -> list[int]:
        """Process ids of the third party's workers (children of its server)."""
        server, found = self.server_process(), []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # a process may end while we look
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == server:
                    found.append(int(entry.name))
        return found

    @property
    def fingerprint(self) -> str:
        """The third party's, as its operator would read it on the telephone."""
        return self._fingerprint

    def server_process(self) -> int:
        """Process id of the third party's web process."""
        if self._server is None:
            raise CommandFailed("the third party is not there")
        return self._server.pid

    def third_party_log(self) -> bytes:
        """All that the third party's processes wrote so far."""
        return self._log.read_bytes()

    def requests(self) -> int:
        """Requests answered, by its own log."""
        return self._log.read_text("utf-8").count('"route"')

    @staticmethod
    def _await_ready(server: subprocess.Popen[str]) -> tuple[str, str]:
        """The address and the fingerprint that the third party shows on its console."""
        guard = threading.Timer(_READY_SECONDS, server.kill)
        guard.start()
        fingerprint = ""
        try:
            for line in server.stdout or ():
                if found := re.search(r"\d{5}(?: \d{5}){11}", line):
                    fingerprint = found[0]
                if line.startswith("PRÊT "):
                    return line.split()[1], fingerprint
        finally:
            guard.cancel()
        raise CommandFailed("the third party did not start")


def _fingerprint(text: str) -> str:
    found = re.search(r"\d{5}(?: \d{5}){11}", text)
    if found is None:
        raise CommandFailed("no fingerprint was shown")
    return found[0]


def _collect(one: Administration, process: subprocess.Popen[str]) -> None:
    out, err = process.communicate()
    one.lines = (out + (err if process.returncode else "")).splitlines()


def _rows(path: Path) -> int:
    """People in a file, as an agent would count them: lines less the header."""
    return path.read_bytes().count(b"\n") - 1
