"""Waiting for slaves: who of a run's slaves has a worker that can act for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError, WaitTimeoutError
from fedredis.store import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from fedredis.store.workers import WorkerCard

#: Seconds between two looks while nobody joins; one that joins is seen at once.
TICK = 2.0


def missing(cards: Sequence[WorkerCard], dataset: str, slaves: Sequence[str]) -> list[str]:
    """List the slaves that none of the workers can act for, in order."""
    of_dataset = [card for card in cards if card.dataset == dataset]
    if any(card.slaves is None for card in of_dataset):
        return []
    served = {slave for card in of_dataset for slave in card.slaves or ()}
    return [slave for slave in slaves if slave not in served]


def wait_for_dataset(
    client: Redis, *, report: Callable[[str], None], deadline: float, clock: Callable[[], float]
) -> WorkerCard:
    """Wait for a worker, and return its card: it describes the data set that the slaves hold.

    Raises
    ------
    UsageError
        If workers of several data sets are there, so that one must be chosen.
    WaitTimeoutError
        If none has come by `deadline` (seconds on `clock`).
    """
    cursor = workers.last_join(client)
    while True:
        cards = workers.present(client)
        datasets = sorted({card.dataset for card in cards})
        if len(datasets) > 1:
            raise UsageError(
                f"slaves of several data sets are waiting ({', '.join(datasets)}): "
                "choose one with --data"
            )
        if cards:
            return cards[0]
        if clock() >= deadline:
            raise WaitTimeoutError(
                "no slave has come: start some with "
                "`fedredis slave --redis-url URL --data DIRECTORY`"
            )
        report("waiting for slaves: none yet")
        cursor = workers.wait_for_join(client, cursor, TICK)


def wait_for_slaves(
    client: Redis,
    dataset: str,
    slaves: Sequence[str],
    *,
    report: Callable[[str], None],
    deadline: float,
    clock: Callable[[], float],
) -> None:
    """Wait until every slave has a worker that can act for it.

    Raises
    ------
    WaitTimeoutError
        If some have none by `deadline` (seconds on `clock`); it names them.
    """
    cursor = workers.last_join(client)
    while absent := missing(workers.present(client), dataset, slaves):
        names = ", ".join(absent[:10]) + (", …" if len(absent) > 10 else "")
        if clock() >= deadline:
            raise WaitTimeoutError(
                f"{len(absent)} of {len(slaves)} slaves of {dataset} did not come: {names}"
            )
        report(f"waiting for {len(absent)} of {len(slaves)} slaves: {names}")
        cursor = workers.wait_for_join(client, cursor, TICK)
