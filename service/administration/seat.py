"""One party's seat in a run: who it is, what it agreed to, with whom it compares, and where its files are.

Everything that a step of a run needs to know, and nothing that it does: keys of partners come from the pins,
the plan and the parties from the agreement whose signatures were checked, never from what the server says now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.keys import Identity, PublicIdentity
from linkage.formula import Formula
from linkage.plan import PassPlan
from service.administration.conventions import Pins, StoredAgreement
from service.administration.entitlement import formula_for, holders_of, objections_of
from service.administration.run_folder import RunFolder
from service.agreement import Agreement, Comparison, Output
from service.errors import ServiceError

if TYPE_CHECKING:
    from linkage.sheet import Sheet

__all__ = ["Seat"]


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A party in a run.

    Attributes:
        identity: its private keys.
        stored: the agreement, with the démarche it was judged by.
        folder: its local folder of the run.
        pins: gives the pinned identity of a party, or refuses.
    """

    identity: Identity
    stored: StoredAgreement
    folder: RunFolder
    pins: Pins

    @property
    def agreement(self) -> Agreement:
        """The agreement document."""
        return self.stored.agreement

    @property
    def party(self) -> str:
        """This party."""
        return self.identity.party

    @property
    def run(self) -> str:
        """Identifier of the run."""
        return self.folder.run

    @property
    def comparisons(self) -> list[Comparison]:
        """The comparisons this party is in.

        Raises:
            ServiceError: `E_CONVENTION_ETRANGERE`.
        """
        own = [one for one in self.agreement.comparisons if self.party in one.parties]
        if not own:
            sentence = "votre administration ne figure dans aucune comparaison de cette convention"
            raise ServiceError("E_CONVENTION_ETRANGERE", sentence)
        return own

    @property
    def operand(self) -> str:
        """The operand this party holds."""
        return self.operand_of(self.party)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What this party receives; nothing for most."""
        return self.agreement.outputs_of(self.party)

    @property
    def receives(self) -> bool:
        """Whether this party has hits."""
        return bool(self.outputs)

    def formula(self, output: Output) -> Formula:
        """What an output asks of the links of its recipient."""
        agreement = self.agreement
        return formula_for(output.expression, output.recipient, holders_of(agreement), objections_of(agreement))

    @property
    def joiner(self) -> str | None:
        """Who applies the rules for this party; None when it does so itself, or receives nothing."""
        return self.agreement.joiner_of(self.party)

    @property
    def joins(self) -> list[str]:
        """The recipients for whom this party is the joiner."""
        return [one.recipient for one in self.agreement.joiners if one.joiner == self.party]

    def comparisons_of(self, recipient: str) -> list[Comparison]:
        """The comparisons of a recipient, in the order of the agreement."""
        return [one for one in self.agreement.comparisons if one.recipient == recipient]

    def operand_of(self, party: str) -> str:
        """The operand that a party of the agreement holds."""
        return next(one.operand for one in self.agreement.parties if one.party == party)

    def alike(self, comparison: Comparison) -> bool | None:
        """Whether a link also asks for the same value of the attribute that twins divide by; None where it does not matter."""
        blind = self.stored.demarche.blind
        return blind.equal if blind is not None and self.sheet_of(comparison).twins else None

    def sheet_of(self, comparison: Comparison) -> Sheet:
        """The linkage sheet of a comparison."""
        operands = {self.operand_of(party) for party in comparison.parties}
        return self.stored.demarche.sheet_between(operands, of_objections=comparison.of_objections)

    def peer(self, comparison: Comparison) -> PublicIdentity:
        """The pinned identity of the other party of a comparison."""
        other = comparison.source if comparison.recipient == self.party else comparison.recipient
        return self.pins(other)

    def check_encoder(self) -> None:
        """Refuse to go on when this tool would not encode as the agreement says: its code, or the sheet it holds.

        Raises:
            ServiceError: `E_ENCODEUR_DIFFERENT`.
        """
        from linkage.holder import encoder_digest  # noqa: PLC0415 - the encoder: only where people are encoded

        sheet = self.stored.demarche.sheet()
        if (encoder_digest(), sheet.digest) != (self.agreement.encoder_digest, self.agreement.sheet_digest):
            sentence = (
                "l'encodeur ou la feuille de cet outil ne sont plus ceux de la convention : reprenez la version avec "
                "laquelle elle a été signée, ou concluez une nouvelle convention"
            )
            raise ServiceError("E_ENCODEUR_DIFFERENT", sentence)

    def passes(self) -> Iterator[tuple[Comparison, PassPlan]]:
        """Every pass this party encodes, in the order of the agreement."""
        for comparison in self.comparisons:
            for one in comparison.plan.passes:
                yield comparison, one
