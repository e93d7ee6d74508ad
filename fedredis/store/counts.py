"""What the rounds of runs came to in numbers, as scripts count it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.keys import RunKeys
from fedredis.store.replies import fields
from fedredis.store.scripts import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis


def counts(client: Redis, runs: Sequence[str]) -> list[dict[str, int]]:
    """Read the numbers of some runs, of each by name; what is no number is left out."""
    batch = Batch(client, "counts of runs")
    for run in runs:
        batch.add("HGETALL", RunKeys(run).counts)
    told = [fields(reply) if isinstance(reply, dict) else {} for reply in batch.run(errors=True)]
    return [
        {name: int(value) for name, value in one.items() if value.isascii() and value.isdecimal()}
        for one in told
    ]
