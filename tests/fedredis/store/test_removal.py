from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fedredis.errors import LeaseHeldError, RunNotFoundError
from fedredis.store import removal, runs
from tests.fedredis.store.conftest import config

if TYPE_CHECKING:
    from redis import Redis


@pytest.fixture
def two(fake: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs whose names begin alike, one with more keys than are deleted in one call."""
    monkeypatch.setattr(removal, "BATCH", 3)
    for run in ("r1", "r10"):
        runs.create(fake, run, config())
        for number in range(10):
            fake.set(f"fedredis:{{{run}}}:round:train:7:update:{number}", b"x")
    fake.set("fedredis:{r1}x", b"of somebody else")


def test_nothing_of_the_run_is_left(fake, two):
    before = set(fake.keys())
    removed = removal.remove(fake, "r1", token="me")
    gone = before - set(fake.keys())
    assert removed == len(gone)
    assert gone == {key for key in before if key.startswith(b"fedredis:{r1}")}
    assert fake.zrange("fedredis:runs", 0, -1) == [b"r10"]
    with pytest.raises(RunNotFoundError, match="there is no run r1"):
        removal.remove(fake, "r1", token="me")


def test_what_is_handed_in_meanwhile_goes_too(fake, two, monkeypatch):
    looked = fake.scan_iter

    def hand_in(**asked):
        yield from looked(**asked)
        # Behind the last key: where the round is still open, a worker's bundle is counted.
        if fake.exists("fedredis:{r1}:round:train:7"):
            fake.rpush("fedredis:{r1}:round:train:7:bundles", "bundle:w:1")

    fake.hset("fedredis:{r1}:round:train:7", "state", "open")
    monkeypatch.setattr(fake, "scan_iter", hand_in)
    removal.remove(fake, "r1", token="me")
    assert not fake.keys("fedredis:{r1}:*")


def test_a_run_that_is_going_on(fake, two):
    fake.set("fedredis:{r1}:lease", "its master", px=5000)
    before = {key: fake.dump(key) for key in fake.scan_iter()}
    with pytest.raises(LeaseHeldError, match="run r1 is going on: stop its master first"):
        removal.remove(fake, "r1", token="me")
    assert {key: fake.dump(key) for key in fake.scan_iter()} == before


def test_what_a_deletion_left_that_was_cut_short(fake, two):
    fake.delete("fedredis:{r1}")
    removal.remove(fake, "r1", token="me")
    assert fake.keys("fedredis:{r1}*") == [b"fedredis:{r1}x"] or not fake.keys("fedredis:{r1}:*")
