"""What is over is destroyed, and a receipt says so."""

import json
import shutil
from datetime import date

import pytest

from crypto.errors import SealBroken, SignatureRefused
from crypto.framing import canonical_json, parse_canonical_json
from crypto.signatures import SigningKey
from service.administration.journal.journaling import answer
from service.administration.journal.ledger import open_ledger, trace_use
from service.administration.journal.legal_clocks import traces_end
from service.administration.journal.objections import journal_folder, read_register
from service.administration.journal.purging import check_receipts, destroy_results, purge
from service.administration.journal.sent_people import sent_files, write_sent
from tests.desks import NAME, RUN, TODAY, Desk

SOON = date(2027, 2, 20)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_nothing_goes_before_its_time(desk):
    """And no receipt is written for nothing."""
    desk.fill(20, until=SOON)
    desk.today = date(2027, 2, 19)
    with open_ledger(desk.home) as ledger:
        assert [] == purge(ledger, desk.home, desk.signer)
        assert 20 == len(desk.identifiers(ledger))


def test_results_go_on_their_day_with_a_receipt(desk):
    """The receipt says what and about how many, in bands; traces stay."""
    desk.fill(20, until=SOON)
    with open_ledger(desk.home) as ledger:
        commitment = ledger.keys.commitment(NAME)
    desk.today = SOON
    with open_ledger(desk.home) as ledger:
        (signed,) = purge(ledger, desk.home, desk.signer)
        assert [] == purge(ledger, desk.home, desk.signer)
        assert [SOON] == [one.over for one in ledger.collections()]
        assert [] == desk.identifiers(ledger)
        assert ["hit"] == [what for what, _ in ledger.traces(NAME, ledger.keys.token(trace_use(NAME), "P3"))]
        (statement,) = check_receipts(ledger, desk.key.verify_bytes())
    assert json.loads(signed)["statement"] == statement
    expected = {
        "agreement": "cd" * 32, "cause": "duree", "collection": NAME, "demarche": "c2s-rsa",
        "destroyed_at": "2027-02-20T12:00:00Z", "format": "allervers/deletion-receipt/v1",
        "key_commitment": commitment, "party": "cnaf", "people": {"least": 20, "most": 49}, "what": "resultats",
    }  # fmt: skip
    assert expected == statement


def test_a_copy_made_before_is_unreadable_after(desk, tmp_path):
    """The key is destroyed: yesterday's database opens nothing with today's keys."""
    desk.fill(20, until=SOON)
    path = journal_folder(desk.home) / "journal.sqlite"
    shutil.copy(path, tmp_path / "copy")
    desk.today = SOON
    with open_ledger(desk.home) as ledger:
        purge(ledger, desk.home, desk.signer)
    shutil.copy(tmp_path / "copy", path)
    with open_ledger(desk.home) as ledger, pytest.raises(SealBroken):
        list(ledger.hits(NAME))


def test_traces_files_and_objections_have_their_own_clocks(desk):
    """Thirty-six months, and what the démarche says."""
    desk.fill(3, until=SOON)
    write_sent(journal_folder(desk.home), RUN, "c2s-rsa", "rsa", (TODAY, traces_end(TODAY)), ["P1"])
    with open_ledger(desk.home) as ledger:
        answer(ledger, desk.home, ["P1"], "opposition", "c2s-rsa", TODAY)
    desk.today = date(2028, 11, 20)
    with open_ledger(desk.home) as ledger:
        purge(ledger, desk.home, desk.signer)
        assert [] == read_register(desk.home)
        assert 1 == len(sent_files(journal_folder(desk.home)))
    desk.today = date(2029, 11, 20)
    with open_ledger(desk.home) as ledger:
        purge(ledger, desk.home, desk.signer)
        assert [] == ledger.traces(NAME, ledger.keys.token(trace_use(NAME), "P1"))
        assert [] == sent_files(journal_folder(desk.home))
        whats = [one["what"] for one in check_receipts(ledger, desk.key.verify_bytes())]
    assert ["resultats", "objections", "traces"] == whats


def test_results_may_go_earlier(desk):
    """When the campaign is over."""
    desk.fill(3)
    with open_ledger(desk.home) as ledger:
        destroy_results(ledger, ledger.collection(RUN), desk.signer, "campagne_terminee")
        assert [] == desk.identifiers(ledger)
        assert ["campagne_terminee"] == [one["cause"] for one in check_receipts(ledger, desk.key.verify_bytes())]


def test_an_altered_receipt_is_refused(desk):
    """Signed by another key, or with other words."""
    desk.fill(3)
    with open_ledger(desk.home) as ledger:
        destroy_results(ledger, ledger.collection(RUN), desk.signer, "demande")
        with pytest.raises(SignatureRefused):
            check_receipts(ledger, SigningKey.generate().verify_bytes())
        ((number, signed),) = ledger.receipts()
        altered = parse_canonical_json(signed.encode(), 10_000)
        assert isinstance(altered, dict)
        altered["statement"]["cause"] = "duree"  # type: ignore[index, call-overload]
        ledger.database.execute(
            "UPDATE receipt SET signed = ? WHERE number = ?", (canonical_json(altered).decode(), number)
        )
        with pytest.raises(SignatureRefused):
            check_receipts(ledger, desk.key.verify_bytes())
