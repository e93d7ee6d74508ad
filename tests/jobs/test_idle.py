"""Work that is put off until a worker waits."""

from __future__ import annotations

from functools import partial

from fedredis.jobs.idle import MOST_BYTES, MOST_SECONDS, Idle


def test_what_was_put_off_is_done_once():
    idle, done = Idle(lambda: 0.0), list[int]()
    for number in range(3):
        idle.add(partial(done.append, number), 1)
    assert done == []
    idle.work()
    idle.work()
    assert done == [0, 1, 2]


def test_what_takes_too_much_memory_is_left_out():
    idle, done = Idle(lambda: 0.0), list[int]()
    for number, nbytes in enumerate((MOST_BYTES - 1, 2, 1, 1)):
        idle.add(partial(done.append, number), nbytes)
    idle.work()
    assert done == [0, 2]
    # Between the next two rounds there is room again.
    idle.add(partial(done.append, 4), MOST_BYTES)
    idle.work()
    assert done == [0, 2, 4]


def test_what_there_is_no_time_for_is_forgotten():
    now, done = [0.0], list[int]()

    def take(number: int) -> None:
        done.append(number)
        now[0] += MOST_SECONDS / 2

    idle = Idle(lambda: now[0])
    for number in range(3):
        idle.add(partial(take, number), 1)
    idle.work()
    idle.work()
    assert done == [0, 1]
