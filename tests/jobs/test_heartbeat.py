import logging
import threading

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from fedredis.jobs.heartbeat import Heartbeat

#: Seconds after which a test gives up; never waited for when all is well.
PATIENCE = 30


def test_it_beats_again_and_again_beside_the_work():
    beats, third = [], threading.Event()

    def beat():
        beats.append(threading.current_thread().name)
        if len(beats) == 3:
            third.set()

    with Heartbeat(beat, 0.001):
        assert third.wait(PATIENCE)
    assert set(beats) == {"heartbeat"}


def test_it_stops_with_the_work():
    beats, first = [], threading.Event()

    def beat():
        beats.append(1)
        first.set()

    with Heartbeat(beat, 0.001):
        assert first.wait(PATIENCE)
    count = len(beats)
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]
    assert len(beats) == count


def test_it_stops_when_the_work_fails():
    def fail():
        with Heartbeat(lambda: None, PATIENCE):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]


def test_a_beat_that_redis_does_not_answer_is_left_out(caplog):
    beats, second = [], threading.Event()

    def beat():
        beats.append(1)
        if len(beats) == 1:
            raise RedisConnectionError("away")
        second.set()

    with caplog.at_level(logging.WARNING), Heartbeat(beat, 0.001):
        assert second.wait(PATIENCE)
    assert caplog.messages == ["heartbeat left out: away"]
