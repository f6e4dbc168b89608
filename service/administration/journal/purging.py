"""What is over is destroyed at once, with a signed receipt; nothing here waits for anybody to ask.

Results whose clock has run out: the key of their collection first, then the rows and the campaigns about them. Traces, files of
tokens and objections: the rows. Each receipt is ``{"statement", "signature"}`` of format ``allervers/deletion-receipt/v1``,
signed with the administration's own key (label `deletion-receipt`): what, of which démarche and run, why, about how many people
(in bands), when, and the commitment of the key that was destroyed, by which any copy of it can be told. A purge that is cut
starts again where nothing is lost: a destroyed key is destroyed, and its receipt is written by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crypto.framing import Label, canonical_json, parse_canonical_json
from crypto.signatures import SigningKey, open_statement, sign_statement
from service.administration.journal.ledger import Collection, Ledger
from service.administration.journal.legal_clocks import over
from service.administration.journal.objections import journal_folder, read_register, write_register
from service.administration.journal.sent_people import sent_files
from service.counts import band_of
from service.forms import write_time

__all__ = ["CAUSES", "RECEIPT_FORMAT", "Signer", "check_receipts", "destroy_results", "purge"]

RECEIPT_FORMAT = "allervers/deletion-receipt/v1"
CAUSES = ("duree", "opposition", "demande", "campagne_terminee")
_LONGEST = 100_000  # bytes of a receipt


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who signs receipts.

    Attributes:
        party: identifier of the administration.
        key: its signing key.
        clock: the time, aware, UTC.
    """

    party: str
    key: SigningKey
    clock: Callable[[], datetime]

    def receipt(self, cause: str, what: str, people: int, about: Mapping[str, Any]) -> str:
        """A signed receipt, as canonical JSON."""
        statement = {
            "format": RECEIPT_FORMAT,
            "party": self.party,
            "cause": cause,
            "what": what,
            "people": band_of(people).to_json(),
            "destroyed_at": write_time(self.clock()),
            "agreement": about.get("agreement"),
            "collection": about.get("collection"),
            "demarche": about.get("demarche"),
            "key_commitment": about.get("key_commitment"),
        }
        return canonical_json(sign_statement(self.key, Label.DELETION, statement)).decode()


def purge(ledger: Ledger, home: Path, signer: Signer) -> list[str]:
    """Destroy everything whose clock has run out; the receipts, one each."""
    today = signer.clock().date()
    ended = [one for one in ledger.collections() if one.over is None and over(one.until, today)]
    signed = [destroy_results(ledger, one, signer, "duree") for one in ended]
    for what, people in (
        ("traces", _expired_traces(ledger, today.isoformat()) + _expired_files(home, today)),
        ("objections", _expired_objections(home, today)),
    ):
        if people:
            signed.append(_kept(ledger, signer.receipt("duree", what, people, {})))
    return signed


def destroy_results(ledger: Ledger, one: Collection, signer: Signer, cause: str) -> str:
    """Destroy the results of a collection: its key, its people, the campaigns about them; the receipt."""
    about = {
        "agreement": one.agreement,
        "collection": one.name,
        "demarche": one.demarche,
        "key_commitment": ledger.keys.commitment(one.name),
    }
    ledger.keys.destroy(one.name)
    database = ledger.database
    people = database.execute("DELETE FROM hit WHERE collection = ?", (one.name,)).rowcount
    database.execute(
        "DELETE FROM event WHERE campaign IN (SELECT name FROM campaign WHERE collection = ?)", (one.name,)
    )
    database.execute("DELETE FROM campaign WHERE collection = ?", (one.name,))
    database.execute("UPDATE collection SET over = ? WHERE name = ?", (signer.clock().date().isoformat(), one.name))
    return _kept(ledger, signer.receipt(cause, "resultats", people, about))


def check_receipts(ledger: Ledger, public: bytes | tuple[bytes, ...]) -> list[dict[str, Any]]:
    """The statements of all receipts, each signature checked.

    Raises:
        SignatureRefused, FormatRefused: one of them was altered.
    """
    signed: Sequence[str] = [one for _, one in ledger.receipts()]
    return [
        open_statement(public, Label.DELETION, parse_canonical_json(one.encode(), _LONGEST), RECEIPT_FORMAT)
        for one in signed
    ]


def _kept(ledger: Ledger, signed: str) -> str:
    ledger.add_receipt(signed)
    return signed


def _expired_traces(ledger: Ledger, today: str) -> int:
    (people,) = ledger.database.execute("SELECT count(DISTINCT token) FROM trace WHERE until <= ?", (today,)).fetchone()
    ledger.database.execute("DELETE FROM trace WHERE until <= ?", (today,))
    return int(people)


def _expired_files(home: Path, today: date) -> int:
    gone = [one for one in sent_files(journal_folder(home)) if over(one.until, today)]
    for one in gone:
        one.destroy()
    return sum(one.people for one in gone)


def _expired_objections(home: Path, today: date) -> int:
    register = read_register(home)
    left = [one for one in register if not over(one.until, today)]
    if len(left) < len(register):
        write_register(home, left)
    return len(register) - len(left)
