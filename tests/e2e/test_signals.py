"""In a process whose main thread runs the tests: signals are of that thread alone."""

import signal
import sys

import pytest

from fedredis.cli.signals import terminate_as_interrupt, wait_for_one

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_that_comes_in_a_finalizer_is_not_lost(number):
    """There Python prints what is raised, and goes on."""
    passed = []

    class Finalized:
        def __del__(self):
            signal.raise_signal(number)

    def interrupted():
        Finalized()
        passed.append("the finalizer")
        wait_for_one()
        passed.append("what came next")

    hook, before = sys.unraisablehook, [signal.getsignal(each) for each in NUMBERS]
    with pytest.raises(KeyboardInterrupt), terminate_as_interrupt():
        interrupted()
    assert passed == ["the finalizer"]
    assert sys.unraisablehook is hook
    assert [signal.getsignal(each) for each in NUMBERS] == before


def test_what_else_is_raised_in_a_finalizer_is_told_as_before(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: told.append(what.exc_type))

    class Finalized:
        def __del__(self):
            raise ValueError

    with terminate_as_interrupt():
        Finalized()
    assert told == [ValueError]
