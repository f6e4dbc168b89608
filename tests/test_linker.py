"""Linking a pass gives the one-to-one links inside equal tags, and tells what is wrong with a pass that cannot be linked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import linker, tag_join
from linkage.batch import Threads
from linkage.errors import LinkageError
from linkage.linker import PassContent, PassLinks, check_pass, check_pieces, link_pass, link_pieces
from linkage.plan import PassPlan
from linkage.wire import EncodedPass
from tests import oracle_matching as oracle
from tests.oracle_linker import link_whole
from tests.small_passes import PLAIN, PLAN, cut, encoded


def expected(left: EncodedPass, right: EncodedPass, plan: PassPlan) -> tuple[list[oracle.Pair], list[oracle.Pair]]:
    """Candidates and links, by the slow way."""
    score = oracle.dice if plan.measure == "dice" else oracle.hamming(plan.length)
    sides = oracle.integers(left.filters), oracle.integers(right.filters)
    pairs = [
        pair
        for pair in oracle.candidates(*sides, plan.information_score, score)
        if left.tags[pair[0]].tobytes() == right.tags[pair[1]].tobytes()
    ]
    return pairs, oracle.one_to_one(pairs)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), left=st.integers(0, 60), right=st.integers(0, 60), tags=st.integers(1, 6))
def test_many_to_one_gives_each_left_row_its_best(seed, left, right, tags):
    """Where the plan says so, right rows repeat: the first candidate of each left row is its link."""
    sides = encoded(seed, left, tags), encoded(seed + 1, right, tags)
    plan = replace(PLAN, solving="many-to-one")
    first: dict[int, oracle.Pair] = {}
    for pair in expected(*sides, plan)[0]:
        first.setdefault(pair[0], pair)
    assert list(first.values()) == listed(link_pass(*sides, plan))


def listed(links: PassLinks) -> list[oracle.Pair]:
    return list(zip(links.left_rows.tolist(), links.right_rows.tolist(), links.score.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32), left=st.integers(0, 60), right=st.integers(0, 60), tags=st.integers(1, 6),
    plan=st.sampled_from([PLAN, PLAIN]), threads=st.integers(1, 3),
)  # fmt: skip
def test_links_are_those_of_the_oracle(seed, left, right, tags, plan, threads):
    """Links, strict marks and counts are those of comparing every pair with equal tags."""
    sides = encoded(seed, left, tags), encoded(seed + 1, right, tags)
    links = link_pass(*sides, plan, threads=threads)
    pairs, kept = expected(*sides, plan)
    assert kept == listed(links)
    assert [one[2] >= plan.strict_score for one in kept] == links.strict.tolist()
    labels = [[tag.tobytes() for tag in side.tags] for side in sides]
    shared = set(labels[0]) & set(labels[1])
    assert (
        len(pairs),
        sum(labels[0].count(tag) * labels[1].count(tag) for tag in shared),
        len(shared),
        max((side.count(tag) for side in labels for tag in side), default=0),
    ) == (links.candidates, links.compared, links.skew.blocks, links.skew.largest)
    assert ["int64", "int64", "float64", "bool"] == [
        column.dtype.name for column in (links.left_rows, links.right_rows, links.score, links.strict)
    ]


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32), rows=st.tuples(st.integers(0, 300), st.integers(0, 300)), tags=st.integers(1, 40),
    cuts=st.tuples(*[st.lists(st.integers(0, 300), max_size=8)] * 2), plan=st.sampled_from([PLAN, PLAIN]),
    threads=st.integers(1, 3), memory=st.sampled_from([0, 1 << 14, 1 << 29]),
)  # fmt: skip
def test_pieces_threads_and_memory_change_no_byte(seed, rows, tags, cuts, plan, threads, memory):
    """Whatever the cuts, the result is that of the whole, to the byte; with no memory at all everything is spilled."""
    left, right = encoded(seed, rows[0], tags), encoded(seed + 1, rows[1], tags)
    whole = link_whole(left, right, plan)
    with pytest.MonkeyPatch.context() as patch, Threads(threads) as executor:
        patch.setattr(tag_join, "_LEAST_PIECE", 1)
        patch.setattr(tag_join, "_BATCH_PAIRS", 500)
        patch.setattr(linker, "_LEAST_BATCH", 1 << 10)
        sides = cut(left, cuts[0]), cut(right, cuts[1])
        links = link_pieces(*sides, plan, executor=executor, memory=memory)
    for name in ("left_rows", "right_rows", "score"):
        assert getattr(whole, name).tobytes() == getattr(links, name).tobytes()
    assert (whole.compared, whole.candidates) == (links.compared, links.candidates)
    assert left.ids[links.left_rows].tobytes() == links.left_ids.tobytes()
    assert whole.compared == links.skew.pairs


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(0, 60), cuts=st.lists(st.integers(0, 60), max_size=6), memory=st.sampled_from([0, 1 << 20]))
def test_checks_do_not_depend_on_the_pieces(rows, cuts, memory):
    """A sound pass gives its rows and fill; a fault is found wherever the cuts are."""
    one = encoded(rows, rows, 3)
    bits = int(np.bitwise_count(one.filters).sum(dtype=np.int64))
    content = check_pieces(cut(one, cuts), PLAN, memory=memory)
    assert PassContent(rows=rows, fill_permille=round(1000 * bits / max(1, 128 * rows))) == content
    if rows > 30:
        for change, plan, code in FORM.values():
            if code == "E_TABLEAU":
                continue
            with pytest.raises(LinkageError, match=code):
                check_pieces(cut(change(one), cuts), plan, memory=memory)


def test_what_progress_raises_stops_the_work():
    """An exception of the callback comes out as it is, nothing keeps running, and the executor can be used again."""

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    left, right = encoded(5, 300, 3), encoded(6, 500, 3)
    with Threads(2) as executor:
        with pytest.raises(KeyboardInterrupt):
            link_pieces([left], [right], PLAN, executor=executor, progress=stop)
        again = link_pieces([left], [right], PLAN, executor=executor)
    assert link_pass(left, right, PLAN).left_rows.tobytes() == again.left_rows.tobytes()


def test_a_broken_source_stops_the_work():
    """What reading a piece raises comes out as it is."""

    def broken() -> Iterator[EncodedPass]:
        yield encoded(5, 300, 3)
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the one raised above, which has no text
        link_pieces(broken(), [encoded(6, 500, 3)], PLAN)


def test_a_block_over_its_cap_stops_the_reading():
    """A pass that never changes tag is not gathered in memory when its plan has a cap."""
    read = []

    def endless() -> Iterator[EncodedPass]:
        one = encoded(0, 100, 1)
        ids = np.arange(100, dtype=">u8").reshape(100, 1)
        for piece in range(1000):
            read.append(piece)
            shifted = (ids + 100 * piece).astype(">u8").view(np.uint8).reshape(100, 8)
            yield replace(one, ids=np.concatenate([np.zeros_like(shifted), shifted], axis=1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tag_join, "_LEAST_PIECE", 1)
        with pytest.raises(LinkageError, match="E_BLOC_TROP_GRAND"):
            link_pieces(endless(), [encoded(1, 10, 1)], replace(PLAN, cap=200))
    assert len(read) < 10


def test_the_thresholds_are_distances():
    """Rows at exactly the information and strict distances are linked and marked, one bit further they are not."""
    plan = replace(PLAN, information=50, strict=30)
    rng = np.random.default_rng(1)
    left = encoded(0, 4, 1)
    right = encoded(1, 4, 1)
    bits = rng.random((4, 128)) < 0.5
    bits[1], bits[2], bits[3] = ~bits[0], np.roll(bits[0], 37), ~np.roll(bits[0], 37)
    changed = bits.copy()
    for row, distance in enumerate((30, 31, 50, 51)):
        changed[row, :distance] ^= True
    words = [np.packbits(side, axis=1, bitorder="little").view(np.uint64) for side in (bits, changed)]
    links = link_pass(replace(left, filters=words[0]), replace(right, filters=words[1]), plan)
    found = zip(links.left_rows.tolist(), links.right_rows.tolist(), links.strict.tolist(), strict=True)
    assert [(0, 0, True), (1, 1, False), (2, 2, False)] == list(found)


def test_one_tag_for_all_compares_all():
    """When a pass has no block value, every row meets every row."""
    left, right = encoded(5, 30, 1), encoded(6, 50, 1)
    links = link_pass(left, right, PLAIN)
    assert (1500, 1, 50) == (links.compared, links.skew.blocks, links.skew.largest)


def test_rows_of_other_tags_never_meet():
    """Equal filters under different tags are no link."""
    left = encoded(5, 30, 1)
    tags = left.tags.copy()
    tags[:, 0] = 9
    links = link_pass(left, replace(left, tags=tags), PLAN)
    assert (0, 0, 0) == (len(links.left_rows), links.compared, links.skew.blocks)


def test_progress_reaches_the_pairs_compared():
    """The callback ends on the total, which is what the result says was compared."""
    left, right, seen = encoded(5, 300, 3), encoded(6, 500, 3), []
    links = link_pass(left, right, PLAN, progress=lambda done, total: seen.append((done, total)))
    assert (links.compared, links.compared) == seen[-1]


def shuffled(one: EncodedPass) -> EncodedPass:
    return EncodedPass(ids=one.ids[::-1].copy(), tags=one.tags[::-1].copy(), filters=one.filters[::-1].copy())


def repeated_id(one: EncodedPass) -> EncodedPass:
    """The smallest id of the first block, given again to the first row of the last block."""
    ids = one.ids.copy()
    last = int(np.flatnonzero(one.tags[:, 0] == one.tags[-1, 0])[0])
    ids[0] = ids[last] = 0
    return replace(one, ids=ids)


FORM: dict[str, tuple[Callable[[EncodedPass], EncodedPass], PassPlan, str]] = {
    "filters of another length": (lambda one: encoded(0, 60, 3, length=192), PLAN, "E_LARGEURS"),
    "an id missing": (lambda one: replace(one, ids=one.ids[1:]), PLAN, "E_TABLEAU"),
    "a tag missing": (lambda one: replace(one, tags=one.tags[1:]), PLAN, "E_TABLEAU"),
    "rows in another order": (shuffled, PLAN, "E_ORDRE_LIGNES"),
    "ids out of order in a block": (
        lambda one: replace(one, ids=np.concatenate([one.ids[1::-1], one.ids[2:]])), PLAN, "E_ORDRE_LIGNES",
    ),
    "an id twice": (repeated_id, PLAN, "E_IDENTIFIANT_LIGNE"),
    "a block too large": (lambda one: one, replace(PLAN, cap=5), "E_BLOC_TROP_GRAND"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORM)
def test_faults_of_form_are_refused_on_either_side(name):
    """A pass that cannot be linked is refused with its code, when checked and when linked, on the left and on the right."""
    change, plan, code = FORM[name]
    good = encoded(0, 60, 3)
    bad = change(good)
    with pytest.raises(LinkageError, match=code):
        check_pass(bad, plan)
    for left, right in ((good, bad), (bad, good)):
        with pytest.raises(LinkageError, match=code):
            link_pass(left, right, plan)


FILLS = [(0, 4, False), (0, 0, False), (25, 4, False), (26, 4, True), (102, 4, True), (103, 4, False), (128, 4, False),
         (1, 0, True), (127, 0, True), (128, 0, False)]  # fmt: skip


@pytest.mark.parametrize(("bits", "degree", "accepted"), FILLS)
def test_rows_that_no_encoder_writes_are_refused(bits, degree, accepted):
    """Diffused rows have between 20 and 80 % of their bits, plain rows neither none nor all."""
    one, plan = encoded(0, 30, 2), replace(PLAN, degree=degree)
    row = np.packbits(np.arange(128) < bits, bitorder="little").view(np.uint64)
    filters = one.filters.copy()
    filters[7] = row
    changed = replace(one, filters=filters)
    check_pass(one, plan)
    if accepted:
        check_pass(changed, plan)
    else:
        with pytest.raises(LinkageError, match="E_REMPLISSAGE"):
            check_pass(changed, plan)


def test_an_empty_pass_is_sound():
    """A pass without rows passes the check and links nothing."""
    nothing = encoded(0, 0, 1)
    check_pass(nothing, PLAN)
    assert 0 == link_pass(nothing, encoded(0, 5, 1), PLAN).compared


def test_refusals_never_hold_an_id():
    """What is said about a fault names the rule and the pass, never a row."""
    one = encoded(0, 60, 3)
    for change, plan, _ in FORM.values():
        with pytest.raises(LinkageError) as refusal:
            check_pass(change(one), plan)
        assert not any(identifier.tobytes().hex() in str(refusal.value) for identifier in one.ids)
