"""What several readings of one transaction ask about runs, asked at once.

Each names its run beforehand; the first that asks for one is answered for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from service.agreement import Agreement
from service.errors import absent
from service.third_party.run_store import Run, dealings_of, load_runs_and_documents
from service.third_party.store import read_agreement

__all__ = ["Glance"]


class Glance:
    """Some runs, as one transaction sees them.

    Args:
        connection: a read transaction.
        names: of the runs that will be asked for; no run need have them.
    """

    def __init__(self, connection: Connection, names: Iterable[str]) -> None:
        self._connection = connection
        self._names = sorted(set(names))
        self._runs: dict[str, tuple[Run, bytes]] | None = None
        self._dealings: dict[str, list[tuple[Any, ...]]] | None = None

    def run(self, name: str) -> tuple[Run, Agreement]:
        """A run that was named, and its agreement.

        Raises:
            ServiceError: `E_INTROUVABLE`.
        """
        if self._runs is None:
            self._runs = load_runs_and_documents(self._connection, self._names)
        if name not in self._runs:
            raise absent()
        run, document = self._runs[name]
        return run, read_agreement(document)  # one that cannot be read is told to those alone who ask for it

    def dealings(self, name: str) -> list[tuple[Any, ...]]:
        """What parties did in a run that was named, as `dealings_of` tells it."""
        if self._dealings is None:
            self._dealings = {}
            for one in dealings_of(self._connection, self._names):
                self._dealings.setdefault(str(one[1]), []).append(one)
        return self._dealings.get(name, [])
