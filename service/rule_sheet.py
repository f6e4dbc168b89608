"""What a démarche says, once read and checked (`service.demarche` reads it). Frozen, and pure.

Two methods look into the encoder's half, and import it when they are called only: the third party may read a
démarche, and must never load what encodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from service.guard_terms import EVENTS, ORDINARY, GuardTerms

if TYPE_CHECKING:
    from linkage.rules import Rule
    from linkage.sheet import Sheet

__all__ = ["Action", "Demarche", "Freshness", "GreyPolicy", "Operand", "Purpose", "Retention"]

# What the law excludes by nature (CRPA L114-8 II, L114-9 2°) is not in this list, and nothing can add it.
Purpose = Literal["information", "attribution", "verification"]
GreyPolicy = Literal["ecarter", "information_seule", "revue_humaine"]


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """What an anti-join may believe of a subtracted file.

    Attributes:
        days: the oldest extraction accepted, in days.
        reliable_from: `--MM-DD`, first day of the year from which an absence is believed; None = all year.
    """

    days: int
    reliable_from: str | None


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A population of the expression: who holds it, what the file must hold, and its columns.

    Attributes:
        name: its name in the expression.
        organisations: administrations that may hold it.
        role: `source`, `destinataire`, or `reference`, which never receives anything.
        selection: French sentence: what the holder selects before encoding.
        connector: name of the shipped shape of its file, or None.
        columns: attribute → column, columns or {column, format, missing}, on top of the connector's.
        freshness: required of a subtracted operand.
        several: whether the file may hold several rows of one person; it matters for the recipient's, whose rows must each find
            their link then.
    """

    name: str
    organisations: tuple[str, ...]
    role: str
    selection: str
    connector: str | None
    columns: Mapping[str, Any]
    freshness: Freshness | None
    several: bool


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Clocks of CRPA R114-9-7, in months."""

    results: int
    traces: int
    objection: int


@dataclass(frozen=True, kw_only=True)
class Action:
    """What follows a hit: information only, or an award that the person may refuse within some days."""

    mode: str
    refusal_days: int | None
    body: str | None


@dataclass(frozen=True, kw_only=True)
class Demarche:
    """A checked démarche.

    Attributes:
        id: its name, that of its file.
        title: for people.
        purpose: one of a closed list.
        legal_basis: the CRPA article first, then the texts of the benefit itself.
        operands: by name.
        rule_type: `intersection`, `anti_jointure` or `composition`.
        expression: over the operands, the recipient's first.
        identity: name of the linkage sheet.
        own_sheet: the linkage sheet itself where the démarche brings its own; empty for a shipped one.
        threshold: `information` or `attribution`.
        grey_policy: what becomes of links between the two thresholds.
        recipient: the operand that receives the hits.
        retention: clocks at the administrations.
        channels: how people are reached.
        fallback: how those without digital access are.
        action: what follows.
        digest: hex SHA-256 of its canonical JSON.
        own_guards: what the démarche itself asks of its agreements, which may only be stricter; None: nothing.
        payload: columns of whoever holds `payload_operand` that the recipient is told of its hits; none by default.
        payload_operand: an operand that the rule intersects; None without payload.
        payload_bytes: that these values take at most, together.
    """

    id: str
    title: str
    purpose: Purpose
    legal_basis: tuple[str, ...]
    operands: Mapping[str, Operand]
    rule_type: str
    expression: str
    identity: str
    own_sheet: Mapping[str, Any]
    threshold: str
    grey_policy: GreyPolicy
    recipient: str
    retention: Retention
    channels: tuple[str, ...]
    fallback: tuple[str, ...]
    action: Action
    digest: str
    own_guards: GuardTerms | None = None
    payload: tuple[str, ...] = ()
    payload_operand: str | None = None
    payload_bytes: int = 0

    @property
    def of_events(self) -> bool:
        """Whether the recipient's people come one by one, and wait until they are enough for a run."""
        return self.rule_type == "evenement"

    def guards(self) -> GuardTerms:
        """The guards of an agreement that says nothing else."""
        if self.own_guards is not None:
            return self.own_guards
        guards = EVENTS if self.of_events else ORDINARY
        # Rows of one person resemble each other.
        return replace(guards, near_permille=1000) if self.operands[self.recipient].several else guards

    def sheet(self) -> Sheet:
        """The linkage sheet of the identity profile, with the columns of each operand's file and the solving that it asks for.

        Raises:
            LinkageError: no such profile or connector, or a column for an attribute that the sheet does not have.
        """
        from linkage.connectors import load_connector  # noqa: PLC0415 - see the head of this module
        from linkage.sheet import Sheet, load_sheet  # noqa: PLC0415 - see the head of this module

        sheet = Sheet.from_table(self.own_sheet) if self.own_sheet else load_sheet(self.identity)
        for operand in self.operands.values():
            if operand.connector is not None:
                columns = load_connector(operand.connector).columns_for(sheet, operand.columns)
                sheet = sheet.with_columns(operand.name, columns)
            elif operand.columns:
                sheet = sheet.with_columns(operand.name, operand.columns)
        return replace(sheet, solving="many-to-one") if self.operands[self.recipient].several else sheet

    def rule(self) -> Rule:
        """The parsed expression.

        Raises:
            LinkageError: `E_REGLE`.
        """
        from linkage.rules import parse_rule  # noqa: PLC0415 - see the head of this module

        return parse_rule(self.expression)
