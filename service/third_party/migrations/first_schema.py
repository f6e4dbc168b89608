"""The tables as they were first released, with their constraints and triggers: SQL beside this file, one for each database.

The SQL is written by ``python -m tests.first_schema_writer``, statements parted by an empty line.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "revision", "upgrade"]

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make everything."""
    connection = op.get_bind()
    written = Path(__file__).with_suffix(f".{connection.dialect.name}.sql").read_text("utf-8")
    for statement in written.strip().split("\n\n"):
        connection.exec_driver_sql(statement)
