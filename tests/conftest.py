"""Databases of the tests: each test that asks for `database_url` runs on SQLite and on a real PostgreSQL.

One cluster for the session (each process of a parallel run has its own), one database for each test, copied
from one that holds the tables.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from service.third_party.database import Database, sqlite_url
from tests.bucket_service import BucketService
from tests.postgres import TEMPLATE, TempPg
from tests.randomness import Stream, replace_source, restore_source
from tests.simulator import Simulation, simulation

STREAM = pytest.StashKey[Stream]()
KINDS = ("sqlite", "postgresql")
_MEMORY = Path("/dev/shm")
_LEAST_FREE = 6 << 30  # bytes


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fresh-randomness", action="store_true", help="true randomness in the fast tests, too")


def pytest_configure(config: pytest.Config) -> None:
    """Folders of tests in memory, where there is room: what is killed here is processes, never the machine.

    Long tests write files of many gibibytes, on the disk, and draw other examples each time.
    """
    short = "not soak" in config.option.markexpr
    if config.option.markexpr != "soak" and not config.getoption("fresh_randomness"):
        settings.register_profile("repeatable", derandomize=True)
        settings.load_profile("repeatable")
        config.stash[STREAM] = Stream()
    if short and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _LEAST_FREE:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    stream = item.config.stash.get(STREAM, None)
    if stream is None or any(item.get_closest_marker(name) for name in ("flow", "soak")):
        restore_source()
    else:
        replace_source(stream)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> None:
    """What a fixture draws depends on its name and its test (or file), never on what ran before."""
    stream = request.config.stash.get(STREAM, None)
    if stream is not None:
        stream.start(f"{request.node.nodeid} {request.fixturename} {getattr(request, 'param_index', 0)}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    stream = item.config.stash.get(STREAM, None)
    if stream is not None:
        stream.start(item.nodeid)


@pytest.fixture(scope="session")
def postgres() -> Iterator[TempPg]:
    """The cluster of this session; never stop it in a test: make a `TempPg` of your own for that."""
    cluster = TempPg()
    try:
        cluster.administer(f"CREATE DATABASE {TEMPLATE}")
        Database(cluster.url(TEMPLATE)).close()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def postgres_url(postgres: TempPg) -> Iterator[str]:
    """A PostgreSQL database with its tables, of this test only."""
    name = postgres.create(TEMPLATE)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each of the two systems."""
    if request.param == "sqlite":
        (tmp_path / "data").mkdir(mode=0o700)
        return sqlite_url(tmp_path / "data" / "database.sqlite")  # where a third party of this folder has it
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="module", params=KINDS)
def module_database_url(
    request: pytest.FixtureRequest, postgres: TempPg, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same for a whole file of tests that share one third party."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path_factory.mktemp("database") / "database.sqlite")
        return
    name = postgres.create(TEMPLATE)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database, on each of the two systems."""
    one = Database(database_url)
    yield one
    one.close()


@pytest.fixture
def sim(tmp_path: Path, database_url: str) -> Iterator[Simulation]:
    """A fresh third party, on each of the two systems; a file that shares one among its tests has its own."""
    with simulation(tmp_path / "data", database_url) as one:
        yield one


@pytest.fixture
def new_database_url(postgres: TempPg, request: pytest.FixtureRequest) -> Iterator[Callable[[str, Path], str]]:
    """Makes the address of an empty database of a kind, for tests that need several or choose when."""
    made: list[str] = []

    def make(kind: str, folder: Path) -> str:
        if kind == "sqlite":
            return sqlite_url(folder / "database.sqlite")
        made.append(postgres.create(TEMPLATE))
        return postgres.url(made[-1])

    yield make
    for name in made:
        postgres.drop(name)


@pytest.fixture(scope="session")
def bucket() -> Iterator[BucketService]:
    """An S3 service on the loopback; each test takes a prefix of its own."""
    service = BucketService()
    try:
        yield service
    finally:
        service.stop()
