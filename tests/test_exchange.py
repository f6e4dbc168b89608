"""Shares open only for the partner they were sealed to, from the key that was pinned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crypto.keys import Identity, RunKey, Share, confirmation, fresh_share
from service.administration.exchange import collect_keys, confirmed, open_share, post_shares, seal_share
from service.administration.run_folder import RunFolder
from service.errors import ServiceError
from service.messages import Confirmation
from tests.partners import RUN, scene


class Relay:
    """What the third party does with shares and confirmations: keep them, give them to the other party."""

    def __init__(self) -> None:
        self.held: dict[str, list[Any]] = {"shares": [], "confirmations": []}

    def declare(self, run: Any, kind: Any, signed: Any) -> Any:
        if signed not in self.held[kind]:
            self.held[kind].append(dict(signed))

    def statements(self, run: Any, kind: Any) -> Any:
        return list(self.held[kind])


@pytest.fixture
def known(tmp_path):
    return scene(tmp_path)


@pytest.fixture
def seats(known):
    return known.seat("cnaf"), known.seat("cnam")


def join(seat: Any, relay: Any) -> Any:
    post_shares(seat, relay)
    return collect_keys(seat, relay)


def test_a_share_opens_for_its_partner(seats):
    """Sealed by one, opened by the other, and by nobody else."""
    ours, theirs = seats
    comparison, share = ours.comparisons[0], fresh_share()
    signed = seal_share(ours, comparison, share)
    assert share == open_share(theirs, comparison, signed)
    with pytest.raises(ServiceError, match="E_PART_REFUSEE"):
        open_share(ours, comparison, signed)


def test_a_share_of_another_run_is_refused(seats, known):
    """A share is bound to its run: played again in another one, it is refused."""
    ours, theirs = seats
    comparison = ours.comparisons[0]
    other = replace(ours, folder=RunFolder(ours.folder.path.with_name("ff" * 16)))
    signed = seal_share(other, comparison, fresh_share())
    with pytest.raises(ServiceError, match="E_PART_REFUSEE"):
        open_share(theirs, comparison, signed)


def test_a_man_in_the_middle_is_refused(seats):
    """A share signed by another key than the pinned one is not opened, whoever relays it."""
    ours, theirs = seats
    middle = replace(ours, identity=Identity.generate("cnaf", "CNAF"))
    signed = seal_share(middle, ours.comparisons[0], fresh_share())
    with pytest.raises(ServiceError, match="E_PART_REFUSEE"):
        open_share(theirs, ours.comparisons[0], signed)


def test_both_parties_get_the_same_key_and_confirm_it(seats):
    """The order does not matter, and each step can be done again."""
    ours, theirs = seats
    relay: Any = Relay()
    assert [join(ours, relay), join(theirs, relay), join(ours, relay)] == [False, True, True]
    assert [confirmed(ours, relay), confirmed(theirs, relay)] == [True, True]
    key = ours.folder.secret("key", "cnaf.cnam")
    assert key == theirs.folder.secret("key", "cnaf.cnam")
    assert key not in (ours.folder.secret("share", "cnaf.cnam"), theirs.folder.secret("share", "cnaf.cnam"))
    assert [len(relay.held[kind]) for kind in ("shares", "confirmations")] == [2, 2]


def test_a_second_post_is_the_first_one(seats):
    """After a crash the same sealed share is posted, not another."""
    ours, _ = seats
    relay: Any = Relay()
    post_shares(ours, relay)
    post_shares(ours, relay)
    assert len(relay.held["shares"]) == 1


def test_a_missing_confirmation_is_waited_for(seats):
    """Nothing is confirmed while the partner has said nothing."""
    ours, theirs = seats
    relay: Any = Relay()
    post_shares(theirs, relay)
    assert join(ours, relay)
    assert not confirmed(ours, relay)


def test_another_key_is_not_confirmed(seats):
    """Partners who hold different keys find out before anything is sent."""
    ours, theirs = seats
    relay: Any = Relay()
    join(ours, relay)
    join(theirs, relay)
    join(ours, relay)
    theirs.folder.keep_secrets("key", {"cnaf.cnam": bytes(32)})
    with pytest.raises(ServiceError, match="E_CONFIRMATION"):
        confirmed(theirs, relay)


def test_another_encoder_is_not_confirmed(seats):
    """The tag covers the encoder's digest: same key, other encoder, no confirmation."""
    ours, theirs = seats
    relay: Any = Relay()
    join(ours, relay)
    post_shares(theirs, relay)
    join(ours, relay)
    key, transcript = RunKey(ours.folder.secret("key", "cnaf.cnam")), bytes.fromhex(ours.agreement.identifier)
    tag = confirmation(key, transcript, RUN, "cnaf.cnam", "cnam", bytes(32))
    statement = Confirmation(
        agreement=ours.agreement.identifier, run=RUN, comparison="cnaf.cnam", from_="cnam", tag=tag.hex()
    )
    relay.declare(RUN, "confirmations", statement.signed(theirs.identity.signing_key))
    with pytest.raises(ServiceError, match="E_CONFIRMATION"):
        confirmed(ours, relay)


def test_an_echoed_share_is_refused(seats):
    """A partner that sends our own share back has drawn none."""
    ours, theirs = seats
    relay: Any = Relay()
    post_shares(ours, relay)
    mine = ours.folder.secret("share", "cnaf.cnam")
    relay.declare("", "shares", seal_share(theirs, theirs.comparisons[0], Share(mine)))
    with pytest.raises(Exception, match="E_CLE"):
        collect_keys(ours, relay)
