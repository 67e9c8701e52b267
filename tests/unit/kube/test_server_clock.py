"""The API server's clock, known from the Date of its answers."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.kube.server_clock import ServerClock

ZERO = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


class Machine:
    """A machine whose clock is off by some seconds, and the API server's Date."""

    def __init__(self, off: float) -> None:
        self.true, self.off = ZERO, off

    def clock(self) -> float:
        return self.true + self.off

    def ask(self, clock: ServerClock, there: float = 0.1, back: float = 0.1) -> None:
        sent = self.clock()
        self.true += there
        date = format_datetime(datetime.fromtimestamp(int(self.true), UTC), usegmt=True)
        self.true += back
        clock.note(date, sent)


@pytest.mark.parametrize("off", [0.0, 0.3, -0.1])
def test_a_clock_that_is_right_stays_as_it_is(off):
    machine = Machine(off)
    clock = ServerClock(machine.clock)
    assert clock.offset == 0
    machine.ask(clock)
    assert clock.offset == 0


@given(
    st.floats(min_value=-7200, max_value=7200),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.floats(0, 30)), min_size=1, max_size=20),
)
def test_a_clock_that_is_off_by_hours_is_put_right(off, requests):
    machine = Machine(off)
    clock = ServerClock(machine.clock)
    for there, back, pause in requests:
        machine.ask(clock, there, back)
        worst = 1 + there + back
        assert abs(clock.now().timestamp() - machine.true) <= worst + 1e-3
        machine.true += pause


@given(st.floats(min_value=-7200, max_value=7200), st.floats(min_value=-7200, max_value=7200))
def test_a_clock_that_is_set_is_put_right_anew(before, after):
    machine = Machine(before)
    clock = ServerClock(machine.clock)
    machine.ask(clock)
    machine.off = after
    machine.ask(clock)
    assert abs(clock.now().timestamp() - machine.true) <= 1.3


@pytest.mark.parametrize("date", [None, "", "soon", "Sun, 99 Mar 2026 12:00:00 GMT"])
def test_what_is_no_date_changes_nothing(date):
    machine = Machine(0)
    clock = ServerClock(machine.clock)
    clock.note(date, machine.clock())
    assert clock.offset == 0
