"""Households of which one member is excluded: where a right is a household's, a link of any member takes all of it away.

Rows are people: a household whose one member was found in a subtracted file would come out by its other member. The recipient
knows which of its own rows it sent and which are hits, and in its contacts who lives together; so for an output that asks for
no link and only excludes (`a - b`, `dedup(a > b)`) a household of which a row was sent and is no hit is left out. Where an
output asks for links, any member's hit is the household's, and nothing is left out here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from service.administration.campaign.contacts import Contact

__all__ = ["excluded_households"]


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
