"""The rows of guards and reviews: findings, holds, releases, and what is remembered of earlier runs.

Same rules as `store`: named functions in the transaction of their caller. Findings are sealed to the run's own worker and die
with it. Of a run that was delivered, three steps of coarse scales are remembered until its agreement ends (`guards`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, insert, select

from service.messages import RunState
from service.third_party.schema import agreement_members, findings, histories, holds, releases, runs
from service.third_party.store import to_seconds

__all__ = [
    "Past",
    "add_finding",
    "add_hold",
    "add_past",
    "add_release",
    "drop_findings",
    "findings_of",
    "forget_pasts",
    "holds_of",
    "pasts_of",
    "releases_of",
]

_FORGOTTEN_AT_ONCE = 1000  # rows


@dataclass(frozen=True, kw_only=True)
class Past:
    """One comparison of one run, on the scales of `guards`."""

    recipient_step: int
    source_step: int
    rate_step: int


def add_finding(connection: Connection, run: str, comparison: str, pass_name: str, sealed: bytes) -> None:
    """Store what was found in a pass, once."""
    one = findings.c
    where = (one.run == run, one.comparison == comparison, one["pass"] == pass_name)
    if not connection.scalar(select(exists().where(*where))):
        row = {"run": run, "comparison": comparison, "pass": pass_name, "sealed": sealed}
        connection.execute(insert(findings).values(row))


def findings_of(connection: Connection, run: str) -> list[tuple[str, str, bytes]]:
    """(comparison, pass, sealed finding) of a run, in a fixed order."""
    one = findings.c
    query = select(one.comparison, one["pass"], one.sealed).where(one.run == run)
    rows = connection.execute(query.order_by(one.comparison, one["pass"]))
    return [(comparison, name, sealed) for comparison, name, sealed in rows]


def drop_findings(connection: Connection, run: str) -> None:
    """Forget what was found: an upload is replaced, and every pass compared anew."""
    connection.execute(delete(findings).where(findings.c.run == run))


def add_hold(connection: Connection, run: str, comparison: str, statement: bytes) -> None:
    """Store why the results of a comparison are held."""
    connection.execute(insert(holds).values(run=run, comparison=comparison, statement=statement))


def holds_of(connection: Connection, run: str) -> list[tuple[str, bytes]]:
    """(comparison, statement) of the holds of a run."""
    query = select(holds.c.comparison, holds.c.statement).where(holds.c.run == run).order_by(holds.c.comparison)
    return [(comparison, statement) for comparison, statement in connection.execute(query)]


def add_release(connection: Connection, run: str, party: str, statement: bytes) -> None:
    """Store a party's release."""
    connection.execute(insert(releases).values(run=run, party=party, statement=statement))


def releases_of(connection: Connection, run: str) -> list[str]:
    """The parties that have released, sorted."""
    query = select(releases.c.party).where(releases.c.run == run).order_by(releases.c.party)
    return list(connection.scalars(query))


def add_past(connection: Connection, run: str, comparison: str, past: Past, forget_at: datetime) -> None:
    """Remember a comparison of a run."""
    row = {"run": run, "comparison": comparison, **vars(past), "forget_at": to_seconds(forget_at)}
    connection.execute(insert(histories).values(row))


def pasts_of(connection: Connection, agreement: str, comparison: str, run: str) -> list[Past]:
    """The same comparison in the other runs of its agreement whose results were given, oldest first.

    Given, whatever became of the run afterwards: a recipient that cancels once it has read does not make it unseen.
    """
    one, mine = histories.c, runs.c
    released = select(func.count()).where(releases.c.run == mine.run).scalar_subquery()
    members = select(func.count()).where(agreement_members.c.agreement == mine.agreement).scalar_subquery()
    allowed = ~exists(select(holds.c.run).where(holds.c.run == mine.run)) | (released == members)
    given = mine.delivered_at.is_not(None) & (mine.state != str(RunState.HELD)) & allowed
    query = (
        select(one.recipient_step, one.source_step, one.rate_step)
        .join(runs, mine.run == one.run)
        .where(mine.agreement == agreement, one.comparison == comparison, one.run != run, given)
        .order_by(mine.delivered_at, one.run)
    )
    return [Past(recipient_step=a, source_step=b, rate_step=c) for a, b, c in connection.execute(query)]


def forget_pasts(connection: Connection, now: datetime) -> int:
    """Drop what is remembered of agreements that are over, some rows at a time; returns how many."""
    one = histories.c
    due = select(one.run, one.comparison).where(one.forget_at <= to_seconds(now)).limit(_FORGOTTEN_AT_ONCE)
    gone = [(run, comparison) for run, comparison in connection.execute(due)]
    for run, comparison in gone:
        connection.execute(delete(histories).where(one.run == run, one.comparison == comparison))
    return len(gone)
