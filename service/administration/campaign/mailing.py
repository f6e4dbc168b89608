"""What is due, as one file a channel, as senders of messages read them: `;`, every cell quoted, UTF-8 with its mark, CRLF.

===================  ======================================================================================
file                 columns
===================  ======================================================================================
``sms.csv``          identifiant, mobile, emetteur, texte, segments
``courriel.csv``     identifiant, courriel, nom, objet, texte, langue
``courrier.csv``     identifiant, nom, adresse1…adresse6, objet, texte, langue; as pages: ``courrier-001.pdf``…
``espace_usager``    identifiant, objet, texte
``appel_sortant``    identifiant, nom, telephone, langue; the script is ``appel_sortant.txt``
``application``      ``application.jsonl``, one notification a line (`ami`)
others               identifiant, nom, telephone, accompagnant, langue, usage: lists for people who receive people
===================  ======================================================================================

A cell that a spreadsheet would take for a formula gets an apostrophe. Files that name people are made readable by their owner
only. What was written is noted in the journal once all files are there.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from service.administration.campaign.ami import Notice, notification
from service.administration.campaign.letter_pages import Letter, write_letters
from service.administration.campaign.roll import Campaign, Dispatch, record
from service.administration.campaign.steps import words_of
from service.administration.campaign.texts import WRITTEN, Text, Texts
from service.administration.journal.ledger import Ledger
from service.demarche import CHANNELS

__all__ = ["FIELDS", "ROUTED", "Mailing", "Written", "as_read", "note_mailing", "write_mailing", "write_rows"]

FIELDS: Mapping[str, tuple[str, ...]] = {
    "sms": ("identifiant", "mobile", "emetteur", "texte", "segments"),
    "courriel": ("identifiant", "courriel", "nom", "objet", "texte", "langue"),
    "courrier": ("identifiant", "nom", *(f"adresse{n}" for n in range(1, 7)), "objet", "texte", "langue"),
    "espace_usager": ("identifiant", "objet", "texte"),
    "appel_sortant": ("identifiant", "nom", "telephone", "langue"),
}
ROUTED = ("identifiant", "courriel", "mobile", "sans_reponse", "demarche_a_proposer")
_OTHERS = ("identifiant", "nom", "telephone", "accompagnant", "langue", "usage")
_APART = {"application": "application.jsonl", "appel_sortant": "appel_sortant.txt"}  # beside the tables
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """What an export needs besides the messages.

    Attributes:
        texts: of the démarche.
        folder: where the files go.
        until: first day without the results.
        now: when it leaves.
        fields: columns of the contacts that templates may use.
    """

    texts: Texts
    folder: Path
    until: date
    now: datetime
    fields: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Written:
    """What an export wrote.

    Attributes:
        messages: channel → how many.
        unprinted: letters that are in no PDF.
        untranslated: messages in French to people who asked for another language.
    """

    messages: Mapping[str, int]
    unprinted: int = 0
    untranslated: int = 0


def write_mailing(mailing: Mailing, dispatches: Sequence[Dispatch]) -> Written:
    """Write one file a channel, and the letters as pages; what an export before left in the folder is no more there.

    Raises:
        ServiceError: what `Texts.text` refuses.
    """
    mailing.folder.mkdir(parents=True, exist_ok=True)
    for name in (*(f"{channel}.csv" for channel in CHANNELS), *_APART.values()):
        (mailing.folder / name).unlink(missing_ok=True)  # its people may have objected since
    by_channel: dict[str, list[Dispatch]] = defaultdict(list)
    for one in dispatches:
        by_channel[one.channel].append(one)
    for channel, some in by_channel.items():
        if channel == "application":
            _write_notifications(mailing, some)
            continue
        write_rows(mailing.folder / f"{channel}.csv", FIELDS.get(channel, _OTHERS), _rows(mailing, channel, some))
        if channel == "appel_sortant":
            script = _text(mailing, channel, some[0]).body
            (mailing.folder / _APART[channel]).write_text(script, "utf-8")
    return Written(
        messages={channel: len(some) for channel, some in sorted(by_channel.items()) if some},
        unprinted=_print(mailing, by_channel["courrier"]),
        untranslated=sum(_left_in_french(mailing, one) for one in dispatches),
    )


def note_mailing(ledger: Ledger, one: Campaign, dispatches: Sequence[Dispatch], now: datetime) -> None:
    """Note in the journal what has left: an event for the campaign, a trace for the person."""
    for dispatch in dispatches:
        tokens, today = [hit.token for hit in dispatch.hits], now.date()
        record(ledger, one, tokens, "envoi", today, f"{dispatch.due.place}:{dispatch.channel}")
        ledger.trace(one.collection, tokens, f"message:{dispatch.channel}", today)


def _left_in_french(mailing: Mailing, one: Dispatch) -> bool:
    if one.channel not in WRITTEN or one.channel == "appel_sortant" or one.contact.language == "fr":
        return False
    return _text(mailing, one.channel, one).language == "fr"


def _print(mailing: Mailing, dispatches: Sequence[Dispatch]) -> int:
    """Write the letters as pages; how many have a character that no page can show."""
    letters = []
    for one in dispatches:
        text = _text(mailing, "courrier", one)
        letters.append(Letter(to=(one.contact.name, *one.contact.address), body=text.body))
    _, unprinted = write_letters(mailing.folder, letters, mailing.texts.head.sender, mailing.now.date())
    return unprinted


def _rows(mailing: Mailing, channel: str, dispatches: Sequence[Dispatch]) -> list[dict[str, str]]:
    rows = []
    for one in dispatches:
        row = {
            "identifiant": one.contact.identifier,
            "nom": one.contact.name,
            "courriel": one.contact.mail,
            "mobile": one.contact.mobile,
            "telephone": one.contact.phone,
            "accompagnant": one.contact.helper,
            "langue": one.contact.language,
            "usage": "attribution" if one.award else "information",
            "emetteur": mailing.texts.head.short,
        }
        row |= {f"adresse{n}": line for n, line in enumerate(one.contact.address, 1)}
        if channel in WRITTEN and channel != "appel_sortant":
            text = _text(mailing, channel, one)
            row |= {
                "objet": text.subject,
                "texte": text.body.strip(),
                "segments": str(text.size.segments if text.size else ""),
            }
        rows.append(row)
    return rows


def _text(mailing: Mailing, channel: str, one: Dispatch) -> Text:
    step = words_of(one.due.step, award=one.award)
    values = {name: value for name in mailing.fields if (value := _value(one, name)) is not None}
    language = "fr" if channel == "appel_sortant" else one.contact.language  # one script for all calls
    return mailing.texts.text(channel, step, award=one.award, person=values, language=language)


def _value(one: Dispatch, name: str) -> str | None:
    """What a source told of the people of a message, where it told the same of all, else what the contacts say."""
    told = {hit.payload[name] for hit in one.hits if name in hit.payload}
    return told.pop() if len(told) == 1 else one.contact.values.get(name)


def write_rows(path: Path, fields: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write a CSV as administrations and senders of messages read it."""
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(fields)
        for row in rows:
            writer.writerow([_as_text(row.get(name, "")) for name in fields])


def _as_text(value: str) -> str:
    return f"'{value}" if value[:1] in _FORMULA else value


def as_read(cell: str) -> str:
    """What `write_rows` was given, of a cell that it wrote."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def _write_notifications(mailing: Mailing, dispatches: Sequence[Dispatch]) -> None:
    path = mailing.folder / _APART["application"]
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        for one in dispatches:
            notice = Notice(
                public=_text(mailing, "application", one),
                private=_text(mailing, "espace_usager", one),
                link=mailing.texts.head.link,
                until=mailing.until,
            )
            body = notification(one.contact.pivot, notice, mailing.now)
            file.write(json.dumps(body, ensure_ascii=False) + "\n")
