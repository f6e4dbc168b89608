"""What a pass holds beside the party's own records: controls of both sides, canaries in one pass, payloads of the source."""

from __future__ import annotations

import secrets

import pytest

from crypto.keys import RunKey
from linkage.records import read_records
from linkage.wire import payload_width, row_bytes
from service.administration.outbox import encode
from service.administration.packing import planted
from service.administration.payload import payload_key
from service.errors import ServiceError
from service.guard_terms import GuardTerms
from tests.risk_reports import RISK
from tests.simulator import simulation
from tests.test_third_party_cannot_join import LENGTH, Seen, encoded
from tests.three_parties import COUNT, ThreeParties


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A run with payloads and canaries."""
    folder = tmp_path_factory.mktemp("packing")
    with simulation(folder / "data") as sim:
        yield ThreeParties(sim, folder, guards=GuardTerms(canaries=6, near_permille=1000))


@pytest.fixture(scope="module")
def packed(three) -> dict[str, list[Seen]]:
    """The uploads of the recipient and of the source with payloads."""
    keys = {one.id: RunKey(secrets.token_bytes(32)) for one in three.agreement.comparisons}
    return {party: encoded(three, party, keys, three.folder) for party in ("caf", "cnous")}


def test_a_recipient_adds_controls_only(three, packed):
    """They are the records after its own; it carries no payload and hides nobody."""
    for one in packed["caf"]:
        assert row_bytes(LENGTH) == one.manifest.row_bytes
        assert frozenset() == one.canaries
        added = {place for place in one.records.values() if place >= COUNT}
        assert added <= set(range(COUNT, COUNT + three.agreement.controls))
        assert len(added) >= three.agreement.controls - 1


def test_a_source_hides_its_canaries_and_every_row_carries_a_payload(three, packed):
    """Six of them over all passes, each in one; their payloads are like any other."""
    assert 6 == sum(len(one.canaries) for one in packed["cnous"])
    for one in packed["cnous"]:
        assert row_bytes(LENGTH, payload_width(40)) == one.manifest.row_bytes
        assert len(one.rows) == one.manifest.count == len(one.payloads)
        assert len(one.rows) == len({row.tobytes() for row in one.payloads})


def test_the_recipient_keeps_what_opens_the_payloads_of_its_comparison(three, packed):
    """A key a pass, and no more; the source keeps none."""
    folder = three.seats["caf"].folder
    key = RunKey(folder.secret("key", "caf.cnous"))
    for plan in three.agreement.comparison("caf.cnous").plan.passes:
        assert payload_key(key, plan.name) == folder.secret("payload", f"caf.cnous/{plan.name}")
    assert None is folder.secret("payload", "caf.dgfip/jour")
    folder.drop_secrets("key")
    three.seats["cnous"].folder.forget()
    folder.forget()
    assert None is folder.secret("payload", "caf.cnous/jour")


def test_an_agreement_without_guests_adds_nobody(three):
    """The records are the very same object, so that nothing is copied."""
    seat, comparison = three.seats["caf"], three.agreement.comparisons[0]
    records = read_records(three.file_of("caf"), seat.stored.demarche.sheet(), seat.operand)
    together, controls, canaries = planted(seat, comparison, records, RunKey(secrets.token_bytes(32)))
    assert (COUNT + controls, ()) == (len(together), canaries.pass_of)
    assert list(records.ids) == list(together.ids[:COUNT])


def test_a_payload_that_was_agreed_must_be_there(three):
    """A source that brings none is told so before anything is encoded."""
    seat = three.seats["cnous"]
    seat.folder.keep_secrets("key", {"caf.cnous": secrets.token_bytes(32)})
    records = read_records(three.file_of("cnous"), seat.stored.demarche.sheet(), seat.operand)
    with pytest.raises(ServiceError, match="E_CHARGE_ABSENTE"):
        encode(seat, records, risk=RISK)
