"""The agreement document: who compares what with whom, on which ground, how often and for how long.

T, the identifier of an agreement, is the SHA-256 of its canonical JSON. A party agrees by ``sign(key,
Label.AGREEMENT, T)`` over the 32 bytes of T; the agreement is active when every party has. Nothing in it can
be changed or extended afterwards: another document is another agreement.

What is told to whom is said twice: each output, for each party that receives it, by its expression, and by the
comparisons in which it asks for a link or excludes one. The parties check that the second follows from the first; the
third party, which reads no expression, keeps to the second.

Reading is strict (`service.forms`): unknown members are refused, parties, comparisons and outputs come sorted, and
each comparison is named ``<recipient>.<source>``, or ``<recipient>.<source>.oppositions`` where what the source
sends are those who object there to the démarche, whom every output of the recipient excludes. Whether the numbers are
allowed is for the third party to judge.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from crypto.framing import Label
from crypto.signatures import SigningKey, sign, verify
from linkage.errors import LinkageError
from linkage.plan import PassPlan, Plan
from service.errors import ServiceError
from service.forms import (
    TEXT,
    Count,
    Digest,
    Form,
    Message,
    Moment,
    PartyId,
    Text,
    choice,
    hexadecimal,
    integer,
    listed,
    nested,
)
from service.guard_terms import ORDINARY, GuardTerms

__all__ = [
    "MAX_CONTROLS",
    "MAX_ENCODINGS_HOURS",
    "MAX_HITS_DAYS",
    "MAX_PAYLOAD_BYTES",
    "MAX_RESULTS_MONTHS",
    "OBJECTION_MONTHS",
    "TRACES_MONTHS",
    "Agreement",
    "AgreementParty",
    "Comparison",
    "Demarche",
    "Joining",
    "Output",
    "Retention",
    "Sizes",
    "ThirdParty",
    "Validity",
    "comparison_name",
]

MAX_CONTROLS = 50  # rows of invented people that both sides of a comparison add
MAX_PAYLOAD_BYTES = 1024  # of a row, before it is sealed
MAX_ENCODINGS_HOURS = 72
MAX_HITS_DAYS = 30
MAX_RESULTS_MONTHS = 12
TRACES_MONTHS = 36
OBJECTION_MONTHS = (12, 24)


def _read_plan(value: Any, where: str) -> Plan:
    try:
        return Plan.from_json(value)
    except LinkageError as error:
        raise ServiceError(error.code, f"{error.message}.", source={"pointer": where}) from None


def _check(condition: bool, where: str, rule: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise ServiceError("E_MESSAGE", f"attendu : {rule}.", source={"pointer": where})


def _rises(names: list[str]) -> bool:
    return names == sorted(set(names))


_PASS_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # a pass is named in addresses
_PLAN = Form(_read_plan, Plan.to_json, {"type": "object", "description": "linkage.plan"})


@dataclass(frozen=True, kw_only=True)
class Demarche(Message):
    """The rule sheet that the agreement applies."""

    id: Text
    title: Text
    digest: Digest


@dataclass(frozen=True, kw_only=True)
class ThirdParty(Message):
    """Who compares."""

    party: PartyId
    fingerprint: Text


@dataclass(frozen=True, kw_only=True)
class AgreementParty(Message):
    """One administration of the agreement."""

    party: PartyId
    name: Text
    operand: Text  # its name in the expression
    role: Annotated[str, choice("source", "reference")]
    fingerprint: Text


@dataclass(frozen=True, kw_only=True)
class Sizes(Message):
    """People declared on each side of a comparison."""

    recipient: Count
    source: Count


@dataclass(frozen=True, kw_only=True)
class Comparison(Message):
    """A recipient's file against a source's file."""

    id: Text  # "<recipient>.<source>", and ".oppositions" where these are sent
    recipient: PartyId
    source: PartyId
    subject: Annotated[str, choice("personnes", "oppositions")] = "personnes"  # what the source sends
    sizes: Annotated[Sizes, nested(Sizes)]
    plan: Annotated[Plan, _PLAN]
    payload_bytes: Annotated[int, integer(0, MAX_PAYLOAD_BYTES)] = 0  # that the source joins to each row; 0 is none

    @property
    def of_objections(self) -> bool:
        """Whether the source sends those who object, and nobody else."""
        return self.subject == "oppositions"

    @property
    def parties(self) -> tuple[str, str]:
        """(recipient, source)."""
        return self.recipient, self.source

    def pass_plan(self, name: str) -> PassPlan | None:
        """The plan of one pass."""
        return next((one for one in self.plan.passes if one.name == name), None)


def comparison_name(recipient: str, source: str, subject: str) -> str:
    """The identifier of a comparison."""
    return f"{recipient}.{source}" if subject == "personnes" else f"{recipient}.{source}.{subject}"


@dataclass(frozen=True, kw_only=True)
class Output(Message):
    """What one party receives under one name."""

    name: Text
    recipient: PartyId
    expression: Text  # over the operands
    use: Annotated[str, choice("information", "attribution", "verification")]
    grey_policy: Annotated[str, choice("ecarter", "information_seule", "revue_humaine")]
    requires: Annotated[tuple[str, ...], listed(TEXT, 100)]  # comparisons in which it asks for a link, sorted
    excludes: Annotated[tuple[str, ...], listed(TEXT, 100)]  # comparisons in which it excludes one, sorted

    @property
    def comparisons(self) -> tuple[str, ...]:
        """All that it depends on."""
        return (*self.requires, *self.excludes)

    @property
    def award(self) -> bool:
        """Whether a hit may open a right."""
        return self.use == "attribution"


@dataclass(frozen=True, kw_only=True)
class Joining(Message):
    """Who applies the rules of a recipient of which some output depends on several comparisons."""

    recipient: PartyId
    joiner: PartyId


@dataclass(frozen=True, kw_only=True)
class Validity(Message):
    """When runs may be opened."""

    not_before: Moment
    not_after: Moment


@dataclass(frozen=True, kw_only=True)
class Retention(Message):
    """How long each kind of data may live."""

    encodings_hours: Count  # at the third party, from the opening of the run
    hits_days: Count  # at the third party, from the delivery
    results_months: Count  # at the recipient
    traces_months: Count
    objection_months: Count


@dataclass(frozen=True, kw_only=True)
class Agreement(Message):
    """The agreement document: what every party signs, and nothing can extend afterwards."""

    FORMAT: ClassVar[str] = "allervers/agreement/v1"

    nonce: Annotated[str, hexadecimal(16)]
    demarche: Annotated[Demarche, nested(Demarche)]
    purpose: Text
    legal_basis: Annotated[tuple[str, ...], listed(TEXT, 100)]
    authorisation: Text
    dpia: Text
    third_party: Annotated[ThirdParty, nested(ThirdParty)]
    parties: Annotated[tuple[AgreementParty, ...], listed(nested(AgreementParty), 100)]
    outputs: Annotated[tuple[Output, ...], listed(nested(Output), 100)]  # by recipient, then name
    profile: Text
    sheet_digest: Digest
    encoder_digest: Digest
    comparisons: Annotated[tuple[Comparison, ...], listed(nested(Comparison), 100)]
    joiners: Annotated[tuple[Joining, ...], listed(nested(Joining), 100)] = ()  # one for each such recipient
    controls: Annotated[int, integer(0, MAX_CONTROLS)] = 0  # positive controls of each comparison
    guards: Annotated[GuardTerms, nested(GuardTerms)] = ORDINARY
    max_runs: Annotated[int, integer(1, 1_000)]
    valid: Annotated[Validity, nested(Validity)]
    retention: Annotated[Retention, nested(Retention)]

    @classmethod
    def from_json(cls, value: object, where: str = "") -> Self:
        """Read the document, and check that its parts agree with each other.

        Raises:
            ServiceError: `E_MESSAGE`, or `E_PLAN` for a plan.
        """
        agreement = super().from_json(value, where)
        parties, comparisons = agreement.parties, agreement.comparisons
        _check(_rises([one.party for one in parties]), f"{where}/parties", "triées, sans doublon")
        _check(len(parties) >= 2, f"{where}/parties", "au moins deux")
        _check(_rises([one.id for one in comparisons]), f"{where}/comparisons", "triées, sans doublon")
        _check(bool(comparisons), f"{where}/comparisons", "au moins une")
        for number, one in enumerate(comparisons):
            here = f"{where}/comparisons/{number}"
            named = comparison_name(one.recipient, one.source, one.subject)
            _check(one.id == named, f"{here}/id", "« destinataire.source », suivi de « .oppositions » au besoin")
            known = one.recipient != one.source and {one.recipient, one.source} <= agreement.members
            _check(known, here, "deux parties distinctes de la convention")
            names = all(_PASS_NAME.fullmatch(step.name) for step in one.plan.passes)
            _check(names, f"{here}/plan", "noms de passe en minuscules, chiffres et tirets")
        _check_outputs(agreement, f"{where}/outputs")
        _check_joiners(agreement, f"{where}/joiners")
        _check(agreement.valid.not_before < agreement.valid.not_after, f"{where}/valid", "début avant fin")
        return agreement

    @property
    def identifier(self) -> str:
        """T, in hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def members(self) -> frozenset[str]:
        """The parties' identifiers."""
        return frozenset(one.party for one in self.parties)

    def comparison(self, name: str) -> Comparison | None:
        """One comparison by its identifier."""
        return next((one for one in self.comparisons if one.id == name), None)

    def declared(self, party: str) -> int:
        """People that a party declares, the most of its comparisons; not how many it may send as objecting."""
        own = [one for one in self.comparisons if party in one.parties and not one.of_objections]
        return max((one.sizes.recipient if one.recipient == party else one.sizes.source for one in own), default=0)

    def outputs_of(self, recipient: str) -> tuple[Output, ...]:
        """What a party receives; nothing for most."""
        return tuple(one for one in self.outputs if one.recipient == recipient)

    def tells_grey(self, comparison: Comparison) -> bool:
        """Whether links in the grey zone are told at all.

        Whoever excludes links always needs them: not told of a doubtful link, it would award on it (design §3).
        """
        kept = {name for one in self.outputs if one.grey_policy != "ecarter" for name in one.requires}
        return comparison.id in kept or self.excludes(comparison)

    def excludes(self, comparison: Comparison) -> bool:
        """Whether some output excludes whoever is linked in a comparison: leaving people out of its source adds hits."""
        return any(comparison.id in one.excludes for one in self.outputs)

    def only_excludes(self, comparison: Comparison) -> bool:
        """Whether outputs exclude whoever is linked in a comparison, and none asks for it."""
        return self.excludes(comparison) and not any(comparison.id in one.requires for one in self.outputs)

    @property
    def unheard(self) -> tuple[Comparison, ...]:
        """Comparisons whose source keeps those who object there, though an output asks for its links as well.

        Another output excludes the same links, so that nobody may be left out, and those who object are not sent apart.
        """
        required = {name for one in self.outputs for name in one.requires}
        apart = {(one.recipient, one.source) for one in self.comparisons if one.of_objections}
        both = (one for one in self.comparisons if one.id in required and self.excludes(one))
        return tuple(one for one in both if one.parties not in apart)

    def joiner_of(self, recipient: str) -> str | None:
        """Who applies the rule for a recipient; None when the recipient does."""
        return next((one.joiner for one in self.joiners if one.recipient == recipient), None)

    def receiver_of(self, comparison: Comparison) -> str:
        """To whom the deliveries of a comparison are sealed: the joiner of its recipient, or the recipient itself."""
        return self.joiner_of(comparison.recipient) or comparison.recipient

    @property
    def receivers(self) -> frozenset[str]:
        """The parties to whom anything is sealed once the run is compared: recipients and joiners."""
        return frozenset({one.recipient for one in self.comparisons} | {one.joiner for one in self.joiners})

    def signature(self, key: SigningKey) -> bytes:
        """A party's signature of T."""
        return sign(key, Label.AGREEMENT, bytes.fromhex(self.identifier))

    def check_signature(self, public: bytes | tuple[bytes, ...], signature: bytes) -> None:
        """Check a party's signature of T.

        Raises:
            SignatureRefused: it is not.
        """
        verify(public, Label.AGREEMENT, bytes.fromhex(self.identifier), signature)


