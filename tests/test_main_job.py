"""The story of the main job, and what it makes of the truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from linkage.synthetic.files import two_files
from linkage.synthetic.mistakes import CERTIFIE
from service.demonstration.main_job import Story, _against_truth

START = datetime(2026, 12, 7, tzinfo=UTC)


class Hands:
    """A clock that goes on by two seconds whenever it is read."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=2)
        return self.now


def story() -> tuple[Story, list[str]]:
    told: list[str] = []
    return Story(clock=Hands(), tell=told.append), told


def test_what_happens_is_told_and_kept():
    """Parts, facts and durations, in order."""
    one, told = story()
    one.title("partie")
    one.say("fait")
    with one.timed("étape"):
        one.say("pendant")
    assert [("title", "partie"), ("fact", "fait"), ("fact", "pendant"), ("time", "étape : 2.0 s")] == one.lines
    assert ["\n== partie", "  fait", "  … étape", "  pendant", "  étape : 2.0 s"] == told
    assert 6.0 == one.seconds()


def test_hits_are_held_against_the_truth():
    """Of thirty who ought to be found: one lost, one told for nothing and, certain as it is, awarded."""
    files = two_files(
        size_left=100, size_right=90, overlap=70, seed=1, profile_left=CERTIFIE, profile_right=CERTIFIE, names_dir=None
    )
    person = dict(zip(files.left["identifiant"], files.left_person.tolist(), strict=True))
    both = set(files.left_person.tolist()) & set(files.right_person.tolist())
    eligible = [name for name, one in person.items() if one not in both]
    useless = next(name for name, one in person.items() if one in both)
    one, _ = story()
    _against_truth(one, dict.fromkeys([*eligible[1:], useless], "attribution"), person, files)
    texts = " ".join(text for _, text in one.lines)
    assert f"personnes éligibles trouvées 29 ({29 / 30:.2%}), perdues 1 ; lettres inutiles 1" in texts
    assert "attributions automatiques à qui a déjà le droit : 1" in texts
    assert f"précision {29 / 30:.4f}, rappel {29 / 30:.4f}" in texts
