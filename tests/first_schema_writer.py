"""Writes the SQL of the first migration from the tables and rules as they are: ``python -m tests.first_schema_writer``.

For as long as nothing was released there is one migration, and this command writes it again after any change of
`service.third_party.schema` or `service.third_party.invariants`. A test fails when it was forgotten.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from service.third_party.invariants import statements
from service.third_party.schema import metadata

STEP = Path(__file__).parent.parent / "service/third_party/migrations/first_schema.py"
DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def written(name: str) -> str:
    """The statements for one database."""
    dialect = DIALECTS[name]()
    made = []
    for table in metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        made += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    made += statements(name)
    return "\n\n".join(re.sub(r" +\n", "\n", one.strip().replace("\t", "    ")) for one in made) + "\n"


def path(name: str) -> Path:
    """The file of one database."""
    return STEP.with_suffix(f".{name}.sql")


if __name__ == "__main__":
    for name in DIALECTS:
        path(name).write_text(written(name), "utf-8")
