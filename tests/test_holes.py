"""What a paper cannot know is marked."""

from service.papers.holes import hole, holes_in


def test_marks_are_found_again():
    """In their order, and nothing else in brackets."""
    text = f"a {hole('une adresse')} [x] {hole('un nom')}"
    assert ["[À COMPLÉTER : une adresse]", "[À COMPLÉTER : un nom]"] == holes_in(text)
