"""Linear algebra stays on one thread within the context, and as it was outside."""

from __future__ import annotations

import numpy as np
import pytest

from linkage import single_thread as module
from linkage.single_thread import single_thread


def count():
    return module._functions()[0]()


def test_the_number_of_threads_is_one_inside_and_what_it_was_outside():
    """The library is told, and told back, even when the work fails."""
    before = count()

    def fail():
        with single_thread():
            assert 1 == count()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert before == count()


def test_products_are_the_same():
    """A product inside equals one outside."""
    one = np.random.default_rng(1).integers(0, 9, (300, 300)).astype(np.float32)
    with single_thread():
        inside = one @ one
    assert np.array_equal(one @ one, inside)


def test_another_library_is_left_alone(monkeypatch):
    """Where nothing can be told, the work runs all the same."""
    monkeypatch.setattr(module, "_NAMES", ("no_such_function_{}",))
    module._functions.cache_clear()
    with single_thread():
        assert 1 == count()
    module._functions.cache_clear()
