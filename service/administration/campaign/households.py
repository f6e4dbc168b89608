"""Households of which one member is excluded: where a right is a household's, a link of any member takes all of it away.

Rows are people: a household whose one member was found in a subtracted file would come out by its other member. The recipient
knows which of its own rows it sent and which are hits, and in its contacts who lives together; so for an output that asks for
no link and only excludes (`a - b`, `dedup(a > b)`) a household of which a row was sent and is no hit is left out. Where an
output asks for links, any member's hit is the household's, and nothing is left out here. Messages and what is passed on to the
body that acts (`journal transmit`) go by this.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from service.administration.campaign.contacts import Contact
from service.administration.conventions import AgreementStore
from service.administration.journal.ledger import Ledger
from service.administration.journal.objections import journal_folder
from service.administration.journal.sent_people import sent_files

__all__ = ["excluded_households", "left_out"]


def excluded_households(
    hits: Collection[str], sent: Collection[str], contacts: Mapping[str, Contact]
) -> frozenset[str]:
    """The households to leave out.

    Args:
        hits: identifiers of an output that only excludes.
        sent: identifiers that were in the file that was compared.
        contacts: who lives with whom.
    """
    found = {contacts[one].household for one in hits if one in contacts} - {""}
    others = {contacts[one].household for one in sent if one in contacts and one not in hits}
    return frozenset(found & others)


def left_out(home: Path, party: str, ledger: Ledger, name: str, contacts: Mapping[str, Contact]) -> frozenset[str]:
    """The households to leave out of a collection of results: none where its output asks for a link.

    Args:
        home: of the administration.
        party: the administration.
        ledger: open.
        name: of the collection, ``RUN/OUTPUT``.
        contacts: who lives with whom.

    Raises:
        ServiceError: no such collection or agreement.
    """
    collection = ledger.collection(name)
    if not collection.agreement:
        return frozenset()
    run, _, output = name.partition("/")
    agreement = AgreementStore(home).load(collection.agreement).agreement
    own = [one for one in agreement.outputs if one.recipient == party and one.name == output]
    if not own or own[0].requires:
        return frozenset()
    hits = {hit.identifier for hit in ledger.hits(name)}
    files = [one for one in sent_files(journal_folder(home)) if one.run == run]
    return excluded_households(hits, {identifier for one in files for identifier in one.among(contacts)}, contacts)
