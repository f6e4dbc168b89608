"""A party changes its signing key, the operator revokes one: who may sign, from which moment on."""

from __future__ import annotations

import json

import pytest

from crypto.errors import CryptoError
from crypto.framing import to_base64
from crypto.signatures import SigningKey
from crypto.witness import add_cosignature
from service.errors import ServiceError
from service.messages import Approval, witness_name
from service.successions import Succession, key_digest
from service.third_party.successors import revoke
from tests.simulator import Administration, Simulation


def rotated(sim: Simulation, one: Administration) -> Administration:
    """The same party with a new key that it has deposited."""
    from dataclasses import replace

    key = SigningKey.generate()
    signed = Succession.drawn(one.identity.public, one.identity.signing_key, key, sim.clock())
    assert one.post("/keys", signed) == one.post("/keys", signed)
    identity = replace(one.identity, signing_key=key, enrolled=one.identity.public)
    return Administration(identity=identity, http=one.http, clock=one.clock)


def test_both_keys_sign_until_the_next_one(sim):
    """Two active keys at most: the third ends the first."""
    first = sim.caf
    second = rotated(sim, first)
    assert [200, 200] == [one.send("GET", "/runs").status_code for one in (first, second)]
    third = rotated(sim, second)
    assert [401, 200, 200] == [one.send("GET", "/runs").status_code for one in (first, second, third)]


def test_statements_and_agreements_are_signed_by_either(sim):
    """The identity that was pinned does not change."""
    run = sim.opened()
    second = rotated(sim, sim.cnous)
    statement = Approval(agreement=run.agreement, run=run.run, party="cnous").signed(second.identity.signing_key)
    assert "joining" == second.post(f"/runs/{run.run}/approval", statement)["state"]
    view = sim.caf.get(f"/parties/{second.party}/keys")
    assert [key_digest(second.identity.signing_key.verify_bytes())] == [
        key_digest(__import__("base64").b64decode(one["statement"]["successor"])) for one in view["successions"]
    ]


def test_the_chain_is_one_line(sim):
    """A key that has a successor gets no second one; a key that served never serves again."""
    second = rotated(sim, sim.caf)
    fork = Succession.drawn(sim.caf.identity.public, sim.caf.identity.signing_key, SigningKey.generate(), sim.clock())
    assert "E_CLE_SUCCESSION" == sim.caf.post("/keys", fork, 409)
    back = Succession.drawn(
        second.identity.public, second.identity.signing_key, sim.caf.identity.signing_key, sim.clock()
    )
    assert "E_CLE_SUCCESSION" == second.post("/keys", back, 409)


def test_a_succession_of_somebody_else_is_refused(sim):
    """Of another identity, or without the new key in hand."""
    other = Succession.drawn(
        sim.cnous.identity.public, sim.cnous.identity.signing_key, SigningKey.generate(), sim.clock()
    )
    assert 422 == sim.caf.send("POST", "/keys", __import__("json").dumps(other).encode()).status_code


def test_a_revoked_key_is_out_at_once(sim):
    """One of two, by the beginning of its name; then all."""
    second = rotated(sim, sim.caf)
    first_name = key_digest(sim.caf.identity.public.signing_key)
    assert (first_name,) == revoke(sim.site, "caf", first_name[:12])
    assert [401, 200] == [one.send("GET", "/runs").status_code for one in (sim.caf, second)]
    assert 1 == len(revoke(sim.site, "caf", None))
    assert 401 == second.send("GET", "/runs").status_code
    for party, code in (("caf", "E_CLE_REVOQUEE"), ("nobody", "E_PARTIE_INCONNUE")):
        with pytest.raises(ServiceError, match=code):
            revoke(sim.site, party, None)


@pytest.mark.parametrize("what", ["statement", "agreement", "witness"])
def test_what_a_revoked_key_has_signed_is_refused_under_the_other_one(sim, what):
    """A process that remembers both keys judges a statement by those that are active when it is kept."""
    thief, second = sim.cnous, rotated(sim, sim.cnous)
    about = sim.opened()
    agreement = sim.agreement()
    document = {
        "document": agreement.to_json(),
        "signature": to_base64(agreement.signature(sim.caf.identity.signing_key)),
    }
    sim.caf.post("/agreements", document, 201)
    note = second.get("/log/checkpoint")["checkpoint"]
    approval = Approval(agreement=about.agreement, run=about.run, party="cnous")

    def posted(by: Administration) -> int:
        """Inside a request that the key which remains has signed."""
        key = by.identity.signing_key
        path, body = {
            "statement": (f"/runs/{about.run}/approval", approval.signed(key)),
            "agreement": (
                f"/agreements/{agreement.identifier}/signatures",
                {"signature": to_base64(agreement.signature(key))},
            ),
            "witness": ("/log/witnesses", {"note": add_cosignature(note, key, witness_name("cnous"), 1_800_000_000)}),
        }[what]
        return second.send("POST", path, json.dumps(body).encode()).status_code

    assert [200, 200] == [one.send("GET", "/runs").status_code for one in (thief, second)]  # both are remembered now
    revoke(sim.site, "cnous", key_digest(thief.identity.signing_key.verify_bytes()))
    assert 422 == posted(thief)
    assert 200 <= posted(second) < 300


def test_the_keys_of_a_stranger_are_nobody_s_business(sim):
    """As if it did not exist."""
    sim.agreed()
    assert "E_INTROUVABLE" == sim.caf.get("/parties/dgfip/keys", 404) == sim.caf.get("/parties/nobody/keys", 404)
    assert {"party": "cnous", "successions": []} == sim.caf.get("/parties/cnous/keys")


def test_a_succession_proves_the_new_key(sim):
    """Whoever deposits somebody else's key cannot."""
    from dataclasses import replace

    public, key = sim.caf.identity.public, sim.caf.identity.signing_key
    one = Succession.checked(
        public, (public.signing_key,), Succession.drawn(public, key, SigningKey.generate(), sim.clock())
    )
    stolen = replace(one, successor=SigningKey.generate().verify_bytes()).signed(key)
    with pytest.raises(CryptoError):
        Succession.checked(public, (public.signing_key,), stolen)
