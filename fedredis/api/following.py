"""Following a run: how it stands, again and again, as things happen in it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.api.events import RunEvent, since
from fedredis.api.inspection import RunRecord, read_record
from fedredis.api.nodes import NodeSeries, series_of
from fedredis.api.session import PathLike, session
from fedredis.api.workers import Worker, read_workers
from fedredis.config import check_name
from fedredis.store import nodes
from fedredis.store.streams import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from redis import Redis

    from fedredis.store.nodes import Sample

#: Seconds after which a run is looked at though nothing has happened: workers come and go.
LOOKED = 2.0
#: Samples of each node that are held.
SAMPLES = 200


@dataclass(frozen=True)
class Moment:
    """How a run stands."""

    record: RunRecord
    #: What has happened since the moment before; at first all that is known.
    events: tuple[RunEvent, ...]
    #: The newest samples of what its processes use, by node.
    nodes: Mapping[str, NodeSeries]
    #: The workers that are there.
    workers: tuple[Worker, ...]


def follow(
    run: str,
    *,
    every: float = 0.25,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
) -> Iterator[Moment]:
    """Follow a run: yield how it stands, again when something has happened, until it has ended.

    What happens within `every` seconds is one moment. A run that is not going on is one moment,
    too; of one whose master is gone the status is ``interrupted``.

    Raises
    ------
    RunNotFoundError
        If there is no such run, or it is deleted.
    FedredisError
        If Redis can't be reached.
    """
    check_name(run, "run")
    with session(redis_url, home) as opened:
        yield from moments(opened.client, run, every)


def moments(
    client: Redis, run: str, every: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[Moment]:
    """Do what `follow` does."""
    after, sampled = START.decode(), "-"
    by_node: dict[str, deque[Sample]] = {}
    events = list(since(client, run))
    while True:
        if events:
            after = events[-1].id
        record = read_record(client, run)
        samples, sampled = nodes.samples(client, run, sampled)
        for sample in samples:
            by_node.setdefault(sample.node, deque(maxlen=SAMPLES)).append(sample)
        held = [sample for own in by_node.values() for sample in own]
        series = series_of(held, record.state.started)
        yield Moment(record, tuple(events), series, tuple(read_workers(client)))
        if not record.state.going_on:
            return
        events = list(since(client, run, after, seconds=LOOKED))
        until = clock() + every
        while events and (left := until - clock()) > 0:
            events += since(client, run, events[-1].id, seconds=left)
