"""Parties are each other's witnesses: a log that tells two histories is found out by the first comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crypto.audit import Checkpoint, MerkleTree, leaf_hash, sign_checkpoint
from crypto.errors import ProofRefused
from crypto.signatures import SigningKey
from crypto.witness import add_cosignature, open_cosigned
from service.administration.keyring import ThirdParty
from service.administration.verify import LogWatch
from service.answers import WitnessedView
from service.errors import ServiceError
from service.messages import log_origin, witness_name
from tests.simulator import Administration, Simulation, simulation

MOMENT = 1_795_000_000


@pytest.fixture
def sim(tmp_path):
    """A fresh third party."""
    with simulation(tmp_path / "data") as one:
        yield one


def seen(party: Administration, note: str) -> str:
    """The note, cosigned by a party."""
    return add_cosignature(note, party.identity.signing_key, witness_name(party.party), MOMENT)


def test_what_one_party_has_seen_the_others_read(sim: Simulation):
    """The largest checkpoint of each party, in order of their names, signed by log and party."""
    first = sim.caf.get("/log/checkpoint")["checkpoint"]
    sim.opened()
    second = sim.cnous.get("/log/checkpoint")["checkpoint"]
    for party, note in ((sim.caf, first), (sim.cnous, second), (sim.cnous, first)):
        assert None is sim_post(party, seen(party, note))
    views = [WitnessedView.from_json(one) for one in sim.dgfip.get("/log/witnesses")]
    assert [("caf", seen(sim.caf, first)), ("cnous", seen(sim.cnous, second))] == [
        (one.party, one.note) for one in views
    ]
    log = (sim.site.log.public_key, sim.site.log.name)
    checkpoint, moment = open_cosigned(
        views[1].note, log, (sim.cnous.identity.public.signing_key, witness_name("cnous"))
    )
    assert (checkpoint.size > 0, MOMENT) == (True, moment)


def sim_post(party: Administration, note: str, status: int = 200) -> Any:
    return party.post("/log/witnesses", {"note": note}, status)


@pytest.mark.S7
def test_only_a_checkpoint_of_this_log_signed_by_the_caller_is_kept(sim: Simulation):
    """Another's signature, another log, another root, a size to come, no signature at all: refused, nothing kept."""
    sim.opened()
    note = sim.caf.get("/log/checkpoint")["checkpoint"]
    key, name = sim.site.vault.log_key(), sim.site.log.name
    forged = [
        sign_checkpoint(Checkpoint(origin=name, size=1, root=bytes(32)), key, name),
        sign_checkpoint(Checkpoint(origin=name, size=1000, root=bytes(32)), key, name),
        sign_checkpoint(Checkpoint(origin=name, size=0, root=MerkleTree().root()), SigningKey.generate(), name),
    ]
    for bad in (note, seen(sim.cnous, note), *(seen(sim.caf, one) for one in forged), "nothing\n\n"):
        assert "E_TEMOIN" == sim_post(sim.caf, bad, 422)
    assert [] == sim.caf.get("/log/witnesses")


class Log:
    """A log that answers as a client would, honest or not."""

    def __init__(self) -> None:
        self.key, self.name = SigningKey.generate(), log_origin("tiers-de-confiance")
        self.leaves = [leaf_hash(bytes([number])) for number in range(6)]
        self.asked = 0

    def note(self, size: int, leaves: list[bytes] | None = None) -> str:
        root = MerkleTree(leaves or self.leaves).root(size)
        return sign_checkpoint(Checkpoint(origin=self.name, size=size, root=root), self.key, self.name)

    def consistency(self, first: int, second: int) -> list[bytes]:
        self.asked += 1
        try:
            return MerkleTree(self.leaves).consistency_proof(first, second)
        except ProofRefused as error:
            raise ServiceError("E_PREUVE", error.message) from None


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def watch(sim: Simulation, log: Log, tmp_path) -> LogWatch:
    pinned = ThirdParty(url="https://x", identity=sim.third_party, log_key=log.key.verify_bytes())
    return LogWatch(tmp_path / "home", pinned)


def test_each_answer_is_judged_and_the_same_one_costs_nothing(watch: LogWatch, log: Log):
    """A checkpoint that comes again is not proved again; nothing is kept of it but the latest."""
    for size in (2, 2, 4, 4, 3, 6):
        watch.noted(log.note(size), log)  # type: ignore[arg-type]  # asked for proofs only
    assert (3, 6) == (log.asked, getattr(watch.latest(), "size", 0))
    assert [6] == [one.size for one in watch.all_seen()]


@pytest.mark.R9
def test_a_log_that_became_shorter_is_found_at_the_next_answer(watch: LogWatch, log: Log):
    """The database is an older copy: it cannot prove what it has lost."""
    watch.noted(log.note(6), log)  # type: ignore[arg-type]
    log.leaves = log.leaves[:4]
    watch.check()
    watch.noted(log.note(4), log)  # type: ignore[arg-type]
    with pytest.raises(ServiceError, match="plus court") as caught:
        watch.check()
    assert "E_JOURNAL" == caught.value.code


def test_a_network_that_fails_is_no_fault_of_the_log(watch: LogWatch, log: Log, monkeypatch):
    """The proof could not be asked for: nothing is said, and the next answer is judged again."""
    watch.noted(log.note(2), log)  # type: ignore[arg-type]
    honest = log.consistency

    def away(first: int, second: int) -> list[bytes]:
        raise ServiceError("E_CONNEXION", "personne ne répond")

    monkeypatch.setattr(log, "consistency", away)
    watch.noted(log.note(4), log)  # type: ignore[arg-type]
    watch.check()
    monkeypatch.setattr(log, "consistency", honest)
    watch.noted(log.note(4), log)  # type: ignore[arg-type]
    assert 4 == getattr(watch.latest(), "size", 0)


@pytest.mark.S7
def test_a_split_view_is_found_by_comparing_witnesses(sim: Simulation, watch: LogWatch, log: Log):
    """What the others have seen is judged with their pinned keys, those that followed, and this party's own log."""
    watch.accept(log.note(4), log)  # type: ignore[arg-type]
    newer = replace(sim.cnous, identity=replace(sim.cnous.identity, signing_key=SigningKey.generate()))
    keys = {
        "caf": (sim.caf.identity.public.signing_key,),
        "cnous": (sim.cnous.identity.public.signing_key, newer.identity.signing_key.verify_bytes()),
    }

    def compared(party: Administration, note: str) -> int:
        views = [WitnessedView(party=party.party, note=note)]
        return watch.witnessed(views, lambda one: keys.get(one, ()), log)  # type: ignore[arg-type]

    assert 1 == compared(sim.caf, seen(sim.caf, log.note(6)))
    assert 1 == compared(sim.caf, seen(sim.caf, log.note(2)))
    assert 0 == compared(sim.dgfip, seen(sim.dgfip, log.note(2)))  # not pinned here
    assert 0 == compared(sim.caf, seen(sim.cnous, log.note(2)))  # says to be somebody else's
    other = [*log.leaves[:1], leaf_hash(b"other"), *log.leaves[2:]]
    assert 1 == compared(newer, seen(newer, log.note(2)))  # after it has changed its signing key
    for size in (2, 4, 6):
        for one in (sim.cnous, newer):
            with pytest.raises(ServiceError, match="réécrit"):
                compared(one, seen(one, log.note(size, other)))
