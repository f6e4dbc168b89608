"""A review by its commands: results wait, the source reads why, both agree, the recipient gets what was found."""

from __future__ import annotations

import pytest

from service.administration import review_commands
from service.errors import ServiceError
from service.messages import RunState
from tests.premises import agree, files, joined, premises


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with premises(tmp_path_factory.mktemp("premises")) as found:
        yield found


def test_held_results_are_released_by_both(place, tmp_path, capsys):
    """Waiting says that a review is on; only the source sees a reason; after both releases everything goes on as usual."""
    ours, theirs = place.pair()
    agreement = agree(ours, theirs, "--guard", "ecart_destinataire=1")
    run = joined(ours, theirs, agreement)
    for one, file in zip((ours, theirs), files(tmp_path), strict=True):
        assert [0, 0] == [one.run("run", "encode", run, file), one.run("run", "send", run)]
    capsys.readouterr()
    assert [1, 1] == [one.run("run", "wait", run) for one in (ours, theirs)]
    assert 2 == capsys.readouterr().err.count("E_EXAMEN")
    assert [0, 0] == [one.run("run", "review", run) for one in (ours, theirs)]
    shown = capsys.readouterr().out
    assert 2 == shown.count("résultats retenus pour examen")
    assert 1 == shown.count("effectif_declare")
    assert f"effectif    : {ours.party}, de 100 à 199" in shown
    assert ours.run("run", "hits", run, "--out", tmp_path / "hits.csv") == 1
    assert ours.run("run", "release", run) == 0
    assert f"encore attendu : {theirs.party}" in capsys.readouterr().out
    assert ours.run("run", "wait", run) == 1
    assert theirs.run("run", "release", run) == 0
    assert "les résultats sont livrés" in capsys.readouterr().out
    assert [0, 0] == [one.run("run", "wait", run) for one in (ours, theirs)]
    assert ours.run("run", "hits", run, "--out", tmp_path / "hits.csv") == 0
    assert [0, 0] == [one.run("run", "close", run) for one in (ours, theirs)]
    capsys.readouterr()
    assert theirs.run("run", "review", run) == 0
    assert "examen terminé" in capsys.readouterr().out
    assert theirs.run("run", "release", run) == 1
    assert "E_ETAPE" in capsys.readouterr().err


def test_a_run_that_is_not_held_has_no_review(place, capsys):
    """Nothing to show, nothing to release."""
    ours, theirs = place.pair()
    run = joined(ours, theirs, agree(ours, theirs))
    capsys.readouterr()
    assert ours.run("run", "review", run) == 0
    assert "aucun examen en cours" in capsys.readouterr().out
    assert ours.run("run", "release", run) == 1
    assert "E_ETAPE" in capsys.readouterr().err
    assert ours.run("run", "cancel", run) == 0


@pytest.mark.parametrize("change", [{}, {"run": "0" * 32}])
def test_a_reason_is_believed_only_from_the_pinned_third_party_about_this_run(change):
    """Signed by somebody else, or about another run: refused."""
    from types import SimpleNamespace

    from crypto.keys import Identity
    from service.review import Hold, ReviewView

    tiers, other = Identity.generate("tiers", "Tiers"), Identity.generate("autre", "Autre")
    about = {"agreement": "a" * 64, "run": "b" * 32, **change}
    hold = Hold(**about, comparison="x.y", sightings=(), sizes=(), nonce="c" * 32)
    signer = other if not change else tiers
    view = ReviewView(run="b" * 32, held=True, released=(), waiting=(), holds=(hold.signed(signer.signing_key),))
    online = SimpleNamespace(
        client=SimpleNamespace(review=lambda _: view), third_party=SimpleNamespace(identity=tiers.public)
    )
    seen = SimpleNamespace(run="b" * 32, agreement="a" * 64, state=RunState.HELD)
    with pytest.raises(ServiceError, match="E_REPONSE"):
        review_commands._read(online, seen)  # type: ignore[arg-type]
