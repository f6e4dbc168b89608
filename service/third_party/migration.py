"""Bring the tables of a database to the schema of this program, by the steps of `migrations`.

All steps run in the caller's write transaction: another process that opens the same database waits, then
finds nothing to do, and a crash leaves the database as it was. Only `Database` calls this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from service.errors import ServiceError

__all__ = ["steps", "upgrade"]

_FOLDER = Path(__file__).parent / "migrations"


def steps() -> ScriptDirectory:
    """The steps, as Alembic reads them."""
    return ScriptDirectory(str(_FOLDER), version_locations=[str(_FOLDER)])


def upgrade(connection: Connection) -> None:
    """Run the steps that are missing.

    Raises:
        ServiceError: `E_BASE_VERSION`, the database belongs to a newer program.
    """
    script = steps()

    def missing(revision: Any, _: Any) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001 - what Alembic's own template calls

    environment = EnvironmentContext(Config(), script, fn=missing)
    environment.configure(connection=connection)
    try:
        environment.run_migrations()
    except CommandError:
        sentence = "la base appartient à une version plus récente du programme ; installez celle-ci."
        raise ServiceError("E_BASE_VERSION", sentence) from None
