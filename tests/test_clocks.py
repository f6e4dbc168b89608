"""R8: clocks that are wrong, jump, or meet 29 February: nothing is destroyed early, and nothing a minute late."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.agreement import TRACES_MONTHS
from service.third_party.clocks import CLOCK, LEAP, PATIENCE, SteadyClock, forget, mark, marked, months_after
from service.third_party.log import erase_bodies
from service.third_party.site import open_site
from service.third_party.upkeep import forget_traces, tend
from tests.simulator import START, Simulation, simulation

pytestmark = pytest.mark.R8
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATEST = timedelta(seconds=60)


class Machine:
    """A machine whose system clock is wrong by `error`, and whose monotonic clock is right."""

    def __init__(self, error: timedelta = timedelta(0)) -> None:
        self.true = START
        self.error = error

    def wall(self) -> datetime:
        return self.true + self.error

    def ticks(self) -> float:
        return (self.true - START).total_seconds() + 12345.678

    def clock(self, floor: datetime | None = None) -> SteadyClock:
        return SteadyClock(self.wall, self.ticks, floor)


def destroyed_at(
    machine: Machine, clock: SteadyClock, span: timedelta, jump: tuple[timedelta, timedelta] | None
) -> timedelta:
    """How long after the opening a deadline of this span is seen to be over, looked at every five seconds.

    Args:
        machine: whose clock jumps.
        clock: the service's.
        span: of the deadline.
        jump: (after how long, by how much) the system's clock jumps.
    """
    opened = clock()
    begun = machine.true
    while clock() - opened < span:
        machine.true += timedelta(seconds=5)
        if jump and machine.true - begun >= jump[0]:
            machine.error += jump[1]
            jump = None
    return machine.true - begun


@pytest.mark.parametrize("error", [timedelta(0), HOUR, -HOUR, DAY, -DAY], ids=str)
@pytest.mark.parametrize(
    "jump",
    [None, (3 * HOUR, -DAY), (3 * HOUR, -HOUR), (3 * HOUR, timedelta(seconds=-59)), (timedelta(seconds=5), -2 * DAY)],
    ids=str,
)
def test_a_deadline_is_kept_to_the_minute_whatever_the_clock_says(error, jump):
    """Skewed by an hour or a day from the start, jumping back in the middle: six hours are six hours."""
    machine = Machine(error)
    taken = destroyed_at(machine, machine.clock(), 6 * HOUR, jump)
    assert timedelta(0) <= taken - 6 * HOUR <= LATEST


@pytest.mark.parametrize("leap", [HOUR, DAY, 365 * DAY], ids=str)
def test_a_leap_that_passes_destroys_nothing(leap):
    """The system's clock is ahead for some seconds, as a faulty source of time would have it."""
    machine = Machine()
    clock = machine.clock()
    for _ in range(int(PATIENCE.total_seconds()) - 1):
        machine.true += timedelta(seconds=1)
        machine.error = leap
        assert clock() == machine.true
    machine.error = timedelta(0)
    machine.true += timedelta(seconds=1)
    assert clock() == machine.true


def test_a_leap_that_lasts_is_believed_within_the_minute():
    """A machine that slept without counting: what became due meanwhile is destroyed."""
    machine = Machine()
    clock = machine.clock()
    assert START == clock()
    machine.error = DAY
    begun = machine.true
    while clock() < START + DAY:
        machine.true += timedelta(seconds=1)
    assert machine.true - begun <= LATEST - timedelta(seconds=5)


def test_small_corrections_are_followed():
    """The system's clock is the authority within some seconds."""
    machine = Machine()
    clock = machine.clock()
    machine.error = LEAP
    assert START + LEAP == clock()
    assert timedelta(0) == clock.drift()
    machine.error -= timedelta(seconds=5)
    assert (START + LEAP, timedelta(seconds=5)) == (clock(), clock.drift())


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(-10_000_000, 10_000_000)), max_size=40))
def test_it_never_goes_back_and_never_stands_still(steps):
    """Whatever the system's clock does, time passes at least as fast as it does."""
    machine = Machine()
    clock = machine.clock()
    shown = clock()
    for seconds, error in steps:
        machine.true += timedelta(seconds=seconds)
        machine.error = timedelta(seconds=error)
        assert clock() >= shown + timedelta(seconds=seconds)
        shown = clock()


def test_a_restart_brings_no_moment_back(tmp_path):
    """The highest moment shown is kept in the database; a clock that was set back meanwhile starts from there."""
    with simulation(tmp_path / "data") as sim:
        sim.clock.advance(days=2)
        tend(sim.site, _fail)
        with sim.site.database.read() as connection:
            assert sim.clock() == marked(connection, CLOCK)
        machine = Machine(-DAY)
        clock = machine.clock()
        site = open_site(sim.data, clock)
        assert sim.clock() == clock()
        machine.true += timedelta(seconds=30)
        assert sim.clock() + timedelta(seconds=30) == clock()
        with site.database.write() as connection:
            forget(connection, CLOCK)
        site.database.close()
        reopened = open_site(sim.data, clock := Machine(-DAY).clock())
        assert START - DAY == clock()
        reopened.database.close()


