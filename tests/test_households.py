"""Households of which one member is excluded."""

from hypothesis import given
from hypothesis import strategies as st

from service.administration.campaign.contacts import Contact
from service.administration.campaign.households import excluded_households


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
