import sys

import pytest

from serviceexecution.process.interpreter import SWITCH_SECONDS, switch_often


@pytest.fixture(autouse=True)
def usual_interval():
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_threads_give_the_interpreter_back_sooner_than_usual():
    usual = sys.getswitchinterval()
    switch_often()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert usual > SWITCH_SECONDS
