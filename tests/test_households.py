"""Households of which one member is excluded."""

from hypothesis import given
from hypothesis import strategies as st

from service.administration.campaign.contacts import Contact
from service.administration.campaign.households import excluded_households, left_out
from service.administration.journal.journaling import note_hits, note_sent
from service.administration.journal.ledger import open_ledger
from tests.desks import RUN, TODAY
from tests.partners import scene


def book(**homes: str) -> dict[str, Contact]:
    return {name: Contact(identifier=name, told=name, household=home) for name, home in homes.items()}


def test_a_member_that_was_sent_and_is_no_hit_excludes_the_household():
    """One that was not sent, or lives alone, excludes nobody."""
    contacts = book(A="F1", B="F1", C="F2", D="F2", E="", F="F3")
    assert frozenset({"F1"}) == excluded_households({"A", "C", "E", "F"}, {"A", "B", "C", "E", "F"}, contacts)


def test_people_who_are_not_in_the_contacts_are_left_to_others():
    """They are counted as such elsewhere."""
    assert frozenset() == excluded_households({"A"}, {"A", "B"}, {})


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["", "F1", "F2", "F3"])), st.data())
def test_as_the_slow_definition_says(homes, data):
    """For any households, hits and files."""
    sent = data.draw(st.sets(st.sampled_from("abcdefgh")))
    hits = {one for one in sent if data.draw(st.booleans())}
    contacts = book(**homes)
    expected = set()
    for one in hits:
        for other in sent - hits:
            if homes.get(one) and homes.get(one) == homes.get(other):
                expected.add(homes[one])
    assert expected == set(excluded_households(hits, sent, contacts))


def test_households_are_judged_by_what_was_sent_and_what_came_back(tmp_path):
    """An output that only excludes: a member that was sent and is no hit takes the household out."""
    known = scene(tmp_path)
    home, agreement = known.homes["cnaf"], known.agreement
    assert () == agreement.outputs[0].requires
    note_sent(home, agreement, RUN, "rsa", ["A", "B", "C"], TODAY)
    homes = {"A": "F1", "B": "F1", "C": "F2", "D": "F2"}
    contacts = {name: Contact(identifier=name, told=name, household=one) for name, one in homes.items()}
    with open_ledger(home) as ledger:
        note_hits(ledger, (agreement, RUN, "resultats"), 3, [("A", "attribution", {}), ("C", "attribution", {})], TODAY)
        assert {"F1"} == left_out(home, "cnaf", ledger, f"{RUN}/resultats", contacts)
