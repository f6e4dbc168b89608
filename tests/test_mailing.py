"""One file a channel, as senders of messages read them."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.administration.campaign.contacts import Contact
from service.administration.campaign.letterhead import read_letterhead
from service.administration.campaign.mailing import FIELDS, Mailing, note_mailing, write_mailing
from service.administration.campaign.roll import Dispatch, open_campaign, rolls
from service.administration.campaign.steps import Due
from service.administration.campaign.texts import Texts
from service.administration.journal.ledger import Hit, open_ledger, trace_use
from service.clauses import Step
from service.demarche import load_demarche
from tests.desks import LETTERHEAD, NAME, RUN, TODAY, Desk

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
PIVOT = {
    "given_name": "Angela Claire Louise", "family_name": "DUBOIS", "birthdate": "1962-08-24", "gender": "female",
    "birthplace": "75107", "birthcountry": "99100",
}  # fmt: skip


@pytest.fixture
def mailing(tmp_path):
    texts = Texts(demarche=load_demarche("c2s-rsa"), head=read_letterhead(LETTERHEAD))
    return Mailing(texts=texts, folder=tmp_path / "out", until=TODAY, now=NOW)


def dispatch(number, channel, *, award=True, template="attribution", **more):
    who = Contact(identifier=f"P{number}", told=f"P{number}", name="=Mme Zoé Lefèvre", mobile="0612345678", **more)
    hit = Hit(token=bytes([number] * 16), identifier=f"P{number}", usage="attribution", payload={})
    due = Due(place=0, step=Step(at="T0", condition=None, template=template), since=TODAY)
    return Dispatch(contact=who, hits=(hit,), due=due, channel=channel, award=award)


def rows(path):
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.endswith(b'"\r\n')
    return list(csv.DictReader(data.decode("utf-8-sig").splitlines(), delimiter=";"))


def test_each_channel_has_its_columns(mailing):
    """Every file that has some, and the count of each."""
    channels = ("sms", "courriel", "courrier", "espace_usager", "appel_sortant", "france_services")
    some = [dispatch(number, channel) for number, channel in enumerate((*channels, "sms"))]
    assert {**dict.fromkeys(sorted(channels), 1), "sms": 2} == write_mailing(mailing, some).messages
    for channel in channels:
        (row, *_) = rows(mailing.folder / f"{channel}.csv")
        assert list(FIELDS.get(channel, row)) == list(row)
    assert (mailing.folder / "appel_sortant.txt").read_text("utf-8").startswith("SCRIPT D'APPEL")


def test_an_sms_has_its_sender_and_its_segments(mailing):
    """One line of text."""
    write_mailing(mailing, [dispatch(1, "sms")])
    (row,) = rows(mailing.folder / "sms.csv")
    assert ("P1", "0612345678", "CAF 23", "2") == (row["identifiant"], row["mobile"], row["emetteur"], row["segments"])
    assert "\n" not in row["texte"]


def test_no_cell_is_a_formula(mailing):
    """A name that begins like one gets an apostrophe."""
    write_mailing(mailing, [dispatch(1, "france_services")])
    (row,) = rows(mailing.folder / "france_services.csv")
    assert ("'=Mme Zoé Lefèvre", "attribution") == (row["nom"], row["usage"])


def test_a_doubtful_link_never_announces_an_award(mailing):
    """The text of an award becomes that of an information."""
    write_mailing(mailing, [dispatch(1, "espace_usager", award=False)])
    (row,) = rows(mailing.folder / "espace_usager.csv")
    assert "va vous être ouvert" not in row["texte"]
    assert "vous pourriez bénéficier" in row["texte"]
    assert "algorithmique" not in row["texte"]


def test_what_a_source_told_comes_before_the_contacts(mailing, tmp_path):
    """Where it told the same of all of a message's people."""
    (tmp_path / "courriel.txt").write_text(
        "{{ tranche }} {{ mentions.finalite }} {{ mentions.source }} {{ mentions.droits }} {{ mentions.opposition }} "
        "{{ mentions.dpo }} {{ mentions.algorithme }}",
        "utf-8",
    )
    own = replace(mailing, fields=("tranche",), texts=replace(mailing.texts, folder=tmp_path))
    one = dispatch(1, "courriel", values={"tranche": "Z"})
    hits = [replace(one.hits[0], payload={"tranche": band}) for band in ("B", "B", "C")]
    some = [replace(one, hits=tuple(each)) for each in (hits[:2], hits[1:], one.hits)]
    write_mailing(own, some)
    assert ["B", "Z", "Z"] == [row["texte"][0] for row in rows(own.folder / "courriel.csv")]


