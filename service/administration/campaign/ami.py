"""Notifications of the State's application (AMI): the body of ``PUT`` for each person, made by who contacts, only.

A person is addressed by ``recipient_fc_hash``, the SHA-256, in hexadecimal and without a key, of the pivot identity as
FranceConnect has it: given names, family name, birth date, gender, birthplace (empty for a birth abroad), country of birth.
Without a key, anybody with a list of people can tell whose it is: it is computed here, where the identity is anyway, and never
sent to the third party. What shows on a locked screen is the public text; `valid_until` is the end of what may be kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from service.administration.campaign.texts import Text
from service.errors import ServiceError
from service.forms import write_time

__all__ = ["PIVOT", "Notice", "fc_hash", "notification"]

PIVOT = ("given_name", "family_name", "birthdate", "gender", "birthplace", "birthcountry")
_FRANCE = "99100"
_TITLE, _BODY = 60, 400  # characters shown before a text is cut
_GENDERS = ("male", "female")


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What all notifications of a step have in common.

    Attributes:
        public: what shows on a locked screen.
        private: what shows once the application is open.
        link: the institutional page.
        until: first day without the results.
        label: of the démarche's state, in words.
    """

    public: Text
    private: Text
    link: str
    until: date
    label: str = "Nouveau message"


def fc_hash(pivot: Mapping[str, str]) -> str:
    """The address of a person.

    Args:
        pivot: the members of `PIVOT`; the birth date as AAAA-MM-JJ, the gender `male` or `female`.

    Raises:
        ServiceError: `E_IDENTITE_PIVOT`, something is missing.
    """
    needed = [name for name in PIVOT if name != "birthplace"]
    if any(not pivot.get(name) for name in needed) or pivot["gender"] not in _GENDERS:
        raise ServiceError("E_IDENTITE_PIVOT", f"l'identité pivot est incomplète ; il faut {', '.join(needed)}")
    place = pivot.get("birthplace", "") if pivot["birthcountry"] == _FRANCE else ""
    values = {**pivot, "birthplace": place}
    return hashlib.sha256("".join(values[name] for name in PIVOT).encode()).hexdigest()


def notification(pivot: Mapping[str, str], notice: Notice, now: datetime) -> dict[str, Any]:
    """The body of one ``PUT``.

    Args:
        pivot: of who is told.
        notice: the texts.
        now: when it is sent.

    Raises:
        ServiceError: `E_IDENTITE_PIVOT`.
    """
    return {
        "recipient_fc_hash": fc_hash(pivot),
        "content_title": notice.public.subject[:_TITLE],
        "content_body": notice.public.body.strip()[:_BODY],
        "content_private_body": notice.private.body.strip(),
        "content_link": notice.link,
        "item_type": "information",
        "item_id": secrets.token_hex(16),  # never the number of a file
        "item_status_label": notice.label,
        "item_generic_status": "new",
        "item_canal": "application",
        "send_date": write_time(now),
        "valid_until": f"{notice.until.isoformat()}T00:00:00Z",
        "try_push": True,
    }
