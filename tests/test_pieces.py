"""Parts of results, sealed for their run: they open under their own name only, and say no exact number by their size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crypto.errors import CryptoError
from crypto.sealing import SealingKey
from service.third_party.pieces import (
    LINK,
    LINKS,
    LinksPiece,
    PieceName,
    count_pieces,
    drop_links,
    drop_pieces,
    keep_piece,
    load_piece,
    open_judgement,
    open_links,
    seal_judgement,
    seal_links,
)
from service.third_party.run_store import add_run
from service.third_party.store import add_agreement, add_party
from tests.simulator import START
from tests.test_agreement import AGREEMENT, CAF, CNOUS
from tests.test_run_store import RUN

KEY = SealingKey.generate()
NAME = PieceName(run=RUN.run, comparison="caf.cnous", pass_="jour", part=LINKS, number=3)


def piece(count: int) -> LinksPiece:
    links = np.zeros(count, dtype=LINK)
    links["left"], links["right"] = np.arange(count), np.arange(count)[::-1]
    links["score"], links["id"] = 0.5, 7
    return LinksPiece(head={"of": 4, "links": count}, links=links)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_links_come_back_as_they_were(count):
    """Every column, and the counts of the head."""
    opened = open_links(KEY, NAME, seal_links(KEY, NAME, piece(count)))
    assert piece(count).head == opened.head
    np.testing.assert_array_equal(piece(count).links, opened.links)


def test_a_judgement_comes_back_as_it_was():
    """Codes and counts."""
    found: dict[str, Any] = {"code": "E_REMPLISSAGE", "counts": {"near": 3}}
    assert found == open_judgement(KEY, NAME, seal_judgement(KEY, NAME, found))


@pytest.mark.parametrize(
    "change", [{"run": "f" * 32}, {"comparison": "caf.msa"}, {"pass_": "noms"}, {"part": "caf"}, {"number": 2}], ids=str
)
def test_a_part_opens_under_its_own_name_only(change):
    """Whoever can write the tables cannot put a result in the place of another."""
    sealed = seal_links(KEY, NAME, piece(2))
    with pytest.raises(CryptoError):
        open_links(KEY, replace(NAME, **change), sealed)


def test_nothing_opens_without_the_key_of_the_run():
    """Destroying that key destroys the results."""
    with pytest.raises(CryptoError):
        open_links(SealingKey.generate(), NAME, seal_links(KEY, NAME, piece(2)))


def test_sizes_tell_the_magnitude_of_a_result_only():
    """One link or fifty: the same number of bytes."""
    assert len(seal_links(KEY, NAME, piece(1))) == len(seal_links(KEY, NAME, piece(50)))
    codes: list[dict[str, Any]] = [
        {"code": None, "counts": {}},
        {"code": "E_CONTENU_MANIFESTE", "counts": {"near": 10**6}},
    ]
    assert 1 == len({len(seal_judgement(KEY, NAME, code)) for code in codes})


def test_the_same_part_is_never_sealed_the_same():
    """Each sealing has its own key."""
    assert seal_links(KEY, NAME, piece(2)) != seal_links(KEY, NAME, piece(2))


@pytest.fixture
def connection(database):
    """A connection with a run."""
    with database.write() as connection:
        for identity in (CAF.public, CNOUS.public):
            add_party(connection, identity, START)
        add_agreement(connection, AGREEMENT, START)
        add_run(connection, RUN)
        yield connection


def test_a_part_is_written_once(connection):
    """The second time nothing changes, and whoever wrote is told."""
    assert keep_piece(connection, NAME, b"first")
    assert not keep_piece(connection, NAME, b"second")
    assert b"first" == load_piece(connection, NAME)
    assert keep_piece(connection, replace(NAME, number=0), b"other")
    assert 1 == count_pieces(connection, NAME)  # the third is there, the first is: nothing can go on from the third
    for number in (1, 2):
        keep_piece(connection, replace(NAME, number=number), b"more")
    assert 4 == count_pieces(connection, NAME)


def test_links_go_with_their_pass_and_everything_with_the_run(connection):
    """What other passes and judgements have found stays until then."""
    judged = replace(NAME, part="caf", number=0)
    for name in (NAME, judged, replace(NAME, pass_="noms")):
        keep_piece(connection, name, b"1")
    drop_links(connection, NAME.run, "caf.cnous", "jour")
    assert (None, b"1", b"1") == (
        load_piece(connection, NAME),
        load_piece(connection, judged),
        load_piece(connection, replace(NAME, pass_="noms")),
    )
    drop_pieces(connection, NAME.run)
    assert (0, None) == (count_pieces(connection, replace(NAME, pass_="noms")), load_piece(connection, judged))
