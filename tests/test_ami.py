"""Notifications of the State's application."""

import hashlib
from datetime import UTC, date, datetime

import pytest

from service.administration.campaign.ami import Notice, fc_hash, notification
from service.administration.campaign.texts import Text
from service.errors import ServiceError

PIVOT = {
    "given_name": "Angela Claire Louise", "family_name": "DUBOIS", "birthdate": "1962-08-24", "gender": "female",
    "birthplace": "75107", "birthcountry": "99100",
}  # fmt: skip


def test_the_address_is_the_plain_hash_of_the_pivot_identity():
    """Of its members one behind the other, in this order."""
    expected = hashlib.sha256(b"Angela Claire LouiseDUBOIS1962-08-24female7510799100").hexdigest()
    assert expected == fc_hash(PIVOT)


def test_a_birth_abroad_has_no_place():
    """Whatever the file says of it."""
    abroad = {**PIVOT, "birthcountry": "99352"}
    assert fc_hash(abroad) == fc_hash({**abroad, "birthplace": ""}) != fc_hash(PIVOT)


@pytest.mark.parametrize(("name", "value"), [("family_name", ""), ("gender", "F"), ("birthdate", "")])
def test_an_identity_with_holes_is_refused(name, value):
    """The value is not repeated."""
    with pytest.raises(ServiceError) as caught:
        fc_hash({**PIVOT, name: value})
    assert "E_IDENTITE_PIVOT" == caught.value.code
    assert "DUBOIS" not in caught.value.message


def test_the_body_has_the_members_of_the_interface():
    """What shows on a locked screen is the public text; the item has a number of its own."""
    notice = Notice(
        public=Text(subject="Objet", body="public\n", size=None), private=Text(subject="Objet", body="privé\n", size=None),
        link="https://caf23.gouv.fr/droits", until=date(2027, 11, 20),
    )  # fmt: skip
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    body, again = notification(PIVOT, notice, now), notification(PIVOT, notice, now)
    assert body["item_id"] != again["item_id"]
    body.pop("item_id")
    expected = {
        "recipient_fc_hash": fc_hash(PIVOT), "content_title": "Objet", "content_body": "public", "content_private_body": "privé",
        "content_link": "https://caf23.gouv.fr/droits", "item_type": "information", "item_status_label": "Nouveau message",
        "item_generic_status": "new", "item_canal": "application", "send_date": "2026-11-20T09:00:00Z",
        "valid_until": "2027-11-20T00:00:00Z", "try_push": True,
    }  # fmt: skip
    assert expected == body
