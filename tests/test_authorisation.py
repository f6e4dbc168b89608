"""Role by action: the whole table, and what each refusal tells."""

from __future__ import annotations

from itertools import product

import pytest

from service.errors import ServiceError
from service.third_party.authorisation import RIGHTS, Role, check_right, roles_in
from service.third_party.lifecycle import Action
from tests.test_agreement import AGREEMENT

OPEN = {Action.READ_IDENTITY, Action.READ_INTERFACE, Action.READ_HEALTH}
ANY_PARTY = {
    Action.PROPOSE_AGREEMENT,
    Action.LIST_AGREEMENTS,
    Action.OPEN_RUN,
    Action.LIST_RUNS,
    Action.READ_CHECKPOINT,
    Action.READ_CONSISTENCY,
    Action.READ_WITNESSES,
    Action.WITNESS,
    Action.READ_KEYS,
    Action.SUCCEED_KEY,
}
RECIPIENT_ONLY = {
    Action.LIST_DELIVERIES,
    Action.READ_DELIVERY,
    Action.ACKNOWLEDGE,
    Action.SEND_RELAY,
    Action.READ_RELAYS,
}


def verdict(action: Action, party: str) -> int:
    """Status that a party gets on an object of the agreement; 200 when it is let through."""
    try:
        check_right(action, roles_in(AGREEMENT, party))
    except ServiceError as error:
        return error.status
    return 200


@pytest.mark.parametrize(("action", "party"), list(product(Action, ["caf", "cnous", "dgfip"])))
def test_the_whole_matrix(action, party):
    """The recipient may do all, the source all but fetch, a stranger only what is about no agreement."""
    if action in OPEN | ANY_PARTY or party == "caf":
        expected = 200
    elif party == "dgfip":
        expected = 404
    else:
        expected = 403 if action in RECIPIENT_ONLY else 200
    assert expected == verdict(action, party)


def test_every_action_has_its_line():
    """An action that the table forgets is refused to everybody."""
    assert set(Action) == set(RIGHTS)
    assert all(RIGHTS.values())


def test_roles_follow_from_the_agreement():
    """Being enrolled gives no part in an agreement; being its source gives no delivery."""
    assert frozenset({Role.ANYONE, Role.ENROLLED}) == roles_in(AGREEMENT, "dgfip") == roles_in(None, "caf")
    assert frozenset({Role.ANYONE, Role.ENROLLED, Role.MEMBER}) == roles_in(AGREEMENT, "cnous")
    assert frozenset(Role) == roles_in(AGREEMENT, "caf")


def test_nobody_without_a_role():
    """With no role at all, nothing is granted."""
    for action in Action:
        with pytest.raises(ServiceError) as caught:
            check_right(action, frozenset())
        assert 404 == caught.value.status