def test_notifications_are_one_body_a_line(mailing):
    """With the hash of the pivot identity, and nothing of the file's numbers."""
    write_mailing(mailing, [dispatch(7, "application", pivot=PIVOT)])
    (line,) = (mailing.folder / "application.jsonl").read_text("utf-8").splitlines()
    body = json.loads(line)
    assert "2026-11-20T00:00:00Z" == body["valid_until"]
    assert "P7" not in line
    assert "DUBOIS" not in line


def test_nothing_of_an_export_before_stays_in_the_folder(mailing):
    """Who was written to then may have objected since; files of the agent's own are left alone."""
    some = [
        dispatch(1, "sms"),
        dispatch(2, "courrier"),
        dispatch(3, "application", pivot=PIVOT),
        dispatch(4, "appel_sortant"),
    ]
    write_mailing(mailing, some)
    (mailing.folder / "notes.csv").write_text("à moi", "utf-8")
    assert {"sms": 1} == write_mailing(mailing, [dispatch(5, "sms")]).messages
    assert ["notes.csv", "sms.csv"] == sorted(one.name for one in mailing.folder.iterdir())


def test_what_left_is_in_the_journal(tmp_path):
    """An event of the campaign and a trace of the person."""
    desk = Desk(tmp_path)
    desk.fill(2)
    with open_ledger(desk.home) as ledger:
        one = open_campaign(ledger, RUN, {}, TODAY)
        hits = tuple(ledger.hits(NAME))
        sent = dispatch(0, "courrier")
        note_mailing(
            ledger, one, [Dispatch(contact=sent.contact, hits=hits, due=sent.due, channel="courrier", award=False)], NOW
        )
        assert {(0, "courrier", TODAY)} == {each for roll in rolls(ledger, one).values() for each in roll.sent}
        traces = ledger.traces(NAME, ledger.keys.token(trace_use(NAME), "P1"))
    assert ["hit", "message:courrier"] == [what for what, _ in traces]


def test_files_that_name_people_are_their_owners_alone(mailing):
    """Whatever the channel."""
    write_mailing(mailing, [dispatch(1, "sms"), dispatch(2, "application", pivot=PIVOT)])
    modes = {path.name: path.stat().st_mode & 0o777 for path in mailing.folder.iterdir()}
    assert {"sms.csv": 0o600, "application.jsonl": 0o600} == modes


def test_letters_are_pages_too_and_what_was_not_is_counted(mailing):
    """Beside the CSV; a name that no page can show, and a language that nobody translated, are counted, never dropped."""
    some = [
        dispatch(1, "courrier", address=("1 rue du Pont", "23000 Guéret")),
        dispatch(2, "courrier", address=("Ғ",), language="uk"),
        dispatch(3, "sms", language="en"),
        dispatch(4, "appel_sortant", language="en"),
    ]
    written = write_mailing(mailing, some)
    assert (2, 1, 2) == (written.messages["courrier"], written.unprinted, written.untranslated)
    assert 2 == len(rows(mailing.folder / "courrier.csv"))
    page = mailing.folder / "courrier-001.pdf"
    assert page.read_bytes().startswith(b"%PDF-")
    assert 0o600 == page.stat().st_mode & 0o777
