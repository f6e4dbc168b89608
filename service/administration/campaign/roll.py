"""A campaign in the journal: what happened to each person of a collection, and what is due to whom.

A campaign is about one collection of results, ends with it, and knows people by the collection's tokens. Events are kept
for each: `envoi` (detail: place of the step and channel), `reponse`, `deja_fait`, `plus_proposer`, `opposition`, `droit_ouvert`,
`deces`, `suspendu`, `repris`, `renvoi`, `rebond` (detail: channel), and those of journeys (`rdv`, `titre_disponible`…).
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Collection as Names
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from service.administration.campaign.contacts import Contact, channel_of
from service.administration.campaign.steps import FINAL, Due, History, due_step
from service.administration.journal.ledger import Collection, Hit, Ledger
from service.administration.journal.legal_clocks import over
from service.clauses import Step
from service.errors import ServiceError

__all__ = [
    "EVENTS",
    "Campaign",
    "Dispatch",
    "Plan",
    "Roll",
    "campaign",
    "campaigns",
    "living",
    "open_campaign",
    "plan_dispatches",
    "record",
    "rolls",
    "unreached",
]

EVENTS = (
    "reponse", "deja_fait", "plus_proposer", "opposition", "droit_ouvert", "deces", "suspendu", "repris", "renvoi", "rebond",
    "revu",
)  # fmt: skip
_REASONS = ("sans_fiche", "deces", "foyer_exclu", "a_revoir", "sans_contact", "contact_oppose", "sans_canal", "rien_du")


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """An open campaign.

    Attributes:
        name: its number.
        collection: whose people it is for.
        opened: its first day.
        terms: what it was opened with: `letterhead` (TOML), `templates` (folder, or empty), `demarche` (TOML).
    """

    name: str
    collection: str
    opened: date
    terms: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """One message that leaves.

    Attributes:
        contact: who gets it.
        hits: about whom.
        due: which step.
        channel: by which way.
        award: whether all of its hits may be awarded.
    """

    contact: Contact
    hits: tuple[Hit, ...]
    due: Due
    channel: str
    award: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How messages leave.

    Attributes:
        journey: the steps.
        channels: of the démarche, in its order.
        fallback: its ways without internet.
        household: whether one message is for a household.
        excluded: households that get none, because a member is excluded.
        objecting: identifiers of those who objected: nobody writes to them about others either.
        contact: who is told in place of the people found (`parent`), whom the contacts must name then; None: themselves.
        review: whether a doubtful hit waits until somebody has looked at it (event `revu`).
    """

    journey: Sequence[Step]
    channels: Sequence[str]
    fallback: Sequence[str]
    household: bool
    excluded: Names[str] = ()
    objecting: Names[str] = ()
    contact: str | None = None
    review: bool = False


@dataclass(kw_only=True)
class Roll:
    """What happened in a campaign, by token.

    Attributes:
        sent: (place of the step, channel, day), in order.
        events: event → latest day.
        barred: channels from which a message came back.
        held: whether messages are held back.
        resend: whether the last one is to be sent again.
    """

    sent: list[tuple[int, str, date]] = field(default_factory=list)
    events: dict[str, date] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    held: bool = False
    resend: bool = False

    def history(self, opened: date, due: date | None) -> History:
        """As the journey's clock wants it."""
        sent = [(place, day) for place, _, day in self.sent]
        return History(opened=opened, sent=sent, events=self.events, due=due, held=self.held, resend=self.resend)


def open_campaign(ledger: Ledger, collection: str, terms: Mapping[str, str], today: date) -> Campaign:
    """A new campaign about a living collection.

    Raises:
        ServiceError: `E_COLLECTE_INCONNUE`, `E_RESULTATS_DETRUITS`.
    """
    one = living(ledger, collection, today)
    name = secrets.token_hex(4)
    row = (name, one.name, json.dumps(dict(terms), ensure_ascii=False), today.isoformat())
    ledger.database.execute("INSERT INTO campaign VALUES (?, ?, ?, ?)", row)
    return Campaign(name=name, collection=one.name, opened=today, terms=terms)


def living(ledger: Ledger, collection: str, today: date) -> Collection:
    """A collection whose results may still be used.

    Raises:
        ServiceError: `E_COLLECTE_INCONNUE`, `E_RESULTATS_DETRUITS`.
    """
    one = ledger.collection(collection)
    if one.over is not None or over(one.until, today):
        sentence = "la durée de ces résultats est passée : ils ne servent plus ; allervers journal purge les détruit"
        raise ServiceError("E_RESULTATS_DETRUITS", sentence)
    return one


def campaigns(ledger: Ledger) -> list[Campaign]:
    """All campaigns, oldest first."""
    rows = ledger.database.execute("SELECT name, collection, opened, terms FROM campaign ORDER BY opened, name")
    return [
        Campaign(name=name, collection=collection, opened=date.fromisoformat(opened), terms=json.loads(terms))
        for name, collection, opened, terms in rows
    ]


def campaign(ledger: Ledger, name: str) -> Campaign:
    """One by its number.

    Raises:
        ServiceError: `E_CAMPAGNE_INCONNUE`.
    """
    for one in campaigns(ledger):
        if one.name == name:
            return one
    raise ServiceError("E_CAMPAGNE_INCONNUE", "aucune campagne ne porte ce numéro ; allervers campaign show les donne")


def record(ledger: Ledger, one: Campaign, tokens: Sequence[bytes], what: str, today: date, detail: str = "") -> int:
    """Note an event of some people; those who are not in the campaign's collection are left out. How many were noted."""
    known = [token for token in tokens if ledger.has(one.collection, token)]
    rows = [(one.name, token, what, detail, today.isoformat()) for token in known]
    ledger.database.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?)", rows)
    return len(rows)


