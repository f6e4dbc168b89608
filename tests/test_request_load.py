"""Many clients at once, on PostgreSQL, each request signed and its nonce durable; figures by the benchmark."""

from __future__ import annotations

import json

import pytest

from benchmarks.request_load import measure

pytestmark = [pytest.mark.R7, pytest.mark.flow]


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_hundred_clients_are_all_answered(kind):
    """For two seconds: no refusal, no fault, no broken connection; speed is judged on a machine that does nothing else."""
    seen = measure(kind, clients=100, seconds=2, each=50, rate=0, words=[])
    print(json.dumps(seen))
    assert {200} == set(seen["statuses"])
    assert seen["requests"] >= 100


@pytest.mark.soak
def test_a_thousand_clients_on_postgresql():
    """The bar: 1,000 requests a second on two processors, those of the generator counted apart, 99 % within 300 ms."""
    seen = measure("postgresql", clients=1000, seconds=30, each=60, rate=1000, words=["--processes", "2"])
    print(json.dumps(seen))
    assert {200} == set(seen["statuses"])
    assert seen["per_second_on_two_cores"] >= 1000
    assert seen["p99_ms"] <= 300


@pytest.mark.soak
def test_a_thousand_clients_on_sqlite():
    """Its figure is printed; all are answered."""
    seen = measure("sqlite", clients=1000, seconds=30, each=30, rate=0, words=[])
    print(json.dumps(seen))
    assert {200} == set(seen["statuses"])
