from __future__ import annotations

import logging
import threading

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from fedredis.jobs.heartbeat import Heartbeat

#: Seconds after which a test gives up; never waited for when all is well.
PATIENCE = 30


def test_it_beats_again_and_again_beside_the_work() -> None:
    beats, third = [], threading.Event()

    def beat() -> None:
        beats.append(threading.current_thread().name)
        if len(beats) == 3:
            third.set()

    with Heartbeat(beat, 0.001):
        assert third.wait(PATIENCE)
    assert set(beats) == {"heartbeat"}


def test_it_stops_with_the_work() -> None:
    beats, first = [], threading.Event()

    def beat() -> None:
        beats.append(1)
        first.set()

    with Heartbeat(beat, 0.001):
        assert first.wait(PATIENCE)
    count = len(beats)
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]
    assert len(beats) == count


def test_it_stops_when_the_work_fails() -> None:
    def fail() -> None:
        with Heartbeat(lambda: None, PATIENCE):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]


def test_a_beat_that_redis_does_not_answer_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    beats, second = [], threading.Event()

    def beat() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise RedisConnectionError("away")
        second.set()

    with caplog.at_level(logging.WARNING), Heartbeat(beat, 0.001):
        assert second.wait(PATIENCE)
    assert caplog.messages == ["heartbeat left out: away"]
