"""What the operator says of storage: never a password where others read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from crypto.errors import CryptoError
from service.errors import ServiceError
from service.third_party.storage import DATABASE, Storage, StorageOptions, read_storage

PLAIN = "postgresql+psycopg://allervers@db.example.org/tiers"
SECRET = "postgresql+psycopg://allervers:temoin@db.example.org/tiers"


def code_of(options: StorageOptions, environ: dict[str, str] | None = None) -> str:
    """The code with which options are refused; empty when they are taken."""
    code, said = "", ""
    try:
        read_storage(options, environ or {})
    except (ServiceError, CryptoError) as error:
        code, said = error.code, str(error)
    assert "temoin" not in said
    return code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with an address, for its owner only."""
    path = tmp_path / "url"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_without_options_everything_is_in_the_data_directory():
    """Nothing to set up."""
    assert Storage() == read_storage(StorageOptions(), {})


@pytest.mark.parametrize("url", [SECRET, "postgresql://h/b?password=temoin", "postgresql://:temoin@h/b"])
def test_a_password_on_the_command_line_is_refused(url):
    """Whatever its place in the address."""
    assert "E_MOT_DE_PASSE" == code_of(StorageOptions(database=url))


def test_the_address_comes_from_the_option_then_the_file_then_the_environment(file):
    """In this order."""
    environ = {DATABASE: "postgresql://e/b"}
    assert PLAIN == read_storage(StorageOptions(database=PLAIN, database_file=file), environ).database
    assert SECRET == read_storage(StorageOptions(database_file=file), environ).database
    assert "postgresql://e/b" == read_storage(StorageOptions(), environ).database
    assert None is read_storage(StorageOptions(), {DATABASE: ""}).database


def test_a_file_that_others_can_read_is_refused(file):
    """As a key file."""
    file.chmod(0o640)
    assert "E_CLE_LISIBLE" == code_of(StorageOptions(database_file=file))
    file.unlink()
    assert "E_CLE_ABSENTE" == code_of(StorageOptions(database_file=file))


@pytest.mark.parametrize("url", ["temoin", "mysql://u:temoin@h/b", "\0"])
def test_an_address_of_no_known_kind_is_refused_wherever_it_stands(url, file):
    """Without repeating it."""
    file.write_text(url)
    assert {"E_BASE_URL"} == {
        code_of(StorageOptions(database=url)),
        code_of(StorageOptions(database_file=file)),
        code_of(StorageOptions(), {DATABASE: url}),
    }


def test_secrets_are_not_shown(file):
    """In no representation, as a traceback or a journal might print it."""
    environ = {"AWS_SECRET_ACCESS_KEY": "temoin", "AWS_ENDPOINT_URL": "https://s3.example.org", "OTHER": "temoin"}
    storage = read_storage(StorageOptions(database_file=file, blobs="s3://bucket/x"), environ)
    assert {"secret_access_key": "temoin", "endpoint": "https://s3.example.org"} == storage.bucket
    assert "temoin" not in repr(storage)


def test_the_words_for_a_worker_say_the_same(file):
    """And hold no secret: the file is named, not read."""
    options = StorageOptions(database_file=file, blobs="s3://bucket/x")
    assert ["--database-file", str(file), "--blobs", "s3://bucket/x"] == options.words()
    assert ["--database", PLAIN] == StorageOptions(database=PLAIN).words()
