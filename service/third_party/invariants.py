"""What may never change in a row, as triggers: a CHECK holds each row to its bounds, these hold it to its past.

A deadline that was written stays (so no cap can be extended, not even below the cap), a run that ended stays
ended, a run that was delivered is never matched again, what was signed stays as it was signed, the log only
grows. Each rule is a condition on the old and the new row, in SQL that both databases read; a change that
meets it is refused like any constraint, as an integrity error that carries the name of the rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.third_party.lifecycle import DEAD

__all__ = ["RULES", "Rule", "statements"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Refuse a change of a table.

    Attributes:
        name: in the database and in its refusals.
        table: which.
        change: UPDATE or DELETE.
        when: the condition that refuses, on OLD and NEW; every row when empty.
    """

    name: str
    table: str
    change: str
    when: str


def _changed(*columns: str) -> str:
    """Columns that are never null have another value."""
    return " OR ".join(f"OLD.{one} <> NEW.{one}" for one in columns)


def _unset_or_changed(*columns: str) -> str:
    """Columns that were null once and are set do not keep their value."""
    return " OR ".join(f"(OLD.{one} IS NOT NULL AND (NEW.{one} IS NULL OR NEW.{one} <> OLD.{one}))" for one in columns)


_ENDED = ", ".join(f"'{state}'" for state in sorted(DEAD))

RULES: tuple[Rule, ...] = (
    Rule(
        name="run_deadlines_stay",
        table="runs",
        change="UPDATE",
        when=f"{_changed('opened_at', 'encodings_deadline')} OR {_unset_or_changed('delivered_at', 'hits_deadline')}",
    ),
    Rule(name="run_names_stay", table="runs", change="UPDATE", when=_changed("run", "agreement")),
    Rule(name="run_key_stays", table="runs", change="UPDATE", when=_unset_or_changed("worker_key")),
    Rule(name="run_ended", table="runs", change="UPDATE", when=f"OLD.state IN ({_ENDED}) AND NEW.state <> OLD.state"),
    Rule(name="run_received_stays", table="runs", change="UPDATE", when="OLD.received > NEW.received"),
    Rule(name="run_remains", table="runs", change="DELETE", when=""),
    Rule(
        name="agreement_stays",
        table="agreements",
        change="UPDATE",
        when=f"{_changed('agreement', 'document', 'proposed_at')} OR {_unset_or_changed('active_at')}",
    ),
    Rule(
        name="signature_stays",
        table="agreement_members",
        change="UPDATE",
        when=f"{_changed('agreement', 'party')} OR {_unset_or_changed('signature')}",
    ),
    Rule(name="chunk_stays", table="chunks", change="UPDATE", when=_changed("upload", "number", "size")),
    Rule(name="delivery_stays", table="deliveries", change="UPDATE", when=_changed("run", "recipient", "statement")),
    Rule(name="nonce_stays", table="nonces", change="UPDATE", when=_changed("party", "nonce", "forget_at")),
    Rule(name="receipt_stays", table="receipts", change="UPDATE", when=_changed("run", "kind", "party", "statement")),
    Rule(name="receipt_remains", table="receipts", change="DELETE", when=""),
    Rule(name="leaf_stays", table="log_leaves", change="UPDATE", when=_changed("seq", "hash")),
    Rule(name="leaf_remains", table="log_leaves", change="DELETE", when=""),
    Rule(name="log_grows", table="log_head", change="UPDATE", when="NEW.size < OLD.size"),
    Rule(name="log_head_remains", table="log_head", change="DELETE", when=""),
)

_REFUSE = """\
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE check_violation USING MESSAGE = TG_NAME;
END
$$"""


def statements(dialect: str) -> list[str]:
    """The statements that make the rules, on ``sqlite`` or ``postgresql``."""
    if dialect == "postgresql":
        return [_REFUSE, *(_postgresql(rule) for rule in RULES)]
    return [_sqlite(rule) for rule in RULES]


def _head(rule: Rule) -> str:
    when = f" WHEN ({rule.when})" if rule.when else ""
    return f"CREATE TRIGGER {rule.name} BEFORE {rule.change} ON {rule.table} FOR EACH ROW{when}"


def _postgresql(rule: Rule) -> str:
    return f"{_head(rule)} EXECUTE FUNCTION refuse_change()"


def _sqlite(rule: Rule) -> str:
    return f"{_head(rule)} BEGIN SELECT RAISE(ABORT, '{rule.name}'); END"