def _fail(error: Exception) -> None:
    raise error


def test_a_floor_that_is_raised_later_adds_nothing_to_the_time(tmp_path):
    """A minute passes between the start of the process and the moment at which it reads the mark of another."""
    machine = Machine()
    clock = machine.clock()
    machine.true += timedelta(seconds=60)
    clock.raise_to(machine.true - timedelta(seconds=2))
    assert machine.true == clock()


def test_restarts_do_not_make_the_clock_run_ahead():
    """Each process reads a mark that is later than what it has shown: one that another process has kept since it began.

    What has passed until then is in the mark already. Were it added once more, each restart would leave a mark that is further
    ahead, the next one would begin from there, and deadlines would come early for good.
    """
    machine = Machine()
    shown = machine.clock()()
    for _ in range(50):
        clock = machine.clock()  # begins ...
        machine.true += timedelta(
            seconds=60
        )  # ... and takes its time to load, while the other goes on to show the moment
        clock.raise_to(mark_of_the_other := max(shown, machine.true))
        assert mark_of_the_other == clock()
        machine.true += timedelta(seconds=1)
        shown = clock()
        assert machine.true == shown


@pytest.mark.parametrize("behind", [timedelta(0), HOUR, DAY], ids=str)
def test_restarts_of_a_machine_that_is_behind_add_nothing(behind):
    """Its own clock never reaches the mark: time is then what has passed since, once."""
    machine = Machine(-behind)
    elder = machine.clock(START)
    begun = elder()
    for _ in range(20):
        younger = machine.clock()
        machine.true += timedelta(seconds=30)
        younger.raise_to(elder())
        machine.true += timedelta(seconds=30)
        assert elder() == younger()
        elder = younger
    assert begun + timedelta(seconds=60) * 20 == elder()


def test_a_mark_only_rises(database):
    """An older moment never replaces a newer one."""
    with database.write() as connection:
        for at, expected in ((START, START), (START - DAY, START), (START + DAY, START + DAY)):
            mark(connection, CLOCK, at)
            assert expected == marked(connection, CLOCK)
        assert None is marked(connection, "other")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2024-02-29T18:00:00", 12, "2025-03-01T00:00:00"),
        ("2024-02-29T18:00:00", 48, "2028-02-29T18:00:00"),
        ("2023-02-28T18:00:00", 12, "2024-02-28T18:00:00"),
        ("2025-11-29T18:00:00", 3, "2026-03-01T00:00:00"),
        ("2025-11-29T18:00:00", 27, "2028-02-29T18:00:00"),
        ("2026-01-31T23:59:59", 1, "2026-03-01T00:00:00"),
        ("2026-12-31T00:00:00", 2, "2027-03-01T00:00:00"),
        ("2026-10-31T12:00:00", 1, "2026-12-01T00:00:00"),
        ("2026-11-20T08:00:00", 36, "2029-11-20T08:00:00"),
    ],
)
def test_months_are_those_of_the_calendar(day, months, expected):
    """The same day of the month; where there is none, the end of its last day, never before it."""
    given_day, wanted = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (day, expected))
    assert wanted == months_after(given_day, months)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 60))  # noqa: DTZ001 - drawn bare
def test_months_agree_with_the_calendar(moment, months):
    """For any moment: the last day of the target month is either reached or not there."""
    found = months_after(moment.replace(tzinfo=UTC), months)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    days = calendar.monthrange(year, month + 1)[1]
    if moment.day <= days:
        assert moment.replace(year=year, month=month + 1, tzinfo=UTC) == found
    else:
        assert datetime(year, month + 1, days, tzinfo=UTC) + DAY == found


@pytest.fixture
def sim(tmp_path: Path):
    """A fresh third party."""
    with simulation(tmp_path / "data") as one:
        yield one


def bodies(sim: Simulation) -> int:
    with sim.site.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM log_leaves WHERE leaf IS NOT NULL").scalar() or 0)


def test_traces_are_forgotten_after_their_months_and_not_a_second_before(sim: Simulation):
    """36 calendar months; what proves a destruction stays; the log still verifies and still grows."""
    sim.caf.cancel(sim.opened())
    before = bodies(sim)
    due = months_after(sim.clock(), TRACES_MONTHS)
    sim.clock.moment = due - timedelta(seconds=1)
    assert (0, before) == (forget_traces(sim.site), bodies(sim))
    with sim.site.database.read() as connection:
        note = sim.site.log.checkpoint(connection)
    sim.clock.moment = due
    assert (before - 1, 1) == (forget_traces(sim.site), bodies(sim))
    with sim.site.database.read() as connection:
        assert note == sim.site.log.checkpoint(connection)
    assert 0 == forget_traces(sim.site)


def test_traces_are_forgotten_some_at_a_time(sim: Simulation):
    """No transaction erases more than it is told."""
    sim.caf.cancel(sim.opened())
    before = bodies(sim)
    sim.clock.moment = months_after(sim.clock(), TRACES_MONTHS)
    with sim.site.database.write() as connection:
        assert 2 == erase_bodies(connection, sim.clock(), 2)
    assert before - 2 == bodies(sim)