def rolls(ledger: Ledger, one: Campaign) -> dict[bytes, Roll]:
    """What happened to each person of a campaign; people to whom nothing did are not there."""
    found: dict[bytes, Roll] = defaultdict(Roll)
    query = "SELECT token, what, detail, at FROM event WHERE campaign = ? ORDER BY rowid"
    for token, what, detail, at in ledger.database.execute(query, (one.name,)):
        _note(found[token], what, detail, date.fromisoformat(at))
    return dict(found)


def plan_dispatches(
    ledger: Ledger, one: Campaign, plan: Plan, contacts: Mapping[str, Contact], today: date
) -> tuple[list[Dispatch], dict[str, int]]:
    """What is due today, one message a contact, and how many people get none, by reason.

    Reasons: `sans_fiche` (not in the contacts), `deces`, `foyer_exclu` (a member of the household is excluded), `a_revoir`
    (a doubtful link that nobody has looked at), `sans_contact` (who is told in their place is not named), `contact_oppose`
    (who would be told objected), `sans_canal` (nothing reaches them), `rien_du` (nothing is due).
    """
    known, left = rolls(ledger, one), dict.fromkeys(_REASONS, 0)
    groups: dict[str, list[tuple[Hit, Contact]]] = defaultdict(list)
    for hit in ledger.hits(one.collection):
        about = contacts.get(hit.identifier)
        reason = _reason(hit, about, known, plan, contacts)
        if about is None or reason is not None:
            left[reason or "sans_fiche"] += 1
        else:
            groups[about.key(household=plan.household)].append((hit, about))
    found = []
    for members in groups.values():
        due = _due(members, known, one.opened, plan, today)
        if due is None:
            left["rien_du"] += len(members)
            continue
        dispatch = _dispatch(due, known, plan, contacts)
        if dispatch is None:
            left["sans_canal"] += len(due[1])
        else:
            found.append(dispatch)
    return sorted(found, key=lambda one: (one.channel, one.contact.identifier)), left


def _reason(
    hit: Hit, about: Contact | None, known: Mapping[bytes, Roll], plan: Plan, contacts: Mapping[str, Contact]
) -> str | None:
    """Why nothing is written about a hit, whatever is due; None: something may be."""
    if about is None:
        return "sans_fiche"
    reviewed = hit.usage == "attribution" or "revu" in known.get(hit.token, Roll()).events
    reasons = {
        "deces": about.dead or (about.told in contacts and contacts[about.told].dead),
        "foyer_exclu": bool(about.household) and about.household in plan.excluded,
        "a_revoir": plan.review and not reviewed,
        "sans_contact": plan.contact is not None and not about.named,
        "contact_oppose": about.told in plan.objecting,
    }
    return next((name for name, holds in reasons.items() if holds), None)


def unreached(ledger: Ledger, one: Campaign, contacts: Mapping[str, Contact]) -> list[dict[str, str]]:
    """The people whom no message reaches by e-mail or mobile, or who did not answer the one they got.

    Those who answered, objected or died are not among them, nor those to whom nothing was sent and who can be written to.
    """
    known, rows = rolls(ledger, one), []
    for hit in ledger.hits(one.collection):
        roll, contact = known.get(hit.token, Roll()), contacts.get(hit.identifier)
        answered = "reponse" in roll.events or any(name in roll.events for name in FINAL)
        if contact is None or contact.dead or answered:
            continue
        told = contacts.get(contact.told, contact)
        if roll.sent or not (told.mail or told.mobile):
            silent = "oui" if roll.sent else "non"
            row = {"identifiant": hit.identifier, "courriel": told.mail, "mobile": told.mobile, "sans_reponse": silent}
            rows.append(row)
    return sorted(rows, key=lambda row: row["identifiant"])


def _due(
    members: Sequence[tuple[Hit, Contact]], known: Mapping[bytes, Roll], opened: date, plan: Plan, today: date
) -> tuple[Due, list[tuple[Hit, Contact]]] | None:
    """The furthest step that is due to somebody of a group, and to whom."""
    dues = []
    for hit, about in members:
        history = known.get(hit.token, Roll()).history(opened, about.due)
        due = due_step(plan.journey, history, today)
        if due is not None:
            dues.append((due, hit, about))
    if not dues:
        return None
    furthest = max(dues, key=lambda one: one[0].place)[0]
    return furthest, [(hit, about) for due, hit, about in dues if due.place == furthest.place]


def _dispatch(
    due: tuple[Due, list[tuple[Hit, Contact]]],
    known: Mapping[bytes, Roll],
    plan: Plan,
    contacts: Mapping[str, Contact],
) -> Dispatch | None:
    step, members = due
    _, about = min(members, key=lambda one: one[1].identifier)
    told = contacts.get(about.told, about)
    barred = {channel for hit, _ in members for channel in known.get(hit.token, Roll()).barred}
    channel = channel_of(told, plan.channels, plan.fallback, barred)
    if channel is None:
        return None
    hits = tuple(sorted((hit for hit, _ in members), key=lambda one: one.identifier))
    award = all(one.usage == "attribution" for one in hits)
    return Dispatch(contact=told, hits=hits, due=step, channel=channel, award=award)


def _note(roll: Roll, what: str, detail: str, at: date) -> None:
    if what == "envoi":
        place, _, channel = detail.partition(":")
        roll.sent.append((int(place), channel, at))
        roll.resend = False
    elif what == "rebond":
        roll.barred.add(detail)
        roll.resend = True  # by another way
    elif what in ("suspendu", "repris"):
        roll.held = what == "suspendu"
    elif what == "renvoi":
        roll.resend = True
    else:
        roll.events[what] = at
