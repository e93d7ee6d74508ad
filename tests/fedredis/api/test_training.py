from __future__ import annotations

import os

import pytest

from fedredis.api.training import own_workers


@pytest.mark.parametrize(
    ("asked", "redis_url", "slaves", "count"),
    [
        (3, None, 10, 3),
        (3, "redis://there", 10, 3),
        (0, None, 10, 0),
        (None, "redis://there", 10, 0),
        (None, None, 1, 1),
        (None, None, 10_000, os.cpu_count()),
    ],
)
def test_how_many_workers_are_started(asked, redis_url, slaves, count):
    assert own_workers(asked, redis_url, slaves) == count
