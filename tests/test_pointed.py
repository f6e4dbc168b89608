"""JSON values that know where they stand."""

from __future__ import annotations

import pytest

from linkage.clkhash.pointed import Pointed
from linkage.errors import SheetError

DOCUMENT = {"a/b": [{"~": 1}], "t": "text", "yes": True, "n": 2.0, "half": 0.5, "big": float("inf")}
ROOT = Pointed(value=DOCUMENT, source="s.json")


def refusal(work) -> str:
    with pytest.raises(SheetError) as caught:
        work()
    assert caught.value.code == "E_SCHEMA_CLK"
    return caught.value.message


def test_pointers_are_escaped():
    """`~` and `/` in keys follow RFC 6901."""
    assert ROOT.child("a/b").child(0).child("~").pointer == "/a~1b/0/~0"


def test_a_refusal_says_the_file_and_the_place():
    """The message begins with the file and the pointer; the whole document has words for it."""
    assert refusal(lambda: ROOT.child("t").refuse("non")) == "s.json : /t : non"
    assert refusal(lambda: ROOT.child("absent")).startswith("s.json : le document : il manque")


def test_values_of_the_right_type_come_out():
    """Each reader gives its type; a whole float is an integer, as JSON Schema has it."""
    assert (ROOT.child("t").text(), ROOT.child("yes").truth(), ROOT.child("n").integer(1, 2)) == ("text", True, 2)
    assert ROOT.child("absent", 5).integer() == 5
    assert [one.pointer for one in ROOT.child("a/b").items()] == ["/a~1b/0"]


@pytest.mark.parametrize(
    "work",
    [
        lambda: ROOT.child("n").text(),
        lambda: ROOT.child("n").truth(),
        lambda: ROOT.child("yes").number(),
        lambda: ROOT.child("half").integer(),
        lambda: ROOT.child("big").number(),
        lambda: ROOT.child("n").integer(3),
        lambda: ROOT.child("n").integer(None, 1),
        lambda: ROOT.child("t").choice(("x", "y")),
        lambda: ROOT.child("t").object(),
        lambda: ROOT.object(("t",)),
        lambda: list(ROOT.child("t").items()),
    ],
)
def test_values_of_another_type_are_refused(work):
    """Every reader refuses what it does not read."""
    assert " : " in refusal(work)
