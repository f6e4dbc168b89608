"""The clauses of a démarche, once read: what becomes of hits, when, by which messages, and what is passed on. Frozen, and pure.

`service.rule_sheet.Demarche` holds them; `service.clause_reader` reads them. Words that people write in a sheet (output names,
columns, templates) stay as they are written; everything else is of a closed list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "IN_ZONE",
    "LINKS",
    "BlindCondition",
    "Exact",
    "GreyPolicy",
    "Group",
    "Identity",
    "Kit",
    "Message",
    "Objection",
    "Onward",
    "Output",
    "Presentation",
    "Step",
    "Trigger",
    "Use",
]

IN_ZONE = "dans_zone"  # column that a zone gives to the rows of a local selection
LINKS = ("domaine_gouv_fr_seul", "domaine_institutionnel_seul")  # where the links of messages may lead
GreyPolicy = Literal["ecarter", "information_seule", "revue_humaine"]
Use = Literal["information", "attribution", "verification"]


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """What people read first.

    Attributes:
        summary: what the démarche is for, in two or three sentences.
        actor: who informs or awards.
        facts: what is known of the matter, with its certainty.
    """

    summary: str
    actor: str
    facts: str


@dataclass(frozen=True, kw_only=True)
class Output:
    """A named result of the rule.

    Attributes:
        name: in the sheet; `resultats` where the rule has a single expression.
        expression: over the operands (language of `linkage.rules`); the name of an operand alone is its whole selection.
        recipients: operands whose holders receive their own tokens, and theirs only.
        use: what a hit of this output may lead to.
        threshold: `information` or `attribution`.
        grey_policy: `ecarter`, `information_seule` or `revue_humaine`.
        label: French words for people.
    """

    name: str
    expression: str
    recipients: tuple[str, ...]
    use: Use
    threshold: str
    grey_policy: GreyPolicy
    label: str

    @property
    def award(self) -> bool:
        """Whether a hit of this output may open a right."""
        return self.use == "attribution"


@dataclass(frozen=True, kw_only=True)
class Exact:
    """An identifier that both sides hold and that is compared as an exact keyed token, beside the identity."""

    attribute: str
    optional: bool


@dataclass(frozen=True, kw_only=True)
class BlindCondition:
    """Two columns that must be equal, or differ, and that nobody sees: `siv.commune != reu.commune`."""

    left: str
    left_column: str
    right: str
    right_column: str
    equal: bool


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who is compared, beyond the profile.

    Attributes:
        entity: `individu` or `foyer`.
        any_member: whether one member found is enough for the household.
        person: whose identity of the row is encoded where it is not the person of the file (`representant`); None otherwise.
        contact: who is told in place of the person linked (`allocataire`, `parent`); None otherwise.
        exacts: exact identifiers.
        without: attributes of the profile that one of the files has not: they are left out on both sides, blocks included.
        truncations: operand → attribute → characters kept by that file; the comparison cuts both sides alike.
        partial_dates: whether files hold dates of which day or month is unknown.
        foreign_place: `commune`, or `pays_seul` where a birth abroad has no commune.
    """

    entity: str = "individu"
    any_member: bool = False
    person: str | None = None
    contact: str | None = None
    exacts: tuple[Exact, ...] = ()
    without: tuple[str, ...] = ()
    truncations: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    partial_dates: bool = False
    foreign_place: str = "commune"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that make one case: all who share `key`, in these roles; with `all_required`, none is a hit unless all are."""

    operand: str
    key: str
    members: tuple[str, ...]
    all_required: bool


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """When a run is due.

    Attributes:
        kind: `campagne`, `calendrier`, `evenement`, `demande` or `alerte`.
        when: French sentence.
        rrule: recurrence (RFC 5545, without `RRULE:`), or None.
        field: date column of the recipient's file from which `days` and the `J` of the journey count, or None.
        days: offsets in days, each a due date of its own.
    """

    kind: str
    when: str
    rrule: str | None = None
    field: str | None = None
    days: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of the journey: when (`J-180`, `+P30D`, `T0`, `rdv-P1D`, an event's name), under which condition, which template."""

    at: str
    condition: str | None
    template: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """What every message to a person says, and what it may use.

    Attributes:
        subject: French words for what is proposed (no status, no amount, no health).
        mentions: mandatory ones.
        link: `domaine_gouv_fr_seul` or `domaine_institutionnel_seul`.
        languages: ISO 639 codes, `fr` among them.
        fields: columns of the recipient's own file that templates may use.
        translations: language → the subject in that language.
    """

    subject: str
    mentions: tuple[str, ...]
    link: str
    languages: tuple[str, ...]
    fields: tuple[str, ...]
    translations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Objection:
    """How a person objects: how far it reaches, its effect, by which ways."""

    scope: str
    effect: str
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Onward:
    """What a holder, once it knows its hits, passes on to the acting body by the usual way, outside the service.

    Attributes:
        senders: operands.
        receiver: operand.
        fields: of the sender's own file.
        received: fields that the sender itself received in the run, with the text that allows passing them on.
        text: that text, or None.
        only: outputs concerned.
    """

    senders: tuple[str, ...]
    receiver: str
    fields: tuple[str, ...]
    received: tuple[str, ...]
    text: str | None
    only: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What is handed to agents and partners besides the messages."""

    templates: tuple[str, ...]
    agents_sheet: bool
    partners_sheet: bool
