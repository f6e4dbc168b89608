"""Rates, places and slow bodies: how long to wait, who waits, what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.errors import ServiceError
from service.third_party.limits import SMALL, Buckets, Rooms, pieces_of
from tests.simulator import simulation


class Ticks:
    """Seconds that a test counts."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_at_its_rate():
    """A burst, then one at a time; the refusal says when to come back."""
    ticks = Ticks()
    bucket = Buckets(ticks, rate=2.0, burst=4.0)
    for _ in range(4):
        bucket.take("caf")
    with pytest.raises(ServiceError) as caught:
        bucket.take("caf")
    assert ("E_DEBIT", 429, "1", "2") == (
        caught.value.code, caught.value.status, caught.value.headers["retry-after"], caught.value.headers["ratelimit-limit"],
    )  # fmt: skip
    bucket.take("cnous")
    ticks.now += 0.5
    bucket.check("caf")
    bucket.take("caf")
    with pytest.raises(ServiceError):
        bucket.check("caf")
    ticks.now -= 100  # a clock that goes back gives nothing and takes nothing
    with pytest.raises(ServiceError):
        bucket.take("caf")


def test_places_for_large_bodies():
    """So many for one party, so many altogether; small bodies do not wait."""

    async def most(parties: list[str], size: int) -> int:
        rooms, inside, seen = Rooms(places=5, of_one=2), 0, 0

        async def visit(party: str) -> None:
            nonlocal inside, seen
            async with rooms.place(party, size):
                inside += 1
                seen = max(seen, inside)
                await asyncio.sleep(0.01)
                inside -= 1

        await asyncio.gather(*map(visit, parties))
        return seen

    assert 2 == asyncio.run(most(["caf"] * 10, SMALL + 1))
    assert 5 == asyncio.run(most([f"p{number}" for number in range(20)], SMALL + 1))
    assert 10 == asyncio.run(most(["caf"] * 10, SMALL))


def test_a_body_that_comes_too_slowly_is_refused():
    """After the grace, by its rate; a steady one goes through."""

    async def read(pause: float, count: int) -> bytes:
        left = count

        async def receive() -> Any:
            nonlocal left
            await asyncio.sleep(pause)
            left -= 1
            return {"type": "http.request", "body": b"x" * 100, "more_body": left > 0}

        return b"".join([piece async for piece in pieces_of(receive, grace=0.1, slowest=1000.0)])

    assert b"x" * 1000 == asyncio.run(read(0.01, 10))
    with pytest.raises(ServiceError) as caught:
        asyncio.run(read(0.25, 10))
    assert ("E_LENTEUR", 408, "close") == (caught.value.code, caught.value.status, caught.value.headers["connection"])


def test_a_party_over_its_rate_is_told_when_to_come_back(tmp_path):
    """Over HTTP, with the headers; the others are not concerned."""
    with simulation(tmp_path / "data") as sim:
        app: Any = sim.http.app
        limits = app.state.limits
        limits.parties = Buckets(lambda: 0.0, rate=1.0, burst=3.0)
        answers = [sim.caf.send("GET", "/runs") for _ in range(4)]
        assert [200, 200, 200, 429] == [one.status_code for one in answers]
        assert {"retry-after": "1", "ratelimit-remaining": "0"}.items() <= dict(answers[3].headers).items()
        assert 200 == sim.cnous.send("GET", "/runs").status_code


def test_whoever_does_not_sign_has_a_rate_too(tmp_path):
    """401 a few times, then 429, for that address."""
    with simulation(tmp_path / "data") as sim:
        app: Any = sim.http.app
        app.state.limits.unsigned = Buckets(lambda: 0.0, rate=1.0, burst=2.0)
        assert [401, 401, 429] == [sim.http.get("/v1/runs").status_code for _ in range(3)]
        assert 200 == sim.caf.send("GET", "/runs").status_code