def _check_outputs(agreement: Agreement, where: str) -> None:
    """Outputs that depend on comparisons of their own recipient, and comparisons that serve one."""
    places = [(one.recipient, one.name) for one in agreement.outputs]
    _check(places == sorted(set(places)), where, "triés par destinataire puis par nom, sans doublon")
    may = {one.party for one in agreement.parties if one.role != "reference"}
    _check({party for party, _ in places} <= may, where, "des destinataires qui sont parties, et non des références")
    recipient_of = {one.id: one.recipient for one in agreement.comparisons}
    for number, one in enumerate(agreement.outputs):
        rises = (
            _rises(list(one.requires))
            and _rises(list(one.excludes))
            and len(set(one.comparisons)) == len(one.comparisons)
        )
        own = all(recipient_of.get(name) == one.recipient for name in one.comparisons)
        _check(rises and own, f"{where}/{number}", "des comparaisons du destinataire, triées, chacune une fois")
    used = {name for one in agreement.outputs for name in one.comparisons}
    _check(used == set(recipient_of), where, "que chaque comparaison serve à un résultat")
    objections = {one.id for one in agreement.comparisons if one.of_objections}
    excluded = all(name in one.excludes for name in objections for one in agreement.outputs_of(recipient_of[name]))
    _check(excluded, where, "que chaque résultat exclue ceux qui s'opposent")
    told = {one.id for one in agreement.comparisons if one.payload_bytes}
    required = {name for one in agreement.outputs for name in one.requires}
    _check(told <= required, where, "une charge utile seulement là où un lien est demandé")
    compared = {party for one in agreement.comparisons if not one.of_objections for party in one.parties}
    _check(compared == agreement.members, where, "que chaque partie figure dans une comparaison")


def _check_joiners(agreement: Agreement, where: str) -> None:
    """A joiner for each recipient that must not see what an output is made of, for no other; never the recipient itself."""
    several = sorted({one.recipient for one in agreement.outputs if len(one.comparisons) > 1})
    named = [one.recipient for one in agreement.joiners]
    _check(named == several, where, "un jointeur par destinataire d'un résultat de plusieurs comparaisons, triés")
    known = all(one.joiner != one.recipient and one.joiner in agreement.members for one in agreement.joiners)
    _check(known, where, "un jointeur est une autre partie de la convention")
