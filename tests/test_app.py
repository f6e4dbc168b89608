"""The third party as its operator runs it: set up, enrol, serve, work, stop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from crypto.errors import CryptoError
from crypto.keys import Identity, PublicIdentity
from service.answers import IdentityView
from service.errors import ServiceError
from service.third_party.app import create_app, enrol, main, third_party_identity, work
from service.third_party.site import open_site
from service.third_party.store import find_party
from tests.simulator import HandClock

ROOT = Path(__file__).parent.parent
CAF = Identity.generate("caf", "Caisse d'allocations familiales").public
SERVE = "import sys; from pathlib import Path; from service.third_party.app import serve; sys.exit(serve(Path(sys.argv[1]), ('127.0.0.1', 0), with_worker=sys.argv[2] == '1', announce=lambda text: print(text, flush=True)))"  # noqa: E501


@pytest.fixture
def data(tmp_path):
    """A data directory with an identity."""
    third_party_identity(tmp_path / "data", "Tiers")
    return tmp_path / "data"


def enrolled(data: Path, party: str) -> PublicIdentity | None:
    site = open_site(data, HandClock())
    with site.database.read() as connection:
        found = find_party(connection, party)
    site.database.close()
    return found


def refusal(data: Path, file: Path, fingerprint: str) -> str:
    """The code with which an enrolment is refused."""
    try:
        enrol(data, file, fingerprint)
    except (ServiceError, CryptoError) as error:
        return error.code
    return ""


def test_the_identity_is_created_at_first_use(data):
    """And is the same ever after; the directory is for its owner only."""
    assert third_party_identity(data, "Tiers") == third_party_identity(data, "Tiers")
    assert 0o700 == stat.S_IMODE(data.stat().st_mode)


def test_a_party_is_enrolled_with_its_fingerprint_only(data, tmp_path):
    """A file alone is not enough; enrolling again changes nothing; another key under the name is refused."""
    file = tmp_path / "caf.identity.json"
    file.write_bytes(CAF.to_bytes() + b"\n")
    assert "E_CLE" == refusal(data, file, "0" * 60)
    assert None is enrolled(data, "caf")
    for _ in range(2):
        enrol(data, file, CAF.fingerprint.replace(" ", ""))
    assert CAF == enrolled(data, "caf")
    other = Identity.generate("caf", "Autre").public
    file.write_bytes(other.to_bytes())
    assert "E_DEJA_INSCRITE" == refusal(data, file, other.fingerprint)
    assert CAF == enrolled(data, "caf")


def test_nobody_is_enrolled_under_the_name_of_the_third_party(data, tmp_path):
    """Statements of the third party could else be a party's."""
    false = Identity.generate("tiers-de-confiance", "Faux").public
    file = tmp_path / "x.json"
    file.write_bytes(false.to_bytes())
    assert "E_DEJA_INSCRITE" == refusal(data, file, false.fingerprint)
    file.write_bytes(b"{}")
    assert "E_FORMAT" == refusal(data, file, false.fingerprint)


def test_files_of_the_service_are_for_their_owner_only(data):
    """The database too."""
    site = open_site(data, HandClock())
    site.database.close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*") if path.is_file()}
    assert dict.fromkeys(("identity.json", "log_key", "key_changes", "database.sqlite"), 0o600) == modes


def test_nothing_is_served_without_an_identity(tmp_path):
    """With a code, for the operator."""
    for start in (lambda: create_app(tmp_path, HandClock()), lambda: work(tmp_path, once=True)):
        with pytest.raises(ServiceError) as caught:
            start()
        assert "E_DONNEES_ABSENTES" == caught.value.code


def test_the_worker_s_command_reports_what_it_cannot_do(tmp_path, capsys):
    """A line of the journal and a status."""
    assert 1 == main(["work", "--data", str(tmp_path), "--once"])
    assert "E_DONNEES_ABSENTES" == json.loads(capsys.readouterr().err)["code"]


def test_the_worker_s_command_works_once(data):
    """With nothing to do, it returns."""
    assert 0 == main(["work", "--data", str(data), "--once"])


@contextlib.contextmanager
def served(data: Path, *, worker: bool) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real service on a free port: its process and its address."""
    command = [sys.executable, "-c", SERVE, str(data), "1" if worker else "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("PRÊT http://127.0.0.1:"), line
        yield process, line.removeprefix("PRÊT ").strip()
    finally:
        process.kill()
        process.communicate()


def children(pid: int) -> list[int]:
    """Processes started by any thread of a process."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(one) for file in files for one in file.read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    for _ in range(300):
        if not alive(pid):
            return
        time.sleep(0.1)
    pytest.fail("the process is still there")


@pytest.mark.flow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_starts_answers_and_stops_cleanly(data, number):
    """The announced port answers; a signal stops server and worker, with status 0 and a journal that is clean."""
    public = third_party_identity(data, "Tiers")
    with served(data, worker=True) as (process, address):
        view = IdentityView.from_json(httpx2.get(f"{address}/v1/identity").json()["data"])
        assert public == PublicIdentity.from_bytes(view.identity)
        (worker,) = children(process.pid)
        process.send_signal(number)
        assert 0 == process.wait(30)
        wait_until_gone(worker)
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stderr.read().splitlines()]
        assert ["/v1/identity"] == [line["route"] for line in lines]


@pytest.mark.flow
def test_the_worker_ends_with_its_server_however_it_ends(data):
    """Killed without a word, the server takes its worker with it."""
    with served(data, worker=True) as (process, _):
        (worker,) = children(process.pid)
        process.kill()
        process.wait()
        wait_until_gone(worker)


@pytest.mark.flow
def test_a_worker_that_dies_is_started_again(data):
    """Another process, watched over as well."""
    with served(data, worker=True) as (process, _):
        (worker,) = children(process.pid)
        os.kill(worker, signal.SIGKILL)
        wait_until_gone(worker)
        for _ in range(100):
            if others := [one for one in children(process.pid) if one != worker and alive(one)]:
                break
            time.sleep(0.1)
        assert 1 == len(others)
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(30)
        wait_until_gone(others[0])


@pytest.mark.flow
def test_a_server_may_run_without_a_worker(data):
    """Its operator then starts one elsewhere."""
    with served(data, worker=False) as (process, address):
        assert [] == children(process.pid)
        assert 200 == httpx2.get(f"{address}/v1/identity").status_code


@pytest.mark.flow
def test_more_web_processes_share_the_socket_and_end_with_the_first(tmp_path):
    """They answer too, and none is left when the first is killed."""
    third_party_identity(tmp_path / "data", "Tiers")
    words = ["serve", "--data", str(tmp_path / "data"), "--port", "0", "--no-worker", "--processes", "3"]
    command = [sys.executable, "-m", "service.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first:
        try:
            assert first.stdout is not None
            assert any(line.startswith("PRÊT") for line in first.stdout)
            children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
            assert 2 == len(children)
        finally:
            first.kill()
    until = time.monotonic() + 40
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until
        time.sleep(0.1)
