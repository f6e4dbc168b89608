"""Generated filters: the same bytes everywhere, heavy tails where people are, planted pairs where rows are random."""

import hashlib

import numpy as np
import pytest

from benchmarks.match_data import KINDS, SHARES, Filters, distribution, main, make, measure_of, on_disk, told

ROWS = 500
DIGESTS = {
    "names": "2089796adfc04dcd86a7955f9f5aabf02299b60a8ece8c61313a5721a99c151b",
    "multi": "c849e5cdcc5ace87d4d235dafabc138b1711cd7ead056015872f7885747346b8",
    "rand25": "4da0b0c815df767f7a2d9a255b170f7b60552ac128e4b6666c8317fa25cbb4f0",
    "rand50": "685d0cc7278c2e3f5fefb88b22111a173ba9305460d44adadfa8a674e7ec86a1",
    "diffused2048": "88236055f85ee1b39543c21713e1ac82ec751cc933fd0b4ced20470a59b1db10",
    "diffused4096": "bfe2f1ee640bef565242fcc9dbfa2506b956541e53e23e0ae0e55d90e64e1213",
}


@pytest.fixture(scope="module")
def made():
    return {kind: make(kind, ROWS) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_are_the_same_everywhere(made, kind):
    """A kind, a size and a seed name one pair of arrays."""
    assert DIGESTS[kind] == made[kind].digest()


@pytest.mark.parametrize("kind", KINDS)
def test_shapes(made, kind):
    """Rows of words, in C order, of the length that the kind says."""
    words = {"diffused2048": 32, "diffused4096": 64}.get(kind, 16)
    for side in (made[kind].left, made[kind].right):
        assert (ROWS, words) == side.shape
        assert np.uint64 == side.dtype
        assert side.flags.c_contiguous


@pytest.mark.parametrize("kind", ["names", "rand50"])
def test_another_seed_gives_other_rows(made, kind):
    """The seed matters."""
    assert not np.array_equal(made[kind].left, make(kind, ROWS, 2).left)


@pytest.mark.parametrize("kind", KINDS)
def test_planted_pairs_are_the_only_close_ones(made, kind):
    """About as many pairs are close as were planted, in random kinds none besides."""
    filters = made[kind]
    found = distribution(filters.left, filters.right, measure_of(kind))
    close = found.shares[0.7] * found.pairs
    if kind in ("names", "multi"):
        assert 0.8 * filters.planted < found.shares[0.8] * found.pairs < 2 * filters.planted
    else:
        assert 0 < close <= filters.planted
    assert {"rand25": 5, "rand50": 5}.get(kind, 250) == filters.planted


def test_people_have_heavier_tails_than_random_bits(made):
    """Unrelated people share more than coins do."""
    shares = {}
    for kind in ("names", "rand50"):
        unrelated = Filters(left=made[kind].left, right=make(kind, ROWS, 7).right, planted=0)
        shares[kind] = distribution(unrelated.left, unrelated.right, "dice")
    assert 0 == shares["rand50"].shares[0.7]
    assert 1e-4 < shares["names"].shares[0.7]
    assert shares["rand50"].quantiles[0.999] + 0.1 < shares["names"].quantiles[0.999]


@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_distribution_against_plain_counting(measure):
    """Shares, quantiles and fill are those of all pairs, bit by bit."""
    rng = np.random.default_rng(3)
    left, right = (rng.integers(0, 2**64, (30, 1), dtype=np.uint64) for _ in range(2))
    right[:5] = left[:5]
    values = []
    for one in left[:, 0].tolist():
        for other in right[:, 0].tolist():
            both, total = (one & other).bit_count(), one.bit_count() + other.bit_count()
            values.append(2 * both / total if measure == "dice" else 1 - (one ^ other).bit_count() / 64)
    found = distribution(left, right, measure)
    bits = sum(row.bit_count() for row in [*left[:, 0].tolist(), *right[:, 0].tolist()])
    assert bits / (60 * 64) == pytest.approx(found.fill)
    assert {share: sum(value >= share for value in values) / 900 for share in SHARES} == found.shares
    for quantile, value in found.quantiles.items():
        assert sorted(values)[min(899, int(quantile * 900))] == pytest.approx(value, abs=0.04)


def test_diffused_rows_are_half_full(made):
    """Every row of a diffused kind is near one half, and so is the distance of unrelated ones."""
    filters = made["diffused4096"]
    bits = np.bitwise_count(filters.left).sum(axis=1, dtype=np.int64)
    assert (np.abs(bits - 2048) < 200).all()
    assert 0.5 == pytest.approx(distribution(filters.left, filters.right, "hamming").quantiles[0.5], abs=0.01)


def test_files_are_made_once(tmp_path):
    """What is there is not made again."""
    left, right = on_disk(tmp_path, "rand50", 100)
    assert np.array_equal(make("rand50", 100).right, np.load(right))
    np.save(left, np.zeros((1, 1), dtype=np.uint64))
    again, _ = on_disk(tmp_path, "rand50", 100)
    assert (1, 1) == np.load(again).shape
    assert {left, right} == set(tmp_path.iterdir())


def test_no_such_kind():
    """An unknown kind is refused."""
    with pytest.raises(ValueError, match="no such kind"):
        make("chemistry", 10)


def test_what_is_printed(tmp_path, capsys):
    """The kind, the size, quantiles and shares; nothing kept without a folder."""
    assert 0 == main(["--kind", "rand25", "--rows", "200"])
    assert [] == list(tmp_path.iterdir())
    assert 0 == main(["--kind", "rand25", "--rows", "200", "--keep", str(tmp_path / "data")])
    assert 2 == len(list((tmp_path / "data").iterdir()))
    printed = capsys.readouterr().out
    assert "rand25, 200 rows a side, 25.0 % of bits set" in printed.replace("24.9", "25.0").replace("25.1", "25.0")
    assert printed.count(">= 0.85") == 2
    filters = make("rand25", 200)
    assert told("rand25", 200, distribution(filters.left, filters.right, "dice")) in printed


def test_digest_is_that_of_the_bytes():
    """SHA-256 of the left side, then of the right one."""
    filters = make("rand50", 10)
    assert hashlib.sha256(filters.left.tobytes() + filters.right.tobytes()).hexdigest() == filters.digest()
