"""What a démarche says, once read and checked (`service.demarche` reads it). Frozen, and pure.

Two methods look into the encoder's half, and import it when they are called only: the third party may read a
démarche, and must never load what encodes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from service.clauses import (
    BlindCondition,
    GreyPolicy,
    Group,
    Identity,
    Kit,
    Message,
    Objection,
    Onward,
    Output,
    Presentation,
    Step,
    Trigger,
)
from service.errors import ServiceError
from service.guard_terms import EVENTS, ORDINARY, GuardTerms

if TYPE_CHECKING:
    from linkage.attribute import Attribute
    from linkage.rules import Rule
    from linkage.sheet import Sheet

__all__ = ["Action", "Demarche", "Freshness", "Operand", "Purpose", "Retention"]

# What the law excludes by nature (CRPA L114-8 II, L114-9 2°) is not in this list, and nothing can add it.
Purpose = Literal["information", "attribution", "verification"]


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
        local_filter: `filtre_local`, who is encoded (language of `linkage.selection`); None: everybody in the file.
        computations: `calcul_local`, computed column → expression, before encoding.
        optional: whether an agreement may leave it out; the outputs that name it are left out with it.
        no_payload: `encodage_sans_charge`: its holder may attach nothing to its encodings.
    """

    name: str
    organisations: tuple[str, ...]
    role: str
    selection: str
    connector: str | None
    columns: Mapping[str, Any]
    freshness: Freshness | None
    several: bool
    local_filter: str | None = None
    computations: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False
    no_payload: bool = False


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Clocks of CRPA R114-9-7, in months."""

    results: int
    traces: int
    objection: int


@dataclass(frozen=True, kw_only=True)
class Action:
    """What follows a hit: information only, a verification, or an award that the person may refuse within some days.

    `award_forbidden` says that no later version may award; `right_token` is the form of the code that opens the right, if any.
    """

    mode: str
    refusal_days: int | None
    body: str | None
    award_forbidden: bool = False
    right_token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Demarche:
    """A checked démarche. `expression`, `recipient`, `threshold` and `grey_policy` are those of the first output.

    Attributes:
        id: its name, that of its file.
        title: for people.
        purpose: one of a closed list.
        legal_basis: the CRPA article first, or what stands in its place, then the texts of the benefit itself.
        crpa: the article, or None where nothing is exchanged between administrations.
        operands: by name.
        rule_type: one of the closed list of `service.demarche_checks`.
        outputs: named results, each with its expression and recipients.
        identity: name of the linkage sheet; empty where nothing is compared.
        own_sheet: the linkage sheet itself where the démarche brings its own; empty for a shipped one.
        retention: clocks at the administrations.
        channels: how people are reached.
        fallback: how those without digital access are.
        action: what follows.
        message: what every message says.
        objection: how a person objects.
        digest: hex SHA-256 of its canonical JSON.
        own_guards: what the démarche itself asks of its agreements, which may only be stricter; None: nothing.
        payload: columns of whoever holds a payload operand that the recipient is told of its hits; none by default.
        payload_operands: operands that the rule intersects, whose holders tell it; none without payload.
        payload_bytes: that these values take at most, together.
        parameters: values that local expressions name (`ressort`, `plafond`…): whole numbers, texts, lists, tables.
        consent: whether the person's recorded consent is the ground (CRPA L114-8 I): the selection must require it.
        local_act: local decision that must be attached (`deliberation_tarifaire`), or None.
        no_dpia: why no impact analysis is due, where nothing is compared; None: it is.
        publish_least: least count that may be published.
        forbidden: kinds of data that this démarche must never hold (`sante`, `motif_eligibilite`).
        zone: form of the zone of a local selection (`geojson`), or None.
    """

    id: str
    title: str
    purpose: Purpose
    legal_basis: tuple[str, ...]
    crpa: str | None
    operands: Mapping[str, Operand]
    rule_type: str
    outputs: tuple[Output, ...]
    identity: str
    own_sheet: Mapping[str, Any]
    retention: Retention
    channels: tuple[str, ...]
    fallback: tuple[str, ...]
    action: Action
    message: Message
    objection: Objection
    digest: str
    own_guards: GuardTerms | None = None
    payload: tuple[str, ...] = ()
    payload_operands: tuple[str, ...] = ()
    payload_bytes: int = 0
    presentation: Presentation | None = None
    identity_terms: Identity = field(default_factory=Identity)
    group: Group | None = None
    blind: BlindCondition | None = None
    trigger: Trigger | None = None
    journey: tuple[Step, ...] = ()
    onward: tuple[Onward, ...] = ()
    kit: Kit | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    consent: bool = False
    local_act: str | None = None
    no_dpia: str | None = None
    publish_least: int = 11
    forbidden: tuple[str, ...] = ()
    zone: str | None = None

    @property
    def expression(self) -> str:
        """Of the first output."""
        return self.outputs[0].expression

    @property
    def recipient(self) -> str:
        """The first operand that receives the first output."""
        return self.outputs[0].recipients[0]

    @property
    def threshold(self) -> str:
        """Of the first output."""
        return self.outputs[0].threshold

    @property
    def grey_policy(self) -> GreyPolicy:
        """Of the first output."""
        return self.outputs[0].grey_policy

    @property
    def payload_operand(self) -> str | None:
        """The first operand that tells the payload."""
        return self.payload_operands[0] if self.payload_operands else None

    @property
    def local(self) -> bool:
        """Whether nothing is compared: the results are the selection itself."""
        return self.rule_type in ("selection_locale", "routage")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The operands that receive hits of some output, in the order of the outputs."""
        return tuple(dict.fromkeys(one for output in self.outputs for one in output.recipients))

    @property
    def compared(self) -> tuple[str, ...]:
        """The operands that the rule names; another party only receives what is passed on, and has no part in a run."""
        return tuple(dict.fromkeys(name for rule in self.rules().values() for name in rule.operands))

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
            ServiceError: `E_SANS_COMPARAISON`, nobody is compared.
        """
        if self.local:
            sentence = (
                "cette démarche ne compare personne : allervers demarche preview lit son fichier, sans convention"
            )
            raise ServiceError("E_SANS_COMPARAISON", sentence)
        from linkage.connectors import load_connector  # noqa: PLC0415 - see the head of this module
        from linkage.sheet import Sheet, load_sheet  # noqa: PLC0415 - see the head of this module

        sheet = Sheet.from_table(self.own_sheet) if self.own_sheet else load_sheet(self.identity)
        sheet = replace(sheet, attributes=tuple(self._fitted(attribute) for attribute in sheet.attributes))
        if self.identity_terms.without:
            sheet = sheet.without(self.identity_terms.without)
        for exact in self.identity_terms.exacts:
            sheet = sheet.with_exact(exact.attribute)
        if self.blind is not None:
            sheet = sheet.with_twins(self.blind.left_column, "category")
        for name in self.compared:
            operand = self.operands[name]
            columns = dict(operand.columns)
            if self.blind is not None and name == self.blind.right:
                columns.setdefault(self.blind.left_column, self.blind.right_column)
            if operand.connector is not None:
                columns = dict(load_connector(operand.connector).columns_for(sheet, columns))
            if columns:
                sheet = sheet.with_columns(name, columns)
        return replace(sheet, solving="many-to-one") if self.operands[self.recipient].several else sheet

    def sheet_between(self, operands: Collection[str], *, of_objections: bool = False) -> Sheet:
        """The linkage sheet of one comparison: with twins only where an attribute of these two files is compared blindly.

        Anywhere else whoever lacks the attribute would be in no pass, and an objection of such a person would not be heard.
        """
        sheet = self.sheet()
        apart = self.blind is not None and not of_objections and {self.blind.left, self.blind.right} == set(operands)
        return sheet if apart else replace(sheet, twins="")

    def _fitted(self, attribute: Attribute) -> Attribute:
        """The attribute cut to what the shortest file keeps of it; a commune of birth is optional where some are abroad."""
        cuts = [cut[attribute.name] for cut in self.identity_terms.truncations.values() if attribute.name in cut]
        longest = min([*cuts, *([attribute.longest] if attribute.longest else [])], default=0)
        abroad = self.identity_terms.foreign_place == "pays_seul" and attribute.kind == "cog"
        return replace(attribute, longest=longest, optional=attribute.optional or abroad)

    def rule(self) -> Rule:
        """The parsed expression of the first output.

        Raises:
            LinkageError: `E_REGLE`.
        """
        return next(iter(self.rules().values()))

    def rules(self) -> dict[str, Rule]:
        """The parsed expression of each output, by its name.

        Raises:
            LinkageError: `E_REGLE`.
        """
        from linkage.rules import parse_rule  # noqa: PLC0415 - see the head of this module

        return {output.name: parse_rule(output.expression) for output in self.outputs}
