"""The rows of runs and of what parties declare in them: approvals, shares, confirmations.

Same rules as `store`: named functions in the transaction of their caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, func, insert, literal_column, or_, select, union_all, update

from service.agreement import Agreement
from service.errors import absent
from service.messages import RunState
from service.third_party.lifecycle import LIVE
from service.third_party.schema import agreement_members, agreements, approvals, confirmations, runs, shares, uploads
from service.third_party.store import from_seconds, read_agreement, to_seconds

__all__ = [
    "Run",
    "add_approval",
    "add_confirmation",
    "add_run",
    "add_share",
    "approvals_of",
    "confirmation_of",
    "confirmations_of",
    "count_opened",
    "count_runs",
    "dealings_of",
    "load_run",
    "load_run_and_agreement",
    "load_runs_and_documents",
    "runs_in",
    "runs_of",
    "set_run",
    "share_of",
    "shares_for",
]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run as the database holds it."""

    run: str
    agreement: str
    state: RunState
    opened_at: datetime
    encodings_deadline: datetime
    delivered_at: datetime | None
    hits_deadline: datetime | None
    failure: str | None
    passes_done: int
    passes_total: int
    worker_key: bytes | None  # stored signed statement
    received: bool = False  # an upload was complete at some time

    @property
    def deadline(self) -> datetime:
        """The one of its state: of its encodings, or of its deliveries once they are stored."""
        return self.hits_deadline or self.encodings_deadline


def add_run(connection: Connection, run: Run) -> None:
    """Store a new run."""
    connection.execute(insert(runs).values(_columns(vars(run))))


def set_run(connection: Connection, run: str, **values: Any) -> None:
    """Change columns of a run."""
    connection.execute(update(runs).where(runs.c.run == run).values(_columns(values)))


def load_run(connection: Connection, run: str) -> Run:
    """A run.

    Raises:
        ServiceError: `E_INTROUVABLE`.
    """
    row = connection.execute(select(runs).where(runs.c.run == run)).one_or_none()
    if row is None:
        raise absent()
    return _read_run(row)


# Statements of every request are written once: their text is then found at once among those compiled.
_RUN_AND_AGREEMENT = (
    select(runs, agreements.c.document)
    .join(agreements, agreements.c.agreement == runs.c.agreement)
    .where(runs.c.run == bindparam("name"))
)


def load_run_and_agreement(connection: Connection, run: str) -> tuple[Run, Agreement]:
    """A run and its agreement, in one question.

    Raises:
        ServiceError: `E_INTROUVABLE`.
    """
    row = connection.execute(_RUN_AND_AGREEMENT, {"name": run}).one_or_none()
    if row is None:
        raise absent()
    return _read_run(row), read_agreement(row.document)


_RUNS_AND_AGREEMENTS = (
    select(runs, agreements.c.document)
    .join(agreements, agreements.c.agreement == runs.c.agreement)
    .where(runs.c.run.in_(bindparam("names", expanding=True)))
)


def load_runs_and_documents(connection: Connection, names: Sequence[str]) -> dict[str, tuple[Run, bytes]]:
    """Those of these runs that there are, by name, each with the document of its agreement, in one question."""
    rows = connection.execute(_RUNS_AND_AGREEMENTS, {"names": list(names)}) if names else ()
    return {row.run: (_read_run(row), row.document) for row in rows}


_NOTHING: Any = literal_column("''")


def _dealing(kind: str, table: Any, *columns: Any) -> Any:
    said = [literal_column(f"'{kind}'").label("kind"), table.c.run, *columns]
    said += [_NOTHING] * (7 - len(said))
    return select(*said).where(table.c.run.in_(bindparam("names", expanding=True)))


_DEALINGS = union_all(
    _dealing("approval", approvals, approvals.c.party),
    _dealing("confirmation", confirmations, confirmations.c.party),
    _dealing(
        "upload", uploads, uploads.c.party, uploads.c.comparison, uploads.c["pass"], uploads.c.state, uploads.c.reason
    ),
)


