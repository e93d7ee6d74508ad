"""The workers that are there, and what each is at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.jobs.stays import stays_of
from fedredis.store import workers as stored

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class Worker:
    """A worker that is there."""

    name: str
    host: str
    pid: int
    dataset: str
    #: Whose rows it holds; None for all of the data set's.
    slaves: tuple[str, ...] | None
    #: The run that it works for, and which kind of job; empty if it is idle.
    run: str
    job: str
    #: Share of one core over the last few seconds, and MiB of memory; None if it is new.
    cpu: float | None
    memory_mb: float | None
    #: Seconds since its last sign of life.
    seen: float
    #: Of which fedredis it is; empty if it does not say.
    version: str


@checked
def workers(*, redis_url: str | None = None, home: PathLike = ".fedredis") -> list[Worker]:
    """List the workers that are there, by name, with what they are at and what they use.

    Raises
    ------
    FedredisError
        If Redis can't be reached.
    """
    with session(redis_url, home) as opened:
        return read_workers(opened.client)


def wait_for_change(client: Redis) -> None:
    """Block until a worker comes, at most for two seconds: what they use changes, too."""
    stored.wait_for_join(client, stored.last_join(client), 2.0)


def read_workers(client: Redis) -> list[Worker]:
    """Do what `workers` does."""
    there = stored.seen(client)
    stays = stays_of(client, {one.card.name: one.card.queue for one in there})
    return [
        Worker(
            card.name,
            card.host,
            card.pid,
            card.dataset,
            card.slaves,
            *stays.get(card.name, ("", "")),
            cpu=one.cpu,
            memory_mb=one.memory_mb,
            seen=one.age_ms / 1000,
            version=card.version,
        )
        for one in there
        for card in (one.card,)
    ]