def dealings_of(connection: Connection, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """What parties did in some runs, in one question.

    Returns:
        (``approval`` | ``confirmation`` | ``upload``, run, party, comparison, pass, state, reason); only uploads have
        the last four.
    """
    return [tuple(row) for row in connection.execute(_DEALINGS, {"names": list(names)})] if names else []


_RUNS_OF = (
    select(runs)
    .join(agreement_members, runs.c.agreement == agreement_members.c.agreement)
    .where(agreement_members.c.party == bindparam("name"))
    .order_by(runs.c.opened_at, runs.c.run)
)


def runs_of(connection: Connection, party: str) -> list[Run]:
    """The runs of the agreements that name a party, oldest first."""
    return [_read_run(row) for row in connection.execute(_RUNS_OF, {"name": party})]


def runs_in(connection: Connection, *states: RunState) -> list[Run]:
    """The runs in some states, oldest first."""
    query = select(runs).where(runs.c.state.in_([str(state) for state in states]))
    return [_read_run(row) for row in connection.execute(query.order_by(runs.c.opened_at, runs.c.run))]


def count_runs(connection: Connection, agreement: str) -> int:
    """The runs that count against the agreement's maximum: alive, or for which somebody's people were encoded."""
    counted = or_(runs.c.state.in_([str(state) for state in LIVE]), runs.c.received == 1)
    query = select(func.count()).select_from(runs).where(runs.c.agreement == agreement, counted)
    return connection.scalar(query) or 0


def count_opened(connection: Connection, party: str) -> int:
    """The live runs that a party asked for: its own approval holds no statement, for the request was one."""
    live = runs.c.state.in_([str(state) for state in LIVE])
    asked = approvals.c.statement.is_(None) & (approvals.c.party == party)
    query = select(func.count()).select_from(runs).join(approvals, approvals.c.run == runs.c.run).where(live, asked)
    return connection.scalar(query) or 0


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: to_seconds(value) if isinstance(value, datetime) else value for name, value in values.items()}
    flags = {name: int(value) for name, value in plain.items() if isinstance(value, bool)}
    states = {name: str(value) for name, value in plain.items() if isinstance(value, RunState)}
    return {**plain, **flags, **states}


def _read_run(row: Row[Any]) -> Run:
    values = dict(row._mapping)  # noqa: SLF001 - the documented accessor of SQLAlchemy
    values.pop("document", None)
    for name in ("opened_at", "encodings_deadline", "delivered_at", "hits_deadline"):
        values[name] = None if values[name] is None else from_seconds(values[name])
    return Run(**{**values, "state": RunState(values["state"]), "received": bool(values["received"])})


def add_approval(connection: Connection, run: str, party: str, statement: bytes | None) -> None:
    """Store a party's approval, once."""
    where = (approvals.c.run == run, approvals.c.party == party)
    if not connection.scalar(select(exists().where(*where))):
        connection.execute(insert(approvals).values(run=run, party=party, statement=statement))


def approvals_of(connection: Connection, run: str) -> list[str]:
    """The parties that have approved, sorted."""
    query = select(approvals.c.party).where(approvals.c.run == run).order_by(approvals.c.party)
    return list(connection.scalars(query))


def share_of(connection: Connection, run: str, comparison: str, sender: str) -> bytes | None:
    """The share that a party has sent for a comparison."""
    where = (shares.c.run == run, shares.c.comparison == comparison, shares.c.sender == sender)
    return connection.scalar(select(shares.c.statement).where(*where))


def add_share(connection: Connection, run: str, names: tuple[str, str, str], statement: bytes) -> None:
    """Store a share; `names` are comparison, sender, receiver."""
    comparison, sender, receiver = names
    row = {"run": run, "comparison": comparison, "sender": sender, "receiver": receiver}
    connection.execute(insert(shares).values(**row, statement=statement))


def shares_for(connection: Connection, run: str, receiver: str) -> list[bytes]:
    """The shares addressed to a party."""
    query = select(shares.c.statement).where(shares.c.run == run, shares.c.receiver == receiver)
    return list(connection.scalars(query.order_by(shares.c.comparison, shares.c.sender)))


def confirmation_of(connection: Connection, run: str, comparison: str, party: str) -> bytes | None:
    """The confirmation that a party has sent for a comparison."""
    one = confirmations.c
    where = (one.run == run, one.comparison == comparison, one.party == party)
    return connection.scalar(select(one.statement).where(*where))


def add_confirmation(connection: Connection, run: str, comparison: str, party: str, statement: bytes) -> None:
    """Store a confirmation."""
    row = {"run": run, "comparison": comparison, "party": party, "statement": statement}
    connection.execute(insert(confirmations).values(row))


def confirmations_of(connection: Connection, run: str) -> list[tuple[str, bytes]]:
    """(comparison, statement) of every confirmation of a run."""
    one = confirmations.c
    query = select(one.comparison, one.statement).where(one.run == run).order_by(one.comparison, one.party)
    return [(comparison, statement) for comparison, statement in connection.execute(query)]
